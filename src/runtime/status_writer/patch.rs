//! The requests that the writer sends, and what it makes of the answers. Pure.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Request, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{FinalizerChange, Saved, StatusWrite, WriteError};

/// Longest message of the API server that is passed on, in characters.
const MESSAGE_LIMIT: usize = 512;

/// Asks for the object's metadata alone: the whole object would only be thrown away.
const METADATA_ONLY: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// What an answer means for the write.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// Written.
    Saved(Saved),
    /// Given up.
    GivenUp(WriteError),
    /// To be repeated.
    Again {
        /// How long the server asked us to stay away.
        retry_after: Option<Duration>,
        /// Why, for the log.
        why: String,
    },
}

/// One operation of a JSON patch (RFC 6902).
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Operation<'a> {
    Test { path: String, value: Value },
    Add { path: &'a str, value: &'a Value },
    Remove { path: String },
}

/// The request that replaces a status whole, if the object is still the same one.
pub(super) fn status_request(
    write: &StatusWrite,
    manager: &str,
) -> Result<Request<Vec<u8>>, WriteError> {
    let path = format!(
        "{}/{}/status",
        write.kind.path(&write.namespace),
        write.name
    );
    let status = serde_json::from_str(&write.status.json()).map_err(|e| unmade(&e))?;
    let operations = [
        same_object(&write.uid),
        Operation::Add {
            path: "/status",
            value: &status,
        },
    ];
    request(&path, manager, &operations)
}

/// The request that puts a finalizer on or takes it off, if the object is still the same one and its
/// finalizers are as they were seen.
pub(super) fn finalizer_request(
    change: &FinalizerChange,
    manager: &str,
) -> Result<Request<Vec<u8>>, WriteError> {
    let path = format!("{}/{}", change.kind.path(&change.namespace), change.name);
    let place = change.seen.iter().position(|f| *f == change.finalizer);
    let value;
    let operations = match (change.present, place) {
        (true, None) if change.seen.is_empty() => {
            value = json!([change.finalizer]);
            [
                same_object(&change.uid),
                // A member that is not there passes a test for null at the API server.
                Operation::Test {
                    path: "/metadata/finalizers".to_owned(),
                    value: Value::Null,
                },
                Operation::Add {
                    path: "/metadata/finalizers",
                    value: &value,
                },
            ]
        }
        (true, None) => {
            value = json!(change.finalizer);
            [
                same_object(&change.uid),
                Operation::Test {
                    path: "/metadata/finalizers".to_owned(),
                    value: json!(change.seen),
                },
                Operation::Add {
                    path: "/metadata/finalizers/-",
                    value: &value,
                },
            ]
        }
        (false, Some(place)) => {
            let path = format!("/metadata/finalizers/{place}");
            [
                same_object(&change.uid),
                Operation::Test {
                    path: path.clone(),
                    value: json!(change.finalizer),
                },
                Operation::Remove { path },
            ]
        }
        (true, Some(_)) | (false, None) => return Err(WriteError::AlreadySo),
    };
    request(&path, manager, &operations)
}

fn same_object(uid: &str) -> Operation<'static> {
    Operation::Test {
        path: "/metadata/uid".to_owned(),
        value: json!(uid),
    }
}

fn request(
    path: &str,
    manager: &str,
    operations: &[Operation<'_>],
) -> Result<Request<Vec<u8>>, WriteError> {
    let manager: String = url::form_urlencoded::byte_serialize(manager.as_bytes()).collect();
    let body = serde_json::to_vec(operations).map_err(|e| unmade(&e))?;
    Request::patch(format!("{path}?fieldManager={manager}"))
        .header(ACCEPT, METADATA_ONLY)
        .header(CONTENT_TYPE, "application/json-patch+json")
        .body(body)
        .map_err(|e| unmade(&e))
}

fn unmade(why: &dyn std::error::Error) -> WriteError {
    WriteError::Refused {
        code: 0,
        message: format!("the request could not be made: {why}"),
    }
}

/// The part of an object, or of a `Status`, that matters here.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    metadata: Metadata,
    message: String,
    details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
    generation: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<serde::de::IgnoredAny>,
}

