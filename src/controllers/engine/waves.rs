//! What is about to be taken away: gathered by connector, decided once everyone is looked at whom it
//! concerns, and let through once it is remembered in the status that it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::hand_over::Subject;
use super::progress::later;
use super::{Engine, Work};
use crate::controllers::app_connector::events;
use crate::controllers::app_connector::orphan_matters::forget_unknown;
use crate::controllers::gate::{self, Asking};
use crate::controllers::world::{ConnectorEntry, Person, Realm, World};
use crate::domain::account::Activity;
use crate::domain::guard::Limits;
use crate::domain::ids::{ConnectorName, EmployeeId, EmployeeName};
use crate::domain::lifecycle;
use crate::plan::Lane;
use crate::plan::guard::{Asked, Bounds, Cause, Gate, Limit, Overall, Verdict};
use crate::runtime::status_writer::ObjectKind;

/// How long it must be quiet before a wave that nobody's leaving causes is decided: many edits, or many
/// answers of a target, come one after another and are one change all the same.
const QUIET: SignedDuration = SignedDuration::from_secs(2);
/// How long it is waited for that, at most.
const AT_MOST: SignedDuration = SignedDuration::from_secs(10);
/// How long what is held must be the same until it is asked whether it fits by now: where a mistake is taken back object
/// by object, what is left of it fits for a moment.
const SETTLED: SignedDuration = SignedDuration::from_mins(1);
/// When what is held for the sake of other applications is asked for again, at the latest.
const NOW_AND_THEN: SignedDuration = SignedDuration::from_hours(1);
/// When a decision that could not be remembered is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

