//! What every plan, every step and every settled company must satisfy, and a count of the cases that
//! make it worth checking.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::conservation::Origins;
use super::target::End;
use super::town::{Look, Town};
use crate::domain::account::Activity;
use crate::domain::ids::{ConnectorName, EmployeeId};
use crate::domain::lifecycle::Stage;
use crate::domain::mark::Marking;
use crate::domain::matching::Match;
use crate::domain::policy::Adopt;
use crate::plan::guard::loss;
use crate::plan::parts::{GrantState, Step};
use crate::plan::{AccountPlan, Goal, Operation, PersonPlan};

/// Cases that must arise at least once in a run.
pub(super) const INTERESTING: [&str; 27] = [
    "account made again",
    "access ended after the last day",
    "attribute repaired",
    "conflict",
    "create refused, name taken",
    "direct read before a removal",
    "dry run",
    "paused",
    "entitlement ambiguous",
    "entitlement missing",
    "entitlement taken by a mover",
    "grant kept, role undecided",
    "grant kept, template vanished",
    "holding time over",
    "listing partial",
    "account moved away from",
    "name with a number",
    "origin lost",
    "outcome in doubt",
    "rehired",
    "removal withheld",
    "rogue membership",
    "connector broken or missing",
    "account taken over",
    "account let go of",
    "match ambiguous",
    "match uncertain",
];

/// Checks, and what they saw.
#[derive(Default)]
pub(super) struct Checks {
    pub(super) counts: BTreeMap<&'static str, usize>,
    origins: Origins,
    /// Since when something of a person is lost in a target.
    lost: BTreeMap<(EmployeeId, ConnectorName), Timestamp>,
}

impl Checks {
    pub(super) fn saw(&mut self, what: &'static str, when: bool) {
        if when {
            *self.counts.entry(what).or_insert(0) += 1;
        }
    }

    /// A plan as it stands, before anything of it is carried out.
    pub(super) fn plan(&mut self, town: &Town, id: &EmployeeId, look: &Look, deep: bool) {
        self.origins.learn(town.now, id, look);
        self.note_losses(town, id, look);
        if deep {
            settles_on_its_own_record(town, id, look);
        }
        let outstanding = is_outstanding(town, look);
        for (name, account) in &look.plan.accounts {
            self.count(town, name, look, account);
            if let Some(record) = look.plan.record.accounts.get(name) {
                for (entitlement, grant) in &record.grants {
                    let shown = account.grants.get(entitlement);
                    let roles = shown.map(|s| &s.roles);
                    assert_eq!(
                        roles,
                        Some(&grant.roles),
                        "{name} {entitlement} is not shown"
                    );
                }
            }
            let withheld = account.withheld.iter().flat_map(|w| &w.operations);
            for operation in account.steps.iter().map(|s| &s.operation).chain(withheld) {
                ours_only(town, id, name, operation);
                // The guard counts what a plan says that it takes: nothing may escape it.
                let taken = loss::of(operation);
                assert!(
                    taken.is_subset(&account.taking.clone().unwrap_or_default()),
                    "{id}: {operation:?} in {name} takes more than {:?}",
                    account.taking
                );
            }
            let removes = account.steps.iter().any(|s| takes(&s.operation));
            if removes && look.desired.lifecycle.stage == Stage::Active {
                self.make_before_break(town, id, name, look, outstanding);
            }
        }
    }

    fn note_losses(&mut self, town: &Town, id: &EmployeeId, look: &Look) {
        for name in town.targets.keys() {
            let key = (id.clone(), name.clone());
            let lost = is_something_lost(name, look);
            if lost {
                self.lost.entry(key).or_insert(town.now);
            } else {
                self.lost.remove(&key);
            }
        }
    }

