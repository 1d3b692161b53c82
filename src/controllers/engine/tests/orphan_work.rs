//! What is done with accounts that are nobody's: through the guard, after a direct read, and not once they are
//! somebody's.

mod claimed;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Bench, account, connector, employee, everyone, ordered};
use crate::connectors::{Capabilities, ConnectorError, ErrorKind};
use crate::controllers::first_seen::FirstSeen;
use crate::controllers::watch::{Change, Seen};
use crate::dispatch::Command;
use crate::dispatch::order::{Effect, Event, Order, Outcome};
use crate::domain::account::{Activity, Completeness, ObservedAccount};
use crate::domain::ids::ConnectorName;
use crate::plan::Operation;
use crate::plan::operation::ReadKey;

/// A connector to `directory` with accounts of people who are gone, long ago seen to be nobody's.
struct Orphanage {
    bench: Bench,
    told: UnboundedReceiver<Command>,
    number: u64,
    now: Timestamp,
}

fn directory(orphans: &Value, more: &Value) -> Value {
    let mut directory = connector("directory");
    directory["spec"]["orphans"] = orphans.clone();
    for (key, value) in more.as_object().into_iter().flatten() {
        directory["spec"][key] = value.clone();
    }
    directory
}

impl Orphanage {
    fn new(orphans: &Value, more: &Value, people: usize) -> Self {
        let mut out = Self::with_status(orphans, more, &Value::Null);
        out.list(people, Activity::Active);
        out.seen(people, 8);
        out
    }

    /// Nothing is listed yet, and an earlier run left this status.
    fn with_status(orphans: &Value, more: &Value, status: &Value) -> Self {
        let mut bench = Bench::new();
        bench.secret("directory");
        let mut directory = directory(orphans, more);
        directory["status"] = status.clone();
        bench.connector("directory", &directory);
        bench.template("everyone", &everyone());
        bench.work();
        bench.at_home("directory");
        let able = Capabilities {
            disable: true,
            rename: true,
            delete: true,
            patch: true,
            filter: true,
            entitlements: true,
            mark: true,
            revokes: std::collections::BTreeSet::new(),
            ownership: false,
            max_page: None,
            notes: Vec::new(),
        };
        bench.report("directory", Event::Probed(able));
        bench.work();
        let told = bench.tap("directory");
        let now = bench.engine.now();
        Self {
            bench,
            told,
            number: 0,
            now,
        }
    }

    /// They are seen to be nobody's since so many days.
    fn seen(&mut self, people: usize, days: i64) {
        let since = self.now - SignedDuration::from_hours(24 * days);
        let listed = (0..people).map(|n| (format!("a{n}").as_str().into(), since));
        let namespace = self.bench.namespace.clone();
        let name = ConnectorName::new("directory");
        let world = &mut self.bench.engine.world;
        let entry = world.connector_mut(&namespace, &name).unwrap();
        entry.orphans = FirstSeen::listed(listed, i64::try_from(people).unwrap());
    }

    fn one(&self, n: usize, activity: Activity) -> ObservedAccount {
        account(&self.bench, &format!("a{n}"), &n.to_string(), activity)
    }

    fn list(&mut self, people: usize, activity: Activity) {
        let all = (0..people).map(|n| self.one(n, activity)).collect();
        self.bench.listed("directory", all);
        self.bench.work();
    }

    /// The status of the connector is due, with all that comes with it.
    fn look(&mut self) {
        let name = ConnectorName::new("directory");
        let namespace = self.bench.namespace.clone();
        let engine = &mut self.bench.engine;
        engine.connector_status(&namespace, &name, self.now);
        self.bench.work();
    }

    /// Orders since this was asked last.
    fn orders(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        while let Ok(command) = self.told.try_recv() {
            if let Command::Submit(order) = command {
                orders.push(*order);
            }
        }
        orders
    }

    fn order(&mut self) -> Order {
        let mut orders = self.orders();
        assert_eq!(orders.len(), 1, "{orders:?}");
        orders.remove(0)
    }

    fn ended(&mut self, order: Order, result: Result<Effect, ConnectorError>) {
        self.number += 1;
        let outcome = Outcome {
            order,
            result,
            number: self.number,
        };
        self.bench
            .report("directory", Event::Done(Box::new(outcome)));
        self.bench.work();
    }

