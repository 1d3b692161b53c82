//! The API server's side of a `kube::Client`: lists, watches, patches, and what goes wrong with them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::stream;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use kube::client::Body;
use rollcall::runtime::clock::Clock as _;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster::{Cluster, Health, State};
use crate::dice::dice;

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// A client whose every request ends here.
pub fn client(cluster: &Arc<Cluster>) -> kube::Client {
    let cluster = Arc::clone(cluster);
    let service = tower::service_fn(move |request: Request<Body>| {
        let cluster = Arc::clone(&cluster);
        async move { serve(cluster, request).await }
    });
    kube::Client::new(service, "people")
}

/// What becomes of one request.
enum Luck {
    Fine,
    Refused(u16),
    /// It is done, and nobody hears of it.
    Unheard,
}

fn luck(state: &State, dice: &mut fastrand::Rng, is_write: bool) -> Luck {
    match state.health {
        Health::Well => Luck::Fine,
        Health::Down => Luck::Refused(0),
        Health::Flaky(percent) if dice.u8(..100) >= percent => Luck::Fine,
        Health::Flaky(_) => match dice.u8(..6) {
            0 => Luck::Refused(409),
            1 => Luck::Refused(429),
            2 => Luck::Refused(500),
            3 => Luck::Refused(0),
            _ if is_write => Luck::Unheard,
            _ => Luck::Refused(504),
        },
    }
}

async fn serve(cluster: Arc<Cluster>, request: Request<Body>) -> io::Result<Answer> {
    let is_write = request.method() != Method::GET;
    let now = cluster.wall.now().as_millisecond();
    let mut dice = dice((cluster.seed, now, request.method(), request.uri().path()));
    let pause = dice.u64(1..30);
    let luck = luck(&cluster.state(), &mut dice, is_write);
    sleep(Duration::from_millis(pause)).await;
    if let Luck::Refused(code) = luck {
        if code == 0 {
            return Err(io::Error::other("connection refused"));
        }
        return Ok(status(code, "not now"));
    }
    let (head, body) = request.into_parts();
    let body = body.collect_bytes().await.map_err(io::Error::other)?;
    let path = head.uri.path().to_owned();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let answer = answer(&cluster, &head.method, &path, &query, &body);
    cluster.tell();
    sleep(Duration::from_millis(dice.u64(1..30))).await;
    match luck {
        Luck::Unheard => Err(io::Error::other("connection reset")),
        _ => Ok(answer),
    }
}

fn answer(cluster: &Arc<Cluster>, method: &Method, path: &str, query: &str, body: &[u8]) -> Answer {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let Some(place) = parts.iter().position(|part| *part == "namespaces") else {
        return status(404, "only the namespace people is served");
    };
    let (kind, name) = (parts[place + 2], parts.get(place + 3).copied());
    let asked = |key: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(k, _)| k == key)
            .map(|(_, value)| value.into_owned())
    };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match (method, name) {
        (&Method::GET, None) if matches!(asked("watch").as_deref(), Some("1" | "true")) => {
            let from = asked("resourceVersion").and_then(|v| v.parse().ok());
            watch(cluster, kind, from.unwrap_or_default())
        }
        (&Method::GET, None) => {
            let state = cluster.state();
            let selector = asked("labelSelector").unwrap_or_default();
            let label = selector.split('=').next().unwrap_or_default().to_owned();
            let fits = |o: &&Value| label.is_empty() || !o["metadata"]["labels"][&label].is_null();
            let items: Vec<&Value> = state.list(kind).into_iter().filter(fits).collect();
            found(&json!({
                "apiVersion": "v1", "kind": "List", "items": items,
                "metadata": {"resourceVersion": state.version().to_string()},
            }))
        }
        (&Method::GET, Some(name)) => match cluster.get(kind, name) {
            Some(object) => found(&object),
            None => status(404, "not found"),
        },
        (&Method::POST, None) => {
            if kind == "events" {
                cluster.findings.shown("an event", &body.to_string());
                return found(&body);
            }
            let name = body["metadata"]["name"].as_str().unwrap_or_default();
            if kind == "secrets" {
                secret_is_made(cluster, &body);
            }
            match cluster.state().create(kind, name, body.clone()) {
                Some(object) => found(&object),
                None => status(409, "it is there already"),
            }
        }
        (&Method::PATCH, Some(_)) if kind == "events" => status(404, "not found"),
        (&Method::PATCH, Some(name)) => patch(cluster, kind, name, &body),
        (&Method::DELETE, Some(name)) => {
            if cluster.delete(kind, name) {
                status(200, "gone")
            } else {
                status(404, "not found")
            }
        }
        _ => status(405, "not here"),
    }
}

