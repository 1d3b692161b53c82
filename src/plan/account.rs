//! One account, assessed by itself: what should be added, repaired and taken away. When removals may
//! run is decided in [`super::person`], which sees all accounts of the person.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::attributes;
use super::grants;
use super::observation::{EntitlementView, Observation};
use super::operation::{EntitlementTarget, Lane, Operation, ReadKey};
use super::person::{
    AccountPlan, Goal, GrantPlan, Inputs, Step, VANISHED_GRACE, Withheld, earliest, ends_access,
};
use crate::domain::account::{Activity, NewAccount, ObservedAccount};
use crate::domain::desired::DesiredAccount;
use crate::domain::ids::{ConnectorName, EntitlementId, EntitlementName, RoleName};
use crate::domain::lifecycle::Stage;
use crate::domain::matching::Match;
use crate::domain::policy::Connector;
use crate::domain::problem::Problem;
use crate::domain::record::RecordedAccount;

/// Reason of a removal that waited for additions in vain (invariant 3).
pub const HOLD_EXPIRED: &str = "HoldExpired";

/// One account, assessed.
#[derive(Debug)]
pub(super) struct Assessment {
    pub(super) goal: Goal,
    /// What may be done whatever the state of other accounts.
    pub(super) steps: Vec<Step>,
    /// What takes access away because of a move.
    pub(super) removals: Vec<Step>,
    /// Since when what is removed was lost.
    pub(super) lost_at: Option<Timestamp>,
    /// Whether something desired is not there yet.
    pub(super) additions_outstanding: bool,
    pub(super) problems: Vec<Problem>,
    pub(super) grants: BTreeMap<EntitlementName, GrantPlan>,
    pub(super) rogue: BTreeSet<EntitlementName>,
    /// What to remember; `None` forgets the account.
    pub(super) record: Option<RecordedAccount>,
    pub(super) wake_at: Option<Timestamp>,
}

impl Assessment {
    fn idle(goal: Goal, record: Option<RecordedAccount>) -> Self {
        Self {
            goal,
            steps: Vec::new(),
            removals: Vec::new(),
            lost_at: None,
            additions_outstanding: false,
            problems: Vec::new(),
            grants: BTreeMap::new(),
            rogue: BTreeSet::new(),
            record,
            wake_at: None,
        }
    }

    /// Lets removals run, or withholds them for the person's additions, at most for the hold time.
    pub(super) fn finish(
        self,
        additions_outstanding: bool,
        hold: SignedDuration,
        now: Timestamp,
    ) -> AccountPlan {
        let mut steps = self.steps;
        let mut problems = self.problems;
        let mut withheld = None;
        if !self.removals.is_empty() {
            let until = self
                .lost_at
                .unwrap_or(now)
                .checked_add(hold)
                .unwrap_or(Timestamp::MAX);
            if additions_outstanding && until > now {
                withheld = Some(Withheld {
                    operations: self.removals.into_iter().map(|s| s.operation).collect(),
                    until,
                });
            } else {
                if additions_outstanding {
                    problems.push(Problem::waiting(
                        HOLD_EXPIRED,
                        "what is new is still not there, and spec.moves.hold of the AppConnector is over: what was lost is taken away all the same".to_owned(),
                    ));
                }
                steps.extend(self.removals);
            }
        }
        AccountPlan {
            goal: self.goal,
            steps,
            withheld,
            problems,
            grants: self.grants,
            rogue: self.rogue,
        }
    }
}

