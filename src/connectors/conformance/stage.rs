//! What the checks share: the connector, accounts of their own, and the taking away of them.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::{
    Capabilities, ConnectorError, ErrorKind, FindKey, HolderChange, SharedConnector, WritePermit,
};
use super::report::Fault;
use super::{Opener, Sample, Samples};
use crate::domain::account::{AttributeChanges, NewAccount, ObservedAccount};
use crate::domain::ids::{AccountId, EmployeeId, EntitlementId, EntitlementName};
use crate::domain::mark::{Mark, Scope};

/// Second part of the mark of each account that the suite makes.
const SCOPE: &str = "conformance-check";

pub(super) struct Stage<'a> {
    pub(super) opener: &'a dyn Opener,
    pub(super) connector: SharedConnector,
    pub(super) capabilities: Capabilities,
    pub(super) samples: &'a Samples,
    pub(super) permit: WritePermit,
    scope: Scope,
    /// Accounts that this run made, as a target may keep no mark.
    made: Mutex<BTreeSet<AccountId>>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        opener: &'a dyn Opener,
        connector: SharedConnector,
        capabilities: Capabilities,
        samples: &'a Samples,
    ) -> Self {
        Self {
            opener,
            connector,
            capabilities,
            samples,
            permit: WritePermit::issue(),
            scope: Scope::new(&samples.prefix, SCOPE),
            made: Mutex::default(),
        }
    }

    /// The sample of a number.
    pub(super) fn sample(&self, n: usize) -> Result<&'a Sample, Fault> {
        let missing = || Fault::failed(format!("there is no sample {n}"));
        self.samples.people.get(n).ok_or_else(missing)
    }

    pub(super) fn mark(&self, n: usize) -> Mark {
        self.scope.mark(&EmployeeId::new(n.to_string()))
    }

    /// An account to be made from the sample of a number.
    pub(super) fn newcomer(&self, n: usize) -> Result<NewAccount, Fault> {
        let sample = self.sample(n)?;
        Ok(NewAccount {
            username: sample.username.clone(),
            mark: self.mark(n),
            active: true,
            attributes: sample.attributes.clone(),
        })
    }

    /// Makes an account.
    pub(super) async fn create(
        &self,
        account: &NewAccount,
    ) -> Result<ObservedAccount, ConnectorError> {
        let made = self.connector.create(&self.permit, account).await?;
        self.made().insert(made.id.clone());
        Ok(made)
    }

    /// Makes the account of a number.
    pub(super) async fn join(&self, n: usize) -> Result<ObservedAccount, Fault> {
        Ok(self.create(&self.newcomer(n)?).await?)
    }

    fn made(&self) -> MutexGuard<'_, BTreeSet<AccountId>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads an account that has to be there.
    pub(super) async fn read(&self, id: &AccountId) -> Result<ObservedAccount, Fault> {
        let gone = || Fault::failed(format!("the account {id} is not there"));
        self.connector.read(id).await?.ok_or_else(gone)
    }

    pub(super) async fn update(
        &self,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> Result<Option<ObservedAccount>, Fault> {
        Ok(self.connector.update(&self.permit, id, changes).await?)
    }

    /// Name of the entitlement that the suite makes.
    pub(super) fn entitlement(&self) -> EntitlementName {
        EntitlementName::new(format!("{}-group", self.samples.prefix))
    }

    /// Entitlements of that name.
    async fn entitlements(&self) -> Result<Vec<EntitlementId>, ConnectorError> {
        let name = self.entitlement();
        let listing = self.connector.list().await?;
        let ours = listing.entitlements.into_iter().filter(|e| e.name == name);
        Ok(ours.map(|e| e.id).collect())
    }

    /// Fails where somebody else has a user name that the suite needs.
    pub(super) async fn is_free(&self) -> Result<(), ConnectorError> {
        for account in self.present().await? {
            if !self.is_ours(&account) {
                return Err(ConnectorError::new(
                    ErrorKind::Taken,
                    format!(
                        "the user name {} is that of an account that this check did not make, and nothing was touched: choose another --prefix",
                        account.username
                    ),
                ));
            }
        }
        Ok(())
    }

    fn is_ours(&self, account: &ObservedAccount) -> bool {
        self.scope.employee(account.mark.as_deref()).is_some() || self.made().contains(&account.id)
    }

    /// Accounts with the marks or user names of the samples.
    async fn present(&self) -> Result<Vec<ObservedAccount>, ConnectorError> {
        let mut found: Vec<ObservedAccount> = Vec::new();
        for (n, sample) in self.samples.people.iter().enumerate() {
            for key in [
                FindKey::Mark(self.mark(n).to_string()),
                FindKey::Username(sample.username.clone()),
            ] {
                let hits = match self.connector.find(&key).await {
                    Ok(hits) => hits,
                    Err(error) if error.kind == ErrorKind::Unsupported => {
                        return self.listed().await;
                    }
                    Err(error) => return Err(error),
                };
                let new = hits
                    .into_iter()
                    .filter(|hit| !found.iter().any(|a| a.id == hit.id));
                let new: Vec<_> = new.collect();
                found.extend(new);
            }
        }
        Ok(found)
    }

    /// The same, of a target that can't be searched.
    async fn listed(&self) -> Result<Vec<ObservedAccount>, ConnectorError> {
        let accounts = self.connector.list().await?.accounts.into_iter();
        let wanted = |account: &ObservedAccount| {
            let mut people = self.samples.people.iter();
            self.is_ours(account) || people.any(|s| s.username == account.username)
        };
        Ok(accounts.filter(wanted).collect())
    }

    /// Takes away whatever the suite made, in this run or before. What can't be deleted stays.
    pub(super) async fn clear(&self) -> Result<(), ConnectorError> {
        if self.capabilities.entitlements {
            for id in self.entitlements().await? {
                match self.connector.delete_entitlement(&self.permit, &id).await {
                    Err(error) if error.kind != ErrorKind::Unsupported => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
        }
        for account in self.present().await? {
            if !self.is_ours(&account) {
                continue;
            }
            match self.connector.delete(&self.permit, &account.id).await {
                Err(error) if error.kind != ErrorKind::Unsupported => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// What is still there that the suite made.
    pub(super) async fn left_behind(&self) -> Vec<String> {
        let mut left = Vec::new();
        match self.present().await {
            Ok(accounts) => left.extend(
                accounts
                    .iter()
                    .filter(|account| self.is_ours(account))
                    .map(|account| format!("account {} ({})", account.username, account.id)),
            ),
            Err(error) => left.push(format!("accounts, perhaps: {error}")),
        }
        if self.capabilities.entitlements {
            match self.entitlements().await {
                Ok(ids) => left.extend(
                    ids.iter()
                        .map(|id| format!("entitlement {} ({id})", self.entitlement())),
                ),
                Err(error) => left.push(format!("an entitlement, perhaps: {error}")),
            }
        }
        left
    }

    /// Changes who holds an entitlement, and fails where one of them fails.
    pub(super) async fn hold(
        &self,
        entitlement: &EntitlementId,
        change: HolderChange,
    ) -> Result<(), Fault> {
        let results = self
            .connector
            .change_holders(&self.permit, entitlement, &change)
            .await?;
        for (_, result) in results {
            result?;
        }
        Ok(())
    }
}
