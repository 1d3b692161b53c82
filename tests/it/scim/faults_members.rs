//! Group membership against answers that no real server at hand gives, but others do.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rollcall::connectors::{Connector, ConnectorError, ErrorKind, HolderChange, HolderResults};
use rollcall::domain::ids::AccountId;
use serde_json::{Value, json};

use super::faults::{connector, ids, permit};
use crate::support::wait::eventually;

use super::scripted::{Reply, ScriptedServer, Seen};

/// Asks for additions to and removals from the group `g`.
async fn change(
    connector: &dyn Connector,
    add: &[&str],
    remove: &[&str],
) -> Result<HolderResults, ConnectorError> {
    let change = HolderChange {
        add: ids(add),
        remove: ids(remove),
    };
    connector
        .change_holders(&permit(), &"g".into(), &change)
        .await
}

/// A group in memory that refuses some members with 500, and stores the others twice if asked twice.
fn group_with_culprits(culprits: &'static [&'static str]) -> impl Fn(&Seen) -> Reply + Send + Sync {
    let members: Mutex<Vec<String>> = Mutex::default();
    move |seen| {
        let mut members = members.lock().unwrap();
        let shown = |members: &[String]| {
            let members: Vec<Value> = members.iter().map(|m| json!({"value": m})).collect();
            json!({"id": "g", "displayName": "G", "members": members})
        };
        if seen.method == "GET" {
            return Reply::json(200, &shown(&members));
        }
        for operation in seen.body["Operations"].as_array().unwrap() {
            for value in operation["value"].as_array().into_iter().flatten() {
                let id = value["value"].as_str().unwrap();
                if culprits.contains(&id) {
                    return Reply::error(500, "", "can't resolve a member");
                }
                members.push(id.to_owned());
            }
            let path = operation["path"].as_str().unwrap();
            if operation["op"] == "remove" {
                let gone = path
                    .strip_prefix("members[value eq \"")
                    .unwrap()
                    .strip_suffix("\"]")
                    .unwrap();
                members.retain(|member| member != gone);
            }
        }
        Reply::empty(204)
    }
}

/// A batch that fails is halved until the culprit has a name; what was applied is not applied twice.
#[tokio::test]
async fn a_bad_member_fails_alone() {
    let server = ScriptedServer::start(group_with_culprits(&["u37", "u99"])).await;
    let connector = connector(&server);
    let add: Vec<AccountId> = (0..100).map(|n| AccountId::new(format!("u{n}"))).collect();
    let change = HolderChange {
        add: add.clone(),
        remove: vec![],
    };
    let results = connector
        .change_holders(&permit(), &"g".into(), &change)
        .await
        .unwrap();
    assert_eq!(
        results.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(),
        add,
        "one result each, in order"
    );
    let failed: Vec<&str> = results
        .iter()
        .filter(|(_, r)| r.is_err())
        .map(|(id, _)| id.as_str())
        .collect();
    assert_eq!(failed, ["u37", "u99"]);
    let error = results[37].1.clone().unwrap_err();
    assert!(error.message.contains("can't resolve a member"), "{error}");
    assert!(server.writes().len() < 40, "{}", server.writes().len());
    let Reply::Raw(_, _, body) = group_now(&server).await else {
        unreachable!()
    };
    let members: Value = serde_json::from_slice(&body).unwrap();
    let mut held: Vec<&str> = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["value"].as_str().unwrap())
        .collect();
    assert_eq!(held.len(), 98);
    held.sort_unstable();
    held.dedup();
    assert_eq!(held.len(), 98, "nobody stands there twice");
}

async fn group_now(server: &ScriptedServer) -> Reply {
    let url = format!("{}/Groups/g", server.base_url());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = http.get(url).send().await.unwrap().bytes().await.unwrap();
    Reply::Raw(200, vec![], body.to_vec())
}

/// Where all of a large batch is refused, the number of requests stays bounded.
#[tokio::test]
async fn singling_out_is_bounded() {
    let server = ScriptedServer::start(|seen| match seen.method.as_str() {
        "GET" => Reply::json(200, &json!({"id": "g", "displayName": "G", "members": []})),
        _ => Reply::error(400, "invalidValue", "no"),
    })
    .await;
    let add: Vec<AccountId> = (0..1000).map(|n| AccountId::new(format!("u{n}"))).collect();
    let change = HolderChange {
        add,
        remove: vec![],
    };
    let results = connector(&server)
        .change_holders(&permit(), &"g".into(), &change)
        .await
        .unwrap();
    assert_eq!(results.len(), 1000);
    assert!(results.iter().all(|(_, result)| result.is_err()));
    assert!(server.writes().len() < 130, "{}", server.writes().len());
}