/// Assesses one account.
pub(super) fn assess(inputs: &Inputs<'_>, name: &ConnectorName) -> Assessment {
    let desired = inputs.desired.accounts.get(name);
    let recorded = inputs.record.accounts.get(name);
    let goal = goal(inputs, desired, recorded);
    let Some(connector) = inputs.policy.connector(name) else {
        return untouchable(
            inputs,
            desired,
            recorded,
            Problem::waiting(
                "ConnectorMissing",
                format!(
                    "the AppConnector {name} does not exist (yet): create it, or take it out of the RoleTemplates that name it; its accounts stay as they are"
                ),
            ),
        );
    };
    let ends = matches!(goal, Goal::Paused | Goal::Ended);
    if !connector.faults.is_empty() && !ends {
        return untouchable(
            inputs,
            desired,
            recorded,
            Problem::waiting(
                "ConnectorBroken",
                format!(
                    "the AppConnector {name} can't be used until it is mended (see its status); accounts stay as they are"
                ),
            ),
        );
    }
    let Some(observed) = inputs.observations.get(name) else {
        return untouchable(
            inputs,
            desired,
            recorded,
            Problem::waiting(
                "InventoryPending",
                format!(
                    "the accounts of {name} could not be listed yet (see the status of that AppConnector); it goes on by itself once they are"
                ),
            ),
        );
    };
    let context = Context {
        inputs,
        name,
        connector,
        desired,
        recorded,
        observed,
        goal,
    };
    context.assess()
}

/// What is to become of the account, by the person's stage and roles.
fn goal(
    inputs: &Inputs<'_>,
    desired: Option<&DesiredAccount>,
    recorded: Option<&RecordedAccount>,
) -> Goal {
    let stage = inputs.desired.lifecycle.stage;
    if ends_access(stage) {
        return Goal::Ended;
    }
    if !stage.may_work() {
        return Goal::Paused;
    }
    if desired.is_some() {
        return Goal::Live;
    }
    // An account that bears our mark and whose origin is lost may be what an undecided role gave.
    let unexplained = recorded.is_none() && !inputs.desired.roles.undecided.is_empty();
    let kept = unexplained
        || recorded.is_some_and(|r| {
            grants::is_kept(inputs, &r.roles, r.lost_at)
                || r.grants
                    .values()
                    .any(|g| grants::is_kept(inputs, &g.roles, g.lost_at))
        });
    if kept { Goal::Kept } else { Goal::Ended }
}

/// An account that can't be dealt with now. Everything stays as it is and is remembered as it was.
fn untouchable(
    inputs: &Inputs<'_>,
    desired: Option<&DesiredAccount>,
    recorded: Option<&RecordedAccount>,
    problem: Problem,
) -> Assessment {
    let may_work = inputs.desired.lifecycle.stage.may_work();
    let mut out = Assessment::idle(Goal::Kept, recorded.cloned());
    out.additions_outstanding = may_work && desired.is_some();
    if (may_work && desired.is_some()) || recorded.is_some() {
        out.problems.push(problem);
    }
    for (entitlement, grant) in recorded.iter().flat_map(|r| &r.grants) {
        out.grants.insert(entitlement.clone(), grants::kept(grant));
    }
    out
}

struct Context<'a> {
    inputs: &'a Inputs<'a>,
    name: &'a ConnectorName,
    connector: &'a Connector,
    desired: Option<&'a DesiredAccount>,
    recorded: Option<&'a RecordedAccount>,
    observed: &'a Observation,
    goal: Goal,
}

