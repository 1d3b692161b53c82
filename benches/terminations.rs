//! How long a termination in the middle of a storm takes to reach the target.

use std::time::{Duration, Instant};

use crate::company::{Company, Kind, Target, groups, is_ready, username};
use crate::report::Report;
use crate::support::operator::OperatorProcess;

/// People who leave.
const LEAVERS: usize = 120;

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
    company.employ(0..LEAVERS).await;
    let operator = OperatorProcess::start(&company.namespace).await;
    company.wait(LEAVERS, is_ready).await;

    let storm = company.employ(LEAVERS..LEAVERS + joiners);
    let leaving = async {
        let mut applied = Vec::new();
        for leaver in 0..LEAVERS {
            let point = LEAVERS + joiners * (leaver + 1) / (LEAVERS + 20);
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
        times.push(disabled.saturating_duration_since(at).as_secs_f64() * 1000.0);
    }
    drop(operator);
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100).saturating_sub(1)];
    let what = format!("{LEAVERS} terminations within a storm of {joiners}");
    report.add(&what, "until disabled, p50", at(50), "ms", None);
    report.add(&what, "until disabled, p99", at(99), "ms", Some("< 1000"));
    report.add(&what, "until disabled, longest", at(100), "ms", None);
}
