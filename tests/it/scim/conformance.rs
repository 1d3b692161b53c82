//! The SCIM connector against real servers: every verb, and what each server makes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use rollcall::connectors::scim::{Auth, ScimConfig, ScimConnector};
use rollcall::connectors::{Connector, ErrorKind, FindKey, Listing, WritePermit};
use rollcall::domain::account::{
    Activity, AttributeChanges, AttributeValue, Attributes, NewAccount, ObservedAccount,
};
use rollcall::domain::ids::{AccountId, AttributeName, Username};
use rollcall::domain::mark::{Mark, Scope};
use secrecy::SecretString;

use super::conformance_groups::{keeps_groups, lists_everything};
use crate::support::targets::ScimServer;

const ATTRIBUTES: [&str; 8] = [
    "displayName",
    "title",
    "name.givenName",
    "email",
    "phoneNumbers[type eq \"mobile\"].value",
    "addresses[type eq \"work\"].locality",
    "department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
];

pub(super) fn config(server: &ScimServer) -> ScimConfig {
    ScimConfig {
        base_url: server.base_url(),
        auth: Auth::Bearer(SecretString::from(server.token())),
        ca_bundle: None,
        allow_link_local: false,
        timeout: Duration::from_secs(30),
        page_size: 200,
        managed_attributes: ATTRIBUTES.iter().map(AttributeName::new).collect(),
        manager: true,
        ways: rollcall::connectors::scim::Ways::default(),
    }
}

pub(super) fn connector(server: &ScimServer) -> ScimConnector {
    ScimConnector::new(config(server)).unwrap()
}

pub(super) fn permit() -> WritePermit {
    WritePermit::issue()
}

fn mark(id: &str) -> Mark {
    Scope::new("acme", "people").mark(&id.into())
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs
        .iter()
        .map(|(name, text)| {
            (
                AttributeName::new(name),
                AttributeValue::Text((*text).to_owned()),
            )
        })
        .collect()
}

fn newcomer(name: &str, attributes: Attributes) -> NewAccount {
    NewAccount {
        username: Username::new(name),
        mark: mark(name),
        active: true,
        first_used: None,
        attributes,
    }
}

pub(super) async fn join(connector: &ScimConnector, name: &str) -> AccountId {
    let account = newcomer(name, Attributes::new());
    connector
        .create(&permit(), &account, None)
        .await
        .unwrap()
        .id
}

async fn read(connector: &ScimConnector, id: &AccountId) -> ObservedAccount {
    connector.read(id).await.unwrap().unwrap()
}

fn set(attributes: Attributes) -> AttributeChanges {
    AttributeChanges {
        set: attributes,
        ..AttributeChanges::default()
    }
}

pub(super) fn complete(listing: &Listing) {
    assert!(listing.accounts_completeness.is_complete(), "{listing:?}");
    assert!(
        listing.entitlements_completeness.is_complete(),
        "{listing:?}"
    );
    assert_eq!(listing.oddities, [] as [&str; 0]);
}

async fn probes(server: &ScimServer) {
    let connector = connector(server);
    let can = connector.probe().await.unwrap();
    assert!(
        can.patch && can.filter && can.entitlements && can.disable && can.mark,
        "{can:?}"
    );
    assert!(can.max_page.is_some());
    assert!(can.notes.contains(&"Bulk".to_owned()));

    let wrong = ScimConfig {
        auth: Auth::Bearer("not-the-token".into()),
        ..config(server)
    };
    let error = ScimConnector::new(wrong)
        .unwrap()
        .probe()
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
    assert!(!error.message.contains("not-the-token"));

    let mut elsewhere = config(server);
    elsewhere.base_url = server.base_url().join("/scim/v9").unwrap();
    let lost = ScimConnector::new(elsewhere).unwrap();
    let error = lost.probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Nonsense, "{error}");
    assert!(error.message.contains("is the base URL right?"), "{error}");
    // One 404 is not "deleted": the address is wrong, and that is what it says.
    let gone = lost.delete(&permit(), &"1".into()).await.unwrap_err();
    assert_eq!(gone.kind, ErrorKind::Nonsense, "{gone}");
    assert_eq!(
        lost.read(&"1".into()).await.unwrap_err().kind,
        ErrorKind::Nonsense
    );
}

