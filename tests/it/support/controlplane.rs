//! One real kube-apiserver and etcd for the whole test run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::process::{Tied, exercised, free_port, repository};
use super::wait::eventually;

static CONTROL_PLANE: OnceCell<ControlPlane> = OnceCell::const_new();

/// The running control plane. It ends with the test process.
pub struct ControlPlane {
    folder: PathBuf,
    programs: PathBuf,
    config: Config,
    etcd: String,
    arguments: Vec<String>,
    processes: Mutex<Option<Processes>>,
}

struct Processes {
    api_server: Tied,
    _etcd: Tied,
}

/// A control plane of one test's own, whose API server can go away. It ends when this is dropped.
pub struct PrivateControlPlane(&'static ControlPlane);

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Whether it succeeded.
    pub ok: bool,
    /// Its output.
    pub out: String,
    /// Its complaints.
    pub err: String,
}

/// The control plane, started by whoever asks first.
pub async fn control_plane() -> &'static ControlPlane {
    CONTROL_PLANE.get_or_init(ControlPlane::start).await
}

impl PrivateControlPlane {
    /// Starts it.
    pub async fn start() -> Self {
        Self(Box::leak(Box::new(ControlPlane::start().await)))
    }

    /// Starts one that has never heard of our kinds.
    pub async fn without_crds() -> Self {
        Self(Box::leak(Box::new(ControlPlane::without_crds().await)))
    }

    /// For a namespace in it.
    pub fn get(&self) -> &'static ControlPlane {
        self.0
    }

    /// Kills the API server (SIGKILL).
    pub fn kill_api_server(&self) {
        let mut processes = self.0.processes.lock().unwrap();
        processes.as_mut().unwrap().api_server.kill();
    }

    /// Starts the API server again, on the same port and what was stored, and waits until it is ready.
    pub async fn start_api_server(&self) {
        let started = self.0.run("kube-apiserver");
        self.0
            .processes
            .lock()
            .unwrap()
            .as_mut()
            .unwrap()
            .api_server = started;
        let client = self.0.client();
        eventually("the API server is ready again", async || {
            ready(&client).await
        })
        .await;
    }
}

impl Drop for PrivateControlPlane {
    fn drop(&mut self) {
        // Not twice in the same panic.
        if let Ok(mut processes) = self.0.processes.lock() {
            *processes = None;
        }
    }
}

async fn ready(client: &Client) -> Result<(), String> {
    let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
    match client.request_text(request).await {
        Ok(answer) if answer == "ok" => Ok(()),
        Ok(answer) => Err(answer),
        Err(e) => Err(e.to_string()),
    }
}

fn arguments(name: &str, folder: &Path, etcd_port: u16, port: u16) -> Vec<String> {
    let (port, etcd_port) = (port.to_string(), etcd_port.to_string());
    let lines = script("arguments.sh", &[name, text(folder), &etcd_port, &port]);
    lines.lines().map(str::to_owned).collect()
}

impl ControlPlane {
    async fn start() -> Self {
        let started = Self::without_crds().await;
        started.install_crds().await;
        started
    }

    /// Another one, for what would disturb the other tests.
    pub async fn without_crds() -> Self {
        let programs = tokio::task::spawn_blocking(programs).await.unwrap();
        // A port that was free may be taken by the time it is used: then another is tried.
        for _ in 0..3 {
            if let Some(started) = Self::try_start(&programs).await {
                return started;
            }
        }
        panic!("no control plane after three attempts: see what they said above");
    }

    async fn try_start(programs: &Path) -> Option<Self> {
        // Memory where there is some: etcd writes much and none of it need last.
        let memory = Path::new("/dev/shm");
        let memory = memory.is_dir().then(|| memory.to_owned());
        let folder = tempfile::Builder::new()
            .prefix("rollcall-it-")
            .tempdir_in(memory.unwrap_or_else(std::env::temp_dir))
            .unwrap()
            .keep();
        let (port, etcd_port) = (free_port(), free_port());
        script("certificates.sh", &[text(&folder), &port.to_string()]);

        let start = |name: &str, arguments: &[String], clean: Option<&Path>| {
            let log = folder.join(name).with_extension("log");
            Tied::start_and_clean(&programs.join(name), arguments, &[], &log, clean)
        };
        let stored = arguments("etcd", &folder, etcd_port, port);
        let etcd = start("etcd", &stored, Some(&folder));
        let arguments = arguments("kube-apiserver", &folder, etcd_port, port);
        let api_server = start("kube-apiserver", &arguments, None);
        let mut processes = [etcd, api_server];

        let kubeconfig = Kubeconfig::read_from(folder.join("admin.kubeconfig")).unwrap();
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .unwrap();
        config.read_timeout = Some(Duration::from_mins(5));
        let client = Client::try_from(config.clone()).unwrap();
        let is_ready = eventually("the API server is ready", async || {
            if processes.iter_mut().any(|p| p.ended().is_some()) {
                return Ok(false);
            }
            ready(&client).await.map(|()| true)
        })
        .await;
        if !is_ready {
            for process in &processes {
                eprintln!("{}", process.output());
            }
            return None;
        }
        let [etcd, api_server] = processes;
        let processes = Processes {
            api_server,
            _etcd: etcd,
        };
        let version = client.apiserver_version().await.unwrap();
        exercised(&format!("kube-apiserver {} and etcd", version.git_version));
        Some(Self {
            folder,
            programs: programs.to_owned(),
            config,
            etcd: format!("http://127.0.0.1:{etcd_port}"),
            arguments,
            processes: Mutex::new(Some(processes)),
        })
    }

