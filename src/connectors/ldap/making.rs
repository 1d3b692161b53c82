//! Entries that are made in several writes, as their password can't come with them. Until all are done, an entry
//! bears a mark that no account has: whoever comes after an operator that was killed in between knows it, and
//! makes it anew.

use super::LdapConnector;
use super::config::Disabling;
use super::dialect::Dialect;
use super::entry::Entry;
use super::failure::Failure;
use super::write::{Change, Target, attribute};
use crate::connectors::InitialPassword;
use crate::domain::account::NewAccount;
use crate::domain::mark::Mark;

/// Follows the mark of what is half made. No mark has such a sign.
const BEING_MADE: &str = "#being-made";

impl LdapConnector {
    /// The password that is set once the entry is there, so that the account is made in several writes.
    pub(super) fn set_later<'p>(
        &self,
        password: Option<&'p InitialPassword>,
    ) -> Option<&'p InitialPassword> {
        password.filter(|_| self.config.dialect != Dialect::ActiveDirectory)
    }

    /// What stands in the place of a mark meanwhile.
    pub(super) fn mark_while_being_made(mark: &Mark) -> String {
        format!("{mark}{BEING_MADE}")
    }

    /// Whether an entry is half made, and no account yet.
    pub(super) fn is_being_made(&self, entry: &Entry) -> bool {
        let marks = entry.all(&self.config.accounts.mark);
        marks.iter().any(|mark| mark.ends_with(BEING_MADE))
    }

    /// Deletes what was left half made for the bearer of a mark. Nobody could sign in there.
    pub(super) async fn clear_what_is_half_made(
        &self,
        mark: &Mark,
        what: &str,
    ) -> Result<(), Failure> {
        let half = Self::mark_while_being_made(mark);
        let filter = format!(
            "({}={})",
            self.config.accounts.mark,
            ldap3::ldap_escape(half.as_str())
        );
        for entry in self.matching_or_half_made(&filter, what).await? {
            if entry.all(&self.config.accounts.mark).contains(&half) {
                let is = self.config.id.filter_of(&entry);
                let target = Target {
                    dn: &entry.dn,
                    is: is.as_deref(),
                    what,
                };
                self.remove(&target).await?;
            }
        }
        Ok(())
    }

    /// The last write: the mark as it is to be, and what a new password undoes in some servers.
    pub(super) async fn finish(
        &self,
        target: &Target<'_>,
        account: &NewAccount,
        password: &InitialPassword,
    ) -> Result<Option<Entry>, Failure> {
        let config = &self.config;
        let mark = account.mark.as_str().to_owned();
        let mut changes = vec![Change::Replace(attribute(&config.accounts.mark, [mark]))];
        if password.must_change && config.dialect == Dialect::OpenLdap {
            // draft-behera-ldap-password-policy section 5.3.8
            changes.push(Change::Replace(attribute("pwdReset", ["TRUE".to_owned()])));
        }
        if let (false, Disabling::Attribute { name, disabled, .. }) =
            (account.active, &config.disabling)
        {
            // A new password unlocks an account of OpenLDAP.
            changes.push(Change::Replace(attribute(name, [disabled.clone()])));
        }
        self.modify(target, &changes, &self.asked).await
    }
}