    fn make_before_break(
        &mut self,
        town: &Town,
        id: &EmployeeId,
        name: &ConnectorName,
        look: &Look,
        outstanding: bool,
    ) {
        let since = self.lost.get(&(id.clone(), name.clone()));
        let hold = town.policy.connector(name).unwrap().spec.hold;
        let waited = since.is_some_and(|since| town.now.duration_since(*since) >= hold);
        assert!(
            !outstanding || waited,
            "{id}: something is taken in {name} before the additions are there: {:#?}",
            look.plan
        );
        self.saw("holding time over", outstanding && waited);
    }

    /// A step that is about to be carried out.
    pub(super) fn step(&mut self, town: &Town, id: &EmployeeId, name: &ConnectorName, step: &Step) {
        let target = &town.targets[name];
        let desired = town.desired(id);
        let stage = desired.lifecycle.stage;
        let operation = &step.operation;
        if let Operation::Disable(account) | Operation::RemoveEntitlements { id: account, .. } =
            operation
        {
            assert!(
                !target.partial || target.read.contains(account),
                "{id}: {operation:?} in {name} on the strength of a partial listing"
            );
            self.saw("direct read before a removal", target.partial);
            self.saw("access ended after the last day", stage == Stage::Departed);
        }
        if stage == Stage::Active {
            if let Operation::RemoveEntitlements { entitlements, .. } = operation {
                for entitlement in entitlements.keys() {
                    let wanted = desired.accounts.get(name);
                    let wanted = wanted.is_some_and(|d| d.entitlements.contains_key(entitlement));
                    assert!(
                        !wanted,
                        "{id}: {entitlement} is taken and desired in {name}"
                    );
                    self.origins
                        .may_take(town.now, id, name, Some(entitlement), &desired);
                }
                self.saw("entitlement taken by a mover", true);
            }
            if matches!(operation, Operation::Disable(_)) {
                assert!(
                    !desired.accounts.contains_key(name),
                    "{id} is desired in {name}"
                );
                self.origins.may_take(town.now, id, name, None, &desired);
                self.saw("account moved away from", true);
            }
        }
        let record = town.record(id.as_str()).accounts.get(name);
        let had = record.is_some_and(|r| r.grants.values().any(|g| g.since.is_some()));
        self.saw(
            "account made again",
            had && matches!(operation, Operation::Create(_)),
        );
        let repairs =
            matches!(operation, Operation::Update { changes, .. } if !changes.set.is_empty());
        self.saw("attribute repaired", repairs);
        self.saw(
            "rehired",
            matches!(operation, Operation::Enable(_))
                && record.is_some_and(|r| r.verified_disabled.is_some()),
        );
        let adopts = matches!(operation, Operation::Adopt { .. });
        self.saw("account taken over", adopts);
        self.saw(
            "account let go of",
            matches!(operation, Operation::Disown { .. }),
        );
        if let Operation::Create(new) = operation {
            let numbered = new
                .username
                .as_str()
                .ends_with(|c: char| c.is_ascii_digit());
            self.saw("name with a number", numbered);
        }
    }

    pub(super) fn ended(&mut self, end: End) {
        self.saw("create refused, name taken", end == End::Taken);
    }