/// After a lost answer the group is looked at before anything is added again.
#[tokio::test]
async fn a_lost_membership_answer_is_read_back_and_not_repeated() {
    let inner = group_with_culprits(&[]);
    let patches = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |seen| {
        let reply = inner(seen);
        if seen.method == "PATCH" && patches.fetch_add(1, Ordering::SeqCst) == 0 {
            Reply::Die
        } else {
            reply
        }
    })
    .await;
    let connector = connector(&server);
    let error = change(&connector, &["1", "2"], &[]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(server.seen().len(), 1, "not halved, not repeated");
    let results = change(&connector, &["1", "2", "3"], &["4"]).await.unwrap();
    assert!(
        results.iter().all(|(_, result)| result.is_ok()) && results.len() == 4,
        "{results:?}"
    );
    let last = server.seen().pop().unwrap();
    assert_eq!(
        last.body["Operations"],
        json!([{"op": "add", "path": "members", "value": [{"value": "3"}]}])
    );
}

/// Once a write was sent, a read that is turned away does not make it a write that was not.
#[tokio::test]
async fn a_change_that_may_be_done_is_never_called_not_carried_out() {
    for (status, quiet) in [(429, true), (503, true), (401, false)] {
        let server = ScriptedServer::start(move |seen| match seen.method.as_str() {
            "PATCH" => Reply::error(500, "", "oops"),
            _ => Reply::empty(status),
        })
        .await;
        let connector = connector(&server);
        let error = change(&connector, &["1", "2"], &[]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{error}");
        assert_eq!(error.asks_for_quiet(), quiet, "{status}");
        let error = change(&connector, &["1", "2"], &[]).await.unwrap_err();
        assert_eq!(
            server.writes().len(),
            1,
            "read before it goes again: {error}"
        );
    }
}

/// Whoever waits for an answer may give up before it is here, or be stopped.
#[tokio::test]
async fn a_change_that_was_given_up_is_looked_at_first() {
    let inner = group_with_culprits(&[]);
    let patches = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |seen| {
        let reply = inner(seen);
        if seen.method == "PATCH" && patches.fetch_add(1, Ordering::SeqCst) == 0 {
            Reply::Silence
        } else {
            reply
        }
    })
    .await;
    let connector = connector(&server);
    tokio::select! {
        never = change(&connector, &["1"], &[]) => panic!("{never:?}"),
        () = eventually("the change is sent", async || {
            if server.writes().is_empty() { Err("nothing") } else { Ok(()) }
        }) => {}
    }
    let results = change(&connector, &["1", "2"], &[]).await.unwrap();
    assert!(results.iter().all(|(_, result)| result.is_ok()));
    assert_eq!(
        server.seen().pop().unwrap().body["Operations"],
        json!([{"op": "add", "path": "members", "value": [{"value": "2"}]}])
    );
}

/// What concerns the whole group or target is one error for all.
#[tokio::test]
async fn a_refusal_of_the_whole_is_not_singled_out() {
    for (status, kind) in [
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (429, ErrorKind::Throttled),
    ] {
        let server = ScriptedServer::start(move |_| Reply::empty(status)).await;
        let change = HolderChange {
            add: ids(&["1", "2"]),
            remove: ids(&["3"]),
        };
        let error = connector(&server)
            .change_holders(&permit(), &"g".into(), &change)
            .await
            .unwrap_err();
        assert_eq!(error.kind, kind);
        assert_eq!(server.seen().len(), 1);
    }
}

/// Without PATCH a group is put back with its other members.
#[tokio::test]
async fn without_patch_members_are_put_back_whole() {
    let server = ScriptedServer::start(|seen| match seen.line().as_str() {
        "GET /Groups/g" => Reply::json(
            200,
            &json!({"id": "g", "displayName": "G", "members": [{"value": "1", "display": "kept"}, {"value": "2"}], "urn:x": 1, "meta": {}}),
        ),
        "PUT /Groups/g" => Reply::json(200, &seen.body),
        _ => Reply::empty(405),
    })
    .await;
    let results = change(&connector(&server), &["3", "1"], &["2"])
        .await
        .unwrap();
    assert!(
        results.iter().all(|(_, result)| result.is_ok()),
        "{results:?}"
    );
    let put = server.seen().pop().unwrap();
    let expected = json!({"id": "g", "displayName": "G", "members": [{"value": "1", "display": "kept"}, {"value": "3"}], "urn:x": 1});
    assert_eq!(put.body, expected);
}

/// Members that a record does not show by default are asked for by name before the group is put back.
#[tokio::test]
async fn members_that_were_not_shown_are_never_put_away() {
    let server = ScriptedServer::start(|seen| {
        let mut group = json!({"id": "g", "displayName": "G"});
        match seen.method.as_str() {
            "GET" => {
                if seen.path.contains("attributes=members") {
                    group["members"] = json!([{"value": "1"}]);
                }
                Reply::json(200, &group)
            }
            "PUT" => Reply::json(200, &seen.body),
            _ => Reply::empty(405),
        }
    })
    .await;
    let results = change(&connector(&server), &["2"], &[]).await.unwrap();
    assert!(results[0].1.is_ok(), "{results:?}");
    let put = server.seen().pop().unwrap();
    assert_eq!(put.body["members"], json!([{"value": "1"}, {"value": "2"}]));
}

