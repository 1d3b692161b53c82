//! A model of one target, and of what was seen of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::account::{Activity, AttributeValue, Attributes, ObservedAccount};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::{AccountId, EmployeeId, EntitlementId, EntitlementName, Username};
use crate::domain::problem::Problem;
use crate::plan::operation::{EntitlementTarget, Operation, ReadKey};
use crate::plan::{EntitlementView, Successor};

/// One target.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    pub(super) accounts: BTreeMap<AccountId, ObservedAccount>,
    pub(super) groups: BTreeMap<EntitlementName, Group>,
    made: usize,
    /// Accounts that the last listing left out, if it was partial.
    pub(super) hidden: BTreeSet<AccountId>,
    pub(super) partial: bool,
    /// Accounts of others that no listing shows, although their names are taken.
    pub(super) unlisted: BTreeSet<AccountId>,
    /// Whether the holders of groups were not all seen.
    pub(super) holders_partial: bool,
    /// Whether nothing could be listed.
    pub(super) unreadable: bool,
    /// Accounts read directly since the last listing and the last write.
    pub(super) read: BTreeSet<AccountId>,
    /// People who were looked for in vain since the last listing.
    pub(super) sought: BTreeSet<EmployeeId>,
    /// Names allocated, and to whom.
    pub(super) allocated: BTreeMap<Username, EmployeeId>,
    /// Names that turned out to be taken by accounts that can't be seen.
    pub(super) refused: BTreeSet<Username>,
    /// People for whom the answer to the last write was lost.
    pub(super) in_doubt: BTreeSet<EmployeeId>,
    /// Credentials that were taken away.
    pub(super) revoked: BTreeSet<(AccountId, CredentialKind)>,
    /// What accounts own.
    pub(super) owned: BTreeMap<AccountId, Vec<&'static str>>,
    /// Who gets what leavers own, where anybody is asked.
    pub(super) successor: Option<Result<Successor, Problem>>,
    /// What becomes of the next write.
    pub(super) next_write: Fate,
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    #[default]
    Answered,
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// It never arrives.
    RequestLost,
}

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) id: EntitlementId,
    pub(super) holders: BTreeSet<AccountId>,
    pub(super) ambiguous: bool,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    /// The target refused: tried again much later.
    Refused,
    /// A create met a user name that is taken.
    Taken,
}

impl Target {
    pub(super) fn with_groups(names: &[&str]) -> Self {
        let groups = names.iter().map(|name| {
            let group = Group {
                id: format!("id-of-{name}").as_str().into(),
                holders: BTreeSet::new(),
                ambiguous: false,
            };
            ((*name).into(), group)
        });
        Self {
            groups: groups.collect(),
            ..Self::default()
        }
    }

    /// An account made by hand.
    pub(super) fn put(&mut self, username: &str, mark: Option<&str>) -> AccountId {
        self.made += 1;
        let id = AccountId::new(format!("a{}", self.made));
        self.accounts.insert(
            id.clone(),
            ObservedAccount {
                id: id.clone(),
                username: Username::new(username),
                mark: mark.map(str::to_owned),
                activity: Activity::Active,
                attributes: Attributes::new(),
                unfinished: false,
            },
        );
        id
    }

    /// A listing takes place: nothing counts as read directly any more.
    pub(super) fn list(&mut self) {
        self.read.clear();
        self.sought.clear();
        self.refused.clear();
    }

    pub(super) fn is_seen(&self, id: &AccountId) -> bool {
        let is_left_out = self.partial && self.hidden.contains(id);
        self.read.contains(id) || !(is_left_out || self.unlisted.contains(id))
    }

    pub(super) fn seen(&self) -> impl Iterator<Item = &ObservedAccount> {
        self.accounts.values().filter(|a| self.is_seen(&a.id))
    }

    pub(super) fn held(&self, id: &AccountId) -> BTreeSet<EntitlementName> {
        self.groups
            .iter()
            .filter(|(_, group)| group.holders.contains(id))
            .map(|(name, _)| name.clone())
            .collect()
    }

    pub(super) fn view(&self, name: &EntitlementName) -> EntitlementView {
        match self.groups.get(name) {
            None => EntitlementView::Missing,
            Some(group) if group.ambiguous => EntitlementView::Ambiguous,
            Some(group) => EntitlementView::Existing {
                id: group.id.clone(),
                holders_complete: !self.holders_partial,
            },
        }
    }

    fn is_name_taken(&self, name: &Username, except: Option<&AccountId>) -> bool {
        self.accounts
            .values()
            .any(|a| a.username == *name && Some(&a.id) != except)
    }

