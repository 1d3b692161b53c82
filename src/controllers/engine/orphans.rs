//! Does what a connector says about accounts that are nobody's: through the guard, each read directly right before, and
//! no longer once somebody claims it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::Engine;
use crate::controllers::app_connector::orphan_claims::{self, Claims};
use crate::controllers::app_connector::orphan_matters::{ask, begin_anew, take, withdraw};
use crate::controllers::app_connector::orphans;
use crate::controllers::rivals;
use crate::controllers::world::{ConnectorEntry, OrphanMatter};
use crate::dispatch::order::{ConnectorKey, Order, Outcome};
use crate::domain::ids::{AccountId, ConnectorName, EmployeeId};
use crate::domain::orphans::{Kind, counted_as};
use crate::plan::Operation;
use crate::plan::guard::Cause;
use crate::plan::operation::{Lane, ReadKey};

impl Engine {
    /// Looks at all accounts of a connector that are nobody's: asks the guard about those with which something is due,
    /// as a whole, and goes on with those that it lets through.
    pub(super) fn deal_with_orphans(
        &mut self,
        namespace: &Arc<str>,
        name: &ConnectorName,
        now: Timestamp,
    ) {
        self.know_claims(namespace, name);
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let answers = ask(realm, name, now);
        let entry = realm.connectors.get(name).into_iter();
        let all = entry.flat_map(|entry| entry.orphan_work.matters.keys().cloned());
        let all: Vec<AccountId> = all.collect();
        for answer in answers {
            self.heard(namespace, name, Cause::Change, answer);
        }
        for id in all {
            self.go_on_with_orphan(namespace, name, &id, now);
        }
    }

    /// Where accounts that were never ours are dealt with, it is known who may be their owner.
    fn know_claims(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let asks = realm.policy.connector(name);
        if asks.is_some_and(|connector| connector.spec.orphans.undeclared_too) {
            rivals::know(realm);
        }
    }

    /// What the guard let through was remembered: those of it that are accounts of nobody go on.
    pub(super) fn go_on_with_orphans(&mut self, namespace: &Arc<str>, name: &ConnectorName) {
        let now = self.now();
        let entry = self.world.connector(namespace, name);
        let all = entry.map(|entry| entry.orphan_work.matters.keys().cloned().collect());
        let all: Vec<AccountId> = all.unwrap_or_default();
        for id in all {
            self.go_on_with_orphan(namespace, name, &id, now);
        }
    }

    /// Hands the next step with one of them to dispatch, where it is time for one.
    fn go_on_with_orphan(
        &mut self,
        namespace: &Arc<str>,
        name: &ConnectorName,
        id: &AccountId,
        now: Timestamp,
    ) {
        if self.stale_policies.contains(namespace) {
            // Whom rules find by now is not known yet: what comes of it follows once the policy is put together.
            self.summary_of_connector(namespace, name.clone());
            return;
        }
        self.know_claims(namespace, name);
        let revision = self.next();
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let Some(entry) = realm.connectors.get(name) else {
            return;
        };
        let Some(matter) = entry.orphan_work.matters.get(id) else {
            return;
        };
        let Some(running) = &entry.running else {
            return;
        };
        let Some(operation) = orphans::next(realm, name, entry, matter, now) else {
            return;
        };
        running.handle.submit(Order {
            employee: matter.ordered_for(),
            // Nobody who works, joins or leaves waits for it.
            lane: Lane::Drift,
            operation: operation.clone(),
            revision,
            cause: orphans::cause(name, entry, matter),
            knows: running.knows,
        });
        let entry = realm.connectors.get_mut(name);
        let matter = entry.and_then(|entry| entry.orphan_work.matters.get_mut(id));
        if let Some(matter) = matter {
            matter.submitted = Some(operation);
        }
    }

    /// Takes in how an order ended, if it was about an account of nobody; gives it back else.
    pub(super) fn orphan_done(&mut self, key: &ConnectorKey, outcome: Outcome) -> Option<Outcome> {
        let now = self.now();
        let Some(realm) = self.world.realms.get_mut(&key.namespace) else {
            return Some(outcome);
        };
        let Some(id) = account_of(&outcome.order.operation).cloned() else {
            return Some(outcome);
        };
        if realm.owner(&outcome.order.employee).is_some() {
            return Some(outcome);
        }
        let Some(entry) = realm.connectors.get_mut(&key.name) else {
            return Some(outcome);
        };
        let matter = entry.orphan_work.matters.get(&id);
        let submitted = matter.and_then(|matter| matter.submitted.as_ref());
        if submitted != Some(&outcome.order.operation) {
            return Some(outcome);
        }
        take(entry, &id, outcome, now, fastrand::f64());
        self.go_on_with_orphan(&key.namespace, &key.name, &id, now);
        self.summary_of_connector(&key.namespace, key.name.clone());
        None
    }