/// Through create, read, list and find, every attribute comes back as it was written.
async fn creates_and_finds(server: &ScimServer) {
    let connector = connector(server);
    connector.probe().await.unwrap();
    let long = "x".repeat(255);
    let mut wanted = attributes(&[
        ("displayName", "Åda \"Countess\" \\ O'Löve λ 王 😀"),
        ("title", &long),
        ("name.givenName", "Ἀδα"),
        ("email", "ada+1@example.com"),
        ("phoneNumbers[type eq \"mobile\"].value", "+49 30 1234"),
        ("addresses[type eq \"work\"].locality", "Köln"),
        ("department", "R&D"),
        (ATTRIBUTES[7], "4711"),
    ]);
    let boss = join(&connector, "grace.hopper").await;
    wanted.insert("manager".into(), AttributeValue::Account(boss));
    let account = newcomer("ada.lovelace", wanted.clone());
    let made = connector.create(&permit(), &account, None).await.unwrap();
    assert_eq!(made.username.as_str(), "ada.lovelace");
    assert_eq!(made.mark.as_deref(), Some("acme/people/ada.lovelace"));
    assert_eq!(made.activity, Activity::Active);
    assert_eq!(made.attributes, wanted);
    assert_eq!(read(&connector, &made.id).await, made);

    let by_mark = FindKey::Mark(account.mark.as_str().to_owned());
    assert_eq!(
        connector.find(&by_mark).await.unwrap(),
        std::slice::from_ref(&made)
    );
    let by_name = FindKey::Username(account.username.clone());
    assert_eq!(
        connector.find(&by_name).await.unwrap(),
        std::slice::from_ref(&made)
    );
    let listing = connector.list().await.unwrap();
    complete(&listing);
    assert_eq!(listing.accounts.len(), 2);
    assert!(listing.accounts.contains(&made));

    for twin in ["ada.lovelace", "ADA.Lovelace"] {
        let error = connector
            .create(&permit(), &newcomer(twin, Attributes::new()), None)
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Taken, "{twin}: {error}");
    }
    assert_eq!(connector.list().await.unwrap().accounts.len(), 2);
    assert_eq!(connector.read(&"no-such-id".into()).await, Ok(None));
}

/// What looks like filter syntax inside a value finds nothing that it shouldn't.
async fn filters_are_not_injected_into(server: &ScimServer) {
    let connector = connector(server);
    for name in ["ada", "a+b%26&c", "o'neill", "weiß λ"] {
        join(&connector, name).await;
        let found = connector
            .find(&FindKey::Username(Username::new(name)))
            .await
            .unwrap();
        assert_eq!(found.len(), 1, "{name}");
        let found = connector
            .find(&FindKey::Mark(mark(name).as_str().to_owned()))
            .await
            .unwrap();
        assert_eq!(found.len(), 1, "{name}");
    }
    for evil in [
        "x\" or userName pr or userName eq \"",
        "\" or \"\" eq \"",
        "ada\\",
        "ada\\\" or userName sw \\\"a",
        "*",
        "a%22%20or%20userName%20pr",
        "a\nb\u{0}",
    ] {
        for key in [
            FindKey::Username(Username::new(evil)),
            FindKey::Mark(evil.to_owned()),
        ] {
            match connector.find(&key).await {
                Ok(found) => assert_eq!(found, [], "{key:?}"),
                Err(error) => assert_eq!(error.kind, ErrorKind::Unsupported, "{key:?}: {error}"),
            }
        }
    }
    // None of that taught it that filters don't work.
    assert_eq!(
        connector
            .find(&FindKey::Username(Username::new("ada")))
            .await
            .unwrap()
            .len(),
        1
    );
}

