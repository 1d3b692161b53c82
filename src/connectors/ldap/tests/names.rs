use crate::connectors::ldap::dn::{Template, is_named_by, is_within, key, naming, split};

#[test]
fn one_name_has_one_key_however_it_is_written() {
    for (a, b) in [
        ("uid=ada,dc=example", "UID=Ada, DC=Example"),
        ("cn=Lovelace\\, Ada,dc=x", "cn=lovelace\\2c ada,dc=x"),
        ("cn=\"Lovelace, Ada\",dc=x", "CN=Lovelace\\, Ada,DC=X"),
        ("cn=a+sn=b,dc=x", "SN=b+CN=a,dc=x"),
        ("cn=Zo\\C3\\AB,dc=x", "cn=zoë,dc=x"),
        ("cn=two  spaces ,dc=x", "cn=two spaces,dc=x"),
        ("CN=A\\+D,DC=x", "cn=a\\2bd,dc=x"),
    ] {
        assert_eq!(key(a), key(b), "{a} and {b}");
    }
    for (a, b) in [
        ("uid=ada,dc=example", "uid=ada\\,dc=example"),
        ("cn=a,cn=b", "cn=a+cn=b"),
        ("cn=a b", "cn=ab"),
        ("CN=A\\+D,DC=x", "CN=A,DC=x"),
    ] {
        assert_ne!(key(a), key(b), "{a} and {b}");
    }
}

#[test]
fn a_name_is_taken_apart_where_it_is_divided_and_not_where_it_is_escaped() {
    for (dn, name, parent) in [
        ("uid=ada,ou=people,dc=x", "uid=ada", "ou=people,dc=x"),
        ("cn=Lovelace\\, Ada, dc=x", "cn=Lovelace\\, Ada", "dc=x"),
        ("cn=\"a,b\",dc=x", "cn=\"a,b\"", "dc=x"),
        ("uid=ada\\ ,ou=gone,dc=x", "uid=ada\\ ", "ou=gone,dc=x"),
        ("uid=ada\\\\ ,dc=x", "uid=ada\\\\", "dc=x"),
        ("dc=x", "dc=x", ""),
    ] {
        assert_eq!(split(dn), (name, parent));
    }
    assert_eq!(
        naming("cn=Lovelace\\, Ada\\20,dc=x"),
        Some(("cn", "Lovelace, Ada ".to_owned()))
    );
    assert_eq!(naming("administrator@example.com"), None);
    assert_eq!(
        naming("cn=Ada+uid=ada,dc=x"),
        Some(("cn", "Ada".to_owned()))
    );
    assert!(is_named_by("cn=Ada+uid=ada,dc=x", "UID") && !is_named_by("cn=Ada,dc=x", "uid"));
}

#[test]
fn what_stands_below_an_entry() {
    assert!(is_within("uid=a,ou=x,dc=y", "OU=x, DC=y"));
    assert!(is_within("ou=x,dc=y", "ou=x,dc=y"));
    assert!(is_within("ou=x,dc=y", ""));
    assert!(!is_within("uid=a,ou=xx,dc=y", "ou=x,dc=y"));
    assert!(!is_within("uid=a\\,ou=x,dc=y", "ou=x,dc=y"));
    assert!(!is_within("dc=y", "ou=x,dc=y"));
}

fn filled(template: &str, values: &[(&str, &str)]) -> Result<String, String> {
    let template = Template::parse(template)?;
    let lookup = |name: &str| {
        let found = values.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let value = template.value(&lookup)?;
    Ok(format!(
        "{},{}",
        template.name(&value),
        template.parent(&lookup)?
    ))
}

#[test]
fn a_template_is_filled_in_and_no_value_can_break_out_of_its_place() {
    let dn = filled(
        "uid={username},ou={ou},dc=x",
        &[
            ("username", "ada,ou=admins"),
            ("ou", "R&D, \"north\" + x=y\\"),
        ],
    );
    let dn = dn.unwrap();
    assert_eq!(naming(&dn), Some(("uid", "ada,ou=admins".to_owned())));
    let parent = split(&dn).1;
    assert_eq!(
        naming(parent),
        Some(("ou", "R&D, \"north\" + x=y\\".to_owned()))
    );
    assert_eq!(split(parent).1, "dc=x");

    let fixed = filled(
        "cn=Dr\\, {sn} ({username}),dc=x",
        &[("sn", "A"), ("username", "b")],
    );
    assert_eq!(
        naming(&fixed.unwrap()),
        Some(("cn", "Dr, A (b)".to_owned()))
    );
    assert_eq!(
        filled("uid={username},ou={ou},dc=x", &[("username", "a")]),
        Err("ou".to_owned())
    );
}

#[test]
fn a_template_that_cannot_work_is_refused() {
    for (text, why) in [
        ("ou=people", "names no entry to stand below"),
        ("{username},dc=x", "no attribute with a value"),
        ("uid=ada,dc=x", "the same for everybody"),
        ("uid={username,dc=x", "has no }"),
        ("uid=username},dc={x}", "has no {"),
        ("uid={user name},dc=x", "names no attribute"),
        ("uid={},dc=x", "names no attribute"),
        ("cn={cn}+uid={username},dc=x", "several attributes"),
    ] {
        let refused = Template::parse(text).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}
