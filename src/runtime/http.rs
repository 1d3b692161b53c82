//! The operator's own pages: `/healthz`, `/readyz` and `/metrics`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Media type of `/metrics` (`OpenMetrics` 1.0).
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the operator is alive and ready, as its own parts tell.
#[derive(Debug)]
pub struct Health {
    max_silence: Duration,
    state: Mutex<HealthState>,
}

#[derive(Debug)]
struct HealthState {
    last_beat: Instant,
    missing: BTreeMap<String, String>,
    standby: Option<String>,
}

impl Health {
    /// Alive as long as [`Self::beat`] is called at least once in `max_silence`; ready once nothing is
    /// missing. Begins with one missing thing, `start`, so that nobody is sent here before the
    /// watches were named.
    #[must_use]
    pub fn new(max_silence: Duration) -> Self {
        let starting = ("start".to_owned(), "the operator is starting".to_owned());
        Self {
            max_silence,
            state: Mutex::new(HealthState {
                last_beat: Instant::now(),
                missing: BTreeMap::from([starting]),
                standby: None,
            }),
        }
    }

    /// Says that the event loop goes round.
    pub fn beat(&self) {
        self.state().last_beat = Instant::now();
    }

    /// Names what is missing, such as `watch Employee`, and says why in a sentence.
    pub fn missing(&self, what: impl Into<String>, sentence: impl Into<String>) {
        self.state().missing.insert(what.into(), sentence.into());
    }

    /// Says that something is there (again).
    pub fn present(&self, what: &str) {
        self.state().missing.remove(what);
    }

    /// Ends the start: from now on only what was named is missing.
    pub fn started(&self) {
        self.present("start");
    }

    /// Says that another instance works, and that this one is ready to take over; `None` ends that.
    pub fn stand_by(&self, sentence: Option<String>) {
        self.state().standby = sentence;
    }

    /// A sentence, where this instance stands by.
    pub fn standby(&self) -> Option<String> {
        self.state().standby.clone()
    }

    /// Whether the event loop goes round.
    ///
    /// # Errors
    ///
    /// A sentence for a person.
    pub fn alive(&self) -> Result<(), String> {
        let silence = self.state().last_beat.elapsed();
        if silence <= self.max_silence {
            return Ok(());
        }
        Err(format!(
            "the event loop has not gone round for {} seconds",
            silence.as_secs()
        ))
    }

    /// Whether nothing is missing.
    ///
    /// # Errors
    ///
    /// A sentence for each thing that is missing.
    pub fn ready(&self) -> Result<(), String> {
        let state = self.state();
        if state.missing.is_empty() {
            return Ok(());
        }
        let sentences: Vec<&str> = state.missing.values().map(String::as_str).collect();
        Err(sentences.join("; "))
    }

    fn state(&self) -> MutexGuard<'_, HealthState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    /// The address it listens at, with the port that was found where 0 was asked for.
    pub address: SocketAddr,
    /// Ends after the shutdown was asked for and the last answer is sent.
    pub task: JoinHandle<()>,
}

/// The pages can't be served.
#[derive(Debug, thiserror::Error)]
#[error("can't listen at {address} for health and metrics: {source}; choose another with --listen")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

impl ListenError {
    /// Stable reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        "ListenFailed"
    }
}

#[derive(Clone)]
struct Pages {
    health: Arc<Health>,
    registry: Arc<Registry>,
}

/// Serves the pages until `shutdown` is cancelled.
///
/// # Errors
///
/// The address can't be listened at.
pub async fn serve(
    address: SocketAddr,
    health: Arc<Health>,
    registry: Arc<Registry>,
    shutdown: CancellationToken,
) -> Result<Server, ListenError> {
    let failed = |source| ListenError { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let pages = Pages { health, registry };
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(pages);
    let task = tokio::spawn(async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "health and metrics are no longer served");
        }
    });
    Ok(Server {
        address: bound,
        task,
    })
}

async fn healthz(State(pages): State<Pages>) -> Response {
    verdict(pages.health.alive())
}

async fn readyz(State(pages): State<Pages>) -> Response {
    // Whoever stands by is as ready as it can be: an upgrade waits for this before it ends the leader.
    if let Some(sentence) = pages.health.standby() {
        return (sentence + "\n").into_response();
    }
    verdict(pages.health.ready())
}

fn verdict(verdict: Result<(), String>) -> Response {
    match verdict {
        Ok(()) => "ok\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why + "\n").into_response(),
    }
}

async fn metrics(State(pages): State<Pages>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &pages.registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::clock::SystemClock;
    use crate::runtime::metrics::{self, Metrics};

    const SILENCE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn alive_while_the_loop_beats() {
        let health = Health::new(SILENCE);
        tokio::time::advance(SILENCE).await;
        assert_eq!(health.alive(), Ok(()));
        tokio::time::advance(Duration::from_secs(1)).await;
        let why = health.alive().unwrap_err();
        assert!(why.contains("61 seconds"), "{why}");
        health.beat();
        assert_eq!(health.alive(), Ok(()));
    }

    #[tokio::test]
    async fn ready_once_nothing_is_missing() {
        let health = Health::new(SILENCE);
        assert_eq!(health.ready(), Err("the operator is starting".to_owned()));
        health.missing("watch Employee", "Employees have not been listed yet");
        health.missing("crds", "the CRDs of rollcall.dev are not installed");
        health.started();
        health.present("watch Employee");
        assert_eq!(
            health.ready(),
            Err("the CRDs of rollcall.dev are not installed".to_owned())
        );
        health.present("crds");
        assert_eq!(health.ready(), Ok(()));
        health.missing("crds", "gone");
        assert_eq!(health.ready(), Err("gone".to_owned()));
    }

    #[tokio::test]
    async fn pages_are_served_at_the_address_that_was_found() {
        let health = Arc::new(Health::new(SILENCE));
        let mut registry = metrics::registry();
        let _metrics = Metrics::register(&mut registry, Arc::new(SystemClock));
        let shutdown = CancellationToken::new();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = serve(
            any,
            Arc::clone(&health),
            Arc::new(registry),
            shutdown.clone(),
        )
        .await
        .unwrap();
        assert_ne!(server.address.port(), 0);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let page = async |path: &str| {
            let url = format!("http://{}{path}", server.address);
            let answer = client.get(url).send().await.unwrap();
            let kind = answer.headers().get(CONTENT_TYPE).cloned();
            (answer.status().as_u16(), kind, answer.text().await.unwrap())
        };
        assert_eq!(page("/healthz").await.0, 200);
        let (code, _, why) = page("/readyz").await;
        assert_eq!((code, why.as_str()), (503, "the operator is starting\n"));
        health.stand_by(Some("standby: another works".to_owned()));
        let (code, _, words) = page("/readyz").await;
        assert_eq!((code, words.as_str()), (200, "standby: another works\n"));
        health.stand_by(None);
        assert_eq!(page("/readyz").await.0, 503);
        health.started();
        assert_eq!(page("/readyz").await.0, 200);
        let (code, kind, text) = page("/metrics").await;
        assert_eq!((code, kind.unwrap().to_str().unwrap()), (200, OPEN_METRICS));
        assert!(
            text.contains("rollcall_build_info{") && text.ends_with("# EOF\n"),
            "{text}"
        );
        assert_eq!(page("/").await.0, 404);

        let taken = serve(
            server.address,
            health,
            Arc::default(),
            CancellationToken::new(),
        )
        .await;
        let error = taken.unwrap_err();
        assert!(error.to_string().contains("--listen"), "{error}");
        drop(client);
        shutdown.cancel();
        server.task.await.unwrap();
    }
}