async fn updates(server: &ScimServer) {
    let connector = connector(server);
    let id = join(&connector, "alan").await;
    // Multi-valued attributes that have no element yet, and the same ones again.
    for round in ["first", "second", "second"] {
        let wanted = attributes(&[
            ("displayName", round),
            ("name.givenName", round),
            ("email", &format!("{round}@example.com")),
            ("phoneNumbers[type eq \"mobile\"].value", round),
            ("addresses[type eq \"work\"].locality", round),
            ("department", round),
        ]);
        let shown = connector
            .update(&permit(), &id, &set(wanted.clone()))
            .await
            .unwrap();
        let now = read(&connector, &id).await;
        assert_eq!(now.attributes, wanted, "{round}");
        assert!(shown.is_none_or(|shown| shown == now));
    }
    // Clearing, also of what is clear, beside a change.
    let names = [
        "title",
        "email",
        "phoneNumbers[type eq \"mobile\"].value",
        "department",
        "name.givenName",
    ];
    for _ in 0..2 {
        let changes = AttributeChanges {
            username: None,
            set: attributes(&[("displayName", "Alan")]),
            clear: names.iter().map(AttributeName::new).collect(),
        };
        connector.update(&permit(), &id, &changes).await.unwrap();
        let left = attributes(&[
            ("displayName", "Alan"),
            ("addresses[type eq \"work\"].locality", "second"),
        ]);
        assert_eq!(read(&connector, &id).await.attributes, left);
    }
    // Renaming, alone and onto a name that someone has.
    let rename = |name: &str| AttributeChanges {
        username: Some(Username::new(name)),
        ..AttributeChanges::default()
    };
    connector
        .update(&permit(), &id, &rename("alan.turing"))
        .await
        .unwrap();
    assert_eq!(read(&connector, &id).await.username.as_str(), "alan.turing");
    assert_eq!(
        read(&connector, &id).await.mark.as_deref(),
        Some("acme/people/alan")
    );
    join(&connector, "grace").await;
    let error = connector
        .update(&permit(), &id, &rename("Grace"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Taken, "{error}");
    let absent = connector
        .update(&permit(), &"no-such-id".into(), &rename("x"))
        .await
        .unwrap_err();
    assert_eq!(absent.kind, ErrorKind::NotFound, "{absent}");
}

async fn follows_the_manager(server: &ScimServer) {
    let connector = connector(server);
    let (id, first, second) = (
        join(&connector, "worker").await,
        join(&connector, "boss.one").await,
        join(&connector, "boss.two").await,
    );
    for boss in [&first, &second, &second] {
        let manager: Attributes = [("manager".into(), AttributeValue::Account(boss.clone()))]
            .into_iter()
            .collect();
        connector
            .update(&permit(), &id, &set(manager.clone()))
            .await
            .unwrap();
        assert_eq!(read(&connector, &id).await.attributes, manager);
    }
    let clear = AttributeChanges {
        clear: BTreeSet::from(["manager".into()]),
        ..AttributeChanges::default()
    };
    for _ in 0..2 {
        connector.update(&permit(), &id, &clear).await.unwrap();
        assert_eq!(read(&connector, &id).await.attributes, Attributes::new());
    }
}

async fn disables_and_deletes(server: &ScimServer) {
    let connector = connector(server);
    let id = join(&connector, "leaver").await;
    for (active, activity) in [
        (false, Activity::Disabled),
        (false, Activity::Disabled),
        (true, Activity::Active),
        (true, Activity::Active),
    ] {
        let shown = connector.set_active(&permit(), &id, active).await.unwrap();
        assert!(shown.is_none_or(|shown| shown.activity == activity));
        assert_eq!(read(&connector, &id).await.activity, activity);
    }
    let absent = connector
        .set_active(&permit(), &"no-such-id".into(), false)
        .await
        .unwrap_err();
    assert_eq!(absent.kind, ErrorKind::NotFound, "{absent}");
    for _ in 0..2 {
        connector.delete(&permit(), &id).await.unwrap();
        assert_eq!(connector.read(&id).await, Ok(None));
    }
    let asleep = NewAccount {
        active: false,
        first_used: None,
        ..newcomer("asleep", Attributes::new())
    };
    let made = connector.create(&permit(), &asleep, None).await.unwrap();
    assert_eq!(made.activity, Activity::Disabled);
}

macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        mod scim2_server {
            $(#[tokio::test] async fn $case() { super::$case(&super::ScimServer::scim2_server().await).await; })*
        }
        mod scimmy {
            $(#[tokio::test] async fn $case() { super::$case(&super::ScimServer::scimmy().await).await; })*
        }
    };
}

conformance!(
    probes,
    creates_and_finds,
    filters_are_not_injected_into,
    updates,
    follows_the_manager,
    disables_and_deletes,
    keeps_groups,
    lists_everything,
);
