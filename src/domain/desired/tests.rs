//! What roles and mappings make of a person.

use super::*;
use crate::domain::fixtures::{at, connector, person, policy, template};
use crate::domain::record::{RecordedAccount, RecordedGrant};

#[test]
fn grants_of_all_roles_are_joined_with_their_reasons() {
    let policy = policy(
        [
            template("a")
                .matching("true")
                .giving("dir", &["all", "mkt"]),
            template("b")
                .matching("true")
                .giving("dir", &["all"])
                .giving("gone", &[]),
            template("c").matching("false").giving("dir", &["no"]),
        ],
        [connector("dir")],
    );
    let found = desire(
        &policy,
        &person("1"),
        &Record::default(),
        at("2026-01-01T00:00:00Z"),
    );
    let names: Vec<_> = found.accounts.keys().map(ConnectorName::as_str).collect();
    assert_eq!(
        names,
        ["dir", "gone"],
        "also where the connector does not exist yet"
    );
    let dir = &found.accounts["dir"];
    assert_eq!(dir.roles, BTreeSet::from(["a".into(), "b".into()]));
    assert_eq!(
        dir.entitlements["all"],
        BTreeSet::from(["a".into(), "b".into()])
    );
    assert_eq!(dir.entitlements["mkt"], BTreeSet::from(["a".into()]));
    assert!(!dir.entitlements.contains_key("no"));
    assert_eq!(dir.usernames, ["ada.lovelace"]);
}

#[test]
fn an_expression_that_fails_leaves_its_attribute_alone_and_says_so() {
    let mut spec = connector("dir");
    spec.manager = Some("manager".into());
    spec.usernames
        .insert(0, "employee.attributes['nick']".to_owned());
    for (name, source) in [
        ("badge", "employee.attributes['badge']"),
        (
            "mails",
            "[employee.email, employee.name.given, employee.personalEmail]",
        ),
        ("cost", "employee.costCenter"),
    ] {
        spec.attributes.insert(name.into(), source.to_owned());
    }
    let mut facts = person("1");
    facts.manager = Some("grace".into());
    let policy = policy([template("a").matching("true").giving("dir", &[])], [spec]);
    let found = desire(
        &policy,
        &facts,
        &Record::default(),
        at("2026-01-01T00:00:00Z"),
    );
    let dir = &found.accounts["dir"];
    let reasons: Vec<_> = dir.problems.iter().map(|p| p.reason).collect();
    assert_eq!(reasons, ["UsernameFailed", "AttributeFailed"]);
    assert_eq!(dir.usernames, ["ada.lovelace"]);
    assert_eq!(dir.undecided_attributes, BTreeSet::from(["badge".into()]));
    assert!(!dir.attributes.contains_key("badge"));
    let texts = AttributeValue::Texts(vec!["Ada".to_owned()]);
    assert_eq!(
        dir.attributes[&"mails".into()],
        texts,
        "empty parts say nothing"
    );
    assert_eq!(
        dir.attributes[&"cost".into()],
        AttributeValue::Text(String::new()),
        "unset clears"
    );
    let manager = dir.manager.as_ref().map(|m| m.manager.clone());
    assert_eq!(manager, Some(Some("grace".into())));
}

#[test]
fn more_entitlements_than_can_be_remembered_are_told_and_nothing_held_is_lost() {
    let names: Vec<String> = (0..600).map(|n| format!("e{n:03}")).collect();
    let chunks: Vec<Vec<&str>> = names
        .chunks(100)
        .map(|chunk| chunk.iter().map(String::as_str).collect())
        .collect();
    let templates = chunks.iter().enumerate().map(|(n, chunk)| {
        template(&format!("t{n}"))
            .matching("true")
            .giving("dir", chunk)
    });
    let policy = policy(templates, [connector("dir")]);
    let held = ["e599", "e555"];
    let account = RecordedAccount {
        grants: held
            .iter()
            .map(|name| ((*name).into(), RecordedGrant::default().into()))
            .collect(),
        ..RecordedAccount::default()
    };
    let record = Record {
        accounts: [("dir".into(), account)].into_iter().collect(),
        ..Record::default()
    };
    let now = at("2026-01-01T00:00:00Z");
    let found = desire(&policy, &person("1"), &record, now);
    let dir = &found.accounts["dir"];
    assert_eq!(dir.entitlements.len(), MAX_ENTITLEMENTS);
    assert!(held.iter().all(|name| dir.entitlements.contains_key(*name)));
    assert!(dir.entitlements.contains_key("e509") && !dir.entitlements.contains_key("e510"));
    assert_eq!(dir.problems[0].reason, "TooManyEntitlements");
    assert!(dir.problems[0].message.contains("600"));
}
