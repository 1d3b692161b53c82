//! The status of an AppConnector: whether its target answers, what it shows, and who is a stranger.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::app_connector::{
    AppConnectorStatus, DryRunStatus, InventoryStatus, Mode, OrphanedAccount,
};
use crate::api::conditions::{self, Wanted};
use crate::connectors::{ErrorKind, registry};
use crate::controllers::app_connector::held;
use crate::controllers::app_connector::orphans::Orphans;
use crate::controllers::gate;
use crate::controllers::pause::Pause;
use crate::controllers::text;
use crate::controllers::world::{ConnectorEntry, Realm};
use crate::domain::account::Completeness;
use crate::domain::ids::ConnectorName;
use crate::domain::problem::{Cure, Problem};
use crate::plan::Operation;

/// Reason where a connector leads to another application than before.
pub const TARGET_MOVED: &str = "TargetMoved";

/// The status of a connector as things stand.
#[must_use]
pub fn derive(
    realm: &Realm,
    name: &ConnectorName,
    entry: &ConnectorEntry,
    orphans: Orphans,
    now: Timestamp,
) -> AppConnectorStatus {
    let spec = entry.spec.as_deref();
    let Orphans {
        total,
        listed,
        spared,
        spared_listed,
        expired,
        would,
    } = orphans;
    let readable = entry.inventory.is_readable();
    let (accounts, entitlements) = entry.inventory.sizes();
    let pause = Pause::of_connector(realm, entry);
    let mut wanted = conditions_of(name, entry, pause);
    let newest = entry.status.newest();
    if total > 0 {
        wanted.push(Wanted::new(
            conditions::ORPHANED_ACCOUNTS,
            true,
            "AccountsWithoutEmployee",
            text::bounded(&format!(
                "nobody declared {}",
                text::listed(listed.iter().map(|o: &OrphanedAccount| o.username.clone()))
            )),
        ));
    }
    let held = held::status(realm, name, entry);
    let told = held::condition(realm, name, entry, &held);
    wanted.extend(told.or_else(|| still_held(entry, &newest)));
    let held = if held.is_empty() && is_considering(entry) {
        newest.held.clone()
    } else {
        held
    };
    AppConnectorStatus {
        observed_generation: entry.meta.generation,
        type_: spec.and_then(registry::type_word).map(str::to_owned),
        target: entry.home.target().map(|target| target.0.to_string()),
        conditions: conditions::merge(&newest.conditions, wanted, entry.meta.generation, now),
        accounts: if readable {
            count(entry.inventory.marked())
        } else {
            told_before(entry).map_or(0, |newest| newest.accounts)
        },
        orphans: total,
        orphaned_accounts: listed,
        spared,
        spared_accounts: spared_listed,
        expired_exceptions: expired,
        inventory: Some(InventoryStatus {
            completeness: completeness(entry).word().to_owned(),
            accounts: if readable { count(accounts) } else { 0 },
            entitlements: if readable { count(entitlements) } else { 0 },
        }),
        entitlements: entry.followed.for_status(),
        capabilities: entry
            .capabilities
            .as_ref()
            .map(crate::connectors::Capabilities::names)
            .unwrap_or_default(),
        retry_at: entry.unavailable.as_ref().map(|(_, at)| Time(*at)),
        dry_run: spec
            .filter(|s| s.mode == Mode::DryRun || pause.is_some())
            .map(|_| dry_run(realm, name, would)),
        held,
        guard: gate::told(entry),
        mode: spec.map(|s| mode(s.mode, pause).to_owned()),
        last_handled_reconcile_at: entry.request.handled(),
    }
}

/// What was held when the operator was started is held until it is decided anew.
fn still_held(entry: &ConnectorEntry, newest: &AppConnectorStatus) -> Option<Wanted> {
    let mut told = newest.conditions.iter();
    let told = told.find(|c| c.type_ == conditions::DEPROVISIONING_HELD)?;
    let message = told.message.clone();
    let still = Wanted::new(
        conditions::DEPROVISIONING_HELD,
        true,
        "WaitsForApproval",
        message,
    );
    is_considering(entry).then_some(still)
}

/// Whether it is not known yet what is held.
fn is_considering(entry: &ConnectorEntry) -> bool {
    entry.gate.is_undecided() || entry.gate.is_recalling()
}

/// The newest status, where it speaks of the same application. What it says of what could not be read
/// since stands.
pub(super) fn told_before(entry: &ConnectorEntry) -> Option<AppConnectorStatus> {
    let newest = entry.status.newest();
    (newest.observed_generation == entry.meta.generation).then_some(newest)
}

