//! Roles that nobody may hold both of.

use std::sync::Arc;

use super::*;
use crate::domain::ids::{ConnectorName, EntitlementName};
use crate::domain::problem::Cure;
use crate::domain::record::{RecordedAccount, RecordedGrant};

/// The maker of a payment does not approve it.
fn maker_and_checker() -> Vec<TemplateSpec> {
    vec![
        template("maker").conflicting(&["checker"]),
        template("checker").including(&["ledger"]),
        template("ledger"),
        template("clerk").including(&["ledger"]),
    ]
}

#[test]
fn of_two_new_roles_in_conflict_neither_is_given() {
    let found = resolution(&maker_and_checker(), &["maker", "checker"], &[]);
    assert_eq!(held(&found), [""; 0]);
    let [problem] = found.problems.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (problem.reason, problem.cure),
        ("RolesConflict", Cure::EditThis)
    );
    for part in ["checker and maker", "neither is given"] {
        assert!(problem.message.contains(part), "{}", problem.message);
    }
    // What another role includes as well is held by that one.
    let found = resolution(&maker_and_checker(), &["maker", "checker", "clerk"], &[]);
    assert_eq!(
        held(&found),
        ["clerk: Explicit", "ledger: Included by clerk"]
    );
}

#[test]
fn what_is_held_already_stays_and_what_conflicts_with_it_is_not_added() {
    for (first, second) in [("maker", "checker"), ("checker", "maker")] {
        let before = [(first, Why::Explicit)];
        let found = resolution(&maker_and_checker(), &[first, second], &before);
        assert!(names(&found.held).contains(&first), "{found:?}");
        assert!(!names(&found.held).contains(&second), "{found:?}");
        assert_eq!(found.problems[0].reason, "RolesConflict");
        let told = format!("{first} stays and {second} is not given");
        assert!(found.problems[0].message.contains(&told), "{found:?}");
    }
}

#[test]
fn a_conflict_that_is_declared_later_takes_nothing_away_and_is_told() {
    let before = [("maker", Why::Explicit), ("checker", Why::Explicit)];
    let found = resolution(&maker_and_checker(), &["maker", "checker"], &before);
    assert_eq!(names(&found.held), ["checker", "ledger", "maker"]);
    assert_eq!(found.problems[0].reason, "RolesConflict");
}

#[test]
fn a_role_waits_until_what_its_opposite_gave_is_gone() {
    let mut facts = person("1");
    facts.roles = ["checker".into()].into();
    let policy = policy(maker_and_checker(), [connector("dir")]);
    let subject = Subject::new(&facts);
    let now = at("2027-01-01T00:00:00Z");
    let mut account = RecordedAccount::default();
    let grant = RecordedGrant {
        roles: [RoleName::new("maker")].into_iter().collect(),
        ..RecordedGrant::default()
    };
    account.grants.insert("payments".into(), grant.into());
    let mut record = Record::default();
    record.roles.insert("maker".into(), Why::Explicit);
    record.accounts.insert("dir".into(), account);
    let found = resolve(&policy, &facts, &subject, &record, now);
    assert_eq!(held(&found), [""; 0]);
    // What only comes with it waits as well.
    assert_eq!(names(&found.waiting), ["checker", "ledger"]);
    assert_eq!(found.problems[0].reason, "ConflictStanding");
    assert_eq!(found.problems[0].cure, Cure::Elsewhere);
    record.accounts.clear();
    let found = resolve(&policy, &facts, &subject, &record, now);
    assert_eq!(names(&found.held), ["checker", "ledger"]);
    assert!(
        found.waiting.is_empty() && found.problems.is_empty(),
        "{found:?}"
    );
}

#[test]
fn a_template_that_gives_both_of_a_conflict_is_broken() {
    let mut templates = maker_and_checker();
    templates.push(template("chief").including(&["maker", "checker"]));
    let policy = policy(templates, [connector("dir")]);
    let problems = policy.template_problems(&"chief".into());
    assert_eq!(problems[0].reason, "IncludesConflict");
    assert!(policy.is_sound(&"maker".into()) && !policy.is_sound(&"chief".into()));
}

