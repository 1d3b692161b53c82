//! The conformance suite against directories, in every way that accounts and groups can stand there.

use serde_json::{Value, json};

use super::{Check, conforms, err, out};
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::samba::{self, Samba};

fn attributes() -> Value {
    json!({
        "cn": "employee.name.display",
        "sn": "employee.name.family",
        "givenName": "employee.name.given",
        "title": "employee.jobTitle",
        "mail": "employee.email",
        "l": "employee.location",
        "departmentNumber": "employee.department",
    })
}

fn check(server: &OpenLdap, block: &Value) -> Check {
    let spec = json!({
        "ldap": block,
        "sync": {"tls": {"caBundle": server.ca_pem()}},
        "account": {"attributes": attributes(), "initialPassword": {}},
    });
    let credential = json!({"token": server.password()});
    Check::new(spec, &server.hosts(), &credential)
}

#[tokio::test]
async fn active_directory() {
    if !samba::is_possible() {
        return;
    }
    let domain = Samba::start().await;
    let spec = json!({
        "ldap": domain.block(),
        "sync": {"tls": {"caBundle": domain.ca_pem()}},
        "account": {
            "attributes": {
                "displayName": "employee.name.display",
                "sn": "employee.name.family",
                "givenName": "employee.name.given",
                "title": "employee.jobTitle",
                "mail": "employee.email",
                "department": "employee.department",
            },
            "usernameRules": {"maxLength": 20},
            "initialPassword": {},
        },
    });
    let credential = json!({"token": domain.password()});
    let check = Check::new(spec, &domain.host(), &credential);
    conforms("active-directory", &check).await;
}

async fn held(server: &OpenLdap) -> Vec<String> {
    let mut all = Vec::new();
    for unit in ["people", "groups", "gone"] {
        let below = server.below(&format!("ou={unit},{SUFFIX}")).await;
        all.extend(below.into_keys());
    }
    all
}

#[tokio::test]
async fn openldap() {
    let server = OpenLdap::start().await;
    conforms("openldap", &check(&server, &server.block())).await;
    assert_eq!(held(&server).await, [""; 0]);
}

/// What no directory knows anything of.
const KNOWS_NONE: [&str; 2] = ["sessions are revoked", "tokens are revoked"];

/// Whatever a directory is like: nothing fails, and no more is missing than is said.
#[tokio::test]
async fn in_every_way_that_accounts_and_groups_can_stand_in_a_directory() {
    let server = OpenLdap::start().await;
    let alone = OpenLdap::with(&[("REFINT", "0")]).await;
    let gone = format!("ou=gone,{SUFFIX}");
    let people = format!("ou=people,{SUFFIX}");
    let cases: [(&str, &OpenLdap, &str, Value, &[&str]); 8] = [
        (
            "over LDAPS",
            &server,
            "",
            json!({"servers": [server.tls_url()], "startTLS": false}),
            &[],
        ),
        ("groups that follow nobody", &alone, "", json!({}), &[]),
        (
            "unique names",
            &alone,
            "groups",
            json!({"kind": "GroupOfUniqueNames", "placeholder": "cn=nobody"}),
            &[],
        ),
        (
            "groups of numbers",
            &server,
            "groups",
            json!({"kind": "PosixGroup"}),
            &[
                "is made, and seen",
                "is given and taken",
                "outlives a rename",
                "entitlement that is not there",
            ],
        ),
        (
            "members that can't be told apart",
            &alone,
            "groups",
            json!({"objectClasses": ["looseGroup"], "filter": "(objectClass=looseGroup)",
                   "memberAttribute": "looseMember", "placeholder": ""}),
            &[],
        ),
        (
            "disabled by an attribute",
            &server,
            "disable",
            json!({"attribute": {"name": "employeeType", "disabled": "inactive", "enabled": "active"}}),
            &["lets in"],
        ),
        (
            "disabled by a move",
            &alone,
            "disable",
            json!({"container": gone}),
            &["lets in"],
        ),
        (
            "named by something else",
            &server,
            "accounts",
            json!({"dn": format!("displayName=Account of {{username}},{people}")}),
            &[],
        ),
    ];
    for (what, server, part, change, gaps) in cases {
        let mut block = server.block();
        let place = if part.is_empty() {
            &mut block
        } else {
            &mut block[part]
        };
        if place.is_null() {
            *place = json!({});
        }
        for (key, value) in change.as_object().unwrap() {
            place[key] = value.clone();
        }
        let output = check(server, &block).run(&["--output", "json"]).await;
        let report: Value = serde_json::from_str(&out(&output))
            .unwrap_or_else(|_| panic!("{what}: {}", err(&output)));
        let findings = report["findings"].as_array().unwrap();
        for finding in findings {
            let name = finding["check"].as_str().unwrap();
            let clears = name.starts_with("attributes are cleared");
            let mut gaps = gaps.iter().chain(&KNOWS_NONE);
            let expected = if clears || gaps.any(|gap| name.contains(gap)) {
                "Gap"
            } else {
                "Passed"
            };
            assert_eq!(finding["verdict"], expected, "{what}: {finding:#}");
            let needed = if clears {
                json!(["cn", "sn"])
            } else {
                Value::Null
            };
            assert_eq!(finding["attributes"], needed, "{what}: {finding:#}");
        }
        assert_eq!(findings.len(), 27, "{what}");
        assert_eq!(held(server).await, [""; 0], "{what}");
    }
}
