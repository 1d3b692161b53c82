//! Child processes that never outlive the test process, however that ends.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

/// Turns into the program, after leaving behind a watcher that reads our pipe: a line is the name of
/// a signal for the program, and its end, which the kernel brings about however we die, is SIGKILL.
/// `$1` is a folder to remove at the end, or empty.
const WATCHER: &str = r#"
clean=$1; shift
exec 3<&0
(
  while read -r word <&3; do
    case $word in
      done) break ;;
      *) kill -s "$word" $$ ;;
    esac
  done
  [ "$word" = done ] || kill -s KILL $$
  [ -z "$clean" ] || rm -rf "$clean"
) </dev/null >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"#;

/// A running program, killed when this value is dropped and when the test process ends.
pub struct Tied {
    child: Child,
    watcher: ChildStdin,
    log: PathBuf,
}

impl Tied {
    /// Starts `program`. Both its outputs go to the file `log`.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Self {
        Self::start_and_clean(program, arguments, environment, log, None)
    }

    /// As `start`, and removes a folder after the end.
    pub fn start_and_clean<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, &str)],
        log: &Path,
        clean: Option<&Path>,
    ) -> Self {
        let output = File::create(log).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", WATCHER, "sh"])
            .arg(clean.unwrap_or(Path::new("")))
            .arg(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            // A Ctrl-C at the terminal is for the tests; the watcher carries its consequence.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|e| panic!("sh could not be started: {e}"));
        let watcher = child.stdin.take().unwrap();
        Self {
            child,
            watcher,
            log: log.to_owned(),
        }
    }

    /// Sends a signal, such as `TERM`, without waiting for what it does.
    pub fn signal(&mut self, name: &str) {
        writeln!(self.watcher, "{name}").unwrap();
        self.watcher.flush().unwrap();
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills at once (SIGKILL) and waits until the process is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Memory that the process has resident now, in bytes.
    #[allow(dead_code, reason = "for benchmarks")]
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        kib.unwrap() * 1024
    }

    /// Everything the process has said so far.
    pub fn output(&self) -> String {
        let said = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        self.kill();
        // The number of a process that has been waited for may belong to another already.
        let _ = writeln!(self.watcher, "done");
    }
}

/// Kills a process (SIGKILL), by its number.
pub fn kill(process: u32) {
    let sent = Command::new("kill")
        .args(["-KILL", &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// A port of loopback that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Notes for the closing summary of `make test` that a real system took part.
pub fn exercised(system: &str) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exercised.txt");
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    writeln!(file, "{system}").unwrap();
}

/// A script of this repository, by its path from the root.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a script of ours and reads its `NAME=VALUE` lines. What it says on stderr is shown at once.
pub fn run_script(path: &str, arguments: &[&str]) -> Vec<(String, String)> {
    let script = repository(path);
    let output = Command::new(&script)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}", script.display()));
    assert!(
        output.status.success(),
        "{path} failed: its last lines above say what to install"
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::wait::eventually;

    fn script(folder: &Path, text: &str) -> Tied {
        let log = folder.join("output.log");
        let clean = folder.join("clean");
        std::fs::create_dir(&clean).unwrap();
        Tied::start_and_clean("sh".as_ref(), ["-c", text], &[], &log, Some(&clean))
    }

    async fn said(process: &Tied, word: &str) {
        eventually("the script speaks", async || {
            let said = process.output();
            if said.contains(word) {
                Ok(())
            } else {
                Err(said)
            }
        })
        .await;
    }

    #[tokio::test]
    async fn passes_signals_on() {
        let folder = tempfile::tempdir().unwrap();
        let text = "trap 'echo got; exit 3' TERM; echo up; while :; do sleep 0.02; done";
        let mut process = script(folder.path(), text);
        said(&process, "up").await;
        process.signal("TERM");
        said(&process, "got").await;
        let status = eventually("it ends", async || process.ended().ok_or("it runs")).await;
        assert_eq!(status.code(), Some(3));
    }

    /// Our end closes the pipe; here it is closed by hand.
    #[tokio::test]
    async fn ends_and_cleans_up_when_the_test_process_does() {
        let folder = tempfile::tempdir().unwrap();
        let process = script(folder.path(), "echo up; exec sleep 1000");
        said(&process, "up").await;
        let mut process = std::mem::ManuallyDrop::new(process);
        let mut other = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        drop(std::mem::replace(
            &mut process.watcher,
            other.stdin.take().unwrap(),
        ));
        other.wait().unwrap();
        let status = eventually("it ends", async || process.ended().ok_or("it runs")).await;
        assert!(!status.success(), "{status}");
        eventually("the folder is gone", async || {
            let clean = folder.path().join("clean");
            if clean.exists() { Err(clean) } else { Ok(()) }
        })
        .await;
    }
}
