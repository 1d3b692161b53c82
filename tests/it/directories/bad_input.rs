//! What can't work: told with the field, the cause in the directory's words, and what to do; nothing else
//! stops.

use serde_json::{Value, json};

use super::kit::{openldap, person};
use crate::stories::kit::{Story, clerk, everyone, tells};
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::operator::Operator;
use crate::support::process::free_port;

/// A connector beside a good one, with one thing wrong.
struct Case {
    name: &'static str,
    at: &'static str,
    value: Value,
    reason: &'static str,
    says: &'static [&'static str],
}

fn case(
    name: &'static str,
    at: &'static str,
    value: Value,
    reason: &'static str,
    says: &'static [&'static str],
) -> Case {
    Case {
        name,
        at,
        value,
        reason,
        says,
    }
}

/// What the directory does not know, or does not let in.
fn strange() -> Vec<Case> {
    let stranger = crate::support::authority::Certified::new(&["127.0.0.1"]);
    vec![
        case(
            "bind",
            "/ldap/bind/dn",
            json!("cn=nobody,dc=example,dc=org"),
            "Unauthorized",
            &["invalidCredentials (49)", "cn=nobody"],
        ),
        case(
            "nonsense",
            "/ldap/bind/dn",
            json!("nobody"),
            "Unauthorized",
            &["invalidDNSyntax (34)"],
        ),
        case(
            "down",
            "/ldap/servers",
            json!([format!("ldap://127.0.0.1:{}", free_port())]),
            "TargetUnreachable",
            &["connecting to ldap://127.0.0.1", "refused"],
        ),
        case(
            "stranger",
            "/sync/tls/caBundle",
            json!(stranger.ca_pem),
            "TargetUnreachable",
            &["connecting to", "certificate"],
        ),
        case(
            "base",
            "/ldap/accounts/base",
            json!("ou=nowhere,dc=example,dc=org"),
            "InvalidValue",
            &["spec.ldap.accounts.base", "ou=nowhere", "correct the name"],
        ),
        case(
            "teams",
            "/ldap/groups/base",
            json!("ou=nowhere,dc=example,dc=org"),
            "InvalidValue",
            &["spec.ldap.groups.base", "ou=nowhere"],
        ),
    ]
}

/// What could never work.
fn impossible() -> Vec<Case> {
    vec![
        case(
            "mark",
            "/ldap/accounts/markAttribute",
            json!("employeeNummer"),
            "InvalidValue",
            &["accounts.markAttribute", "no attribute employeeNummer"],
        ),
        case(
            "attribute",
            "/account/attributes",
            json!({"sn": "employee.name.family", "givenNmae": "employee.name.given"}),
            "InvalidValue",
            &["account.attributes[givenNmae]", "extend the schema"],
        ),
        case(
            "filter",
            "/ldap/accounts/filter",
            json!("(objectClass=person"),
            "InvalidValue",
            &["accounts.filter is no filter"],
        ),
        case(
            "template",
            "/ldap/accounts/dn",
            json!("uid={nobody},ou=people,dc=example,dc=org"),
            "InvalidValue",
            &["accounts.dn", "{nobody}"],
        ),
        case(
            "twice",
            "/account/attributes",
            json!({"sn": "employee.name.family", "uid": "employee.name.given"}),
            "InvalidValue",
            &["the attribute uid holds the user name"],
        ),
        case(
            "switch",
            "/account/attributes",
            json!({"sn": "employee.name.family", "pwdAccountLockedTime": "''"}),
            "InvalidValue",
            &["pwdAccountLockedTime says whether an account is disabled"],
        ),
        case(
            "all-gone",
            "/ldap/disable",
            json!({"container": "dc=example,dc=org"}),
            "InvalidValue",
            &["disable.container holds accounts.base"],
        ),
        case(
            "in-clear",
            "/ldap/startTLS",
            json!(false),
            "InvalidValue",
            &["spec.account.initialPassword", "in clear", "ldaps://"],
        ),
        case(
            "must-change",
            "/ldap/dialect",
            json!("Standard"),
            "Unsupported",
            &["spec.account.initialPassword.mustChange", "set it to false"],
        ),
    ]
}

