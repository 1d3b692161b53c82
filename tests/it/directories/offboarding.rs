//! What leavers leave behind in directories: passwords, keys, and the groups that they manage.

use std::collections::BTreeSet;

use rollcall::connectors::{
    Connector, ErrorKind, InitialPassword, Owned, SharedConnector, Transfer, WritePermit, registry,
};
use rollcall::domain::account::{AttributeValue, Attributes, NewAccount};
use rollcall::domain::credentials::CredentialKind;
use rollcall::domain::ids::{AccountId, AttributeName, EmployeeId, Username};
use rollcall::domain::mark::Scope;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::kit::{group, person};
use crate::stories::kit::tells;
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::samba::{self, Samba};

const PASSWORD: &str = "What-ada-knows-1815";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAda ada@example";

fn opened(ca_pem: &str, password: &str, block: &Value, attributes: &Value) -> SharedConnector {
    let spec = serde_json::from_value(json!({
        "ldap": block,
        "sync": {"tls": {"caBundle": ca_pem}},
        "account": {
            "username": ["employee.employeeId"], "attributes": attributes,
            "usernameRules": {"maxLength": 20},
        },
    }));
    let password = password.to_owned();
    let opened = registry::open(&spec.unwrap(), &mut |_, _| {
        Ok(SecretString::from(password.clone()))
    });
    opened.map_err(|problem| problem.message).unwrap()
}

fn openldap(server: &OpenLdap) -> SharedConnector {
    let attributes = json!({"cn": "employee.name.display", "sn": "employee.name.family"});
    opened(
        server.ca_pem(),
        server.password(),
        &server.block(),
        &attributes,
    )
}

