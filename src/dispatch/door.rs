//! The one door: every write of the operator to a target passes here, and nowhere else in it is a
//! [`WritePermit`] issued.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::bounded::bounded;
use super::call::Write;
use super::member::{Change, Creation};
use super::order::{Effect, Order};
use super::passwords::{PasswordKeeper, PasswordPolicy, Wanted};
use super::record::{Line, Record, Recorder};
use crate::connectors::{
    ConnectorError, ErrorKind, HolderResults, InitialPassword, SharedConnector, WritePermit,
};
use crate::domain::account::{NewAccount, ObservedEntitlement};

/// Writes to one target, each recorded before and after.
pub(super) struct Door {
    connector: SharedConnector,
    recorder: Recorder,
    passwords: Option<Passwords>,
    timeout: Duration,
    epoch: u64,
    next: AtomicU64,
}

/// Where the passwords of new accounts come from.
pub(super) struct Passwords {
    pub(super) keeper: Arc<dyn PasswordKeeper>,
    pub(super) policy: PasswordPolicy,
}

impl Door {
    pub(super) fn new(
        connector: SharedConnector,
        recorder: Recorder,
        passwords: Option<Passwords>,
        timeout: Duration,
        epoch: u64,
    ) -> Self {
        Self {
            connector,
            recorder,
            passwords,
            timeout,
            epoch,
            next: AtomicU64::new(1),
        }
    }

    /// Writes to one account.
    pub(super) async fn write(
        &self,
        order: &Arc<Order>,
        write: &Write,
    ) -> Result<Effect, ConnectorError> {
        let record = self.begin(vec![Line::write(order, write)]);
        let permit = WritePermit::issue();
        let connector = &self.connector;
        let result = self
            .bounded(async {
                match write {
                    Write::Create(new) => self.create(&permit, order, new).await,
                    Write::Update(id, changes) => {
                        let updated = connector.update(&permit, id, changes).await;
                        updated.map(Effect::Updated)
                    }
                    Write::SetActive(id, active) => {
                        let set = connector.set_active(&permit, id, *active).await;
                        set.map(Effect::ActivitySet)
                    }
                    Write::SetMark(id, change) => {
                        let set = connector.set_mark(&permit, id, change).await;
                        set.map(Effect::Marked)
                    }
                    Write::Revoke(id, kind) => {
                        let revoked = connector.revoke(&permit, id, *kind).await;
                        revoked.map(Effect::Revoked)
                    }
                    Write::TransferOwnership { from, to } => {
                        let moved = connector.transfer_ownership(&permit, from, to).await;
                        moved.map(Effect::Transferred)
                    }
                    Write::Delete(id) => {
                        let deleted = connector.delete(&permit, id).await;
                        deleted.map(|()| Effect::Deleted)
                    }
                }
            })
            .await;
        record.end(&result);
        result
    }

    /// Makes an account, with a password that is kept before it is sent.
    async fn create(
        &self,
        permit: &WritePermit,
        order: &Order,
        new: &NewAccount,
    ) -> Result<Effect, ConnectorError> {
        let Some(passwords) = &self.passwords else {
            let made = self.connector.create(permit, new, None).await;
            return made.map(Effect::Created);
        };
        let wanted = Wanted {
            connector: &self.recorder.key,
            employee: &order.employee,
            username: &new.username,
            first_used: new.first_used,
            policy: &passwords.policy,
        };
        let kept = passwords.keeper.keep(wanted).await;
        let secret = kept.map_err(|why| ConnectorError::new(ErrorKind::PasswordNotKept, why))?;
        let password = InitialPassword {
            secret,
            must_change: passwords.policy.must_change,
        };
        let made = self.connector.create(permit, new, Some(&password)).await;
        made.map(Effect::Created)
            .map_err(|error| password.kept_out_of(error))
    }

    /// Makes an entitlement.
    pub(super) async fn create_entitlement(
        &self,
        creation: &Creation,
    ) -> Result<ObservedEntitlement, ConnectorError> {
        let record = self.begin(vec![Line::creation(creation)]);
        let permit = WritePermit::issue();
        let made = self.connector.create_entitlement(&permit, &creation.name);
        let result = self.bounded(made).await;
        record.end(&result);
        result
    }

    /// Changes who holds an entitlement.
    pub(super) async fn change_holders(
        &self,
        change: &Change,
    ) -> Result<HolderResults, ConnectorError> {
        let record = self.begin(Line::memberships(change));
        let permit = WritePermit::issue();
        let holders = change.holders();
        let changed = self
            .connector
            .change_holders(&permit, &change.entitlement, &holders);
        let result = self.bounded(changed).await;
        record.end_each(&change.results(&result));
        result
    }

    fn begin(&self, lines: Vec<Line>) -> Record {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.recorder
            .begin(format!("{}-{number}", self.epoch), lines)
    }

    async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        bounded(self.timeout, ErrorKind::OutcomeUnknown, call).await
    }
}
