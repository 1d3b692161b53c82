//! The operator under test, within the test process or as a process of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use rollcall::controllers::engine::Settings;
use rollcall::controllers::{self, Options, Outside, RunError};
use rollcall::domain::guard::Limits;
use rollcall::notify::stored::Place;
use rollcall::notify::{self, Config};
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
        Self::start_with(
            namespace,
            namespace.kubeconfig(),
            None,
            SignedDuration::ZERO,
        )
        .await
    }

    /// As `start`; it speaks to the API server through a proxy.
    pub async fn start_through(namespace: &Namespace, proxy: &Proxy) -> Self {
        Self::start_with(namespace, proxy.kubeconfig(), None, SignedDuration::ZERO).await
    }

    /// Starts it with a clock that is shifted from the start.
    pub async fn start_shifted(namespace: &Namespace, by: SignedDuration) -> Self {
        Self::start_with(namespace, namespace.kubeconfig(), None, by).await
    }

    /// Starts it with a file that says whom it tells of what, and a clock that is shifted from the start. What it has
    /// told is remembered in the namespace.
    pub async fn start_notifying(namespace: &Namespace, config: &Path, by: SignedDuration) -> Self {
        let settings = notify::Settings {
            config: Config::read(config).unwrap(),
            place: Place {
                namespace: namespace.name.clone(),
                name: "notices".to_owned(),
            },
        };
        Self::start_with(namespace, namespace.kubeconfig(), Some(settings), by).await
    }

    async fn start_with(
        namespace: &Namespace,
        kubeconfig: PathBuf,
        notifications: Option<notify::Settings>,
        by: SignedDuration,
    ) -> Self {
        let cluster = ClientOptions {
            kubeconfig: Some(kubeconfig),
            context: None,
        };
        let address = format!("127.0.0.1:{}", free_port());
        let clock = Arc::new(ShiftableClock::over(Arc::new(SystemClock)));
        clock.shift(by);
        let options = Options {
            namespaces: Some(BTreeSet::from([namespace.name.clone()])),
            engine: Settings {
                installation: INSTALLATION.to_owned(),
                paused: false,
                limits: Limits::NONE,
            },
            listen: address.parse().unwrap(),
            field_manager: "rollcall".to_owned(),
            election: None,
            notifications,
            client: client::connect(&cluster).await.unwrap(),
            clock: clock.clone(),
            outside: Outside::default(),
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
        metrics(&self.address).await
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
    address: String,
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
            let deployed = Deployed::start(namespace).await;
            return Self {
                address: deployed.address(),
                running: Running::Deployed(deployed),
            };
        }
        Self::start_as(namespace, &[], &[]).await
    }

    /// As `start`, with more arguments, and more in its environment.
    pub async fn start_as(
        namespace: &Namespace,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        Self::start_with(namespace, &namespace.kubeconfig(), more, environment).await
    }

    /// As `start`; it speaks to the API server through a proxy.
    pub async fn start_through(namespace: &Namespace, proxy: &Proxy) -> Self {
        Self::start_with(namespace, &proxy.kubeconfig(), &[], &[]).await
    }

    /// Starts it without waiting until it is ready: it may be killed before.
    pub fn launch_in(namespace: &Namespace) -> Self {
        Self::launch(namespace, &namespace.kubeconfig(), &[], &[])
    }

    /// As `launch_in`; it speaks to the API server through a proxy.
    pub fn launch_through(namespace: &Namespace, proxy: &Proxy) -> Self {
        Self::launch(namespace, &proxy.kubeconfig(), &[], &[])
    }

    async fn start_with(
        namespace: &Namespace,
        kubeconfig: &Path,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut operator = Self::launch(namespace, kubeconfig, more, environment);
        let address = operator.address.clone();
        let process = operator.process();
        ready(&address, || process.ended().map(|_| process.output())).await;
        operator
    }

    fn launch(
        namespace: &Namespace,
        kubeconfig: &Path,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
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
            // As the operators within tests have it.
            "--guard-max-percent",
            "100",
        ];
        let arguments = arguments.iter().chain(more);
        let program = Path::new(env!("CARGO_BIN_EXE_rollcall"));
        let log = folder.path().join("rollcall.log");
        let process = Tied::start(program, arguments, environment, &log);
        Self {
            address,
            running: Running::Plain(process, folder),
        }
    }

    fn process(&mut self) -> &mut Tied {
        match &mut self.running {
            Running::Plain(process, _) => process,
            Running::Deployed(deployed) => deployed.process(),
        }
    }

    /// Memory that it has resident now, in bytes.
    #[allow(dead_code, reason = "for benchmarks")]
    pub fn resident(&mut self) -> u64 {
        self.process().resident()
    }

    /// Its process id.
    pub fn id(&mut self) -> u32 {
        self.process().id()
    }

    /// Waits until it has ended, however that came about.
    pub async fn ended(&mut self) {
        eventually("the operator has ended", async || {
            let log = self.log();
            self.process().ended().ok_or(log)
        })
        .await;
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        self.process().kill();
    }

    /// Asks it to end (SIGTERM) and waits until it has; whether it ended well.
    pub async fn terminate(&mut self) -> bool {
        terminated(self.process()).await
    }

    /// What `/metrics` says now.
    pub async fn metrics(&self) -> String {
        metrics(&self.address).await
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        match &self.running {
            Running::Plain(process, _) => process.output(),
            Running::Deployed(deployed) => deployed.log(),
        }
    }
}