/// Reads an answer.
pub(super) fn answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Answer {
    let body: Body = serde_json::from_slice(body).unwrap_or_default();
    if status.is_success() {
        if body.metadata.resource_version.is_empty() {
            return Answer::Again {
                retry_after: None,
                why: "the answer to the write holds no resource version".to_owned(),
            };
        }
        return Answer::Saved(Saved {
            resource_version: body.metadata.resource_version,
            generation: body.metadata.generation,
        });
    }
    let message: String = body.message.chars().take(MESSAGE_LIMIT).collect();
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Answer::GivenUp(WriteError::Gone),
        // A failed `test` is answered with 422 without causes; a value that the schema refuses,
        // with 422 and its causes (apiserver, `jsonPatcher.applyPatchToCurrentObject`).
        StatusCode::UNPROCESSABLE_ENTITY if body.details.causes.is_empty() => {
            Answer::GivenUp(WriteError::Changed)
        }
        // A permission or a token may come back, and nothing else would start the write again.
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::CONFLICT
        | StatusCode::TOO_MANY_REQUESTS => again(status, headers, &message),
        _ if status.is_client_error() => Answer::GivenUp(WriteError::Refused {
            code: status.as_u16(),
            message,
        }),
        _ => again(status, headers, &message),
    }
}

/// Kubernetes gives `Retry-After` in seconds, never as a date.
fn again(status: StatusCode, headers: &HeaderMap, message: &str) -> Answer {
    let retry_after = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    Answer::Again {
        retry_after,
        why: format!("{status}: {message}"),
    }
}

/// Verb of a metric.
pub(super) const STATUS_VERB: &str = "patch-status";
/// Verb of a metric.
pub(super) const FINALIZER_VERB: &str = "patch-finalizers";

impl Answer {
    /// Result of a metric.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Saved(_) => "ok",
            Self::GivenUp(WriteError::Gone) => "gone",
            Self::GivenUp(WriteError::Changed) => "changed",
            Self::GivenUp(WriteError::AlreadySo) => "unneeded",
            Self::GivenUp(WriteError::Refused { .. }) => "refused",
            Self::Again { .. } => "retried",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::operation::Lane;
    use crate::runtime::packed_status::PackedStatus;
    use crate::runtime::status_writer::ObjectKind;

    fn change(present: bool, seen: &[&str]) -> FinalizerChange {
        FinalizerChange {
            kind: ObjectKind::Employee,
            namespace: "people".to_owned(),
            name: "ada".to_owned(),
            uid: "u1".to_owned(),
            lane: Lane::Joiner,
            finalizer: "rollcall.dev/accounts".to_owned(),
            present,
            seen: seen.iter().map(|&s| s.to_owned()).collect(),
            token: 0,
        }
    }

    fn sent(request: &Request<Vec<u8>>) -> (String, Value) {
        let body = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(request.method(), http::Method::PATCH);
        assert_eq!(
            request.headers()[CONTENT_TYPE],
            "application/json-patch+json"
        );
        (request.uri().to_string(), body)
    }

    #[test]
    fn a_status_is_replaced_whole_and_only_on_the_same_object() {
        let write = StatusWrite {
            kind: ObjectKind::RoleTemplate,
            namespace: "people".to_owned(),
            name: "everyone".to_owned(),
            uid: "u1".to_owned(),
            lane: Lane::Drift,
            status: PackedStatus::new(&json!({"holders": 3})),
            token: 0,
        };
        let (uri, body) = sent(&status_request(&write, "roll call").unwrap());
        assert_eq!(
            uri,
            "/apis/rollcall.dev/v1alpha1/namespaces/people/roletemplates/everyone/status?fieldManager=roll+call"
        );
        assert_eq!(
            body,
            json!([
                {"op": "test", "path": "/metadata/uid", "value": "u1"},
                {"op": "add", "path": "/status", "value": {"holders": 3}},
            ])
        );
    }

