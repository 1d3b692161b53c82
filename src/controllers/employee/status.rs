//! From a plan to the status of an Employee. Derives; decides nothing.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::conditions::{self, Wanted};
use crate::api::employee::{
    AccountState, AccountStatus, EmployeeStatus, EmployeeSummary, GrantState as ShownGrant,
    GrantStatus, HeldRole, MAX_GRANTS, MAX_LISTED, OrphanedCredential,
};
use crate::controllers::app_connector::held::{HELD, told_of_person};
use crate::controllers::employee::readiness::readiness;
use crate::controllers::employee::{
    cleanup, day_one, offboarding, orphans, outcome, outlook, rehire, revoked, upcoming,
};
use crate::controllers::gate;
use crate::controllers::pause::Pause;
use crate::controllers::text;
use crate::controllers::world::{ConnectorEntry, Failure, Person, Realm};
use crate::domain::account::Activity;
use crate::domain::desired::Desired;
use crate::domain::facts::Facts;
use crate::domain::ids::{ConnectorName, RoleName};
use crate::domain::lifecycle::Stage;
use crate::domain::matching::CONFLICTS;
use crate::domain::offboarding::Step as Offboarding;
use crate::domain::problem::{Cure, NOT_APPLIED, Problem};
use crate::domain::record::RecordedAccount;
use crate::domain::roles::Why;
use crate::domain::term::Term;
use crate::plan::offboarding::Stand;
use crate::plan::parts::{GrantPlan, GrantState, Step};
use crate::plan::{AccountPlan, Goal, Operation, PersonPlan};

