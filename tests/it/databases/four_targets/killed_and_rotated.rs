//! The operator is killed while people join, move and leave, at a write to each of the targets, and then every
//! credential is changed.

use rollcall::api::employee::{AccountState, EmployeeStatus, GrantState};

use super::company::{Company, TARGETS};
use crate::support::operator::OperatorProcess;
use crate::support::samba;
use crate::support::trap::{Trap, When};

/// A write to each target: one by which somebody joins, moves and leaves.
const JOINING: [&str; 4] = [
    "chat POST Users",
    "directory Add uid=joiner",
    "forest Add CN=joiner",
    "warehouse CREATE ROLE \"joiner",
];
const MOVING: [&str; 4] = [
    "chat PATCH Groups \"add\" members",
    "directory Modify cn=Support,",
    "forest Modify CN=Support,",
    "warehouse GRANT \"Support\"",
];
const LEAVING: [&str; 4] = [
    "chat PATCH Users \"replace\" active false",
    "directory Modify uid=leaver",
    "forest Modify CN=leaver",
    "warehouse ALTER ROLE \"leaver",
];

#[tokio::test]
async fn killed_and_rotated() {
    if !samba::is_possible() {
        return;
    }
    let trap = Trap::new();
    let judge = std::sync::Arc::clone(&trap);
    let mut company = Company::found("four-killed", move |target, what| {
        judge.fate(&format!("{target} {what}"))
    })
    .await;
    for n in 0..TARGETS.len() {
        company.joins(&format!("mover{n}")).await;
        company.joins(&format!("leaver{n}")).await;
    }
    let mut operator = OperatorProcess::start(&company.story.ns).await;
    company.all_is_right().await;
    operator.kill();

    for (phase, writes) in [JOINING, MOVING, LEAVING].into_iter().enumerate() {
        for (n, write) in writes.into_iter().enumerate() {
            match phase {
                0 => company.joins(&format!("joiner{n}")).await,
                1 => company.moves(&format!("mover{n}")).await,
                _ => company.leaves(&format!("leaver{n}")).await,
            }
            let when = if (phase + n) % 2 == 0 {
                When::After
            } else {
                When::Before
            };
            let is_it = move |what: &str| what.starts_with(write);
            trap.catches(&company.story.ns, when, is_it).await;
        }
    }
    let operator = OperatorProcess::start(&company.story.ns).await;
    company.all_is_right().await;

    let new = "Another-passw0rd-1";
    company.rotate(new).await;
    company.joins("late").await;
    company.leaves("joiner0").await;
    company.all_is_right().await;
    a_status_is_read(&company).await;
    let log = operator.log();
    for secret in [
        new,
        company.chat.token(),
        company.directory.password(),
        company.forest.password(),
        company.warehouse.password(),
    ] {
        assert!(!log.contains(secret), "a credential is in the log");
    }
}

/// Four targets in one status that a person can read: of one who came, one who moved and one who left.
async fn a_status_is_read(company: &Company) {
    let rows = |status: &EmployeeStatus| -> Vec<String> {
        let rows = status.accounts.iter().map(|account| {
            assert_eq!((&account.reason, &account.message), (&None, &None));
            let held = account.entitlements.iter().map(|grant| {
                assert_eq!(grant.state, GrantState::Held);
                format!("{} by {}", grant.name, grant.roles.join(" and "))
            });
            let mut held: Vec<String> = held.collect();
            held.sort();
            let verified = account.state == AccountState::Disabled;
            assert_eq!(account.last_verified.is_some(), verified, "{account:?}");
            format!(
                "{} {} {:?}: {}",
                account.connector,
                account.username.as_deref().unwrap_or("nobody"),
                account.state,
                held.join(", "),
            )
        });
        rows.collect()
    };
    let story = &company.story;
    for (name, department) in [("late", "Sales"), ("mover3", "Support")] {
        let role = department.to_lowercase();
        let wanted = TARGETS.map(|target| {
            format!("{target} {name}.example Active: {department} by {role}, staff by {target}")
        });
        assert_eq!(rows(&story.ready(name).await), wanted);
    }
    let wanted = TARGETS.map(|target| format!("{target} joiner0.example Disabled: "));
    assert_eq!(rows(&story.ready("joiner0").await), wanted);

    let table = story.ns.kubectl_ok(&["get", "employees"]).await;
    let row = |name: &str| {
        let mut lines = table.lines().filter(|line| line.starts_with(name));
        let words = lines.next().unwrap().split_whitespace();
        words.take(4).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("late"), "late Active True 4/4");
    assert_eq!(row("joiner0"), "joiner0 Departed True 4/4");
}
