use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::super::ScimConnector;
use super::super::config::{Auth, ScimConfig};
use super::super::filter::{equals, set_query};
use super::super::path::{AttributePath, ENTERPRISE_SCHEMA, Place, Selector};
use super::path;
use crate::connectors::{ConnectorError, ErrorKind};
use crate::domain::ids::AttributeName;

fn parse(name: &str) -> Result<AttributePath, ConnectorError> {
    AttributePath::parse(&AttributeName::new(name))
}

fn config(names: &[&str]) -> ScimConfig {
    ScimConfig {
        base_url: "http://127.0.0.1:1/scim".parse().unwrap(),
        auth: Auth::Bearer("t0ps3cret".into()),
        ca_bundle: None,
        allow_link_local: false,
        timeout: Duration::from_secs(1),
        page_size: 100,
        managed_attributes: names.iter().map(AttributeName::new).collect(),
        manager: false,
        ways: crate::connectors::scim::Ways::default(),
    }
}

fn work(attribute: &str, value: &str) -> Selector {
    Selector {
        attribute: attribute.to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn places_what_it_accepts() {
    let enterprise = Some(ENTERPRISE_SCHEMA);
    let table: [(&str, Option<&str>, &str, Place); 14] = [
        ("displayName", None, "displayName", Place::Single),
        ("DISPLAYNAME", None, "displayName", Place::Single),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:title",
            None,
            "title",
            Place::Single,
        ),
        (
            "name.givenName",
            None,
            "name",
            Place::Part("givenName".into()),
        ),
        (
            "emails[type eq \"work\"].value",
            None,
            "emails",
            Place::Selected(work("type", "work"), "value".into()),
        ),
        (
            "emails[type EQ \"we]i\\\"rd\"].display",
            None,
            "emails",
            Place::Selected(work("type", "we]i\"rd"), "display".into()),
        ),
        (
            "addresses[type eq \"work\"].locality",
            None,
            "addresses",
            Place::Selected(work("type", "work"), "locality".into()),
        ),
        (
            "email",
            None,
            "emails",
            Place::Selected(work("type", "work"), "value".into()),
        ),
        ("roles", None, "roles", Place::List),
        (
            "roles[type eq \"main\"].value",
            None,
            "roles",
            Place::Selected(work("type", "main"), "value".into()),
        ),
        ("department", enterprise, "department", Place::Single),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
            enterprise,
            "costCenter",
            Place::Single,
        ),
        (
            "urn:example:params:acme:2.0:User:badge",
            Some("urn:example:params:acme:2.0:User"),
            "badge",
            Place::Single,
        ),
        (
            "urn:example:acme:desk.floor",
            Some("urn:example:acme"),
            "desk",
            Place::Part("floor".into()),
        ),
    ];
    for (name, extension, attribute, place) in table {
        let parsed = parse(name).unwrap();
        assert_eq!(
            parsed.name.as_str(),
            name,
            "the name stays as the mapping spells it"
        );
        assert_eq!(
            (
                parsed.extension.as_deref(),
                parsed.attribute.as_str(),
                &parsed.place
            ),
            (extension, attribute, &place),
            "{name}"
        );
        assert_eq!(parsed.primary, name == "email");
    }
}

#[test]
fn refuses_with_a_reason() {
    for (name, reason) in [
        ("", "no attribute name"),
        ("id", "Rollcall governs `id`"),
        ("externalid", "Rollcall governs `externalId`"),
        ("userName", "Rollcall governs"),
        ("active", "Rollcall governs"),
        ("groups", "Rollcall governs"),
        ("groups[type eq \"direct\"].value", "Rollcall governs"),
        ("password", "Rollcall governs"),
        ("meta.version", "Rollcall governs"),
        ("schemas", "Rollcall governs"),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userName",
            "Rollcall governs",
        ),
        ("manager", "FromManagerRef"),
        ("manager.value", "FromManagerRef"),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            "FromManagerRef",
        ),
        ("jobTitle", "the core user schema has no `jobTitle`"),
        ("displayNam", "did you mean `displayName`"),
        ("titel", "did you mean `title`"),
        ("name", "name.givenName"),
        ("name.nickName", "name.givenName"),
        ("title.part", "without parts"),
        ("emails", "say which value of `emails`"),
        ("emails.value", "say which value"),
        ("emails[type eq \"work\"]", "say which value"),
        ("emails[type eq \"work\"]value", "after `]`"),
        ("emails[type eq work].value", "a comparison such as"),
        ("emails[type ne \"work\"].value", "a comparison such as"),
        (
            "emails[type eq \"work\" or type pr].value",
            "a comparison such as",
        ),
        ("emails[type eq \"\"].value", "a comparison such as"),
        (
            "emails[type eq \"work\"].value or title",
            "no attribute name",
        ),
        ("displayName,active", "no attribute name"),
        (" title", "no attribute name"),
        ("http://example.com:x", "no schema URN"),
        ("urn:example:a b:c", "no schema URN"),
        ("urn:example:x:", "no attribute name"),
        (
            "email[type eq \"home\"].value",
            "the core user schema has no `email`",
        ),
    ] {
        let error = parse(name).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains(reason), "{name}: {error}");
        assert!(
            error.message.contains(&format!("attribute `{name}`")),
            "{error}"
        );
    }
    assert!(parse(&"x".repeat(600)).unwrap_err().message.len() < 300);
}

