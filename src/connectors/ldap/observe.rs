//! Entries read as accounts.

use std::collections::BTreeMap;

use ldap3::{Scope, ldap_escape};

use super::LdapConnector;
use super::config::{Disabling, USER_ACCOUNT_CONTROL};
use super::dn;
use super::entry::Entry;
use super::failure::{Failure, code};
use super::notes::{bears, parted};
use super::search::{Query, several};
use super::values::shown;
use crate::connectors::{ConnectorError, ErrorKind, FindKey};
use crate::domain::account::{Activity, AttributeValue, Attributes, ObservedAccount};
use crate::domain::ids::{AccountId, AttributeName, Username};

/// `ADS_UF_ACCOUNTDISABLE` (MS-ADTS 2.2.16).
pub(super) const ACCOUNT_DISABLE: u32 = 0x2;

impl LdapConnector {
    pub(super) async fn read_account(
        &self,
        id: &AccountId,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let what = format!("reading account {id}");
        match self.locate(id, &what).await? {
            Some(entry) => Ok(Some(self.account(&entry).await?)),
            None => Ok(None),
        }
    }

    pub(super) async fn find_accounts(
        &self,
        key: &FindKey,
    ) -> Result<Vec<ObservedAccount>, ConnectorError> {
        let accounts = &self.config.accounts;
        let (filter, what) = match key {
            FindKey::Mark(mark) => (bears(&accounts.mark, mark), format!("finding {mark}")),
            FindKey::Username(name) => (
                format!("({}={})", accounts.username, ldap_escape(name.as_str())),
                format!("finding the user name {name}"),
            ),
        };
        let mut found = Vec::new();
        for entry in self.matching(&filter, &what).await? {
            let account = self.account(&entry).await?;
            if key.fits(&account) {
                found.push(account);
            }
        }
        Ok(found)
    }

    /// Accounts that satisfy a filter too.
    pub(super) async fn matching(&self, filter: &str, what: &str) -> Result<Vec<Entry>, Failure> {
        let mut found = self.matching_or_half_made(filter, what).await?;
        found.retain(|entry| !self.is_being_made(entry));
        Ok(found)
    }

    /// The same, and what is no account yet.
    pub(super) async fn matching_or_half_made(
        &self,
        filter: &str,
        what: &str,
    ) -> Result<Vec<Entry>, Failure> {
        let both = format!("(&{}{filter})", self.config.account_filter());
        let mut found = Vec::new();
        for base in self.config.account_bases() {
            let query = Query {
                base,
                scope: Scope::Subtree,
                filter: &both,
                attributes: &self.asked,
                what,
            };
            found.extend(self.search(&query).await?);
        }
        Ok(found)
    }

