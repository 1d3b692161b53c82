//! The name of an account's entry: filled in from its values, and following them.

use ldap3::dn_escape;

use super::LdapConnector;
use super::accounts::after;
use super::config::{Disabling, USERNAME};
use super::dn;
use super::entry::Entry;
use super::references::Named;
use super::refusal::{in_words, named_too_long};
use super::values::written;
use super::write::Target;
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::account::{AttributeChanges, Attributes};
use crate::domain::ids::{AccountId, Username};

/// What an account is called before a change and after it.
pub(super) struct Naming {
    /// The name of its entry afterwards.
    pub to: String,
    /// The user name now.
    pub old: Username,
    /// The user name afterwards.
    pub new: Username,
}

impl Naming {
    /// How it stands in groups.
    pub(super) fn before<'n>(&'n self, entry: &'n Entry) -> Named<'n> {
        Named {
            dn: &entry.dn,
            username: &self.old,
        }
    }

    /// How it is to stand in groups.
    pub(super) fn after(&self) -> Named<'_> {
        Named {
            dn: &self.to,
            username: &self.new,
        }
    }
}

impl LdapConnector {
    /// The name that changed values ask for. Values that are not changed are not looked at: an entry that somebody
    /// put elsewhere stays there.
    pub(super) fn naming(
        &self,
        entry: &Entry,
        changes: &AttributeChanges,
    ) -> Result<Naming, ConnectorError> {
        let template = &self.config.accounts.template;
        let touches = |needs: &dyn Fn(&str) -> bool| {
            (changes.username.is_some() && needs(USERNAME))
                || changes.set.keys().any(|name| needs(name.as_str()))
        };
        let old = self.username(entry).map(Username::new);
        let new = changes.username.clone().or_else(|| old.clone());
        let new = new.unwrap_or_else(|| Username::new(""));
        let old = old.unwrap_or_else(|| new.clone());
        let lookup = |name: &str| {
            let value = filled(name, &new, &changes.set);
            value.or_else(|| entry.first(name).map(str::to_owned))
        };
        let (old_name, old_parent) = dn::split(&entry.dn);
        let name = if dn::is_named_by(&entry.dn, template.attribute()) {
            let needed = touches(&|name| template.name_needs(name));
            let value = needed.then(|| template.value(&lookup));
            let value = value.transpose().map_err(|name| lacks(&name))?;
            value.map(|value| template.name(&value))
        } else {
            // Somebody named it otherwise: it keeps that way, with the new value.
            self.named_otherwise(entry, changes)
        };
        let is_away = match &self.config.disabling {
            Disabling::Container(container) => dn::is_within(&entry.dn, container),
            _ => false,
        };
        let parent = if touches(&|name| template.parent_needs(name)) && !is_away {
            Some(template.parent(&lookup).map_err(|name| lacks(&name))?)
        } else {
            None
        };
        let to = format!(
            "{},{}",
            name.as_deref().unwrap_or(old_name),
            parent.as_deref().unwrap_or(old_parent)
        );
        Ok(Naming { to, old, new })
    }

    /// Gives an account its new name, and lets groups follow it.
    pub(super) async fn rename_account(
        &self,
        entry: &Entry,
        naming: &Naming,
        is: Option<&str>,
        noted: bool,
    ) -> Result<(), ConnectorError> {
        if naming.to != entry.dn {
            return self.move_entry(entry, naming, is, noted).await;
        }
        let followed = self.follow(naming.before(entry), naming.after(), noted);
        followed.await.map_err(after)
    }

    /// The new name of an entry that is not named as the template has it, where a value that names it changes.
    fn named_otherwise(&self, entry: &Entry, changes: &AttributeChanges) -> Option<String> {
        let (attribute, _) = dn::naming(&entry.dn)?;
        let is_it = |name: &str| name.eq_ignore_ascii_case(attribute);
        let value = if is_it(&self.config.accounts.username) {
            changes.username.as_ref()?.as_str().to_owned()
        } else {
            let mut all = changes.set.iter();
            let (_, value) = all.find(|(name, _)| is_it(name.as_str()))?;
            written(value)?.into_iter().next()?
        };
        Some(format!("{attribute}={}", dn_escape(value)))
    }

    /// Moves an entry, with a note while it is under way.
    pub(super) async fn move_noted(
        &self,
        id: &AccountId,
        entry: &Entry,
        naming: &Naming,
        target: &Target<'_>,
    ) -> Result<(), ConnectorError> {
        let (before, after_it) = (naming.before(entry), naming.after());
        let noted = self.note(entry, target, before, after_it).await?;
        let moved = self.move_entry(entry, naming, target.is, noted).await;
        match &moved {
            Ok(()) if noted => {
                self.settled(id, target.what).await.map_err(after)?;
            }
            Err(error) if noted => self.withdraw_note(id, error, target.what).await,
            _ => {}
        }
        moved
    }

    /// Renames or moves an entry, and whatever names it.
    async fn move_entry(
        &self,
        entry: &Entry,
        naming: &Naming,
        is: Option<&str>,
        noted: bool,
    ) -> Result<(), ConnectorError> {
        let to = naming.to.as_str();
        let what = format!("renaming {} to {}", in_words(&entry.dn), in_words(to));
        let target = Target {
            dn: &entry.dn,
            is,
            what: &what,
        };
        let (from, named) = (naming.before(entry), naming.after());
        // Whoever had that name before is gone: nothing of theirs is to be found.
        if dn::key(&entry.dn) != dn::key(to) && self.entry(to, &[], &what).await?.is_none() {
            self.forget_if_other(named, from).await?;
        }
        let (name, parent) = dn::split(to);
        let moves = dn::key(parent) != dn::key(dn::split(&entry.dn).1);
        let renamed = self.rename(&target, name, moves.then_some(parent)).await;
        renamed.map_err(|failure| self.unfit(named_too_long(failure, to)))?;
        self.follow(from, named, noted).await.map_err(after)
    }

    /// Where an enabled account stands.
    pub(super) fn home(&self, entry: &Entry) -> Result<String, ConnectorError> {
        let username = self.username(entry);
        let lookup = |name: &str| {
            if name.eq_ignore_ascii_case(USERNAME) {
                username.clone()
            } else {
                entry.first(name).map(str::to_owned)
            }
        };
        let parent = self.config.accounts.template.parent(&lookup);
        parent.map_err(|name| lacks(&name))
    }
}

/// What a template fills in for a name.
pub(super) fn filled(name: &str, username: &Username, attributes: &Attributes) -> Option<String> {
    if name.eq_ignore_ascii_case(USERNAME) {
        return Some(username.as_str().to_owned());
    }
    let mut all = attributes.iter();
    let (_, value) = all.find(|(attribute, _)| attribute.as_str().eq_ignore_ascii_case(name))?;
    written(value)?.into_iter().next()
}

/// Told where a value to be filled in is empty.
pub(super) fn lacks(name: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Invalid,
        format!("spec.ldap.accounts.dn fills in {{{name}}}, which is empty for this account"),
    )
}
