//! The operator is killed (SIGKILL), and answers are lost, while people are offboarded: right before and right after
//! what they know is taken from them, what they own is handed over, and their account is deleted. Each is done once,
//! and no status says more than is so.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use rollcall::api::Employee;
use serde_json::{Value, json};

use crate::databases;
use crate::directories::kit::{group, openldap, person};
use crate::stories::kit::{Story, clerk, everyone, stands, step};
use crate::support::database::Database;
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;
use crate::support::trap::{Trap, When};
use crate::support::wire_proxy::{Asked, Fate, Language, WireProxy};

const VERBS: [&str; 3] = ["Revoke", "Transfer", "Delete"];
const PASSWORD: &str = "what-they-know-1815";

/// An application in which people own something.
trait Target {
    const NAME: &'static str;
    /// Which of [`VERBS`] must not be asked for twice.
    const ONCE: &'static [&'static str];

    async fn start() -> Self;

    /// The way to it that the judge is on.
    async fn way(&self, judge: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> WireProxy;

    fn password(&self) -> &str;

    /// The AppConnector `target`, which leads there by that way.
    fn connector(&self, way: &WireProxy) -> Value;

    /// What a request does to whom, as `Transfer ada`, where it is one of [`VERBS`].
    fn word(asked: &Asked) -> Option<String>;

    /// Gives somebody a password, and something to own.
    async fn endow(&self, name: &str);

    async fn knows_password(&self, name: &str) -> bool;

    /// Who owns what was given to somebody, by name.
    async fn owner(&self, name: &str) -> String;

    async fn is_there(&self, name: &str) -> bool;

    /// Everything that was done, in the same words: as it notes itself where it does that, else what it was asked for.
    fn done(&self, asked: Vec<String>) -> Vec<String>;
}

/// The part of a text between two others.
fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(begin)?;
    rest.split_once(end).map(|(found, _)| found)
}

impl Target for OpenLdap {
    const NAME: &'static str = "leaving-ldap";
    const ONCE: &'static [&'static str] = &VERBS;

    async fn start() -> Self {
        Self::with(&[("AUDIT", "1")]).await
    }

    async fn way(&self, judge: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> WireProxy {
        WireProxy::before(Language::Ldap, self.port(), judge).await
    }

    fn password(&self) -> &str {
        self.password()
    }

    fn connector(&self, way: &WireProxy) -> Value {
        let mut connector = openldap("target", self);
        connector["spec"]["ldap"]["servers"] = json!([format!("ldap://{}", way.host())]);
        connector["spec"]["ldap"]["startTLS"] = json!(false);
        connector
    }

    fn word(asked: &Asked) -> Option<String> {
        let name = |begin: &str| between(&asked.what, begin, ".example,");
        if let Some(name) = name("Delete uid=") {
            return Some(format!("Delete {name}"));
        }
        if let Some(name) = between(&asked.what, "Modify cn=work of ", ",") {
            return Some(format!("Transfer {name}"));
        }
        let name = name("Modify uid=").filter(|_| asked.text.contains("userPassword"))?;
        Some(format!("Revoke {name}"))
    }

    async fn endow(&self, name: &str) {
        let mut looker = self.looker().await;
        let entry = person(&format!("{name}.example"));
        looker.set(&entry, "userPassword", &[PASSWORD]).await;
        let attributes: [(&str, &[&str]); 3] = [
            ("objectClass", &["groupOfNames"]),
            ("member", &["cn=nobody"]),
            ("owner", &[&entry]),
        ];
        let work = group(&format!("work of {name}"));
        looker.add(&work, &attributes).await;
    }

    async fn knows_password(&self, name: &str) -> bool {
        let entry = person(&format!("{name}.example"));
        let there = self.looker().await.values(&entry, "userPassword").await;
        !there.is_empty()
    }

    async fn owner(&self, name: &str) -> String {
        let work = group(&format!("work of {name}"));
        let mut owners = self.looker().await.values(&work, "owner").await;
        assert_eq!(owners.len(), 1, "{owners:?}");
        let owner = owners.pop_first().unwrap();
        between(&owner, "uid=", ".example,").unwrap().to_owned()
    }

    async fn is_there(&self, name: &str) -> bool {
        let entry = person(&format!("{name}.example"));
        let there = self.looker().await.values(&entry, "uid").await;
        !there.is_empty()
    }

    fn done(&self, _: Vec<String>) -> Vec<String> {
        let changes = self.changes();
        let once: BTreeSet<&String> = changes.iter().collect();
        assert_eq!(
            changes.len(),
            once.len(),
            "something was done twice: {changes:#?}"
        );
        let word = |change: &String| {
            let of_person = between(change, "uid=", ".example,ou=people");
            if change.contains(" add owner: ") {
                let name = between(change, "cn=work of ", ",")?;
                Some(format!("Transfer {name}"))
            } else if change.ends_with(" delete") {
                Some(format!("Delete {}", of_person?))
            } else if change.contains(" userPassword:") {
                Some(format!("Revoke {}", of_person?))
            } else {
                None
            }
        };
        changes.iter().filter_map(word).collect()
    }
}

