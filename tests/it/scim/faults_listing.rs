//! Listing against answers that no real server at hand gives, but others do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rollcall::connectors::{Connector, ErrorKind, HolderChange};
use rollcall::domain::account::{Activity, Completeness};
use serde_json::{Value, json};

use super::faults::{MARK, TOKEN, connector, ids, missing, permit, user};
use super::scripted::{Reply, ScriptedServer, Seen};

/// One strange record makes the listing partial, and never fails it.
#[tokio::test]
async fn strange_records_are_told_and_left_out() {
    let server = ScriptedServer::start(|seen| match seen.line().as_str() {
        "GET /Users" => Reply::list(&[
            user("1", MARK),
            json!({"userName": "no-id"}),
            json!({"id": "2", "userName": null}),
            Value::Null,
            json!("a string"),
            json!({"id": "3", "userName": "odd", "active": "False", "emails": "none", "title": {"a": 1}}),
        ]),
        _ => Reply::list(&[
            json!({"id": "g", "displayName": "G", "members": [{"value": "1"}, {"value": "h", "type": "Group"}, {"value": "1"}]}),
            json!({"id": "h", "displayName": "H"}),
        ]),
    })
    .await;
    let listing = connector(&server).list().await.unwrap();
    let seen: Vec<_> = listing
        .accounts
        .iter()
        .map(|a| (a.id.as_str(), a.activity))
        .collect();
    assert_eq!(seen, [("1", Activity::Active), ("3", Activity::Disabled)]);
    assert_eq!(
        listing.accounts_completeness,
        Completeness::Partial("4 of Users could not be read".into())
    );
    assert_eq!(listing.oddities.len(), 4, "{:?}", listing.oddities);
    assert_eq!(listing.entitlements_completeness, Completeness::Complete);
    assert_eq!(
        listing.entitlements[0].holders,
        ids(&["1"]),
        "a nested group is no holder, and nobody holds twice"
    );
}

/// A name in a target is shown in statuses: one that is our credential is told of without it.
#[tokio::test]
async fn a_name_that_is_our_credential_is_not_taken_in() {
    let server = ScriptedServer::start(|seen| match seen.line().as_str() {
        "GET /Users" => Reply::list(&[
            user("1", MARK),
            json!({"id": "2", "userName": format!("x{TOKEN}")}),
            json!({"id": "3", "userName": "y", "externalId": TOKEN}),
        ]),
        _ => Reply::list(&[]),
    })
    .await;
    let listing = connector(&server).list().await.unwrap();
    assert_eq!(listing.accounts.len(), 1);
    assert_eq!(listing.oddities.len(), 2);
    assert!(!format!("{listing:?}").contains(TOKEN));
}

/// `members` missing from every group of a list may mean that lists never show them.
#[tokio::test]
async fn members_that_lists_hide_are_read_one_by_one() {
    let server = ScriptedServer::start(|seen| match seen.line().as_str() {
        "GET /Users" => Reply::list(&[user("1", MARK)]),
        "GET /Groups" => Reply::list(&[
            json!({"id": "g", "displayName": "G"}),
            json!({"id": "h", "displayName": "H"}),
        ]),
        "GET /Groups/g" => Reply::json(
            200,
            &json!({"id": "g", "displayName": "G", "members": [{"value": "1"}]}),
        ),
        _ => Reply::empty(500),
    })
    .await;
    let listing = connector(&server).list().await.unwrap();
    assert_eq!(listing.entitlements[0].holders, ids(&["1"]));
    assert!(listing.entitlements[0].completeness.is_complete());
    assert!(
        matches!(
            listing.entitlements[1].completeness,
            Completeness::Unreadable(_)
        ),
        "unreadable is never empty"
    );
}

/// Some servers show the members of small groups only: a row without any says nothing, whatever the
/// others show.
#[tokio::test]
async fn one_row_without_members_is_read_by_itself() {
    let server = ScriptedServer::start(|seen| match seen.line().as_str() {
        "GET /Users" => Reply::list(&[user("1", MARK)]),
        "GET /Groups" => Reply::list(&[
            json!({"id": "small", "displayName": "Small", "members": [{"value": "1"}]}),
            json!({"id": "large", "displayName": "Large"}),
            json!({"id": "gone", "displayName": "Gone"}),
        ]),
        "GET /Groups/large" => Reply::json(
            200,
            &json!({"id": "large", "displayName": "Large", "members": [{"value": "1"}]}),
        ),
        "GET /Groups/gone" => Reply::error(404, "", "no such group"),
        _ => Reply::empty(500),
    })
    .await;
    let listing = connector(&server).list().await.unwrap();
    let [small, large, gone] = &listing.entitlements[..] else {
        panic!("{listing:?}");
    };
    assert_eq!(small.holders, ids(&["1"]));
    assert_eq!(large.holders, ids(&["1"]));
    assert!(large.completeness.is_complete());
    assert!(
        matches!(gone.completeness, Completeness::Unreadable(_)),
        "a group that is listed and not found has no known members: {gone:?}"
    );
}

