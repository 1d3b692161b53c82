//! What a person should notice of a RoleTemplate. Told when it begins, not each time it is seen.

use std::sync::Arc;

use crate::api::RoleTemplateStatus;
use crate::api::conditions;
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
    [
        (conditions::STALLED, "Stalled"),
        (conditions::ORPHANED_CREDENTIALS, "OrphanedCredentials"),
    ]
    .into_iter()
    .filter_map(|(condition, reason)| {
        let message = notice::began(&before.conditions, &after.conditions, condition)?;
        let object = of("RoleTemplate", namespace, name.as_str(), meta);
        Some(notice::warning(object, reason, "Compare", message))
    })
    .collect()
}
