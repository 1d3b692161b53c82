//! The same of the block for directories.

use serde_json::{Value, json};

use super::objects::{connector, long, many, with};

/// A connector to a directory.
pub fn directory() -> Value {
    let spec = with(connector(), "/spec/scim", json!(null));
    with(
        spec,
        "/spec/ldap",
        json!({
            "servers": ["ldaps://ldap.example.com"],
            "bind": {
                "dn": "cn=rollcall,dc=example,dc=org",
                "passwordSecretKeyRef": {"name": "directory", "key": "password"},
            },
            "dialect": "OpenLDAP",
            "accounts": {"base": "ou=people,dc=example,dc=org", "markAttribute": "employeeNumber"},
            "groups": {"base": "ou=groups,dc=example,dc=org", "kind": "GroupOfNames"},
        }),
    )
}

/// Objects that no rule may let pass, and a part of what the API server must say.
#[rustfmt::skip] // a table: one case a line
pub fn refused() -> Vec<(Value, &'static str)> {
    let url = "each of servers must be a URL with a host";
    let one = "exactly one of disable.attribute and disable.container is needed";
    let attribute = json!({"name": "employeeType", "disabled": "inactive"});
    let disabling = |at: &str, value: Value| with(json!({"attribute": attribute}), &format!("/attribute{at}"), value);
    let cases = [
        ("/spec/scim", connector()["spec"]["scim"].clone(), "exactly one protocol block is needed"),
        ("/spec/ldap/servers", json!(null), "spec.ldap.servers: Required"),
        ("/spec/ldap/servers", json!([]), "at least 1 items"),
        ("/spec/ldap/servers", json!([""]), "spec.ldap.servers[0]"),
        ("/spec/ldap/servers", json!([long(513)]), "512"),
        ("/spec/ldap/servers", many(9, |i| json!(format!("ldap://l{i}"))), "must have at most 8 items"),
        ("/spec/ldap/servers", json!(["ldap.example.com"]), url),
        ("/spec/ldap/servers", json!(["https://ldap.example.com"]), url),
        ("/spec/ldap/servers", json!(["ldaps://ada:secret@ldap.example.com"]), url),
        ("/spec/ldap/servers", json!(["ldaps://ldap.example.com/dc=example?uid"]), url),
        ("/spec/ldap/servers", json!(["ldaps://"]), url),
        ("/spec/ldap/bind", json!(null), "spec.ldap.bind: Required"),
        ("/spec/ldap/bind/dn", json!(null), "spec.ldap.bind.dn: Required"),
        ("/spec/ldap/bind/dn", json!(""), "spec.ldap.bind.dn"),
        ("/spec/ldap/bind/dn", json!(long(513)), "512"),
        ("/spec/ldap/bind/passwordSecretKeyRef", json!(null), "passwordSecretKeyRef: Required"),
        ("/spec/ldap/bind/passwordSecretKeyRef", json!({"key": "a"}), "passwordSecretKeyRef.name: Required"),
        ("/spec/ldap/bind/passwordSecretKeyRef", json!({"name": "a"}), "passwordSecretKeyRef.key: Required"),
        ("/spec/ldap/bind/passwordSecretKeyRef", json!({"name": "", "key": "a"}), "passwordSecretKeyRef.name"),
        ("/spec/ldap/bind/passwordSecretKeyRef", json!({"name": "A_b", "key": "a"}), "not a name that an object can have"),
        ("/spec/ldap/bind/passwordSecretKeyRef", json!({"name": long(254), "key": "a"}), "253"),
        ("/spec/ldap/bind/passwordSecretKeyRef", json!({"name": "a", "key": ""}), "passwordSecretKeyRef.key"),
        ("/spec/ldap/bind/passwordSecretKeyRef", json!({"name": "a", "key": long(254)}), "253"),
        ("/spec/ldap/dialect", json!(null), "spec.ldap.dialect: Required"),
        ("/spec/ldap/dialect", json!("Novell"), r#"supported values: "Standard", "OpenLDAP", "DirectoryServer389", "ActiveDirectory""#),
        ("/spec/ldap/idAttribute", json!(""), "spec.ldap.idAttribute"),
        ("/spec/ldap/idAttribute", json!(long(129)), "128"),
        ("/spec/ldap/accounts", json!(null), "spec.ldap.accounts: Required"),
        ("/spec/ldap/accounts/base", json!(null), "spec.ldap.accounts.base: Required"),
        ("/spec/ldap/accounts/base", json!(""), "spec.ldap.accounts.base"),
        ("/spec/ldap/accounts/base", json!(long(513)), "512"),
        ("/spec/ldap/accounts/dn", json!(""), "spec.ldap.accounts.dn"),
        ("/spec/ldap/accounts/dn", json!(long(513)), "512"),
        ("/spec/ldap/accounts/objectClasses", json!([""]), "spec.ldap.accounts.objectClasses[0]"),
        ("/spec/ldap/accounts/objectClasses", json!([long(129)]), "128"),
        ("/spec/ldap/accounts/objectClasses", many(17, |i| json!(format!("c{i}"))), "must have at most 16 items"),
        ("/spec/ldap/accounts/filter", json!("()"), "spec.ldap.accounts.filter"),
        ("/spec/ldap/accounts/filter", json!(long(1025)), "1024"),
        ("/spec/ldap/accounts/usernameAttribute", json!(""), "spec.ldap.accounts.usernameAttribute"),
        ("/spec/ldap/accounts/usernameAttribute", json!(long(129)), "128"),
        ("/spec/ldap/accounts/markAttribute", json!(null), "spec.ldap.accounts.markAttribute: Required"),
        ("/spec/ldap/accounts/markAttribute", json!(""), "spec.ldap.accounts.markAttribute"),
        ("/spec/ldap/accounts/markAttribute", json!(long(129)), "128"),
        ("/spec/ldap/disable", json!({}), one),
        ("/spec/ldap/disable", json!({"attribute": attribute, "container": "ou=gone"}), one),
        ("/spec/ldap/disable", json!({"container": ""}), "spec.ldap.disable.container"),
        ("/spec/ldap/disable", json!({"container": long(513)}), "512"),
        ("/spec/ldap/disable", disabling("/name", json!(null)), "disable.attribute.name: Required"),
        ("/spec/ldap/disable", disabling("/name", json!("")), "disable.attribute.name"),
        ("/spec/ldap/disable", disabling("/name", json!(long(129))), "128"),
        ("/spec/ldap/disable", disabling("/disabled", json!(null)), "disable.attribute.disabled: Required"),
        ("/spec/ldap/disable", disabling("/disabled", json!("")), "disable.attribute.disabled"),
        ("/spec/ldap/disable", disabling("/disabled", json!(long(257))), "256"),
        ("/spec/ldap/disable", disabling("/enabled", json!("")), "disable.attribute.enabled"),
        ("/spec/ldap/disable", disabling("/enabled", json!(long(257))), "256"),
        ("/spec/ldap/groups/base", json!(null), "spec.ldap.groups.base: Required"),
        ("/spec/ldap/groups/base", json!(""), "spec.ldap.groups.base"),
        ("/spec/ldap/groups/base", json!(long(513)), "512"),
        ("/spec/ldap/groups/kind", json!(null), "spec.ldap.groups.kind: Required"),
        ("/spec/ldap/groups/kind", json!("List"), r#"supported values: "GroupOfNames", "GroupOfUniqueNames", "PosixGroup", "ActiveDirectory""#),
        ("/spec/ldap/groups/filter", json!("()"), "spec.ldap.groups.filter"),
        ("/spec/ldap/groups/filter", json!(long(1025)), "1024"),
        ("/spec/ldap/groups/objectClasses", json!([""]), "spec.ldap.groups.objectClasses[0]"),
        ("/spec/ldap/groups/objectClasses", json!([long(129)]), "128"),
        ("/spec/ldap/groups/objectClasses", many(17, |i| json!(format!("c{i}"))), "must have at most 16 items"),
        ("/spec/ldap/groups/nameAttribute", json!(""), "spec.ldap.groups.nameAttribute"),
        ("/spec/ldap/groups/nameAttribute", json!(long(129)), "128"),
        ("/spec/ldap/groups/memberAttribute", json!(""), "spec.ldap.groups.memberAttribute"),
        ("/spec/ldap/groups/memberAttribute", json!(long(129)), "128"),
        ("/spec/ldap/groups/placeholder", json!(long(513)), "512"),
    ];
    cases.into_iter().map(|(at, value, says)| (with(directory(), at, value), says)).collect()
}

/// Objects that can work.
pub fn accepted() -> Vec<Value> {
    let cases = [
        (
            "/spec/ldap/servers",
            json!(["ldap://10.0.0.1:1389", "ldaps://[::1]:636/"]),
        ),
        (
            "/spec/ldap/accounts/dn",
            json!("uid={username},ou={ou},ou=people,dc=example,dc=org"),
        ),
        (
            "/spec/ldap/disable",
            json!({"container": "ou=gone,dc=example,dc=org"}),
        ),
        ("/spec/ldap/groups", json!(null)),
        ("/spec/ldap/groups/placeholder", json!("")),
        ("/spec/ldap/bind/dn", json!("EXAMPLE\\rollcall")),
    ];
    let cases = cases.into_iter();
    cases
        .map(|(at, value)| with(directory(), at, value))
        .collect()
}
