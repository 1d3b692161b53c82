//! Takes in how an order ended: what the target shows now, and what is to be tried again when.

mod adopted;
mod names;
mod offboarded;
mod retry;
mod shown;
mod unmarked;

use jiff::Timestamp;

use crate::connectors::{ConnectorError, ErrorKind};
use crate::controllers::names::Names;
use crate::controllers::world::{Failure, FailureKey, Person, Refused};
use crate::dispatch::inventory::Inventory;
use crate::dispatch::order::{Effect, Order, Outcome};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::{AccountId, ConnectorName, EntitlementName, Username};
use crate::domain::mark::{Marking, Scope};
use crate::domain::offboarding::Step;
use crate::plan::Operation;
use crate::plan::operation::ReadKey;

pub use retry::failure;
pub use shown::{forget_carried_out, forget_taken_over, forget_unwanted};
pub use unmarked::{MARK_NOT_KEPT, made_without_mark, mark_not_kept};

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
        self.person.unsettled.submitted.remove(self.connector);
        if let Some(asked) = self.person.request.asked_mut()
            && !order.operation.is_write()
        {
            asked.unread.remove(self.connector);
        }
        self.turns_round(&order.operation);
        if let (Some(step), Some(offboarding)) = (order.operation.step(), self.offboarding()) {
            offboarding.tried(step);
        }
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
            (Effect::Updated(shown), Operation::Update { id, changes, .. }) => {
                let before = self.inventory.by_id(id).cloned();
                match shown {
                    Some(account) => self.inventory.answered(account),
                    None => self.inventory.wrote_attributes(id, changes),
                }
                self.note_normalised(id, changes, before.as_ref());
                self.person.unsettled.name_taken.remove(self.connector);
                self.succeeded(order);
            }
            (Effect::ActivitySet(shown), Operation::Enable(id)) => {
                match self.believed("Enable", None, "enable the account") {
                    Ok(()) => {
                        self.activity(shown, id, Activity::Active);
                        let unproven = &mut self.person.unsettled.disable_accepted;
                        unproven.remove(self.connector);
                        self.succeeded(order);
                    }
                    Err(error) => self.note_failure("Enable", None, &error),
                }
            }
            (Effect::ActivitySet(shown), Operation::Disable(id)) => {
                self.activity(shown, id, Activity::Disabled);
                self.person
                    .unsettled
                    .disable_accepted
                    .insert(self.connector.clone());
                // The proof by a direct read decides whether it succeeded.
            }
            (Effect::Marked(shown), Operation::Adopt { id, mark }) => {
                self.adopted(shown, id, mark, order);
            }
            (Effect::Marked(shown), Operation::Disown { id, .. }) => {
                self.disowned(shown, id, order);
            }
            (Effect::Revoked(revocation), Operation::Revoke { kind, .. }) => {
                self.took(
                    Step::Revoke(*kind),
                    revocation.verified,
                    &revocation.evidence,
                );
                self.succeeded(order);
            }
            (Effect::Transferred(transfer), Operation::TransferOwnership { name, .. }) => {
                self.transferred(&transfer, name, order);
            }
            (Effect::Deleted, Operation::Delete(id)) => {
                self.took(Step::Delete, false, "the application accepted it");
                self.inventory.saw_absent(id);
                self.succeeded(order);
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
                    let result = result.and_then(|()| {
                        let done = if holds { "give" } else { "take away" };
                        let what = format!("{done} {name}");
                        self.believed(order.operation.verb(), Some(&name), &what)
                    });
                    self.settle_grant(holds, &name, result.as_ref().err());
                    match result {
                        Ok(()) => {
                            self.inventory.wrote_holder(&name, id, holds);
                            let key = self.key(order.operation.verb(), Some(&name));
                            self.person.unsettled.failures.remove(&key);
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

    /// A write that was accepted is believed once. Where nothing has shown it to be carried out since,
    /// and it is accepted again, the application does not carry it out.
    fn believed(
        &mut self,
        verb: &'static str,
        entitlement: Option<&EntitlementName>,
        what: &str,
    ) -> Result<(), ConnectorError> {
        let key = self.key(verb, entitlement);
        if self.person.unsettled.accepted.insert(key) {
            return Ok(());
        }
        let message = format!(
            "the application accepted to {what} more than once, and does not show it: look into the application"
        );
        Err(ConnectorError::new(ErrorKind::Ignored, message))
    }

    /// What was accepted before this one may have turned it round need never have shown.
    fn turns_round(&mut self, operation: &Operation) {
        let (before, names): (_, Vec<&EntitlementName>) = match operation {
            Operation::AddEntitlements { entitlements, .. } => {
                ("RemoveEntitlements", entitlements.keys().collect())
            }
            Operation::RemoveEntitlements { entitlements, .. } => {
                ("AddEntitlements", entitlements.keys().collect())
            }
            Operation::Disable(_) => {
                let enabled = self.key("Enable", None);
                self.person.unsettled.accepted.remove(&enabled);
                return;
            }
            _ => return,
        };
        for name in names {
            let key = self.key(before, Some(name));
            self.person.unsettled.accepted.remove(&key);
        }
    }

    /// What came of giving or taking an entitlement is known now, unless its answer was lost.
    fn settle_grant(&mut self, gave: bool, name: &EntitlementName, error: Option<&ConnectorError>) {
        let known = match error.map(|error| error.kind) {
            None => true,
            Some(
                ErrorKind::OutcomeUnknown
                | ErrorKind::Nonsense
                | ErrorKind::Changed
                | ErrorKind::Ignored,
            ) => false,
            // What could not be taken away is held as before.
            Some(_) => gave,
        };
        if known && let Some(unsure) = self.person.unsettled.unsure.get_mut(self.connector) {
            unsure.remove(name);
            if unsure.is_empty() {
                self.person.unsettled.unsure.remove(self.connector);
            }
        }
    }

    /// An account was made. It is linked at once: if it does not bear the mark that it was made with, it
    /// is this link that shows it as a contradiction, and keeps another from being made.
    fn created(&mut self, account: ObservedAccount, order: &Order) {
        let kept = matches!(&order.operation, Operation::Create(new)
            if new.mark.is_kept_as(account.mark.as_deref()));
        self.person.unsettled.name_taken.remove(self.connector);
        if kept {
            if let Err(error) = self.believed("Create", None, "make the account") {
                self.note_failure("Create", None, &error);
                // It is looked for before another is made.
                self.doubt();
                return;
            }
            *self.mark_dropped = None;
            self.succeeded(order);
        } else {
            self.not_kept(&account.id);
        }
        self.inventory.saw(account, false);
    }

    /// An account is known to be one that we made, and bears no mark.
    fn not_kept(&mut self, id: &AccountId) {
        *self.mark_dropped = Some(id.clone());
        let error = ConnectorError::new(ErrorKind::Invalid, mark_not_kept(id));
        self.note("Create", None, MARK_NOT_KEPT, &error);
        let record = &mut self.person.record.accounts;
        record.entry(self.connector.clone()).or_default().id = Some(id.clone());
    }

    /// An account turned up under the name that was free when ours was to be made, and bears no mark.
    /// Where a mark was never seen, it is the one whose making had no answer. Where it was, and where
    /// the name was refused, it is somebody else's.
    fn found_unmarked(&mut self, username: &Username, id: Option<AccountId>, lost: bool) {
        let record = self.person.record.accounts.get(self.connector);
        let linked = record.is_some_and(|r| r.id.is_some());
        let refused = self
            .person
            .unsettled
            .name_taken
            .contains_key(self.connector);
        match id {
            Some(id) if lost && !linked && !refused && self.inventory.marked() == 0 => {
                self.not_kept(&id);
            }
            _ => self.pass_over(username),
        }
    }

    fn activity(&mut self, shown: Option<ObservedAccount>, id: &AccountId, wanted: Activity) {
        match shown {
            // What the answer shows is believed only where it agrees; a direct read tells the rest.
            Some(account) if account.activity == wanted => self.inventory.answered(account),
            _ => self.inventory.wrote_activity(id, wanted),
        }
    }

    fn succeeded(&mut self, order: &Order) {
        let key = self.key(order.operation.verb(), None);
        self.person.unsettled.failures.remove(&key);
    }

    /// A direct read ends every doubt.
    fn read(&mut self, key: &ReadKey, accounts: Vec<ObservedAccount>) {
        let me = self.person.employee_id.clone();
        let key_of_read = self.key("Read", None);
        self.person.unsettled.failures.remove(&key_of_read);
        let lost = self.person.unsettled.in_doubt.remove(self.connector);
        let ours = accounts
            .iter()
            .any(|a| self.scope.read(a.mark.as_deref()) == Marking::Ours(me.clone()));
        match key {
            ReadKey::Id(id) if accounts.is_empty() => {
                self.inventory.saw_absent(id);
                let here = self.connector;
                self.person
                    .unsettled
                    .accepted
                    .retain(|key| key.connector != *here || key.verb == "Create");
                // The link is broken; the mark may still lead to an account that was not listed.
                if let Some(record) = self.person.record.accounts.get_mut(self.connector)
                    && record.id.as_ref() == Some(id)
                {
                    record.id = None;
                }
            }
            // It is identified otherwise by now.
            ReadKey::Id(id) if accounts.iter().all(|account| account.id != *id) => {
                self.inventory.saw_absent(id);
                if let Some(record) = self.person.record.accounts.get_mut(self.connector)
                    && record.id.as_ref() == Some(id)
                {
                    record.id = None;
                }
            }
            ReadKey::Id(_) => {}
            ReadKey::MarkOrUsername(..) if ours => {
                self.person.unsettled.name_taken.remove(self.connector);
            }
            ReadKey::MarkOrUsername(_, username) => {
                self.inventory.sought(&me);
                // A search by the mark alone says nothing of names.
                match username {
                    Some(username) if accounts.is_empty() => self.nobody_has(username),
                    Some(username) => {
                        let id = match accounts.as_slice() {
                            [one] if self.inventory.is_unmarked(one) => Some(one.id.clone()),
                            _ => None,
                        };
                        self.found_unmarked(username, id, lost);
                    }
                    None => {}
                }
            }
        }
        let accepted = self
            .person
            .unsettled
            .disable_accepted
            .remove(self.connector);
        if ours || !accounts.is_empty() {
            let made = self.key("Create", None);
            self.person.unsettled.accepted.remove(&made);
        }
        for account in accounts {
            if accepted && account.activity != Activity::Disabled {
                let error = ConnectorError::new(
                    ErrorKind::Ignored,
                    format!(
                        "the application accepted to disable {} but still does not show it as disabled: disable it by hand and look into the application",
                        account.username
                    ),
                );
                self.note_failure("Disable", None, &error);
            } else if accepted {
                let key = self.key("Disable", None);
                self.person.unsettled.failures.remove(&key);
            }
            self.inventory.saw(account, true);
        }
        forget_taken_over(self.person, self.connector, self.inventory);
    }

    /// A complete listing that began after the last write ends a doubt as a direct read does. Tells
    /// whether it did.
    pub fn listed(&mut self) -> bool {
        let me = self.person.employee_id.clone();
        if !self.person.unsettled.in_doubt.contains(self.connector) || !self.inventory.decides(&me)
        {
            return false;
        }
        self.person.unsettled.in_doubt.remove(self.connector);
        let key = self.key("Read", None);
        self.person.unsettled.failures.remove(&key);
        if !self.inventory.by_mark(&me).is_empty() {
            self.person.unsettled.name_taken.remove(self.connector);
            return true;
        }
        let record = self.person.record.accounts.get(self.connector);
        // A linked account is looked at by its identifier, whatever its name is.
        let unlinked = record.filter(|r| r.id.is_none());
        if let Some(username) = unlinked.and_then(|r| r.username.clone()) {
            match self.inventory.by_username(&username) {
                None => self.nobody_has(&username),
                Some(account) => {
                    let unmarked = self.inventory.is_unmarked(account);
                    let id = unmarked.then(|| account.id.clone());
                    self.found_unmarked(&username, id, true);
                }
            }
        }
        true
    }

    fn failed(&mut self, order: &Order, error: &ConnectorError) {
        if let Operation::AddEntitlements { entitlements, .. } = &order.operation {
            for name in entitlements.keys() {
                self.settle_grant(true, name, Some(error));
            }
        }
        match error.kind {
            ErrorKind::OutcomeUnknown | ErrorKind::NotFound | ErrorKind::Changed
                if order.operation.is_write() =>
            {
                self.doubt();
            }
            ErrorKind::Taken if matches!(order.operation, Operation::Create(_)) => {
                // Perhaps an earlier create of ours whose answer was lost; a direct read tells.
                self.doubt();
                let refused = self.person.unsettled.name_taken.remove(self.connector);
                let refused = Refused {
                    error: error.clone(),
                    undecided: true,
                    unexplained: refused.map_or(0, |r| r.unexplained),
                };
                self.person
                    .unsettled
                    .name_taken
                    .insert(self.connector.clone(), refused);
                return;
            }
            ErrorKind::Taken if self.tries_another_name(&order.operation, error) => return,
            _ => {}
        }
        self.note_failure(order.operation.verb(), None, error);
    }

    /// Only a direct read from now on tells what is there.
    fn doubt(&mut self) {
        self.person
            .unsettled
            .in_doubt
            .insert(self.connector.clone());
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
        let attempts = self
            .person
            .unsettled
            .failures
            .get(&key)
            .map_or(0, |f| f.attempts)
            + 1;
        let failure = Failure {
            reason,
            ..failure(error, attempts - 1, self.now, self.jitter)
        };
        self.person.unsettled.failures.insert(key, failure);
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
