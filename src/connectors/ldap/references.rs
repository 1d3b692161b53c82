//! What names an entry elsewhere follows it when it is renamed, and goes when it goes: whoever gets its name
//! next must not find themselves in its groups. Some servers see to that themselves (OpenLDAP's overlay
//! `refint`, Active Directory); after them nothing is left to do.

use std::sync::atomic::Ordering;

use ldap3::ldap_escape;

use super::LdapConnector;
use super::abilities::names;
use super::config::{Groups, MemberForm};
use super::dialect::Dialect;
use super::entry::Entry;
use super::failure::{Failure, code};
use super::write::{Change, Target, attribute};
use crate::domain::ids::Username;

/// How an account stands in groups: by the name of its entry, or by its user name.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub dn: &'a str,
    pub username: &'a Username,
}

impl Groups {
    /// What stands for an account in groups.
    pub(super) fn value_of(&self, named: Named<'_>) -> String {
        match self.form {
            MemberForm::Dn => named.dn.to_owned(),
            MemberForm::Username => named.username.as_str().to_owned(),
        }
    }
}

impl LdapConnector {
    /// Lets groups follow an account from one name to another, and learns whether they do so by themselves. `noted` says
    /// that some did name it.
    pub(super) async fn follow(
        &self,
        from: Named<'_>,
        to: Named<'_>,
        noted: bool,
    ) -> Result<(), Failure> {
        let Some(groups) = &self.config.groups else {
            return Ok(());
        };
        let (old, new) = (groups.value_of(from), groups.value_of(to));
        let rule = self.member_rule(groups);
        if rule.key(&old) == rule.key(&new) {
            return Ok(());
        }
        let left = self.replace_member(groups, &old, Some(&new)).await?;
        if left > 0 {
            self.groups_follow.store(false, Ordering::Relaxed);
        } else if noted && !self.groups_naming(groups, &new).await?.is_empty() {
            self.groups_follow.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes a name out of every group.
    pub(super) async fn forget(&self, named: Named<'_>) -> Result<(), Failure> {
        let Some(groups) = &self.config.groups else {
            return Ok(());
        };
        let name = groups.value_of(named);
        self.replace_member(groups, &name, None).await.map(drop)
    }

    /// The same, unless it is what another name is in groups as well.
    pub(super) async fn forget_if_other(
        &self,
        named: Named<'_>,
        other: Named<'_>,
    ) -> Result<(), Failure> {
        let Some(groups) = &self.config.groups else {
            return Ok(());
        };
        let rule = self.member_rule(groups);
        let same = rule.key(&groups.value_of(named)) == rule.key(&groups.value_of(other));
        if same {
            Ok(())
        } else {
            self.forget(named).await
        }
    }

    /// Whether members can't be told apart, and so not searched for.
    async fn are_members_alike(&self) -> Result<bool, Failure> {
        let known = self.abilities().await?.alike_members;
        Ok(known.unwrap_or(self.config.dialect != Dialect::ActiveDirectory))
    }

    /// Groups that name a member; with its members, where they can't be searched for, every group that has any.
    pub(super) async fn groups_naming(
        &self,
        groups: &Groups,
        member: &str,
    ) -> Result<Vec<Entry>, Failure> {
        let what = format!("finding the groups of {member}");
        let (filter, asked) = if self.are_members_alike().await? {
            let asked = names(&[self.config.id.name(), &groups.member]);
            (format!("({}=*)", groups.member), asked)
        } else {
            let filter = format!("({}={})", groups.member, ldap_escape(member));
            (filter, names(&[self.config.id.name()]))
        };
        self.matching_groups(&filter, &asked, &what).await
    }

    /// Puts one name in the place of another, or of nothing, and tells in how many groups it was looked for.
    pub(super) async fn replace_member(
        &self,
        groups: &Groups,
        old: &str,
        new: Option<&str>,
    ) -> Result<usize, Failure> {
        let alike = self.are_members_alike().await?;
        let naming = self.groups_naming(groups, old).await?;
        for group in &naming {
            let what = format!("following {old} in {}", group.dn);
            let is = self.config.id.filter_of(group);
            let target = Target {
                dn: &group.dn,
                is: is.as_deref(),
                what: &what,
            };
            if alike {
                self.replace_among_all(groups, group, &target, old, new)
                    .await?;
            } else {
                self.replace_one(groups, &target, old, new).await?;
            }
        }
        Ok(naming.len())
    }

    async fn replace_one(
        &self,
        groups: &Groups,
        target: &Target<'_>,
        old: &str,
        new: Option<&str>,
    ) -> Result<(), Failure> {
        let old_goes = || Change::Delete(attribute(&groups.member, [old.to_owned()]));
        let comes = |value: &str| Change::Add(attribute(&groups.member, [value.to_owned()]));
        let changes: Vec<Change> = new.map(comes).into_iter().chain([old_goes()]).collect();
        let Err(failure) = self.modify(target, &changes, &[]).await else {
            return Ok(());
        };
        let again = match &groups.placeholder {
            // It was the only one.
            Some(nobody) if failure.had(&[code::CLASS_VIOLATION]) && new.is_none() => {
                vec![comes(nobody), old_goes()]
            }
            // The other stands there already, or the server was faster.
            _ if failure.had(&[
                code::VALUE_EXISTS,
                code::ALREADY_EXISTS,
                code::NO_SUCH_ATTRIBUTE,
            ]) =>
            {
                vec![old_goes()]
            }
            _ => return Err(failure),
        };
        match self.modify(target, &again, &[]).await {
            Err(failure) if failure.had(&[code::NO_SUCH_ATTRIBUTE, code::UNWILLING]) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    async fn replace_among_all(
        &self,
        groups: &Groups,
        group: &Entry,
        target: &Target<'_>,
        old: &str,
        new: Option<&str>,
    ) -> Result<(), Failure> {
        let all = self.members(group).await?;
        let rule = self.member_rule(groups);
        let is_old = |value: &String| rule.key(value) == rule.key(old);
        if !all.iter().any(is_old) {
            return Ok(());
        }
        let stay = all.iter().filter(|value| !is_old(value)).cloned();
        let mut all: Vec<String> = stay.chain(new.map(str::to_owned)).collect();
        if all.is_empty() {
            all.extend(groups.placeholder.clone());
        }
        let whole = Change::Replace(attribute(&groups.member, all));
        self.modify(target, &[whole], &[]).await.map(drop)
    }
}