#[test]
fn one_datum_has_one_name() {
    for (names, clash) in [
        (["email", "emails[type eq \"work\"].value"], true),
        (["email", "EMAILS[TYPE eq \"Work\"].VALUE"], true),
        (["email", "emails[type eq \"home\"].value"], false),
        (["email", "emails[type eq \"work\"].display"], false),
        (["roles", "roles[type eq \"main\"].value"], true),
        (
            [
                "department",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:Department",
            ],
            true,
        ),
        (["name.givenName", "name.familyName"], false),
        (["title", "TITLE"], true),
    ] {
        let made = ScimConnector::new(config(&names));
        assert_eq!(made.is_err(), clash, "{names:?}");
        if let Err(error) = made {
            assert!(error.message.contains("are the same data"), "{error}");
        }
    }
}

#[test]
fn a_connector_says_what_is_wrong_with_its_configuration() {
    let with = |change: &dyn Fn(&mut ScimConfig)| {
        let mut config = config(&["title"]);
        change(&mut config);
        ScimConnector::new(config).map(|_| ()).map_err(|error| {
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(!error.message.contains("s3cret"), "{error}");
            error.message
        })
    };
    assert_eq!(with(&|_| {}), Ok(()));
    let refused = |change: &dyn Fn(&mut ScimConfig), reason: &str| {
        let message = with(change).unwrap_err();
        assert!(message.contains(reason), "{message}");
    };
    let url =
        |text: &'static str| move |config: &mut ScimConfig| config.base_url = text.parse().unwrap();
    refused(&url("ftp://example.com/"), "baseUrl");
    refused(&url("mailto:ada@example.com"), "baseUrl");
    refused(
        &url("https://u:s3cret@example.com/"),
        "baseUrl must carry no user",
    );
    refused(
        &url("https://example.com/?t=s3cret"),
        "baseUrl must carry no user",
    );
    refused(&url("http://169.254.169.254/latest"), "link-local");
    refused(&url("http://0xA9FEA9FE/"), "link-local");
    refused(&url("http://[fe80::1]/"), "link-local");
    refused(&url("http://[::ffff:169.254.169.254]/"), "link-local");
    refused(&url("http://[64:ff9b::a9fe:a9fe]/"), "link-local");
    refused(&|config| config.page_size = 0, "pageSize");
    refused(
        &|config| config.ca_bundle = Some("no PEM".into()),
        "caBundle",
    );
    refused(
        &|config| config.auth = Auth::Bearer("".into()),
        "the credential is empty",
    );
    refused(
        &|config| config.auth = Auth::Bearer("s3cret\n".into()),
        "check the Secret",
    );
    refused(
        &|config| {
            config.auth = Auth::Basic {
                username: "a:b".into(),
                password: "s3cret".into(),
            }
        },
        "colon",
    );
    let mut allowed = config(&["title"]);
    allowed.base_url = "http://169.254.169.254/latest".parse().unwrap();
    allowed.allow_link_local = true;
    assert!(ScimConnector::new(allowed).is_ok());
}

#[test]
fn never_shows_a_credential() {
    let connector = ScimConnector::new(config(&[])).unwrap();
    let basic = Auth::Basic {
        username: "ada".into(),
        password: "t0ps3cret".into(),
    };
    for shown in [
        format!("{connector:?}"),
        format!("{:?}", config(&[])),
        format!("{basic:?}"),
    ] {
        assert!(!shown.contains("t0ps3cret"), "{shown}");
    }
}

#[test]
fn queries_survive_every_reading_of_plus() {
    let mut url: url::Url = "http://h/Users".parse().unwrap();
    set_query(&mut url, &[("filter", "userName eq \"a+b c&d=é%\"")]);
    assert_eq!(
        url.query(),
        Some("filter=userName%20eq%20%22a%2Bb%20c%26d%3D%C3%A9%25%22")
    );
}

proptest! {
    /// Whatever the value, the filter ends where it ends.
    #[test]
    fn filters_hold_one_string(value in any::<String>()) {
        let filter = equals("externalId", &value);
        let quoted = filter.strip_prefix("externalId eq ").unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(quoted).unwrap(), value.clone());
        let mut url: url::Url = "http://h/Users".parse().unwrap();
        set_query(&mut url, &[("filter", &filter), ("count", "1")]);
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(pairs, vec![("filter".to_owned(), filter), ("count".to_owned(), "1".to_owned())]);
    }

    /// No text makes the parser fail in another way than by saying no.
    #[test]
    fn parsing_is_total(text in "[a-zA-Z:.\\[\\]\" \\\\eq0-9é]{0,60}") {
        if let Ok(parsed) = parse(&text) {
            prop_assert!(!parsed.attribute.is_empty());
            prop_assert!(parsed.overlaps(&parsed));
        }
    }
}

#[test]
fn managed_manager_needs_no_mention() {
    let mut with_manager = config(&["title", "manager"]);
    with_manager.manager = true;
    let names: BTreeSet<String> = with_manager
        .paths()
        .unwrap()
        .iter()
        .map(|p| p.name.to_string())
        .collect();
    assert_eq!(
        names,
        BTreeSet::from(["manager".to_owned(), "title".to_owned()])
    );
    assert_eq!(
        path("manager").base(),
        format!("{ENTERPRISE_SCHEMA}:manager")
    );
}
