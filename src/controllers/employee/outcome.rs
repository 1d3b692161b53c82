//! Takes in how an order ended: what the target shows now, and what is to be tried again when.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::connectors::{ConnectorError, ErrorKind};
use crate::controllers::world::{Failure, FailureKey, Names, Person};
use crate::dispatch::inventory::Inventory;
use crate::dispatch::order::{Effect, Order, Outcome};
use crate::domain::account::{Activity, AttributeValue, ObservedAccount};
use crate::domain::ids::{AccountId, ConnectorName, EntitlementName};
use crate::domain::mark::{Marking, Scope};
use crate::plan::operation::ReadKey;
use crate::plan::{Operation, attributes};
use crate::runtime::backoff;

/// First wait after a failure that may pass by itself.
const RETRY_BASE: Duration = Duration::from_secs(2);
/// Longest wait after such failures.
const RETRY_CAP: Duration = Duration::from_mins(5);
/// First wait after a failure that someone must do something about.
const REPORTED_BASE: Duration = Duration::from_mins(5);
/// Longest wait after such failures.
const REPORTED_CAP: Duration = Duration::from_hours(1);

/// Reason where an application does not keep the mark of an account that was made.
pub const MARK_NOT_KEPT: &str = "MarkNotKept";

/// What to tell of an application that did not keep our mark.
#[must_use]
pub fn mark_not_kept(account: &AccountId) -> String {
    format!(
        "the application made the account {account} and did not keep its mark (externalId): no more accounts are made there until it does. Let the application store externalId; then set the mark on that account, or delete it there"
    )
}

/// What an outcome is laid into.
pub struct Context<'a> {
    /// Whose mark is ours.
    pub scope: &'a Scope,
    /// Which connector.
    pub connector: &'a ConnectorName,
    /// What its target showed so far.
    pub inventory: &'a mut Inventory,
    /// The account there that did not keep our mark, if there is one.
    pub mark_dropped: &'a mut Option<AccountId>,
    /// User names of its target.
    pub names: Option<&'a mut Names>,
    /// The person.
    pub person: &'a mut Person,
    /// The instant.
    pub now: Timestamp,
    /// A number from 0 to 1 that spreads retries.
    pub jitter: f64,
}

