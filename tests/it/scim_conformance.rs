//! The SCIM connector against real servers: every verb, and what each server makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rollcall::connectors::scim::{Auth, ScimConfig, ScimConnector};
use rollcall::connectors::{Connector, ErrorKind, FindKey, HolderChange, Listing, WritePermit};
use rollcall::domain::account::{
    Activity, AttributeChanges, AttributeValue, Attributes, NewAccount, ObservedAccount,
    ObservedEntitlement,
};
use rollcall::domain::ids::{AccountId, AttributeName, EntitlementId, Username};
use rollcall::domain::mark::{Mark, Scope};
use secrecy::SecretString;
use serde_json::json;

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

fn config(server: &ScimServer) -> ScimConfig {
    ScimConfig {
        base_url: server.base_url(),
        auth: Auth::Bearer(SecretString::from(server.token())),
        ca_bundle: None,
        allow_link_local: false,
        timeout: Duration::from_secs(30),
        page_size: 200,
        managed_attributes: ATTRIBUTES.iter().map(AttributeName::new).collect(),
        manager: true,
    }
}

fn connector(server: &ScimServer) -> ScimConnector {
    ScimConnector::new(config(server)).unwrap()
}

fn permit() -> WritePermit {
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
        attributes,
    }
}

async fn join(connector: &ScimConnector, name: &str) -> AccountId {
    let account = newcomer(name, BTreeMap::new());
    connector.create(&permit(), &account).await.unwrap().id
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

fn complete(listing: &Listing) {
    assert!(listing.accounts_completeness.is_complete(), "{listing:?}");
    assert!(
        listing.entitlements_completeness.is_complete(),
        "{listing:?}"
    );
    assert_eq!(listing.oddities, [] as [&str; 0]);
}

async fn group(connector: &ScimConnector, id: &EntitlementId) -> ObservedEntitlement {
    let listing = connector.list().await.unwrap();
    complete(&listing);
    let mut found = listing.entitlements.into_iter().filter(|e| e.id == *id);
    let one = found.next().unwrap();
    assert!(found.next().is_none(), "listed twice");
    assert!(one.completeness.is_complete());
    one
}

async fn change(
    connector: &ScimConnector,
    group: &EntitlementId,
    add: &[AccountId],
    remove: &[AccountId],
) {
    let change = HolderChange {
        add: add.to_vec(),
        remove: remove.to_vec(),
    };
    let results = connector
        .change_holders(&permit(), group, &change)
        .await
        .unwrap();
    assert_eq!(results.len(), add.len() + remove.len());
    for (account, result) in results {
        assert_eq!(result, Ok(()), "{account}");
    }
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
    let made = connector.create(&permit(), &account).await.unwrap();
    assert_eq!(made.username.as_str(), "ada.lovelace");
    assert_eq!(made.mark.as_deref(), Some("acme/people/ada.lovelace"));
    assert_eq!(made.activity, Activity::Active);
    assert_eq!(made.attributes, wanted);
    assert_eq!(read(&connector, &made.id).await, made);

    let by_mark = FindKey::Mark(account.mark.as_str().to_owned());
    assert_eq!(connector.find(&by_mark).await.unwrap(), [made.clone()]);
    let by_name = FindKey::Username(account.username.clone());
    assert_eq!(connector.find(&by_name).await.unwrap(), [made.clone()]);
    let listing = connector.list().await.unwrap();
    complete(&listing);
    assert_eq!(listing.accounts.len(), 2);
    assert!(listing.accounts.contains(&made));

    for twin in ["ada.lovelace", "ADA.Lovelace"] {
        let error = connector
            .create(&permit(), &newcomer(twin, BTreeMap::new()))
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
        let manager = Attributes::from([("manager".into(), AttributeValue::Account(boss.clone()))]);
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
        assert_eq!(read(&connector, &id).await.attributes, BTreeMap::new());
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
        ..newcomer("asleep", BTreeMap::new())
    };
    let made = connector.create(&permit(), &asleep).await.unwrap();
    assert_eq!(made.activity, Activity::Disabled);
}

async fn keeps_groups(server: &ScimServer) {
    let connector = connector(server);
    let made = connector
        .create_entitlement(&permit(), &"marketing \"eu\"".into())
        .await
        .unwrap();
    assert_eq!(
        (made.name.as_str(), made.holders.len()),
        ("marketing \"eu\"", 0)
    );
    let again = connector
        .create_entitlement(&permit(), &"marketing \"eu\"".into())
        .await
        .unwrap();
    assert_eq!(again.id, made.id);
    assert_eq!(group(&connector, &made.id).await.holders, []);

    let (ada, bob) = (join(&connector, "ada").await, join(&connector, "bob").await);
    for _ in 0..3 {
        change(&connector, &made.id, std::slice::from_ref(&ada), &[]).await;
        assert_eq!(group(&connector, &made.id).await.holders, [ada.clone()]);
    }
    for _ in 0..2 {
        change(
            &connector,
            &made.id,
            std::slice::from_ref(&bob),
            std::slice::from_ref(&ada),
        )
        .await;
        assert_eq!(group(&connector, &made.id).await.holders, [bob.clone()]);
    }
    // A removal of who is no member, and an empty change.
    change(&connector, &made.id, &[], &["no-such-id".into()]).await;
    change(&connector, &made.id, &[], &[]).await;
    assert_eq!(group(&connector, &made.id).await.holders, [bob]);
    let absent = HolderChange {
        add: vec![ada],
        remove: vec![],
    };
    let error = connector
        .change_holders(&permit(), &"no-such-group".into(), &absent)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");

    // What others put there stays: a nested group, which is no holder.
    let nested = connector
        .create_entitlement(&permit(), &"nested".into())
        .await
        .unwrap();
    let member =
        json!([{"op": "add", "path": "members", "value": [{"value": nested.id.as_str()}]}]);
    let path = format!("Groups/{}", made.id);
    let patch =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": member});
    let (status, _) = server
        .send(reqwest::Method::PATCH, &path, Some(patch))
        .await
        .unwrap();
    assert!(status.is_success());
    assert_eq!(group(&connector, &made.id).await.holders.len(), 1);
    assert_eq!(server.group_member_ids("marketing \"eu\"").await.len(), 2);
}

/// More than one page of users, and a group larger than a page, in batches.
async fn lists_everything(server: &ScimServer) {
    let connector = connector(server);
    connector.probe().await.unwrap();
    let everyone = connector
        .create_entitlement(&permit(), &"everyone".into())
        .await
        .unwrap();
    let mut ids = BTreeSet::new();
    for number in 0..450 {
        ids.insert(join(&connector, &format!("user{number}")).await);
    }
    let listing = connector.list().await.unwrap();
    complete(&listing);
    let listed: BTreeSet<AccountId> = listing.accounts.iter().map(|a| a.id.clone()).collect();
    assert_eq!((listing.accounts.len(), listed), (450, ids.clone()));
    let small = ScimConnector::new(ScimConfig {
        page_size: 7,
        ..config(server)
    })
    .unwrap();
    let again = small.list().await.unwrap();
    complete(&again);
    assert_eq!(again.accounts.len(), 450);

    let before = server.requests().await.len();
    let batch: Vec<AccountId> = ids.iter().take(250).cloned().collect();
    change(&connector, &everyone.id, &batch, &[]).await;
    let requests = server.requests().await;
    assert_eq!(
        requests[before..].iter().filter(|r| r.is_write()).count(),
        1,
        "one request for all"
    );
    let holders: BTreeSet<AccountId> = group(&connector, &everyone.id)
        .await
        .holders
        .into_iter()
        .collect();
    assert_eq!(holders, batch.iter().cloned().collect());
    change(&connector, &everyone.id, &[], &batch[..200]).await;
    assert_eq!(group(&connector, &everyone.id).await.holders.len(), 50);
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

/// A filter that is answered with everyone finds nobody, and is not asked again.
#[tokio::test]
async fn notices_a_server_that_ignores_filters() {
    let server = ScimServer::scimmy_with(&[("IGNORE_FILTER", "1")]).await;
    let connector = connector(&server);
    assert!(connector.probe().await.unwrap().filter);
    let ada = join(&connector, "ada").await;
    let bob = join(&connector, "bob").await;
    let error = connector
        .find(&FindKey::Username(Username::new("bob")))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
    assert!(!connector.probe().await.unwrap().filter);
    assert_ne!(ada, bob);
    // Groups are still found, by looking at all of them.
    let made = connector
        .create_entitlement(&permit(), &"one".into())
        .await
        .unwrap();
    let again = connector
        .create_entitlement(&permit(), &"one".into())
        .await
        .unwrap();
    assert_eq!(made.id, again.id);
}

/// A removal that is answered with success and not carried out is an error, by name.
#[tokio::test]
async fn notices_a_server_that_ignores_removals() {
    let server = ScimServer::scimmy_with(&[("IGNORE_MEMBER_REMOVE", "1")]).await;
    let connector = connector(&server);
    let made = connector
        .create_entitlement(&permit(), &"sticky".into())
        .await
        .unwrap();
    let (ada, bob) = (join(&connector, "ada").await, join(&connector, "bob").await);
    change(&connector, &made.id, &[ada.clone(), bob.clone()], &[]).await;
    let removal = HolderChange {
        add: vec![],
        remove: vec![ada.clone()],
    };
    let results = connector
        .change_holders(&permit(), &made.id, &removal)
        .await
        .unwrap();
    let [(account, Err(error))] = results.as_slice() else {
        panic!("{results:?}")
    };
    assert_eq!(
        (account, error.kind),
        (&ada, ErrorKind::Nonsense),
        "{error}"
    );
    assert_eq!(group(&connector, &made.id).await.holders.len(), 2);
}
