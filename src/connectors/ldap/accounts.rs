//! Accounts: made, changed, switched, deleted.

use super::LdapConnector;
use super::config::{Disabling, USER_ACCOUNT_CONTROL, USERNAME};
use super::dn;
use super::entry::Entry;
use super::failure::{Failure, code};
use super::observe::{ACCOUNT_DISABLE, flags};
use super::references::Named;
use super::refusal::{in_words, named_too_long};
use super::renaming::{Naming, filled, lacks};
use super::values::written;
use super::write::{Attribute, Change, Target, attribute};
use crate::connectors::{ConnectorError, ErrorKind, InitialPassword};
use crate::domain::account::{
    Activity, AttributeChanges, AttributeValue, NewAccount, ObservedAccount,
};
use crate::domain::ids::{AccountId, AttributeName, Username};

/// `ADS_UF_NORMAL_ACCOUNT`.
const NORMAL_ACCOUNT: u32 = 0x200;

impl LdapConnector {
    pub(super) async fn create_account(
        &self,
        account: &NewAccount,
        password: Option<&InitialPassword>,
    ) -> Result<ObservedAccount, ConnectorError> {
        let config = &self.config;
        let template = &config.accounts.template;
        let lookup = |name: &str| filled(name, &account.username, &account.attributes);
        let naming = template.value(&lookup).map_err(|name| lacks(&name))?;
        let parent = match &config.disabling {
            Disabling::Container(container) if !account.active => container.clone(),
            _ => template.parent(&lookup).map_err(|name| lacks(&name))?,
        };
        let dn = format!("{},{parent}", template.name(&naming));
        let what = format!("making {}", in_words(&dn));
        let set_later = self.set_later(password);
        let mark = if set_later.is_some() {
            self.clear_what_is_half_made(&account.mark, &what).await?;
            Self::mark_while_being_made(&account.mark)
        } else {
            account.mark.as_str().to_owned()
        };
        let mut attributes = vec![
            attribute("objectClass", config.accounts.object_classes.clone()),
            attribute(
                &config.accounts.username,
                [account.username.as_str().to_owned()],
            ),
            attribute(&config.accounts.mark, [mark]),
        ];
        for (name, value) in &account.attributes {
            attributes.push(self.attribute(name, value, &what).await?);
        }
        let is_named =
            |(name, _): &Attribute| name.eq_ignore_ascii_case(template.attribute().as_bytes());
        if !attributes.iter().any(is_named) {
            attributes.push(attribute(template.attribute(), [naming]));
        }
        attributes.extend(self.born_enabled(account.active));
        attributes.extend(
            password
                .map(|password| self.born_with(password))
                .into_iter()
                .flatten(),
        );
        // Whoever had that name before is gone: nothing of theirs is to be found.
        let newcomer = Named {
            dn: &dn,
            username: &account.username,
        };
        self.forget(newcomer).await?;
        let mut made = match self.add(&dn, attributes, &self.asked, &what).await {
            Ok(made) => made,
            Err(failure) if failure.had(&[code::NO_SUCH_OBJECT]) => {
                return Err(ConnectorError::new(
                    ErrorKind::Invalid,
                    format!(
                        "{}. There is no entry {parent} to make it below: make that, or correct spec.ldap.accounts.dn",
                        failure.error
                    ),
                ));
            }
            // The name of the entry is taken, and not the user name.
            Err(failure)
                if failure.had(&[code::ALREADY_EXISTS]) && !template.name_needs(USERNAME) =>
            {
                return Err(in_the_way(failure.error, &dn));
            }
            Err(failure) => return Err(self.unfit(named_too_long(failure, &dn))),
        };
        if let Some(password) = set_later {
            let is = made.as_ref().and_then(|entry| config.id.filter_of(entry));
            let target = Target {
                dn: &dn,
                is: is.as_deref(),
                what: &what,
            };
            let given = self.give(&target, password).await;
            let finished = match given {
                Ok(()) => self.finish(&target, account, password).await,
                Err(failure) => Err(failure),
            };
            match finished {
                Ok(finished) => made = finished,
                Err(failure) => return Err(self.unmake(&target, failure).await),
            }
        }
        self.as_it_is(&dn, made, &what).await
    }

    /// What a new entry holds to be enabled or disabled.
    fn born_enabled(&self, active: bool) -> Option<Attribute> {
        match &self.config.disabling {
            Disabling::Attribute {
                name,
                disabled,
                enabled,
            } => {
                let value = if active {
                    enabled.as_ref()
                } else {
                    Some(disabled)
                };
                value.map(|value| attribute(name, [value.clone()]))
            }
            Disabling::UserAccountControl => {
                let disabled = if active { 0 } else { ACCOUNT_DISABLE };
                let flags = (NORMAL_ACCOUNT | disabled).to_string();
                Some(attribute(USER_ACCOUNT_CONTROL, [flags]))
            }
            Disabling::Container(_) | Disabling::Never => None,
        }
    }