impl Context<'_> {
    /// Takes an outcome in.
    pub fn take(&mut self, outcome: Outcome) {
        let Outcome { order, result, .. } = outcome;
        // Whatever was submitted since was planned without knowing this, and is not carried out.
        self.person.submitted.remove(self.connector);
        match result {
            Ok(effect) => self.done(&order, effect),
            Err(error) => self.failed(&order, &error),
        }
    }

    fn done(&mut self, order: &Order, effect: Effect) {
        match (effect, &order.operation) {
            (Effect::Created(account), _) => {
                self.created(account, order);
            }
            (Effect::Read(accounts), Operation::Read(key)) => self.read(key, accounts),
            (Effect::Updated(shown), Operation::Update { id, changes }) => {
                match shown {
                    Some(account) => self.inventory.saw(account, false),
                    None => self.inventory.wrote_attributes(id, changes),
                }
                self.note_normalised(id, order);
                self.succeeded(order);
            }
            (Effect::ActivitySet(shown), Operation::Enable(id)) => {
                self.activity(shown, id, Activity::Active);
                self.succeeded(order);
            }
            (Effect::ActivitySet(shown), Operation::Disable(id)) => {
                self.activity(shown, id, Activity::Disabled);
                self.person.disable_accepted.insert(self.connector.clone());
                // The proof by a direct read decides whether it succeeded.
            }
            (Effect::Entitlements { results, created }, operation) => {
                for entitlement in created {
                    self.inventory.created_entitlement(entitlement);
                }
                let (id, holds) = match operation {
                    Operation::AddEntitlements { id, .. } => (id, true),
                    Operation::RemoveEntitlements { id, .. } => (id, false),
                    _ => return,
                };
                for (name, result) in results {
                    match result {
                        Ok(()) => {
                            self.inventory.wrote_holder(&name, id, holds);
                            let key = self.key(order.operation.verb(), Some(&name));
                            self.person.failures.remove(&key);
                        }
                        Err(error) => {
                            self.note_failure(order.operation.verb(), Some(&name), &error);
                        }
                    }
                }
            }
            // An effect of another kind than the order's says nothing that can be used.
            _ => {}
        }
    }

    /// An account was made. It is linked at once: if it does not bear the mark that it was made with, it
    /// is this link that shows it as a contradiction, and keeps another from being made.
    fn created(&mut self, account: ObservedAccount, order: &Order) {
        let me = Marking::Ours(self.person.employee_id.clone());
        if self.scope.read(account.mark.as_deref()) == me {
            *self.mark_dropped = None;
            self.succeeded(order);
        } else {
            *self.mark_dropped = Some(account.id.clone());
            let error = ConnectorError::new(ErrorKind::Invalid, mark_not_kept(&account.id));
            self.note("Create", None, MARK_NOT_KEPT, &error);
            let record = &mut self.person.record.accounts;
            record.entry(self.connector.clone()).or_default().id = Some(account.id.clone());
        }
        self.inventory.saw(account, false);
    }

    fn activity(&mut self, shown: Option<ObservedAccount>, id: &AccountId, wanted: Activity) {
        match shown {
            // What the answer shows is believed only where it agrees; a direct read tells the rest.
            Some(account) if account.activity == wanted => self.inventory.saw(account, false),
            _ => self.inventory.wrote_activity(id, wanted),
        }
    }

    fn succeeded(&mut self, order: &Order) {
        let key = self.key(order.operation.verb(), None);
        self.person.failures.remove(&key);
    }

    /// A direct read ends every doubt.
    fn read(&mut self, key: &ReadKey, accounts: Vec<ObservedAccount>) {
        let me = self.person.employee_id.clone();
        let key_of_read = self.key("Read", None);
        self.person.failures.remove(&key_of_read);
        self.person.in_doubt.remove(self.connector);
        let ours = accounts
            .iter()
            .any(|a| self.scope.read(a.mark.as_deref()) == Marking::Ours(me.clone()));
        match key {
            ReadKey::Id(id) if accounts.is_empty() => {
                self.inventory.saw_absent(id);
                // The link is broken; the mark may still lead to an account that was not listed.
                if let Some(record) = self.person.record.accounts.get_mut(self.connector) {
                    record.id = None;
                }
            }
            ReadKey::Id(_) => {}
            ReadKey::MarkOrUsername(..) if ours => {
                self.person.name_taken.remove(self.connector);
            }
            ReadKey::MarkOrUsername(_, username) => {
                self.inventory.sought(&me);
                if let Some(username) = username
                    && (self.person.name_taken.remove(self.connector) || !accounts.is_empty())
                {
                    // Somebody else has the name, whether or not the target lets us see them.
                    if let Some(names) = self.names.as_deref_mut() {
                        names.allocated.remove(username);
                        names.refused.insert(username.clone());
                    }
                    if let Some(record) = self.person.record.accounts.get_mut(self.connector) {
                        record.username = None;
                    }
                }
            }
        }
        let accepted = self.person.disable_accepted.remove(self.connector);
        for account in accounts {
            if accepted && account.activity != Activity::Disabled {
                let error = ConnectorError::new(
                    ErrorKind::Nonsense,
                    format!(
                        "the application accepted to disable {} but still does not show it as disabled: disable it by hand and look into the application",
                        account.username
                    ),
                );
                self.note("Disable", None, "NotApplied", &error);
            } else if accepted {
                let key = self.key("Disable", None);
                self.person.failures.remove(&key);
            }
            self.inventory.saw(account, true);
        }
    }

    fn failed(&mut self, order: &Order, error: &ConnectorError) {
        match error.kind {
            ErrorKind::OutcomeUnknown | ErrorKind::NotFound | ErrorKind::Changed
                if order.operation.is_write() =>
            {
                self.doubt();
            }
            ErrorKind::Taken if matches!(order.operation, Operation::Create(_)) => {
                // Perhaps an earlier create of ours whose answer was lost; a direct read tells.
                self.doubt();
                self.person.name_taken.insert(self.connector.clone());
                return;
            }
            _ => {}
        }
        self.note_failure(order.operation.verb(), None, error);
    }

    /// Only a direct read from now on tells what is there.
    fn doubt(&mut self) {
        self.person.in_doubt.insert(self.connector.clone());
        self.inventory.doubt(&self.person.employee_id);
    }

    fn note_failure(
        &mut self,
        verb: &'static str,
        entitlement: Option<&EntitlementName>,
        error: &ConnectorError,
    ) {
        self.note(verb, entitlement, error.kind.reason(), error);
    }

    fn note(
        &mut self,
        verb: &'static str,
        entitlement: Option<&EntitlementName>,
        reason: &'static str,
        error: &ConnectorError,
    ) {
        let key = self.key(verb, entitlement);
        let attempts = self.person.failures.get(&key).map_or(0, |f| f.attempts) + 1;
        let (base, cap) = if error.kind.is_retryable() {
            (RETRY_BASE, RETRY_CAP)
        } else {
            (REPORTED_BASE, REPORTED_CAP)
        };
        let wait = backoff::delay(attempts - 1, base, cap, self.jitter)
            .max(error.retry_after.unwrap_or_default());
        // Whole seconds, as statuses keep them.
        let wait = i64::try_from(wait.as_secs()).unwrap_or(3600) + 1;
        let wait = SignedDuration::from_secs(wait);
        let failure = Failure {
            reason,
            message: error.message.clone(),
            attempts,
            retry_at: self.now.checked_add(wait).unwrap_or(Timestamp::MAX),
        };
        self.person.failures.insert(key, failure);
    }

    /// Remembers attributes that the target keeps in another form than we wrote.
    fn note_normalised(&mut self, id: &AccountId, order: &Order) {
        let Operation::Update { changes, .. } = &order.operation else {
            return;
        };
        let Some(account) = self.inventory.by_id(id) else {
            return;
        };
        let notes = self
            .person
            .normalised
            .entry(self.connector.clone())
            .or_default();
        // What was to be cleared was written as nothing.
        let nothing = AttributeValue::Text(String::new());
        let cleared = changes.clear.iter().map(|name| (name, &nothing));
        for (name, written) in changes.set.iter().chain(cleared) {
            let stored = account.attributes.get(name);
            let as_written = match stored {
                Some(stored) => attributes::same(written, stored),
                None => written.is_empty(),
            };
            if as_written {
                notes.remove(name);
            } else {
                notes.insert(name.clone(), (written.clone(), stored.cloned()));
            }
        }
    }

    fn key(&self, verb: &'static str, entitlement: Option<&EntitlementName>) -> FailureKey {
        FailureKey {
            connector: self.connector.clone(),
            verb,
            entitlement: entitlement.cloned(),
        }
    }
}

#[cfg(test)]
mod tests;
