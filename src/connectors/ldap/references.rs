//! What names an entry elsewhere follows it when it is renamed, and goes when it goes. Some servers see to
//! that themselves (OpenLDAP's overlay `refint`, Active Directory); after them nothing is left to do.

use ldap3::ldap_escape;

use super::LdapConnector;
use super::abilities::names;
use super::config::MemberForm;
use super::dn;
use super::entry::Entry;
use super::failure::{Failure, code};
use super::write::{Change, Target, attribute};

impl LdapConnector {
    /// Lets groups follow an entry to its new name, or forget it.
    pub(super) async fn follow(&self, entry: &Entry, to: Option<&str>) -> Result<(), Failure> {
        let Some(groups) = &self.config.groups else {
            return Ok(());
        };
        let (old, new) = match groups.form {
            MemberForm::Dn => (entry.dn.clone(), to.map(str::to_owned)),
            MemberForm::Username => {
                let Some(old) = self.username(entry) else {
                    return Ok(());
                };
                let new = to.and_then(dn::naming).and_then(|(name, value)| {
                    name.eq_ignore_ascii_case(&self.config.accounts.username)
                        .then_some(value)
                });
                if to.is_some() && new.is_none() {
                    return Ok(());
                }
                (old, new)
            }
        };
        if new.as_ref() == Some(&old) {
            return Ok(());
        }
        let what = format!("finding the groups of {old}");
        let alike = self.abilities().await?.alike_members;
        let (filter, asked) = if alike {
            // What can't be compared can't be searched for.
            let asked = names(&[self.config.id.name(), &groups.member]);
            (format!("({}=*)", groups.member), asked)
        } else {
            let filter = format!("({}={})", groups.member, ldap_escape(&old));
            (filter, names(&[self.config.id.name()]))
        };
        for group in self.matching_groups(&filter, &asked, &what).await? {
            let what = format!("following {old} in {}", group.dn);
            let is = self
                .config
                .id
                .of(&group)
                .and_then(|id| self.config.id.filter(&id));
            let target = Target {
                dn: &group.dn,
                is: is.as_deref(),
                what: &what,
            };
            if alike {
                let all = self.members(&group).await?;
                let is_old = |value: &String| groups.member_key(value) == groups.member_key(&old);
                if all.iter().any(is_old) {
                    let stay = all.iter().filter(|value| !is_old(value)).cloned();
                    let all: Vec<String> = stay.chain(new.clone()).collect();
                    let whole = Change::Replace(attribute(&groups.member, all));
                    self.modify(&target, &[whole], &[]).await?;
                }
                continue;
            }
            let instead = new.clone().or_else(|| groups.placeholder.clone());
            let old_goes = || Change::Delete(attribute(&groups.member, [old.clone()]));
            let new_comes = instead.map(|value| Change::Add(attribute(&groups.member, [value])));
            let changes: Vec<Change> = new_comes.into_iter().chain([old_goes()]).collect();
            let outcome = self.modify(&target, &changes, &[]).await;
            match outcome {
                Ok(_) => {}
                // It stands there already, or the server was faster.
                Err(failure)
                    if failure.had(&[20, code::ALREADY_EXISTS, code::NO_SUCH_ATTRIBUTE]) =>
                {
                    match self.modify(&target, &[old_goes()], &[]).await {
                        Err(failure) if failure.had(&[code::NO_SUCH_ATTRIBUTE, 53]) => {}
                        outcome => drop(outcome?),
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }
}