/// A listing that is throttled half way goes on where it was: begun anew it would never end.
#[tokio::test]
async fn a_throttled_page_is_waited_for_and_asked_for_again() {
    let complaints = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |seen| match seen.line().as_str() {
        "GET /Users" if seen.path.contains("startIndex=1&") => Reply::json(
            200,
            &json!({"totalResults": 2, "startIndex": 1, "Resources": [user("1", MARK)]}),
        ),
        "GET /Users" if complaints.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::empty(429).with("Retry-After", "1")
        }
        "GET /Users" => Reply::json(
            200,
            &json!({"totalResults": 2, "startIndex": 2, "Resources": [user("2", MARK)]}),
        ),
        "GET /Groups" => Reply::list(&[json!({"id": "g", "displayName": "G"})]),
        "GET /Groups/g" if complaints.fetch_add(1, Ordering::SeqCst) == 2 => {
            Reply::empty(429).with("Retry-After", "1")
        }
        "GET /Groups/g" => Reply::json(200, &json!({"id": "g", "displayName": "G"})),
        _ => Reply::empty(500),
    })
    .await;
    let listing = connector(&server).list().await.unwrap();
    assert_eq!(listing.accounts_completeness, Completeness::Complete);
    assert_eq!(listing.accounts.len(), 2);
    assert!(listing.entitlements[0].completeness.is_complete());
    let lines: Vec<String> = server.seen().iter().map(Seen::line).collect();
    let count = |line: &str| lines.iter().filter(|l| *l == line).count();
    assert_eq!(
        (count("GET /Users"), count("GET /Groups/g")),
        (3, 2),
        "{lines:?}"
    );
}

/// An empty group is read once, and again when its row is another one, or after a write of ours.
#[tokio::test]
async fn a_group_that_was_seen_to_be_empty_is_not_read_each_time() {
    let version = Arc::new(AtomicUsize::new(1));
    let current = Arc::clone(&version);
    let server = ScriptedServer::start(move |seen| {
        let stated = current.load(Ordering::SeqCst).to_string();
        let group = json!({"id": "g", "displayName": "G", "meta": {"version": stated}});
        match seen.line().as_str() {
            "GET /Users" => Reply::list(&[user("1", MARK)]),
            "GET /Groups" => Reply::list(&[group]),
            "GET /Groups/g" => Reply::json(200, &group),
            "PATCH /Groups/g" => Reply::empty(204),
            _ => Reply::empty(500),
        }
    })
    .await;
    let connector = connector(&server);
    let reads = || {
        let seen = server.seen();
        seen.iter().filter(|s| s.line() == "GET /Groups/g").count()
    };
    for expected in [1, 1, 1] {
        let listing = connector.list().await.unwrap();
        assert!(listing.entitlements[0].completeness.is_complete());
        assert_eq!(listing.entitlements[0].holders, ids(&[]));
        assert_eq!(reads(), expected);
    }
    version.store(2, Ordering::SeqCst);
    connector.list().await.unwrap();
    assert_eq!(reads(), 2, "the row states another version");
    let change = HolderChange {
        add: ids(&["1"]),
        remove: vec![],
    };
    let results = connector
        .change_holders(&permit(), &"g".into(), &change)
        .await;
    assert!(results.unwrap()[0].1.is_ok());
    connector.list().await.unwrap();
    assert_eq!(reads(), 3, "we changed its members");
}