    #[test]
    fn finalizers_are_changed_only_as_they_were_seen() {
        let ours = "rollcall.dev/accounts";
        let uid = json!({"op": "test", "path": "/metadata/uid", "value": "u1"});
        let cases = [
            (
                change(true, &[]),
                json!([
                    uid,
                    {"op": "test", "path": "/metadata/finalizers", "value": null},
                    {"op": "add", "path": "/metadata/finalizers", "value": [ours]},
                ]),
            ),
            (
                change(true, &["a/b"]),
                json!([
                    uid,
                    {"op": "test", "path": "/metadata/finalizers", "value": ["a/b"]},
                    {"op": "add", "path": "/metadata/finalizers/-", "value": ours},
                ]),
            ),
            (
                change(false, &["a/b", ours, "c/d"]),
                json!([
                    uid,
                    {"op": "test", "path": "/metadata/finalizers/1", "value": ours},
                    {"op": "remove", "path": "/metadata/finalizers/1"},
                ]),
            ),
        ];
        for (change, expected) in cases {
            let request = finalizer_request(&change, "rollcall").unwrap();
            let (uri, body) = sent(&request);
            assert_eq!(
                uri,
                "/apis/rollcall.dev/v1alpha1/namespaces/people/employees/ada?fieldManager=rollcall"
            );
            assert_eq!(body, expected);
        }
        for change in [change(true, &[ours]), change(false, &["a/b"])] {
            let error = finalizer_request(&change, "rollcall").unwrap_err();
            assert_eq!(error, WriteError::AlreadySo);
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let none = HeaderMap::new();
        let mut later = HeaderMap::new();
        later.insert(RETRY_AFTER, "7".parse().unwrap());
        let read = |code: u16, headers: &HeaderMap, body: &Value| {
            answer(
                StatusCode::from_u16(code).unwrap(),
                headers,
                body.to_string().as_bytes(),
            )
        };
        let object = json!({"metadata": {"resourceVersion": "12", "generation": 2, "uid": "u1"}, "spec": {}});
        let saved = Saved {
            resource_version: "12".to_owned(),
            generation: Some(2),
        };
        assert_eq!(read(200, &none, &object), Answer::Saved(saved));
        assert_eq!(
            read(404, &none, &json!({})),
            Answer::GivenUp(WriteError::Gone)
        );
        let bare =
            json!({"kind": "Status", "message": "the server rejected our request", "details": {}});
        assert_eq!(
            read(422, &none, &bare),
            Answer::GivenUp(WriteError::Changed)
        );
        let schema = json!({"message": "status.holders: Invalid value", "details": {"causes": [{"field": "status.holders"}]}});
        assert_eq!(
            read(422, &none, &schema),
            Answer::GivenUp(WriteError::Refused {
                code: 422,
                message: "status.holders: Invalid value".to_owned()
            })
        );
        let long = read(400, &none, &json!({"message": "ä".repeat(10_000)}));
        let Answer::GivenUp(WriteError::Refused { code: 400, message }) = long else {
            panic!("{long:?}");
        };
        assert_eq!(message.chars().count(), MESSAGE_LIMIT);
        for code in [401, 403, 408, 409, 429, 500, 502, 503, 504] {
            let got = read(code, &later, &json!({"message": "later"}));
            let Answer::Again { retry_after, .. } = got else {
                panic!("{code} gave {got:?}");
            };
            assert_eq!(retry_after, Some(Duration::from_secs(7)), "{code}");
        }
        for (code, body) in [(200, &b""[..]), (200, b"<html>"), (503, b"\xff")] {
            let got = answer(StatusCode::from_u16(code).unwrap(), &none, body);
            assert!(
                matches!(
                    got,
                    Answer::Again {
                        retry_after: None,
                        ..
                    }
                ),
                "{got:?}"
            );
        }
    }
}
