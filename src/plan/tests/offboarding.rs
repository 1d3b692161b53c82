//! What is done with an account after the last day: each step once, in its order, remembered, and nothing deleted
//! before its time.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::date;

use super::accounts::{dir, reasons, verbs};
use super::target::Fate;
use super::town::Town;
use crate::domain::credentials::CredentialKind;
use crate::domain::fixtures::{connector, person, template};
use crate::domain::ids::Username;
use crate::domain::offboarding::{Abilities, LeaverPolicy, Step};
use crate::domain::policy::ConnectorSpec;
use crate::domain::problem::Problem;
use crate::plan::offboarding::Stand;
use crate::plan::{NO_SUCCESSOR, NOT_WRITTEN_TO, Successor};

fn able() -> Abilities {
    Abilities {
        disable: true,
        rename: true,
        revokes: BTreeSet::from([CredentialKind::Sessions, CredentialKind::Passwords]),
        ownership: true,
        delete: true,
    }
}

/// All that can be asked for: a month until the account is deleted.
fn everything() -> LeaverPolicy {
    LeaverPolicy {
        revoke: BTreeSet::from([
            CredentialKind::Sessions,
            CredentialKind::Keys,
            CredentialKind::Passwords,
        ]),
        transfer: true,
        fallback: None,
        retain: SignedDuration::from_hours(30 * 24),
        delete: true,
        able: Some(able()),
    }
}

fn with(leaver: LeaverPolicy) -> ConnectorSpec {
    ConnectorSpec {
        leaver,
        ..connector("dir")
    }
}

/// Ada has `all`, owns a table, and her last day was yesterday; Grace gets what she owns.
fn town(leaver: LeaverPolicy) -> Town {
    let mut town = Town::new(&[("dir", &["all"])]);
    town.connect(with(leaver));
    town.teach(template("all").matching("true").giving("dir", &["all"]));
    town.hire(person("1"));
    town.settle("1");
    let ada = town.account("dir", "1").unwrap().id.clone();
    let grace = town.target("dir").put("grace", None);
    let target = town.target("dir");
    target.owned.insert(ada, vec!["orders"]);
    target.successor = Some(Ok(Successor {
        account: grace,
        username: Username::new("grace"),
    }));
    town.person("1").end = Some(date(2026, 6, 14));
    town
}

/// Each step and where it stands, in a word.
fn told(town: &mut Town) -> Vec<(Step, &'static str)> {
    let word = |stand: &Stand| match stand {
        Stand::Due => "due",
        Stand::Until(_) => "until",
        Stand::Waiting(problem) => problem.reason,
        Stand::Reached(reached) if reached.verified => "verified",
        Stand::Reached(_) => "requested",
        Stand::NotPossible(_) => "not possible",
    };
    let steps = dir(town).offboarding;
    steps.iter().map(|s| (s.step, word(&s.stand))).collect()
}

fn step(town: &mut Town, step: Step) -> &'static str {
    let told = told(town);
    told.iter().find(|(s, _)| *s == step).unwrap().1
}

fn everything_but_the_end(town: &mut Town) {
    use CredentialKind::{Keys, Passwords, Sessions};
    assert_eq!(
        told(town),
        [
            (Step::Disable, "verified"),
            (Step::Revoke(Sessions), "verified"),
            (Step::Revoke(Keys), "not possible"),
            (Step::Revoke(Passwords), "verified"),
            (Step::TransferOwnership, "verified"),
            (Step::RemoveEntitlements, "verified"),
            (Step::Retain, "until"),
            (Step::Delete, "until"),
        ]
    );
}