#[tokio::test]
async fn a_listing_that_breaks_off_is_partial_and_one_that_never_began_is_nothing() {
    let page = |start: &str| -> Vec<Value> {
        let start: usize = start.parse().unwrap();
        (start..start + 10)
            .map(|n| json!({"id": n.to_string(), "userName": format!("u{n}")}))
            .collect()
    };
    let start = |seen: &Seen| {
        seen.path
            .split("startIndex=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap()
            .to_owned()
    };
    let server =
        ScriptedServer::start(
            move |seen| match (seen.line().as_str(), start(seen).as_str()) {
                ("GET /Users", at @ ("1" | "11")) => {
                    Reply::json(200, &json!({"totalResults": 50, "Resources": page(at)}))
                }
                ("GET /Users", _) => Reply::error(500, "", "boom"),
                _ => Reply::empty(403),
            },
        )
        .await;
    let listing = connector(&server).list().await.unwrap();
    assert_eq!(listing.accounts.len(), 20);
    assert!(
        matches!(&listing.accounts_completeness, Completeness::Partial(why) if why.contains("boom"))
    );
    assert!(
        matches!(&listing.entitlements_completeness, Completeness::Unreadable(why) if why.contains("403"))
    );

    let server = ScriptedServer::start(move |seen| {
        if start(seen) == "11" {
            Reply::empty(401)
        } else {
            Reply::json(200, &json!({"totalResults": 50, "Resources": page("1")}))
        }
    })
    .await;
    assert_eq!(
        connector(&server).list().await.unwrap_err().kind,
        ErrorKind::Unauthorized
    );
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_smaller_ones() {
    let server = ScriptedServer::start(|seen| {
        if seen.line() != "GET /Users" {
            return missing();
        }
        let count: usize = seen.path.split("count=").nth(1).unwrap().parse().unwrap();
        let start: usize = seen
            .path
            .split("startIndex=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let heavy = "x".repeat(4 * 1024 * 1024);
        let records: Vec<Value> = (start..(start + count).min(6))
            .map(|n| json!({"id": n, "userName": "u", "note": heavy}))
            .collect();
        Reply::json(200, &json!({"totalResults": 5, "Resources": records}))
    })
    .await;
    let listing = connector(&server).list().await.unwrap();
    assert_eq!(listing.accounts.len(), 5);
    assert!(listing.accounts_completeness.is_complete());

    let deep =
        ScriptedServer::start(|_| Reply::Raw(200, vec![], "[".repeat(100_000).into_bytes())).await;
    assert_eq!(
        connector(&deep).list().await.unwrap_err().kind,
        ErrorKind::Nonsense
    );
}

/// A server of 25 users that pages by cursor alone, and loses the cursors of its first `losing` walks
/// half way.
fn by_cursor(losing: usize) -> impl Fn(&Seen) -> Reply + Send + Sync {
    let walks = AtomicUsize::new(0);
    move |seen| match seen.line().as_str() {
        "GET /ServiceProviderConfig" => Reply::json(
            200,
            &json!({"pagination": {"cursor": true, "index": false, "maxPageSize": 8}}),
        ),
        "GET /Users" => {
            let query = seen.path.split_once('?').unwrap().1;
            let part = |name: &str| {
                let mut parts = query.split('&').filter_map(|part| part.split_once('='));
                parts.find(|(key, _)| *key == name).map(|(_, value)| value)
            };
            let Some(cursor) = part("cursor") else {
                return Reply::error(400, "invalidValue", "startIndex is not supported");
            };
            let count: usize = part("count").unwrap().parse().unwrap();
            assert!(count <= 8, "{query}");
            let from: usize = cursor.trim_start_matches('c').parse().unwrap_or(0);
            if from == 0 && count > 1 {
                walks.fetch_add(1, Ordering::SeqCst);
            }
            if from == 16 && walks.load(Ordering::SeqCst) <= losing {
                return Reply::error(400, "expiredCursor", "too late");
            }
            let to = (from + count).min(25);
            let rows: Vec<Value> = (from..to)
                .map(|n| json!({"id": n.to_string(), "userName": format!("u{n}")}))
                .collect();
            let mut page = json!({"Resources": rows});
            if to < 25 {
                page["nextCursor"] = json!(format!("c{to}"));
            }
            Reply::json(200, &page)
        }
        _ => Reply::list(&[]),
    }
}

#[tokio::test]
async fn cursors_are_followed_where_they_are_announced() {
    let server = ScriptedServer::start(by_cursor(0)).await;
    let connector = connector(&server);
    let capabilities = connector.probe().await.unwrap();
    assert!(capabilities.notes.contains(&"Cursor".to_owned()));
    let listing = connector.list().await.unwrap();
    assert_eq!(listing.accounts.len(), 25);
    assert_eq!(listing.accounts_completeness, Completeness::Complete);
}

/// Once. One that loses its place each time is read as far as it goes, and not for ever.
#[tokio::test]
async fn a_cursor_that_is_lost_begins_the_listing_anew() {
    for (losing, whole) in [(1, true), (9, false)] {
        let server = ScriptedServer::start(by_cursor(losing)).await;
        let connector = connector(&server);
        connector.probe().await.unwrap();
        let listing = connector.list().await.unwrap();
        let complete = listing.accounts_completeness.is_complete();
        assert_eq!((listing.accounts.len() == 25, complete), (whole, whole));
        let pages = server.seen().into_iter().filter(|s| {
            let path = &s.path;
            path.contains("/Users") && path.contains("count=8")
        });
        assert!(pages.count() < 9);
        if !whole {
            let why = format!("{:?}", listing.accounts_completeness);
            assert!(why.contains("too late"), "{why}");
        }
    }
}