/// The status that a plan amounts to.
#[must_use]
pub fn derive(
    realm: &Realm,
    person: &Person,
    desired: &Desired,
    plan: &PersonPlan,
    now: Timestamp,
) -> EmployeeStatus {
    let told: Vec<(AccountStatus, Option<&'static str>)> = plan
        .accounts
        .iter()
        .filter_map(|(name, account)| {
            let recorded = plan.record.accounts.get(name);
            // A search for an account of which nothing is known is told until it has ended.
            let concerned = recorded.is_some()
                || account.goal.provides()
                || !account.problems.is_empty()
                || !account.steps.is_empty();
            concerned.then(|| one_account(realm, person, desired, name, account, recorded, now))
        })
        .collect();
    let mut orphans = orphans::of(realm, person, plan, now);
    let unseen = revoked::unseen(realm, desired, plan);
    let unseen_and_untold = revoked::waiting(&unseen, |name| {
        told.iter().any(|(told, _)| told.connector == name.as_str())
    });
    let facts = person.facts.as_ref().ok();
    let missing = facts.and_then(|f| missing_manager(realm, f, desired.lifecycle.stage));
    let stalls = desired.problems().find(|p| p.cure == Cure::EditThis);
    let waiting: Vec<&Problem> = stalls
        .or(desired.problems().next())
        .into_iter()
        .chain(&missing)
        .chain(&unseen_and_untold)
        .collect();
    let mut wanted = if desired.deleting {
        let mut open = told.iter().map(|(account, _)| account);
        cleanup::readiness(open.find(|account| !is_right(account)))
    } else {
        readiness(person, desired, &told, &waiting)
    };
    let accounts = told.into_iter().map(|(account, _)| account);
    let accounts: Vec<AccountStatus> = accounts.take(MAX_LISTED).collect();
    let right = accounts.iter().filter(|a| is_right(a)).count();
    if let Some(revoked) = revoked::condition(desired, plan, &accounts, &unseen) {
        wanted.push(revoked);
    }
    if !orphans.is_empty() {
        wanted.push(Wanted::new(
            conditions::ORPHANED_CREDENTIALS,
            true,
            "CredentialsWithoutGrant",
            text::bounded(&format!(
                "active without a grant: {}",
                text::listed(orphans.iter().map(OrphanedCredential::told))
            )),
        ));
    }
    let orphaned_credentials = i64::try_from(orphans.len()).unwrap_or(i64::MAX);
    orphans.truncate(MAX_LISTED);
    let newest = person.status.newest();
    wanted.extend(day_one::condition(desired, plan));
    wanted.extend(rehire::condition(realm, person, desired));
    let next = upcoming::transition(desired, plan);
    let zone = person
        .facts
        .as_ref()
        .map_or(TimeZone::UTC, |facts| facts.zone.clone());
    wanted.extend(upcoming::roles_ending(desired, &zone, now));
    EmployeeStatus {
        observed_generation: person.meta.generation,
        stage: if desired.deleting {
            // A deletion says nothing of the person's employment.
            newest.stage.clone()
        } else {
            let stage = desired.lifecycle.stage;
            let stage = if plan.retired { Stage::Retired } else { stage };
            Some(stage.word().to_owned())
        },
        departure: if desired.deleting {
            newest.departure
        } else {
            let facts = person.facts.as_deref().ok();
            let ended = desired.lifecycle.stage.ends_access();
            ended.then(|| gate::departure(&newest, facts, now))
        },
        conditions: conditions::merge(&newest.conditions, wanted, person.meta.generation, now),
        summary: Some(EmployeeSummary {
            accounts: format!("{right}/{}", accounts.len()),
            next: next
                .as_ref()
                .map(|next| upcoming::summary(next, now, &zone)),
            orphaned_credentials,
        }),
        next_transition: next,
        last_day: if desired.deleting {
            newest.last_day
        } else {
            gate::last_day(&newest, facts.map(|facts| &**facts), now)
        },
        first_day: day_one::told(plan),
        offboarding: offboarding::told(person, plan, now),
        roles: roles(facts.map(|facts| &**facts), desired, plan),
        accounts,
        orphaned_credentials: orphans,
        last_handled_reconcile_at: person.request.handled(),
    }
}

/// Whether an account is as it should be.
pub(super) fn is_right(account: &AccountStatus) -> bool {
    matches!(
        account.state,
        AccountState::Active
            | AccountState::Prepared
            | AccountState::Disabled
            | AccountState::Deleted
    )
}

fn one_account(
    realm: &Realm,
    person: &Person,
    desired: &Desired,
    name: &ConnectorName,
    account: &AccountPlan,
    recorded: Option<&RecordedAccount>,
    now: Timestamp,
) -> (AccountStatus, Option<&'static str>) {
    let entry = realm.connectors.get(name);
    let pause = Pause::of(realm, person, entry);
    // What is paused is not tried again, whatever was planned before.
    let failure = person
        .failing(name, account, now)
        .filter(|_| pause.is_none());
    let unmarked = entry
        .and_then(|e| e.mark_dropped.as_ref())
        .filter(|id| recorded.is_some_and(|r| r.id.as_ref() == Some(id)));
    let (state, reason, message) = match unmarked {
        Some(id) => (
            AccountState::Conflict,
            Some(outcome::MARK_NOT_KEPT),
            Some(text::bounded(&outcome::mark_not_kept(id))),
        ),
        None => held_back(pause, desired, account)
            .filter(|_| conflict(account).is_none())
            .unwrap_or_else(|| {
                let is_held = entry.is_some_and(|e| e.gate.holds(&person.employee_id));
                let unexplained = unexplained(entry, recorded);
                state(name, entry, account, failure, unexplained, is_held)
            }),
    };
    let status = AccountStatus {
        connector: name.to_string(),
        account_id: recorded
            .and_then(|r| r.id.as_ref())
            .map(ToString::to_string),
        username: recorded
            .and_then(|r| r.username.as_ref())
            .map(ToString::to_string),
        former_usernames: recorded
            .iter()
            .flat_map(|r| &r.former)
            .map(ToString::to_string)
            .collect(),
        state,
        roles: recorded
            .iter()
            .flat_map(|r| &r.roles)
            .map(ToString::to_string)
            .collect(),
        lost_at: recorded.and_then(|r| r.lost_at).map(Time),
        kept_until: account.kept_until.map(Time),
        entitlements: account
            .grants
            .iter()
            .take(MAX_GRANTS)
            .map(|(name, grant)| {
                let recorded = recorded.and_then(|r| r.grants.get(name));
                GrantStatus {
                    name: name.to_string(),
                    state: shown(grant),
                    roles: grant.roles.iter().map(ToString::to_string).collect(),
                    since: recorded.and_then(|r| r.since).map(Time),
                    approved_by: recorded.and_then(|r| r.approved_by.as_deref().map(str::to_owned)),
                    lost_at: recorded.and_then(|r| r.lost_at).map(Time),
                    kept_until: grant.kept_until.map(Time),
                    reason: grant
                        .problem
                        .as_ref()
                        .map(|p| p.reason)
                        .or(grant.kept_until.map(|_| GRACE_PERIOD))
                        .map(str::to_owned),
                }
            })
            .collect(),
        reason: reason.map(str::to_owned),
        message,
        last_verified: recorded.and_then(|r| r.verified_disabled).map(Time),
        retry_at: failure.map(|f| Time(f.retry_at)),
    };
    (status, reason)
}

fn shown(grant: &GrantPlan) -> ShownGrant {
    match grant.state {
        GrantState::Held => ShownGrant::Held,
        GrantState::Pending => ShownGrant::Pending,
        GrantState::Removing => ShownGrant::Removing,
        GrantState::Kept => ShownGrant::Kept,
    }
}

/// State, reason and message of one account.
fn state(
    name: &ConnectorName,
    entry: Option<&ConnectorEntry>,
    account: &AccountPlan,
    failure: Option<&Failure>,
    unexplained: Option<Activity>,
    is_held: bool,
) -> (AccountState, Option<&'static str>, Option<String>) {
    let told = |state, reason: &'static str, message: String| {
        (state, Some(reason), Some(text::bounded(&message)))
    };
    if let Some(conflict) = conflict(account) {
        return told(
            AccountState::Conflict,
            conflict.reason,
            conflict.message.clone(),
        );
    }
    let problem = of_plan(account).find(|p| p.reason != NOT_APPLIED);
    if let Some(failure) = failure {
        let message = format!(
            "{}; tried {} times, and again at {}",
            failure.message, failure.attempts, failure.retry_at
        );
        return told(AccountState::Failed, failure.reason, message);
    }
    if is_held {
        return told(AccountState::Pending, HELD, told_of_person(name));
    }
    let unfinished = !account.steps.is_empty() || account.withheld.is_some();
    let blocked = unfinished || problem.is_some_and(|p| p.reason == "InventoryPending");
    if blocked && let Some((reason, message)) = obstacle(name, entry, account, unfinished) {
        return told(AccountState::Pending, reason, message);
    }
    if let Some(problem) = problem {
        let state = if account.goal == Goal::Kept {
            AccountState::Kept
        } else {
            AccountState::Pending
        };
        return told(state, problem.reason, problem.message.clone());
    }
    if let Some(withheld) = &account.withheld {
        return told(
            AccountState::Pending,
            "WaitingForAdditions",
            format!(
                "to {} waits until everything new is there, at most until {}",
                text::operations(withheld.operations.iter()),
                withheld.until
            ),
        );
    }
    if unfinished {
        return told(
            AccountState::Pending,
            "InProgress",
            format!(
                "to do: {}",
                text::operations(account.steps.iter().map(|s| &s.operation))
            ),
        );
    }
    match account.goal {
        // There, and usable: what it does not take over is told, and keeps nobody waiting.
        Goal::Live => match of_plan(account).find(|p| p.reason == NOT_APPLIED) {
            Some(problem) => told(AccountState::Active, NOT_APPLIED, problem.message.clone()),
            None => (AccountState::Active, None, None),
        },
        Goal::Prepared => (AccountState::Prepared, None, None),
        Goal::Ended if is_gone(account) => (AccountState::Deleted, None, None),
        Goal::Paused | Goal::Ended => (AccountState::Disabled, None, None),
        Goal::Kept if unexplained == Some(Activity::Disabled) => (AccountState::Disabled, None, None),
        Goal::Kept if unexplained.is_some() => told(
            AccountState::Kept,
            "OriginUnknown",
            "no RoleTemplate is known to have given this account: it stays as it is until one gives it, or until someone disables it there".to_owned(),
        ),
        Goal::Kept if account.kept_until.is_some() => told(
            AccountState::Kept,
            GRACE_PERIOD,
            "no role gives this account any more: it is kept for a time (keptUntil), and then taken away, or left to nobody where its AppConnector is gone".to_owned(),
        ),
        Goal::Kept => told(
            AccountState::Kept,
            "PolicyUndecided",
            "kept as it is, as the role that gave it is broken or has disappeared".to_owned(),
        ),
    }
}

