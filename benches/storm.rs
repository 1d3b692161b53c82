//! Storms of joiners, the operator's and the raw client's in turn.

use std::time::Instant;

use rollcall::api::Employee;
use serde_json::{Value, json};

use crate::company::{
    Company, Kind, Target, groups, is_ready, kubernetes_requests, name, seconds_since,
};
use crate::raw;
use crate::report::{Report, median};
use crate::support::operator::OperatorProcess;

/// One storm.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// From the operator being ready, or the raw client's first request, to the last status.
    seconds: f64,
    /// From the operator's start to its being ready.
    start: f64,
    target_requests: Option<f64>,
    kubernetes_requests: f64,
}

/// Storms of so many people into one target, in turn, and how they compare.
pub async fn storm(report: &mut Report, kind: Kind, people: usize, rounds: usize) {
    let (mut ours, mut raws) = (Vec::new(), Vec::new());
    let (_, status) = operator(kind, people.min(50)).await;
    for round in 1..=rounds {
        let raw = raw_client(kind, people, &status).await;
        let (run, _) = operator(kind, people).await;
        eprintln!(
            "  {} {people}, round {round}: raw {:.1}/s, Rollcall {:.1}/s ({:.1} s to start)",
            kind.word(),
            rate(people, raw),
            rate(people, run.seconds),
            run.start,
        );
        raws.push(raw);
        ours.push(run);
    }
    let mid = |of: fn(&Run) -> f64| median(ours.iter().map(of).collect());
    let (seconds, raw) = (mid(|r| r.seconds), median(raws));
    let what = format!("storm of {people} into {}", kind.word());
    #[allow(clippy::cast_precision_loss, reason = "small counts")]
    let people = people as f64;
    report.add(&what, "raw client", people / raw, "joiners/s", None);
    report.add(&what, "Rollcall", people / seconds, "joiners/s", None);
    report.add(&what, "Rollcall / raw", raw / seconds, "", Some("≥ 0.8"));
    let each = |n: f64| n / people;
    if ours.iter().all(|run| run.target_requests.is_some()) {
        report.add(
            &what,
            "requests to the target",
            each(mid(|r| r.target_requests.unwrap_or_default())),
            "a joiner",
            Some("≤ 1.2"),
        );
    }
    report.add(
        &what,
        "requests to Kubernetes",
        each(mid(|r| r.kubernetes_requests)),
        "a joiner",
        Some("≤ 1.3"),
    );
}

/// How the time grows from `small` to `large`, for both.
pub async fn growth(report: &mut Report, small: usize, large: usize) {
    let kind = Kind::StandIn;
    let (_, status) = operator(kind, 50).await;
    let mut times = Vec::new();
    for people in [small, large] {
        let raw = raw_client(kind, people, &status).await;
        let (run, _) = operator(kind, people).await;
        eprintln!("  {people}: raw {raw:.1} s, Rollcall {:.1} s", run.seconds);
        times.push((raw, run.seconds));
    }
    let what = format!("{small} to {large} joiners");
    report.add(
        &what,
        "time of the raw client",
        times[1].0 / times[0].0,
        "×",
        None,
    );
    report.add(
        &what,
        "time of Rollcall",
        times[1].1 / times[0].1,
        "×",
        Some("≤ 11, or as raw"),
    );
}

#[allow(clippy::cast_precision_loss, reason = "small counts")]
fn rate(people: usize, seconds: f64) -> f64 {
    people as f64 / seconds
}

async fn company(kind: Kind, people: usize) -> (Company, Target) {
    let company = Company::new("bench").await;
    let target = Target::new(kind).await;
    company.employ(0..people).await;
    (company, target)
}

async fn raw_client(kind: Kind, people: usize, status: &Value) -> f64 {
    let (company, target) = company(kind, people).await;
    let watched = company.wait(people, is_ready);
    let (seconds, ()) = futures::join!(
        raw::run(&company, &target, 0..people, status.clone()),
        watched
    );
    target.verify(people).await;
    seconds
}

/// The operator's storm, and the status that one person got.
async fn operator(kind: Kind, people: usize) -> (Run, Value) {
    let (company, target) = company(kind, people).await;
    company.connect("directory", &target, "1h").await;
    company
        .role("everyone", "true", &["directory"], &groups())
        .await;
    let (before, _) = kubernetes_requests().await;
    let ready = company.wait(people, is_ready);
    let watched = async {
        ready.await;
        Instant::now()
    };
    let operated = async {
        let begin = Instant::now();
        let operator = OperatorProcess::start(&company.namespace).await;
        (operator, seconds_since(begin), Instant::now())
    };
    let (end, (operator, start, begin)) = futures::join!(watched, operated);
    let (after, _) = kubernetes_requests().await;
    let requests = target.requests().await;
    drop(operator);
    target.verify(people).await;
    let one: Employee = company.namespace.api().get(&name(0)).await.unwrap();
    let mut status = json!(one.status);
    status
        .as_object_mut()
        .unwrap()
        .remove("lastHandledReconcileAt");
    #[allow(clippy::cast_precision_loss, reason = "small counts")]
    let run = Run {
        seconds: end.saturating_duration_since(begin).as_secs_f64(),
        start,
        target_requests: requests.map(|requests| requests as f64),
        kubernetes_requests: (after - before) as f64,
    };
    (run, status)
}
