//! What it costs to be at rest, and to change little among many: idle cycles, one edited template, memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rollcall::api::Employee;
use serde_json::{Value, json};

use crate::company::{
    Company, Kind, Target, groups, is_ready, kubernetes_requests, seconds_since, username,
};
use crate::report::Report;
use crate::stand_in::StandIn;
use crate::support::operator::OperatorProcess;
use crate::support::proxy::{Proxy, Verdict};

/// Refreshes that the idle company is watched for.
const CYCLES: u64 = 10;

/// Time between two listings of a target where memory is measured, and some.
const REFRESH: Duration = Duration::from_secs(140);

/// Objects that the operator asks the API server for in one page.
const PAGE: usize = 500;

/// A converged company over ten refreshes.
pub async fn idle(report: &mut Report) {
    let people = 500;
    let company = Company::new("idle").await;
    let target = Target::new(Kind::StandIn).await;
    let Target::StandIn(stand_in) = &target else {
        return;
    };
    company.connect("directory", &target, "1s").await;
    company
        .role("everyone", "true", &["directory"], &groups())
        .await;
    company.employ(0..people).await;
    let operator = OperatorProcess::start(&company.namespace).await;
    company.wait(people, is_ready).await;
    // The last statuses of connector and template follow in a moment.
    settled().await;
    let (_, writes) = kubernetes_requests().await;
    let before = stand_in.seen();
    // A listing of so few is one page of users and one of groups.
    while stand_in.seen().reads < before.reads + 2 * CYCLES {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let after = stand_in.seen();
    let (_, later) = kubernetes_requests().await;
    drop(operator);
    let what = format!("{CYCLES} idle refreshes of {people} people");
    report.add(
        &what,
        "writes to Kubernetes",
        count(later - writes),
        "",
        Some("0"),
    );
    report.add(
        &what,
        "writes to the target",
        count(after.writes - before.writes),
        "",
        Some("0"),
    );
    report.add(
        &what,
        "reads of the target",
        count(after.reads - before.reads) / count(CYCLES),
        "a refresh",
        None,
    );
}

/// One template edited that concerns half of the people.
pub async fn edit(report: &mut Report, people: usize) {
    let company = Company::new("edit").await;
    let target = StandIn::start().await;
    let mut names = groups();
    names.push("news".to_owned());
    target.make_groups(&names);
    let target = Target::StandIn(target);
    let Target::StandIn(stand_in) = &target else {
        return;
    };
    company.connect("directory", &target, "1h").await;
    company
        .role("everyone", "true", &["directory"], &groups())
        .await;
    company
        .role(
            "some",
            "employee.department == 'Marketing'",
            &["directory"],
            &groups()[..1],
        )
        .await;
    company.employ(0..people).await;
    let operator = OperatorProcess::start(&company.namespace).await;
    company.wait(people, is_ready).await;
    settled().await;
    let (_, writes) = kubernetes_requests().await;
    let before = stand_in.seen();
    let begin = Instant::now();
    company
        .role(
            "some",
            "employee.department == 'Marketing'",
            &["directory"],
            &names[5..],
        )
        .await;
    company.wait(people / 2, has_news).await;
    let seconds = seconds_since(begin);
    settled().await;
    let (_, later) = kubernetes_requests().await;
    let after = stand_in.seen();
    drop(operator);
    assert_eq!(
        stand_in.group_sizes()["news"],
        people / 2,
        "members of the new group"
    );
    let what = format!("a template edited that concerns {} of {people}", people / 2);
    report.add(&what, "until the last status", seconds, "s", None);
    report.add(
        &what,
        "people",
        count_of(people / 2) / seconds,
        "a second",
        None,
    );
    report.add(
        &what,
        "writes to the target",
        count(after.writes - before.writes),
        "",
        None,
    );
    let each = count(later - writes) / count_of(people / 2);
    report.add(
        &what,
        "writes to Kubernetes",
        each,
        "a person concerned",
        None,
    );
}

fn has_news(employee: &Employee) -> bool {
    is_ready(employee)
        && employee
            .status
            .iter()
            .flat_map(|s| &s.accounts)
            .any(|account| {
                account
                    .entitlements
                    .iter()
                    .any(|e| e.name == "news" && e.since.is_some())
            })
}

/// Memory of the operator with many people who have accounts in two targets, after everything was listed
/// again.
pub async fn memory(report: &mut Report, people: usize) {
    let company = Company::new("memory").await;
    let mut targets = Vec::new();
    for connector in ["directory", "chat"] {
        let stand_in = StandIn::start().await;
        stand_in.make_groups(&groups());
        let scope = format!(
            "{}/{}",
            crate::support::operator::INSTALLATION,
            company.namespace.name
        );
        stand_in.make_users((0..people).map(|n| user(&scope, n)), &groups());
        let target = Target::StandIn(stand_in);
        company.connect(connector, &target, "2m").await;
        targets.push(target);
    }
    company
        .role("everyone", "true", &["directory", "chat"], &groups())
        .await;
    eprintln!("  applying {people} Employees");
    company.employ(0..people).await;
    let (forgotten, pages) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let (asked_again, listed) = (Arc::clone(&forgotten), Arc::<AtomicUsize>::clone(&pages));
    let proxy = Proxy::before_api_server(move |asked| {
        let of_people = asked.method == "GET" && asked.path.contains("/employees?");
        let resumes = of_people && asked.path.contains("watch=true");
        if of_people && !resumes {
            listed.fetch_add(1, Ordering::SeqCst);
        }
        if resumes && asked_again.swap(false, Ordering::SeqCst) {
            let gone = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410});
            return Verdict::Answer(410, vec![("content-type", "application/json".into())], gone.to_string().into());
        }
        Verdict::Pass
    })
    .await;
    let mut operator = OperatorProcess::start_through(&company.namespace, &proxy).await;
    eprintln!("  waiting for their statuses");
    company.wait(people, is_ready).await;
    settled().await;
    let converged = resident(&mut operator, REFRESH).await;
    // Every watch is cut, and that of the people may not be resumed: all are listed again.
    let before = pages.load(Ordering::SeqCst);
    forgotten.store(true, Ordering::SeqCst);
    proxy.cut();
    while pages.load(Ordering::SeqCst) < before + people.div_ceil(PAGE) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    settled().await;
    // While a target is listed there is more: a whole refresh is watched.
    let relisted = resident(&mut operator, REFRESH).await;
    let what = format!("memory with {people} people and 2 connectors");
    let kib = |bytes: u64| count(bytes) / 1024.0 / count_of(people);
    report.add(
        &what,
        "resident when converged",
        kib(converged.usual),
        "KiB a person",
        None,
    );
    report.add(
        &what,
        "resident after a relist",
        kib(relisted.usual),
        "KiB a person",
        Some("< 5"),
    );
    report.add(
        &what,
        "the most while targets are listed",
        kib(relisted.most),
        "KiB a person",
        None,
    );
    report.add(
        &what,
        "resident in all",
        count(relisted.usual) / 1024.0 / 1024.0,
        "MiB",
        None,
    );
    drop(operator);
}

