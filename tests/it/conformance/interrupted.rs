//! A check that is interrupted: however it ends, what was made is taken away, at once, by `--clean-up`, or by the
//! next check.

use std::path::PathBuf;
use std::process::ExitStatus;

use tokio_util::sync::CancellationToken;

use super::{Check, attributes, err};
use crate::stories::kit::usernames;
use crate::support::process::Tied;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const GROUP: &str = "rollcall-check-conformance-check";
/// The step before, the one that stands still, and the one that would be next.
const BEFORE: &str = "pass  an entitlement is made, and seen\n";
const STEP: &str = "an entitlement is given and taken, twice each";
const NEXT: &str = "an entitlement outlives a rename";

/// A check that stands still in the middle of a step: its group is there, and the accounts that are to hold it.
struct Held {
    server: ScimServer,
    check: Check,
    running: Tied,
    gate: CancellationToken,
    _proxy: Proxy,
}

impl Held {
    async fn start() -> Self {
        let server = ScimServer::scimmy().await;
        let gate = CancellationToken::new();
        let opens = gate.clone();
        let judge = move |asked: &Asked| {
            let changes_members = asked.method == "PATCH" && asked.path.contains("/Groups/");
            if changes_members {
                return Verdict::After(Box::pin(opens.clone().cancelled_owned()));
            }
            Verdict::Pass
        };
        let proxy = Proxy::before(&server.base_url(), judge).await;
        let check = Check::of(&server, &attributes());
        check.points_at(proxy.base_url().as_str(), &proxy.host());
        let log = check.dir.path().join("log");
        let program = PathBuf::from(env!("CARGO_BIN_EXE_rollcall"));
        let running = Tied::start(&program, check.arguments(&[]), &[], &log);
        let held = Self {
            server,
            check,
            running,
            gate,
            _proxy: proxy,
        };
        eventually("it is about to give its group to somebody", async || {
            let made = held.made().await;
            if made == (2, true) {
                Ok(())
            } else {
                Err((made, held.running.output()))
            }
        })
        .await;
        // Each step is told as soon as it has ended.
        let said = held.running.output();
        assert!(said.contains(BEFORE) && !said.contains(STEP), "{said}");
        held
    }

    /// How many accounts there are, and whether the group is there.
    async fn made(&self) -> (usize, bool) {
        let group = self.server.group_by_name(GROUP).await;
        (usernames(&self.server).await.len(), group.is_some())
    }

    /// Sends a signal, and waits until it is told that it came.
    async fn interrupt(&mut self, signal: &str) {
        self.running.signal(signal);
        eventually("it says that it was interrupted", async || {
            let said = self.running.output();
            if said.contains("interrupted: ") {
                Ok(())
            } else {
                Err(said)
            }
        })
        .await;
    }

    async fn ended(&mut self) -> ExitStatus {
        let running = &mut self.running;
        eventually("it has ended", async || running.ended().ok_or(())).await
    }

    /// What it left behind is taken away by a later run.
    async fn cleared_by(&self, option: &str) {
        assert_eq!(self.made().await, (2, true), "{}", self.running.output());
        let base = self.server.base_url();
        self.check.points_at(base.as_str(), self.server.host());
        let output = self.check.run(&[option]).await;
        assert!(output.status.success(), "{}", err(&output));
        assert_eq!(self.made().await, (0, false), "{}", err(&output));
    }
}

async fn takes_away_what_it_made(signal: &str) {
    let mut held = Held::start().await;
    held.interrupt(signal).await;
    held.gate.cancel();
    let status = held.ended().await;
    let said = held.running.output();
    assert_eq!(status.code(), Some(130), "{said}");
    assert_eq!(held.made().await, (0, false), "{said}");
    assert!(
        said.contains("interrupted: not everything was checked"),
        "{said}"
    );
    assert!(said.contains(STEP) && !said.contains(NEXT), "{said}");
}

#[tokio::test]
async fn by_sigint_it_takes_away_what_it_made() {
    takes_away_what_it_made("INT").await;
}

#[tokio::test]
async fn by_sigterm_it_takes_away_what_it_made() {
    takes_away_what_it_made("TERM").await;
}

/// A second signal ends it at once, with the number of that signal as shells tell it.
#[tokio::test]
async fn by_a_second_signal_it_ends_and_what_it_made_can_be_cleaned_up() {
    let mut held = Held::start().await;
    held.interrupt("INT").await;
    held.running.signal("TERM");
    assert_eq!(held.ended().await.code(), Some(143));
    held.cleared_by("--clean-up").await;
}

#[tokio::test]
async fn by_sigkill_what_it_made_is_taken_away_by_the_next_check() {
    let mut held = Held::start().await;
    held.running.signal("KILL");
    held.ended().await;
    held.cleared_by("--output=json").await;
}
