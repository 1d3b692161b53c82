//! Memberships that no role gives, of entitlements that roles alone give: they are taken away.

use std::collections::{BTreeMap, BTreeSet};

use super::super::observation::EntitlementView;
use super::super::operation::{Lane, Operation, ReadKey};
use super::Assessment;
use super::context::Context;
use super::words::step;
use crate::domain::account::ObservedAccount;
use crate::domain::ids::{EntitlementId, EntitlementName, RoleName};

impl Context<'_> {
    /// Takes away what is held without a grant where roles alone give it. The account is read directly before.
    pub(super) fn remove_rogue(&self, out: &mut Assessment, account: &ObservedAccount) {
        let rogue = self.rogue_memberships();
        let cause = format!(
            "no role gives these, and spec.entitlements.authoritative of the AppConnector {} says that roles alone do",
            self.name
        );
        let Some(removal) = self.removal(out, account, rogue, Lane::Drift, cause) else {
            return;
        };
        // Where the target is only read, what would be done is told.
        if self.observed.read_directly || self.inputs.only_read(self.name) {
            out.steps.push(removal);
            return;
        }
        let read = Operation::Read(ReadKey::Id(account.id.clone()));
        out.steps.push(step(read, removal.lane, removal.cause));
    }

    /// What the account holds and nothing justifies, as far as that is certain: everything was seen, every role of the
    /// person is there and can be decided, and no template that can't be read gives it.
    fn rogue_memberships(&self) -> BTreeMap<EntitlementName, EntitlementId> {
        let roles = &self.inputs.desired.roles;
        // A role that is named may come later than the person, with the rest of a namespace that is applied again.
        let decided =
            roles.undecided.is_empty() && roles.vanished.is_empty() && roles.missing.is_empty();
        let Some(desired) = self.desired.filter(|_| decided) else {
            return BTreeMap::new();
        };
        if !self.observed.accounts_complete || self.observed.in_doubt {
            return BTreeMap::new();
        }
        let recorded =
            |name: &EntitlementName| self.recorded.is_some_and(|r| r.grants.contains_key(name));
        let justified = |name: &EntitlementName| {
            desired.entitlements.contains_key(name)
                || desired.later.contains_key(name)
                || recorded(name)
                || self.observed.unsure.contains(name)
        };
        let disputed = roles.in_dispute(self.inputs.policy);
        let taken = |name: &&EntitlementName| {
            self.connector.authoritative.covers(name.as_str())
                && !justified(name)
                && !self.connector.protected_entitlements.covers(name.as_str())
                && !self.may_be_given(name, &disputed)
        };
        let rogue = self.observed.held.iter().filter(taken);
        rogue
            .filter_map(|name| match self.observed.entitlements.get(name)? {
                EntitlementView::Existing {
                    id,
                    holders_complete: true,
                } => Some((name.clone(), id.clone())),
                _ => None,
            })
            .collect()
    }

    /// Whether a template gives it of which it can't be told who holds it, or which of those in conflict is the person's.
    fn may_be_given(&self, name: &EntitlementName, disputed: &BTreeSet<&RoleName>) -> bool {
        let policy = self.inputs.policy;
        let mut templates = policy.templates();
        templates.any(|template| {
            let given = template.spec.grants.get(self.name);
            let role = &template.spec.name;
            given.is_some_and(|given| given.contains(name))
                && (!policy.is_sound(role) || disputed.contains(role))
        })
    }
}