    /// The entry with an identifier.
    ///
    /// # Errors
    /// It is there, but where or as what nobody looks for accounts: it is not taken to be gone.
    pub(super) async fn locate(
        &self,
        id: &AccountId,
        what: &str,
    ) -> Result<Option<Entry>, Failure> {
        let Some(filter) = self.config.id.filter(id.as_str()) else {
            return Ok(None);
        };
        let mut entries = self.matching(&filter, what).await?;
        if entries.len() > 1 {
            return Err(several(what, &entries).into());
        }
        if let Some(entry) = entries.pop() {
            return Ok(Some(entry));
        }
        match self.anywhere(&filter, what).await?.first() {
            None => Ok(None),
            Some(entry) => Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "{what}: it is {} now, which is not below spec.ldap.accounts.base or not what spec.ldap.accounts.filter has: put it back, or let the connector look there",
                    entry.dn
                ),
            )
            .into()),
        }
    }

    /// Entries that satisfy a filter, wherever in the directory they are.
    pub(super) async fn anywhere(&self, filter: &str, what: &str) -> Result<Vec<Entry>, Failure> {
        let mut found = Vec::new();
        for base in self.contexts().await? {
            let query = Query {
                base: &base,
                scope: Scope::Subtree,
                filter,
                attributes: &self.asked,
                what,
            };
            match self.search(&query).await {
                Ok(entries) => found.extend(entries),
                // Not everybody may look everywhere.
                Err(failure) if failure.had(&[code::NO_SUCH_OBJECT, code::INSUFFICIENT_ACCESS]) => {
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(found)
    }

    /// Refuses to touch the account that we sign in as: it would be the last thing that we do.
    pub(super) fn not_ourselves(&self, entry: &Entry, what: &str) -> Result<(), ConnectorError> {
        if dn::key(&entry.dn) != dn::key(&self.config.bind_dn) {
            return Ok(());
        }
        Err(ConnectorError::new(
            ErrorKind::Forbidden,
            format!("{what}: it is the account of spec.ldap.bind, which is never changed"),
        ))
    }

    pub(super) async fn located(&self, id: &AccountId, what: &str) -> Result<Entry, Failure> {
        let gone = || {
            ConnectorError::new(
                ErrorKind::NotFound,
                format!("{what}: the directory has no account {id} any more"),
            )
        };
        Ok(self.locate(id, what).await?.ok_or_else(gone)?)
    }

    /// An entry as an account; the manager's name is looked up.
    pub(super) async fn account(&self, entry: &Entry) -> Result<ObservedAccount, Failure> {
        let mut managers = BTreeMap::new();
        if let Some(manager) = &self.config.manager
            && let Some(named) = entry.first(manager)
        {
            let asked = [self.config.id.name().to_owned()];
            let what = format!("reading the manager of {}", entry.dn);
            let found = match self.entry(named, &asked, &what).await {
                // Of another domain, or where we may not look: nobody's account here.
                Err(failure) if failure.code.is_some() => None,
                found => found?,
            };
            if let Some(found) = found
                && let Some(id) = self.config.id.of(&found)
            {
                managers.insert(dn::key(named), AccountId::new(id));
            }
        }
        Ok(self.observed(entry, |key| managers.get(key).cloned())?)
    }

    /// An entry as an account. `account_of` knows accounts by the key of their names.
    pub(super) fn observed(
        &self,
        entry: &Entry,
        account_of: impl Fn(&str) -> Option<AccountId>,
    ) -> Result<ObservedAccount, ConnectorError> {
        let config = &self.config;
        let missing = |name: &str| {
            ConnectorError::new(
                ErrorKind::Nonsense,
                format!(
                    "the entry {} shows no {name}: let {} read it",
                    entry.dn, config.bind_dn
                ),
            )
        };
        let id = config.id.of(entry);
        let id = id.ok_or_else(|| missing(config.id.name()))?;
        let username = self
            .username(entry)
            .ok_or_else(|| missing(&config.accounts.username))?;
        let mut attributes = Attributes::default();
        for name in &config.managed {
            if let Some(value) = shown(entry, name) {
                attributes.insert(AttributeName::new(name), value);
            }
        }
        if let Some(manager) = &config.manager
            && let Some(named) = entry.first(manager)
        {
            // Somebody who has no account here is named all the same.
            let value = account_of(&dn::key(named)).map_or_else(
                || AttributeValue::Text(named.to_owned()),
                AttributeValue::Account,
            );
            attributes.insert(AttributeName::new(manager), value);
        }
        Ok(ObservedAccount {
            id: AccountId::new(id),
            username: Username::new(username),
            mark: mark(entry.all(&config.accounts.mark)).map(str::to_owned),
            activity: self.activity(entry),
            attributes,
            unfinished: self.noted(entry).is_some(),
        })
    }

    /// The user name.
    pub(super) fn username(&self, entry: &Entry) -> Option<String> {
        entry.named(&self.config.accounts.username)
    }

    pub(super) fn activity(&self, entry: &Entry) -> Activity {
        match &self.config.disabling {
            Disabling::Attribute {
                name,
                disabled,
                enabled,
            } => {
                let shows = |value: &str| {
                    entry
                        .all(name)
                        .iter()
                        .any(|shown| shown.eq_ignore_ascii_case(value))
                };
                if shows(disabled) {
                    Activity::Disabled
                } else if enabled.as_deref().is_none_or(shows) {
                    Activity::Active
                } else {
                    Activity::Unknown
                }
            }
            Disabling::UserAccountControl => match flags(entry) {
                Some(flags) if flags & ACCOUNT_DISABLE != 0 => Activity::Disabled,
                Some(_) => Activity::Active,
                None => Activity::Unknown,
            },
            Disabling::Container(container) if dn::is_within(&entry.dn, container) => {
                Activity::Disabled
            }
            Disabling::Container(_) => Activity::Active,
            Disabling::Never => Activity::Unknown,
        }
    }
}

/// Where several values stand, the one that looks like a mark, or else the first; without a note.
pub(super) fn mark(values: &[String]) -> Option<&str> {
    mark_of(values).or_else(|| values.first().map(|value| parted(value).0))
}

/// The value that looks like a mark: three parts divided by `/`.
fn mark_of(values: &[String]) -> Option<&str> {
    let looks = |value: &&str| {
        let parts: Vec<&str> = value.split('/').collect();
        parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
    };
    values.iter().map(|value| parted(value).0).find(looks)
}

/// The flags of an account of Active Directory.
pub(super) fn flags(entry: &Entry) -> Option<u32> {
    // Written as a signed number (MS-ADTS 3.1.1.2.2.2.9).
    let signed: i32 = entry.first(USER_ACCOUNT_CONTROL)?.parse().ok()?;
    Some(signed.cast_unsigned())
}