/// The mode that is in force, for `kubectl get`.
fn mode(written: Mode, pause: Option<Pause>) -> &'static str {
    match (written, pause) {
        (_, Some(_)) => "Paused",
        (Mode::DryRun, None) => "DryRun",
        (Mode::Enforce, None) => "Enforce",
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The worse of the two facets.
fn completeness(entry: &ConnectorEntry) -> &Completeness {
    let accounts = entry.inventory.accounts_completeness();
    let entitlements = entry.inventory.entitlements_completeness();
    match (accounts, entitlements) {
        (Completeness::Unreadable(_), _) => accounts,
        (_, Completeness::Unreadable(_)) => entitlements,
        (Completeness::Partial(_), _) => accounts,
        _ => entitlements,
    }
}

fn conditions_of(
    name: &ConnectorName,
    entry: &ConnectorEntry,
    pause: Option<Pause>,
) -> Vec<Wanted> {
    let compiled = entry.compiled.iter().flat_map(|c| &c.faults);
    let refuses = entry.compiled.iter().flat_map(|c| &c.spec.no_accounts);
    let compiled = compiled.chain(refuses);
    let moved = entry.home.moved();
    let moved = moved.map(|moved| Problem::waiting(TARGET_MOVED, moved.told(name.as_str())));
    let problems: Vec<&Problem> = entry
        .problems
        .iter()
        .chain(compiled)
        .chain(&moved)
        .collect();
    let first = problems
        .iter()
        .find(|p| p.cure == Cure::EditThis)
        .or(problems.first());
    let connected = connected(entry);
    let inventory = inventory(entry);
    let beside = |type_: &'static str, reason: &'static str, message: &str| {
        vec![
            Wanted::new(conditions::READY, false, reason, message),
            Wanted::new(type_, true, reason, message),
        ]
    };
    let mut wanted = if let Some(problem) = first {
        let message = text::bounded(&text::listed(problems.iter().map(|p| p.message.clone())));
        let type_ = match problem.cure {
            Cure::EditThis => conditions::STALLED,
            Cure::Elsewhere => conditions::RECONCILING,
        };
        beside(type_, problem.reason, &message)
    } else if connected.status != Some(true) {
        beside(
            conditions::RECONCILING,
            connected.reason,
            &connected.message,
        )
    } else if inventory.status != Some(true) {
        beside(
            conditions::RECONCILING,
            inventory.reason,
            &inventory.message,
        )
    } else {
        let message = "the application answers, and everything in it was seen";
        vec![match pause {
            None => Wanted::new(conditions::READY, true, "InOrder", message),
            Some(pause) => {
                let message = format!("{message}; {}", pause.told());
                Wanted::new(conditions::READY, true, "Paused", message)
            }
        }]
    };
    wanted.push(connected);
    wanted.push(inventory);
    wanted
}

fn connected(entry: &ConnectorEntry) -> Wanted {
    let type_ = conditions::CONNECTED;
    if let Some((error, at)) = &entry.unavailable {
        let message = format!("{}; tried again at {at}", error.message);
        return Wanted::new(type_, false, error.kind.reason(), text::bounded(&message));
    }
    if entry.running.is_none() {
        let message = "nothing is sent until the connector is mended";
        return Wanted::new(type_, false, "NotStarted", message);
    }
    if entry.capabilities.is_none() {
        return Wanted {
            type_,
            status: None,
            reason: "Connecting",
            message: "waiting for the first answer".to_owned(),
        };
    }
    Wanted::new(
        type_,
        true,
        "Answers",
        "the application answers with the given credential",
    )
}

fn inventory(entry: &ConnectorEntry) -> Wanted {
    let type_ = conditions::INVENTORY_COMPLETE;
    if let Some(error) = &entry.listing_failed {
        let message = format!(
            "the last listing failed, and what was seen before it stands: {}",
            error.message
        );
        // A listing changes nothing, so there is no outcome of it to be known.
        let reason = match error.kind {
            ErrorKind::OutcomeUnknown => "ListingFailed",
            kind => kind.reason(),
        };
        return Wanted::new(type_, false, reason, text::bounded(&message));
    }
    let oddities = text::listed(entry.oddities.iter().cloned());
    let with_oddities = |why: &str| {
        let message = if oddities.is_empty() {
            why.to_owned()
        } else {
            format!("{why}: {oddities}")
        };
        text::bounded(&message)
    };
    match completeness(entry) {
        Completeness::Complete => {
            let message = with_oddities("everything was seen");
            Wanted::new(type_, true, "Complete", message)
        }
        Completeness::Partial(why) => Wanted::new(type_, false, "Partial", with_oddities(why)),
        Completeness::Unreadable(why) => {
            Wanted::new(type_, false, "Unreadable", text::bounded(why))
        }
    }
}

/// What would be done at once.
fn dry_run(realm: &Realm, name: &ConnectorName, orphans: (i64, i64)) -> DryRunStatus {
    let mut out = DryRunStatus {
        disable: orphans.0,
        delete: orphans.1,
        ..DryRunStatus::default()
    };
    for operation in realm
        .people
        .values()
        .filter_map(|person| person.outlook.unusual().dry_run.get(name))
        .flatten()
    {
        match operation {
            Operation::Create(_) => out.create += 1,
            Operation::Update { .. } => out.update += 1,
            Operation::Enable(_) => out.enable += 1,
            Operation::Disable(_) => out.disable += 1,
            Operation::Adopt { .. } => out.adopt += 1,
            Operation::Revoke { .. } => out.revoke += 1,
            Operation::TransferOwnership { .. } => out.transfer_ownership += 1,
            Operation::Delete(_) => out.delete += 1,
            Operation::Disown { .. } => out.disown += 1,
            Operation::AddEntitlements { entitlements, .. } => {
                out.add_entitlements += count(entitlements.len());
            }
            Operation::RemoveEntitlements { entitlements, .. } => {
                out.remove_entitlements += count(entitlements.len());
            }
            Operation::Read(_) => {}
        }
    }
    out
}