    /// Somebody of this id is there: what was of nobody is theirs. What was not sent is not sent any more; what is on
    /// its way is looked for.
    pub(super) fn claim_orphans(&mut self, namespace: &Arc<str>, id: &EmployeeId) {
        let now = self.now();
        let Some(realm) = self.world.realms.get_mut(namespace) else {
            return;
        };
        let mut in_doubt = BTreeSet::new();
        let mut answers = Vec::new();
        for (name, entry) in &mut realm.connectors {
            begin_anew(entry, id);
            let kind = Kind::Released(id.clone());
            let counted = counted_as(&kind, name.as_str(), &AccountId::new(""));
            answers.push((name.clone(), entry.gate.ask(&counted, None, now)));
            let theirs = |matter: &OrphanMatter| matter.kind == kind;
            let matters = std::mem::take(&mut entry.orphan_work.matters);
            let (claimed, others) = matters.into_iter().partition(|(_, m)| theirs(m));
            entry.orphan_work.matters = others;
            let claimed: BTreeMap<AccountId, OrphanMatter> = claimed;
            for operation in claimed.into_values().filter_map(|m| m.submitted) {
                if let Some(running) = &entry.running {
                    running.handle.withdraw(id);
                }
                if operation.is_write() {
                    entry.inventory.doubt(id);
                    in_doubt.insert(name.clone());
                }
            }
        }
        if !in_doubt.is_empty() {
            let left = realm.left_in_doubt.entry(id.clone()).or_default();
            left.extend(in_doubt);
        }
        for (name, answer) in answers {
            self.heard(namespace, &name, Cause::Change, answer);
        }
    }

    /// Accounts of whoever is gone are nobody's from now on, and not since an earlier time.
    pub(super) fn release_accounts(&mut self, namespace: &Arc<str>, id: &EmployeeId) {
        if let Some(realm) = self.world.realms.get_mut(namespace) {
            for entry in realm.connectors.values_mut() {
                begin_anew(entry, id);
            }
        }
    }

    /// Somebody came or changed, or rules did: an account that was never ours may be somebody's, and is left alone then.
    pub(super) fn spare_claimed(&mut self, namespace: &Arc<str>) {
        let realm = self.world.realms.get(namespace);
        let entries = realm.into_iter().flat_map(|realm| &realm.connectors);
        let concerned = entries.filter(|(_, entry)| strangers(entry).next().is_some());
        let concerned: Vec<ConnectorName> = concerned.map(|(name, _)| name.clone()).collect();
        let mut claimed: Vec<(ConnectorName, AccountId)> = Vec::new();
        for name in concerned {
            self.know_claims(namespace, &name);
            let Some(realm) = self.world.realms.get(namespace) else {
                continue;
            };
            let Some(entry) = realm.connectors.get(&name) else {
                continue;
            };
            let in_doubt = orphan_claims::doubt(realm, &name, entry).is_some();
            let claims = Claims::of(realm, &name, entry);
            for matter in strangers(entry) {
                let account = entry.inventory.by_id(&matter.account);
                if in_doubt || account.is_some_and(|account| claims.cover(account)) {
                    claimed.push((name.clone(), matter.account.clone()));
                }
            }
        }
        for (name, id) in claimed {
            if let Some(entry) = self.world.connector_mut(namespace, &name) {
                withdraw(entry, &id);
            }
            self.summary_of_connector(namespace, name);
        }
    }
}

/// Takes back all that was ordered with accounts of nobody and not sent: it would be sent long after it was read how
/// each is.
pub(super) fn withdraw_all(entry: &mut ConnectorEntry) {
    let all: Vec<AccountId> = entry.orphan_work.matters.keys().cloned().collect();
    for id in all {
        withdraw(entry, &id);
    }
}

/// What is to be done with accounts that were never ours.
fn strangers(entry: &ConnectorEntry) -> impl Iterator<Item = &OrphanMatter> {
    let matters = entry.orphan_work.matters.values();
    matters.filter(|matter| matter.kind == Kind::Undeclared)
}

/// The account that an operation with one of nobody is about.
fn account_of(operation: &Operation) -> Option<&AccountId> {
    match operation {
        Operation::Read(ReadKey::Id(id)) | Operation::Disable(id) | Operation::Delete(id) => {
            Some(id)
        }
        _ => None,
    }
}