impl Engine {
    /// Tells the gates what the plan of a person takes away.
    pub(super) fn ask_gates(
        &mut self,
        namespace: &Arc<str>,
        name: &EmployeeName,
        look: Asking<'_>,
        now: Timestamp,
    ) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        for (connector, cause, answer) in gate::ask(realm, name, look, now) {
            self.heard(namespace, &connector, cause, answer);
        }
    }

    /// Decides about a wave once it is quiet, in whichever application it is: one change may concern many applications.
    fn gather(&mut self, namespace: &Arc<str>) {
        let at = self.ports.clock.now();
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let first = *realm.gathering_since.get_or_insert(at);
        let due = later(at, QUIET).min(later(first, AT_MOST));
        let work = Work::Wave(Arc::clone(namespace));
        self.queue.set_at(work, Lane::Mover, due);
    }

    /// A gate answered what was asked of it.
    pub(super) fn heard(
        &mut self,
        namespace: &Arc<str>,
        connector: &ConnectorName,
        cause: Cause,
        answer: Asked,
    ) {
        if answer.undecided && cause == Cause::Change {
            self.gather(namespace);
        } else if answer.undecided {
            let work = Work::Leavers(Arc::clone(namespace), connector.clone());
            self.queue.add(work, Lane::Leaver);
        }
        if answer.held_changed {
            self.consider_held(namespace, connector.clone());
            self.summary_of_connector(namespace, connector.clone());
        }
    }

    /// Nothing of a person who is gone is taken away any more.
    pub(super) fn leave_gates(&mut self, namespace: &Arc<str>, id: &EmployeeId) {
        let now = self.now();
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let mut changed = Vec::new();
        for (connector, entry) in &mut realm.connectors {
            if entry.gate.ask(id, None, now).held_changed {
                changed.push(connector.clone());
            }
        }
        for connector in changed {
            self.consider_held(namespace, connector);
        }
    }

    /// Nothing is taken from a person whose facts can't be used.
    pub(super) fn nothing_is_taken(&mut self, namespace: &Arc<str>, name: &EmployeeName) {
        let person = self.world.person(namespace, name);
        if let Some(id) = person.map(|person| person.employee_id.clone()) {
            let realm = self.world.realms.get(namespace);
            if realm.and_then(|realm| realm.owner(&id)) == Some(name) {
                self.leave_gates(namespace, &id);
            }
        }
    }

    /// What is held is something else now, and may fit by the time that it has not changed for a while. So may what is held
    /// elsewhere because all of it together is too much.
    pub(super) fn consider_held(&mut self, namespace: &Arc<str>, connector: ConnectorName) {
        self.consider(namespace, connector);
        self.consider_shared(namespace);
    }

    fn consider(&mut self, namespace: &Arc<str>, connector: ConnectorName) {
        let now = self.ports.clock.now();
        if let Some(entry) = self.world.connector_mut(namespace, &connector) {
            entry.held_changed_at = Some(now);
        }
        let work = Work::Held(Arc::clone(namespace), connector);
        self.queue.set_at(work, Lane::Mover, later(now, SETTLED));
    }

    /// The same for what is held because of all applications together.
    pub(super) fn consider_shared(&mut self, namespace: &Arc<str>) {
        let realm = self.world.realms.get(namespace);
        let entries = realm.into_iter().flat_map(|realm| &realm.connectors);
        let shared = entries.filter(|(_, entry)| is_shared(&entry.gate));
        let shared: Vec<ConnectorName> = shared.map(|(name, _)| name.clone()).collect();
        for connector in shared {
            self.consider(namespace, connector);
        }
    }

    /// A connector was edited: what is held may fit its limits now. What was held before the start may have been
    /// taken back while nobody looked.
    pub(super) fn limits_changed(
        &mut self,
        namespace: &Arc<str>,
        name: &ConnectorName,
        was_known: bool,
    ) {
        let now = self.now();
        let Some(entry) = self.world.connector_mut(namespace, name) else {
            return;
        };
        if let Some(compiled) = &entry.compiled {
            entry.gate.correct(compiled.spec.guard.window, now);
        }
        if was_known && entry.gate.held_people() > 0 {
            // Whoever loses something else by the edit is looked at first.
            let work = Work::Held(Arc::clone(namespace), name.clone());
            self.queue.add(work, Lane::Mover);
        } else if entry.gate.is_recalling() {
            self.consider_held(namespace, name.clone());
        }
    }

    /// Somebody may have approved what is held.
    pub(super) fn hear_approval(&mut self, namespace: &Arc<str>, connector: &ConnectorName) {
        let entry = self.world.connector(namespace, connector);
        let digests = |entry: &ConnectorEntry| {
            let approved = entry.meta.approved.as_ref()?;
            let mut held = Cause::ALL.into_iter().filter_map(|c| entry.gate.digest(c));
            held.find(|digest| *digest == approved.digest)
        };
        if entry.and_then(digests).is_some() {
            let work = Work::Held(Arc::clone(namespace), connector.clone());
            self.queue.add(work, Lane::Leaver);
        }
    }

    /// Decides what is undecided in a namespace, as one: what several applications would lose by one change is held in all
    /// of them, or in none.
    pub(super) fn decide_wave(&mut self, namespace: &Arc<str>, now: Timestamp) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        realm.gathering_since = None;
        let asked = asked_in(realm);
        let undecided = realm.connectors.iter();
        let undecided = undecided.filter(|(_, entry)| entry.gate.is_undecided());
        let undecided: Vec<ConnectorName> = undecided.map(|(name, _)| name.clone()).collect();
        for name in &undecided {
            self.decide(namespace, name, &Cause::ALL, &asked, now);
        }
    }

    /// Decides what is undecided of these causes. What is let through runs once that is remembered. `asked` are all who
    /// are decided together, as numbers.
    pub(super) fn decide(
        &mut self,
        namespace: &Arc<str>,
        connector: &ConnectorName,
        causes: &[Cause],
        asked: &BTreeSet<u64>,
        now: Timestamp,
    ) {
        let entry = self.world.connector(namespace, connector);
        if entry.is_none_or(|entry| entry.gate.is_idle()) {
            return;
        }
        self.correct_ledgers(now);
        let Some(realm) = self.world.realms.get(namespace) else {
            return;
        };
        let realms = self.world.realms.values();
        let overall = overall(realms, realm, asked, self.world.limits, now);
        let clock = self.ports.clock.now();
        self.forget_unknown(namespace, connector, now);
        let Some(entry) = self.world.connector_mut(namespace, connector) else {
            return;
        };
        let Some(compiled) = entry.compiled.clone() else {
            return;
        };
        // Not later than now, where the clock was ahead.
        entry.held_changed_at = entry.held_changed_at.map(|at| at.min(clock));
        let changed_at = entry.held_changed_at;
        let reconsider = changed_at.is_none_or(|at| later(at, SETTLED) <= clock);
        let approval = entry.meta.approved.clone();
        let Verdict {
            released,
            held,
            approved,
        } = entry.gate.decide(
            causes,
            &Bounds {
                policy: &compiled.spec.guard,
                accounts: usable(entry),
                reconsider,
                overall: &overall,
                approval: approval.as_deref(),
                now,
            },
        );
        if let (Some(people), Some(approval)) = (approved, approval) {
            entry.approved_last = Some((*approval, now, people));
            self.consider_held(namespace, connector.clone());
        }
        let Some(entry) = self.world.connector(namespace, connector) else {
            return;
        };
        let waits = entry.gate.held_people() > 0;
        let shared = is_shared(&entry.gate);
        let room = next_room(&self.world, namespace, connector, now);
        let now_and_then = shared.then(|| later(now, NOW_AND_THEN));
        // It was not asked yet whether it fits.
        let settled = changed_at.filter(|_| !reconsider);
        let settled = settled.map(|at| later(at, SETTLED));
        let again = [room, now_and_then, settled].into_iter().flatten().min();
        if let Some(at) = again.filter(|_| waits) {
            let work = Work::Held(Arc::clone(namespace), connector.clone());
            self.queue.add_at(work, Lane::Mover, at);
        }
        if released || waits {
            self.summary_of_connector(namespace, connector.clone());
        }
        for id in &held {
            self.look_at_id(namespace, id);
        }
        self.remember_releases(namespace, connector);
    }

    /// What was let through while the clock was ahead counts for a window from now on, and no longer.
    fn correct_ledgers(&mut self, now: Timestamp) {
        for realm in self.world.realms.values_mut() {
            for entry in realm.connectors.values_mut() {
                if let Some(compiled) = &entry.compiled {
                    entry.gate.correct(compiled.spec.guard.window, now);
                }
            }
            realm.former.retain(|_, gate| gate.next_end(now).is_some());
        }
    }

    fn forget_unknown(&mut self, namespace: &Arc<str>, connector: &ConnectorName, now: Timestamp) {
        let realm = self.world.realms.get_mut(namespace);
        let changed = realm.is_some_and(|realm| forget_unknown(realm, connector, now));
        if changed {
            self.summary_of_connector(namespace, connector.clone());
        }
    }

    /// Writes down what was let through, ahead of everything else: an operator that is killed after the first
    /// of it must know.
    fn remember_releases(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let token = self.next();
        let now = self.ports.clock.now();
        let Some(entry) = self.world.connector_mut(namespace, name) else {
            return;
        };
        if entry.gate.unsaved().is_empty() {
            return;
        }
        let work = Work::Leavers(Arc::clone(namespace), name.clone());
        let mut status = entry.status.newest();
        status.guard = gate::told(entry);
        let ConnectorEntry {
            meta,
            status: tracked,
            gate,
            saving,
            ..
        } = entry;
        let subject = Subject {
            kind: ObjectKind::AppConnector,
            namespace,
            name: name.as_str(),
            meta,
            lane: Lane::Leaver,
        };
        if self
            .ports
            .hand_over(&subject, tracked, &status, token, |before, after| {
                let approved = events::approved(namespace, name, meta, before, after);
                approved.into_iter().collect()
            })
        {
            saving.insert(token, gate.unsaved().clone());
        } else if tracked.is_stored(&status) {
            // The same was let through before, and the status still says so: nothing is to be written, and nothing
            // would come back.
            let items = gate.unsaved().clone();
            self.saved(namespace, name, &items);
            return;
        } else if saving.is_empty() {
            // It was refused before, and nobody may lose anything until it is stored: it is tried again.
            tracked.forget_refused();
        }
        self.queue.add_at(work, Lane::Leaver, later(now, AGAIN));
    }

    /// A status was written, or will not be: what one says that is stored was let through may run. Another one may be on
    /// its way by then, as where people leave one after another, and nobody waits for that.
    pub(super) fn releases_remembered(
        &mut self,
        namespace: &Arc<str>,
        name: &ConnectorName,
        token: u64,
        is_stored: bool,
    ) {
        let Some(entry) = self.world.connector_mut(namespace, name) else {
            return;
        };
        let items = entry.saving.remove(&token).unwrap_or_default();
        // Those before it that were never sent are replaced by it.
        entry.saving = entry.saving.split_off(&token);
        if is_stored && !items.is_empty() {
            self.saved(namespace, name, &items);
        }
    }

    /// Who may lose these now is looked at.
    fn saved(&mut self, namespace: &Arc<str>, name: &ConnectorName, items: &BTreeSet<u128>) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(entry) = realm.connectors.get_mut(name) else {
            return;
        };
        for id in entry.gate.save(items) {
            self.look_at_id(namespace, &id);
        }
        self.go_on_with_orphans(namespace, name);
    }
}

