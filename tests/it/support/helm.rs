//! The real Helm, and the chart in `charts/rollcall`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::controlplane::Said;
use super::process::{exercised, repository};

static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();

/// Helm, with a home of its own.
pub struct Helm {
    program: PathBuf,
    kubeconfig: Option<PathBuf>,
    home: TempDir,
}

/// The chart.
pub fn chart() -> PathBuf {
    repository("charts/rollcall")
}

/// Values without which nothing can be installed.
pub fn values() -> Value {
    json!({"installation": "acme", "image": {"repository": "registry.example.com/rollcall"}})
}

impl Helm {
    /// For what needs no cluster.
    pub async fn alone() -> Self {
        Self::new(None).await
    }

    /// For the cluster of a kubeconfig.
    pub async fn of(kubeconfig: PathBuf) -> Self {
        Self::new(Some(kubeconfig)).await
    }

    async fn new(kubeconfig: Option<PathBuf>) -> Self {
        let program =
            PROGRAM.get_or_init(async || tokio::task::spawn_blocking(program).await.unwrap());
        Self {
            program: program.await.clone(),
            kubeconfig,
            home: TempDir::new().unwrap(),
        }
    }

    /// Runs it. `values` are given as `--values`.
    pub async fn run(&self, arguments: &[&str], values: Option<&Value>) -> Said {
        let home = self.home.path();
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"))
            .env("KUBECACHEDIR", home.join("kube"));
        // Never whatever cluster the one who runs the tests has at hand.
        let nowhere = home.join("no-kubeconfig");
        command.env("KUBECONFIG", self.kubeconfig.as_ref().unwrap_or(&nowhere));
        if let Some(values) = values {
            let file = tempfile::NamedTempFile::new_in(home).unwrap();
            let file = file.into_temp_path().keep().unwrap();
            std::fs::write(&file, values.to_string()).unwrap();
            command.arg("--values").arg(file);
        }
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

    /// As `run`, and fails the test where Helm fails. Returns what it printed.
    pub async fn ok(&self, arguments: &[&str], values: Option<&Value>) -> String {
        let said = self.run(arguments, values).await;
        assert!(said.ok, "helm {arguments:?}: {}{}", said.out, said.err);
        said.out
    }

    /// What the chart would install as release `it` in the namespace `ops`, or Helm's complaint.
    pub async fn template(&self, values: &Value) -> Result<Vec<Value>, String> {
        let chart = chart();
        let arguments = ["template", "it", text(&chart), "--namespace", "ops"];
        let said = self.run(&arguments, Some(values)).await;
        if !said.ok {
            return Err(said.err);
        }
        let objects: Vec<Value> = serde_saphyr::from_multiple(&said.out).unwrap();
        Ok(objects.into_iter().filter(|o| !o.is_null()).collect())
    }
}

/// The objects of a kind.
pub fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|o| o["kind"] == kind).collect()
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn program() -> PathBuf {
    let run = |command: &mut Command| {
        let output = command
            .stderr(std::process::Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "see the last lines above");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let program = run(&mut Command::new(repository("hack/helm/install.sh")));
    let version = run(Command::new(&program).args(["version", "--short"]));
    exercised(&format!("helm {version}"));
    PathBuf::from(program)
}
