//! Gathers what the plan of one person needs from what is known already. Asks nobody.

mod usernames;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::controllers::app_connector::status::TARGET_MOVED;
use crate::controllers::names::AllNames;
use crate::controllers::world::{ConnectorEntry, Person, Realm};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::adoption::Terms;
use crate::domain::clues::{self, Clue};
use crate::domain::desired::{Desired, DesiredAccount};
use crate::domain::facts::Facts;
use crate::domain::ids::{AccountId, ConnectorName, EmployeeId, EmployeeName, EntitlementName};
use crate::domain::lifecycle::{self, Stage};
use crate::domain::limits;
use crate::domain::matching::{Conflict, Match, match_account};
use crate::domain::places::Answer;
use crate::domain::problem::Problem;
use crate::domain::record::{Record, RecordedAccount};
use crate::domain::whose::{self, Sight};
use crate::plan::{EntitlementView, NO_SUCCESSOR, Observation, Successor};

/// What each target shows of one person. A target that was not listed yet has no entry.
///
/// A working person who has no user name in a target is given one here, and keeps it.
pub fn observations(
    realm: &Realm,
    names: &mut AllNames,
    person: &Person,
    record: &Record,
    desired: &Desired,
    now: Timestamp,
) -> BTreeMap<ConnectorName, Observation> {
    // Also where nothing is desired or recorded: an account that bears the person's mark is ours, and
    // a lost status must not leave it open after the last day.
    let marked = realm
        .connectors
        .iter()
        .filter(|(_, entry)| !entry.inventory.by_mark(&person.employee_id).is_empty())
        .map(|(name, _)| name);
    // And where the listing was incomplete such an account may be among those it left out.
    let must_be_out = desired.lifecycle.stage.is_urgent_end();
    let incomplete = realm
        .connectors
        .iter()
        .filter(|(_, entry)| must_be_out && !entry.inventory.accounts_completeness().is_complete())
        .map(|(name, _)| name);
    let concerned: BTreeSet<&ConnectorName> = desired
        .accounts
        .keys()
        .chain(record.accounts.keys())
        .chain(marked)
        .chain(incomplete)
        .chain(person.unsettled.submitted.keys())
        .chain(&person.unsettled.in_doubt)
        .collect();
    let mut out = BTreeMap::new();
    for name in concerned {
        let Some(entry) = realm.connectors.get(name) else {
            continue;
        };
        if !entry.inventory.is_readable() {
            continue;
        }
        let view = View {
            realm,
            name,
            entry,
            person,
            wanted: &desired.accounts,
            desired: desired.accounts.get(name),
            recorded: record.accounts.get(name),
            stage: desired.lifecycle.stage,
            now,
            facts: person.facts.as_ref().ok().map(Arc::as_ref),
        };
        out.insert(name.clone(), view.observe(names));
    }
    out
}

struct View<'a> {
    realm: &'a Realm,
    name: &'a ConnectorName,
    entry: &'a ConnectorEntry,
    person: &'a Person,
    /// What the person should have everywhere.
    wanted: &'a BTreeMap<ConnectorName, DesiredAccount>,
    desired: Option<&'a DesiredAccount>,
    recorded: Option<&'a RecordedAccount>,
    stage: Stage,
    now: Timestamp,
    facts: Option<&'a Facts>,
}

impl<'a> Sight<'a> for View<'a> {
    fn marked(&self) -> Vec<&'a ObservedAccount> {
        self.entry.inventory.by_mark(&self.person.employee_id)
    }

    fn linked(&self) -> Option<&'a ObservedAccount> {
        let id = self.recorded?.id.as_ref()?;
        self.entry.inventory.by_id(id)
    }

    fn meant_by(&self, said: &str) -> Vec<&'a ObservedAccount> {
        self.entry.inventory.meant_by(said)
    }

    fn candidates(&self, clue: &Clue) -> Vec<&'a ObservedAccount> {
        self.entry.inventory.candidates(clue)
    }

    fn rivals(&self, account: &ObservedAccount) -> Vec<&'a EmployeeId> {
        let connector = self.entry.compiled.as_deref();
        let clues = connector.map(|connector| clues::of_account(connector, account));
        let mut found = self.namers(account);
        for clue in clues.into_iter().flatten() {
            found.extend(self.realm.rivals.with(self.name, &clue));
        }
        self.others(found, account)
    }

    fn namers(&self, account: &ObservedAccount) -> Vec<&'a EmployeeId> {
        let found = self.realm.rivals.naming(self.name, account).collect();
        self.others(found, account)
    }

    fn elsewhere(&self, account: &ObservedAccount, by_rules: bool) -> Vec<&'a ConnectorName> {
        let shares = |(name, entry): &(&ConnectorName, &ConnectorEntry)| {
            *name != self.name && self.entry.target.is_some() && entry.target == self.entry.target
        };
        let others = self.realm.connectors.iter().filter(shares);
        let me = &self.person.employee_id;
        let fits = |(name, entry): &(&ConnectorName, &ConnectorEntry)| {
            let mut namers = self.realm.rivals.naming(name, account);
            let lacks = by_rules && entry.inventory.by_mark(me).is_empty();
            let wanted = self.wanted.get(*name).filter(|_| lacks);
            let mut clues = wanted.into_iter().flat_map(|wanted| &wanted.clues.all);
            namers.any(|who| !self.realm.disowns(who, name, account))
                || (clues.any(|clue| clues::fits(clue, account))
                    && !self.realm.disowns(me, name, account))
        };
        others.filter(fits).map(|(name, _)| name).collect()
    }
}