impl Target for Postgres {
    const NAME: &'static str = "leaving-sql";
    // To say once more that there is no password changes nothing.
    const ONCE: &'static [&'static str] = &["Transfer", "Delete"];

    async fn start() -> Self {
        let server = Self::start().await;
        let may_see = "GRANT SELECT ON pg_authid TO rollcall";
        for database in ["app", "postgres"] {
            let admin = server.admin(database).await;
            admin.batch_execute(may_see).await.unwrap();
        }
        server
    }

    async fn way(&self, judge: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> WireProxy {
        WireProxy::before(Language::Postgres, self.port(), judge).await
    }

    fn password(&self) -> &str {
        Database::password(self)
    }

    fn connector(&self, way: &WireProxy) -> Value {
        let mut connector = databases::connector("target", self, self.users(), &json!({}));
        let url = format!("postgres://{}/app", way.host());
        connector["spec"]["sql"]["url"] = json!(url);
        connector["spec"]["sql"]["encryption"] = json!("None");
        connector
    }

    fn word(asked: &Asked) -> Option<String> {
        let name = |begin: &str| between(&asked.what, begin, ".example\"");
        if let Some(name) = name("DROP ROLE \"") {
            return Some(format!("Delete {name}"));
        }
        if let Some(name) = name("REASSIGN OWNED BY \"") {
            return Some(format!("Transfer {name}"));
        }
        let name = name("ALTER ROLE \"").filter(|_| asked.what.contains("PASSWORD NULL"))?;
        Some(format!("Revoke {name}"))
    }

    async fn endow(&self, name: &str) {
        let endow = format!(
            "ALTER ROLE \"{name}.example\" PASSWORD '{PASSWORD}'; CREATE TABLE \"work of {name}\" (); \
             ALTER TABLE \"work of {name}\" OWNER TO \"{name}.example\"; \
             GRANT CREATE ON SCHEMA public TO \"manager.example\""
        );
        let admin = self.admin("app").await;
        admin.batch_execute(&endow).await.unwrap();
    }

    async fn knows_password(&self, name: &str) -> bool {
        let known = format!(
            "SELECT rolname::text FROM pg_authid WHERE rolname = '{name}.example' AND rolpassword IS NOT NULL"
        );
        !self.column("app", &known).await.is_empty()
    }

    async fn owner(&self, name: &str) -> String {
        let owner =
            format!("SELECT tableowner::text FROM pg_tables WHERE tablename = 'work of {name}'");
        let owner = self.column("app", &owner).await;
        owner[0].trim_end_matches(".example").to_owned()
    }

    async fn is_there(&self, name: &str) -> bool {
        let role = format!("SELECT rolname::text FROM pg_roles WHERE rolname = '{name}.example'");
        !self.column("app", &role).await.is_empty()
    }

    fn done(&self, asked: Vec<String>) -> Vec<String> {
        asked
    }
}

/// What the way to the target shares with the test.
#[derive(Default)]
struct Control {
    trap: Arc<Trap>,
    /// Those of which the answer is to be lost.
    lost: Mutex<BTreeSet<String>>,
    /// Those that reached the target.
    asked: Mutex<Vec<String>>,
}

impl Control {
    fn fate(&self, word: String) -> Fate {
        let fate = if self.lost.lock().unwrap().remove(&word) {
            Fate::Lose
        } else {
            self.trap.fate(&word)
        };
        if !matches!(fate, Fate::Refuse) {
            self.asked.lock().unwrap().push(word);
        }
        fate
    }
}

struct Town<T> {
    target: T,
    story: Story,
    control: Arc<Control>,
    _way: WireProxy,
}

/// Whoever is to leave, or has left.
fn leaver(name: &str, more: &Value) -> Value {
    let mut person = clerk(
        name,
        name,
        "Sales",
        json!({"managerRef": {"name": "manager"}}),
    );
    for (field, value) in more.as_object().unwrap() {
        person["spec"][field] = value.clone();
    }
    person
}

impl<T: Target> Town<T> {
    async fn found() -> Self {
        let target = T::start().await;
        let control = Arc::new(Control::default());
        let judge = Arc::clone(&control);
        let way = target
            .way(move |asked| T::word(asked).map_or(Fate::Pass, |word| judge.fate(word)))
            .await;
        let story = Story::new(T::NAME).await;
        let (password, host) = (target.password(), way.host());
        story.ns.credential("target", password, &host).await;
        let mut connector = target.connector(&way);
        connector["spec"]["leaver"] = json!({
            "revoke": ["Passwords"],
            "transferOwnershipTo": "Manager",
            "retain": "1d",
            "then": "Delete",
        });
        story.apply_connector(connector).await;
        story
            .apply_role(everyone("all", "target", &["staff"]))
            .await;
        let manager = clerk("manager", "manager", "Sales", json!({}));
        story.apply_person(manager).await;
        Self {
            target,
            story,
            control,
            _way: way,
        }
    }

    async fn leaves(&self, name: &str, is_held: bool) {
        let mut more = json!({"endDate": "2021-01-01"});
        if is_held {
            more["legalHold"] = json!({"reason": "not yet"});
        }
        self.story.apply_person(leaver(name, &more)).await;
    }