    /// The account after a write: as the answer showed it, else read.
    async fn as_it_is(
        &self,
        dn: &str,
        answered: Option<Entry>,
        what: &str,
    ) -> Result<ObservedAccount, ConnectorError> {
        let entry = match answered {
            Some(entry) if self.config.id.of(&entry).is_some() => Some(entry),
            _ => self.entry(dn, &self.asked, what).await.map_err(after)?,
        };
        let gone = || {
            ConnectorError::new(
                ErrorKind::OutcomeUnknown,
                format!("{what}: it was done, and {dn} is not there"),
            )
        };
        let entry = entry.ok_or_else(gone)?;
        self.account(&entry).await.map_err(after)
    }

    /// An attribute as it is sent; another account is named by its entry.
    async fn attribute(
        &self,
        name: &AttributeName,
        value: &AttributeValue,
        what: &str,
    ) -> Result<Attribute, Failure> {
        let values = match (written(value), value) {
            (Some(values), _) => values,
            (None, AttributeValue::Account(id)) => vec![self.located(id, what).await?.dn],
            (None, _) => Vec::new(),
        };
        Ok(attribute(name.as_str(), values))
    }

    /// Changes an account. Whatever was begun with it and cut off is finished first, also where nothing is to be changed.
    pub(super) async fn update_account(
        &self,
        id: &AccountId,
        changes: &AttributeChanges,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let entry = self.settled(id, &format!("changing account {id}")).await?;
        if changes.is_empty() {
            return Ok(Some(self.account(&entry).await?));
        }
        let what = format!("changing {}", entry.dn);
        let is = self.config.id.filter(id.as_str());
        let target = Target {
            dn: &entry.dn,
            is: is.as_deref(),
            what: &what,
        };
        self.not_ourselves(&entry, &what)?;
        let naming = self.naming(&entry, changes)?;
        let modifications = self.modifications(&entry, changes, &what).await?;
        let (before, after_it) = (naming.before(&entry), naming.after());
        let noted = self.note(&entry, &target, before, after_it).await?;
        let changing = async {
            // The name first: while values are not as they should be, whoever comes next sees what is left to do.
            self.rename_account(&entry, &naming, is.as_deref(), noted)
                .await?;
            let renamed = Target {
                dn: &naming.to,
                ..target
            };
            let modified = self.modify(&renamed, &modifications, &self.asked).await;
            modified.map_err(|failure| {
                let error = self.unfit(failure);
                if naming.to == entry.dn {
                    error
                } else {
                    partly(error)
                }
            })
        };
        let shown = match changing.await {
            Ok(shown) => shown,
            Err(error) => {
                if noted {
                    self.withdraw_note(id, &error, &what).await;
                }
                return Err(error);
            }
        };
        if noted {
            let entry = self.settled(id, &what).await.map_err(after)?;
            return Ok(Some(self.account(&entry).await.map_err(after)?));
        }
        if naming.to != entry.dn {
            return Ok(Some(self.as_it_is(&naming.to, shown, &what).await?));
        }
        match shown {
            Some(entry) => Ok(Some(self.account(&entry).await.map_err(after)?)),
            None => Ok(None),
        }
    }

    /// What is written into an entry, but for what names it.
    async fn modifications(
        &self,
        entry: &Entry,
        changes: &AttributeChanges,
        what: &str,
    ) -> Result<Vec<Change>, ConnectorError> {
        let config = &self.config;
        let by_name = |name: &str| dn::is_named_by(&entry.dn, name);
        let mut modifications = Vec::new();
        if let Some(username) = &changes.username
            && !by_name(&config.accounts.username)
        {
            // Its other user names, which are none of ours, stay.
            let name = &config.accounts.username;
            let old = self.username(entry);
            modifications.extend(old.map(|old| Change::Delete(attribute(name, [old]))));
            let new = username.as_str().to_owned();
            modifications.push(Change::Add(attribute(name, [new])));
        }
        for (name, value) in &changes.set {
            if !by_name(name.as_str()) {
                let attribute = self.attribute(name, value, what).await?;
                modifications.push(Change::Replace(attribute));
            }
        }
        for name in &changes.clear {
            modifications.push(Change::Replace(attribute(name.as_str(), [])));
        }
        Ok(modifications)
    }