    async fn orphan(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let status = self
            .bench
            .status("directory", |s| wanted(&s["orphanedAccounts"][0]));
        status.await["orphanedAccounts"][0].clone()
    }
}

fn disable() -> Value {
    json!({"policy": "Disable"})
}

fn is_read(order: &Order, id: &str) -> bool {
    order.operation == Operation::Read(ReadKey::Id(id.into()))
}

#[tokio::test]
async fn one_that_was_released_is_read_disabled_and_read_again() {
    let mut at = Orphanage::new(&disable(), &json!({}), 1);
    at.seen(1, 6);
    at.look();
    assert_eq!(at.orders().len(), 0, "its time is not over");
    let told = at.orphan(|orphan| orphan["state"] == "Waiting").await;
    assert_eq!(told["reason"], "OrphanGrace");
    assert!(told["dueAt"].is_string(), "{told}");
    at.seen(1, 8);
    at.look();
    let order = at.order();
    assert!(is_read(&order, "a0") && order.employee.as_str() == "0");
    let shown = at.one(0, Activity::Active);
    at.ended(order, Ok(Effect::Read(vec![shown])));
    let order = at.order();
    assert_eq!(order.operation, Operation::Disable("a0".into()));
    assert!(order.cause.contains("spec.orphans"), "{}", order.cause);
    at.ended(order, Ok(Effect::ActivitySet(None)));
    let order = at.order();
    assert!(is_read(&order, "a0"), "the proof");
    let shown = at.one(0, Activity::Disabled);
    at.ended(order, Ok(Effect::Read(vec![shown])));
    at.look();
    assert_eq!(at.orders().len(), 0);
    let told = at.orphan(|orphan| orphan["state"] == "Disabled").await;
    assert_eq!(told["active"], false);
}

#[tokio::test]
async fn what_a_read_shows_to_be_another_is_left_alone() {
    for change in [
        |account: &mut ObservedAccount| account.username = "other".to_owned().into_name(),
        |account: &mut ObservedAccount| account.mark = Some("test/staff/1".to_owned()),
        |account: &mut ObservedAccount| account.mark = None,
    ] {
        let mut at = Orphanage::new(&disable(), &json!({}), 1);
        at.look();
        let order = at.order();
        let mut shown = at.one(0, Activity::Active);
        change(&mut shown);
        at.ended(order, Ok(Effect::Read(vec![shown])));
        assert_eq!(at.orders().len(), 0);
    }
    // One that is gone is gone.
    let mut at = Orphanage::new(&disable(), &json!({}), 1);
    at.look();
    let order = at.order();
    at.ended(order, Ok(Effect::Read(Vec::new())));
    at.look();
    assert_eq!(at.orders().len(), 0);
}

trait IntoName {
    fn into_name(self) -> crate::domain::ids::Username;
}

impl IntoName for String {
    fn into_name(self) -> crate::domain::ids::Username {
        crate::domain::ids::Username::new(self)
    }
}

#[tokio::test]
async fn a_late_manifest_takes_back_what_was_not_sent() {
    for step in 0..3 {
        let mut at = Orphanage::new(&disable(), &json!({}), 1);
        at.look();
        let mut order = at.order();
        if step > 0 {
            let shown = at.one(0, Activity::Active);
            at.ended(order, Ok(Effect::Read(vec![shown])));
            order = at.order();
        }
        at.bench.employee("ada", &employee("0"));
        let mut withdrawn = false;
        while let Ok(command) = at.told.try_recv() {
            withdrawn |= matches!(command, Command::Withdraw(who) if who.as_str() == "0");
        }
        assert!(withdrawn, "before anything else");
        at.bench.work();
        if step == 2 {
            // It was on its way all the same, and her own plan knows of it.
            at.ended(order, Ok(Effect::ActivitySet(None)));
            assert_eq!(
                ordered(&at.bench, "ada"),
                Some(Operation::Read(ReadKey::Id("a0".into())))
            );
        }
        at.look();
        let others = at.orders();
        let writes = others.iter().filter(|o| o.operation.is_write());
        assert!(writes.count() == 0, "step {step}: {others:?}");
    }
}

