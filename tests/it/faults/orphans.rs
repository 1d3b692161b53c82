//! The operator is killed (SIGKILL), and an answer is lost, while accounts that are nobody's any more are disabled, and
//! while they are deleted. Each is done once, to none but those, and no status says more than is so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use kube::api::DeleteParams;
use rollcall::api::app_connector::OrphanedAccount;
use rollcall::api::{AppConnector, Employee};
use serde_json::json;

use crate::directories::kit::{openldap, person};
use crate::stories::kit::{Story, clerk, everyone, username};
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::trap::{Trap, When};
use crate::support::wire_proxy::{Asked, Fate, Language, WireProxy};

const LOCK: &str = "pwdAccountLockedTime";
const GONE: [&str; 6] = ["ada", "bob", "cyd", "dan", "eve", "fay"];
const STAYS: [&str; 2] = ["gus", "hal"];
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is done to an account that is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Disable,
    Delete,
}

impl Deed {
    /// Whether a request is this, to whomever.
    fn is_asked(self, asked: &Asked) -> bool {
        match self {
            Self::Disable => asked.what.starts_with("Modify uid=") && asked.text.contains(LOCK),
            Self::Delete => asked.what.starts_with("Delete uid="),
        }
    }

    /// Whether a change that the directory has noted is this, to whomever.
    fn is_change(self, change: &str) -> bool {
        match self {
            Self::Disable => change.contains(LOCK),
            Self::Delete => change.ends_with(" delete"),
        }
    }
}

/// What the way to the directory shares with the test.
#[derive(Default)]
struct Control {
    trap: Arc<Trap>,
    /// Whether the answer of the next one is to be lost.
    loses: AtomicBool,
    asked: Mutex<Vec<String>>,
}

impl Control {
    fn fate(&self, what: &str) -> Fate {
        let fate = if self.loses.swap(false, Ordering::SeqCst) {
            Fate::Lose
        } else {
            self.trap.fate(what)
        };
        if !matches!(fate, Fate::Refuse) {
            self.asked.lock().unwrap().push(what.to_owned());
        }
        fate
    }
}

struct Town {
    directory: OpenLdap,
    story: Story,
    control: Arc<Control>,
    _way: WireProxy,
}

impl Town {
    async fn found(name: &str, deed: Deed) -> Self {
        let directory = OpenLdap::with(&[("AUDIT", "1")]).await;
        let control = Arc::new(Control::default());
        let judge = Arc::clone(&control);
        let judge = move |asked: &Asked| {
            if deed.is_asked(asked) {
                judge.fate(&asked.what)
            } else {
                Fate::Pass
            }
        };
        let way = WireProxy::before(Language::Ldap, directory.port(), judge).await;
        let story = Story::new(name).await;
        let host = way.host();
        story
            .ns
            .credential("directory", directory.password(), &host)
            .await;
        let mut connector = openldap("directory", &directory);
        let spec = &mut connector["spec"];
        spec["ldap"]["servers"] = json!([format!("ldap://{host}")]);
        spec["ldap"]["startTLS"] = json!(false);
        // One after another: some of them are left at each kill.
        spec["sync"]["concurrency"] = json!(1);
        spec["orphans"] = json!({"policy": "Delete", "after": "2d", "retain": "4d"});
        story.apply_connector(connector).await;
        story
            .apply_role(everyone("all", "directory", &["staff"]))
            .await;
        Self {
            directory,
            story,
            control,
            _way: way,
        }
    }

    /// They come, and six of them are deleted: nobody's, from then on.
    async fn is_left_by_six(&self) {
        for name in GONE.iter().chain(&STAYS) {
            let person = clerk(name, name, "Sales", json!({}));
            self.story.apply_person(person).await;
        }
        for name in GONE.iter().chain(&STAYS) {
            self.story.provisioned(name, 1).await;
        }
        let people = self.story.ns.api::<Employee>();
        for name in GONE {
            people.delete(name, &DeleteParams::default()).await.unwrap();
        }
        self.six(|orphan| orphan.active == Some(true)).await;
    }

