//! What is told of dates to come: the next change of stage, and roles whose time is over soon.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::conditions::{self, Wanted};
use crate::api::employee::NextTransition;
use crate::controllers::text;
use crate::domain::desired::Desired;
use crate::domain::ids::RoleName;
use crate::domain::lifecycle::Stage;
use crate::domain::term::End;
use crate::plan::PersonPlan;
use crate::plan::offboarding::Stand;

/// Ends of roles that come while the person still works.
fn ends(desired: &Desired) -> impl Iterator<Item = &End> {
    let lifecycle = &desired.lifecycle;
    let departs = lifecycle
        .next
        .as_ref()
        .filter(|n| n.stage == Stage::Departed);
    let last = departs.map(|next| next.at);
    let gone = lifecycle.stage.ends_access();
    let ends = desired.role_ends.iter();
    ends.filter(move |end| !gone && last.is_none_or(|last| end.at < last))
}

/// The next dated change.
pub(super) fn transition(desired: &Desired, plan: &PersonPlan) -> Option<NextTransition> {
    if desired.lifecycle.stage.ends_access() && desired.lifecycle.next.is_none() {
        return retirement(plan);
    }
    let stage = desired.lifecycle.next.as_ref();
    let end = ends(desired).next();
    let at = stage.map(|next| next.at).into_iter();
    let at = at.chain(end.map(|end| end.at)).min()?;
    let stage = stage.filter(|next| next.at == at);
    let end = end.filter(|end| end.at == at);
    Some(NextTransition {
        at: Time(at),
        stage: stage.map(|next| next.stage.word().to_owned()),
        roles_ending: end
            .into_iter()
            .flat_map(|end| &end.roles)
            .map(ToString::to_string)
            .collect(),
    })
}

/// When the last account was kept for its time, where nothing else is waited for.
fn retirement(plan: &PersonPlan) -> Option<NextTransition> {
    let steps = || {
        plan.accounts
            .values()
            .flat_map(|account| &account.offboarding)
    };
    let ends = steps().filter_map(|step| match step.stand {
        Stand::Until(at) => Some(at),
        _ => None,
    });
    let at = ends.max()?;
    let is_certain =
        steps().all(|step| step.stand.is_final() || matches!(step.stand, Stand::Until(_)));
    is_certain.then(|| NextTransition {
        at: Time(at),
        stage: Some(Stage::Retired.word().to_owned()),
        roles_ending: Vec::new(),
    })
}

/// The same in a few words: `Departed 1 Jan`. The year is told where it is not this one.
pub(super) fn summary(next: &NextTransition, now: Timestamp, zone: &TimeZone) -> String {
    let at = next.at.0.to_zoned(zone.clone());
    let this_year = now.to_zoned(zone.clone()).year() == at.year();
    let date = at.strftime(if this_year { "%-d %b" } else { "%-d %b %Y" });
    match (&next.stage, next.roles_ending.as_slice()) {
        (Some(stage), _) => format!("{stage} {date}"),
        (None, [one]) => format!("{one} ends {date}"),
        (None, several) => format!("{} roles end {date}", several.len()),
    }
}

/// Told a while before roles end.
pub(super) fn roles_ending(desired: &Desired, zone: &TimeZone, now: Timestamp) -> Option<Wanted> {
    let soon = ends(desired).filter(|end| end.told_from() <= now);
    let told = soon.flat_map(|end| {
        let last_day = last_day(end, zone);
        end.roles.iter().map(move |role| one(role, &last_day))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| {
        let message = format!(
            "held for a time, and taken away when the last day is over: {}. To go on, set a later date in spec.roles",
            text::listed(told)
        );
        Wanted::new(
            conditions::ROLES_ENDING,
            true,
            "TermEnds",
            text::bounded(&message),
        )
    })
}

fn one(role: &RoleName, last_day: &str) -> String {
    format!("{role} until {last_day}")
}

fn last_day(end: &End, zone: &TimeZone) -> String {
    let before = end.at.saturating_sub(SignedDuration::from_secs(1));
    before
        .unwrap_or(end.at)
        .to_zoned(zone.clone())
        .date()
        .to_string()
}
