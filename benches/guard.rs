//! What the guard costs a storm of joiners: removals of others stand held beside it, or there are none; in turn.

use std::time::{Duration, Instant};

use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use rollcall::api::{AppConnector, Employee};
use serde_json::json;

use crate::company::{Company, Target, groups, is_ready, name, seconds_since};
use crate::report::{Report, median};
use crate::stand_in::StandIn;
use crate::support::operator::OperatorProcess;

/// People who are there before, and who are all to lose something where anything is held.
const OTHERS: usize = 500;
const NEWS: &str = "news";

/// Storms of so many people, with and without others of whom something is held.
pub async fn guard(report: &mut Report, people: usize, rounds: usize) {
    let (mut free, mut beside) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let times = (storm(people, false).await, storm(people, true).await);
        eprintln!(
            "  {people}, round {round}: {:.2} s, beside what is held {:.2} s",
            times.0, times.1
        );
        free.push(times.0);
        beside.push(times.1);
    }
    let (free, beside) = (median(free), median(beside));
    let what = format!("storm of {people} beside {OTHERS}");
    report.add(&what, "nothing held", free, "s", None);
    report.add(&what, "something of each held", beside, "s", None);
    report.add(&what, "held / nothing held", beside / free, "", None);
}

/// Seconds from the operator being ready to the last status of those who join.
async fn storm(people: usize, held: bool) -> f64 {
    let company = Company::new("guard").await;
    let stand_in = StandIn::start().await;
    let mut names = groups();
    names.push(NEWS.to_owned());
    stand_in.make_groups(&names);
    let target = Target::StandIn(stand_in);
    company.connect("directory", &target, "1h").await;
    let limits = json!({"spec": {"guard": {"alwaysAllowed": 0, "maxPercent": 1}}});
    let connectors = company.namespace.api::<AppConnector>();
    connectors
        .patch("directory", &PatchParams::default(), &Patch::Merge(&limits))
        .await
        .unwrap();
    let here = ["directory"];
    company.role("everyone", "true", &here, &groups()).await;
    let editors = "employee.jobTitle == 'Editor'";
    company.role(NEWS, editors, &here, &names[5..]).await;
    let editor = json!({"jobTitle": "Editor"});
    company.employ_with(0..OTHERS, &editor).await;
    let operator = OperatorProcess::start(&company.namespace).await;
    company.wait(OTHERS, is_ready).await;
    if held {
        company.role(NEWS, "false", &here, &names[5..]).await;
        all_held(&company).await;
    }
    drop(operator);

    company.employ(OTHERS..OTHERS + people).await;
    let joins = |e: &Employee| is_ready(e) && e.name_any() >= name(OTHERS);
    let ready = company.wait(people, joins);
    let watched = async {
        ready.await;
        Instant::now()
    };
    let operated = async {
        let operator = OperatorProcess::start(&company.namespace).await;
        (operator, Instant::now())
    };
    let (end, (operator, begin)) = futures::join!(watched, operated);
    drop(operator);
    let Target::StandIn(stand_in) = &target else {
        return 0.0;
    };
    assert_eq!(stand_in.group_sizes()[NEWS], OTHERS, "nothing was taken");
    assert_eq!(
        stand_in.seen().users,
        OTHERS + people,
        "accounts in the end"
    );
    end.saturating_duration_since(begin).as_secs_f64()
}

async fn all_held(company: &Company) {
    let connectors = company.namespace.api::<AppConnector>();
    let begin = Instant::now();
    while seconds_since(begin) < 120.0 {
        let connector = connectors.get("directory").await.unwrap();
        let held = connector.status.into_iter().flat_map(|status| status.held);
        if held.map(|held| held.people).sum::<i64>() == i64::try_from(OTHERS).unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing is held");
}
