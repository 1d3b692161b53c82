//! What a person should notice of a RoleTemplate. Told when it begins, not each time it is seen.

use std::sync::Arc;

use crate::api::RoleTemplateStatus;
use crate::api::conditions;
use crate::controllers::notice::{self, of};
use crate::controllers::text;
use crate::controllers::world::Meta;
use crate::domain::ids::RoleName;
use crate::runtime::events::Notice;

/// What is new in a status, and who of those in it was not there before.
#[must_use]
pub fn notices(
    namespace: &Arc<str>,
    name: &RoleName,
    meta: &Meta,
    before: &RoleTemplateStatus,
    after: &RoleTemplateStatus,
    new_holders: &[String],
) -> Vec<Notice> {
    let warning = |reason, action, message| {
        let object = of("RoleTemplate", namespace, name.as_str(), meta);
        notice::warning(object, reason, action, message)
    };
    let stalled = notice::began(&before.conditions, &after.conditions, conditions::STALLED)
        .map(|message| warning("Stalled", "Check", message));
    let orphans = (!new_holders.is_empty())
        .then(|| text::listed(new_holders.iter().cloned()))
        .map(|told| {
            warning(
                "OrphanedCredentials",
                "Compare",
                format!("held without a grant: {told}"),
            )
        });
    stalled.into_iter().chain(orphans).collect()
}
