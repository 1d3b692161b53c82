//! An application that throttles, in each of the ways in which they do: the pace adapts, nobody is
//! hammered, others are unaffected, and all converge.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::stage::Stage;
use crate::stories::kit::{everyone, usernames};
use crate::support::proxy::{Asked, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const PEOPLE: usize = 40;

/// Requests that the application takes within a second.
const TAKES: usize = 8;

/// In which way it says so.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// A status, and `Retry-After` in seconds.
    Seconds(u16),
    /// A status, and `Retry-After` as a date.
    Date(u16),
    /// A status alone.
    Silent(u16),
    /// A server error whose words speak of it.
    Dressed,
}

/// The door of the application, and what passed there.
#[derive(Default)]
struct Gate {
    taken: VecDeque<Instant>,
    told: Option<(Instant, Instant)>,
    passed: usize,
    throttled: usize,
    early: usize,
}

impl Gate {
    fn judge(&mut self, way: Way) -> Verdict {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        while self.taken.front().is_some_and(|t| now - *t > second) {
            self.taken.pop_front();
        }
        let paused = self.told.filter(|(_, until)| now < *until);
        if let Some((since, _)) = paused {
            // What was on its way when the pause was asked for could not know of it.
            self.early += usize::from(now - since > Duration::from_millis(200));
        } else if self.taken.len() < TAKES {
            self.taken.push_back(now);
            self.passed += 1;
            return Verdict::Pass;
        }
        self.throttled += 1;
        let asks = matches!(way, Way::Seconds(_) | Way::Date(_));
        if asks && paused.is_none() {
            self.told = Some((now, now + second));
        }
        way.answer()
    }
}

impl Way {
    fn answer(self) -> Verdict {
        match self {
            Self::Seconds(status) => {
                Verdict::Answer(status, vec![("retry-after", "1".to_owned())], vec![])
            }
            Self::Date(status) => {
                let until = std::time::SystemTime::now() + Duration::from_secs(2);
                let date = httpdate::fmt_http_date(until);
                Verdict::Answer(status, vec![("retry-after", date)], vec![])
            }
            Self::Silent(status) => Verdict::Answer(status, vec![], vec![]),
            Self::Dressed => {
                let body = json!({"status": "500", "detail": "Rate limit exceeded"});
                let json = ("content-type", "application/scim+json".to_owned());
                Verdict::Answer(500, vec![json], body.to_string().into_bytes())
            }
        }
    }
}

async fn all_converge(name: &str, way: Way) {
    let stage = Stage::set(name, ScimServer::scimmy().await).await;
    let chat = ScimServer::scimmy().await;
    stage.story.connect("chat", &chat).await;
    stage
        .story
        .apply_role(everyone("chatters", "chat", &["general"]))
        .await;
    let gate = Arc::new(Mutex::new(Gate::default()));
    let judge = Arc::clone(&gate);
    stage.lies(move |_: &Asked| judge.lock().unwrap().judge(way));
    for n in 0..PEOPLE {
        stage.person(n, json!({})).await;
    }
    eventually("all are in the other application", async || {
        let there = usernames(&chat).await.len();
        if there == PEOPLE { Ok(()) } else { Err(there) }
    })
    .await;
    let meanwhile = usernames(&stage.server).await.len();
    assert!(
        meanwhile < PEOPLE,
        "{meanwhile}: the other one was kept waiting"
    );
    for n in 0..PEOPLE {
        stage.story.provisioned(&format!("p{n}"), 2).await;
    }
    assert_eq!(usernames(&stage.server).await.len(), PEOPLE);
    assert_eq!(stage.server.group_member_ids("staff").await.len(), PEOPLE);
    let gate = gate.lock().unwrap();
    println!(
        "{way:?}: {} throttled, {} early",
        gate.throttled, gate.early
    );
    assert!(gate.throttled > 0);
    // Those in flight at once when it begins, each time, and few of those times.
    assert!(gate.throttled <= PEOPLE, "{} times", gate.throttled);
    assert_eq!(gate.early, 0, "asked again within the pause");
}

#[tokio::test]
async fn with_429_and_seconds() {
    all_converge("slow-a", Way::Seconds(429)).await;
}

#[tokio::test]
async fn with_429_and_a_date() {
    all_converge("slow-b", Way::Date(429)).await;
}

#[tokio::test]
async fn with_429_alone() {
    all_converge("slow-c", Way::Silent(429)).await;
}

#[tokio::test]
async fn with_503_and_seconds() {
    all_converge("slow-d", Way::Seconds(503)).await;
}

#[tokio::test]
async fn with_503_and_a_date() {
    all_converge("slow-e", Way::Date(503)).await;
}

#[tokio::test]
async fn with_503_alone() {
    all_converge("slow-f", Way::Silent(503)).await;
}

#[tokio::test]
async fn dressed_as_500() {
    all_converge("slow-g", Way::Dressed).await;
}
