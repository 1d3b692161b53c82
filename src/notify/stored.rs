//! The outbox in Kubernetes: a few ConfigMaps of the operator's own, with a line for each notice and sink.
//!
//! They hold identifiers and times, no text of a notice and nothing of a credential. A line is dropped after three weeks;
//! nothing is told of that is older than [`HORIZON`], so that what was dropped is not sent again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::outbox::{Claim, End, Outbox, OutboxError, Slip};
use crate::runtime::clock::WallClock;

/// What is older is not told of any more.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long a line is kept: longer than anything may be told of.
const KEPT: SignedDuration = SignedDuration::from_hours(21 * 24);
/// Among how many ConfigMaps the lines are spread, as each write stores all of one. The chart names them.
pub const PARTS: u8 = 8;
/// Lines in one of them, at most. A ConfigMap holds a megabyte.
const MAX_LINES: usize = 1500;
/// Longest reason that is kept, in characters.
const MAX_WHY: usize = 200;
/// Label that says whose they are.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a write is tried that somebody else's came before.
const ATTEMPTS: usize = 8;

/// Where the ConfigMaps are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Their namespace.
    pub namespace: String,
    /// What their names begin with.
    pub name: String,
}

/// The outbox in Kubernetes.
pub struct Stored {
    maps: Api<ConfigMap>,
    name: String,
    /// Who claims: no two runs of the program are the same.
    run: String,
    clock: Arc<dyn WallClock>,
}

/// What a line says.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    notice: String,
    sink: String,
    at: Timestamp,
    #[serde(flatten)]
    state: State,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum State {
    Ended(End),
    Claimed { claimed_by: String },
}

impl Stored {
    /// Nothing is asked for yet. `run` tells this run of the program from any other.
    #[must_use]
    pub fn new(client: Client, place: Place, run: String, clock: Arc<dyn WallClock>) -> Self {
        Self {
            maps: Api::namespaced(client, &place.namespace),
            name: place.name,
            run,
            clock,
        }
    }

    /// Changes the line of a slip, knowing what it says. What is decided may be decided again, of what somebody else
    /// wrote meanwhile.
    async fn change<T>(
        &self,
        slip: &Slip,
        decide: impl Fn(Option<&Line>) -> (Change, T),
    ) -> Result<T, OutboxError> {
        let (part, key) = address(slip);
        let name = format!("{}-{part}", self.name);
        for _ in 0..ATTEMPTS {
            let found = within(self.maps.get_opt(&name)).await?;
            let mut map = found.clone().unwrap_or_else(|| ConfigMap {
                metadata: ObjectMeta {
                    name: Some(name.clone()),
                    labels: Some([(MANAGED_BY.to_owned(), "rollcall".to_owned())].into()),
                    ..ObjectMeta::default()
                },
                ..ConfigMap::default()
            });
            let lines = map.data.get_or_insert_default();
            let line = lines.get(&key).map(|text| read(text));
            let line = line.transpose()?;
            let (change, told) = decide(line.as_ref());
            let now = self.now();
            match change {
                Change::Leave => return Ok(told),
                Change::Drop => {
                    lines.remove(&key);
                }
                Change::Write(state) => {
                    drop_old(lines, now);
                    if lines.len() >= MAX_LINES && !lines.contains_key(&key) {
                        return Err(OutboxError::Full);
                    }
                    lines.insert(key.clone(), Self::line(slip, state, now)?);
                }
            }
            let post = PostParams::default();
            let written = if found.is_some() {
                // Bound to the version that was read.
                within(self.maps.replace(&name, &post, &map)).await
            } else {
                within(self.maps.create(&post, &map)).await
            };
            match written {
                Ok(_) => return Ok(told),
                Err(Trouble::Overtaken) => {}
                Err(Trouble::Other(why)) => return Err(OutboxError::Unavailable(why)),
            }
        }
        Err(OutboxError::Unavailable(format!(
            "others write to the ConfigMap {name} all the time"
        )))
    }

    fn line(slip: &Slip, state: State, at: Timestamp) -> Result<String, OutboxError> {
        let line = Line {
            notice: slip.notice.to_string(),
            sink: slip.sink.clone(),
            at,
            state,
        };
        serde_json::to_string(&line).map_err(|error| OutboxError::Unavailable(error.to_string()))
    }

    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        now.round(jiff::Unit::Second).unwrap_or(now)
    }
}

/// What becomes of a line.
enum Change {
    Leave,
    Drop,
    Write(State),
}

#[async_trait]
impl Outbox for Stored {
    async fn claim(&self, slip: &Slip) -> Result<Claim, OutboxError> {
        self.change(slip, |line| match line.map(|line| &line.state) {
            None => {
                let claimed_by = self.run.clone();
                (Change::Write(State::Claimed { claimed_by }), Claim::Granted)
            }
            Some(State::Ended(end)) => (Change::Leave, Claim::Ended(end.clone())),
            // Our own, of which we know that nothing was accepted.
            Some(State::Claimed { claimed_by }) if *claimed_by == self.run => {
                (Change::Leave, Claim::Granted)
            }
            Some(State::Claimed { .. }) => (
                Change::Write(State::Ended(End::Uncertain)),
                Claim::Ended(End::Uncertain),
            ),
        })
        .await
    }