/// What counts towards the limits of the whole operator, of everybody who has not left. One realm is decided about, where all
/// who are `asked` are decided together.
pub fn overall<'a>(
    realms: impl Iterator<Item = &'a Realm> + Clone,
    realm: &Realm,
    asked: &BTreeSet<u64>,
    limits: Limits,
    now: Timestamp,
) -> Overall {
    let has_left = |person: &Person| {
        let ends = person
            .facts
            .as_ref()
            .ok()
            .and_then(|f| lifecycle::ends_at(f));
        ends.is_some_and(|at| at <= now)
    };
    let people = realms.clone().flat_map(|realm| realm.people.values());
    let people = people.filter(|person| !has_left(person)).count();
    let mut overall = Overall::new(limits, people);
    overall.asked.clone_from(asked);
    let there = there(realm);
    overall.held = there
        .flat_map(|gate| gate.held_now(Cause::Change))
        .collect();
    for realm in realms {
        for gate in gates(realm) {
            overall.count(gate, now);
        }
    }
    overall
}

/// Who is about to lose something by a change in a namespace and is not decided yet, as numbers.
#[must_use]
pub fn asked_in(realm: &Realm) -> BTreeSet<u64> {
    let undecided = there(realm).flat_map(|gate| gate.undecided_keys(Cause::Change));
    undecided.collect()
}

