//! Our mark, put on an entry that was there before, or taken off.

use super::LdapConnector;
use super::accounts::after;
use super::observe::mark;
use super::write::{Change, Target, attribute};
use crate::connectors::{ConnectorError, MarkChange};
use crate::domain::account::ObservedAccount;
use crate::domain::ids::AccountId;

impl LdapConnector {
    /// Only where nothing stands in the attribute, or nothing but the mark that is taken off: what else stands there
    /// is somebody's.
    pub(super) async fn mark_account(
        &self,
        id: &AccountId,
        change: &MarkChange,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let config = &self.config;
        let doing = change.doing();
        let entry = self.settled(id, &format!("{doing} account {id}")).await?;
        let what = format!("{doing} {}", entry.dn);
        let is = config.id.filter(id.as_str());
        self.not_ourselves(&entry, &what)?;
        let name = &config.accounts.mark;
        if !change.is_open(&what, mark(entry.all(name)))? {
            return Ok(Some(self.account(&entry).await?));
        }
        // Adding to what is not empty any more, or deleting a value that is gone, changes nothing.
        let modification = match change {
            MarkChange::Put(mark) => Change::Add(attribute(name, [mark.as_str().to_owned()])),
            MarkChange::Take(mark) => Change::Delete(attribute(name, [mark.as_str().to_owned()])),
        };
        let target = Target {
            dn: &entry.dn,
            is: is.as_deref(),
            what: &what,
        };
        match self.modify(&target, &[modification], &self.asked).await? {
            Some(entry) => Ok(Some(self.account(&entry).await.map_err(after)?)),
            None => Ok(None),
        }
    }
}
