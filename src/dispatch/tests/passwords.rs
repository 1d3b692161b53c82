//! New accounts begin with a password that was kept first, or are not made.

use std::time::Duration;

use super::bench::Bench;
use super::faults::joiner;
use super::orders::error;
use super::scripted::{Answer, Asked, ScriptedConnector};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::dispatch::{PasswordPolicy, Settings};

fn settings() -> Settings {
    Settings {
        passwords: Some(PasswordPolicy {
            length: 20,
            punctuation: "-".to_owned(),
            must_change: false,
            keep_for: Duration::from_hours(1),
        }),
        ..Settings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_is_sent() {
    let mut bench = Bench::keeping(ScriptedConnector::fine(), settings(), Ok("s3cret"));
    bench.submit([joiner(1)]);
    let done = bench.done(1).await;
    assert!(done[0].result.is_ok());
    let asked = bench.connector.operations();
    assert_eq!(asked[0], Asked::Password("s3cret".to_owned()));
    assert!(matches!(asked[1], Asked::Create(_)));
    assert!(!format!("{:?}", bench.audit.events()).contains("s3cret"));
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_there_is_none() {
    let mut bench = Bench::keeping(ScriptedConnector::fine(), Settings::default(), Ok("s3cret"));
    bench.submit([joiner(1)]);
    bench.done(1).await;
    assert!(matches!(
        bench.connector.operations()[..],
        [Asked::Create(_)]
    ));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_kept_is_not_sent_and_nobody_else_is_concerned() {
    let mut bench = Bench::with(ScriptedConnector::fine(), settings());
    bench.submit([joiner(1), super::faults::mover(2)]);
    let done = bench.done(2).await;
    let refused = done.iter().find(|outcome| outcome.result.is_err()).unwrap();
    let error = refused.result.as_ref().unwrap_err();
    assert_eq!(error.kind, ErrorKind::PasswordNotKept);
    assert!(error.kind.is_retryable());
    assert!(matches!(
        bench.connector.operations()[..],
        [Asked::Update(_)]
    ));
}

fn what_to_do() -> String {
    "mend it. ".repeat(50)
}

#[tokio::test(start_paused = true)]
async fn a_target_that_repeats_it_is_not_repeated() {
    let connector = ScriptedConnector::new(|asked| match asked {
        Asked::Create(_) => Answer::Fail(ConnectorError {
            message: format!("s3cret-1 is too weak: {}", what_to_do()),
            ..error(ErrorKind::Invalid)
        }),
        _ => Answer::Fine,
    });
    let mut bench = Bench::keeping(connector, settings(), Ok("s3cret-1"));
    bench.submit([joiner(1)]);
    let done = bench.done(1).await;
    let told = done[0].result.as_ref().unwrap_err();
    // What to do about it stays, however much is said.
    let wanted = format!("[redacted] is too weak: {}", what_to_do());
    assert_eq!((told.kind, &told.message), (ErrorKind::Invalid, &wanted));
    assert!(!format!("{:?}", bench.audit.events()).contains("s3cret"));
}
