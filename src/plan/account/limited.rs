//! What limits make of the entitlements of one account. They keep things from being given, and take nothing away.

use super::super::observation::EntitlementView;
use super::super::operation::EntitlementTarget;
use super::Assessment;
use super::context::Context;
use crate::domain::desired::DesiredAccount;
use crate::domain::ids::EntitlementName;
use crate::domain::limits;
use crate::domain::problem::Problem;

impl Context<'_> {
    /// Where an entitlement is that may be given now, or why it may not.
    pub(super) fn giveable(&self, name: &EntitlementName) -> Result<EntitlementTarget, Problem> {
        let target = self.target_of(name)?;
        self.no_place(name).map_or(Ok(target), Err)
    }

    /// Why there is no place for the person in an entitlement that only so many may hold. Who is remembered to hold
    /// it, or may have been given it a moment ago, has one.
    pub(super) fn no_place(&self, name: &EntitlementName) -> Option<Problem> {
        self.connector.limits.max_holders(name)?;
        let grant = self.recorded.and_then(|r| r.grants.get(name));
        let has_one = grant.is_some_and(|grant| grant.since.is_some());
        if has_one || self.observed.unsure.contains(name) {
            return None;
        }
        let view = self.observed.entitlements.get(name);
        if let Some(EntitlementView::Existing {
            holders_complete: false,
            ..
        }) = view
        {
            return Some(limits::uncountable(self.name, name));
        }
        self.observed.full.get(name).cloned()
    }

    /// What is not for people like this one stays where it was given and is there, as ever.
    pub(super) fn keep_barred(&self, out: &mut Assessment) {
        for (name, barred) in self.desired.iter().flat_map(|d| &d.barred) {
            let is_ours = self.recorded.is_some_and(|r| r.grants.contains_key(name));
            if is_ours && self.observed.held.contains(name) {
                self.remember_grant(out, name, &barred.roles, true, None);
            }
        }
    }

    /// Whether it is there, and a limit alone keeps it from being given.
    pub(super) fn keeps_barred(&self, desired: &DesiredAccount, name: &EntitlementName) -> bool {
        desired.barred.contains_key(name) && self.observed.held.contains(name)
    }
}
