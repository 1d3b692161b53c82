//! Names that are too long for a directory: told, and never cut without a word; nobody else waits.

use serde_json::json;

use super::kit::{domain, openldap};
use crate::stories::kit::{Neighbours, Story, Told, clerk, everyone};
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::operator::Operator;
use crate::support::samba::{self, Samba};

/// OpenLDAP has no limit for values, and one of about 240 bytes for what an entry is named by.
#[tokio::test]
async fn in_openldap() {
    let server = OpenLdap::start().await;
    let story = Story::new("ldap-long").await;
    let _operator = Operator::start(&story.ns).await;
    let neighbours = Neighbours::of(&story).await;
    let hosts = server.hosts();
    let credential = story.ns.credential("directory", server.password(), &hosts);
    credential.await;
    let mut connector = openldap("directory", &server);
    connector["spec"]["sync"]["interval"] = json!("5s");
    connector["spec"]["account"]["usernameRules"] = json!({"maxLength": 256});
    connector["spec"]["account"]["username"] = json!(["employee.location + employee.jobTitle"]);
    story.apply_connector(connector.clone()).await;
    let mut all = everyone("all", "directory", &[]);
    all["spec"]["match"] = json!("employee.department != 'Neighbours'");
    story.apply_role(all).await;
    let joins = async |name: &str, id: &str, letters: usize| {
        let facts = json!({"location": "x".repeat(200), "jobTitle": name.repeat(letters)});
        story.apply_person(clerk(name, id, "Sales", facts)).await;
    };
    let says = async |name: &str, told: Told| {
        let why = story.person_says(name, "Ready", "False", told.reason).await;
        told.is_in(&why, server.password());
    };
    joins("bob", "1", 17).await;
    let user = Told::new(
        "InvalidValue",
        "spec.account.usernameRules.maxLength",
        &["the server answers other (80)", "Its name has 255 bytes"],
        "set a lower spec.account",
    );
    says("bob", user).await;
    joins("ada", "2", 10).await;
    let status = story.provisioned("ada", 1).await;
    let name = status.accounts[0].username.as_deref().unwrap();
    assert_eq!(name.len(), 230, "{name}");
    neighbours.go_on(&story).await;

    let template = format!("displayName={{displayName}},ou=people,{SUFFIX}");
    connector["spec"]["ldap"]["accounts"]["dn"] = json!(template);
    connector["spec"]["account"]["attributes"]["displayName"] =
        json!("employee.location + employee.location");
    connector["spec"]["account"]["username"] = json!(["employee.name.given"]);
    story.apply_connector(connector).await;
    joins("eve", "3", 1).await;
    let entry = Told::new(
        "InvalidValue",
        "spec.ldap.accounts.dn",
        &["the server answers other (80)", "Its name has 412 bytes"],
        "mend or shorten what",
    );
    says("eve", entry).await;
    story
        .person_says("bob", "Ready", "False", entry.reason)
        .await;
    neighbours.go_on(&story).await;
}

/// Active Directory holds 20 characters of a user name, 64 of what an entry is named by, and of other values as
/// many as its schema says.
#[tokio::test]
async fn in_active_directory() {
    if !samba::is_possible() {
        return;
    }
    let server = Samba::start().await;
    let story = Story::new("ad-long").await;
    let _operator = Operator::start(&story.ns).await;
    let neighbours = Neighbours::of(&story).await;
    let host = server.host();
    let mut forest = domain("forest", &server);
    forest["spec"]["account"]["usernameRules"] = json!({"maxLength": 21});
    forest["spec"]["ldap"]["accounts"]["dn"] =
        json!(format!("CN={{displayName}},OU=People,{}", samba::SUFFIX));
    story
        .ns
        .credential("forest", server.password(), &host)
        .await;
    story.apply_connector(forest.clone()).await;
    let told = Told::new(
        "InvalidValue",
        "spec.account.usernameRules.maxLength",
        &["sAMAccountName holds at most 20 characters"],
        "set it to 20 or less",
    );
    let why = story
        .connector_says("forest", "Stalled", "True", told.reason)
        .await;
    told.is_in(&why, server.password());
    neighbours.go_on(&story).await;

    forest["spec"]["account"]["usernameRules"] = json!({"maxLength": 20});
    story.apply_connector(forest).await;
    let mut all = everyone("all", "forest", &[]);
    all["spec"]["match"] = json!("employee.department != 'Neighbours'");
    story.apply_role(all).await;
    // Cut to what it holds, and still told apart.
    for (name, id) in [("maximiliana-augusta", "1"), ("maximiliana-augusta-b", "2")] {
        story
            .apply_person(clerk(name, id, "Sales", json!({})))
            .await;
        let status = story.provisioned(name, 1).await;
        let username = status.accounts[0].username.as_deref().unwrap();
        assert!(username.len() <= 20, "{username}");
    }
    let long = json!({"name": {"display": "x".repeat(65)}});
    story.apply_person(clerk("bob", "3", "Sales", long)).await;
    let title = json!({"jobTitle": "y".repeat(129)});
    story.apply_person(clerk("eve", "4", "Sales", title)).await;
    for (name, field, cause) in [
        ("bob", "spec.ldap.accounts.dn", &["xxx"][..]),
        ("eve", "spec.account.attributes", &["title"][..]),
    ] {
        let told = Told::new("InvalidValue", field, cause, "mend ");
        let why = story.person_says(name, "Ready", "False", told.reason).await;
        told.is_in(&why, server.password());
    }
    neighbours.go_on(&story).await;
}