    /// Whatever a status says was shown by the target is so there.
    async fn statuses_tell_the_truth(&self, names: &[String]) {
        let people = self.story.ns.api::<Employee>();
        for name in names {
            // As it was left, also by an operator that is dead.
            let person = people.get(name).await.unwrap();
            let status = serde_json::to_value(person.status).unwrap();
            let is_verified = |step: &str| stands(&status, "target", step) == "Verified";
            let target = &self.target;
            if is_verified("RevokePasswords") {
                assert!(!target.knows_password(name).await, "{status:#}");
            }
            if is_verified("TransferOwnership") {
                assert_eq!(target.owner(name).await, "manager", "{status:#}");
            }
            if is_verified("Delete") {
                assert!(!target.is_there(name).await, "{status:#}");
            }
        }
    }

    /// Everything that ends at once has ended, and the report of it is whole.
    async fn is_out(&self, name: &str) {
        let status = self.story.offboarded(name).await;
        for of in ["Disable", "RevokePasswords", "TransferOwnership"] {
            let step = step(&status, "target", of);
            assert_eq!(step["state"], "Verified", "{name}: {status:#}");
        }
        self.statuses_tell_the_truth(&[name.to_owned()]).await;
        assert!(!self.target.knows_password(name).await);
        assert_eq!(self.target.owner(name).await, "manager");
        let report = self.story.report(name, Timestamp::now()).await;
        assert!(report.offboarding.complete, "{report:#?}");
        assert!(report.no_credential_left, "{report:#?}");
    }

    async fn is_retired(&self, name: &str) {
        let is_retired = |s: &Value| s["stage"] == "Retired";
        let status = self.story.status(name, "is retired", is_retired).await;
        assert_eq!(stands(&status, "target", "Delete"), "Verified");
        assert!(!self.target.is_there(name).await);
        assert_eq!(self.target.owner(name).await, "manager");
    }
}

/// One who leaves for each verb and each instant, and one of whose every answer is lost.
async fn nothing_is_lost_or_done_twice<T: Target>() {
    let town: Town<T> = Town::found().await;
    let points: Vec<(&str, When, String)> = VERBS
        .into_iter()
        .flat_map(|verb| [(verb, When::Before), (verb, When::After)])
        .map(|(verb, when)| (verb, when, format!("{verb}-{when:?}").to_lowercase()))
        .collect();
    let mut names: Vec<String> = points.iter().map(|(_, _, name)| name.clone()).collect();
    names.push("unheard".to_owned());
    for name in &names {
        town.story.apply_person(leaver(name, &json!({}))).await;
    }

    // Two days ago they all worked there, and some left: those who are to be deleted now, if nothing keeps them.
    let two_days = SignedDuration::from_hours(48);
    let operator = Operator::start_shifted(&town.story.ns, -two_days).await;
    town.story.provisioned("manager", 1).await;
    for name in &names {
        town.story.provisioned(name, 1).await;
        town.target.endow(name).await;
    }
    let deleted = |name: &&String| name.starts_with("delete");
    for name in names.iter().filter(deleted) {
        town.leaves(name, true).await;
        town.is_out(name).await;
    }
    operator.stop().await.unwrap();

    for (verb, when, name) in &points {
        let word = format!("{verb} {name}");
        assert!(
            !town.control.asked.lock().unwrap().contains(&word),
            "{word}"
        );
        town.leaves(name, false).await;
        let is_it = move |what: &str| what == word;
        town.control
            .trap
            .catches(&town.story.ns, *when, is_it)
            .await;
        town.statuses_tell_the_truth(&names).await;
    }

    let losing = VERBS.map(|verb| format!("{verb} unheard"));
    town.control.lost.lock().unwrap().extend(losing);
    let operator = Operator::start(&town.story.ns).await;
    town.leaves("unheard", false).await;
    for name in &names {
        if deleted(&name) {
            town.is_retired(name).await;
        } else {
            town.is_out(name).await;
        }
    }
    operator.clock.shift(two_days);
    for name in &names {
        town.is_retired(name).await;
    }
    assert_eq!(*town.control.lost.lock().unwrap(), BTreeSet::new());
    let manager = town.story.provisioned("manager", 1).await;
    assert!(manager.offboarding.is_none());
    assert!(town.target.is_there("manager").await);

    let asked = town.control.asked.lock().unwrap().clone();
    let mut done = town.target.done(asked);
    done.retain(|word| T::ONCE.iter().any(|verb| word.starts_with(verb)));
    done.sort();
    let words = T::ONCE.iter().flat_map(|verb| {
        let names = names.iter();
        names.map(move |name| format!("{verb} {name}"))
    });
    let mut wanted: Vec<String> = words.collect();
    wanted.sort();
    assert_eq!(done, wanted);
}

#[tokio::test]
async fn killed_and_answers_lost_in_openldap() {
    nothing_is_lost_or_done_twice::<OpenLdap>().await;
}

#[tokio::test]
async fn killed_and_answers_lost_in_postgresql() {
    nothing_is_lost_or_done_twice::<Postgres>().await;
}