/// The template that declares a conflict may be gone for a while: what is held by then and not given is not older than what is.
#[test]
fn of_two_that_were_held_what_was_only_promised_gives_way() {
    let templates = || {
        vec![
            template("maker")
                .conflicting(&["checker"])
                .giving("dir", &["payments"]),
            template("checker").including(&["ledger"]),
            template("ledger").giving("dir", &["books"]),
        ]
    };
    let both = ["maker", "checker"];
    for (given, held) in [
        (["maker"].as_slice(), ["maker"].as_slice()),
        (&["ledger"], &["checker", "ledger"]),
        (&["maker", "ledger"], &["checker", "ledger", "maker"]),
        (&[], &[]),
    ] {
        let record = held_by(&both, given);
        assert_eq!(names(&of(templates(), &both, &record).held), held);
    }
    // What is asked for and does not come is not given.
    let mut record = held_by(&both, &["maker", "ledger"]);
    let account = record.accounts.get_mut(&ConnectorName::new("dir")).unwrap();
    let books = account.grants.get_mut(&EntitlementName::new("by-ledger"));
    Arc::make_mut(books.unwrap()).since = None;
    let found = of(templates(), &both, &record);
    assert_eq!(names(&found.held), ["maker"]);
    // A role of which nothing is told is held as long as it was.
    let record = held_by(&both, &[]);
    let found = of(maker_and_checker(), &both, &record);
    assert_eq!(names(&found.held), ["checker", "ledger", "maker"]);
}

/// An account that is in use rests on a role: nobody loses it by a conflict, whatever else of the role never came.
#[test]
fn a_role_by_which_an_account_is_in_use_was_given() {
    let templates = || {
        vec![
            template("all").giving("mail", &[]),
            template("maker")
                .conflicting(&["checker"])
                .giving("dir", &["payments"]),
            template("checker")
                .giving("chat", &[])
                .giving("dir", &["absent"]),
        ]
    };
    let both = ["maker", "checker"];
    let in_use = |by: &[&str], shut: bool| {
        let mut record = held_by(&both, &["maker"]);
        let account = RecordedAccount {
            id: Some("a7".into()),
            roles: by.iter().map(|&role| RoleName::new(role)).collect(),
            verified_disabled: shut.then(|| at("2026-01-01T00:00:00Z")),
            ..RecordedAccount::default()
        };
        record.accounts.insert("chat".into(), account);
        record
    };
    for (by, shut, held) in [
        (["checker"].as_slice(), false, both.as_slice()),
        (&["maker", "checker"], false, &both),
        // It stays by another role, or can't be used.
        (&["checker", "all"], false, &["maker"]),
        (&["checker"], true, &["maker"]),
    ] {
        let found = of(templates(), &both, &in_use(by, shut));
        let mut held = held.to_vec();
        held.sort_unstable();
        assert_eq!(names(&found.held), held, "{by:?} {shut}");
    }
}

/// What both include was given by either.
#[test]
fn what_both_include_tells_nothing() {
    let templates = || {
        vec![
            template("all").giving("dir", &["staff"]),
            template("maker")
                .conflicting(&["checker"])
                .including(&["all"])
                .giving("dir", &["payments"]),
            template("checker")
                .including(&["all"])
                .giving("dir", &["books"]),
        ]
    };
    let both = ["maker", "checker"];
    let found = of(templates(), &both, &held_by(&both, &["all", "checker"]));
    assert_eq!(names(&found.held), ["all", "checker"]);
    let found = of(templates(), &both, &held_by(&both, &["all"]));
    assert_eq!(names(&found.held), [""; 0]);
}

/// At the end of a term nobody forgets what is given.
#[test]
fn both_stay_until_a_term_ends() {
    let mut facts = person("1");
    facts.roles = ["maker".into(), "checker".into(), "clerk".into()].into();
    facts.terms = [Term {
        until: Some(jiff::civil::date(2027, 1, 1)),
        ..Term::of("clerk".into())
    }]
    .into();
    let mut templates = maker_and_checker();
    templates[0] = templates[0].clone().giving("dir", &["payments"]);
    let policy = policy(templates, [connector("dir")]);
    let subject = Subject::new(&facts);
    let record = held_by(&["maker", "checker", "clerk"], &["maker"]);
    let now = at("2026-12-01T00:00:00Z");
    let found = resolve(&policy, &facts, &subject, &record, now);
    let ends = ends(&policy, &facts, &subject, &found, &record.accounts, now);
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(ends[0].roles, [RoleName::new("clerk")]);
}