/// Whether the account was seen to be gone since its owner left.
fn is_gone(account: &AccountPlan) -> bool {
    let mut steps = account.offboarding.iter();
    steps.any(|s| {
        s.step == Offboarding::Delete && matches!(&s.stand, Stand::Reached(r) if r.verified)
    })
}

fn first_problem(account: &AccountPlan) -> Option<&Problem> {
    of_plan(account).next()
}

fn of_plan(account: &AccountPlan) -> impl Iterator<Item = &Problem> {
    let of_grants = account.grants.values().filter_map(|g| g.problem.as_ref());
    account.problems.iter().chain(of_grants)
}

fn conflict(account: &AccountPlan) -> Option<&Problem> {
    first_problem(account).filter(|p| CONFLICTS.contains(&p.reason))
}

/// What a pause keeps back, and would be done without it. Access that has ended and stays open for it
/// has a word of its own.
fn held_back(
    pause: Option<Pause>,
    desired: &Desired,
    account: &AccountPlan,
) -> Option<(AccountState, Option<&'static str>, Option<String>)> {
    let pause = pause?.told();
    let would = outlook::would_do(account);
    if !would.iter().any(Operation::is_write) {
        return None;
    }
    let would = text::operations(would.iter().filter(|o| o.is_write()));
    let (reason, message) = if desired.lifecycle.stage.is_urgent_end() {
        let message =
            format!("access has ended, and the pause keeps it as it is; {pause}; to do: {would}");
        (LEAVER_HELD, message)
    } else {
        (PAUSED, format!("{pause}; to do: {would}"))
    };
    let message = text::bounded(&message);
    Some((AccountState::Pending, Some(reason), Some(message)))
}

