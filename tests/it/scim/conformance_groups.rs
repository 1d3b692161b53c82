//! Groups, memberships and listings of the SCIM connector against real servers.

use std::collections::BTreeSet;

use rollcall::connectors::scim::{ScimConfig, ScimConnector};
use rollcall::connectors::{Connector, ErrorKind, FindKey, HolderChange};
use rollcall::domain::account::ObservedEntitlement;
use rollcall::domain::ids::{AccountId, EntitlementId, Username};
use serde_json::json;

use super::conformance::{complete, config, connector, join, permit};
use crate::support::targets::ScimServer;

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

pub(super) async fn keeps_groups(server: &ScimServer) {
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
        assert_eq!(
            group(&connector, &made.id).await.holders,
            std::slice::from_ref(&ada)
        );
    }
    for _ in 0..2 {
        change(
            &connector,
            &made.id,
            std::slice::from_ref(&bob),
            std::slice::from_ref(&ada),
        )
        .await;
        assert_eq!(
            group(&connector, &made.id).await.holders,
            std::slice::from_ref(&bob)
        );
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
    let body =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": member});
    let (status, _) = server
        .send(reqwest::Method::PATCH, &path, Some(body))
        .await
        .unwrap();
    assert!(status.is_success());
    assert_eq!(group(&connector, &made.id).await.holders.len(), 1);
    assert_eq!(server.group_member_ids("marketing \"eu\"").await.len(), 2);
}

/// More than one page of users, and a group larger than a page, in batches.
pub(super) async fn lists_everything(server: &ScimServer) {
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
    let before = server.requests().await.len();
    let again = small.list().await.unwrap();
    complete(&again);
    let sent = server.requests().await.len() - before;
    assert_eq!(usize::try_from(again.requests), Ok(sent));
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
    assert_eq!((account, error.kind), (&ada, ErrorKind::Ignored), "{error}");
    assert_eq!(group(&connector, &made.id).await.holders.len(), 2);
}