/// Those of connectors that are gone are among them: what they let through counts to the end.
fn gates(realm: &Realm) -> impl Iterator<Item = &Gate> {
    there(realm).chain(realm.former.values())
}

fn there(realm: &Realm) -> impl Iterator<Item = &Gate> {
    realm.connectors.values().map(|entry| &entry.gate)
}

/// Whether something is held because of what all applications lose together.
fn is_shared(gate: &Gate) -> bool {
    let mut excess = Cause::ALL.into_iter().filter_map(|c| gate.excess(c));
    excess.any(|excess| excess.limit == Limit::Overall)
}

/// When what is held may fit next, as something counts no more by then: of the connector itself, or of any, where the limit
/// is that of all of them.
fn next_room(
    world: &World,
    namespace: &Arc<str>,
    connector: &ConnectorName,
    now: Timestamp,
) -> Option<Timestamp> {
    let gate = &world.connector(namespace, connector)?.gate;
    if is_shared(gate) {
        let all = world.realms.values().flat_map(gates);
        all.filter_map(|gate| gate.next_end(now)).min()
    } else {
        gate.next_end(now)
    }
}

/// How many accounts of ours can be used, as far as the application says.
#[must_use]
pub fn usable(entry: &ConnectorEntry) -> usize {
    let inventory = &entry.inventory;
    let accounts = inventory.accounts();
    let usable = accounts.filter(|a| a.activity != Activity::Disabled && inventory.is_ours(a));
    usable.count()
}
