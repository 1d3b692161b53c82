//! A rename that is under way. Where a server does not let groups follow an entry by itself, they follow in writes of
//! their own, and an operator that is killed in between must not leave them behind. So what groups call the account is
//! noted beside its mark first, and the note is taken off once they have followed. Whoever comes upon a note knows whom
//! groups still mean by a name that nobody has any more, and finishes it.

use std::sync::atomic::Ordering;

use ldap3::ldap_escape;

use super::LdapConnector;
use super::config::{Groups, MemberForm};
use super::dialect::Dialect;
use super::entry::Entry;
use super::failure::Failure;
use super::observe::mark;
use super::references::Named;
use super::write::{Change, Target, attribute};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::ids::{AccountId, Username};

/// Between a mark and what groups call the account. No mark has such a sign.
const IN_GROUPS: &str = "#in-groups-as:";

/// What stands in the place of a mark, taken apart: the mark, and what groups may still call the account.
pub(super) fn parted(held: &str) -> (&str, Option<&str>) {
    match held.split_once(IN_GROUPS) {
        Some((mark, called)) => (mark, Some(called)),
        None => (held, None),
    }
}

/// A filter that finds whoever bears a mark, with a note or without.
pub(super) fn bears(attribute: &str, mark: &str) -> String {
    let mark = ldap_escape(mark);
    format!("(|({attribute}={mark})({attribute}={mark}{IN_GROUPS}*))")
}