/// An initial password is nowhere else.
fn secret_is_made(cluster: &Cluster, body: &Value) {
    use base64::Engine as _;
    let kept = body["data"]["password"].as_str().unwrap_or_default();
    let plain = base64::engine::general_purpose::STANDARD.decode(kept);
    if let Ok(plain) = plain
        && let Ok(text) = String::from_utf8(plain)
    {
        cluster.findings.keep_secret(&text);
    }
}

fn patch(cluster: &Arc<Cluster>, kind: &str, name: &str, steps: &Value) -> Answer {
    let mut state = cluster.state();
    let Some(before) = state.get(kind, name).cloned() else {
        return status(404, "not found");
    };
    let mut object = before.clone();
    match steps.as_array() {
        Some(steps) => {
            for step in steps {
                if !apply(&mut object, step) {
                    return status(422, "the server rejected our request: a test failed");
                }
            }
        }
        None => merge(&mut object, steps),
    }
    // A list that is empty is none there.
    if object["metadata"]["finalizers"]
        .as_array()
        .is_some_and(Vec::is_empty)
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.remove("finalizers");
    }
    cluster.findings.shown(name, &object["status"].to_string());
    state.writes.push((kind.to_owned(), name.to_owned()));
    if object == before {
        return found(&before);
    }
    let stored = state.put(kind, name, object);
    found(&stored)
}

fn merge(object: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    for (key, value) in fields {
        merge(&mut object[key], value);
    }
}

/// One step of a JSON patch, as far as they are used.
fn apply(object: &mut Value, step: &Value) -> bool {
    let path = step["path"].as_str().unwrap_or_default();
    let (parent, last) = path.rsplit_once('/').unwrap_or_default();
    match step["op"].as_str() {
        Some("test") => object.pointer(path).unwrap_or(&Value::Null) == &step["value"],
        Some("add") => {
            let Some(parent) = object.pointer_mut(parent) else {
                return false;
            };
            match parent {
                Value::Array(items) => items.push(step["value"].clone()),
                parent => parent[last] = step["value"].clone(),
            }
            true
        }
        Some("remove") => {
            let items = object.pointer_mut(parent).and_then(Value::as_array_mut);
            let place = last.parse::<usize>();
            match (items, place) {
                (Some(items), Ok(place)) if place < items.len() => {
                    items.remove(place);
                    true
                }
                _ => false,
            }
        }
        _ => false,
    }
}

struct Watch {
    cluster: Arc<Cluster>,
    kind: String,
    version: u64,
    era: u64,
    news: tokio::sync::watch::Receiver<(u64, u64)>,
}

fn watch(cluster: &Arc<Cluster>, kind: &str, version: u64) -> Answer {
    if cluster.state().after(kind, version).is_none() {
        return status(410, "too old resource version");
    }
    let news = cluster.news.subscribe();
    let era = news.borrow().1;
    let watch = Watch {
        cluster: Arc::clone(cluster),
        kind: kind.to_owned(),
        version,
        era,
        news,
    };
    let lines = stream::unfold(watch, |mut watch| async move {
        loop {
            if watch.news.borrow_and_update().1 != watch.era {
                return None;
            }
            let news = watch.cluster.state().after(&watch.kind, watch.version)?;
            if !news.is_empty() {
                let cluster = &watch.cluster;
                let now = cluster.wall.now().as_millisecond();
                let late = dice((cluster.seed, now, &watch.kind)).u64(1..500);
                sleep(Duration::from_millis(late)).await;
                if watch.news.borrow().1 != watch.era {
                    return None;
                }
                let news = watch.cluster.state().after(&watch.kind, watch.version)?;
                watch.version = news.last()?.version;
                // Of Secrets only those are asked for that bear the label.
                let wanted = news
                    .iter()
                    .filter(|l| watch.kind != "secrets" || l.labelled);
                let lines: Vec<u8> = wanted.flat_map(|l| l.line.to_vec()).collect();
                if !lines.is_empty() {
                    return Some((Ok(Frame::data(Bytes::from(lines))), watch));
                }
                continue;
            }
            if watch.news.changed().await.is_err() {
                return None;
            }
        }
    });
    Response::new(StreamBody::new(lines).boxed_unsync())
}

fn found(object: &Value) -> Answer {
    respond(200, object)
}

fn status(code: u16, message: &str) -> Answer {
    let word = if code == 200 { "Success" } else { "Failure" };
    respond(
        code,
        &json!({"apiVersion": "v1", "kind": "Status", "status": word, "code": code,
            "message": message, "reason": ""}),
    )
}

fn respond(code: u16, body: &Value) -> Answer {
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = http::StatusCode::from_u16(code).unwrap();
    answer
}
