//! Accounts that were there before never stand in the way of the person's own.

use super::town::Town;
use crate::domain::account::{Activity, AttributeValue};
use crate::domain::fixtures::{connector, person, template};
use crate::domain::policy::{Adopt, MatchingSpec};
use crate::domain::record::Record;
use crate::plan::Operation;
use crate::plan::operation::ReadKey;

/// Ada has an account, which listings leave out from now on; and another fits her.
fn ada(adopt: Adopt) -> Town {
    let mut town = Town::new(&[("dir", &[])]);
    let mut spec = connector("dir");
    spec.matching = MatchingSpec {
        rules: vec![(
            Some("displayName".into()),
            "employee.name.display".to_owned(),
        )],
        adopt,
        listed: Vec::new(),
    };
    town.connect(spec);
    town.teach(template("base").matching("true").giving("dir", &[]));
    town.hire(person("1"));
    town.settle("1");
    let own = town.account("dir", "1").unwrap().clone();
    let target = town.target("dir");
    let other = target.put("other", None);
    let account = target.accounts.get_mut(&other).unwrap();
    account.attributes.clone_from(&own.attributes);
    target.unlisted.insert(own.id);
    town
}

fn activity(town: &Town, username: &str) -> Activity {
    let accounts = &mut town.targets["dir"].accounts.values();
    accounts
        .find(|a| a.username.as_str() == username)
        .unwrap()
        .activity
}

#[test]
fn the_recorded_one_is_looked_at_first() {
    for adopt in [Adopt::Never, Adopt::WhenUnique] {
        let mut town = ada(adopt);
        let own = town.record("1").accounts[&"dir".into()].id.clone().unwrap();
        let look = town.look("1");
        let steps = &look.plan.accounts["dir"].steps;
        assert_eq!(steps[0].operation, Operation::Read(ReadKey::Id(own)));
        town.settle("1");
        let marked = town.targets["dir"]
            .accounts
            .values()
            .filter(|a| a.mark.is_some());
        assert_eq!(marked.count(), 1, "one is hers, and it stays so");
    }
}

#[test]
fn a_leaver_is_shut_out_of_the_recorded_one_whatever_else_fits() {
    let mut town = ada(Adopt::Never);
    let own = town.account("dir", "1").unwrap().username.to_string();
    town.person("1").end = Some(jiff::civil::date(2026, 6, 1));
    town.settle("1");
    assert_eq!(activity(&town, &own), Activity::Disabled);
    assert_eq!(activity(&town, "other"), Activity::Active);
}

#[test]
fn before_one_is_taken_over_a_lost_one_of_ours_is_looked_for() {
    let mut town = ada(Adopt::WhenUnique);
    town.records.insert("1".into(), Record::default());
    let own = town.account("dir", "1").unwrap().id.clone();
    let target = town.target("dir");
    target.partial = true;
    target.unlisted.clear();
    target.hidden.insert(own);
    let look = town.look("1");
    let steps = &look.plan.accounts["dir"].steps;
    let mark = town.scope.mark(&"1".into());
    let by_mark = Operation::Read(ReadKey::MarkOrUsername(mark, None));
    assert_eq!(steps[0].operation, by_mark);
    town.settle("1");
    let marked = town.targets["dir"]
        .accounts
        .values()
        .filter(|a| a.mark.is_some());
    assert_eq!(marked.count(), 1);
}

#[test]
fn where_it_is_only_told_no_look_is_taken() {
    let mut town = Town::new(&[("dir", &[])]);
    let mut spec = connector("dir");
    spec.dry_run = true;
    spec.matching = MatchingSpec {
        rules: vec![(
            Some("displayName".into()),
            "employee.name.display".to_owned(),
        )],
        adopt: Adopt::WhenUnique,
        listed: Vec::new(),
    };
    town.connect(spec);
    town.teach(template("base").matching("true").giving("dir", &[]));
    town.hire(person("1"));
    let display = town.person("1").display.to_string();
    let target = town.target("dir");
    let id = target.put("other", None);
    let account = target.accounts.get_mut(&id).unwrap();
    let display = AttributeValue::Text(display);
    account.attributes.insert("displayName".into(), display);
    let look = town.look("1");
    let adopts = |o: &Operation| matches!(o, Operation::Adopt { .. });
    assert!(adopts(&look.plan.accounts["dir"].steps[0].operation));
}
