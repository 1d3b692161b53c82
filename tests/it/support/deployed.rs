//! The operator as the chart deploys it: a real `helm install`, and the real program with the
//! arguments and the environment that the Deployment has in the API server, with the token of the
//! chart's own ServiceAccount, and with no other rights.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{EnvVar, ServiceAccount};
use kube::api::PostParams;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::helm::{Helm, chart, text, values};
use super::namespace::Namespace;
use super::operator::INSTALLATION;
use super::process::{Tied, free_port};
use super::proxy::{Asked, Forwarded, Proxy, Verdict};
use super::wait::eventually;

thread_local! {
    /// Whether the operators of this test are started as the chart deploys them.
    static DEPLOYED: Cell<bool> = const { Cell::new(false) };
}

/// The releases, by the namespace that they look after: an operator that is started again there is
/// another pod of the same.
static RELEASES: LazyLock<Mutex<BTreeMap<String, Arc<Release>>>> = LazyLock::new(Mutex::default);

/// Runs a test whose operators are started as the chart deploys them. A test has a thread to itself.
pub fn as_deployed(test: fn()) {
    DEPLOYED.set(true);
    test();
}

/// Whether the operators of this test are started as the chart deploys them.
pub fn is_asked_for() -> bool {
    DEPLOYED.get()
}

/// An installed chart.
pub struct Release {
    /// Where it is installed.
    pub ops: Namespace,
    /// Its Deployment, as the API server has it.
    pub deployment: Deployment,
    token: String,
    port: u16,
}

impl Release {
    /// The release that looks after a namespace, installed where it is not yet.
    pub async fn for_people(people: &str) -> Arc<Self> {
        let known = RELEASES.lock().unwrap().get(people).cloned();
        match known {
            Some(release) => release,
            None => Self::for_people_with(people, json!({})).await,
        }
    }

    /// The same, installed with more values.
    pub async fn for_people_with(people: &str, values: Value) -> Arc<Self> {
        let mut more = json!({"watch": {"namespaces": [people]}, "crds": {"install": false}});
        for (key, value) in values.as_object().unwrap() {
            more[key] = value.clone();
        }
        let release = Arc::new(Self::install(Namespace::new("ops").await, more).await);
        let mut releases = RELEASES.lock().unwrap();
        releases.insert(people.to_owned(), Arc::clone(&release));
        release
    }

    /// Installs the chart into a namespace of its own, with more values than it needs.
    pub async fn install(ops: Namespace, more: Value) -> Self {
        let helm = Helm::of(ops.kubeconfig()).await;
        let port = free_port();
        let mut values = values();
        values["installation"] = json!(INSTALLATION);
        values["listen"] = json!({"address": "127.0.0.1", "port": port});
        // A test has no time to wait as long as people have.
        values["leaderElection"] =
            json!({"leaseDuration": "4s", "renewDeadline": "2s", "retryPeriod": "1s"});
        for (key, value) in more.as_object().unwrap() {
            values[key] = value.clone();
        }
        let chart = chart();
        // Its name is part of those of the cluster's roles.
        let arguments = ["install", &ops.name, text(&chart), "--namespace", &ops.name];
        helm.ok(&arguments, Some(&values)).await;
        let name = format!("{}-rollcall", ops.name);
        let deployment: Deployment = ops.api().get(&name).await.unwrap();
        let account = pod(&deployment).service_account_name.clone().unwrap();
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: Vec::new(),
                expiration_seconds: Some(3600),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let accounts = ops.api::<ServiceAccount>();
        let token = accounts
            .create_token_request(&account, &PostParams::default(), &request)
            .await
            .unwrap();
        Self {
            ops,
            deployment,
            token: token.status.unwrap().token,
            port,
        }
    }

    /// Where its pods serve their pages.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A client with the rights of its pods.
    pub fn client(&self) -> kube::Client {
        self.ops.control_plane().client_of(&self.token)
    }