    /// Waits until six are told of, so.
    async fn six(&self, are: impl Fn(&OrphanedAccount) -> bool) {
        let so = |c: &AppConnector| {
            let told = &c.status.as_ref().unwrap().orphaned_accounts;
            told.len() == GONE.len() && told.iter().all(&are)
        };
        self.story.connector("directory", "tells of six", so).await;
    }

    async fn is_there(&self, name: &str) -> bool {
        let entry = person(&username(name));
        !self
            .directory
            .looker()
            .await
            .values(&entry, "uid")
            .await
            .is_empty()
    }

    async fn is_locked(&self, name: &str) -> bool {
        let entry = person(&username(name));
        !self
            .directory
            .looker()
            .await
            .values(&entry, LOCK)
            .await
            .is_empty()
    }

    /// As the status was left, also by an operator that is dead.
    async fn the_status_tells_the_truth(&self) {
        let connectors = self.story.ns.api::<AppConnector>();
        let status = connectors.get("directory").await.unwrap().status.unwrap();
        for name in GONE {
            let told = status.orphaned_accounts.iter();
            let told = told.clone().find(|o| o.username == username(name));
            if told.is_none() {
                assert!(!self.is_there(name).await, "{name}: {status:#?}");
            }
            if told.is_some_and(|o| o.active == Some(false)) && self.is_there(name).await {
                assert!(self.is_locked(name).await, "{name}: {status:#?}");
            }
        }
    }

    /// The operator is killed right before one is done, and right after one is; then an answer is lost.
    async fn is_killed_and_not_answered(&self) {
        assert!(self.control.asked.lock().unwrap().is_empty());
        for when in [When::Before, When::After] {
            let ns = &self.story.ns;
            self.control.trap.catches(ns, when, |_| true).await;
            self.the_status_tells_the_truth().await;
        }
        self.control.loses.store(true, Ordering::SeqCst);
    }

    /// It was done once to each of the six, and to nobody else.
    async fn was_done(&self, deed: Deed) {
        let changes = self.directory.changes();
        let done: Vec<&String> = changes.iter().filter(|c| deed.is_change(c)).collect();
        for name in GONE {
            let entry = person(&username(name));
            let to = done.iter().filter(|change| change.starts_with(&entry));
            assert_eq!(to.count(), 1, "{name}: {done:#?}");
        }
        assert_eq!(done.len(), GONE.len(), "{done:#?}");
        let asked = self.control.asked.lock().unwrap().clone();
        let once: BTreeSet<&String> = asked.iter().collect();
        assert_eq!(asked.len(), once.len(), "asked for again: {asked:#?}");
        assert!(!self.control.loses.load(Ordering::SeqCst));
        for name in STAYS {
            assert!(!self.is_locked(name).await, "{name}");
            self.story.provisioned(name, 1).await;
        }
        self.the_status_tells_the_truth().await;
    }
}

#[tokio::test]
async fn killed_and_an_answer_lost_while_they_are_disabled() {
    let town = Town::found("orphans-disabled", Deed::Disable).await;
    let operator = Operator::start_shifted(&town.story.ns, DAY * -3).await;
    town.is_left_by_six().await;
    operator.stop().await.unwrap();
    town.is_killed_and_not_answered().await;
    let _operator = Operator::start(&town.story.ns).await;
    town.six(|orphan| orphan.active == Some(false)).await;
    town.was_done(Deed::Disable).await;
}

#[tokio::test]
async fn killed_and_an_answer_lost_while_they_are_deleted() {
    let town = Town::found("orphans-deleted", Deed::Delete).await;
    let operator = Operator::start_shifted(&town.story.ns, DAY * -9).await;
    town.is_left_by_six().await;
    operator.clock.shift(DAY * 3);
    town.six(|orphan| orphan.active == Some(false)).await;
    operator.stop().await.unwrap();
    town.is_killed_and_not_answered().await;
    let _operator = Operator::start(&town.story.ns).await;
    town.story
        .connector("directory", "has no orphans", |c| {
            c.status.as_ref().unwrap().orphans == 0
        })
        .await;
    town.was_done(Deed::Delete).await;
}
