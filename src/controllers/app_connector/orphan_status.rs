//! What a status tells of accounts that nobody declared.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::app_connector::{ExpiredException, OrphanedAccount, SparedAccount};
use crate::controllers::app_connector::held;
use crate::controllers::app_connector::orphan_claims;
use crate::controllers::app_connector::orphans::is_enforced;
use crate::controllers::pause::Pause;
use crate::controllers::text;
use crate::controllers::world::{ConnectorEntry, Realm};
use crate::domain::account::{Activity, ObservedAccount};
use crate::domain::ids::ConnectorName;
use crate::domain::orphans::{Kind, counted_as};
use crate::plan::orphans::{Deed, Obstacle, Orphan, Stand};

/// Exceptions that count no more.
pub(super) fn expired(entry: &ConnectorEntry, now: Timestamp) -> Vec<ExpiredException> {
    let compiled = entry.compiled.iter();
    let exceptions = compiled.flat_map(|compiled| &compiled.spec.orphans.exceptions);
    let over = exceptions.filter(|exception| exception.is_over(now));
    over.filter_map(|exception| {
        Some(ExpiredException {
            username: exception.username.clone(),
            reason: exception.reason.clone(),
            until: exception.until?.to_string(),
        })
    })
    .collect()
}

/// One orphan, as a status tells it.
pub(super) fn tell(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    orphan: &Orphan<'_>,
    now: Timestamp,
) -> OrphanedAccount {
    let account = orphan.account;
    let told = told(realm, name, entry, orphan, now);
    OrphanedAccount {
        account_id: account.id.to_string(),
        username: account.username.to_string(),
        kind: orphan.kind.word().to_owned(),
        employee_id: orphan.kind.of().map(ToString::to_string),
        active: is_active(account),
        since: Time(orphan.since),
        state: told.as_ref().map(|told| told.state.to_owned()),
        reason: told.as_ref().map(|told| told.reason.to_owned()),
        message: told.as_ref().map(|told| text::bounded(&told.message)),
        due_at: told.and_then(|told| told.due_at).map(Time),
        kept_since: orphan.kept.map(|kept| Time(kept.since)),
        kept_for: orphan.kept.map(|kept| kept.time.as_secs()),
    }
}

/// One that manifests leave in peace, as a status tells it.
pub(super) fn tell_spared(account: &ObservedAccount, kind: &Kind) -> SparedAccount {
    SparedAccount {
        account_id: account.id.to_string(),
        username: account.username.to_string(),
        kind: kind.word().to_owned(),
        employee_id: kind.of().map(ToString::to_string),
        active: is_active(account),
    }
}

fn is_active(account: &ObservedAccount) -> Option<bool> {
    match account.activity {
        Activity::Active => Some(true),
        Activity::Disabled => Some(false),
        Activity::Unknown => None,
    }
}

/// What is told of one with which something is to be done.
struct Told {
    state: &'static str,
    reason: &'static str,
    message: String,
    due_at: Option<Timestamp>,
}

fn told(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    orphan: &Orphan<'_>,
    now: Timestamp,
) -> Option<Told> {
    let say = |state, reason, message: &str, due_at| Told {
        state,
        reason,
        message: message.to_owned(),
        due_at,
    };
    let word = |deed| match deed {
        Deed::Disable => "disabled",
        Deed::Delete => "deleted",
    };
    Some(match orphan.stand {
        Stand::Reported => return None,
        Stand::Kept(obstacle) => {
            let doubt = || orphan_claims::doubt(realm, name, entry);
            kept(obstacle, &doubt)
        }
        Stand::Shut => say(
            "Disabled",
            "AsDesired",
            "disabled, and kept with what it holds",
            None,
        ),
        Stand::Waits(deed, at) => {
            let (reason, why) = match deed {
                Deed::Disable => ("OrphanGrace", "left alone until then"),
                Deed::Delete => ("OrphanRetained", "kept, disabled, until then"),
            };
            let message = format!(
                "{why}, and {} unless it is somebody's by then: apply the Employee, or name it in spec.orphans.exceptions",
                word(deed)
            );
            say("Waiting", reason, &message, Some(at))
        }
        Stand::Due(deed) => {
            let counted = counted_as(&orphan.kind, name.as_str(), &orphan.account.id);
            let matter = entry.orphan_work.matters.get(&orphan.account.id);
            let failure = matter.and_then(|matter| matter.failure.as_ref());
            if let Some(pause) = Pause::of_connector(realm, entry) {
                let message = format!("would be {}; {}", word(deed), pause.told());
                say("Pending", "Paused", &message, None)
            } else if !is_enforced(realm, entry) {
                let message = format!("would be {}", word(deed));
                say("Pending", "DryRun", &message, None)
            } else if entry.gate.holds(&counted) {
                say("Held", held::HELD, &held::told_of_person(name), None)
            } else if let Some(failure) = failure.filter(|failure| failure.retry_at > now) {
                let at = Some(failure.retry_at);
                say("Failed", failure.reason, &failure.message, at)
            } else {
                let message = format!("about to be {}", word(deed));
                say("Pending", "InProgress", &message, None)
            }
        }
    })
}

fn kept(obstacle: Obstacle, doubt: &dyn Fn() -> Option<String>) -> Told {
    let claims_unknown;
    let (state, reason, message) = match obstacle {
        Obstacle::NotCovered => (
            "Reported",
            "NeverOurs",
            "it was never ours, and spec.orphans.which is Released: nothing is done with it",
        ),
        Obstacle::Claimed => (
            "Kept",
            "OwnerPossible",
            "an Employee may be its owner: by what is recorded, by spec.matching, or by spec.links. Nothing is done with it",
        ),
        Obstacle::NotPossible(Deed::Disable) => (
            "Kept",
            "NotPossible",
            "the application can't disable accounts: do it by hand",
        ),
        Obstacle::NotPossible(Deed::Delete) => (
            "Kept",
            "NotPossible",
            "the application can't delete accounts: it stays, disabled",
        ),
        Obstacle::NotAsked => (
            "Kept",
            "Connecting",
            "what the application can do is not known yet",
        ),
        Obstacle::Incomplete => (
            "Kept",
            "Partial",
            "not everything was listed: nothing is done before it is (see the condition InventoryComplete)",
        ),
        Obstacle::OwnersUnknown => (
            "Kept",
            "OwnersUnknown",
            "whose accounts these are is not certain: an Employee can't be read, or the AppConnector is broken, drops marks or leads to another application (see its conditions)",
        ),
        Obstacle::ClaimsUnknown => {
            let why = doubt().unwrap_or_default();
            claims_unknown = format!("whether an Employee is its owner is not certain: {why}");
            ("Kept", "OwnersUnknown", claims_unknown.as_str())
        }
    };
    Told {
        state,
        reason,
        message: message.to_owned(),
        due_at: None,
    }
}
