//! Coming back under the same `employeeId`, to a directory and a database: while the old accounts are kept, and after
//! they were deleted.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{connect, connector};
use crate::directories::kit::{group, openldap, person};
use crate::stories::kit::{Story, clerk, day, everyone, is_true, stands, step, template};
use crate::support::directory::Looker;
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;

const TARGETS: [&str; 2] = ["database", "directory"];
const ROLE: &str = "SELECT concat_ws('|', r.oid, r.rolcanlogin, (SELECT string_agg(g.rolname::text, ' ' ORDER BY g.rolname)
    FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)) FROM pg_roles r
  WHERE r.rolname = 'ada.example'";

/// An account of hers, as the target shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hers {
    id: String,
    is_open: bool,
    groups: String,
}

struct Company {
    story: Story,
    operator: Operator,
    database: Postgres,
    _directory: OpenLdap,
    looker: Looker,
}

impl Company {
    async fn founded() -> Self {
        let database = Postgres::start().await;
        let directory = OpenLdap::start().await;
        let story = Story::new("rehired").await;
        let operator = Operator::start(&story.ns).await;
        let leaver = json!({"retain": "30d", "then": "Delete"});
        let mut object = connector("database", &database, database.users(), &json!({}));
        object["spec"]["leaver"] = leaver.clone();
        connect(&story, "database", &database, object).await;
        let mut object = openldap("directory", &directory);
        object["spec"]["leaver"] = leaver;
        let hosts = directory.hosts();
        story
            .ns
            .credential("directory", directory.password(), &hosts)
            .await;
        story.apply_connector(object).await;
        for target in TARGETS {
            story.apply_role(everyone(target, target, &["staff"])).await;
        }
        for department in ["Sales", "Support"] {
            let rule = format!("employee.department == '{department}'");
            let group: &[&str] = &[department];
            let grants = TARGETS.map(|target| (target, group));
            let given = template(&department.to_lowercase(), &rule, &grants);
            story.apply_role(given).await;
        }
        let looker = directory.looker().await;
        Self {
            story,
            operator,
            database,
            _directory: directory,
            looker,
        }
    }

    async fn ada(&self, department: &str, dates: Value) {
        let ada = clerk("ada", "1", department, dates);
        self.story.apply_person(ada).await;
    }

    /// Her accounts, by target.
    async fn accounts(&mut self) -> [Option<Hers>; 2] {
        let role = self.database.column("postgres", ROLE).await;
        let role = role.first().map(|role| {
            let parts: Vec<&str> = role.split('|').collect();
            Hers {
                id: parts[0].to_owned(),
                is_open: parts[1] == "t",
                groups: parts.get(2).copied().unwrap_or_default().to_owned(),
            }
        });
        let (entry, looker) = (person("ada.example"), &mut self.looker);
        let mut groups = BTreeSet::new();
        for name in ["Sales", "Support", "staff"] {
            if looker.values(&group(name), "member").await.contains(&entry) {
                groups.insert(name);
            }
        }
        let id = looker.values(&entry, "entryUUID").await.pop_first();
        let locked = looker.values(&entry, "pwdAccountLockedTime").await;
        let entry = id.map(|id| Hers {
            id,
            is_open: locked.is_empty(),
            groups: Vec::from_iter(groups).join(" "),
        });
        [role, entry]
    }