#[test]
fn each_step_is_taken_once_and_in_its_order() {
    let mut town = town(everything());
    assert_eq!(
        verbs(&mut town),
        [
            "Disable",
            "RemoveEntitlements",
            "RevokeSessions",
            "RevokePasswords",
            "TransferOwnership"
        ]
    );
    town.settle("1");
    everything_but_the_end(&mut town);
    let target = &town.targets["dir"];
    assert_eq!(target.revoked.len(), 2);
    assert_eq!(target.owned.len(), 1);
    assert!(town.record("1").offboarded_at.is_some());
    let offboarding = town.record("1").accounts[&"dir".into()]
        .offboarding
        .clone()
        .unwrap();
    assert!(offboarding.steps.values().all(|done| done.attempts <= 1));
    assert!(offboarding.held.contains("all"));

    // Nothing more until the month is over, and then the account goes.
    town.pass(30 * 24 - 1);
    assert_eq!(verbs(&mut town), [""; 0]);
    assert!(!town.look("1").plan.retired);
    town.pass(1);
    town.settle("1");
    assert!(town.account("dir", "1").is_none());
    assert!(
        told(&mut town)
            .iter()
            .all(|(_, word)| ["verified", "not possible"].contains(word))
    );
    assert!(town.look("1").plan.retired);
    // What was done stays known, and is not done again.
    town.pass(1000);
    assert_eq!(verbs(&mut town), [""; 0]);
    assert!(town.look("1").plan.retired);
}

#[test]
fn what_is_not_asked_for_is_not_done() {
    let quiet = LeaverPolicy {
        retain: SignedDuration::from_hours(48),
        able: Some(able()),
        ..LeaverPolicy::default()
    };
    let mut town = town(quiet);
    town.settle("1");
    assert_eq!(
        told(&mut town),
        [
            (Step::Disable, "verified"),
            (Step::RemoveEntitlements, "verified"),
            (Step::Retain, "until")
        ]
    );
    town.pass(48);
    town.settle("1");
    assert!(town.look("1").plan.retired);
    assert!(town.account("dir", "1").is_some());
}

#[test]
fn a_legal_hold_keeps_the_account_until_it_is_lifted() {
    let mut town = town(everything());
    town.person("1").legal_hold = Some("matter 12".into());
    town.settle("1");
    town.pass(100 * 24);
    town.settle("1");
    assert!(town.account("dir", "1").is_some());
    assert_eq!(step(&mut town, Step::Delete), "LegalHold");
    town.person("1").legal_hold = None;
    town.settle("1");
    assert!(town.account("dir", "1").is_none());
}

#[test]
fn nothing_is_deleted_before_what_it_owns_has_an_owner() {
    let mut town = town(everything());
    let someone = town.target("dir").successor.take();
    town.target("dir").successor = Some(Err(Problem::waiting(NO_SUCCESSOR, "nobody".to_owned())));
    town.settle("1");
    assert_eq!(reasons(&dir(&mut town)), [NO_SUCCESSOR]);
    assert_eq!(
        step(&mut town, Step::Disable),
        "verified",
        "nothing else waits for it"
    );
    assert_eq!(town.record("1").offboarded_at, None);
    town.pass(100 * 24);
    town.settle("1");
    assert!(town.account("dir", "1").is_some());
    town.target("dir").successor = someone;
    town.settle("1");
    assert!(town.account("dir", "1").is_none());
}

/// An edit that has accounts deleted gives each of them its time from then on.
#[test]
fn an_edit_of_the_policy_deletes_nobody_at_once() {
    let keep = LeaverPolicy {
        delete: false,
        ..everything()
    };
    let mut town = town(keep);
    town.settle("1");
    town.pass(1000 * 24);
    town.settle("1");
    town.connect(with(everything()));
    town.settle("1");
    assert!(town.account("dir", "1").is_some());
    town.pass(30 * 24 - 1);
    town.settle("1");
    assert!(town.account("dir", "1").is_some());
    town.pass(1);
    town.settle("1");
    assert!(town.account("dir", "1").is_none());
}

