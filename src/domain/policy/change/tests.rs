//! Whom a change concerns, case by case. That nobody else desires anything else is a property test, in
//! `plan/tests/concerned.rs`.

use litemap::LiteMap;

use super::*;
use crate::domain::fixtures::{connector, person, policy, template};
use crate::domain::policy::TemplateSpec;
use crate::domain::record::RecordedAccount;

const DEV: &str = "employee.department == 'Dev'";
const MARKETING: &str = "employee.department == 'Marketing'";
const FAILS: &str = "employee.attributes['level'] == 'vip'";
const BROKEN: &str = "employee.jobTtle == 'x'";

/// A policy of which some templates are another's.
fn after(before: &Policy, edited: impl IntoIterator<Item = TemplateSpec>) -> Policy {
    let edited = edited.into_iter();
    let mut after = before.clone();
    for spec in edited {
        let name = spec.name.clone();
        after.templates.insert(name, Template::compile(spec).into());
    }
    Policy::new(
        after.templates.into_values(),
        after.connectors.into_values(),
    )
}

fn without(before: &Policy, template: &str) -> Policy {
    let mut after = before.clone();
    after.templates.remove(&RoleName::new(template));
    after
}

fn holding(role: &str, why: Why) -> Record {
    Record {
        roles: LiteMap::from_iter([(RoleName::new(role), why)]),
        ..Record::default()
    }
}

#[test]
fn an_edit_concerns_who_holds_the_role_and_who_matches_it_now() {
    let before = policy(
        [
            template("dev").matching(DEV).giving("git", &["dev"]),
            template("other").matching("true").giving("chat", &["all"]),
            template("lead").including(&["dev"]),
        ],
        [connector("git"), connector("chat")],
    );
    let marketer = person("1");
    let nobody = Record::default();
    for (edited, record, concerned) in [
        (DEV, nobody.clone(), false),
        (DEV, holding("dev", Why::Match), true),
        (DEV, holding("lead", Why::Explicit), true),
        (DEV, holding("other", Why::Match), false),
        (MARKETING, nobody.clone(), true),
        (FAILS, nobody.clone(), true),
        (BROKEN, nobody.clone(), false),
        (BROKEN, holding("dev", Why::Match), true),
    ] {
        let after = after(&before, [template("dev").matching(edited)]);
        let change = PolicyChange::between(&before, &after);
        assert_eq!(change.concerns(&marketer, &record), concerned, "{edited}");
        let names: Vec<_> = change.templates().iter().map(RoleName::as_str).collect();
        assert_eq!(names, ["dev", "lead"]);
        assert_eq!(change.given_in(), [ConnectorName::new("git")].into());
    }
    let same = PolicyChange::between(&before, &before);
    assert!(same.templates().is_empty() && same.connectors().is_empty());
}

#[test]
fn a_template_that_comes_concerns_who_waits_for_it_and_one_that_goes_who_held_it() {
    let before = policy([template("a").including(&["b"])], [connector("dir")]);
    let after = after(&before, [template("b"), template("c").matching(DEV)]);
    let mut names_it = person("1");
    names_it.roles = ["b".into()].into();
    let come = PolicyChange::between(&before, &after);
    let gone = PolicyChange::between(&after, &before);
    for change in [&come, &gone] {
        assert!(change.concerns(&names_it, &Record::default()));
        assert!(change.concerns(&person("1"), &holding("a", Why::Explicit)));
        assert!(change.concerns(&person("1"), &holding("x", Why::Included("b".into()))));
        assert!(!change.concerns(&person("1"), &Record::default()));
    }
    let gone = without(&after, "c");
    let gone = PolicyChange::between(&after, &gone);
    assert!(!gone.concerns(&names_it, &holding("a", Why::Explicit)));
}

/// While a template is broken nothing that it includes can be decided, for whoever has that otherwise.
#[test]
fn what_is_broken_concerns_who_has_what_it_includes() {
    let before = policy(
        [
            template("t").matching(BROKEN).including(&["u"]),
            template("u").including(&["vpn"]),
            template("vpn"),
            template("x"),
        ],
        [connector("dir")],
    );
    let mended = after(&before, [template("t").matching(DEV).including(&["u"])]);
    let gone = without(&before, "t");
    for after in [&mended, &gone] {
        for (one, other) in [(&before, after), (after, &before)] {
            let change = PolicyChange::between(one, other);
            assert!(change.concerns(&person("1"), &holding("vpn", Why::Explicit)));
            assert!(!change.concerns(&person("1"), &holding("x", Why::Explicit)));
        }
    }
}

#[test]
fn a_connector_concerns_who_has_or_is_to_have_an_account_there() {
    let before = policy(
        [
            template("dev").matching(DEV).giving("git", &[]),
            template("all").matching("true").giving("chat", &[]),
        ],
        [connector("chat")],
    );
    let mut after = before.clone();
    let git = crate::domain::policy::Connector::compile(connector("git"));
    after.connectors.insert("git".into(), git.into());
    let change = PolicyChange::between(&before, &after);
    let mut developer = person("1");
    developer.department = "Dev".into();
    let mut had_one = Record::default();
    let account = RecordedAccount::default();
    had_one.accounts.insert("git".into(), account);
    assert!(change.concerns(&developer, &Record::default()));
    assert!(change.concerns(&person("2"), &had_one));
    assert!(!change.concerns(&person("2"), &holding("all", Why::Match)));
    assert_eq!(change.connectors(), &[ConnectorName::new("git")].into());
}
