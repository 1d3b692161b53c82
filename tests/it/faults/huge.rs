//! Answers that are too much: a hundred megabytes, JSON a thousand levels deep, a body that never ends, a
//! compressed bomb. Each is bounded and reported, the operator goes on, and nothing is taken away.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::stories::kit::{is, tells, usernames};
use crate::support::proxy::{Asked, Verdict};
use crate::support::targets::ScimServer;

/// What the operator may take beyond what it had, in bytes: a few answers at their bound, as text and
/// as JSON.
const ROOM: u64 = 160 * 1024 * 1024;

/// While everything that is read is answered like this, the connector says what is wrong, nobody loses
/// anything, and nobody's memory grows without bound.
async fn is_bounded(
    name: &str,
    sync: Value,
    answer: impl Fn(&Asked) -> Verdict + Send + 'static,
    says: &[&str],
) {
    let mut stage = Stage::set_with(name, ScimServer::scimmy().await, sync).await;
    for n in 0..3 {
        stage.person(n, json!({})).await;
    }
    for n in 0..3 {
        stage.story.provisioned(&format!("p{n}"), 1).await;
    }
    let writes = stage.writes();
    let before = stage.operator.resident();
    stage.lies(move |asked| match asked.method.as_str() {
        "GET" => answer(asked),
        _ => Verdict::Pass,
    });
    let told = stage
        .story
        .connector("directory", "says what is wrong", |c| {
            let conditions = &c.status.as_ref().unwrap().conditions;
            is(conditions, "InventoryComplete", "False") || is(conditions, "Connected", "False")
        });
    let told = Box::pin(told).await;
    let conditions = serde_json::to_string(&told.status.unwrap().conditions).unwrap();
    tells(&conditions, says);
    let grown = stage.operator.resident().saturating_sub(before);
    assert!(grown < ROOM, "{grown} bytes more");

    // The others are not concerned, and neither is what can be done without reading.
    assert_eq!(stage.writes(), writes);
    stage.is_honest();
    stage.person(3, json!({})).await;
    for n in 0..4 {
        stage.story.provisioned(&format!("p{n}"), 1).await;
    }
    assert_eq!(usernames(&stage.server).await.len(), 4);
}

fn json_answer(headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Verdict {
    let mut all = vec![("content-type", "application/scim+json".to_owned())];
    all.extend(headers);
    Verdict::Answer(200, all, body)
}

#[tokio::test]
async fn a_hundred_megabytes() {
    let big = |_: &Asked| {
        let text = "x".repeat(100 * 1024 * 1024);
        let body =
            format!(r#"{{"totalResults": 1, "Resources": [{{"id": "1", "userName": "{text}"}}]}}"#);
        json_answer(vec![], body.into_bytes())
    };
    is_bounded("huge-size", json!({}), big, &["larger than 16 MiB"]).await;
}

#[tokio::test]
async fn a_thousand_levels() {
    let deep = |_: &Asked| {
        let body = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        json_answer(vec![], format!(r#"{{"Resources": {body}}}"#).into_bytes())
    };
    is_bounded("huge-depth", json!({}), deep, &["recursion limit"]).await;
}

#[tokio::test]
async fn a_compressed_bomb() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let megabyte = vec![b' '; 1024 * 1024];
    for _ in 0..400 {
        gzip.write_all(&megabyte).unwrap();
    }
    let bytes = gzip.finish().unwrap();
    let bomb =
        move |_: &Asked| json_answer(vec![("content-encoding", "gzip".to_owned())], bytes.clone());
    is_bounded("huge-bomb", json!({}), bomb, &["larger than 16 MiB"]).await;
}

/// One that drips for ever ends with the time that a request may take.
#[tokio::test]
async fn a_body_that_never_ends() {
    let drip = |_: &Asked| {
        let pieces = stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Bytes::from_static(b"          "), ()))
        });
        Verdict::Pieces(Box::pin(pieces))
    };
    is_bounded("huge-drip", json!({"timeout": "2s"}), drip, &["time"]).await;
}

/// One that pours for ever ends with the size that an answer may have.
#[tokio::test]
async fn a_flood() {
    let flood = |_: &Asked| {
        let megabyte = Bytes::from(vec![b' '; 1024 * 1024]);
        Verdict::Pieces(Box::pin(stream::repeat(megabyte)))
    };
    is_bounded("huge-flood", json!({}), flood, &["larger than 16 MiB"]).await;
}
