//! What a panic would print of what holds a credential.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::api::core::v1::Secret;
use rollcall::api::SECRET_LABEL;
use rollcall::connectors::InitialPassword;
use rollcall::connectors::ldap::{Accounts, Dialect, Disabling, IdAttribute, LdapConfig, Template};
use rollcall::connectors::scim::{Auth, ClientAuthentication, OAuth2, ScimConfig, ScimConnector};
use rollcall::connectors::sql::{Purpose, ServerConfig};
use rollcall::runtime::secrets::SecretView;

use super::{forms, random};

/// What a panic would print of what holds a credential, or part of one.
#[test]
fn no_panic_tells_it() {
    let marker = format!("m4rk-{}", random());
    let secret = Secret {
        metadata: kube::core::ObjectMeta {
            name: Some("directory".to_owned()),
            labels: Some([(SECRET_LABEL.to_owned(), "true".to_owned())].into()),
            ..kube::core::ObjectMeta::default()
        },
        string_data: Some([("token".to_owned(), marker.clone())].into()),
        data: Some(
            [(
                "token".to_owned(),
                k8s_openapi::ByteString(marker.clone().into_bytes()),
            )]
            .into(),
        ),
        ..Secret::default()
    };
    let view = SecretView::from(secret);
    let config = |auth| ScimConfig {
        base_url: "https://localhost:1/scim/v2".parse().unwrap(),
        auth,
        ca_bundle: None,
        allow_link_local: false,
        timeout: Duration::from_secs(1),
        page_size: 10,
        managed_attributes: BTreeSet::new(),
        manager: false,
        ways: rollcall::connectors::scim::Ways::default(),
    };
    let bearer = config(Auth::Bearer(marker.clone().into()));
    let basic = config(Auth::Basic {
        username: "rollcall".to_owned(),
        password: marker.clone().into(),
    });
    let client = config(Auth::OAuth2(OAuth2 {
        token_url: "https://localhost:1/token".parse().unwrap(),
        client_id: "rollcall".to_owned(),
        client_secret: marker.clone().into(),
        scopes: vec![],
        audience: None,
        authentication: ClientAuthentication::Header,
    }));
    let (directory, database) = (directory(&marker), database(&marker));
    let initial = InitialPassword {
        secret: marker.clone().into(),
        must_change: true,
    };
    let connectors = [
        ScimConnector::new(bearer.clone()),
        ScimConnector::new(basic.clone()),
        ScimConnector::new(client.clone()),
    ];
    let told = catch_unwind(AssertUnwindSafe(|| {
        panic!(
            "{view:#?} {bearer:#?} {basic:#?} {client:#?} {directory:#?} {database:#?} {initial:#?} {connectors:#?}"
        );
    }));
    let told = told.unwrap_err().downcast::<String>().unwrap();
    for shown in [
        "SecretView",
        "https",
        "ldaps",
        "ServerConfig",
        "must_change",
    ] {
        assert!(told.contains(shown), "{shown}: {told}");
    }
    let pair = BASE64_STANDARD.encode(format!("rollcall:{marker}"));
    for form in forms(&marker).into_iter().chain([pair]) {
        assert!(!told.contains(&form), "{form}: {told}");
    }
}

fn directory(marker: &str) -> LdapConfig {
    LdapConfig {
        servers: vec!["ldaps://localhost:1".parse().unwrap()],
        start_tls: false,
        ca_bundle: None,
        allow_link_local: false,
        timeout: Duration::from_secs(1),
        page_size: 10,
        bind_dn: "cn=rollcall,dc=example,dc=org".to_owned(),
        bind_password: marker.into(),
        dialect: Dialect::OpenLdap,
        id: IdAttribute::new("entryUUID"),
        accounts: Accounts {
            base: "dc=example,dc=org".to_owned(),
            template: Template::parse("uid={username},dc=example,dc=org").unwrap(),
            object_classes: vec!["inetOrgPerson".to_owned()],
            filter: "(objectClass=*)".to_owned(),
            username: "uid".to_owned(),
            mark: "employeeNumber".to_owned(),
        },
        disabling: Disabling::Never,
        groups: None,
        managed: vec![],
        manager: None,
    }
}

fn database(marker: &str) -> ServerConfig {
    ServerConfig {
        host: "localhost".to_owned(),
        port: 1,
        database: "app".to_owned(),
        username: "rollcall".to_owned(),
        password: marker.into(),
        encrypted: true,
        ca_bundle: None,
        allow_link_local: false,
        purpose: Purpose::Users,
        timeout: Duration::from_secs(1),
        connections: 1,
    }
}
