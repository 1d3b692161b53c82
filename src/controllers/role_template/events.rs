//! What a person should notice of a RoleTemplate. Told when it begins, not each time it is seen.

use std::sync::Arc;

use crate::api::RoleTemplateStatus;
use crate::api::conditions;
use crate::api::role_template::RogueHolder;
use crate::controllers::notice::{self, of};
use crate::controllers::world::Meta;
use crate::domain::ids::RoleName;
use crate::runtime::events::Notice;

/// What is new in a status.
#[must_use]
pub fn notices(
    namespace: &Arc<str>,
    name: &RoleName,
    meta: &Meta,
    before: &RoleTemplateStatus,
    after: &RoleTemplateStatus,
) -> Vec<Notice> {
    let warning = |reason, action, message| {
        let object = of("RoleTemplate", namespace, name.as_str(), meta);
        notice::warning(object, reason, action, message)
    };
    let stalled = notice::began(&before.conditions, &after.conditions, conditions::STALLED)
        .map(|message| warning("Stalled", "Check", message));
    let orphans = notice::appeared(
        &before.orphaned_credentials,
        &after.orphaned_credentials,
        |a, b| {
            (&a.connector, &a.entitlement, &a.account_id)
                == (&b.connector, &b.entitlement, &b.account_id)
        },
        RogueHolder::told,
    )
    .map(|told| {
        warning(
            "OrphanedCredentials",
            "Compare",
            format!("held without a grant: {told}"),
        )
    });
    stalled.into_iter().chain(orphans).collect()
}
