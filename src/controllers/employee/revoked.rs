//! Whether it is proven that someone is out. What nobody looked at proves nothing.

use std::collections::BTreeSet;

use crate::api::conditions::{self, Wanted};
use crate::api::employee::{AccountState, AccountStatus};
use crate::controllers::employee::status::{LEAVER_HELD, is_right};
use crate::controllers::text;
use crate::controllers::world::Realm;
use crate::domain::desired::Desired;
use crate::domain::ids::ConnectorName;
use crate::domain::problem::Problem;
use crate::plan::PersonPlan;

/// Connectors whose applications could not be listed yet, for someone who must be out everywhere: an
/// account of theirs may be open there, also one that no status remembers. Not those where the account
/// was proven to be disabled.
#[must_use]
pub fn unseen<'a>(
    realm: &'a Realm,
    desired: &Desired,
    plan: &PersonPlan,
) -> BTreeSet<&'a ConnectorName> {
    let must_be_out = desired.lifecycle.stage.is_urgent_end() && !desired.deleting;
    let proven = |name: &ConnectorName| {
        let recorded = plan.record.accounts.get(name);
        recorded.is_some_and(|r| r.verified_disabled.is_some())
    };
    realm
        .connectors
        .iter()
        .filter(|(name, entry)| must_be_out && !entry.inventory.is_readable() && !proven(name))
        .map(|(name, _)| name)
        .collect()
}

/// What is waited for where something unseen is not told of as an account already.
#[must_use]
pub fn waiting(
    unseen: &BTreeSet<&ConnectorName>,
    is_told: impl Fn(&ConnectorName) -> bool,
) -> Option<Problem> {
    let names: Vec<String> = unseen
        .iter()
        .filter(|name| !is_told(name))
        .map(ToString::to_string)
        .collect();
    (!names.is_empty()).then(|| {
        Problem::waiting(
            "InventoryPending",
            format!(
                "whether an account is left is not known where the accounts could not be listed yet: {} (see the status of each AppConnector); it goes on by itself once they are",
                text::listed(names)
            ),
        )
    })
}

/// Whether every account of someone whose access ended was read back as disabled, and every application
/// was looked at.
#[must_use]
pub fn condition(
    desired: &Desired,
    plan: &PersonPlan,
    accounts: &[AccountStatus],
    unseen: &BTreeSet<&ConnectorName>,
) -> Option<Wanted> {
    // Of someone who is being deleted, only the accounts on which a policy acts are in view.
    if desired.deleting || !desired.lifecycle.stage.is_urgent_end() {
        return None;
    }
    let open: BTreeSet<&str> = plan
        .record
        .accounts
        .iter()
        .filter(|(_, r)| r.is_usable())
        .map(|(name, _)| name.as_str())
        .chain(
            accounts
                .iter()
                .filter(|a| {
                    let undecided = a.state == AccountState::Conflict;
                    (a.account_id.is_none() || undecided) && !is_right(a)
                })
                .map(|a| a.connector.as_str()),
        )
        .chain(unseen.iter().map(|name| name.as_str()))
        .collect();
    Some(if open.is_empty() {
        let message = match accounts.len() {
            0 => "no account is left".to_owned(),
            n => format!("{n} of {n} accounts were read back as disabled"),
        };
        Wanted::new(
            conditions::ACCESS_REVOKED,
            true,
            "ReadBackDisabled",
            message,
        )
    } else if accounts
        .iter()
        .any(|a| a.reason.as_deref() == Some(LEAVER_HELD))
    {
        Wanted::new(
            conditions::ACCESS_REVOKED,
            false,
            LEAVER_HELD,
            text::bounded(&format!(
                "access has ended, and a pause keeps it as it is: {}",
                text::listed(open.iter().map(ToString::to_string))
            )),
        )
    } else {
        Wanted::new(
            conditions::ACCESS_REVOKED,
            false,
            "NotYetProven",
            text::bounded(&format!(
                "not read back as disabled yet: {}",
                text::listed(open.iter().map(ToString::to_string))
            )),
        )
    })
}

#[cfg(test)]
mod tests;
