//! The entitlements of one account: given, taken, kept, remembered, and those that nobody justifies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::grants;
use super::super::guard::Loss;
use super::super::observation::EntitlementView;
use super::super::operation::{EntitlementTarget, Lane, Operation, ReadKey};
use super::super::parts::{Goal, Step, earliest};
use super::Assessment;
use super::context::Context;
use super::words::step;
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::desired::DesiredAccount;
use crate::domain::ids::{EntitlementId, EntitlementName, RoleName};
use crate::domain::problem::Problem;

impl Context<'_> {
    /// Additions of a working person's account, and removals of what was lost.
    pub(super) fn grant_steps(&self, out: &mut Assessment, account: &ObservedAccount) {
        let mut add = BTreeMap::new();
        let mut repairs = !self.observed.held.is_empty()
            || self
                .recorded
                .is_some_and(|r| r.grants.values().any(|g| g.since.is_some()));
        for (name, roles) in self.desired.iter().flat_map(|d| &d.entitlements) {
            let held = self.observed.held.contains(name);
            let mut problem = None;
            if !held {
                // What is never done holds nothing up, nor what is done once somebody else has left.
                out.additions_outstanding |=
                    self.protected_entitlement(name).is_none() && self.no_place(name).is_none();
                match self.giveable(name) {
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
            self.remember_grant(out, name, roles, held, problem);
        }
        self.keep_barred(out);
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
            out.steps.push(step(operation, lane, self.role_cause()));
        }
        self.remove_lost(out, account);
    }

    pub(super) fn remove_lost(&self, out: &mut Assessment, account: &ObservedAccount) {
        let remove = self.lost_grants(out, true);
        let removal = self.removal(
            out,
            account,
            remove,
            Lane::Mover,
            "no role gives these any more".to_owned(),
        );
        out.removals.extend(removal);
    }

    /// The step that takes entitlements away, or, where the last listing was incomplete, the direct
    /// read that has to come before it (invariant 2).
    pub(super) fn removal(
        &self,
        out: &mut Assessment,
        account: &ObservedAccount,
        entitlements: BTreeMap<EntitlementName, EntitlementId>,
        lane: Lane,
        cause: String,
    ) -> Option<Step> {
        if entitlements.is_empty() {
            return None;
        }
        let lost = entitlements.keys().cloned();
        out.takes(lost.map(Loss::Entitlement));
        let id = account.id.clone();
        let operation = if self.may_destroy() {
            Operation::RemoveEntitlements { id, entitlements }
        } else {
            Operation::Read(ReadKey::Id(id))
        };
        Some(step(operation, lane, cause))
    }

    /// Recorded grants that are not desired: forgotten where the target no longer shows them, kept
    /// where they can't be decided, else to be removed.
    pub(super) fn lost_grants(
        &self,
        out: &mut Assessment,
        may_keep: bool,
    ) -> BTreeMap<EntitlementName, EntitlementId> {
        let mut remove = BTreeMap::new();
        for (name, grant) in self.recorded.iter().flat_map(|r| &r.grants) {
            let gives = |d: &DesiredAccount| {
                // What comes later into an account that can't be used yet does no harm where it is.
                let is_early = self.goal == Goal::Prepared && d.later.contains_key(name);
                d.entitlements.contains_key(name) || is_early || self.keeps_barred(d, name)
            };
            if self.goal.provides() && self.desired.is_some_and(gives) {
                continue;
            }
            let view = self.observed.entitlements.get(name);
            // One that may have been given is taken away like one that is seen: it could not be later, as
            // nobody would remember whose it was.
            let unsure = self.observed.unsure.contains(name);
            if !unsure && !self.observed.held.contains(name) {
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
            if let Some(problem) = self.protected_entitlement(name) {
                let mut kept = grants::kept(grant, None);
                kept.problem = Some(problem).filter(|_| !self.inputs.desired.deleting);
                out.grants.insert(name.clone(), kept);
                continue;
            }
            // Nothing was lost in times to come: then the clock was ahead.
            let now = self.inputs.now;
            let lost_at = grant.lost_at.map_or(now, |at| at.min(now));
            if let Some(kept) = out.record.as_mut().and_then(|r| r.grants.get_mut(name)) {
                Arc::make_mut(kept).lost_at = Some(lost_at);
            }
            let keeping = grants::keeping(self.inputs, &grant.roles, Some(lost_at));
            let until = keeping.until();
            if may_keep && keeping.holds(self.inputs.now) {
                if until.is_some() {
                    out.wake_at = earliest(out.wake_at, until);
                } else if let Some(kept) = out.record.as_mut().and_then(|r| r.grants.get_mut(name))
                {
                    Arc::make_mut(kept).lost_at = None;
                }
                out.grants.insert(name.clone(), grants::kept(grant, until));
                continue;
            }
            let breaking = &self.inputs.desired.roles.breaking;
            if grant.roles.iter().any(|role| breaking.contains(role)) {
                out.breaking.insert(name.clone());
            }
            // How long a removal waits for additions counts from when the grant would end by itself.
            out.lost.insert(name.clone(), until.unwrap_or(lost_at));
            let mut removing = grants::removing(grant);
            if let Some(EntitlementView::Existing { id, .. }) = view {
                remove.insert(name.clone(), id.clone());
            } else {
                removing.problem = self.target_of(name).err();
            }
            out.grants.insert(name.clone(), removing);
        }
        remove
    }

    /// Grants of an account that does not exist yet.
    pub(super) fn pending_grants(&self, out: &mut Assessment) {
        for (name, roles) in self.desired.iter().flat_map(|d| &d.entitlements) {
            self.remember_grant(out, name, roles, false, self.giveable(name).err());
        }
    }

    pub(super) fn remember_grant(
        &self,
        out: &mut Assessment,
        name: &EntitlementName,
        roles: &BTreeSet<RoleName>,
        held: bool,
        problem: Option<Problem>,
    ) {
        let Some(record) = &mut out.record else {
            return;
        };
        let grant = record.grants.entry(name.clone()).or_default();
        grants::refresh_grant(self.inputs, grant, roles);
        if held && grant.since.is_none() {
            Arc::make_mut(grant).since = Some(self.inputs.now);
        }
        let plan = grants::desired(&grant.roles, held, problem);
        out.grants.insert(name.clone(), plan);
    }

    pub(super) fn note_rogue(&self, out: &mut Assessment, account: &ObservedAccount) {
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

    fn protected_entitlement(&self, name: &EntitlementName) -> Option<Problem> {
        let protects = self.connector.protected_entitlements.covers(name.as_str());
        protects.then(|| {
            Problem::waiting(
                "ProtectedEntitlement",
                format!(
                    "{name} is protected in {}, and neither given nor taken: do it by hand, or take it out of spec.protected.entitlements of the AppConnector",
                    self.name
                ),
            )
        })
    }

    pub(super) fn target_of(&self, name: &EntitlementName) -> Result<EntitlementTarget, Problem> {
        if let Some(problem) = self.protected_entitlement(name) {
            return Err(problem);
        }
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
}
