//! What a person should notice of an AppConnector. Told when it begins, not each time it is seen.

use std::sync::Arc;

use crate::api::AppConnectorStatus;
use crate::api::conditions;
use crate::controllers::notice::{self, of};
use crate::controllers::text;
use crate::controllers::world::Meta;
use crate::domain::ids::ConnectorName;
use crate::runtime::events::Notice;

/// That somebody approved removals.
#[must_use]
pub fn approved(
    namespace: &Arc<str>,
    name: &ConnectorName,
    meta: &Meta,
    before: &AppConnectorStatus,
    after: &AppConnectorStatus,
) -> Option<Notice> {
    let approval = |status: &AppConnectorStatus| {
        let guard = status.guard.as_ref();
        guard.and_then(|guard| guard.last_approval.clone())
    };
    let approval = approval(after).filter(|now| Some(now) != approval(before).as_ref())?;
    let by = approval.by.as_deref().unwrap_or("somebody unrecorded");
    let object = of("AppConnector", namespace, name.as_str(), meta);
    let people = match approval.people {
        1 => "1 person loses".to_owned(),
        n => format!("{n} people lose"),
    };
    let message = format!("{by} approved {}: {people} something", approval.digest);
    Some(notice::normal(object, "RemovalsApproved", "Guard", message))
}

/// What is new in a status, and the accounts in it that were not there before.
#[must_use]
pub fn notices(
    namespace: &Arc<str>,
    name: &ConnectorName,
    meta: &Meta,
    before: &AppConnectorStatus,
    after: &AppConnectorStatus,
    new_orphans: &[String],
) -> Vec<Notice> {
    let warning = |reason, action, message| {
        let object = of("AppConnector", namespace, name.as_str(), meta);
        notice::warning(object, reason, action, message)
    };
    let stalled = notice::began(&before.conditions, &after.conditions, conditions::STALLED)
        .map(|message| warning("Stalled", "Check", message));
    let held = notice::began(
        &before.conditions,
        &after.conditions,
        conditions::DEPROVISIONING_HELD,
    )
    .map(|message| warning(conditions::DEPROVISIONING_HELD, "Guard", message));
    let approved = approved(namespace, name, meta, before, after);
    let lost = notice::ended(&before.conditions, &after.conditions, conditions::CONNECTED)
        .map(|message| warning("Disconnected", "Connect", message));
    let orphans = (!new_orphans.is_empty())
        .then(|| text::listed(new_orphans.iter().cloned()))
        .map(|names| {
            warning(
                "OrphanedAccounts",
                "Compare",
                format!("nobody declared {names}"),
            )
        });
    let was_told = |name: &str| {
        let mut told = before.entitlements.iter();
        told.any(|told| told.name == name && told.renamed_to.is_some())
    };
    let renamed = after.entitlements.iter().filter_map(|entitlement| {
        let called = entitlement.renamed_to.as_ref()?;
        (!was_told(&entitlement.name))
            .then(|| format!("{} is called {called} now", entitlement.name))
    });
    let renamed = text::listed(renamed);
    let renamed = (!renamed.is_empty()).then(|| {
        let message = format!("{renamed}: followed by the identifier; mend the RoleTemplates");
        warning("EntitlementRenamed", "Compare", message)
    });
    let all = stalled
        .into_iter()
        .chain(held)
        .chain(approved)
        .chain(lost)
        .chain(orphans);
    all.chain(renamed).collect()
}
