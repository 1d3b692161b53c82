//! What is told of a connector.

use jiff::Timestamp;

use super::said::{self, Subject};
use super::{LASTING, Outlook};
use crate::api::AppConnector;
use crate::api::conditions::{DEPROVISIONING_HELD, READY};
use crate::notify::Occasion;

/// What is to be told of a connector now, and when to look again.
pub(super) fn outlook(connector: &AppConnector, now: Timestamp) -> Outlook {
    let mut outlook = Outlook::default();
    let Some(status) = &connector.status else {
        return outlook;
    };
    let subject = Subject::of("AppConnector", &connector.metadata);
    let ready = status.conditions.iter().find(|c| c.type_ == READY);
    if let Some(trouble) = ready.filter(|c| c.status == "False") {
        let since = trouble.last_transition_time.0;
        if let Ok(at) = since.checked_add(LASTING) {
            outlook.tell(at, now, || {
                subject.notice(
                    Occasion::ConnectorTrouble,
                    &since.to_string(),
                    &format!("does not work since {since} ({})", trouble.reason),
                    &trouble.message,
                )
            });
        }
    }
    let held = status.conditions.iter();
    let mut held = held.filter(|c| c.type_ == DEPROVISIONING_HELD && c.status == "True");
    if let Some(held) = held.next() {
        let since = held.last_transition_time.0;
        outlook.tell(since, now, || {
            subject.notice(
                Occasion::ConnectorTrouble,
                &format!("held {since}"),
                &format!("holds removals since {since} ({})", held.reason),
                &held.message,
            )
        });
    }
    let orphans = status.orphaned_accounts.iter();
    let orphans = orphans.map(|o| {
        let told = format!("{} account {} ({})", o.kind, o.username, o.account_id);
        (o.since.0, told)
    });
    said::orphans(&mut outlook, &subject, orphans, now);
    outlook
}
