//! What a person should notice of a AppConnector. Told when it begins, not each time it is seen.

use std::sync::Arc;

use crate::api::AppConnectorStatus;
use crate::api::conditions;
use crate::controllers::notice::{self, of};
use crate::controllers::world::Meta;
use crate::domain::ids::ConnectorName;
use crate::runtime::events::Notice;

/// What is new in a status.
#[must_use]
pub fn notices(
    namespace: &Arc<str>,
    name: &ConnectorName,
    meta: &Meta,
    before: &AppConnectorStatus,
    after: &AppConnectorStatus,
) -> Vec<Notice> {
    let lost = notice::ended(&before.conditions, &after.conditions, conditions::CONNECTED).map(
        |message| {
            notice::warning(
                of("AppConnector", namespace, name.as_str(), meta),
                "Disconnected",
                "Connect",
                message,
            )
        },
    );
    [
        (conditions::STALLED, "Stalled"),
        (conditions::ORPHANED_ACCOUNTS, "OrphanedAccounts"),
    ]
    .into_iter()
    .filter_map(|(condition, reason)| {
        let message = notice::began(&before.conditions, &after.conditions, condition)?;
        let object = of("AppConnector", namespace, name.as_str(), meta);
        Some(notice::warning(object, reason, "Compare", message))
    })
    .chain(lost)
    .collect()
}
