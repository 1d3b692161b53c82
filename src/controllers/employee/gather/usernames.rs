//! The user names of one person's account: the one that a new account gets, and the one that follows changed facts.

use std::sync::Arc;

use super::View;
use crate::controllers::names::{AllNames, Names, Owner};
use crate::domain::desired::DesiredAccount;
use crate::domain::ids::{AccountId, Username};
use crate::domain::matching::Match;
use crate::domain::policy::Connector;
use crate::domain::problem::Problem;
use crate::domain::usernames::{self, MAX_FORMER, NoUsername, Renaming};

impl View<'_> {
    /// What is desired, where that is called for at this stage.
    fn due(&self) -> Option<&DesiredAccount> {
        self.desired.filter(|desired| desired.is_due(self.stage))
    }

    /// The name that the person has, or is to have, in this target.
    pub(super) fn username(
        &self,
        matched: &Match,
        names: &mut AllNames,
    ) -> Result<Username, Problem> {
        if let Match::One(account) | Match::Adoptable(account) = matched {
            return Ok(account.username.clone());
        }
        if let Some(name) = self.recorded.and_then(|r| r.username.clone()) {
            return Ok(name);
        }
        let nobody = || Problem::waiting("NoUsername", "no user name is needed now");
        let (Some(desired), Some(compiled), Some(target)) = (
            self.due(),
            self.entry.compiled.as_ref(),
            self.entry.target.as_ref(),
        ) else {
            return Err(nobody());
        };
        let owner = self.owner();
        let table = names.entry(target.clone()).or_default();
        let taken = |name: &Username| self.is_taken(name, compiled, table, &owner, None);
        let chosen = usernames::choose(&desired.usernames, &compiled.spec.rules, taken)
            .map_err(no_username)?;
        table.allocated.insert(chosen.clone(), owner);
        Ok(chosen)
    }

    /// What the person's account is to be called from now on, where user names follow the facts and its own is none
    /// that they give any more.
    pub(super) fn follows(
        &self,
        matched: &Match,
        names: &mut AllNames,
    ) -> Option<Result<Username, Problem>> {
        let Match::One(account) = matched else {
            return None;
        };
        let desired = self.due()?;
        let compiled = self.entry.compiled.as_ref()?;
        let target = self.entry.target.as_ref()?;
        let recorded = self.recorded.filter(|r| r.id.is_some())?;
        // An expression that fails says nothing of a name that it gave before.
        let decided = desired.usernames.len() == compiled.usernames.len();
        let shielded = compiled
            .protected_accounts
            .covers(account.username.as_str());
        if compiled.spec.renaming == Renaming::Never || !decided || shielded {
            return None;
        }
        let owner = self.owner();
        let table = names.entry(target.clone()).or_default();
        let remembered = recorded.username.as_ref().unwrap_or(&account.username);
        if table.settled.contains(remembered) {
            return None;
        }
        let found = usernames::follow(
            &desired.usernames,
            &compiled.spec.rules,
            remembered,
            &account.username,
            |name| self.is_taken(name, compiled, table, &owner, Some(&account.id)),
        )?;
        let name = match found {
            Ok(name) => name,
            Err(why) => return Some(Err(no_username(why))),
        };
        if name != account.username {
            if compiled.spec.renaming == Renaming::NotPossible {
                return Some(Err(Problem::waiting(
                    "CannotRename",
                    format!(
                        "{} would be {name} by now, and {} can't rename accounts: rename it there by hand, or set spec.account.usernameChanges of the AppConnector to Never",
                        account.username, self.name
                    ),
                )));
            }
            if recorded.former.len() >= MAX_FORMER && !recorded.former.contains(&name) {
                return Some(Err(Problem::waiting(
                    "TooManyUsernames",
                    format!(
                        "{} had {MAX_FORMER} names before, and is not renamed any more: let spec.account.username of the AppConnector rest on what seldom changes",
                        account.username
                    ),
                )));
            }
        }
        table.allocated.entry(name.clone()).or_insert(owner);
        Some(Ok(name))
    }

    fn owner(&self) -> Owner {
        Owner {
            namespace: Arc::clone(&self.realm.namespace),
            connector: self.name.clone(),
            employee: self.person.employee_id.clone(),
        }
    }

    /// Whether somebody else has a name, or it can't be had for another reason.
    fn is_taken(
        &self,
        name: &Username,
        compiled: &Connector,
        table: &Names,
        owner: &Owner,
        own: Option<&AccountId>,
    ) -> bool {
        let bearer = self.entry.inventory.by_username(name);
        compiled.protected_accounts.covers(name.as_str())
            || table.refused.contains(name)
            || table.allocated.get(name).is_some_and(|o| o != owner)
            || bearer.is_some_and(|account| own != Some(&account.id))
    }
}

fn no_username(why: NoUsername) -> Problem {
    Problem::waiting("NoUsername", why.to_string())
}