/// Times of leader election, as flags.
pub struct Times {
    /// How long others wait for a leader that no longer renews.
    pub lease: &'static str,
    /// When a leader that can't renew ends.
    pub renew: &'static str,
}

/// The real program, one of several that may lead. The Lease is `rollcall` in the namespace that they
/// look after.
pub struct Candidate {
    process: Tied,
    address: String,
    _folder: TempDir,
}

impl Candidate {
    /// Starts it and waits for nothing.
    pub fn start(namespace: &Namespace, way: &Proxy, identity: &str, times: &Times) -> Self {
        let kubeconfig = way.kubeconfig();
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
            "--leader-elect",
            "--leader-elect-lease",
            &format!("{}/rollcall", namespace.name),
            "--leader-elect-identity",
            identity,
            "--leader-elect-lease-duration",
            times.lease,
            "--leader-elect-renew-deadline",
            times.renew,
            "--leader-elect-retry-period",
            "1s",
        ];
        let program = Path::new(env!("CARGO_BIN_EXE_rollcall"));
        let log = folder.path().join("rollcall.log");
        let process = Tied::start(program, arguments, &[], &log);
        Self {
            process,
            address,
            _folder: folder,
        }
    }

    /// One of its pages: the status and the text.
    pub async fn page(&self, path: &str) -> Result<(u16, String), String> {
        let url = format!("http://{}{path}", self.address);
        let answer = reqwest::get(&url).await.map_err(|e| e.to_string())?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(|e| e.to_string())?;
        Ok((status, text))
    }

    /// Waits until it leads and has seen everything.
    pub async fn leads(&mut self) {
        self.says("it leads", "ok\n").await;
    }

    /// Waits until it stands by, ready to take over, and returns what it says of that.
    pub async fn stands_by(&mut self) -> String {
        self.says("it stands by", "standby: ").await
    }

    async fn says(&mut self, what: &str, words: &str) -> String {
        eventually(what, async || {
            assert!(self.process.ended().is_none(), "{}", self.process.output());
            match self.page("/readyz").await {
                Ok((200, text)) if text.starts_with(words) => Ok(text),
                other => Err(other),
            }
        })
        .await
    }

    /// The process.
    pub fn process(&mut self) -> &mut Tied {
        &mut self.process
    }

    /// Asks it to end (SIGTERM) and waits until it has; whether it ended well.
    pub async fn terminate(&mut self) -> bool {
        terminated(&mut self.process).await
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        self.process.output()
    }
}

async fn metrics(address: &str) -> String {
    let url = format!("http://{address}/metrics");
    reqwest::get(url).await.unwrap().text().await.unwrap()
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