    /// She has an open account in both, in these groups, and the status says the same of a first day that has begun. It
    /// remembers nothing of an offboarding.
    async fn works(&mut self, groups: &str, first_day: &str) -> ([String; 2], Value) {
        self.story.provisioned("ada", 2).await;
        let status = self.story.status("ada", "has begun anew", |s| {
            let of_day = s["firstDay"]["date"] == first_day;
            of_day && is_true(&json!({"status": s}), "DayOneReady")
        });
        let status = status.await;
        let seen = self.accounts().await;
        let ids = seen.map(|account| {
            let account = account.unwrap();
            assert!(account.is_open);
            assert_eq!(account.groups, groups);
            account.id
        });
        assert_eq!(status["stage"], "Active");
        assert!(status.get("offboarding").is_none(), "{status:#}");
        let conditions = status["conditions"].as_array().unwrap();
        let revoked = conditions.iter().find(|c| c["type"] == "AccessRevoked");
        assert_eq!(revoked, None);
        for (account, id) in status["accounts"].as_array().unwrap().iter().zip(&ids) {
            assert_eq!(account["username"], "ada.example");
            assert_eq!(account["accountId"], id.as_str());
        }
        (ids, status)
    }

    /// Waits until the operator has looked at her once more.
    async fn is_looked_at(&self) {
        let asked = "rollcall.dev/reconcile-requested-at";
        let word = Some("what about her?");
        self.story.annotate("employee/ada", asked, word).await;
        let is_handled = |s: &Value| s["lastHandledReconcileAt"] == "what about her?";
        self.story.status("ada", "is looked at", is_handled).await;
    }

    /// She is out of both, and what was hers is kept for its time.
    async fn is_kept(&mut self, ids: &[String; 2]) -> Value {
        let status = self.story.offboarded("ada").await;
        for (account, id) in self.accounts().await.into_iter().zip(ids) {
            let kept = Hers {
                id: id.clone(),
                is_open: false,
                groups: String::new(),
            };
            assert_eq!(account, Some(kept));
        }
        for target in TARGETS {
            assert_eq!(stands(&status, target, "Retain"), "Scheduled");
        }
        status
    }
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

#[tokio::test]
async fn to_the_account_that_is_kept_and_to_another_one_after_that() {
    let mut company = Company::founded().await;
    let first = day(-1);
    company.ada("Sales", json!({"startDate": first})).await;
    let (ids, _) = company.works("Sales staff", &first).await;
    let left = json!({"startDate": first, "endDate": first});
    company.ada("Sales", left).await;
    let left = company.is_kept(&ids).await;
    let completed = instant(&left["offboarding"]["completedAt"]);

    // Ten days later she is back, in another department: the same accounts, with what is given there, as of now.
    company.operator.clock.shift(days(10));
    let second = day(9);
    company.ada("Support", json!({"startDate": second})).await;
    let (same, status) = company.works("Support staff", &second).await;
    assert_eq!(same, ids);
    for account in status["accounts"].as_array().unwrap() {
        for grant in account["entitlements"].as_array().unwrap() {
            let since = instant(&grant["since"]);
            assert!(since >= completed + days(9), "an old grant: {grant}");
        }
    }

    // When she leaves again, the time for which accounts are kept begins again.
    let left = json!({"startDate": second, "endDate": second});
    company.ada("Support", left).await;
    let again = company.is_kept(&ids).await;
    assert!(instant(&again["offboarding"]["completedAt"]) >= completed + days(9));
    for (account, target) in again["offboarding"]["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .zip(TARGETS)
    {
        let since = instant(&account["since"]);
        assert!(since >= completed + days(9), "{account:#}");
        let until = instant(&step(&again, target, "Delete")["at"]);
        assert!(until >= since + days(30), "{account:#}");
    }
    company.operator.clock.shift(days(25));
    company.is_looked_at().await;
    company.is_kept(&ids).await;
    company.operator.clock.shift(days(6));
    let gone = company
        .story
        .status("ada", "is retired", |s| s["stage"] == "Retired")
        .await;
    for target in TARGETS {
        assert_eq!(stands(&gone, target, "Delete"), "Verified");
    }
    assert_eq!(company.accounts().await, [None, None]);

    // And back once more: other accounts of the same name.
    let third = day(40);
    company.ada("Sales", json!({"startDate": third})).await;
    let (others, _) = company.works("Sales staff", &third).await;
    for (other, old) in others.iter().zip(&ids) {
        assert_ne!(other, old);
    }
}