/// A group whose members can't be read is not put back without them.
#[tokio::test]
async fn members_that_are_no_list_are_left_alone() {
    let server = ScriptedServer::start(|seen| match seen.method.as_str() {
        "GET" => Reply::json(
            200,
            &json!({"id": "g", "displayName": "G", "members": {"value": "1"}}),
        ),
        "PUT" => Reply::json(200, &seen.body),
        _ => Reply::empty(405),
    })
    .await;
    let answer = change(&connector(&server), &["2"], &[]).await;
    let refused = match &answer {
        Ok(results) => results.iter().all(|(_, result)| result.is_err()),
        Err(_) => true,
    };
    assert!(refused, "{answer:?}");
    let written: Vec<String> = server.seen().iter().map(Seen::line).collect();
    assert!(
        !written.contains(&"PUT /Groups/g".to_owned()),
        "{written:?}"
    );
}

/// A removal that can't be read back is not known to be done, and the group is looked at before the
/// next write to it.
#[tokio::test]
async fn a_removal_that_can_not_be_read_back_is_not_believed() {
    let reads = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |seen| match seen.method.as_str() {
        "GET" if reads.fetch_add(1, Ordering::SeqCst) == 0 => Reply::empty(500),
        "GET" => Reply::json(
            200,
            &json!({"id": "g", "displayName": "G", "members": [{"value": "2"}]}),
        ),
        _ => Reply::empty(204),
    })
    .await;
    let connector = connector(&server);
    let first = change(&connector, &[], &["1"]).await;
    let error = match first {
        Ok(results) => results[0].1.clone().unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{error:?}");
    let second = change(&connector, &[], &["1"]).await.unwrap();
    assert!(second[0].1.is_ok(), "{second:?}");
    let lines: Vec<String> = server.seen().iter().map(Seen::line).collect();
    assert_eq!(
        lines,
        ["PATCH /Groups/g", "GET /Groups/g", "GET /Groups/g"],
        "what is gone is not removed again"
    );
}

/// A group that shows no members proves nothing until it was asked for them by name.
#[tokio::test]
async fn hidden_members_do_not_prove_a_removal() {
    let server = ScriptedServer::start(|seen| {
        let mut group = json!({"id": "g", "displayName": "G"});
        if seen.path.contains("attributes=members") {
            group["members"] = json!([{"value": "1"}]);
        }
        match seen.method.as_str() {
            "GET" => Reply::json(200, &group),
            _ => Reply::empty(204),
        }
    })
    .await;
    let results = change(&connector(&server), &[], &["1"]).await.unwrap();
    let error = results[0].1.clone().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ignored, "{error:?}");
}

/// A removal that is answered without the group is looked at once, and then believed.
#[tokio::test]
async fn the_first_removal_is_proved() {
    let server = ScriptedServer::start(group_with_culprits(&[])).await;
    let connector = connector(&server);
    change(&connector, &["1", "2"], &[]).await.unwrap();
    for id in ["1", "2"] {
        let remove = HolderChange {
            add: vec![],
            remove: ids(&[id]),
        };
        connector
            .change_holders(&permit(), &"g".into(), &remove)
            .await
            .unwrap();
    }
    let lines: Vec<String> = server.seen().iter().map(Seen::line).collect();
    assert_eq!(
        lines,
        [
            "PATCH /Groups/g",
            "PATCH /Groups/g",
            "GET /Groups/g",
            "PATCH /Groups/g"
        ]
    );
}

#[tokio::test]
async fn a_group_that_exists_is_not_made_again() {
    let existing = json!({"id": "g", "displayName": "G", "members": [{"value": "1"}]});
    let found = existing.clone();
    let server = ScriptedServer::start(move |seen| {
        if seen.path.contains("filter=") {
            Reply::error(400, "invalidFilter", "what is a filter?")
        } else {
            Reply::list(std::slice::from_ref(&found))
        }
    })
    .await;
    let made = connector(&server)
        .create_entitlement(&permit(), &"G".into())
        .await
        .unwrap();
    assert_eq!((made.id.as_str(), made.holders), ("g", ids(&["1"])));
    assert_eq!(server.writes(), [] as [&str; 0]);

    // Made by someone else between our look and our POST.
    let (looks, late) = (AtomicUsize::new(0), existing.clone());
    let server = ScriptedServer::start(move |seen| match seen.method.as_str() {
        "POST" => Reply::empty(409),
        _ if looks.fetch_add(1, Ordering::SeqCst) < 2 => Reply::list(&[]),
        _ => Reply::list(std::slice::from_ref(&late)),
    })
    .await;
    let made = connector(&server)
        .create_entitlement(&permit(), &"G".into())
        .await
        .unwrap();
    assert_eq!(made.id.as_str(), "g");

    let twin = json!({"id": "h", "displayName": "G"});
    let server =
        ScriptedServer::start(move |_| Reply::list(&[existing.clone(), twin.clone()])).await;
    let error = connector(&server)
        .create_entitlement(&permit(), &"G".into())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Taken);
    assert!(error.message.contains("2 groups are called G"), "{error}");
}
