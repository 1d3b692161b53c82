//! A person's accounts together: additions before removals, and what is kept for lack of certainty.

use jiff::SignedDuration;

use super::town::Town;
use crate::domain::account::Activity;
use crate::domain::fixtures::{connector, person, template};
use crate::domain::record::Record;
use crate::plan::Operation;

/// Ada of Marketing, with `mkt` and `all` in the directory and an account in the chat. In Dev she
/// would have `dev` and `all` in the directory and an account in git.
fn town() -> Town {
    let mut town = Town::new(&[
        ("chat", &["mkt"]),
        ("dir", &["all", "dev", "mkt"]),
        ("git", &["dev"]),
    ]);
    town.teach(
        template("mkt")
            .matching("employee.department == 'Marketing'")
            .giving("chat", &["mkt"])
            .giving("dir", &["all", "mkt"]),
    );
    town.teach(
        template("dev")
            .matching("employee.department == 'Dev'")
            .giving("git", &["dev"])
            .giving("dir", &["all", "dev"]),
    );
    town.hire(person("1"));
    town.settle("1");
    town
}

fn steps(town: &mut Town, name: &str) -> Vec<&'static str> {
    let plan = town.look("1").plan;
    let steps = plan.accounts.get(name).map(|a| a.steps.clone());
    let steps = steps.unwrap_or_default();
    steps.iter().map(|s| s.operation.verb()).collect()
}

fn withheld(town: &mut Town, name: &str) -> Vec<&'static str> {
    let plan = town.look("1").plan;
    let withheld = plan.accounts[name].withheld.clone();
    let operations = withheld.map(|w| w.operations).unwrap_or_default();
    operations.iter().map(Operation::verb).collect()
}

fn held(town: &Town, name: &str) -> Vec<String> {
    let id = town.account(name, "1").unwrap().id.clone();
    let held = town.targets[name].held(&id);
    held.iter().map(ToString::to_string).collect()
}

fn transfer(town: &mut Town) {
    town.person("1").department = "Dev".into();
}

#[test]
fn a_mover_loses_nothing_before_everything_new_is_there() {
    let mut town = town();
    town.target("git").unreadable = true;
    transfer(&mut town);
    assert_eq!(steps(&mut town, "dir"), ["AddEntitlements"]);
    assert_eq!(withheld(&mut town, "dir"), ["RemoveEntitlements"]);
    assert_eq!(
        withheld(&mut town, "chat"),
        ["Disable", "RemoveEntitlements"]
    );
    town.settle("1");
    assert_eq!(held(&town, "dir"), ["all", "dev", "mkt"]);
    town.target("git").unreadable = false;
    town.settle("1");
    assert_eq!(held(&town, "dir"), ["all", "dev"]);
    assert_eq!(held(&town, "git"), ["dev"]);
    assert_eq!(held(&town, "chat"), [""; 0]);
    let chat = town.account("chat", "1").unwrap();
    assert_eq!(chat.activity, Activity::Disabled);
}

#[test]
fn removals_wait_no_longer_than_the_hold_time() {
    let mut town = town();
    town.disconnect("git");
    transfer(&mut town);
    town.settle("1");
    let until = town
        .now
        .checked_add(SignedDuration::from_hours(24))
        .unwrap();
    let plan = town.look("1").plan;
    assert_eq!(
        plan.accounts["dir"].withheld.as_ref().map(|w| w.until),
        Some(until)
    );
    assert_eq!(plan.wake_at, Some(until));
    town.pass(23);
    assert_eq!(withheld(&mut town, "dir"), ["RemoveEntitlements"]);
    town.settle("1");
    town.pass(1);
    assert_eq!(steps(&mut town, "dir"), ["RemoveEntitlements"]);
    town.settle("1");
    assert_eq!(held(&town, "dir"), ["all", "dev"]);
}

/// She moves twice, and what is new never comes: what she lost by the second move waits as long as what
/// she lost by the first.
#[test]
fn each_move_has_its_own_hold_time() {
    let mut town = town();
    town.disconnect("git");
    town.teach(
        template("all")
            .matching("employee.department != 'Sales'")
            .giving("dir", &["all"]),
    );
    transfer(&mut town);
    town.settle("1");
    town.pass(23);
    town.person("1").department = "Sales".into();
    town.teach(
        template("sales")
            .matching("employee.department == 'Sales'")
            .giving("dir", &[])
            .giving("git", &[]),
    );
    let first = town.now.checked_add(SignedDuration::from_hours(1)).unwrap();
    let second = town
        .now
        .checked_add(SignedDuration::from_hours(24))
        .unwrap();
    town.settle("1");
    let until = |town: &mut Town| {
        let plan = town.look("1").plan;
        plan.accounts["dir"].withheld.as_ref().map(|w| w.until)
    };
    assert_eq!(until(&mut town), Some(first));
    town.pass(1);
    assert_eq!(steps(&mut town, "dir"), ["RemoveEntitlements"]);
    town.settle("1");
    assert_eq!(held(&town, "dir"), ["all", "dev"]);
    assert_eq!(until(&mut town), Some(second));
    town.pass(23);
    town.settle("1");
    assert_eq!(held(&town, "dir"), [""; 0]);
}