impl<'a> View<'a> {
    /// Those who are not this person, and of whom it is not said that the account is not theirs.
    fn others(
        &self,
        mut found: Vec<&'a EmployeeId>,
        account: &ObservedAccount,
    ) -> Vec<&'a EmployeeId> {
        found.sort();
        found.dedup();
        found.retain(|other| {
            **other != self.person.employee_id && !self.realm.disowns(other, self.name, account)
        });
        found
    }
}

impl View<'_> {
    fn observe(&self, names: &mut AllNames) -> Observation {
        let inventory = &self.entry.inventory;
        let id = &self.person.employee_id;
        let accounts_complete = inventory.accounts_completeness().is_complete();
        let matched = self.matched();
        let account_id = match &matched {
            Match::One(account) | Match::Adoptable(account) | Match::Disowned(account) => {
                Some(account.id.clone())
            }
            Match::Absent | Match::Unknown | Match::Conflict(_) => None,
        };
        let held = account_id
            .as_ref()
            .and_then(|id| inventory.held(id))
            .cloned()
            .unwrap_or_default();
        let submitted = self.person.unsettled.submitted.get(self.name);
        let giving = submitted.is_some_and(|s| s.operation.brings_account());
        let read_directly = match &account_id {
            Some(id) => inventory.read_directly(id),
            None => inventory.sought_in_vain(id),
        };
        Observation {
            successor: self.successor(),
            sought: inventory.sought_in_vain(id),
            read_directly: read_directly && !giving,
            giving,
            unsure: self
                .person
                .unsettled
                .unsure
                .get(self.name)
                .cloned()
                .unwrap_or_default(),
            accounts_complete,
            in_doubt: self.person.unsettled.in_doubt.contains(self.name),
            entitlements: self.entitlement_views(),
            full: self.full(),
            username: self.username(&matched, names),
            follows: self.follows(&matched, names),
            manager: self.manager(),
            normalised: self
                .person
                .unsettled
                .normalised
                .get(self.name)
                .cloned()
                .unwrap_or_default(),
            renamed: self.person.unsettled.renamed.get(self.name).cloned(),
            matched,
            held,
        }
    }

    fn matched(&self) -> Match {
        let inventory = &self.entry.inventory;
        let id = &self.person.employee_id;
        let complete = inventory.accounts_completeness().is_complete();
        if self.entry.home.moved().is_some() {
            // Nothing is concluded from an application that may be another one, and nothing is forgotten.
            return Match::Conflict(Conflict {
                reason: TARGET_MOVED,
                message: format!(
                    "the AppConnector {} leads to another application than before, and asks what is meant (see its status); accounts stay as they are",
                    self.name
                ),
                candidates: Vec::new(),
            });
        }
        let Some(connector) = self.entry.compiled.as_deref() else {
            // It can't be read what it says of accounts that are nobody's.
            let scope = inventory.scope();
            return match_account(scope, id, &self.marked(), self.linked(), complete);
        };
        let terms = Terms {
            scope: inventory.scope(),
            employee: id,
            connector,
            complete,
        };
        let person = whose::Person {
            stage: self.stage,
            desired: self.desired,
            link: self.facts.and_then(|facts| facts.link(self.name)),
        };
        whose::find(&terms, &person, self)
    }

    fn entitlement_views(&self) -> BTreeMap<EntitlementName, EntitlementView> {
        let desired = self.desired.iter().flat_map(|d| d.entitlements.keys());
        let recorded = self.recorded.iter().flat_map(|r| r.grants.keys());
        let inventory = &self.entry.inventory;
        let held = self.held_where_roles_alone_give();
        desired
            .chain(recorded)
            .chain(held)
            .map(|name| {
                let view = match inventory.entitlements(name) {
                    [] if inventory.entitlements_completeness().is_complete() => {
                        EntitlementView::Missing
                    }
                    [] => EntitlementView::Unknown,
                    [one] => EntitlementView::Existing {
                        id: one.id.clone(),
                        holders_complete: one.complete,
                    },
                    _ => EntitlementView::Ambiguous,
                };
                (name.clone(), view)
            })
            .collect()
    }

    /// What the person's accounts hold of entitlements that roles alone give.
    fn held_where_roles_alone_give(&self) -> impl Iterator<Item = &EntitlementName> {
        let inventory = &self.entry.inventory;
        let compiled = self.entry.compiled.as_deref();
        let asks = compiled.filter(|c| !c.spec.authoritative.is_empty());
        let accounts = asks.map(|_| inventory.by_mark(&self.person.employee_id));
        let accounts = accounts.into_iter().flatten();
        let held = accounts
            .filter_map(|account| inventory.held(&account.id))
            .flatten();
        held.filter(move |name| asks.is_some_and(|c| c.authoritative.covers(name.as_str())))
    }

    /// What is to be given and has no place for the person.
    fn full(&self) -> BTreeMap<EntitlementName, Problem> {
        let connector = self.realm.policy.connector(self.name);
        let Some(connector) = connector.filter(|c| c.limits.counts_holders()) else {
            return BTreeMap::new();
        };
        let id = &self.person.employee_id;
        let lacking = |name: &EntitlementName| {
            connector.limits.max_holders(name)?;
            match self.realm.places.answer(self.name, name, id) {
                Answer::Place => None,
                Answer::Full { max, taken } => Some(limits::reached(self.name, name, max, taken)),
                Answer::Uncounted => Some(limits::uncounted(self.name, name)),
            }
        };
        let wanted = self.desired.iter().flat_map(|d| d.entitlements.keys());
        wanted
            .filter_map(|name| Some((name.clone(), lacking(name)?)))
            .collect()
    }

    /// Who gets what somebody owned who left: the manager or, where that one has left as well, theirs, and so on; in
    /// the end whoever is named for that.
    fn successor(&self) -> Option<Result<Successor, Problem>> {
        let leaver = &self.entry.compiled.as_ref()?.spec.leaver;
        if !leaver.transfer || !self.stage.ends_access() {
            return None;
        }
        let mut above = self.facts.and_then(|facts| facts.manager.as_ref());
        let mut seen = BTreeSet::new();
        let mut candidates = Vec::new();
        while let Some(name) = above.filter(|name| seen.insert(*name)) {
            candidates.push(name);
            let facts = self
                .realm
                .people
                .get(name)
                .and_then(|p| p.facts.as_ref().ok());
            above = facts.and_then(|facts| facts.manager.as_ref());
        }
        candidates.extend(&leaver.fallback);
        let found = candidates
            .iter()
            .find_map(|name| self.working_account(name));
        Some(found.ok_or_else(|| {
            Problem::waiting(
                NO_SUCCESSOR,
                format!(
                    "nobody works and has an account in {} who could get what this person owns there: set spec.managerRef of this Employee, give the manager an account, or name spec.leaver.fallbackOwner of the AppConnector",
                    self.name
                ),
            )
        }))
    }

    /// The account of somebody else who works, where there is exactly one and it can be used.
    fn working_account(&self, name: &EmployeeName) -> Option<Successor> {
        let person = self.realm.people.get(name)?;
        let facts = person.facts.as_ref().ok()?;
        let works = lifecycle::at(facts, None, self.now).stage.may_work();
        let mut accounts = self.entry.inventory.by_mark(&person.employee_id);
        accounts.retain(|account| account.activity == Activity::Active);
        match accounts.as_slice() {
            [one] if works && person.employee_id != self.person.employee_id => Some(Successor {
                account: one.id.clone(),
                username: one.username.clone(),
            }),
            _ => None,
        }
    }

    /// The manager's account in this target, where there is exactly one.
    fn manager(&self) -> Option<AccountId> {
        let manager: &EmployeeName = self.desired?.manager.as_ref()?.manager.as_ref()?;
        let manager = self.realm.people.get(manager)?;
        match self
            .entry
            .inventory
            .by_mark(&manager.employee_id)
            .as_slice()
        {
            [one] => Some(one.id.clone()),
            _ => None,
        }
    }
}
