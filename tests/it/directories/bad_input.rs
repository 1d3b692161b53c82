//! What can't work: told with the field, the cause in the directory's words, and what to do; nothing else
//! stops.

use serde_json::json;

use super::kit::{openldap, person};
use crate::stories::kit::{Neighbours, Story, Told, Wrong, clerk, everyone, wrong};
use crate::support::authority::Certified;
use crate::support::directory::Looker;
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::operator::Operator;
use crate::support::process::free_port;
use crate::support::wait::eventually;

const NOBODY: &str = "cn=nobody,dc=example,dc=org";
const NOWHERE: &str = "ou=nowhere,dc=example,dc=org";

/// What the directory does not know, or does not let in.
#[rustfmt::skip] // a table: one case a line or two
fn strange() -> Vec<Wrong> {
    let stranger = Certified::new(&["127.0.0.1"]);
    let down = || format!("ldap://127.0.0.1:{}", free_port());
    vec![
        wrong("bind", "/ldap/bind/dn", json!(NOBODY),
            Told::new("Unauthorized", "spec.ldap.bind.dn", &["as cn=nobody", "invalidCredentials (49)"],
                "correct spec.ldap.bind.dn, or the password in the Secret that spec.ldap.bind.passwordSecretKeyRef names")),
        wrong("nonsense", "/ldap/bind/dn", json!("nobody"),
            Told::new("Unauthorized", "spec.ldap.bind.dn", &["as nobody", "invalidDNSyntax (34)"], "correct spec.ldap.bind.dn")),
        wrong("down", "/ldap/servers", json!([down()]),
            Told::new("TargetUnreachable", "spec.ldap.servers", &["connecting to ldap://127.0.0.1", "refused"],
                "let them be reached from here")),
        wrong("all-down", "/ldap/servers", json!([down(), "ldap://rollcall.invalid:3389"]),
            Told::new("TargetUnreachable", "spec.ldap.servers", &["ldap://127.0.0.1", "refused", "; connecting to ldap://rollcall.invalid"],
                "let them be reached from here")),
        wrong("stranger", "/sync/tls/caBundle", json!(stranger.ca_pem),
            Told::new("TargetUnreachable", "spec.sync.tls.caBundle", &["connecting to ldap://127.0.0.1", "invalid peer certificate"],
                "put the authority that its certificate is from")),
        wrong("no-bundle", "/sync/tls", json!(null),
            Told::new("TargetUnreachable", "spec.sync.tls.caBundle", &["invalid peer certificate: UnknownIssuer"],
                "put the authority that its certificate is from")),
        wrong("base", "/ldap/accounts/base", json!(NOWHERE),
            Told::new("InvalidValue", "spec.ldap.accounts.base", &["there is no entry ou=nowhere"], "make it, let that account read it, or correct the name")),
        wrong("teams", "/ldap/groups/base", json!(NOWHERE),
            Told::new("InvalidValue", "spec.ldap.groups.base", &["there is no entry ou=nowhere"], "make it, let that account read it, or correct the name")),
    ]
}

/// What could never work.
#[rustfmt::skip] // a table: one case a line or two
fn impossible() -> Vec<Wrong> {
    let with = |name: &str, expression: &str| json!({"sn": "employee.name.family", name: expression});
    vec![
        wrong("mark", "/ldap/accounts/markAttribute", json!("employeeNummer"),
            Told::new("InvalidValue", "spec.ldap.accounts.markAttribute", &["no attribute employeeNummer"], "correct its name, or extend the schema")),
        wrong("attribute", "/account/attributes", with("givenNmae", "employee.name.given"),
            Told::new("InvalidValue", "spec.account.attributes[givenNmae]", &["the schema of the directory"], "correct its name, or extend the schema")),
        wrong("wrong-type", "/account/attributes", with("title", "employee.attributes"),
            Told::new("CelWrongType", "spec.account.attributes[title]", &["this gives map(string, string)"], "convert it, for instance with string()")),
        wrong("filter", "/ldap/accounts/filter", json!("(objectClass=person"),
            Told::new("InvalidValue", "spec.ldap.accounts.filter", &["is no filter (RFC 4515)"], "write it as (objectClass=person)")),
        wrong("template", "/ldap/accounts/dn", json!("uid={nobody},ou=people,dc=example,dc=org"),
            Told::new("InvalidValue", "spec.ldap.accounts.dn", &["fills in {nobody}"], "add it there")),
        wrong("twice", "/account/attributes", with("uid", "employee.name.given"),
            Told::new("InvalidValue", "spec.account.attributes[uid]", &["uid holds the user name"], "take it out")),
        wrong("switch", "/account/attributes", with("pwdAccountLockedTime", "''"),
            Told::new("InvalidValue", "spec.account.attributes[pwdAccountLockedTime]", &["says whether an account is disabled"], "take it out")),
        wrong("all-gone", "/ldap/disable", json!({"container": "dc=example,dc=org"}),
            Told::new("InvalidValue", "spec.ldap.disable.container", &["holds spec.ldap.accounts.base"], "name another")),
        wrong("in-clear", "/ldap/startTLS", json!(false),
            Told::new("InvalidValue", "spec.account.initialPassword", &["in clear"], "write ldaps:// in spec.ldap.servers")),
        wrong("must-change", "/ldap/dialect", json!("Standard"),
            Told::new("Unsupported", "spec.account.initialPassword.mustChange", &["no way to ask for that"], "set it to false")),
    ]
}

