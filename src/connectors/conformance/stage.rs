//! What the checks share: the connector, accounts of their own, and the taking away of them.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::{
    Capabilities, ConnectorError, ErrorKind, FindKey, HolderChange, Listing, SharedConnector,
    WritePermit,
};
use super::report::Fault;
use super::{Opener, PEOPLE, Sample, Samples};
use crate::domain::account::{AttributeChanges, NewAccount, ObservedAccount, ObservedEntitlement};
use crate::domain::ids::{AccountId, EmployeeId, EntitlementId, EntitlementName, Username};
use crate::domain::mark::{Mark, Scope};

/// Second part of the mark of each account that the suite makes. No namespace can be called that, so that
/// no operator has such a mark.
const SCOPE: &str = "conformance_check";

/// A change of the user name alone.
pub(super) fn renaming(name: &Username) -> AttributeChanges {
    AttributeChanges {
        username: Some(name.clone()),
        ..AttributeChanges::default()
    }
}

pub(super) struct Stage<'a> {
    pub(super) opener: &'a dyn Opener,
    pub(super) connector: SharedConnector,
    pub(super) capabilities: Capabilities,
    pub(super) samples: &'a Samples,
    pub(super) permit: WritePermit,
    scope: Scope,
    /// Entitlements that are ours: they bear no mark.
    entitlements: Mutex<BTreeSet<EntitlementId>>,
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
            entitlements: Mutex::default(),
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
            first_used: None,
            attributes: sample.attributes.clone(),
        })
    }

    /// Makes an account.
    pub(super) async fn create(
        &self,
        account: &NewAccount,
    ) -> Result<ObservedAccount, ConnectorError> {
        let password = self.samples.password.as_ref();
        let made = self.connector.create(&self.permit, account, password).await;
        made.map_err(|error| match password {
            Some(password) => password.kept_out_of(error),
            None => error,
        })
    }

    /// Makes the account of a number.
    pub(super) async fn join(&self, n: usize) -> Result<ObservedAccount, Fault> {
        Ok(self.create(&self.newcomer(n)?).await?)
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

    /// Name of the entitlement that the suite makes.
    pub(super) fn entitlement(&self) -> EntitlementName {
        EntitlementName::new(format!("{}-conformance-check", self.samples.prefix))
    }

    /// Makes the entitlement of the suite. One of that name that is there already is somebody else's.
    pub(super) async fn make_entitlement(&self) -> Result<ObservedEntitlement, Fault> {
        let name = self.entitlement();
        let listing = self.whole_listing().await?;
        if listing.entitlements.iter().any(|e| e.name == name) {
            return Err(Fault::failed(format!("{name} is there already")));
        }
        let made = self
            .connector
            .create_entitlement(&self.permit, &name)
            .await?;
        self.own_entitlements().insert(made.id.clone());
        Ok(made)
    }

    fn own_entitlements(&self) -> MutexGuard<'_, BTreeSet<EntitlementId>> {
        self.entitlements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A listing from which it may be concluded what is not there.
    async fn whole_listing(&self) -> Result<Listing, ConnectorError> {
        let listing = self.connector.list().await?;
        if listing.accounts_completeness.is_complete()
            && listing.entitlements_completeness.is_complete()
        {
            return Ok(listing);
        }
        Err(ConnectorError::new(
            ErrorKind::Nonsense,
            format!(
                "what is there can't be known, as it is listed in part: accounts {:?}, entitlements {:?}",
                listing.accounts_completeness, listing.entitlements_completeness
            ),
        ))
    }

    fn is_ours(&self, account: &ObservedAccount) -> bool {
        (0..PEOPLE).any(|n| self.mark(n).is_kept_as(account.mark.as_deref()))
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
                for hit in hits {
                    if found.iter().all(|account| account.id != hit.id) {
                        found.push(hit);
                    }
                }
            }
        }
        Ok(found)
    }

    /// The same, of a target that can't be searched.
    async fn listed(&self) -> Result<Vec<ObservedAccount>, ConnectorError> {
        let accounts = self.whole_listing().await?.accounts.into_iter();
        let wanted = |account: &ObservedAccount| {
            let mut people = self.samples.people.iter();
            self.is_ours(account) || people.any(|s| s.username == account.username)
        };
        Ok(accounts.filter(wanted).collect())
    }

    /// Takes away what an interrupted run left.
    ///
    /// # Errors
    /// Somebody else has a name that the suite needs: nothing was touched. Or something can't be taken away.
    pub(super) async fn prepare(&self) -> Result<(), ConnectorError> {
        let taken = |what: String| {
            ConnectorError::new(
                ErrorKind::Taken,
                format!(
                    "{what} that this check did not make, and nothing was touched: choose another --prefix"
                ),
            )
        };
        let accounts = self.present().await?;
        if let Some(other) = accounts.iter().find(|account| !self.is_ours(account)) {
            let what = format!("the user name {} is that of an account", other.username);
            return Err(taken(what));
        }
        if self.capabilities.entitlements {
            let name = self.entitlement();
            let ours: BTreeSet<AccountId> = accounts.into_iter().map(|a| a.id).collect();
            let listing = self.whole_listing().await?;
            for entitlement in listing.entitlements.iter().filter(|e| e.name == name) {
                let is_ours = entitlement.completeness.is_complete()
                    && entitlement.holders.iter().all(|id| ours.contains(id));
                if !is_ours {
                    return Err(taken(format!("{name} is held by accounts")));
                }
                self.own_entitlements().insert(entitlement.id.clone());
            }
        }
        self.clear().await
    }

    /// Takes away whatever the suite made, and goes on past what can't be.
    ///
    /// # Errors
    /// The first thing that could not be taken away.
    pub(super) async fn clear(&self) -> Result<(), ConnectorError> {
        let mut first = Ok(());
        let entitlements = self.own_entitlements().clone();
        for id in entitlements {
            match self.connector.delete_entitlement(&self.permit, &id).await {
                Ok(()) => drop(self.own_entitlements().remove(&id)),
                Err(error) => first = first.and(Err(error)),
            }
        }
        for account in self.present().await? {
            if self.is_ours(&account) {
                let deleted = self.connector.delete(&self.permit, &account.id).await;
                first = first.and(deleted);
            }
        }
        first
    }

    /// What is still there that the suite made.
    pub(super) async fn left_behind(&self) -> Vec<String> {
        let name = self.entitlement();
        let entitlements = self.own_entitlements().clone().into_iter();
        let mut left: Vec<String> = entitlements.map(|id| format!("{name} ({id})")).collect();
        match self.present().await {
            Ok(accounts) => left.extend(
                accounts
                    .iter()
                    .map(|account| format!("account {} ({})", account.username, account.id)),
            ),
            Err(error) => left.push(format!("accounts, perhaps: {error}")),
        }
        left
    }
}