    /// Carries a write out, as a target would.
    pub(super) fn write(&mut self, operation: &Operation) -> End {
        match operation {
            Operation::Create(new) => {
                if self.is_name_taken(&new.username, None) {
                    return End::Taken;
                }
                let id = self.put(new.username.as_str(), Some(new.mark.as_str()));
                let account = self.accounts.get_mut(&id).unwrap();
                account.attributes.clone_from(&new.attributes);
                if !new.active {
                    account.activity = Activity::Disabled;
                }
                End::Done
            }
            Operation::Update { id, changes, .. } => {
                let taken = changes
                    .username
                    .as_ref()
                    .is_some_and(|name| self.is_name_taken(name, Some(id)));
                if taken {
                    return End::Refused;
                }
                let account = self.accounts.get_mut(id).unwrap();
                account.username = changes.username.clone().unwrap_or(account.username.clone());
                for name in &changes.clear {
                    account.attributes.remove(name);
                }
                account.attributes.extend(changes.set.clone());
                account.unfinished = false;
                self.read.remove(id);
                End::Done
            }
            Operation::Adopt { id, mark } => self.mark(id, Some(mark.as_str().to_owned())),
            Operation::Disown { id, mark } => {
                let held = self.accounts[id].mark.as_deref();
                assert!(mark.is_kept_as(held), "another mark than was meant");
                self.mark(id, None)
            }
            Operation::Enable(id) => self.set(id, Activity::Active),
            Operation::Disable(id) => self.set(id, Activity::Disabled),
            Operation::AddEntitlements { id, entitlements } => {
                for (name, target) in entitlements {
                    let id_of_group = match target {
                        EntitlementTarget::Existing(group) => group.clone(),
                        EntitlementTarget::ToBeCreated => format!("made-{name}").as_str().into(),
                    };
                    let group = self.groups.entry(name.clone()).or_insert_with(|| Group {
                        id: id_of_group.clone(),
                        holders: BTreeSet::new(),
                        ambiguous: false,
                    });
                    assert_eq!(group.id, id_of_group, "the wrong group of that name");
                    group.holders.insert(id.clone());
                }
                End::Done
            }
            Operation::RemoveEntitlements { id, entitlements } => {
                for (name, group) in entitlements {
                    let found = self.groups.get_mut(name).unwrap();
                    assert_eq!(found.id, *group, "the wrong group of that name");
                    assert!(found.holders.remove(id), "{name} is not held");
                }
                End::Done
            }
            Operation::Revoke { id, kind } => {
                self.revoked.insert((id.clone(), *kind));
                End::Done
            }
            Operation::TransferOwnership { id, to, .. } => {
                let things = self.owned.remove(id).unwrap_or_default();
                self.owned.entry(to.clone()).or_default().extend(things);
                End::Done
            }
            Operation::Delete(id) => {
                assert!(!self.owned.contains_key(id), "what it owns would be lost");
                let gone = self.accounts.remove(id).unwrap();
                assert_eq!(
                    gone.activity,
                    Activity::Disabled,
                    "one that can be used is deleted"
                );
                assert!(self.read.remove(id), "it was not looked at");
                for group in self.groups.values_mut() {
                    group.holders.remove(id);
                }
                End::Done
            }
            Operation::Read(_) => unreachable!("a read is no write"),
        }
    }

    fn mark(&mut self, id: &AccountId, mark: Option<String>) -> End {
        self.accounts.get_mut(id).unwrap().mark = mark;
        self.read.remove(id);
        End::Done
    }

    fn set(&mut self, id: &AccountId, activity: Activity) -> End {
        self.accounts.get_mut(id).unwrap().activity = activity;
        self.read.remove(id);
        End::Done
    }

    /// What a direct read finds.
    pub(super) fn find(&self, key: &ReadKey) -> Vec<AccountId> {
        match key {
            ReadKey::Id(id) => self
                .accounts
                .contains_key(id)
                .then(|| id.clone())
                .into_iter()
                .collect(),
            ReadKey::MarkOrUsername(mark, username) => {
                let those = |fits: &dyn Fn(&ObservedAccount) -> bool| -> Vec<AccountId> {
                    self.accounts
                        .values()
                        .filter(|a| fits(a))
                        .map(|a| a.id.clone())
                        .collect()
                };
                let marked = those(&|a| a.mark.as_deref() == Some(mark.as_str()));
                if marked.is_empty() {
                    those(&|a| Some(&a.username) == username.as_ref())
                } else {
                    marked
                }
            }
        }
    }

    /// Somebody changes an attribute by hand.
    pub(super) fn scribble(&mut self, id: &AccountId) {
        let account = self.accounts.get_mut(id).unwrap();
        account
            .attributes
            .insert("title".into(), AttributeValue::Text("Emperor".to_owned()));
    }
}