impl LdapConnector {
    /// What groups may still call an account that was renamed.
    pub(super) fn noted<'e>(&self, entry: &'e Entry) -> Option<&'e str> {
        let held = entry.all(&self.config.accounts.mark).iter();
        held.map(|held| parted(held).1).find(Option::is_some)?
    }

    /// Notes what groups call an account that is about to be called otherwise, and tells whether there is a note now.
    /// There is none where no group names it, or where groups follow by themselves, or where the directory refuses to
    /// hold one: it is renamed all the same.
    pub(super) async fn note(
        &self,
        entry: &Entry,
        target: &Target<'_>,
        from: Named<'_>,
        to: Named<'_>,
    ) -> Result<bool, Failure> {
        let Some(groups) = &self.config.groups else {
            return Ok(false);
        };
        if self.noted(entry).is_some() {
            return Ok(true);
        }
        let rule = self.member_rule(groups);
        let (old, new) = (groups.value_of(from), groups.value_of(to));
        let by_itself = self.config.dialect == Dialect::ActiveDirectory
            || self.groups_follow.load(Ordering::Relaxed);
        if by_itself || rule.key(&old) == rule.key(&new) {
            return Ok(false);
        }
        let held = entry.all(&self.config.accounts.mark);
        let Some(held) = mark(held).filter(|held| held.contains('/')) else {
            return Ok(false);
        };
        if self.groups_naming(groups, &old).await?.is_empty() {
            return Ok(false);
        }
        let noted = format!("{held}{IN_GROUPS}{old}");
        match self.exchange_mark(target, held, &noted).await {
            // Too long for it, or a value that can't be taken away by itself.
            Err(failure) if failure.code.is_some() && !failure.error.kind.concerns_target() => {
                Ok(false)
            }
            outcome => outcome.map(|()| true),
        }
    }

    /// The entry with an identifier. Where a rename of it was cut off, that is finished first.
    pub(super) async fn settled(
        &self,
        id: &AccountId,
        what: &str,
    ) -> Result<Entry, ConnectorError> {
        let entry = self.located(id, what).await?;
        if self.noted(&entry).is_none() {
            return Ok(entry);
        }
        self.finish_rename(id, &entry).await?;
        Ok(self.located(id, what).await?)
    }

    /// Takes the note off where the account is called as before, as the directory refused to rename it.
    pub(super) async fn withdraw_note(&self, id: &AccountId, refusal: &ConnectorError, what: &str) {
        let kind = refusal.kind;
        if kind != ErrorKind::OutcomeUnknown && !kind.concerns_target() {
            // Where that fails too, the next listing shows it.
            let _ = self.settled(id, what).await;
        }
    }

    /// Lets groups follow an account that has a note, and takes that off. Nothing is done where there is none.
    async fn finish_rename(&self, id: &AccountId, entry: &Entry) -> Result<(), ConnectorError> {
        let Some(called) = self.noted(entry) else {
            return Ok(());
        };
        let what = format!("finishing the renaming of {}", entry.dn);
        let username = Username::new(self.username(entry).unwrap_or_default());
        if let Some(groups) = &self.config.groups
            && !self.is_anothers(groups, called, id, &what).await?
        {
            let now = groups.value_of(Named {
                dn: &entry.dn,
                username: &username,
            });
            let rule = self.member_rule(groups);
            if rule.key(called) != rule.key(&now) {
                self.replace_member(groups, called, Some(&now)).await?;
            }
        }
        let is = self.config.id.filter(id.as_str());
        let target = Target {
            dn: &entry.dn,
            is: is.as_deref(),
            what: &what,
        };
        let noted = entry.all(&self.config.accounts.mark).iter();
        for held in noted.filter(|held| parted(held).1.is_some()) {
            self.exchange_mark(&target, held, parted(held).0).await?;
        }
        Ok(())
    }

    /// Takes what groups may still call an account out of them, as it is about to be deleted.
    pub(super) async fn forget_noted(
        &self,
        id: &AccountId,
        entry: &Entry,
        what: &str,
    ) -> Result<(), Failure> {
        let (Some(groups), Some(called)) = (&self.config.groups, self.noted(entry)) else {
            return Ok(());
        };
        if self.is_anothers(groups, called, id, what).await? {
            return Ok(());
        }
        self.replace_member(groups, called, None).await.map(drop)
    }

    /// Whether another account is called that by now: then groups mean that one.
    async fn is_anothers(
        &self,
        groups: &Groups,
        called: &str,
        id: &AccountId,
        what: &str,
    ) -> Result<bool, Failure> {
        let is_other = |entry: &Entry| self.config.id.of(entry).as_deref() != Some(id.as_str());
        match groups.form {
            MemberForm::Dn => {
                let found = self.entry(called, &self.asked, what).await?;
                Ok(found.is_some_and(|entry| is_other(&entry)))
            }
            MemberForm::Username => {
                let name = &self.config.accounts.username;
                let filter = format!("({name}={})", ldap_escape(called));
                let found = self.matching_or_half_made(&filter, what).await?;
                let rule = self.member_rule(groups);
                let is_called = |entry: &Entry| {
                    let username = self.username(entry);
                    username.is_some_and(|username| rule.key(&username) == rule.key(called))
                };
                Ok(found
                    .iter()
                    .any(|entry| is_other(entry) && is_called(entry)))
            }
        }
    }

    /// Only what was read is taken away: a mark that somebody changed since stays.
    async fn exchange_mark(
        &self,
        target: &Target<'_>,
        from: &str,
        to: &str,
    ) -> Result<(), Failure> {
        let name = &self.config.accounts.mark;
        let changes = [
            Change::Delete(attribute(name, [from.to_owned()])),
            Change::Add(attribute(name, [to.to_owned()])),
        ];
        self.modify(target, &changes, &[]).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_told_from_the_mark_before_it() {
        for (held, mark, called) in [
            ("acme/people/1", "acme/people/1", None),
            (
                "acme/people/1#in-groups-as:uid=a/b,ou=people",
                "acme/people/1",
                Some("uid=a/b,ou=people"),
            ),
            (
                "acme/people/1~admin#in-groups-as:ada",
                "acme/people/1~admin",
                Some("ada"),
            ),
            ("4711", "4711", None),
        ] {
            assert_eq!(parted(held), (mark, called));
        }
        let held = ["4711", "acme/people/1#in-groups-as:uid=a/b"].map(str::to_owned);
        assert_eq!(mark(&held), Some("acme/people/1"));
        assert_eq!(mark(&held[..1]), Some("4711"));
    }

    #[test]
    fn who_bears_a_mark_is_found_with_a_note_as_well() {
        assert_eq!(
            bears("employeeNumber", "acme/people/(1*"),
            "(|(employeeNumber=acme/people/\\281\\2a)(employeeNumber=acme/people/\\281\\2a#in-groups-as:*))"
        );
    }
}
