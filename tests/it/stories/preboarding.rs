//! Before the first day all is made ready, and nobody can use it; when the day begins it is opened. What of it is
//! there is said by `DayOneReady`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollcall::api::Employee;
use serde_json::{Value, json};

use super::kit::{
    Company, account, clerk, company, condition, cycles, is_ready, is_true, lines_of_writes, since,
    template, username, writes,
};
use crate::support::targets::ScimServer;

/// The first day of somebody who starts in so many days, in Tokyo, and the instant at which it begins.
fn first_day(days: i64) -> (String, Timestamp) {
    let zone = TimeZone::get("Asia/Tokyo").unwrap();
    let today = Timestamp::now().to_zoned(zone.clone()).date();
    let first = today.checked_add(jiff::Span::new().days(days)).unwrap();
    let begins = first.to_zoned(zone).unwrap().timestamp();
    (first.to_string(), begins)
}

fn starter(first: &str) -> Value {
    let starts = json!({"startDate": first, "timeZone": "Asia/Tokyo"});
    clerk("ada", "1", "Sales", starts)
}

/// `all` for everybody, and `vault` on the first day itself.
async fn prepared(company: &Company, directory: &ScimServer) {
    for group in ["all", "vault"] {
        directory.create_group(group).await;
    }
    let early = json!({"joiner": {"daysBeforeStart": 7}});
    company.connect_with("directory", directory, early).await;
    let all: &[(&str, &[&str])] = &[("directory", &["all"])];
    company.apply_role(template("all", "true", all)).await;
    let vault: &[(&str, &[&str])] = &[("directory", &["vault"])];
    let mut vault = template("vault", "employee.department == 'Sales'", vault);
    vault["spec"]["availability"] = json!({"daysBeforeStart": 0});
    company.apply_role(vault).await;
}

async fn is_active(directory: &ScimServer) -> bool {
    let ada = directory.user_by_name(&username("ada")).await.unwrap();
    ada["active"] == true
}

async fn holders(directory: &ScimServer) -> [usize; 2] {
    let all = directory.group_members("all").await.len();
    [all, directory.group_members("vault").await.len()]
}

fn reason(employee: &Value) -> &str {
    let told = condition(employee, "DayOneReady");
    told.and_then(|c| c["reason"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn what_the_first_day_needs_is_there_before_it_and_opened_as_it_begins() {
    company("preboarding", async |company| {
        let directory = ScimServer::scimmy().await;
        prepared(company, &directory).await;
        let (first, begins) = first_day(10);
        company.apply_person(starter(&first)).await;
        let ada = company
            .seen_employee("ada", "is upcoming", |e| {
                is_ready(e) && reason(e) == "NotDue"
            })
            .await;
        assert_eq!(ada["status"]["nextTransition"]["stage"], "Preboarding");
        assert!(directory.user_by_name(&username("ada")).await.is_none());

        // A week before, where she is.
        let week = SignedDuration::from_hours(7 * 24);
        company.operator.clock.set(begins - week);
        let ada = company
            .seen_employee("ada", "is prepared", |e| {
                e["status"]["stage"] == "Preboarding" && is_ready(e)
            })
            .await;
        assert_eq!(account(&ada, "directory")["state"], "Prepared");
        assert_eq!(reason(&ada), "ComesOnFirstDay");
        assert_eq!(ada["status"]["summary"]["accounts"], "1/1");
        assert!(!is_active(&directory).await);
        assert_eq!(holders(&directory).await, [1, 0]);
        let made = writes(&directory).await.len();
        cycles(&directory, 2).await;
        assert_eq!(
            writes(&directory).await.len(),
            made,
            "nothing more is to be done"
        );

        let mark = directory.requests().await.len();
        company.operator.clock.set(begins);
        let ada = company
            .seen_employee("ada", "works", |e| {
                e["status"]["stage"] == "Active" && is_ready(e) && is_true(e, "DayOneReady")
            })
            .await;
        assert!(is_active(&directory).await);
        assert_eq!(holders(&directory).await, [1, 1]);
        let log = since(&directory, mark).await;
        assert_eq!(
            lines_of_writes(&log).len(),
            2,
            "one to open it, one for the vault: {log:#?}"
        );
        let ready: Timestamp = ada["status"]["firstDay"]["readyAt"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(ready >= begins);
        assert_eq!(ada["status"]["firstDay"]["date"], json!(first));

        // What comes later is told by Ready: of that day it stays said.
        let more: &[(&str, &[&str])] = &[("directory", &["nowhere"])];
        company.apply_role(template("more", "true", more)).await;
        let ada = company
            .seen_employee("ada", "lacks something", |e| !is_ready(e))
            .await;
        assert!(is_true(&ada, "DayOneReady"));
    })
    .await;
}

#[tokio::test]
async fn all_of_it_may_be_ready_before_and_a_first_day_that_moves_is_followed() {
    company("preboarding-moves", async |company| {
        let directory = ScimServer::scimmy().await;
        prepared(company, &directory).await;
        let (first, _) = first_day(3);
        let mut ada = starter(&first);
        ada["spec"]["department"] = json!("Legal");
        company.apply_person(ada.clone()).await;
        let told = company
            .seen_employee("ada", "is ready for her first day", |e| {
                e["status"]["stage"] == "Preboarding" && is_true(e, "DayOneReady")
            })
            .await;
        assert!(told["status"].get("firstDay").is_none(), "it has not begun");
        assert_eq!(holders(&directory).await, [1, 0]);

        // Today: opened at once.
        ada["spec"]["startDate"] = json!(first_day(-1).0);
        company.apply_person(ada.clone()).await;
        company
            .seen_employee("ada", "works", |e| {
                e["status"]["stage"] == "Active" && is_ready(e) && is_true(e, "DayOneReady")
            })
            .await;
        assert!(is_active(&directory).await);

        // Beyond the time of preparation: shut, and nothing taken.
        ada["spec"]["startDate"] = json!(first_day(60).0);
        company.apply_person(ada).await;
        let told = company
            .seen_employee("ada", "is upcoming", |e| {
                e["status"]["stage"] == "Upcoming" && is_ready(e) && reason(e) == "NotDue"
            })
            .await;
        assert!(told["status"].get("firstDay").is_none());
        assert!(!is_active(&directory).await);
        assert_eq!(holders(&directory).await, [1, 0]);
        let ada = company.now::<Employee>("ada").await;
        assert_eq!(account(&ada, "directory")["state"], "Disabled");
    })
    .await;
}
