//! Connectors to directories, in few words.

use std::time::Duration;

use rollcall::connectors::ldap::{
    Accounts, Dialect, Groups, IdAttribute, LdapConfig, LdapConnector, Template,
};
use rollcall::domain::account::{AttributeValue, NewAccount};
use rollcall::domain::ids::{AttributeName, EmployeeId, Username};
use rollcall::domain::mark::Scope;
use serde_json::{Value, json};

use crate::stories::kit::Story;
use crate::support::openldap::{BIND_DN, OpenLdap, SUFFIX};
use crate::support::samba::Samba;

/// The entry of a person in OpenLDAP.
pub fn person(name: &str) -> String {
    format!("uid={name},ou=people,dc=example,dc=org")
}

/// The entry of a group in OpenLDAP.
pub fn group(name: &str) -> String {
    format!("cn={name},ou=groups,dc=example,dc=org")
}

/// A connector to an OpenLDAP that lists every second, makes missing groups, and maps a few attributes.
pub fn openldap(name: &str, server: &OpenLdap) -> Value {
    let mut block = server.block();
    block["bind"]["passwordSecretKeyRef"]["name"] = json!(name);
    let attributes = json!({
        "cn": "employee.name.display",
        "sn": "employee.name.family",
        "givenName": "employee.name.given",
        "title": "employee.jobTitle",
        "departmentNumber": "employee.department",
    });
    connector(name, &block, server.ca_pem(), &attributes)
}

/// The same for a domain.
pub fn domain(name: &str, server: &Samba) -> Value {
    let mut block = server.block();
    block["bind"]["passwordSecretKeyRef"]["name"] = json!(name);
    let attributes = json!({
        "displayName": "employee.name.display",
        "sn": "employee.name.family",
        "givenName": "employee.name.given",
        "title": "employee.jobTitle",
        "department": "employee.department",
    });
    let mut connector = connector(name, &block, server.ca_pem(), &attributes);
    connector["spec"]["account"]["usernameRules"] = json!({"maxLength": 20});
    connector["spec"]["account"]["initialPassword"] = json!({});
    connector
}

fn connector(name: &str, block: &Value, ca: &str, attributes: &Value) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "ldap": block,
            "account": {
                "username": ["employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()"],
                "attributes": attributes,
            },
            "entitlements": {"missing": "Create"},
            "sync": {"interval": "1s", "tls": {"caBundle": ca}},
        },
    })
}

/// Applies a connector to an OpenLDAP, with its credential.
pub async fn connect(story: &Story, name: &str, server: &OpenLdap) {
    let hosts = server.hosts();
    story.ns.credential(name, server.password(), &hosts).await;
    story.apply_connector(openldap(name, server)).await;
}

/// Applies a connector to a domain, with its credential.
pub async fn join(story: &Story, name: &str, server: &Samba) {
    let host = server.host();
    story.ns.credential(name, server.password(), &host).await;
    story.apply_connector(domain(name, server)).await;
}

/// The connector to an OpenLDAP by itself.
pub fn alone(server: &OpenLdap, groups: Groups) -> LdapConnector {
    let people = format!("ou=people,{SUFFIX}");
    LdapConnector::new(LdapConfig {
        servers: vec![server.tls_url().parse().unwrap()],
        start_tls: false,
        ca_bundle: Some(server.ca_pem().to_owned()),
        allow_link_local: false,
        timeout: Duration::from_secs(20),
        page_size: 100,
        bind_dn: BIND_DN.to_owned(),
        bind_password: server.password().into(),
        dialect: Dialect::OpenLdap,
        id: IdAttribute::new("entryUUID"),
        accounts: Accounts {
            template: Template::parse(&format!("uid={{username}},{people}")).unwrap(),
            base: people,
            object_classes: vec!["inetOrgPerson".to_owned()],
            filter: "(objectClass=inetOrgPerson)".to_owned(),
            username: "uid".to_owned(),
            mark: "employeeNumber".to_owned(),
        },
        disabling: Dialect::OpenLdap.disabling(),
        groups: Some(groups),
        managed: vec!["cn".to_owned(), "sn".to_owned()],
        manager: None,
    })
    .unwrap()
}

/// An account for it to make.
pub fn newcomer(username: &str, employee: &str) -> NewAccount {
    let name = AttributeValue::Text("Example".to_owned());
    let values = ["cn", "sn"].map(|attribute| (AttributeName::new(attribute), name.clone()));
    NewAccount {
        username: Username::new(username),
        mark: Scope::new("prod", "people").mark(&EmployeeId::new(employee)),
        active: true,
        first_used: None,
        attributes: values.into_iter().collect(),
    }
}
