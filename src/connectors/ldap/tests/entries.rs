use std::collections::HashMap;

use crate::connectors::ldap::entry::Entry;

fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
    let texts = attributes.iter().map(|(name, values)| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        ((*name).to_owned(), values)
    });
    Entry::new(dn.to_owned(), texts.collect(), HashMap::new())
}

#[test]
fn attributes_are_found_in_any_case() {
    let entry = entry(
        "uid=ada,dc=x",
        &[("entryuuid", &["1"]), ("CN", &["a", "b"])],
    );
    assert_eq!(entry.first("entryUUID"), Some("1"));
    assert_eq!(entry.all("cn"), ["a", "b"]);
    assert_eq!(entry.first("sn"), None);
    assert_eq!(entry.bytes("entryUUID"), Some(&b"1"[..]));
}

#[test]
fn of_several_values_the_one_that_names_the_entry_counts() {
    let two: &[(&str, &[&str])] = &[("uid", &["alias", "Ada"])];
    assert_eq!(
        entry("uid=Ada,dc=x", two).named("UID").as_deref(),
        Some("Ada")
    );
    assert_eq!(
        entry("cn=x,dc=x", two).named("uid").as_deref(),
        Some("alias")
    );
    assert_eq!(entry("uid=x,dc=x", &[]).named("uid"), None);
}

#[test]
fn members_may_come_in_parts() {
    let first = entry(
        "cn=g,dc=x",
        &[("member", &[]), ("Member;range=0-1499", &["a", "b"])],
    );
    let (values, next) = first.part("member").unwrap();
    assert_eq!(
        (values, next),
        (&["a".to_owned(), "b".to_owned()][..], Some(1500))
    );
    let last = entry("cn=g,dc=x", &[("member;range=1500-*", &["c"])]);
    assert_eq!(last.part("member").unwrap().1, None);
    assert!(
        entry("cn=g,dc=x", &[("member", &["a"])])
            .part("member")
            .is_none()
    );
    assert!(
        entry("cn=g,dc=x", &[("member;lang-de", &["a"])])
            .part("member")
            .is_none()
    );
}
