//! What a role gave stays for a time after it is lost, where its template says so.

use jiff::SignedDuration;
use jiff::civil::date;

use super::accounts::{dir, held, reasons, verbs};
use super::town::Town;
use crate::domain::account::Activity;
use crate::domain::fixtures::{person, template};
use crate::domain::term::Term;
use crate::plan::parts::GrantState;
use crate::plan::{AccountPlan, Goal};

/// Ada is in Marketing, whose role gives `mkt` in the directory, and keeps it for three days after it is lost.
fn town(everyone: bool) -> Town {
    let mut town = Town::new(&[("dir", &["all", "mkt", "new"]), ("chat", &["all"])]);
    if everyone {
        town.teach(template("all").matching("true").giving("dir", &["all"]));
    }
    town.teach(
        template("mkt")
            .matching("employee.department == 'Marketing'")
            .giving("dir", &["mkt"])
            .keeping(SignedDuration::from_hours(72)),
    );
    town.hire(person("1"));
    town.settle("1");
    town
}

fn state(plan: &AccountPlan) -> GrantState {
    plan.grants["mkt"].state
}

#[test]
fn a_grant_stays_for_its_time_of_grace_and_then_goes() {
    let mut town = town(true);
    town.person("1").department = "Sales".into();
    town.settle("1");
    let plan = dir(&mut town);
    let until = town.now + SignedDuration::from_hours(72);
    assert_eq!(
        (state(&plan), plan.grants["mkt"].kept_until),
        (GrantState::Kept, Some(until))
    );
    assert_eq!(town.look("1").plan.wake_at, Some(until));
    town.pass(71);
    town.settle("1");
    assert_eq!(held(&town), ["all", "mkt"]);
    town.pass(1);
    town.settle("1");
    assert_eq!(held(&town), ["all"]);
}

#[test]
fn an_account_stays_for_its_time_of_grace_and_is_then_shut() {
    let mut town = town(false);
    town.person("1").department = "Sales".into();
    town.settle("1");
    let plan = dir(&mut town);
    let until = town.now + SignedDuration::from_hours(72);
    assert_eq!((plan.goal, plan.kept_until), (Goal::Kept, Some(until)));
    assert_eq!(reasons(&plan), [""; 0]);
    town.pass(72);
    town.settle("1");
    assert_eq!(
        town.account("dir", "1").unwrap().activity,
        Activity::Disabled
    );
}

#[test]
fn who_comes_back_in_time_keeps_it_and_the_next_loss_has_a_time_of_its_own() {
    let mut town = town(true);
    for _ in 0..3 {
        town.person("1").department = "Sales".into();
        town.settle("1");
        town.pass(60);
        town.settle("1");
        town.person("1").department = "Marketing".into();
        town.settle("1");
        assert_eq!(state(&dir(&mut town)), GrantState::Held);
    }
}

#[test]
fn there_is_none_for_a_leaver() {
    let mut town = town(true);
    town.person("1").department = "Sales".into();
    town.settle("1");
    town.person("1").end = Some(date(2026, 6, 14));
    town.settle("1");
    assert_eq!(held(&town), [""; 0]);
    assert_eq!(
        town.account("dir", "1").unwrap().activity,
        Activity::Disabled
    );
}

#[test]
fn there_is_none_for_a_role_whose_own_time_is_over() {
    let mut town = town(true);
    town.person("1").department = "Sales".into();
    town.person("1").roles = vec!["mkt".into()].into();
    town.person("1").terms = vec![Term {
        until: Some(date(2026, 6, 15)),
        ..Term::of("mkt".into())
    }]
    .into();
    town.settle("1");
    assert_eq!(held(&town), ["all", "mkt"]);
    town.pass(13);
    town.settle("1");
    assert_eq!(held(&town), ["all"]);
}

/// How long a removal waits for what is new is counted from the end of the grace: it would be over before it
/// began else.
#[test]
fn removals_wait_for_additions_after_it_as_ever() {
    let mut town = town(true);
    town.teach(
        template("sales")
            .matching("employee.department == 'Sales'")
            .giving("chat", &["nowhere"]),
    );
    town.person("1").department = "Sales".into();
    town.settle("1");
    town.pass(72);
    town.settle("1");
    let plan = dir(&mut town);
    assert_eq!(verbs(&mut town), [""; 0]);
    let withheld = plan.withheld.unwrap();
    assert_eq!(withheld.until, town.now + SignedDuration::from_hours(24));
    town.pass(24);
    assert_eq!(reasons(&dir(&mut town)), ["HoldExpired"]);
    town.settle("1");
    assert_eq!(held(&town), ["all"]);
}
