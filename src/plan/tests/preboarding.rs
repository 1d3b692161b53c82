//! Accounts that are made ready before the first day, and what is said of it, on a model of the targets.

use jiff::civil::date;

use super::accounts::{dir, held, reasons, verbs};
use super::town::Town;
use crate::domain::account::Activity;
use crate::domain::facts::Employment;
use crate::domain::fixtures::{at, connector, person, template};
use crate::domain::policy::{Adopt, ConnectorSpec, MatchingSpec};
use crate::domain::preparation::{Preboarding, UntilStart};
use crate::plan::{Goal, Lane};

fn early(accounts: UntilStart) -> ConnectorSpec {
    ConnectorSpec {
        preboarding: Preboarding {
            days: 7,
            accounts,
            cannot_disable: false,
        },
        ..connector("dir")
    }
}

/// Ada starts on the 20th of June, five days from now. She will have `all`, and `vault` on the first day
/// and no earlier.
fn town(accounts: UntilStart) -> Town {
    let mut town = Town::new(&[("dir", &["all", "vault", "old"])]);
    town.connect(early(accounts));
    town.teach(template("all").matching("true").giving("dir", &["all"]));
    town.teach(
        template("vault")
            .matching("employee.department == 'Marketing'")
            .giving("dir", &["vault"])
            .days_before_start(0),
    );
    town.hire(person("1"));
    town.person("1").start = date(2026, 6, 20);
    town
}

fn activity(town: &Town) -> Activity {
    town.account("dir", "1").unwrap().activity
}

fn readiness(town: &mut Town) -> (usize, usize) {
    let readiness = town.look("1").plan.first_day.unwrap();
    (readiness.missing.len(), readiness.later.len())
}

#[test]
fn an_account_is_made_disabled_with_what_it_may_hold_and_opened_when_the_day_begins() {
    let mut town = town(UntilStart::Disabled);
    let plan = dir(&mut town);
    assert_eq!(
        (plan.goal, plan.steps[0].lane),
        (Goal::Prepared, Lane::Joiner)
    );
    assert_eq!(readiness(&mut town), (1, 1));
    town.settle("1");
    assert_eq!(
        (activity(&town), held(&town)),
        (Activity::Disabled, vec!["all".to_owned()])
    );
    assert!(dir(&mut town).is_settled());
    assert_eq!(readiness(&mut town), (0, 1), "the vault comes on the day");
    assert_eq!(town.record("1").first_day, None);
    assert_eq!(
        town.look("1").plan.wake_at,
        Some(at("2026-06-20T00:00:00Z"))
    );

    town.now = at("2026-06-20T00:00:00Z");
    assert_eq!(verbs(&mut town), ["Enable", "AddEntitlements"]);
    town.settle("1");
    assert_eq!(
        (activity(&town), held(&town)),
        (Activity::Active, vec!["all".to_owned(), "vault".to_owned()])
    );
    let ready = town.record("1").first_day.clone().unwrap();
    assert_eq!((ready.date, ready.ready_at), (date(2026, 6, 20), town.now));
}

#[test]
fn an_account_that_can_be_used_early_gets_the_rest_on_the_day() {
    let mut town = town(UntilStart::Enabled);
    town.teach(
        template("mail")
            .matching("true")
            .giving("dir", &["old"])
            .days_before_start(7),
    );
    town.settle("1");
    assert_eq!(
        (activity(&town), held(&town)),
        (Activity::Active, vec!["old".to_owned()])
    );
    town.now = at("2026-06-20T00:00:00Z");
    town.settle("1");
    assert_eq!(held(&town), ["all", "old", "vault"]);
}