async fn made(directory: &dyn Connector, name: &str, attributes: &[&str]) -> AccountId {
    let mut values = Attributes::default();
    for attribute in attributes {
        let value = AttributeValue::Text(name.to_owned());
        values.insert(AttributeName::new(attribute), value);
    }
    let account = NewAccount {
        username: Username::new(name),
        mark: Scope::new("acme", "people").mark(&EmployeeId::new(name)),
        active: true,
        first_used: None,
        attributes: values,
    };
    let password = InitialPassword {
        secret: PASSWORD.into(),
        must_change: false,
    };
    let made = directory
        .create(&WritePermit::issue(), &account, Some(&password))
        .await;
    made.unwrap().id
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// The old password lets nobody in, also once the account is enabled again.
async fn is_shut_out(directory: &dyn Connector, id: &AccountId) {
    let permit = WritePermit::issue();
    for active in [false, true] {
        directory.set_active(&permit, id, active).await.unwrap();
        for _ in 0..2 {
            let revoked = directory.revoke(&permit, id, CredentialKind::Passwords);
            let revoked = revoked.await.unwrap();
            assert!(revoked.verified, "{revoked:?}");
            assert!(!revoked.evidence.contains(PASSWORD));
        }
        let let_in = directory.lets_in(id, &PASSWORD.into()).await.unwrap();
        assert!(!let_in, "it is let in, active: {active}");
    }
}

async fn knows_no_sessions(directory: &dyn Connector, id: &AccountId) {
    for kind in [CredentialKind::Sessions, CredentialKind::Tokens] {
        let permit = WritePermit::issue();
        let refused = directory.revoke(&permit, id, kind).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn a_password_is_taken_away() {
    let server = OpenLdap::start().await;
    let directory = openldap(&server);
    let permit = WritePermit::issue();
    let can = directory.probe().await.unwrap();
    let kinds = [CredentialKind::Keys, CredentialKind::Passwords];
    assert_eq!(can.revokes, kinds.into());
    let ada = made(&*directory, "ada", &["cn", "sn"]).await;
    assert!(directory.lets_in(&ada, &PASSWORD.into()).await.unwrap());
    is_shut_out(&*directory, &ada).await;
    let mut looker = server.looker().await;
    let left = looker.values(&person("ada"), "userPassword").await;
    assert_eq!(left, set(&[]));
    knows_no_sessions(&*directory, &ada).await;

    // Where there must be one, it becomes one that nobody knows.
    let wants = ["inetOrgPerson", "simpleSecurityObject"];
    looker
        .set(&person("ada"), "userPassword", &[PASSWORD])
        .await;
    let classes = ldap3::Mod::Replace("objectClass", wants.into());
    let mut ldap: ldap3::Ldap = looker.into();
    let changed = ldap.modify(&person("ada"), vec![classes]).await.unwrap();
    changed.success().unwrap();
    assert!(directory.lets_in(&ada, &PASSWORD.into()).await.unwrap());
    let revoked = directory.revoke(&permit, &ada, CredentialKind::Passwords);
    let revoked = revoked.await.unwrap();
    assert!(!revoked.verified);
    tells(&revoked.evidence, &["nobody knows"]);
    assert!(!directory.lets_in(&ada, &PASSWORD.into()).await.unwrap());
}

/// Also where a class of the entry wants a key.
#[tokio::test]
async fn keys_and_certificates_are_taken_away() {
    let server = OpenLdap::start().await;
    let directory = openldap(&server);
    let permit = WritePermit::issue();
    let ada = made(&*directory, "ada", &["cn", "sn"]).await;
    let none = directory.revoke(&permit, &ada, CredentialKind::Keys).await;
    let none = none.unwrap();
    assert!(none.verified);
    assert_eq!(
        none.evidence,
        "nothing was there; there is no sshPublicKey, userCertificate;binary any more"
    );
    let certificate = rcgen::generate_simple_self_signed(vec!["ada".to_owned()]).unwrap();
    let mut looker = server.looker().await;
    let der = certificate.cert.der().to_vec();
    looker
        .set_bytes(&person("ada"), "userCertificate;binary", der)
        .await;
    let keys: [ldap3::Mod<&str>; 2] = [
        ldap3::Mod::Add("objectClass", ["ldapPublicKey"].into()),
        ldap3::Mod::Add("sshPublicKey", [KEY, "ssh-rsa AAAA other"].into()),
    ];
    let mut ldap: ldap3::Ldap = looker.into();
    let changed = ldap.modify(&person("ada"), keys.into()).await.unwrap();
    changed.success().unwrap();
    let revoked = directory.revoke(&permit, &ada, CredentialKind::Keys).await;
    let revoked = revoked.unwrap();
    assert!(revoked.verified);
    tells(
        &revoked.evidence,
        &["sshPublicKey, userCertificate;binary was taken away"],
    );
    let left = server.below(&format!("ou=people,{SUFFIX}")).await;
    let left = &left[&person("ada")];
    assert!(!left.attrs.contains_key("sshPublicKey"), "{left:?}");
    assert!(left.bin_attrs.is_empty(), "{left:?}");
    assert_eq!(left.attrs["objectClass"], ["inetOrgPerson"]);
    directory
        .revoke(&permit, &ada, CredentialKind::Keys)
        .await
        .unwrap();
    // She may sign in as before.
    assert!(directory.lets_in(&ada, &PASSWORD.into()).await.unwrap());
}

/// A group with several owners loses one and gets another; who owns it already is not named twice.
#[tokio::test]
async fn groups_of_an_owner_go_to_the_manager() {
    let server = OpenLdap::start().await;
    let directory = openldap(&server);
    let permit = WritePermit::issue();
    let ada = made(&*directory, "ada", &["cn", "sn"]).await;
    let grace = made(&*directory, "grace", &["cn", "sn"]).await;
    assert_eq!(directory.owned(&ada).await.unwrap(), Owned::default());
    let nothing = directory.transfer_ownership(&permit, &ada, &grace).await;
    assert_eq!(nothing.unwrap(), Transfer::default());
    let mut looker = server.looker().await;
    let (alan, ada_is, grace_is) = (person("alan"), person("ada"), person("grace"));
    let shouted = "UID=Ada, ou=people,dc=example,dc=org";
    for (name, owners) in [
        ("payroll", vec![shouted]),
        ("board", vec![ada_is.as_str(), alan.as_str()]),
        ("both", vec![ada_is.as_str(), grace_is.as_str()]),
        ("other", vec![alan.as_str()]),
    ] {
        let attributes: [(&str, &[&str]); 3] = [
            ("objectClass", &["groupOfNames"]),
            ("member", &["cn=nobody"]),
            ("owner", &owners),
        ];
        looker.add(&group(name), &attributes).await;
    }
    let hers = ["board", "both", "payroll"].map(|name| format!("group {}", group(name)));
    let hers = Owned::of(hers);
    assert_eq!(directory.owned(&ada).await.unwrap(), hers);
    let transfer = directory.transfer_ownership(&permit, &ada, &grace).await;
    let transfer = transfer.unwrap();
    assert_eq!(transfer.moved, hers);
    assert_eq!(transfer.left, Owned::default());
    for (name, owners) in [
        ("payroll", vec![grace_is.as_str()]),
        ("board", vec![alan.as_str(), grace_is.as_str()]),
        ("both", vec![grace_is.as_str()]),
        ("other", vec![alan.as_str()]),
    ] {
        let now = looker.values(&group(name), "owner").await;
        assert_eq!(now, set(&owners), "{name}");
    }
    let again = directory.transfer_ownership(&permit, &ada, &grace).await;
    assert_eq!(again.unwrap(), Transfer::default());
    assert_eq!(directory.owned(&grace).await.unwrap(), hers);
    let itself = directory.transfer_ownership(&permit, &ada, &ada).await;
    assert_eq!(itself.unwrap_err().kind, ErrorKind::Invalid);
}

/// One group that can't be written does not keep the others, and is told.
#[tokio::test]
async fn what_can_not_be_handed_over_is_told() {
    let server = OpenLdap::with(&[(
        "ACCESS",
        "access to dn.exact=\"cn=locked,ou=groups,dc=example,dc=org\" by users read",
    )])
    .await;
    let directory = openldap(&server);
    let permit = WritePermit::issue();
    let ada = made(&*directory, "ada", &["cn", "sn"]).await;
    let grace = made(&*directory, "grace", &["cn", "sn"]).await;
    let mut looker = server.looker().await;
    let ada_is = person("ada");
    for name in ["locked", "open"] {
        let attributes: [(&str, &[&str]); 3] = [
            ("objectClass", &["groupOfNames"]),
            ("member", &["cn=nobody"]),
            ("owner", &[ada_is.as_str()]),
        ];
        looker.add(&group(name), &attributes).await;
    }
    let refused = directory.transfer_ownership(&permit, &ada, &grace).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    tells(&refused.message, &[&group("locked")]);
    let left = directory.owned(&ada).await.unwrap();
    assert_eq!(left, Owned::of([format!("group {}", group("locked"))]));
}

#[tokio::test]
async fn in_a_domain() {
    if !samba::is_possible() {
        return;
    }
    let domain = Samba::start().await;
    let attributes = json!({"displayName": "employee.name.display"});
    let directory = opened(
        domain.ca_pem(),
        domain.password(),
        &domain.block(),
        &attributes,
    );
    let permit = WritePermit::issue();
    let can = directory.probe().await.unwrap();
    assert!(can.ownership);
    let kinds = [CredentialKind::Keys, CredentialKind::Passwords];
    assert_eq!(can.revokes, kinds.into());
    let ada = made(&*directory, "ada", &["displayName"]).await;
    let grace = made(&*directory, "grace", &["displayName"]).await;
    assert!(directory.lets_in(&ada, &PASSWORD.into()).await.unwrap());
    is_shut_out(&*directory, &ada).await;
    knows_no_sessions(&*directory, &ada).await;

    let mut looker = domain.looker().await;
    let dn = |name: &str| format!("CN={name},OU=People,{}", samba::SUFFIX);
    let mapping = "X509:<I>DC=test,CN=ca<S>CN=ada";
    looker
        .set(&dn("ada"), "altSecurityIdentities", &[mapping])
        .await;
    for evidence in ["altSecurityIdentities was taken away", "nothing was there"] {
        let revoked = directory.revoke(&permit, &ada, CredentialKind::Keys).await;
        let revoked = revoked.unwrap();
        assert!(revoked.verified, "{revoked:?}");
        tells(&revoked.evidence, &[evidence]);
    }
    let left = looker.values(&dn("ada"), "altSecurityIdentities").await;
    assert_eq!(left, set(&[]));

    let team = |name: &str| format!("CN={name},OU=Teams,{}", samba::SUFFIX);
    let (ada_is, grace_is) = (dn("ada"), dn("grace"));
    for (name, manager) in [("Payroll", &ada_is), ("Board", &grace_is)] {
        let attributes: [(&str, &[&str]); 3] = [
            ("objectClass", &["group"]),
            ("sAMAccountName", &[name]),
            ("managedBy", &[manager.as_str()]),
        ];
        looker.add(&team(name), &attributes).await;
    }
    let hers = Owned::of([format!("group {}", team("Payroll"))]);
    assert_eq!(directory.owned(&ada).await.unwrap(), hers);
    for moved in [hers, Owned::default()] {
        let transfer = directory.transfer_ownership(&permit, &ada, &grace).await;
        let transfer = transfer.unwrap();
        assert_eq!((transfer.moved, transfer.left), (moved, Owned::default()));
        for name in ["Payroll", "Board"] {
            let manager = looker.values(&team(name), "managedBy").await;
            assert_eq!(manager, set(&[grace_is.as_str()]), "{name}");
        }
    }
    directory.delete(&permit, &ada).await.unwrap();
}
