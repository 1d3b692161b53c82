//! Changing the members of one group, many at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::LdapConnector;
use super::abilities::names;
use super::config::{Groups, MemberForm};
use super::entry::Entry;
use super::failure::{Failure, code};
use super::write::{Change, Target, attribute};
use crate::connectors::{ConnectorError, ErrorKind, HolderChange, HolderResults};
use crate::domain::ids::{AccountId, EntitlementId};

/// Accounts that are looked up in one search.
const LOOKED_UP: usize = 50;
/// Writes that one change may cost, when members must be singled out.
const MAX_WRITES: u32 = 64;

/// What is wanted of one account, as it stands in the group.
#[derive(Clone, Debug)]
struct Wish {
    account: AccountId,
    value: String,
    member: bool,
}

impl LdapConnector {
    pub(super) async fn change_members(
        &self,
        id: &EntitlementId,
        change: &HolderChange,
    ) -> Result<HolderResults, ConnectorError> {
        let groups = self.groups()?;
        let what = format!("changing the members of group {id}");
        let asked = names(&[self.config.id.name()]);
        let Some(group) = self.locate_group(id, &asked, &what).await? else {
            return Err(ConnectorError::new(
                ErrorKind::NotFound,
                format!("{what}: the directory has no such group any more"),
            ));
        };
        let known = self.member_values(groups, change).await?;
        let mut results: HashMap<AccountId, Result<(), ConnectorError>> = HashMap::new();
        let mut wishes = Vec::new();
        for (account, member) in change.wishes() {
            match known.get(account) {
                Some(value) => wishes.push(Wish {
                    account: account.clone(),
                    value: value.clone(),
                    member,
                }),
                // Nobody is a member who is not there. One who is elsewhere may be.
                None if !member => match self.elsewhere(groups, account, &what).await? {
                    None => drop(results.insert(account.clone(), Ok(()))),
                    Some(value) => wishes.push(Wish {
                        account: account.clone(),
                        value,
                        member,
                    }),
                },
                None => {
                    let why = format!("{what}: the directory has no account {account} any more");
                    let error = ConnectorError::new(ErrorKind::NotFound, why);
                    results.insert(account.clone(), Err(error));
                }
            }
        }
        self.carry_out(groups, &group, wishes, &mut results).await?;
        let unsettled = || {
            ConnectorError::new(
                ErrorKind::OutcomeUnknown,
                format!("{what}: it did not come to this one"),
            )
        };
        let all = change.wishes().map(|(account, _)| {
            let result = results.remove(account);
            (account.clone(), result.unwrap_or_else(|| Err(unsettled())))
        });
        Ok(all.collect())
    }

    /// How an account stands in groups that is not where accounts are looked for.
    async fn elsewhere(
        &self,
        groups: &Groups,
        account: &AccountId,
        what: &str,
    ) -> Result<Option<String>, ConnectorError> {
        let Some(filter) = self.config.id.filter(account.as_str()) else {
            return Ok(None);
        };
        let found = self.anywhere(&filter, what).await?;
        Ok(found.first().and_then(|entry| match groups.form {
            MemberForm::Dn => Some(entry.dn.clone()),
            MemberForm::Username => self.username(entry),
        }))
    }

