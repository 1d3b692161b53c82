//! How long a termination in the middle of a storm takes to reach the target.

use std::time::{Duration, Instant};

use crate::company::{Company, Kind, Target, groups, is_ready, username};
use crate::report::Report;
use crate::stand_in::StandIn;
use crate::support::operator::OperatorProcess;

/// People who leave.
const LEAVERS: usize = 120;

/// People who leave one after another, while nothing else happens.
const ALONE: usize = 100;

/// Terminates people one after another, each once the one before is out.
async fn alone(report: &mut Report, company: &Company, stand_in: &StandIn) {
    let mut times = Vec::new();
    for leaver in LEAVERS..LEAVERS + ALONE {
        company.terminate(leaver).await;
        let applied = Instant::now();
        let disabled = loop {
            match stand_in.disabled_at(&username(leaver)) {
                Some(at) => break at,
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        times.push(disabled.saturating_duration_since(applied));
    }
    tell(
        report,
        &format!("{ALONE} terminations, one at a time"),
        &times,
    );
}

/// Employs so many people at once and terminates others meanwhile, evenly over the storm.
pub async fn terminations(report: &mut Report, joiners: usize) {
    let company = Company::new("leave").await;
    let target = Target::new(Kind::StandIn).await;
    let Target::StandIn(stand_in) = &target else {
        return;
    };
    company.connect("directory", &target, "1h").await;
    company
        .role("everyone", "true", &["directory"], &groups())
        .await;
    let people = LEAVERS + ALONE;
    company.employ(0..people).await;
    let operator = OperatorProcess::start(&company.namespace).await;
    company.wait(people, is_ready).await;
    alone(report, &company, stand_in).await;

    let storm = company.employ(people..people + joiners);
    let leaving = async {
        let mut applied = Vec::new();
        for leaver in 0..LEAVERS {
            let point = people + joiners * (leaver + 1) / (LEAVERS + 20);
            while stand_in.seen().users < point {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            company.terminate(leaver).await;
            applied.push(Instant::now());
        }
        applied
    };
    let ((), applied) = futures::join!(storm, leaving);
    company.wait(joiners, is_ready).await;
    let mut times = Vec::new();
    for (leaver, at) in applied.into_iter().enumerate() {
        while stand_in.disabled_at(&username(leaver)).is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let disabled = stand_in.disabled_at(&username(leaver)).unwrap();
        times.push(disabled.saturating_duration_since(at));
    }
    drop(operator);
    let what = format!("{LEAVERS} terminations within a storm of {joiners}");
    tell(report, &what, &times);
}

fn tell(report: &mut Report, what: &str, times: &[Duration]) {
    let mut times: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1000.0).collect();
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100).saturating_sub(1)];
    report.add(what, "until disabled, p50", at(50), "ms", None);
    report.add(what, "until disabled, p99", at(99), "ms", Some("< 1000"));
    report.add(what, "until disabled, longest", at(100), "ms", None);
}