#[tokio::test]
async fn a_namespace_that_is_emptied_is_held_as_one() {
    let guard = json!({"guard": {"maxPercent": 5, "alwaysAllowed": 2}});
    let mut at = Orphanage::new(&disable(), &guard, 20);
    at.look();
    assert_eq!(at.orders().len(), 0, "nothing is even read");
    at.look();
    let status = at
        .bench
        .status("directory", |status| status["held"][0]["people"] == 20)
        .await;
    let names = status["held"][0]["employees"].as_array().unwrap();
    assert!(names.contains(&json!("a7")), "{names:?}");
    assert_eq!(status["held"][0]["disable"], 20);
    assert_eq!(status["orphanedAccounts"][0]["state"], "Held");
    // They are back.
    for n in 0..20 {
        at.bench
            .employee(&format!("p{n}"), &employee(&n.to_string()));
    }
    at.bench.work();
    at.look();
    let writes = at.orders();
    let writes = writes.iter().filter(|order| order.operation.is_write());
    assert_eq!(writes.count(), 0);
    let status = at.bench.status("directory", |s| s["orphans"] == 0).await;
    assert!(status["held"][0].is_null(), "{status}");
}

/// A status lists a hundred of them, and the limit is above that: the others are known to have been held.
#[tokio::test]
async fn a_restart_lets_no_part_of_what_is_held_through() {
    const MANY: usize = 150;
    let guard = json!({"guard": {"maxPercent": 100, "maxRemovals": 120}});
    let mut before = Orphanage::new(&disable(), &guard, MANY);
    before.look();
    before.look();
    let digest = |at: &Orphanage| {
        let name = ConnectorName::new("directory");
        let world = &at.bench.engine.world;
        let gate = &world.connector(&at.bench.namespace, &name).unwrap().gate;
        gate.digest(crate::plan::guard::Cause::Change)
    };
    let held = digest(&before);
    assert!(held.is_some());
    let told = before
        .bench
        .status("directory", |s| s["guard"]["held"][0]["who"].is_string())
        .await;
    let mut at = Orphanage::with_status(&disable(), &guard, &told);
    let settle = |at: &mut Orphanage| {
        for _ in 0..3 {
            at.look();
            at.bench.clock.shift(SignedDuration::from_mins(2));
            at.now += SignedDuration::from_mins(2);
            at.bench.work();
        }
        assert_eq!(at.orders().len(), 0, "all of it is held");
    };
    // Those that are left out by a listing are no fewer for it.
    let some = (0..90).map(|n| at.one(n, Activity::Active)).collect();
    let partial = Completeness::Partial("a page was lost".to_owned());
    at.bench.listed_so_far("directory", some, partial);
    at.bench.work();
    settle(&mut at);
    at.list(MANY, Activity::Active);
    settle(&mut at);
    assert_eq!(digest(&at), held, "and an approval is still of it");
}

#[tokio::test]
async fn nothing_is_done_by_what_is_not_whole_or_not_to_be_written() {
    let quiet = |at: &mut Orphanage, why: &str| {
        at.look();
        at.look();
        assert_eq!(at.orders().len(), 0, "{why}");
    };
    let dry = json!({"mode": "DryRun"});
    let mut at = Orphanage::new(&disable(), &dry, 1);
    quiet(&mut at, "a dry run");
    let counted = |status: &Value| status["dryRun"]["disable"] == 1;
    at.bench.status("directory", counted).await;

    let mut at = Orphanage::new(&json!({"policy": "Report"}), &json!({}), 1);
    quiet(&mut at, "only told of");
    let protected = json!({"protected": {"accounts": ["a?"]}});
    let mut at = Orphanage::new(&disable(), &protected, 1);
    quiet(&mut at, "protected");
    let ignored =
        json!({"policy": "Disable", "exceptions": [{"username": "a*", "reason": "backup"}]});
    let mut at = Orphanage::new(&ignored, &json!({}), 1);
    quiet(&mut at, "an exception");

    let mut at = Orphanage::new(&disable(), &json!({}), 1);
    let all = vec![at.one(0, Activity::Active)];
    let partial = Completeness::Partial("a page was lost".to_owned());
    at.bench.listed_so_far("directory", all, partial);
    quiet(&mut at, "not everything was seen");
    let told = at.orphan(|orphan| orphan["reason"] == "Partial").await;
    assert_eq!(told["state"], "Kept");

    // An Employee that can't be read may be anybody.
    let mut at = Orphanage::new(&disable(), &json!({}), 1);
    let mut nobody = employee("");
    nobody["spec"]["employeeId"] = json!("");
    at.bench.employee("nobody", &nobody);
    at.bench.work();
    quiet(&mut at, "somebody can't be read");

    // Whoever comes and goes is gone since then.
    let mut at = Orphanage::new(&disable(), &json!({}), 1);
    at.bench.employee("ada", &employee("0"));
    let gone = Seen::Gone(at.bench.key("ada"));
    at.bench.engine.change(Change::Employee(gone));
    quiet(&mut at, "its time begins anew");
}