    async fn carry_out(
        &self,
        groups: &Groups,
        group: &Entry,
        wishes: Vec<Wish>,
        results: &mut HashMap<AccountId, Result<(), ConnectorError>>,
    ) -> Result<(), ConnectorError> {
        let what = format!("changing the members of {}", group.dn);
        let is = self.config.id.filter_of(group);
        let target = Target {
            dn: &group.dn,
            is: is.as_deref(),
            what: &what,
        };
        let mut writes = 0;
        let mut batches = vec![wishes];
        while let Some(batch) = batches.pop() {
            if batch.is_empty() {
                continue;
            }
            writes += 1;
            let Err(failure) = self.send(groups, &target, &batch, None).await else {
                results.extend(batch.into_iter().map(|wish| (wish.account, Ok(()))));
                continue;
            };
            if concerns_all(&failure) {
                if results.values().all(Result::is_err) {
                    return Err(failure.error);
                }
                for wish in batch.into_iter().chain(batches.drain(..).flatten()) {
                    results.insert(wish.account, Err(failure.error.clone()));
                }
                return Ok(());
            }
            // Some of it is so already, or the group would be left empty: what is there decides.
            let rule = self.member_rule(groups);
            let now = self.members_now(groups, group).await?;
            let open: Vec<Wish> = batch
                .iter()
                .filter(|wish| now.contains_key(&rule.key(&wish.value)) != wish.member)
                .cloned()
                .collect();
            let is_open: BTreeSet<AccountId> =
                open.iter().map(|wish| wish.account.clone()).collect();
            for wish in &batch {
                if !is_open.contains(&wish.account) {
                    results.insert(wish.account.clone(), Ok(()));
                }
            }
            if open.is_empty() {
                continue;
            }
            writes += 1;
            match self.send(groups, &target, &open, Some(&now)).await {
                Ok(()) => results.extend(open.into_iter().map(|wish| (wish.account, Ok(())))),
                Err(failure)
                    if open.len() > 1 && !concerns_all(&failure) && writes < MAX_WRITES =>
                {
                    let mut first = open;
                    let second = first.split_off(first.len() / 2);
                    batches.extend([second, first]);
                }
                Err(failure) => {
                    for wish in open {
                        results.insert(wish.account, Err(failure.error.clone()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends a change. What is known of the group decides about its placeholder, and about writing all of it
    /// where single values can't be told apart.
    async fn send(
        &self,
        groups: &Groups,
        target: &Target<'_>,
        wishes: &[Wish],
        now: Option<&BTreeMap<String, String>>,
    ) -> Result<(), Failure> {
        let values = |member: bool| {
            let mine = wishes.iter().filter(move |wish| wish.member == member);
            mine.map(|wish| wish.value.clone()).collect::<Vec<_>>()
        };
        let (mut adds, mut removes) = (values(true), values(false));
        if let Some(now) = now {
            // As they are written there: not every server compares them by the same rules.
            let rule = self.member_rule(groups);
            for value in &mut removes {
                if let Some(written) = now.get(&rule.key(value)) {
                    value.clone_from(written);
                }
            }
            let stays = now.len() + adds.len() > removes.len();
            adds.extend(groups.placeholder.clone().filter(|_| !stays));
        }
        let mut changes = Vec::new();
        if !adds.is_empty() {
            changes.push(Change::Add(attribute(&groups.member, adds.clone())));
        }
        if !removes.is_empty() {
            changes.push(Change::Delete(attribute(&groups.member, removes.clone())));
        }
        match (self.modify(target, &changes, &[]).await, now) {
            (Err(failure), Some(now)) if failure.had(&[code::INAPPROPRIATE_MATCHING]) => {
                let gone: BTreeSet<String> = removes.into_iter().collect();
                let all = now.values().filter(|value| !gone.contains(*value));
                let all: Vec<String> = all.cloned().chain(adds).collect();
                let whole = Change::Replace(attribute(&groups.member, all));
                self.modify(target, &[whole], &[]).await.map(drop)
            }
            (outcome, _) => outcome.map(drop),
        }
    }

    /// Who stands in a group now: the form in which they compare, and as it is written.
    async fn members_now(
        &self,
        groups: &Groups,
        group: &Entry,
    ) -> Result<BTreeMap<String, String>, ConnectorError> {
        let what = format!("reading the members of {}", group.dn);
        let asked = [groups.member.clone()];
        let entry = self.entry(&group.dn, &asked, &what).await?;
        let entry = entry.ok_or_else(|| {
            let why = format!("{what}: the directory has no such group any more");
            ConnectorError::new(ErrorKind::NotFound, why)
        })?;
        let members = self.members(&entry).await?;
        let rule = self.member_rule(groups);
        let with_key = members.into_iter().map(|value| (rule.key(&value), value));
        Ok(with_key.collect())
    }

    /// What stands in a group for each account that there is.
    async fn member_values(
        &self,
        groups: &Groups,
        change: &HolderChange,
    ) -> Result<HashMap<AccountId, String>, ConnectorError> {
        let all: Vec<&AccountId> = change.wishes().map(|(account, _)| account).collect();
        let mut found = HashMap::new();
        let mut open: Vec<&[&AccountId]> = all.chunks(LOOKED_UP).collect();
        while let Some(some) = open.pop() {
            let filters: String = some
                .iter()
                .filter_map(|account| self.config.id.filter(account.as_str()))
                .collect();
            if filters.is_empty() {
                continue;
            }
            let entries = match self
                .matching(&format!("(|{filters})"), "finding members")
                .await
            {
                // It gives fewer at once.
                Err(failure) if failure.had(&[code::SIZE_LIMIT]) && some.len() > 1 => {
                    let (first, second) = some.split_at(some.len() / 2);
                    open.extend([first, second]);
                    continue;
                }
                entries => entries?,
            };
            for entry in entries {
                let value = match groups.form {
                    MemberForm::Dn => Some(entry.dn.clone()),
                    MemberForm::Username => self.username(&entry),
                };
                if let (Some(id), Some(value)) = (self.config.id.of(&entry), value) {
                    found.insert(AccountId::new(id), value);
                }
            }
        }
        Ok(found)
    }
}

/// Whether a failure says nothing of the single members.
fn concerns_all(failure: &Failure) -> bool {
    failure.code.is_none()
        || failure.error.kind.concerns_target()
        || failure.had(&[code::ASSERTION_FAILED, code::INSUFFICIENT_ACCESS])
}
