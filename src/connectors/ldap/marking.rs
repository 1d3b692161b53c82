//! Our mark, put on an entry that was there before, or taken off.

use super::LdapConnector;
use super::accounts::after;
use super::observe::mark_of;
use super::write::{Change, Target, attribute};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::account::ObservedAccount;
use crate::domain::ids::AccountId;
use crate::domain::mark::Mark;

impl LdapConnector {
    /// Adds the mark beside what else stands in the attribute, as that is somebody's; where it takes one value
    /// alone, the server refuses.
    pub(super) async fn mark_account(
        &self,
        id: &AccountId,
        mark: Option<&Mark>,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let config = &self.config;
        let doing = if mark.is_some() {
            "marking"
        } else {
            "taking our mark off"
        };
        let entry = self.located(id, &format!("{doing} account {id}")).await?;
        let what = format!("{doing} {}", entry.dn);
        let is = config.id.filter(id.as_str());
        self.not_ourselves(&entry, &what)?;
        let name = &config.accounts.mark;
        let held = mark_of(entry.all(name));
        let change = match (held, mark) {
            (Some(held), Some(mark)) if held == mark.as_str() => {
                return Ok(Some(self.account(&entry).await?));
            }
            (Some(held), Some(_)) => {
                return Err(ConnectorError::new(
                    ErrorKind::Changed,
                    format!("{what}: it bears the mark {held} by now"),
                ));
            }
            (None, Some(mark)) => Change::Add(attribute(name, [mark.as_str().to_owned()])),
            (Some(held), None) => Change::Delete(attribute(name, [held.to_owned()])),
            (None, None) => return Ok(Some(self.account(&entry).await?)),
        };
        let target = Target {
            dn: &entry.dn,
            is: is.as_deref(),
            what: &what,
        };
        match self.modify(&target, &[change], &self.asked).await {
            Ok(Some(entry)) => Ok(Some(self.account(&entry).await.map_err(after)?)),
            Ok(None) => Ok(None),
            Err(failure) if !entry.all(name).is_empty() && mark.is_some() => {
                let mut error = failure.error;
                error.message.push_str(". Something stands in that attribute already: name another in spec.ldap.accounts.markAttribute, or clear it");
                Err(error)
            }
            Err(failure) => Err(failure.error),
        }
    }
}
