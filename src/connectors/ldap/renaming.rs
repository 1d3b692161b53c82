//! The name of an account's entry: filled in from its values, and following them.

use super::LdapConnector;
use super::accounts::after;
use super::config::USERNAME;
use super::dn;
use super::entry::Entry;
use super::values::written;
use super::write::Target;
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::account::{Activity, AttributeChanges, Attributes};
use crate::domain::ids::Username;

impl LdapConnector {
    /// Gives an entry the name that its changed values ask for. Values that are not changed are not looked
    /// at: an entry that somebody put elsewhere stays there.
    pub(super) async fn rename_account(
        &self,
        entry: &Entry,
        changes: &AttributeChanges,
        is: Option<&str>,
    ) -> Result<Option<String>, ConnectorError> {
        let template = &self.config.accounts.template;
        let touches = |needs: &dyn Fn(&str) -> bool| {
            (changes.username.is_some() && needs(USERNAME))
                || changes.set.keys().any(|name| needs(name.as_str()))
        };
        let in_parent = touches(&|name| template.name_needs(name));
        let parent_changes = touches(&|name| template.parent_needs(name))
            && self.activity(entry) != Activity::Disabled;
        if !in_parent && !parent_changes {
            return Ok(None);
        }
        let username = changes
            .username
            .clone()
            .or_else(|| self.username(entry).map(Username::new))
            .unwrap_or_else(|| Username::new(""));
        let lookup = |name: &str| {
            let new = filled(name, &username, &changes.set);
            new.or_else(|| entry.first(name).map(str::to_owned))
        };
        let (old_name, old_parent) = dn::split(&entry.dn);
        let name = if in_parent {
            template.name(&template.value(&lookup).map_err(|name| lacks(&name))?)
        } else {
            old_name.to_owned()
        };
        let parent = if parent_changes {
            Some(template.parent(&lookup).map_err(|name| lacks(&name))?)
        } else {
            None
        };
        let to = format!("{name},{}", parent.as_deref().unwrap_or(old_parent));
        if to == entry.dn {
            return Ok(None);
        }
        self.move_entry(entry, &to, is).await?;
        Ok(Some(to))
    }

    /// Renames or moves an entry, and whatever names it.
    pub(super) async fn move_entry(
        &self,
        entry: &Entry,
        to: &str,
        is: Option<&str>,
    ) -> Result<(), ConnectorError> {
        let what = format!("renaming {} to {to}", entry.dn);
        let target = Target {
            dn: &entry.dn,
            is,
            what: &what,
        };
        let (name, parent) = dn::split(to);
        let moves = dn::key(parent) != dn::key(dn::split(&entry.dn).1);
        self.rename(&target, name, moves.then_some(parent)).await?;
        self.follow(entry, Some(to)).await.map_err(after)
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