/// What somebody held and was given by.
fn held_by(roles: &[&str], given_by: &[&str]) -> Record {
    let mut record = Record::default();
    for role in roles {
        record.roles.insert((*role).into(), Why::Explicit);
    }
    let mut account = RecordedAccount::default();
    for role in given_by {
        let grant = RecordedGrant {
            roles: [RoleName::new(role)].into_iter().collect(),
            since: Some(at("2026-01-01T00:00:00Z")),
            ..RecordedGrant::default()
        };
        account
            .grants
            .insert(format!("by-{role}").as_str().into(), grant.into());
    }
    record.accounts.insert("dir".into(), account);
    record
}

fn of(templates: Vec<TemplateSpec>, explicit: &[&str], record: &Record) -> Resolution {
    let mut facts = person("1");
    facts.roles = explicit.iter().map(|&r| r.into()).collect();
    let policy = policy(templates, [connector("dir")]);
    let now = at("2027-01-01T00:00:00Z");
    resolve(&policy, &facts, &Subject::new(&facts), record, now)
}

#[test]
fn what_an_opposite_gave_by_including_others_stands_as_well() {
    // The checker's own part is given by the ledger alone.
    let record = held_by(&["checker"], &["ledger"]);
    let found = of(maker_and_checker(), &["maker"], &record);
    assert_eq!(
        (names(&found.held), names(&found.waiting)),
        (vec![], vec!["maker"])
    );
    assert!(found.breaking.contains("ledger"), "{found:?}");
    // Whoever is a clerk as well holds the ledger by that, and it stands for nothing.
    let found = of(maker_and_checker(), &["maker", "clerk"], &record);
    assert_eq!(names(&found.held), ["clerk", "ledger", "maker"]);
}

#[test]
fn an_opposite_that_cant_be_decided_is_waited_for() {
    let mut templates = maker_and_checker();
    templates[1].match_ = Some(FAILS.into());
    let record = held_by(&["checker"], &[]);
    let found = of(templates, &["maker"], &record);
    assert_eq!(
        (names(&found.held), names(&found.waiting)),
        (vec![], vec!["maker"])
    );
}

#[test]
fn who_takes_the_old_role_back_meanwhile_keeps_it() {
    // The look after a change from maker to checker remembers neither; what the maker was given is there.
    let record = held_by(&[], &["maker"]);
    let found = of(maker_and_checker(), &["maker", "checker"], &record);
    assert_eq!(names(&found.held), ["maker"]);
    // What was asked for and never came tells nothing.
    let mut record = held_by(&[], &["maker"]);
    let account = record.accounts.get_mut(&ConnectorName::new("dir")).unwrap();
    let asked = account.grants.get_mut(&EntitlementName::new("by-maker"));
    Arc::make_mut(asked.unwrap()).since = None;
    let found = of(maker_and_checker(), &["maker", "checker"], &record);
    assert_eq!(names(&found.held), [""; 0]);
    // Where something of both is there, nobody knows which was first.
    let record = held_by(&[], &["maker", "checker"]);
    let found = of(maker_and_checker(), &["maker", "checker"], &record);
    assert_eq!(names(&found.held), [""; 0]);
}

#[test]
fn the_end_of_a_term_may_end_a_conflict() {
    let mut facts = person("1");
    facts.roles = ["maker".into(), "checker".into()].into();
    facts.terms = [Term {
        until: Some(jiff::civil::date(2027, 1, 1)),
        ..Term::of("maker".into())
    }]
    .into();
    let policy = policy(maker_and_checker(), [connector("dir")]);
    let subject = Subject::new(&facts);
    let find = |now| resolve(&policy, &facts, &subject, &Record::default(), at(now));
    let found = find("2027-01-01T12:00:00Z");
    assert_eq!(found.changes_at, Some(at("2027-01-02T00:00:00Z")));
    assert_eq!(
        names(&find("2027-01-02T00:00:00Z").held),
        ["checker", "ledger"]
    );
}