/// Memory over a time.
struct Resident {
    /// The median.
    usual: u64,
    most: u64,
}

async fn resident(operator: &mut OperatorProcess, over: Duration) -> Resident {
    let end = Instant::now() + over;
    let mut seen = Vec::new();
    while Instant::now() < end {
        seen.push(operator.resident());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    seen.sort_unstable();
    Resident {
        usual: seen[seen.len() / 2],
        most: seen[seen.len() - 1],
    }
}

fn user(scope: &str, n: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": username(n), "externalId": format!("{scope}/{n:06}"), "active": true,
        "displayName": format!("P{n:06} Example"), "title": "Specialist",
        "emails": [{"type": "work", "value": format!("p{n:06}@example.com")}],
    })
}

/// Waits until the API server has had no write for a while.
async fn settled() {
    let mut last = kubernetes_requests().await.1;
    loop {
        tokio::time::sleep(Duration::from_secs(4)).await;
        let now = kubernetes_requests().await.1;
        if now == last {
            return;
        }
        last = now;
    }
}

#[allow(clippy::cast_precision_loss, reason = "far from the limits of a float")]
fn count(n: u64) -> f64 {
    n as f64
}

fn count_of(n: usize) -> f64 {
    count(u64::try_from(n).unwrap_or(u64::MAX))
}