#[tokio::test]
async fn of_a_connector() {
    let server = OpenLdap::start().await;
    let story = Story::new("ldap-bad").await;
    let _operator = Operator::start(&story.ns).await;
    let neighbours = Neighbours::of(&story).await;
    for case in strange().into_iter().chain(impossible()) {
        let mut connector = openldap(case.name, &server);
        connector["spec"]["account"]["initialPassword"] = json!({});
        case.put_into(&mut connector);
        let servers = connector["spec"]["ldap"]["servers"].as_array().unwrap();
        let hosts = servers
            .iter()
            .map(|url| url.as_str().unwrap().replace("ldap://", ""));
        let hosts = hosts.collect::<Vec<_>>().join(", ");
        let credential = story.ns.credential(case.name, server.password(), &hosts);
        credential.await;
        story.apply_connector(connector).await;
        let why = story
            .connector_says(case.name, "Ready", "False", case.told.reason)
            .await;
        case.told.is_in(&why, server.password());
        neighbours.go_on(&story).await;
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
    let neighbours = Neighbours::of(&story).await;
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
    let mut all = everyone("all", "directory", &[]);
    all["spec"]["match"] = json!("employee.department != 'Neighbours'");
    story.apply_role(all).await;

    // Below an entry that is not there.
    story
        .apply_person(clerk("bob", "2", "Support", json!({})))
        .await;
    // Not printable ASCII, as the schema wants it for a telephone number.
    let odd = json!({"costCenter": "1042 ☎"});
    story.apply_person(clerk("eve", "3", "Sales", odd)).await;
    let says = async |name: &str, told: Told| {
        let why = story.person_says(name, "Ready", "False", told.reason).await;
        told.is_in(&why, server.password());
    };
    let nowhere = Told::new(
        "InvalidValue",
        "spec.ldap.accounts.dn",
        &["ou=Support", "noSuchObject (32)"],
        "make that, or correct",
    );
    says("bob", nowhere).await;
    let violation = Told::new(
        "InvalidValue",
        "spec.account.attributes",
        &["mobile", "invalidAttributeSyntax (21)"],
        "mend what spec.account.attributes gives, or the fact behind it",
    );
    says("eve", violation).await;
    story
        .apply_person(clerk("ada", "1", "Sales", json!({})))
        .await;
    story.provisioned("ada", 1).await;
    neighbours.go_on(&story).await;
    let there = looker
        .values(&format!("uid=ada.example,{sales}"), "uid")
        .await;
    assert_eq!(there.len(), 1, "in the unit of the department");

    // A group that does not exist.
    let mut more = everyone("more", "directory", &["nobodys"]);
    more["spec"]["match"] = json!("employee.department == 'Sales'");
    story.apply_role(more).await;
    let missing = Told::new(
        "EntitlementMissing",
        "spec.entitlements.missing",
        &["directory has no entitlement named nobodys"],
        "create it there, mend the name in the RoleTemplate, or set",
    );
    says("ada", missing).await;
    neighbours.go_on(&story).await;

    the_rest_follows(&story, &mut looker).await;
}

/// What was missing is made.
async fn the_rest_follows(story: &Story, looker: &mut Looker) {
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
    eventually("ada's entry moves", async || {
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