    /// Starts the API server anew.
    fn run(&self, name: &str) -> Tied {
        let log = self.folder.join(name).with_extension("log");
        Tied::start(&self.programs.join(name), &self.arguments, &[], &log)
    }

    async fn install_crds(&self) {
        let api: Api<CustomResourceDefinition> = Api::all(self.client());
        for crd in rollcall::api::crds::all() {
            api.create(&PostParams::default(), &crd)
                .await
                .unwrap_or_else(|e| panic!("{} was refused: {e}", crd.name_any()));
        }
        for crd in rollcall::api::crds::all() {
            eventually("the CRD is established", async || {
                let seen = api.get_status(&crd.name_any()).await.unwrap();
                let conditions = seen.status.and_then(|s| s.conditions).unwrap_or_default();
                if conditions
                    .iter()
                    .any(|c| c.type_ == "Established" && c.status == "True")
                {
                    Ok(())
                } else {
                    Err(conditions)
                }
            })
            .await;
        }
    }

    /// A client for the calling test's own runtime.
    pub fn client(&self) -> Client {
        Client::try_from(self.config.clone()).unwrap()
    }

    /// A client with the rights of a token alone.
    pub fn client_of(&self, token: &str) -> Client {
        let mut config = self.config.clone();
        config.auth_info = kube::config::AuthInfo {
            token: Some(token.to_owned().into()),
            ..kube::config::AuthInfo::default()
        };
        Client::try_from(config).unwrap()
    }

    /// A client of somebody else, by impersonation: with the rights that are bound to that name.
    pub fn client_as(&self, user: &str) -> Client {
        let mut config = self.config.clone();
        config.auth_info.impersonate = Some(user.to_owned());
        Client::try_from(config).unwrap()
    }

    /// A file for `--kubeconfig`, with all rights.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// The API server's address, and an HTTP client with all rights there.
    pub fn direct(&self) -> (Url, reqwest::Client) {
        let read = |name: &str| std::fs::read(self.folder.join(name)).unwrap();
        let admin = [read("admin.key"), read("admin.crt")].concat();
        let admin = reqwest::Identity::from_pem(&admin).unwrap();
        let (origin, builder) = self.way();
        (origin, builder.identity(admin).build().unwrap())
    }

    /// As `direct`, with no rights but those that a request brings with it.
    pub fn direct_as_caller(&self) -> (Url, reqwest::Client) {
        let (origin, builder) = self.way();
        (origin, builder.build().unwrap())
    }

    fn way(&self) -> (Url, reqwest::ClientBuilder) {
        let ca = std::fs::read(self.folder.join("ca.crt")).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([ca]);
        let origin = self.config.cluster_url.to_string();
        (origin.parse().unwrap(), builder)
    }

    /// Changes an object behind the API server's back, as an earlier version of its schema would have
    /// let through.
    pub async fn smuggle(&self, resource: &str, change: impl FnOnce(&mut Value)) {
        let key = STANDARD.encode(format!("/registry/rollcall.dev/{resource}"));
        let ask = async |call: &str, body: Value| {
            let url = format!("{}/v3/kv/{call}", self.etcd);
            let request = reqwest::Client::new().post(url).body(body.to_string());
            let answer = request.send().await.unwrap().text().await.unwrap();
            serde_json::from_str::<Value>(&answer).unwrap()
        };
        let found = ask("range", json!({"key": key})).await;
        let stored = found["kvs"][0]["value"].as_str().unwrap();
        let mut object: Value = serde_json::from_slice(&STANDARD.decode(stored).unwrap()).unwrap();
        change(&mut object);
        let generation = object["metadata"]["generation"].as_i64().unwrap();
        object["metadata"]["generation"] = json!(generation + 1);
        let value = STANDARD.encode(object.to_string());
        ask("put", json!({"key": key, "value": value})).await;
    }

    /// Runs lines of a shell in a folder, with the real kubectl on its path and all rights.
    pub async fn shell(&self, folder: &Path, lines: &str) -> Said {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", lines])
            .current_dir(folder)
            .env("PATH", format!("{}:{path}", self.programs.display()))
            .env("KUBECONFIG", self.kubeconfig())
            .env("KUBECACHEDIR", self.folder.join("kubectl-cache"));
        Self::said(command).await
    }

    /// Runs the real kubectl.
    pub async fn kubectl(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(self.programs.join("kubectl"));
        command
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            // Discovery is kept per server; the home of whoever runs the tests is not touched.
            .env("KUBECACHEDIR", self.folder.join("kubectl-cache"))
            .args(arguments);
        Self::said(command).await
    }

    async fn said(mut command: Command) -> Said {
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        Said {
            ok: output.status.success(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn programs() -> PathBuf {
    let output = Command::new(repository("hack/controlplane/build.sh"))
        .stderr(std::process::Stdio::inherit())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "build.sh failed: its last lines above say what to install"
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

fn script(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(repository("hack/controlplane").join(name))
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name} failed, see above");
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