    pub(super) fn count(
        &mut self,
        town: &Town,
        name: &ConnectorName,
        look: &Look,
        account: &AccountPlan,
    ) {
        let observed = look.observations.get(name);
        let is = |f: &dyn Fn(&crate::plan::Observation) -> bool| observed.is_some_and(f);
        self.saw("conflict", is(&|o| matches!(o.matched, Match::Conflict(_))));
        self.saw("outcome in doubt", is(&|o| o.in_doubt));
        self.saw("listing partial", is(&|o| !o.accounts_complete));
        self.saw("removal withheld", account.withheld.is_some());
        self.saw("rogue membership", !account.rogue.is_empty());
        let has = |reason: &str| {
            let of_grants = account.grants.values().filter_map(|g| g.problem.as_ref());
            account
                .problems
                .iter()
                .chain(of_grants)
                .any(|p| p.reason == reason)
        };
        self.saw("entitlement missing", has("EntitlementMissing"));
        self.saw("match ambiguous", has("AmbiguousMatch"));
        self.saw("match uncertain", has("MatchUncertain"));
        self.saw("entitlement ambiguous", has("EntitlementAmbiguous"));
        self.saw(
            "connector broken or missing",
            has("ConnectorBroken") || has("ConnectorMissing"),
        );
        let kept = account
            .grants
            .values()
            .filter(|g| g.state == GrantState::Kept);
        let roles: BTreeSet<_> = kept.flat_map(|g| &g.roles).collect();
        let resolution = &look.desired.roles;
        let undecided = roles.iter().any(|r| resolution.undecided.contains_key(*r));
        self.saw("grant kept, role undecided", undecided);
        let vanished = roles.iter().any(|r| resolution.vanished.contains_key(*r));
        self.saw("grant kept, template vanished", vanished);
        let is_told = town.is_only_read(name) && !account.steps.is_empty();
        self.saw("dry run", is_told && !town.held.contains(name));
        self.saw("paused", is_told && town.held.contains(name));
        let origin = look.plan.record.accounts.get(name);
        self.saw(
            "origin lost",
            account.goal == Goal::Kept && origin.is_some_and(|r| r.roles.is_empty()),
        );
    }
}

/// Nothing is left to do for a person.
pub(super) fn settled(town: &Town, id: &EmployeeId, look: &Look) {
    for (name, target) in &town.targets {
        let Some(connector) = town.policy.connector(name) else {
            continue;
        };
        if target.unreadable || town.is_only_read(name) {
            continue;
        }
        let stage = look.desired.lifecycle.stage;
        let observed = look.observations.get(name).map(|o| &o.matched);
        if matches!(observed, Some(Match::Conflict(_))) {
            continue;
        }
        let mark = town.scope.mark(id);
        let marked = target
            .seen()
            .find(|a| a.mark.as_deref() == Some(mark.as_str()));
        if stage != Stage::Active {
            let open = marked.is_some_and(|a| a.activity == Activity::Active);
            assert!(!open, "{id} is {stage:?} and has an open account in {name}");
            let record = look.plan.record.accounts.get(name);
            let hidden = target.accounts.values().any(|a| {
                let link = town.people[id].link(name);
                let is_disowned = link.is_some_and(|l| l.disowns(Some(&a.id), Some(&a.username)));
                a.mark.as_deref() == Some(mark.as_str())
                    && a.activity == Activity::Active
                    && !is_disowned
            });
            assert!(
                record.is_some() || !stage.is_urgent_end() || !hidden,
                "{id} is {stage:?}, and an open account in {name} is forgotten"
            );
            let proven = record.is_some_and(|r| r.verified_disabled.is_some());
            assert!(marked.is_none() || proven, "{id} in {name}: no proof");
            continue;
        }
        let Some(desired) = look.desired.accounts.get(name) else {
            continue;
        };
        if !connector.faults.is_empty() || !desired.problems.is_empty() {
            continue;
        }
        let account = marked.unwrap_or_else(|| panic!("{id} has no account in {name}"));
        assert_eq!(account.activity, Activity::Active, "{id} in {name}");
        for (attribute, value) in &desired.attributes {
            assert_eq!(
                account.attributes.get(attribute),
                Some(value),
                "{id} in {name}"
            );
        }
        for entitlement in desired.entitlements.keys() {
            let group = target.groups.get(entitlement);
            let held = group.is_some_and(|g| g.ambiguous || g.holders.contains(&account.id));
            assert!(
                group.is_none() || held,
                "{id} lacks {entitlement} in {name}"
            );
        }
    }
}

