//! Somebody is on leave: accounts are shut where the connector does not say otherwise, and what is held stays.

use super::accounts::held;
use super::town::Town;
use crate::domain::account::Activity;
use crate::domain::facts::Employment;
use crate::domain::fixtures::{connector, person, template};
use crate::domain::policy::ConnectorSpec;

/// Ada has an account in the directory, which those on leave may use, and in the chat, which they may not.
fn town() -> Town {
    let mut town = Town::new(&[("dir", &["all", "new"]), ("chat", &["all"])]);
    town.connect(ConnectorSpec {
        usable_on_leave: true,
        ..connector("dir")
    });
    town.teach(
        template("all")
            .matching("true")
            .giving("dir", &["all"])
            .giving("chat", &["all"]),
    );
    town.hire(person("1"));
    town.settle("1");
    town
}

fn activity(town: &Town) -> [Activity; 2] {
    ["dir", "chat"].map(|target| town.account(target, "1").unwrap().activity)
}

#[test]
fn where_it_may_be_used_nothing_changes() {
    let mut town = town();
    town.person("1").employment = Employment::OnLeave;
    town.settle("1");
    assert_eq!(activity(&town), [Activity::Active, Activity::Disabled]);
    assert_eq!(held(&town), ["all"]);
    // What roles give follows there as ever.
    town.teach(template("new").matching("true").giving("dir", &["new"]));
    town.settle("1");
    assert_eq!(held(&town), ["all", "new"]);
    town.person("1").employment = Employment::Active;
    town.settle("1");
    assert_eq!(activity(&town), [Activity::Active; 2]);
}

#[test]
fn the_emergency_brake_and_the_last_day_shut_it_all_the_same() {
    for change in [
        (|facts| facts.employment = Employment::Suspended) as fn(&mut crate::domain::facts::Facts),
        |facts| {
            facts.employment = Employment::OnLeave;
            facts.end = Some(jiff::civil::date(2026, 1, 1));
        },
    ] {
        let mut town = town();
        change(town.person("1"));
        town.settle("1");
        assert_eq!(activity(&town), [Activity::Disabled; 2]);
    }
}
