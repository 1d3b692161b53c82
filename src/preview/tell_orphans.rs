//! From what becomes of accounts that are nobody's to what is told of it.

use jiff::{SignedDuration, Timestamp};

use super::objects::Objects;
use super::orphans::{Fates, HeldThen, Step};
use super::told::{Connector, Held, Orphan, OrphanChange, Totals, When};
use crate::api::app_connector::OrphanedAccount;
use crate::controllers::app_connector::held::how_many_may;
use crate::controllers::text;
use crate::domain::ids::{AccountId, ConnectorName};
use crate::plan::orphans::{Deed, taking};

/// Statuses tell times without fractions of a second.
const SAME: SignedDuration = SignedDuration::from_secs(1);

/// Tells everything, by connector and user name.
pub(super) fn orphans(
    before: &Objects,
    after: &Objects,
    fates: &Fates,
    now: Timestamp,
) -> Vec<Orphan> {
    let mut steps: Vec<&Step> = fates.steps.iter().collect();
    steps.sort_by_key(|step| (&step.connector, &step.username, &step.account));
    let of_each = steps.chunk_by(|a, b| (&a.connector, &a.account) == (&b.connector, &b.account));
    let told = of_each.filter_map(|steps| {
        let first = steps.first()?;
        let rules = Rules::new(before, after, &first.connector);
        let status = told_of(before, &first.connector, &first.account);
        let begins = status.and_then(|told| foretold(told, now));
        let begins = begins.is_some_and(|begins| is_same(begins, first));
        let changes = steps.iter().enumerate().map(|(n, step)| {
            let already = begins
                && (n == 0 || rules.same_course)
                && (!step.held || step.when == When::Now || rules.same_guard);
            change(step, already)
        });
        Some(Orphan {
            connector: first.connector.to_string(),
            account_id: first.account.to_string(),
            username: first.username.to_string(),
            kind: first.kind.word().to_owned(),
            employee_id: first.kind.of().map(ToString::to_string),
            changes: changes.collect(),
        })
    });
    told.collect()
}

fn change(step: &Step, already: bool) -> OrphanChange {
    let operation = step.deed.operation(step.account.clone());
    OrphanChange {
        verb: operation.verb().to_owned(),
        when: step.when,
        held: step.held,
        already,
        why: taking(&step.kind, &[step.deed].into(), false).why,
        said: text::operations(std::iter::once(&operation)),
    }
}

/// What the manifests leave as it is.
struct Rules {
    /// What becomes of an account after the first step.
    same_course: bool,
    /// What may be taken away.
    same_guard: bool,
}

impl Rules {
    fn new(before: &Objects, after: &Objects, connector: &ConnectorName) -> Self {
        let spec = |objects: &Objects| {
            let object = objects.connectors.get(connector.as_str());
            object.map(|object| (object.spec.orphans.clone(), object.spec.guard.clone()))
        };
        let (was, is) = (spec(before), spec(after));
        let both = was.as_ref().zip(is.as_ref());
        Self {
            same_course: both.is_some_and(|(was, is)| {
                (was.0.policy, &was.0.retain) == (is.0.policy, &is.0.retain)
            }),
            same_guard: both.is_some_and(|(was, is)| was.1 == is.1),
        }
    }
}

fn told_of<'a>(
    before: &'a Objects,
    connector: &ConnectorName,
    account: &AccountId,
) -> Option<&'a OrphanedAccount> {
    let object = before.connectors.get(connector.as_str())?;
    let mut told = object.status.as_ref()?.orphaned_accounts.iter();
    told.find(|told| told.account_id == account.as_str())
}

/// What is done next without the manifests, and when, and whether it is held: as the status tells.
fn foretold(told: &OrphanedAccount, now: Timestamp) -> Option<(Deed, When, bool)> {
    let deed = match told.active {
        Some(false) => Deed::Delete,
        _ => Deed::Disable,
    };
    let reason = told.reason.as_deref();
    let due = told.due_at.as_ref().map(|at| at.0).filter(|at| *at > now);
    Some(match (told.state.as_deref()?, due) {
        ("Waiting", Some(at)) => (deed, When::At(at), false),
        ("Pending", _) if matches!(reason, Some("DryRun" | "Paused")) => (deed, When::Never, false),
        ("Held", _) => (deed, When::Now, true),
        ("Waiting" | "Pending" | "Failed", _) => (deed, When::Now, false),
        _ => return None,
    })
}

fn is_same((deed, when, held): (Deed, When, bool), step: &Step) -> bool {
    let same_time = match (when, step.when) {
        (When::At(was), When::At(is)) => was.duration_since(is).abs() < SAME,
        // What is only told of has no time.
        (When::At(_), When::Never) => true,
        (was, is) => was == is,
    };
    // What is held at an instant to come is not held yet.
    deed == step.deed && same_time && (held == step.held || matches!(step.when, When::At(_)))
}

/// Connectors where something would be held later.
pub(super) fn held(orphans: &[Orphan], fates: &Fates) -> Vec<Connector> {
    let one = |held: &HeldThen| {
        let of_then = |change: &&OrphanChange| {
            let at = if let When::At(at) = change.when {
                Some(at)
            } else {
                None
            };
            change.held && at.is_none_or(|at| at == held.at)
        };
        let here = orphans.iter();
        let here = here.filter(|orphan| orphan.connector == held.connector.as_str());
        let mut changes = here.flat_map(|orphan| &orphan.changes).filter(of_then);
        Connector {
            name: held.connector.to_string(),
            held: Held {
                people: held.accounts,
                allowed: held.excess.allowed,
                said: format!(
                    "{} accounts that are nobody's would be disabled or deleted there at {}: {}",
                    held.accounts,
                    held.at,
                    how_many_may(&held.excess)
                ),
            },
            already: changes.all(|change| change.already),
        }
    };
    fates.held.iter().map(one).collect()
}

/// Counts what would not be done without the manifests.
pub(super) fn count(totals: &mut Totals, orphans: &[Orphan]) {
    let changes = || {
        let changes = orphans.iter().map(|orphan| &orphan.changes);
        changes.map(|changes| {
            changes
                .iter()
                .filter(|c| !c.already && c.when != When::Never)
        })
    };
    let with = |verb: &str| {
        let of_verb = changes().filter_map(|mut changes| changes.find(|c| c.verb == verb));
        of_verb.count()
    };
    totals.disable_orphans = with("Disable");
    totals.delete_orphans = with("Delete");
    totals.held_orphans = changes().filter(|c| c.clone().any(|c| c.held)).count();
}