/// How an account stands that no role is known to have given.
fn unexplained(
    entry: Option<&ConnectorEntry>,
    recorded: Option<&RecordedAccount>,
) -> Option<Activity> {
    let id = recorded.filter(|r| r.roles.is_empty())?.id.as_ref()?;
    entry?.inventory.by_id(id).map(|account| account.activity)
}

/// What at the connector keeps an account from being worked on.
fn obstacle(
    name: &ConnectorName,
    entry: Option<&ConnectorEntry>,
    account: &AccountPlan,
    unfinished: bool,
) -> Option<(&'static str, String)> {
    let entry = entry?;
    if let Some((error, _)) = &entry.unavailable {
        let message = format!(
            "{name} can't be used at present: {}. It is tried again by itself, at least every 5 minutes; when next stands in status.retryAt of the AppConnector",
            error.message
        );
        return Some((error.kind.reason(), message));
    }
    if entry.running.is_none()
        && let Some(problem) = entry.problems.first()
    {
        let message = format!("the AppConnector {name} waits: {}", problem.message);
        return Some((problem.reason, message));
    }
    let creates = |step: &Step| matches!(step.operation, Operation::Create(_));
    if let Some(account_id) = &entry.mark_dropped
        && account.steps.iter().any(creates)
    {
        return Some((outcome::MARK_NOT_KEPT, outcome::mark_not_kept(account_id)));
    }
    let dry_run = entry.compiled.as_ref().is_some_and(|c| c.spec.dry_run);
    (dry_run && unfinished).then(|| {
        let would = text::operations(outlook::would_do(account).iter());
        let message = format!("the AppConnector is in mode DryRun; Enforce would {would}");
        ("DryRun", message)
    })
}

/// Reason of what no role gives any more, and that is kept for a time.
pub const GRACE_PERIOD: &str = "GracePeriod";

/// Reason of an account where a pause keeps something back.
pub const PAUSED: &str = "Paused";

/// The same where what is kept back is the end of access.
pub const LEAVER_HELD: &str = "LeaverHeld";

/// A manager who does not exist (yet) is waited for by nothing but the status: a name that is mistyped
/// would never be noticed otherwise. Whoever left needs none.
fn missing_manager(realm: &Realm, facts: &Facts, stage: Stage) -> Option<Problem> {
    let manager = facts.manager.as_ref()?;
    (!stage.ends_access() && !realm.people.contains_key(manager)).then(|| {
        Problem::waiting(
            "ManagerMissing",
            format!(
                "spec.managerRef names the Employee {manager}, which does not exist (yet): create it, or mend the name; until then manager attributes stay as they are, and nothing else waits for it"
            ),
        )
    })
}

fn roles(facts: Option<&Facts>, desired: &Desired, plan: &PersonPlan) -> Vec<HeldRole> {
    let one = |(name, why): (&RoleName, &Why)| {
        let named = facts.filter(|_| *why == Why::Explicit);
        let term = named.and_then(|facts| facts.term(name));
        let said = |part: fn(&Term) -> Option<&str>| term.and_then(part).map(str::to_owned);
        HeldRole {
            name: name.to_string(),
            why: why.to_string(),
            until: term.and_then(|term| term.until).map(|day| day.to_string()),
            approved_by: said(|term| term.approved_by.as_deref()),
            reason: said(|term| term.reason.as_deref()),
            ticket: said(|term| term.ticket.as_deref()),
            kept: desired
                .roles
                .undecided
                .get(name)
                .map(|problem| problem.message.clone())
                .or_else(|| {
                    desired.roles.vanished.contains_key(name).then(|| {
                        "its RoleTemplate disappeared; what it gave is kept for an hour".to_owned()
                    })
                }),
        }
    };
    plan.record.roles.iter().take(MAX_LISTED).map(one).collect()
}