impl Context<'_> {
    fn assess(&self) -> Assessment {
        let mut out = Assessment::idle(self.goal, self.remembered());
        if self.goal == Goal::Live {
            out.problems.extend(
                self.desired
                    .into_iter()
                    .flat_map(|d| d.problems.iter().cloned()),
            );
        }
        match &self.observed.matched {
            Match::Conflict(conflict) => {
                out.problems
                    .push(Problem::waiting(conflict.reason, conflict.message.clone()));
                out.additions_outstanding = self.goal == Goal::Live;
                for (name, grant) in self.recorded.iter().flat_map(|r| &r.grants) {
                    out.grants.insert(name.clone(), grants::kept(grant));
                }
            }
            Match::Absent => self.absent(&mut out),
            Match::Unknown if self.observed.read_directly => self.absent(&mut out),
            Match::Unknown => self.look(&mut out),
            Match::One(account) => self.present(&mut out, account),
        }
        out
    }

    /// What is remembered whatever the target shows.
    fn remembered(&self) -> Option<RecordedAccount> {
        let mut record = self.recorded.cloned().unwrap_or_default();
        if let Some(desired) = self.desired.filter(|_| self.goal != Goal::Ended) {
            record.roles.clone_from(&desired.roles);
            record.lost_at = None;
        } else if grants::is_undecided(self.inputs, &record.roles) {
            record.lost_at = None;
        } else if self.recorded.is_some() {
            record.lost_at = record.lost_at.or(Some(self.inputs.now));
        }
        if let (Goal::Live, None, Ok(username)) =
            (self.goal, &record.username, &self.observed.username)
        {
            record.username = Some(username.clone());
        }
        (self.recorded.is_some() || self.goal == Goal::Live).then_some(record)
    }

    /// Nothing is there. A working person's account is made; anyone else has nothing to lose.
    fn absent(&self, out: &mut Assessment) {
        if self.observed.in_doubt && !self.observed.read_directly {
            self.pending_grants(out);
            self.look(out);
            return;
        }
        if self.goal != Goal::Live {
            out.record = None;
            return;
        }
        out.additions_outstanding = true;
        if let Some(record) = &mut out.record {
            record.id = None;
            record.verified_disabled = None;
        }
        self.pending_grants(out);
        match &self.observed.username {
            Err(problem) => out.problems.push(problem.clone()),
            Ok(username) => {
                let attributes = self
                    .desired
                    .map(|d| attributes::initial(d, self.observed))
                    .unwrap_or_default();
                let operation = Operation::Create(NewAccount {
                    username: username.clone(),
                    mark: self.inputs.scope.mark(self.inputs.employee),
                    active: true,
                    attributes,
                });
                let existed = self.recorded.is_some_and(|r| r.id.is_some());
                let lane = if existed {
                    Lane::Drift
                } else {
                    self.addition_lane()
                };
                out.steps
                    .push(self.step(operation, lane, self.role_cause()));
            }
        }
    }

    /// A direct read decides what a listing could not.
    fn look(&self, out: &mut Assessment) {
        let id = self.recorded.and_then(|r| r.id.clone());
        let username = self
            .recorded
            .and_then(|r| r.username.clone())
            .or_else(|| self.observed.username.clone().ok());
        let key = match (id, username) {
            (Some(id), _) if !self.observed.in_doubt => ReadKey::Id(id),
            (_, Some(username)) => {
                ReadKey::MarkOrUsername(self.inputs.scope.mark(self.inputs.employee), username)
            }
            (Some(id), None) => ReadKey::Id(id),
            (None, None) => return,
        };
        out.additions_outstanding = self.goal == Goal::Live;
        let lane = if self.goal == Goal::Live {
            self.addition_lane()
        } else {
            self.end_lane()
        };
        out.steps.push(self.step(
            Operation::Read(key),
            lane,
            "the account was not in the last listing, which was incomplete".to_owned(),
        ));
    }

    fn present(&self, out: &mut Assessment, account: &ObservedAccount) {
        {
            let record = out.record.get_or_insert_default();
            record.id = Some(account.id.clone());
            if record.username.is_none() {
                record.username = Some(account.username.clone());
            }
            if account.activity == Activity::Active {
                record.verified_disabled = None;
            } else if account.activity == Activity::Disabled && self.observed.read_directly {
                record.verified_disabled = record.verified_disabled.or(Some(self.inputs.now));
            }
        }
        if self.observed.in_doubt && !self.observed.read_directly {
            self.carry_grants(out);
            out.additions_outstanding = self.goal == Goal::Live;
            out.steps.push(self.step(
                Operation::Read(ReadKey::Id(account.id.clone())),
                self.end_or_addition_lane(),
                "the answer to the last change was lost".to_owned(),
            ));
            return;
        }
        match self.goal {
            Goal::Live => self.live(out, account),
            Goal::Kept => {
                let lost_at = out.record.as_ref().and_then(|r| r.lost_at);
                out.wake_at = lost_at.and_then(|at| at.checked_add(VANISHED_GRACE).ok());
                self.remove_lost(out, account);
            }
            Goal::Paused => {
                self.disable(out, account);
                self.carry_grants(out);
            }
            Goal::Ended => self.end(out, account),
        }
        self.note_rogue(out, account);
    }

    fn live(&self, out: &mut Assessment, account: &ObservedAccount) {
        if account.activity == Activity::Disabled {
            out.additions_outstanding = true;
            let lane = if self.recorded.is_some_and(|r| r.verified_disabled.is_none()) {
                Lane::Drift
            } else {
                self.addition_lane()
            };
            out.steps.push(self.step(
                Operation::Enable(account.id.clone()),
                lane,
                self.role_cause(),
            ));
        }
        self.grant_steps(out, account);
        let Some(desired) = self.desired else { return };
        let known = self.recorded.and_then(|r| r.username.as_ref());
        let changes = attributes::changes(desired, self.observed, account, known);
        if !changes.is_empty() {
            out.steps.push(self.step(
                Operation::Update {
                    id: account.id.clone(),
                    changes,
                },
                Lane::Drift,
                format!("AppConnector {}: spec.account", self.name),
            ));
        }
    }

    /// Additions of a working person's account, and removals of what was lost.
    fn grant_steps(&self, out: &mut Assessment, account: &ObservedAccount) {
        let mut add = BTreeMap::new();
        let mut repairs = !self.observed.held.is_empty()
            || self
                .recorded
                .is_some_and(|r| r.grants.values().any(|g| g.since.is_some()));
        for (name, roles) in self.desired.iter().flat_map(|d| &d.entitlements) {
            let held = self.observed.held.contains(name);
            let mut problem = None;
            if !held {
                out.additions_outstanding = true;
                match self.target_of(name) {
                    Ok(target) => {
                        repairs &= self
                            .recorded
                            .and_then(|r| r.grants.get(name))
                            .is_some_and(|g| g.since.is_some());
                        add.insert(name.clone(), target);
                    }
                    Err(found) => problem = Some(found),
                }
            }
            self.remember_grant(out, name, roles, held);
            out.grants
                .insert(name.clone(), grants::desired(roles, held, problem));
        }
        if !add.is_empty() {
            let lane = if repairs {
                Lane::Drift
            } else {
                self.addition_lane()
            };
            let operation = Operation::AddEntitlements {
                id: account.id.clone(),
                entitlements: add,
            };
            out.steps
                .push(self.step(operation, lane, self.role_cause()));
        }
        self.remove_lost(out, account);
    }

    fn remove_lost(&self, out: &mut Assessment, account: &ObservedAccount) {
        let remove = self.lost_grants(out, true);
        if !remove.is_empty() {
            let operation = Operation::RemoveEntitlements {
                id: account.id.clone(),
                entitlements: remove,
            };
            out.removals.push(self.step(
                operation,
                Lane::Mover,
                "no role gives these any more".to_owned(),
            ));
        }
    }

    /// Recorded grants that are not desired: forgotten where the target no longer shows them, kept
    /// where they can't be decided, else to be removed.
    fn lost_grants(
        &self,
        out: &mut Assessment,
        may_keep: bool,
    ) -> BTreeMap<EntitlementName, EntitlementId> {
        let mut remove = BTreeMap::new();
        for (name, grant) in self.recorded.iter().flat_map(|r| &r.grants) {
            if self.goal == Goal::Live
                && self
                    .desired
                    .is_some_and(|d| d.entitlements.contains_key(name))
            {
                continue;
            }
            let view = self.observed.entitlements.get(name);
            if !self.observed.held.contains(name) {
                let certain = matches!(
                    view,
                    Some(
                        EntitlementView::Existing {
                            holders_complete: true,
                            ..
                        } | EntitlementView::Missing
                    )
                );
                if certain && let Some(record) = &mut out.record {
                    record.grants.remove(name);
                }
                continue;
            }
            let lost_at = grant.lost_at.unwrap_or(self.inputs.now);
            if let Some(kept) = out.record.as_mut().and_then(|r| r.grants.get_mut(name)) {
                kept.lost_at = Some(lost_at);
            }
            if may_keep && grants::is_kept(self.inputs, &grant.roles, Some(lost_at)) {
                if !grants::is_undecided(self.inputs, &grant.roles) {
                    out.wake_at = earliest(out.wake_at, lost_at.checked_add(VANISHED_GRACE).ok());
                } else if let Some(kept) = out.record.as_mut().and_then(|r| r.grants.get_mut(name))
                {
                    kept.lost_at = None;
                }
                out.grants.insert(name.clone(), grants::kept(grant));
                continue;
            }
            out.lost_at = earliest(out.lost_at, Some(lost_at));
            out.grants.insert(name.clone(), grants::removing(grant));
            if let Some(EntitlementView::Existing { id, .. }) = view {
                remove.insert(name.clone(), id.clone());
            }
        }
        remove
    }

    /// Access ends: for someone gone at once, for someone who moved after their additions.
    fn end(&self, out: &mut Assessment, account: &ObservedAccount) {
        let gone = ends_access(self.inputs.desired.lifecycle.stage);
        let mut steps = Assessment::idle(self.goal, None);
        self.disable(&mut steps, account);
        let mut steps = steps.steps;
        let remove = self.lost_grants(out, !gone);
        if !remove.is_empty() {
            let operation = Operation::RemoveEntitlements {
                id: account.id.clone(),
                entitlements: remove,
            };
            steps.push(self.step(operation, self.end_lane(), self.end_cause()));
        }
        if gone {
            out.steps.extend(steps);
        } else if steps.is_empty() {
            // Nothing is left that a role could justify.
            if let Some(record) = &mut out.record {
                record.roles.clear();
                record.lost_at = None;
            }
        } else {
            out.lost_at = earliest(out.lost_at, out.record.as_ref().and_then(|r| r.lost_at));
            out.removals.extend(steps);
        }
    }

    /// Disables, and then proves by a direct read that it is so.
    fn disable(&self, out: &mut Assessment, account: &ObservedAccount) {
        let verified = self.recorded.is_some_and(|r| r.verified_disabled.is_some())
            || self.observed.read_directly;
        let id = account.id.clone();
        let operation = match account.activity {
            Activity::Disabled if verified => return,
            Activity::Disabled => Operation::Read(ReadKey::Id(id)),
            // A destructive step needs a complete listing or a direct read (invariant 2).
            _ if !self.observed.accounts_complete && !self.observed.read_directly => {
                Operation::Read(ReadKey::Id(id))
            }
            Activity::Active | Activity::Unknown => Operation::Disable(id),
        };
        out.steps
            .push(self.step(operation, self.end_lane(), self.end_cause()));
    }

    /// Grants stay as they are, whatever is desired.
    fn carry_grants(&self, out: &mut Assessment) {
        for (name, grant) in self.recorded.iter().flat_map(|r| &r.grants) {
            if self.observed.held.contains(name) {
                let plan = match self.desired.and_then(|d| d.entitlements.get(name)) {
                    Some(roles) => grants::desired(roles, true, None),
                    None => grants::kept(grant),
                };
                out.grants.insert(name.clone(), plan);
            }
        }
    }

    /// Grants of an account that does not exist yet.
    fn pending_grants(&self, out: &mut Assessment) {
        for (name, roles) in self.desired.iter().flat_map(|d| &d.entitlements) {
            self.remember_grant(out, name, roles, false);
            let problem = self.target_of(name).err();
            out.grants
                .insert(name.clone(), grants::desired(roles, false, problem));
        }
    }

    fn remember_grant(
        &self,
        out: &mut Assessment,
        name: &EntitlementName,
        roles: &BTreeSet<RoleName>,
        held: bool,
    ) {
        let Some(record) = &mut out.record else {
            return;
        };
        let grant = record.grants.entry(name.clone()).or_default();
        grant.roles.clone_from(roles);
        grant.lost_at = None;
        if held {
            grant.since = grant.since.or(Some(self.inputs.now));
        }
    }

    fn note_rogue(&self, out: &mut Assessment, account: &ObservedAccount) {
        if account.activity == Activity::Disabled {
            return;
        }
        let justified = |name: &&EntitlementName| {
            self.desired
                .is_some_and(|d| d.entitlements.contains_key(*name))
                || self.recorded.is_some_and(|r| r.grants.contains_key(*name))
        };
        out.rogue = self
            .observed
            .held
            .iter()
            .filter(|name| !justified(name))
            .cloned()
            .collect();
    }

    fn target_of(&self, name: &EntitlementName) -> Result<EntitlementTarget, Problem> {
        match self.observed.entitlements.get(name) {
            Some(EntitlementView::Existing { id, .. }) => {
                Ok(EntitlementTarget::Existing(id.clone()))
            }
            Some(EntitlementView::Missing) if self.connector.spec.create_entitlements => {
                Ok(EntitlementTarget::ToBeCreated)
            }
            Some(EntitlementView::Missing) => Err(Problem::waiting(
                "EntitlementMissing",
                format!(
                    "{} has no entitlement named {name} (yet): create it there, mend the name in the RoleTemplate, or set spec.entitlements.missing of the AppConnector to Create",
                    self.name
                ),
            )),
            Some(EntitlementView::Ambiguous) => Err(Problem::waiting(
                "EntitlementAmbiguous",
                format!(
                    "{} has several entitlements named {name}: rename all but one of them there",
                    self.name
                ),
            )),
            Some(EntitlementView::Unknown) | None => Err(Problem::waiting(
                "EntitlementsUnreadable",
                format!(
                    "the entitlements of {} could not all be read, and {name} was not among them (see the status of that AppConnector)",
                    self.name
                ),
            )),
        }
    }

    fn step(&self, operation: Operation, lane: Lane, cause: String) -> Step {
        Step {
            operation,
            lane,
            cause,
        }
    }

    fn addition_lane(&self) -> Lane {
        if self.inputs.record.has_history() {
            Lane::Mover
        } else {
            Lane::Joiner
        }
    }

    fn end_lane(&self) -> Lane {
        if self.inputs.desired.lifecycle.stage.is_urgent_end() {
            Lane::Leaver
        } else {
            Lane::Mover
        }
    }

    fn end_or_addition_lane(&self) -> Lane {
        if self.goal == Goal::Live {
            self.addition_lane()
        } else {
            self.end_lane()
        }
    }

    fn end_cause(&self) -> String {
        match self.inputs.desired.lifecycle.stage {
            Stage::Departed | Stage::Retired => "the last day is over".to_owned(),
            Stage::Suspended => "spec.employment is Suspended".to_owned(),
            Stage::OnLeave => "spec.employment is OnLeave".to_owned(),
            Stage::Upcoming | Stage::Preboarding => "the first day has not come".to_owned(),
            Stage::Active => "no role gives this account any more".to_owned(),
        }
    }

    fn role_cause(&self) -> String {
        let roles: Vec<&str> = self
            .desired
            .iter()
            .flat_map(|d| &d.roles)
            .map(RoleName::as_str)
            .collect();
        format!("roles {}", roles.join(", "))
    }
}