/// Whether something is remembered that no role gives any more.
fn is_something_lost(name: &ConnectorName, look: &Look) -> bool {
    let desired = look.desired.accounts.get(name);
    let record = look.plan.record.accounts.get(name);
    record.is_some_and(|record| {
        desired.is_none_or(|desired| {
            let mut grants = record.grants.keys();
            grants.any(|e| !desired.entitlements.contains_key(e))
        })
    })
}

/// What a plan remembers, given back, gives the same plan.
fn settles_on_its_own_record(town: &Town, id: &EmployeeId, look: &Look) {
    let again =
        |plan: &PersonPlan| town.plan_with(id, &look.desired, &plan.record, &look.observations);
    // How urgent a step is may change once: from then on the person has a history.
    let second = again(&look.plan);
    let third = again(&second);
    assert_eq!(second, third, "{id}: the record is never settled");
    assert_eq!(look.plan.record, second.record, "{id}: the record changes");
    for (name, first) in &look.plan.accounts {
        let operations = |plan: &AccountPlan| {
            let steps = plan.steps.iter().map(|s| s.operation.clone());
            (
                steps.collect::<Vec<_>>(),
                plan.withheld.clone(),
                plan.grants.clone(),
            )
        };
        let Some(second) = second.accounts.get(name) else {
            // A connector that is gone has released it.
            assert!(first.is_settled() && !look.plan.record.accounts.contains_key(name));
            continue;
        };
        assert_eq!(operations(first), operations(second), "{id} in {name}");
    }
}

/// No operation names an account that does not bear this person's mark.
fn ours_only(town: &Town, id: &EmployeeId, name: &ConnectorName, operation: &Operation) {
    let account = match operation {
        Operation::Read(_) => return,
        Operation::Create(new) => {
            assert_eq!(new.mark, town.scope.mark(id));
            return;
        }
        Operation::Adopt { id: account, mark } => {
            let found = &town.targets[name].accounts[account];
            let held = found.mark.as_deref();
            assert_eq!(
                town.scope.read(held),
                Marking::None,
                "{account} in {name} is somebody's"
            );
            assert_eq!(*mark, town.scope.mark(id));
            let connector = town.policy.connector(name).unwrap();
            assert_ne!(connector.spec.matching.adopt, Adopt::Never);
            return;
        }
        Operation::Disown { id: account, .. } => {
            let found = &town.targets[name].accounts[account];
            let link = town.people[id].link(name);
            let is_said = link.is_some_and(|l| l.disowns(Some(account), Some(&found.username)));
            assert!(
                is_said,
                "{account} in {name} was not said to be somebody else's"
            );
            account
        }
        Operation::Update { id, .. }
        | Operation::Enable(id)
        | Operation::Disable(id)
        | Operation::Revoke { id, .. }
        | Operation::TransferOwnership { id, .. }
        | Operation::Delete(id)
        | Operation::AddEntitlements { id, .. }
        | Operation::RemoveEntitlements { id, .. } => id,
    };
    let mark = town.targets[name].accounts[account].mark.as_deref();
    assert_eq!(
        town.scope.read(mark),
        Marking::Ours(id.clone()),
        "{operation:?} in {name} is not for an account of {id}"
    );
}

fn takes(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Disable(_)
            | Operation::RemoveEntitlements { .. }
            | Operation::Revoke { .. }
            | Operation::TransferOwnership { .. }
            | Operation::Delete(_)
    )
}

/// Whether something desired is not there yet, worked out from what the targets show.
fn is_outstanding(town: &Town, look: &Look) -> bool {
    look.desired.accounts.iter().any(|(name, desired)| {
        if town.is_only_read(name) {
            return false;
        }
        let Some(observed) = look.observations.get(name) else {
            return true;
        };
        let Match::One(account) = &observed.matched else {
            return true;
        };
        account.activity == Activity::Disabled
            || !desired
                .entitlements
                .keys()
                .all(|e| observed.held.contains(e))
    })
}

/// How long a vanished template's grants are kept, as promised to users.
pub(super) const GRACE: SignedDuration = SignedDuration::from_hours(1);