#[test]
fn a_first_day_that_moves_away_shuts_the_account_and_leaves_it_what_it_holds() {
    let mut town = town(UntilStart::Disabled);
    town.now = at("2026-06-20T00:00:00Z");
    town.settle("1");
    assert!(town.record("1").first_day.is_some());
    // Into the time of preparation: what would come later stays where it is, and can't be used.
    town.person("1").start = date(2026, 6, 25);
    town.settle("1");
    assert_eq!(
        (activity(&town), held(&town)),
        (
            Activity::Disabled,
            vec!["all".to_owned(), "vault".to_owned()]
        )
    );
    assert_eq!(town.record("1").first_day, None, "it is another first day");
    // Beyond it.
    town.person("1").start = date(2026, 8, 1);
    town.settle("1");
    assert_eq!(
        (activity(&town), held(&town)),
        (
            Activity::Disabled,
            vec!["all".to_owned(), "vault".to_owned()]
        )
    );
    // And back.
    town.person("1").start = date(2026, 6, 20);
    town.settle("1");
    assert_eq!(activity(&town), Activity::Active);
    assert_eq!(
        town.record("1").first_day.clone().unwrap().date,
        date(2026, 6, 20)
    );
}

#[test]
fn whoever_changes_the_department_before_the_first_day_is_prepared_for_the_new_one() {
    let mut town = town(UntilStart::Disabled);
    town.teach(
        template("old")
            .matching("employee.department == 'Marketing'")
            .giving("dir", &["old"]),
    );
    town.settle("1");
    assert_eq!(held(&town), ["all", "old"]);
    town.person("1").department = "Sales".into();
    town.settle("1");
    assert_eq!(held(&town), ["all"]);
    assert_eq!(activity(&town), Activity::Disabled);
}

#[test]
fn the_emergency_brake_holds_before_the_first_day() {
    let mut town = town(UntilStart::Enabled);
    town.settle("1");
    town.person("1").employment = Employment::Suspended;
    assert_eq!(dir(&mut town).steps[0].lane, Lane::Leaver);
    town.settle("1");
    assert_eq!(activity(&town), Activity::Disabled);
    town.person("1").employment = Employment::Active;
    town.settle("1");
    assert_eq!(activity(&town), Activity::Active);
}

#[test]
fn an_account_that_was_there_before_is_taken_over_on_the_day_and_no_second_one_is_made() {
    let mut town = town(UntilStart::Disabled);
    town.connect(ConnectorSpec {
        matching: MatchingSpec {
            rules: vec![(None, "'ada'".to_owned())],
            adopt: Adopt::WhenUnique,
            listed: Vec::new(),
        },
        ..early(UntilStart::Disabled)
    });
    town.target("dir").put("ada", None);
    town.settle("1");
    assert_eq!(reasons(&dir(&mut town)), ["AdoptedOnFirstDay"]);
    assert_eq!(town.targets["dir"].accounts.len(), 1);
    assert!(town.account("dir", "1").is_none());
    assert_eq!(readiness(&mut town).0, 1);
    town.now = at("2026-06-20T00:00:00Z");
    town.settle("1");
    assert_eq!(activity(&town), Activity::Active);
    assert_eq!(town.targets["dir"].accounts.len(), 1);
}

#[test]
fn what_was_in_place_on_the_first_day_is_not_unsaid_by_what_comes_after() {
    let mut town = town(UntilStart::Disabled);
    town.now = at("2026-06-20T00:00:00Z");
    town.settle("1");
    let ready = town.record("1").first_day.clone();
    assert!(ready.is_some());
    town.pass(48);
    town.teach(
        template("more")
            .matching("true")
            .giving("dir", &["old", "missing"]),
    );
    town.settle("1");
    assert_eq!(readiness(&mut town).0, 1);
    assert_eq!(town.record("1").first_day, ready);
    town.person("1").end = Some(date(2026, 6, 21));
    town.settle("1");
    assert_eq!(town.record("1").first_day, ready);
}

#[test]
fn a_broken_connector_makes_nothing_and_keeps_nothing_open_before_the_first_day() {
    let mut town = town(UntilStart::Disabled);
    let broken = ConnectorSpec {
        usernames: vec!["nonsense(".to_owned()],
        ..early(UntilStart::Disabled)
    };
    town.connect(broken.clone());
    town.settle("1");
    assert!(town.targets["dir"].accounts.is_empty());
    town.target("dir").put("ada", Some("acme/people/1"));
    town.settle("1");
    assert_eq!(activity(&town), Activity::Disabled);
    assert_eq!(readiness(&mut town).0, 1);
}