    fn environment(&self, pod_name: &str) -> Vec<(String, String)> {
        let container = &pod(&self.deployment).containers[0];
        let resolve = |variable: &EnvVar| {
            let field = || {
                let source = variable.value_from.as_ref().unwrap();
                match source.field_ref.as_ref().unwrap().field_path.as_str() {
                    "metadata.namespace" => self.ops.name.clone(),
                    "metadata.name" => pod_name.to_owned(),
                    other => panic!("{other}"),
                }
            };
            let value = variable.value.clone().unwrap_or_else(field);
            (variable.name.clone(), value)
        };
        container.env.iter().flatten().map(resolve).collect()
    }

    fn arguments(&self, environment: &[(String, String)]) -> Vec<String> {
        let container = &pod(&self.deployment).containers[0];
        let expanded = container.args.iter().flatten().map(|argument| {
            let mut argument = argument.clone();
            for (name, value) in environment {
                argument = argument.replace(&format!("$({name})"), value);
            }
            argument
        });
        expanded.collect()
    }
}

fn pod(deployment: &Deployment) -> &k8s_openapi::api::core::v1::PodSpec {
    let spec = deployment.spec.as_ref().unwrap();
    spec.template.spec.as_ref().unwrap()
}

/// A running pod of a release, so to speak.
pub struct Deployed {
    release: Arc<Release>,
    proxy: Proxy,
    process: Tied,
    refusals_are_wanted: bool,
    _folder: TempDir,
}

impl Deployed {
    /// Starts one for a namespace, and waits until it leads and is ready.
    pub async fn start(people: &Namespace) -> Self {
        let release = Release::for_people(&people.name).await;
        let mut started = Self::of(release, "0", |_| Verdict::Pass).await;
        started.leads().await;
        started
    }

    /// Starts one of a release. Its way to the API server leads through a proxy.
    pub async fn of(
        release: Arc<Release>,
        pod_suffix: &str,
        judge: impl Fn(&Asked) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let control_plane = release.ops.control_plane();
        let proxy = Proxy::before_api_server_as_caller(control_plane, judge).await;
        let folder = TempDir::new().unwrap();
        let kubeconfig = proxy.kubeconfig_with(&release.token);
        let name = release.deployment.metadata.name.as_ref().unwrap();
        let mut environment = release.environment(&format!("{name}-{pod_suffix}"));
        let arguments = release.arguments(&environment);
        // In the pod it would be the mounted token.
        let kubeconfig = text(&kubeconfig).to_owned();
        environment.push(("ROLLCALL_KUBECONFIG".to_owned(), kubeconfig));
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let program = Path::new(env!("CARGO_BIN_EXE_rollcall"));
        let log = folder.path().join("rollcall.log");
        let process = Tied::start(program, arguments, &environment, &log);
        Self {
            release,
            proxy,
            process,
            refusals_are_wanted: false,
            _folder: folder,
        }
    }

    /// Waits until it leads and is ready.
    pub async fn leads(&mut self) {
        let url = format!("http://{}/readyz", self.release.address());
        eventually("the deployed operator leads", async || {
            let ended = self.process.ended().is_some();
            assert!(
                !ended,
                "it ended before it was ready: {}",
                self.process.output()
            );
            let answer = reqwest::get(&url).await.map_err(|e| e.to_string())?;
            match answer.text().await {
                Ok(words) if words == "ok\n" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }

    /// Where it serves its pages.
    pub fn address(&self) -> String {
        self.release.address()
    }

    /// The program.
    pub fn process(&mut self) -> &mut Tied {
        &mut self.process
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// What it asked of the API server.
    pub fn asked(&self) -> Vec<Forwarded> {
        self.proxy.seen()
    }
}

impl Deployed {
    /// What the API server did not allow. From now on it is for the test to judge.
    pub fn refused(&mut self) -> Vec<Forwarded> {
        self.refusals_are_wanted = true;
        self.refusals()
    }

    fn refusals(&self) -> Vec<Forwarded> {
        let mut asked = self.asked();
        asked.retain(|request| matches!(request.status, Some(401 | 403)));
        asked
    }
}

impl Drop for Deployed {
    /// Whatever the story was: the rights were enough.
    fn drop(&mut self) {
        let refused = self.refusals();
        if refused.is_empty() || self.refusals_are_wanted {
            return;
        }
        if std::thread::panicking() {
            eprintln!("not allowed: {refused:#?}");
        } else {
            panic!("not allowed: {refused:#?}");
        }
    }
}