/// So do a shorter time, a trial without writes, and a pause.
#[test]
fn nothing_that_changes_about_a_connector_deletes_at_once() {
    let shorter = || {
        with(LeaverPolicy {
            retain: SignedDuration::from_hours(24),
            ..everything()
        })
    };
    let trial = || ConnectorSpec {
        dry_run: true,
        ..with(everything())
    };
    for trial_first in [false, true] {
        let mut town = town(everything());
        town.settle("1");
        if trial_first {
            town.connect(trial());
        }
        town.pass(29 * 24);
        town.settle("1");
        let before = dir(&mut town).offboarding;
        town.pass(24);
        town.connect(if trial_first { trial() } else { shorter() });
        if trial_first {
            assert_eq!(step(&mut town, Step::Delete), NOT_WRITTEN_TO);
            assert_eq!(
                dir(&mut town).offboarding,
                before,
                "a status that stands still"
            );
            town.connect(with(everything()));
        }
        town.settle("1");
        assert!(
            town.account("dir", "1").is_some(),
            "trial first: {trial_first}"
        );
        let hours = if trial_first { 30 * 24 } else { 24 };
        town.pass(hours - 1);
        town.settle("1");
        assert!(town.account("dir", "1").is_some());
        town.pass(1);
        town.settle("1");
        assert!(town.account("dir", "1").is_none());
    }
}

#[test]
fn who_comes_back_begins_anew_also_after_the_account_was_deleted() {
    for hours in [1, 31 * 24] {
        let mut town = town(everything());
        town.settle("1");
        town.pass(hours);
        town.settle("1");
        town.person("1").end = None;
        town.settle("1");
        let account = town.account("dir", "1").unwrap().clone();
        assert_eq!(account.username, Username::new("ada.lovelace"));
        assert_eq!(town.record("1").accounts[&"dir".into()].offboarding, None);
        assert_eq!(town.record("1").offboarded_at, None);
        town.target("dir").revoked.clear();
        town.person("1").end = Some(date(2026, 7, 1));
        town.pass(100 * 24);
        town.settle("1");
        assert_eq!(
            town.targets["dir"].revoked.len(),
            2,
            "a second end is a second offboarding"
        );
    }
}

#[test]
fn an_account_that_somebody_deleted_is_told_as_gone() {
    for dry_run in [false, true] {
        let mut town = town(everything());
        town.settle("1");
        town.connect(ConnectorSpec {
            dry_run,
            ..with(everything())
        });
        let id = town.account("dir", "1").unwrap().id.clone();
        town.target("dir").accounts.remove(&id);
        town.settle("1");
        for gone in [Step::Retain, Step::Delete] {
            assert_eq!(step(&mut town, gone), "verified", "dry run: {dry_run}");
        }
        assert!(town.look("1").plan.retired);
    }
}

#[test]
fn what_was_done_stays_told_while_the_target_cannot_be_seen() {
    let mut town = town(everything());
    town.settle("1");
    let since = town.record("1").offboarded_at;
    town.target("dir").unreadable = true;
    town.settle("1");
    assert_eq!(step(&mut town, Step::Disable), "verified");
    assert_eq!(town.record("1").offboarded_at, since);
    town.target("dir").unreadable = false;
    town.settle("1");
    everything_but_the_end(&mut town);
}

#[test]
fn a_lost_answer_repeats_a_step_and_loses_none() {
    let mut town = town(everything());
    for fate in [Fate::AnswerLost, Fate::RequestLost, Fate::AnswerLost] {
        town.target("dir").next_write = fate;
        town.settle("1");
    }
    everything_but_the_end(&mut town);
    town.pass(30 * 24);
    town.target("dir").next_write = Fate::AnswerLost;
    town.settle("1");
    assert!(town.account("dir", "1").is_none());
    assert!(town.look("1").plan.retired);
}

#[test]
fn leave_and_suspension_are_no_end_of_employment() {
    for employment in [
        crate::domain::facts::Employment::OnLeave,
        crate::domain::facts::Employment::Suspended,
    ] {
        let mut town = town(everything());
        town.person("1").end = None;
        town.person("1").employment = employment;
        town.settle("1");
        assert!(dir(&mut town).offboarding.is_empty());
        assert!(town.targets["dir"].revoked.is_empty());
    }
}