#[test]
fn a_target_that_is_only_read_keeps_nobody_waiting() {
    let mut town = town();
    let mut spec = connector("git");
    spec.dry_run = true;
    town.connect(spec);
    transfer(&mut town);
    assert_eq!(steps(&mut town, "git"), ["Create"], "shown, not done");
    town.settle("1");
    assert!(town.targets["git"].accounts.is_empty());
    assert_eq!(held(&town, "dir"), ["all", "dev"]);
}

#[test]
fn a_pause_tells_what_would_be_and_nobody_waits_for_it() {
    let mut town = town();
    town.held.insert("git".into());
    transfer(&mut town);
    assert_eq!(steps(&mut town, "git"), ["Create"], "shown, not done");
    town.settle("1");
    assert!(town.targets["git"].accounts.is_empty());
    assert_eq!(held(&town, "dir"), ["all", "dev"]);
    town.held.clear();
    town.settle("1");
    assert_eq!(held(&town, "git"), ["dev"]);
}

/// However long the pause was, removals wait for additions that it kept back as well.
#[test]
fn the_hold_begins_when_a_pause_ends() {
    let mut town = town();
    town.target("git").unreadable = true;
    transfer(&mut town);
    town.settle("1");
    assert!(town.look("1").plan.accounts["dir"].withheld.is_some());
    for name in ["chat", "dir", "git"] {
        town.held.insert(name.into());
    }
    town.settle("1");
    town.pass(30);
    town.settle("1");
    assert_eq!(held(&town, "dir"), ["all", "dev", "mkt"]);
    town.held.clear();
    let end = town.now.checked_add(SignedDuration::from_hours(24));
    let plan = town.look("1").plan;
    for name in ["chat", "dir"] {
        let withheld = plan.accounts[name].withheld.as_ref();
        assert_eq!(withheld.map(|w| w.until), end.as_ref().ok().copied());
        assert!(plan.accounts[name].problems.is_empty());
    }
}

#[test]
fn a_role_that_can_not_be_decided_takes_nothing_away() {
    let breaks = [
        "employee.nonsense ==",
        "employee.attributes['nowhere'] == 'x'",
    ];
    for source in breaks {
        let mut town = town();
        town.teach(template("mkt").matching(source));
        town.settle("1");
        town.pass(100);
        town.settle("1");
        assert_eq!(held(&town, "dir"), ["all", "mkt"], "{source}");
        assert_eq!(held(&town, "chat"), ["mkt"], "{source}");
        // Mended, and honestly not hers any more.
        town.teach(template("mkt").matching("false"));
        town.settle("1");
        assert_eq!(held(&town, "chat"), [""; 0], "{source}");
    }
}

#[test]
fn a_giver_that_can_not_be_decided_is_not_forgotten_while_another_gives_the_same() {
    let mut town = town();
    town.teach(
        template("twin")
            .matching("true")
            .giving("dir", &["all", "mkt"]),
    );
    town.settle("1");
    town.teach(template("mkt").matching("employee.nonsense =="));
    town.settle("1");
    town.teach(template("twin").matching("false"));
    town.settle("1");
    assert_eq!(held(&town, "dir"), ["all", "mkt"]);
    let dir = town.account("dir", "1").unwrap();
    assert_eq!(dir.activity, Activity::Active);
}

#[test]
fn an_account_of_lost_origin_is_left_alone_until_a_role_explains_it() {
    let mut town = town();
    let mkt = template("mkt").giving("dir", &["all"]);
    let activity = |town: &Town| town.account("dir", "1").map(|a| a.activity);
    town.records.insert("1".into(), Record::default());
    for source in ["employee.nonsense ==", "false"] {
        town.teach(mkt.clone().matching(source));
        for _ in 0..3 {
            town.settle("1");
            town.pass(30);
        }
        assert_eq!(activity(&town), Some(Activity::Active), "{source}");
    }
    town.teach(mkt.clone().matching("true"));
    town.settle("1");
    town.teach(mkt.matching("false"));
    town.settle("1");
    assert_eq!(activity(&town), Some(Activity::Disabled));
}

#[test]
fn a_template_that_disappears_keeps_its_grants_for_a_grace_time() {
    let mut town = town();
    town.forget_template("mkt");
    let grace_ends = town.now.checked_add(SignedDuration::from_hours(1)).unwrap();
    town.settle("1");
    assert_eq!(held(&town, "dir"), ["all", "mkt"]);
    assert_eq!(town.look("1").plan.wake_at, Some(grace_ends));
    town.pass(1);
    town.settle("1");
    assert_eq!(held(&town, "dir"), [""; 0]);
    let dir = town.account("dir", "1").unwrap();
    assert_eq!(dir.activity, Activity::Disabled);
}

#[test]
fn a_template_that_comes_back_in_time_was_never_gone() {
    let mut town = town();
    let before = town.record("1").clone();
    town.forget_template("mkt");
    town.settle("1");
    let mkt = template("mkt")
        .matching("employee.department == 'Marketing'")
        .giving("chat", &["mkt"])
        .giving("dir", &["all", "mkt"]);
    town.teach(mkt);
    town.settle("1");
    assert_eq!(*town.record("1"), before);
}

#[test]
fn an_account_that_was_moved_away_from_stays_shut_whoever_opens_it() {
    let mut town = town();
    transfer(&mut town);
    town.settle("1");
    let id = town.account("chat", "1").unwrap().id.clone();
    let account = town.target("chat").accounts.get_mut(&id).unwrap();
    account.activity = Activity::Active;
    town.list();
    assert_eq!(steps(&mut town, "chat"), ["Disable"]);
}
