//! User names that follow the facts they are made of, where a connector says so.

use super::accounts::{dir, verbs};
use super::town::Town;
use crate::domain::fixtures::{connector, person, template};
use crate::domain::ids::Username;
use crate::domain::policy::ConnectorSpec;
use crate::domain::usernames::Renaming;
use crate::plan::AccountPlan;
use crate::plan::guard::Loss;
use crate::plan::operation::{Lane, Operation};

/// Ada has an account in the directory, whose user names follow or not.
fn town(renaming: Renaming) -> Town {
    let mut town = Town::new(&[("dir", &["all"])]);
    town.connect(ConnectorSpec {
        renaming,
        ..connector("dir")
    });
    town.teach(template("all").matching("true").giving("dir", &["all"]));
    town.hire(person("1"));
    town.settle("1");
    town
}

/// The user name in the directory, and those remembered.
fn called(town: &Town) -> (String, String, Vec<String>) {
    let recorded = &town.record("1").accounts[&"dir".into()];
    let former = recorded.former.iter().map(ToString::to_string);
    (
        town.account("dir", "1").unwrap().username.to_string(),
        recorded.username.as_ref().unwrap().to_string(),
        former.collect(),
    )
}

fn names(shown: &str, former: &[&str]) -> (String, String, Vec<String>) {
    let former = former.iter().map(ToString::to_string);
    (shown.to_owned(), shown.to_owned(), former.collect())
}

/// The name that the first step of a plan writes, and whether that gives one back.
fn renaming_step(plan: &AccountPlan) -> (Option<&str>, bool) {
    match &plan.steps[0].operation {
        Operation::Update {
            changes,
            gives_back,
            ..
        } => (changes.username.as_ref().map(Username::as_str), *gives_back),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_account_is_renamed_where_its_name_fits_no_more() {
    let mut town = town(Renaming::Follow);
    let id = town.account("dir", "1").unwrap().id.clone();
    town.person("1").family = "King".into();
    let plan = dir(&mut town);
    assert_eq!(verbs(&mut town), ["Update"]);
    assert_eq!(plan.steps[0].lane, Lane::Mover);
    assert_eq!(renaming_step(&plan), (Some("ada.king"), false));
    // Until the target shows it, it has the name that it has.
    town.look("1");
    assert_eq!(called(&town), names("ada.lovelace", &[]));
    town.settle("1");
    assert_eq!(called(&town), names("ada.king", &["ada.lovelace"]));
    assert_eq!(town.account("dir", "1").unwrap().id, id);
    assert_eq!(verbs(&mut town), [""; 0]);
}

/// Somebody calls the account by another name, in the directory.
fn call_otherwise(town: &mut Town) {
    let id = town.account("dir", "1").unwrap().id.clone();
    let account = town.target("dir").accounts.get_mut(&id).unwrap();
    account.username = Username::new("somebody.else");
}

/// What is given back is lost by nobody; what a rule makes of a name that somebody changed is, also then.
#[test]
fn a_name_that_somebody_changed_is_given_back() {
    for renaming in [Renaming::Never, Renaming::Follow] {
        let mut town = town(renaming);
        call_otherwise(&mut town);
        let plan = dir(&mut town);
        assert_eq!(renaming_step(&plan), (Some("ada.lovelace"), true));
        assert_eq!(plan.taking, Some([].into()));
    }
    let mut town = town(Renaming::Follow);
    call_otherwise(&mut town);
    town.person("1").family = "King".into();
    let plan = dir(&mut town);
    assert_eq!(renaming_step(&plan), (Some("ada.king"), false));
    assert_eq!(plan.taking, Some([Loss::Name].into()));
}

#[test]
fn it_stays_where_the_connector_does_not_say_so() {
    let mut town = town(Renaming::Never);
    town.person("1").family = "King".into();
    town.settle("1");
    assert_eq!(called(&town), names("ada.lovelace", &[]));
}

#[test]
fn a_former_name_is_kept_for_its_bearer() {
    let mut town = town(Renaming::Follow);
    town.person("1").family = "King".into();
    town.settle("1");
    town.hire(person("2"));
    town.settle("2");
    let other = town.account("dir", "2").unwrap();
    assert_eq!(other.username.as_str(), "ada.lovelace2");
    town.person("1").family = "Lovelace".into();
    town.settle("1");
    assert_eq!(called(&town), names("ada.lovelace", &["ada.king"]));
}

#[test]
fn a_rename_of_which_nothing_was_remembered_is_remembered() {
    let mut town = town(Renaming::Follow);
    let before = town.record("1").clone();
    town.person("1").family = "King".into();
    town.settle("1");
    town.records.insert("1".into(), before);
    assert_eq!(verbs(&mut town), [""; 0]);
    town.settle("1");
    assert_eq!(called(&town), names("ada.king", &["ada.lovelace"]));
}

#[test]
fn who_has_left_keeps_the_name_that_they_had() {
    let mut town = town(Renaming::Follow);
    town.person("1").family = "King".into();
    town.person("1").end = Some(jiff::civil::date(2026, 1, 1));
    town.settle("1");
    assert_eq!(called(&town), names("ada.lovelace", &[]));
}

#[test]
fn no_more_names_are_remembered_than_a_status_holds() {
    let mut recorded = crate::domain::record::RecordedAccount::default();
    for n in 0..20 {
        recorded.rename(&Username::new(format!("ada{n}")));
    }
    assert_eq!(recorded.former.len(), crate::domain::usernames::MAX_FORMER);
    assert_eq!(recorded.former.last(), Some(&Username::new("ada18")));
}
