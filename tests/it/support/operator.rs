//! The operator under test, within the test process or as a process of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rollcall::controllers::{self, Options, RunError};
use rollcall::runtime::client::{self, ClientOptions};
use rollcall::runtime::clock::{ShiftableClock, SystemClock};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::deployed::{self, Deployed};
use super::namespace::Namespace;
use super::process::{Tied, free_port};
use super::proxy::Proxy;
use super::wait::eventually;

/// First part of every mark that the operators of the tests leave.
pub const INSTALLATION: &str = "it";

/// An operator which looks after this test's namespace alone. It ends when this value is dropped.
pub struct Operator {
    /// Its clock. Shifting it does nothing where the operator is [`Way::Deployed`].
    pub clock: Arc<ShiftableClock>,
    address: String,
    way: Way,
}

/// How an operator runs.
enum Way {
    /// On this test's own runtime; its clock can be shifted while it runs.
    Within {
        shutdown: CancellationToken,
        task: JoinHandle<Result<(), RunError>>,
    },
    /// As the chart deploys it, where [`deployed::as_deployed`] asks for that.
    Deployed(Deployed),
}

impl Operator {
    /// Starts it and waits until it is ready.
    pub async fn start(namespace: &Namespace) -> Self {
        if deployed::is_asked_for() {
            let deployed = Deployed::start(namespace).await;
            return Self {
                clock: Arc::new(ShiftableClock::over(Arc::new(SystemClock))),
                address: deployed.address(),
                way: Way::Deployed(deployed),
            };
        }
        Self::start_with(namespace, namespace.kubeconfig()).await
    }

    /// As `start`; it speaks to the API server through a proxy.
    pub async fn start_through(namespace: &Namespace, proxy: &Proxy) -> Self {
        Self::start_with(namespace, proxy.kubeconfig()).await
    }

    async fn start_with(namespace: &Namespace, kubeconfig: PathBuf) -> Self {
        let cluster = ClientOptions {
            kubeconfig: Some(kubeconfig),
            context: None,
        };
        let address = format!("127.0.0.1:{}", free_port());
        let clock = Arc::new(ShiftableClock::over(Arc::new(SystemClock)));
        let options = Options {
            namespaces: Some(BTreeSet::from([namespace.name.clone()])),
            installation: INSTALLATION.to_owned(),
            listen: address.parse().unwrap(),
            field_manager: "rollcall".to_owned(),
            election: None,
            client: client::connect(&cluster).await.unwrap(),
            clock: clock.clone(),
        };
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(controllers::run(options, shutdown.clone()));
        ready(&address, || task.is_finished().then(String::new)).await;
        Self {
            clock,
            address,
            way: Way::Within { shutdown, task },
        }
    }

    /// What `/metrics` says now.
    pub async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.address);
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(mut self) -> Result<(), RunError> {
        match &mut self.way {
            Way::Within { shutdown, task } => {
                shutdown.cancel();
                task.await.unwrap()
            }
            Way::Deployed(deployed) => {
                assert!(terminated(deployed.process()).await, "{}", deployed.log());
                Ok(())
            }
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if let Way::Within { shutdown, .. } = &self.way {
            shutdown.cancel();
        }
    }
}

/// The real program, to be killed without warning.
pub struct OperatorProcess {
    running: Running,
}

enum Running {
    Plain(
        Tied,
        #[expect(dead_code, reason = "kept while it runs")] TempDir,
    ),
    Deployed(Deployed),
}

impl OperatorProcess {
    /// Starts `rollcall run` for one namespace and waits until it is ready.
    pub async fn start(namespace: &Namespace) -> Self {
        if deployed::is_asked_for() {
            return Self {
                running: Running::Deployed(Deployed::start(namespace).await),
            };
        }
        Self::start_with(namespace, &namespace.kubeconfig()).await
    }

    /// As `start`; it speaks to the API server through a proxy.
    pub async fn start_through(namespace: &Namespace, proxy: &Proxy) -> Self {
        Self::start_with(namespace, &proxy.kubeconfig()).await
    }

    async fn start_with(namespace: &Namespace, kubeconfig: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let arguments = [
            "run",
            "--installation",
            INSTALLATION,
            "--namespace",
            &namespace.name,
            "--listen",
            &address,
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
        ];
        let program = Path::new(env!("CARGO_BIN_EXE_rollcall"));
        let log = folder.path().join("rollcall.log");
        let mut process = Tied::start(program, arguments, &[], &log);
        ready(&address, || process.ended().map(|_| process.output())).await;
        Self {
            running: Running::Plain(process, folder),
        }
    }

    fn process(&mut self) -> &mut Tied {
        match &mut self.running {
            Running::Plain(process, _) => process,
            Running::Deployed(deployed) => deployed.process(),
        }
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        self.process().kill();
    }

    /// Asks it to end (SIGTERM) and waits until it has; whether it ended well.
    pub async fn terminate(&mut self) -> bool {
        terminated(self.process()).await
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        match &self.running {
            Running::Plain(process, _) => process.output(),
            Running::Deployed(deployed) => deployed.log(),
        }
    }
}

/// Asks a process to end (SIGTERM) and waits until it has; whether it ended well.
async fn terminated(process: &mut Tied) -> bool {
    process.signal("TERM");
    let status = eventually("the operator ends", async || {
        process.ended().ok_or("it runs")
    });
    status.await.success()
}

/// Waits for `/readyz`, unless the operator has ended: then `ended` says what it said.
async fn ready(address: &str, mut ended: impl FnMut() -> Option<String>) {
    let url = format!("http://{address}/readyz");
    eventually("the operator is ready", async || {
        if let Some(words) = ended() {
            panic!("the operator ended before it was ready: {words}");
        }
        match reqwest::get(&url).await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(answer.text().await.unwrap_or_default()),
            Err(e) => Err(e.to_string()),
        }
    })
    .await;
}