#[tokio::test]
async fn a_failure_is_told_and_it_is_read_again_before_the_next_attempt() {
    let mut at = Orphanage::new(&disable(), &json!({}), 1);
    at.look();
    let order = at.order();
    let shown = at.one(0, Activity::Active);
    at.ended(order, Ok(Effect::Read(vec![shown])));
    let order = at.order();
    let error = ConnectorError::new(ErrorKind::Forbidden, "not allowed");
    at.ended(order, Err(error));
    at.look();
    assert_eq!(at.orders().len(), 0, "not at once");
    let told = at.orphan(|orphan| orphan["state"] == "Failed").await;
    assert_eq!(told["reason"], "Forbidden");
    assert!(told["dueAt"].is_string(), "{told}");
    let name = ConnectorName::new("directory");
    let namespace = at.bench.namespace.clone();
    let world = &mut at.bench.engine.world;
    let entry = world.connector_mut(&namespace, &name).unwrap();
    for matter in entry.orphan_work.matters.values_mut() {
        matter.failure.as_mut().unwrap().retry_at = Timestamp::UNIX_EPOCH;
    }
    at.look();
    let order = at.order();
    assert!(is_read(&order, "a0"), "{order:?}");
}

#[tokio::test]
async fn one_that_is_deleted_was_disabled_for_its_time() {
    let delete = json!({"policy": "Delete", "after": "1h", "retain": "2d"});
    let mut at = Orphanage::new(&delete, &json!({}), 1);
    at.list(1, Activity::Disabled);
    at.look();
    assert_eq!(at.orders().len(), 0);
    let told = at.orphan(|o| o["reason"] == "OrphanRetained").await;
    assert!(told["keptSince"].is_string() && told["keptFor"] == 172_800);
    at.now += SignedDuration::from_hours(49);
    at.look();
    let order = at.order();
    assert!(is_read(&order, "a0"));
    let shown = at.one(0, Activity::Disabled);
    at.ended(order, Ok(Effect::Read(vec![shown])));
    let order = at.order();
    assert_eq!(order.operation, Operation::Delete("a0".into()));
    at.ended(order, Ok(Effect::Deleted));
    at.look();
    assert_eq!(at.orders().len(), 0);
    at.bench.status("directory", |s| s["orphans"] == 0).await;
}

/// One that was never ours is dealt with only where that is said, and not once a link names it.
#[tokio::test]
async fn one_that_was_never_ours_is_left_to_whoever_may_be_its_owner() {
    let stranger = |at: &mut Orphanage| {
        let mut account = at.one(0, Activity::Active);
        account.mark = None;
        at.bench.listed("directory", vec![account.clone()]);
        at.bench.work();
        at.seen(1, 8);
        account
    };
    let mut at = Orphanage::new(&disable(), &json!({}), 1);
    stranger(&mut at);
    at.look();
    assert_eq!(at.orders().len(), 0);
    let told = at.orphan(|orphan| orphan["reason"] == "NeverOurs").await;
    assert_eq!(told["state"], "Reported");

    let all = json!({"policy": "Disable", "which": "All"});
    let mut at = Orphanage::new(&all, &json!({}), 1);
    let shown = stranger(&mut at);
    at.look();
    let order = at.order();
    assert!(is_read(&order, "a0"), "{order:?}");
    assert_eq!(order.employee.as_str(), "undeclared:a0");
    at.ended(order, Ok(Effect::Read(vec![shown])));
    assert_eq!(at.order().operation, Operation::Disable("a0".into()));
    let mut ada = employee("7");
    ada["spec"]["links"] = json!([{"connector": "directory", "account": "a0"}]);
    at.bench.employee("ada", &ada);
    let mut withdrawn = false;
    while let Ok(command) = at.told.try_recv() {
        withdrawn |= matches!(command, Command::Withdraw(who) if who.as_str() == "undeclared:a0");
    }
    assert!(withdrawn);
    at.look();
    let told = at.orphan(|orphan| orphan["reason"] == "OwnerPossible");
    assert_eq!(told.await["state"], "Kept");
}