#[tokio::test]
async fn of_a_connector() {
    let server = OpenLdap::start().await;
    let story = Story::new("ldap-bad").await;
    let _operator = Operator::start(&story.ns).await;
    for case in strange().into_iter().chain(impossible()) {
        let mut connector = openldap(case.name, &server);
        connector["spec"]["account"]["initialPassword"] = json!({});
        let (parent, key) = case.at.rsplit_once('/').unwrap();
        connector["spec"].pointer_mut(parent).unwrap()[key] = case.value;
        let hosts = match connector["spec"]["ldap"]["servers"][0].as_str() {
            Some(url) => url.replace("ldap://", ""),
            None => server.hosts(),
        };
        story
            .ns
            .credential(case.name, server.password(), &hosts)
            .await;
        story.apply_connector(connector).await;
        let why = story
            .connector_says(case.name, "Ready", "False", case.reason)
            .await;
        tells(&why, case.says);
        assert!(!why.contains(server.password()), "{why}");
        // Two may not speak to one application.
        story
            .ns
            .kubectl_ok(&["delete", "appconnector", case.name])
            .await;
    }
}

/// What is wrong for one person stops nobody else.
#[tokio::test]
async fn of_a_person() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    let story = Story::new("ldap-odd").await;
    let _operator = Operator::start(&story.ns).await;
    story
        .ns
        .credential("directory", server.password(), &server.hosts())
        .await;
    let mut connector = openldap("directory", &server);
    let template = format!("uid={{username}},ou={{departmentNumber}},ou=people,{SUFFIX}");
    connector["spec"]["ldap"]["accounts"]["dn"] = json!(template);
    connector["spec"]["account"]["attributes"]["preferredLanguage"] = json!("employee.location");
    connector["spec"]["account"]["attributes"]["mobile"] = json!("employee.costCenter");
    connector["spec"]["entitlements"] = json!({"missing": "Report"});
    story.apply_connector(connector).await;
    let sales = format!("ou=Sales,ou=people,{SUFFIX}");
    looker
        .add(
            &sales,
            &[("objectClass", &["organizationalUnit"]), ("ou", &["Sales"])],
        )
        .await;
    story.apply_role(everyone("all", "directory", &[])).await;

    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    // Below an entry that is not there.
    story
        .apply_person(clerk("bob", "2", "Support", json!({})))
        .await;
    // Not printable ASCII, as the schema wants it for a telephone number.
    let odd = json!({"costCenter": "1042 ☎"});
    story.apply_person(clerk("eve", "3", "Sales", odd)).await;
    story.provisioned("ada", 1).await;
    let there = looker
        .values(&format!("uid=ada.example,{sales}"), "uid")
        .await;
    assert_eq!(there.len(), 1, "in the unit of the department");
    let why = story
        .person_says("bob", "Ready", "False", "InvalidValue")
        .await;
    tells(
        &why,
        &["ou=Support", "noSuchObject (32)", "spec.ldap.accounts.dn"],
    );
    let why = story
        .person_says("eve", "Ready", "False", "InvalidValue")
        .await;
    tells(&why, &["mobile", "invalidAttributeSyntax (21)"]);

    // A group that does not exist.
    story
        .apply_role(everyone("more", "directory", &["nobodys"]))
        .await;
    let why = story
        .person_says("ada", "Ready", "False", "EntitlementMissing")
        .await;
    tells(&why, &["nobodys"]);

    // What was missing is made: the rest follows by itself.
    let support = format!("ou=Support,ou=people,{SUFFIX}");
    looker
        .add(
            &support,
            &[
                ("objectClass", &["organizationalUnit"]),
                ("ou", &["Support"]),
            ],
        )
        .await;
    story
        .annotate(
            "employee/bob",
            "rollcall.dev/reconcile-requested-at",
            Some("now"),
        )
        .await;
    story
        .person("bob", "has an account", |s| {
            s.accounts.iter().any(|a| a.account_id.is_some())
        })
        .await;
    // And a move takes the entry along.
    story
        .apply_person(clerk("ada", "1", "Support", json!({})))
        .await;
    crate::support::wait::eventually("ada's entry moves", async || {
        let there = looker
            .values(&format!("uid=ada.example,{support}"), "departmentNumber")
            .await;
        if there.contains("Support") {
            Ok(())
        } else {
            Err(there)
        }
    })
    .await;
    assert_eq!(looker.values(&person("ada.example"), "uid").await.len(), 0);
}