    async fn close(&self, slip: &Slip, end: &End) -> Result<(), OutboxError> {
        let end = match end {
            End::GivenUp { why } => End::GivenUp {
                why: why.chars().take(MAX_WHY).collect(),
            },
            other => other.clone(),
        };
        self.change(slip, |_| (Change::Write(State::Ended(end.clone())), ()))
            .await
    }

    async fn release(&self, slip: &Slip) -> Result<(), OutboxError> {
        self.change(slip, |line| match line {
            None => (Change::Leave, ()),
            Some(_) => (Change::Drop, ()),
        })
        .await
    }
}

/// In which ConfigMap, and under which key.
fn address(slip: &Slip) -> (u8, String) {
    let digest = Sha256::digest(format!("{}\n{}", slip.sink, slip.notice));
    let part = digest.first().copied().unwrap_or_default() % PARTS;
    let mut key = String::new();
    for byte in digest.iter().take(20) {
        // Writing to a String never fails.
        let _ = write!(key, "{byte:02x}");
    }
    (part, key)
}

fn read(text: &str) -> Result<Line, OutboxError> {
    // What can't be read must not be sent: it may have been before.
    serde_json::from_str(text).map_err(|error| {
        OutboxError::Unavailable(format!("a line makes no sense: {error}; delete it by hand"))
    })
}

fn drop_old(lines: &mut BTreeMap<String, String>, now: Timestamp) {
    lines.retain(|_, text| {
        let age = serde_json::from_str::<Line>(text).map(|line| now.duration_since(line.at));
        age.map_or(true, |age| age < KEPT)
    });
}

/// Why a request did not do what it should.
enum Trouble {
    /// Somebody else's write came first.
    Overtaken,
    Other(String),
}

impl From<Trouble> for OutboxError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Overtaken => Self::Unavailable("it changed meanwhile".to_owned()),
            Trouble::Other(why) => Self::Unavailable(why),
        }
    }
}

async fn within<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Trouble> {
    match timeout(PATIENCE, request).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(kube::Error::Api(status))) if status.code == 409 => Err(Trouble::Overtaken),
        Ok(Err(error)) => Err(Trouble::Other(error.to_string())),
        Err(_) => Err(Trouble::Other("Kubernetes does not answer".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::notice::{NoticeId, Occasion};
    use super::*;

    #[test]
    fn a_line_says_what_it_is_and_is_read_back() {
        let at: Timestamp = "2026-11-20T23:00:04Z".parse().unwrap();
        for (state, text) in [
            (
                State::Claimed {
                    claimed_by: "r1".to_owned(),
                },
                r#"{"notice":"n","sink":"email","at":"2026-11-20T23:00:04Z","claimed_by":"r1"}"#,
            ),
            (
                State::Ended(End::Sent),
                r#"{"notice":"n","sink":"email","at":"2026-11-20T23:00:04Z","state":"Sent"}"#,
            ),
            (
                State::Ended(End::GivenUp {
                    why: "550".to_owned(),
                }),
                r#"{"notice":"n","sink":"email","at":"2026-11-20T23:00:04Z","state":"GivenUp","why":"550"}"#,
            ),
        ] {
            let line = Line {
                notice: "n".to_owned(),
                sink: "email".to_owned(),
                at,
                state,
            };
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
            let back = read(text).unwrap();
            assert_eq!(serde_json::to_string(&back).unwrap(), text);
        }
        assert!(read("{}").is_err() && read("").is_err());
    }

    #[test]
    fn what_is_old_is_dropped_and_what_makes_no_sense_is_not() {
        let now: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        let line = |at: &str| format!(r#"{{"notice":"n","sink":"s","at":"{at}","state":"Sent"}}"#);
        let mut lines: BTreeMap<String, String> = [
            ("new".to_owned(), line("2026-11-01T00:00:00Z")),
            ("old".to_owned(), line("2026-10-01T00:00:00Z")),
            ("odd".to_owned(), "x".to_owned()),
        ]
        .into();
        drop_old(&mut lines, now);
        assert_eq!(lines.into_keys().collect::<Vec<_>>(), ["new", "odd"]);
        assert!(KEPT > HORIZON);
    }

    #[test]
    fn every_slip_has_a_place_of_its_own() {
        let slip = |sink: &str, part: &str| Slip {
            sink: sink.to_owned(),
            notice: NoticeId::of(Occasion::LeaverReport, &[part]),
        };
        assert_eq!(address(&slip("email", "a")), address(&slip("email", "a")));
        assert_ne!(address(&slip("email", "a")), address(&slip("chat", "a")));
        let parts: std::collections::BTreeSet<u8> = (0..200)
            .map(|n| address(&slip("email", &n.to_string())).0)
            .collect();
        assert_eq!(parts.len(), usize::from(PARTS));
    }
}
