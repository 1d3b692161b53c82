//! What comes of an operation where nothing goes wrong, told as an application would tell it.

use crate::connectors::{Revocation, Transfer};
use crate::dispatch::inventory::Inventory;
use crate::dispatch::order::Effect;
use crate::domain::account::{Activity, Completeness, ObservedAccount, ObservedEntitlement};
use crate::domain::ids::{AccountId, EmployeeId, EntitlementId};
use crate::plan::Operation;
use crate::plan::operation::{EntitlementTarget, ReadKey};

/// What comes of it.
pub(super) fn of(operation: &Operation, me: &EmployeeId, inventory: &Inventory) -> Effect {
    match operation {
        Operation::Create(new) => Effect::Created(ObservedAccount {
            id: AccountId::new(format!("new account {}", new.username)),
            username: new.username.clone(),
            mark: Some(new.mark.as_str().to_owned()),
            activity: if new.active {
                Activity::Active
            } else {
                Activity::Disabled
            },
            attributes: new.attributes.clone(),
            unfinished: false,
        }),
        Operation::Read(ReadKey::Id(id)) => {
            Effect::Read(inventory.by_id(id).cloned().into_iter().collect())
        }
        Operation::Read(ReadKey::MarkOrUsername(..)) => {
            Effect::Read(inventory.by_mark(me).into_iter().cloned().collect())
        }
        Operation::Update { .. } => Effect::Updated(None),
        Operation::Enable(_) | Operation::Disable(_) => Effect::ActivitySet(None),
        Operation::Adopt { .. } | Operation::Disown { .. } => Effect::Marked(None),
        Operation::Revoke { .. } => Effect::Revoked(Revocation::verified("as planned")),
        Operation::TransferOwnership { .. } => Effect::Transferred(Transfer::default()),
        Operation::Delete(_) => Effect::Deleted,
        Operation::AddEntitlements { entitlements, .. } => {
            let missing = entitlements
                .iter()
                .filter(|(_, target)| **target == EntitlementTarget::ToBeCreated);
            Effect::Entitlements {
                results: entitlements.keys().map(|n| (n.clone(), Ok(()))).collect(),
                created: missing
                    .map(|(name, _)| ObservedEntitlement {
                        id: EntitlementId::new(name.as_str()),
                        name: name.clone(),
                        holders: Vec::new(),
                        completeness: Completeness::Complete,
                    })
                    .collect(),
            }
        }
        Operation::RemoveEntitlements { entitlements, .. } => Effect::Entitlements {
            results: entitlements.keys().map(|n| (n.clone(), Ok(()))).collect(),
            created: Vec::new(),
        },
    }
}