    pub(super) async fn switch_account(
        &self,
        id: &AccountId,
        active: bool,
    ) -> Result<Option<ObservedAccount>, ConnectorError> {
        let config = &self.config;
        let doing = if active { "enabling" } else { "disabling" };
        let entry = self.located(id, &format!("{doing} account {id}")).await?;
        let what = format!("{doing} {}", entry.dn);
        let is = config.id.filter(id.as_str());
        let target = Target {
            dn: &entry.dn,
            is: is.as_deref(),
            what: &what,
        };
        self.not_ourselves(&entry, &what)?;
        let changes = match &config.disabling {
            Disabling::Attribute {
                name,
                disabled,
                enabled,
            } => {
                let (from, to) = if active {
                    (Some(disabled), enabled.as_ref())
                } else {
                    (enabled.as_ref(), Some(disabled))
                };
                exchanged(&entry, name, from, to)
            }
            Disabling::UserAccountControl => {
                let Some(now) = flags(&entry) else {
                    return Err(ConnectorError::new(
                        ErrorKind::Nonsense,
                        format!(
                            "{what}: it shows no {USER_ACCOUNT_CONTROL}: let {} read it",
                            config.bind_dn
                        ),
                    ));
                };
                let then = if active {
                    now & !ACCOUNT_DISABLE
                } else {
                    now | ACCOUNT_DISABLE
                };
                if now == then {
                    return Ok(Some(self.account(&entry).await?));
                }
                // Only from what was read, as the other flags must stay.
                vec![
                    Change::Delete(attribute(USER_ACCOUNT_CONTROL, [now.to_string()])),
                    Change::Add(attribute(USER_ACCOUNT_CONTROL, [then.to_string()])),
                ]
            }
            Disabling::Container(container) => {
                let parent = if active {
                    self.home(&entry)?
                } else {
                    container.clone()
                };
                let to = format!("{},{parent}", dn::split(&entry.dn).0);
                if (self.activity(&entry) == Activity::Disabled) == active {
                    let username = Username::new(self.username(&entry).unwrap_or_default());
                    let naming = Naming {
                        to,
                        old: username.clone(),
                        new: username,
                    };
                    let moved = self.move_noted(id, &entry, &naming, &target).await;
                    moved.map_err(|error| in_the_way(error, &naming.to))?;
                    return Ok(Some(self.as_it_is(&naming.to, None, &what).await?));
                }
                return Ok(Some(self.account(&entry).await?));
            }
            Disabling::Never => {
                return Err(ConnectorError::new(
                    ErrorKind::Unsupported,
                    format!("{what}: nothing says how: set spec.ldap.disable"),
                ));
            }
        };
        match self.modify(&target, &changes, &self.asked).await? {
            Some(entry) => Ok(Some(self.account(&entry).await.map_err(after)?)),
            None => Ok(None),
        }
    }

    pub(super) async fn delete_account(&self, id: &AccountId) -> Result<(), ConnectorError> {
        let Some(entry) = self.locate(id, &format!("deleting account {id}")).await? else {
            return Ok(());
        };
        let what = format!("deleting {}", entry.dn);
        let is = self.config.id.filter(id.as_str());
        let target = Target {
            dn: &entry.dn,
            is: is.as_deref(),
            what: &what,
        };
        self.not_ourselves(&entry, &what)?;
        // First, as it is never found again once it is deleted.
        if let Some(username) = self.username(&entry).map(Username::new) {
            let named = Named {
                dn: &entry.dn,
                username: &username,
            };
            self.forget(named).await?;
        }
        self.forget_noted(id, &entry, &what).await?;
        match self.remove(&target).await {
            Err(failure) if failure.had(&[code::NO_SUCH_OBJECT]) => Ok(()),
            outcome => Ok(outcome?),
        }
    }
}

/// From one value to another, the others left alone. Where the attribute says nothing but this, it is set.
fn exchanged(entry: &Entry, name: &str, from: Option<&String>, to: Option<&String>) -> Vec<Change> {
    let shown = |value: &String| {
        let mut all = entry.all(name).iter();
        all.find(|shown| shown.eq_ignore_ascii_case(value)).cloned()
    };
    let (Some(from), Some(to)) = (from, to) else {
        // Such as the time at which it was locked.
        return vec![Change::Replace(attribute(name, to.cloned()))];
    };
    let mut changes = Vec::new();
    changes.extend(shown(from).map(|there| Change::Delete(attribute(name, [there]))));
    if shown(to).is_none() {
        changes.push(Change::Add(attribute(name, [to.clone()])));
    }
    changes
}

/// Another user name would not help.
fn in_the_way(error: ConnectorError, to: &str) -> ConnectorError {
    if error.kind != ErrorKind::Taken {
        return error;
    }
    let message = format!(
        "{}. There is another {to} already: move that away, and let spec.ldap.accounts.dn name entries by {{username}}, which nobody else has",
        error.message
    );
    ConnectorError::new(ErrorKind::Invalid, message)
}

/// A part of what was asked is done: what is there now decides what is left.
fn partly(error: ConnectorError) -> ConnectorError {
    let kind = if error.kind.concerns_target() {
        ErrorKind::OutcomeUnknown
    } else {
        error.kind
    };
    ConnectorError { kind, ..error }
}

/// Something was written before this failed.
pub(super) fn after(failure: impl Into<ConnectorError>) -> ConnectorError {
    ConnectorError {
        kind: ErrorKind::OutcomeUnknown,
        ..failure.into()
    }
}
