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
use crate::support::wait::{PATIENCE, eventually, eventually_within};

const PEOPLE: usize = 40;

/// Requests that the application takes within a second.
const TAKES: usize = 8;

/// Requests that can be on their way when a pause is asked for, and could not know of it: as many as the
/// connector has in flight unless it says otherwise, and a page of a listing.
const IN_FLIGHT: usize = 8 + 1;

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
struct Gate {
    way: Way,
    /// Requests that it takes yet before it refuses everything; `None`: as many as come in their time.
    left: Option<usize>,
    taken: VecDeque<Instant>,
    paused_until: Option<Instant>,
    throttled: usize,
    in_this_pause: usize,
    most_in_a_pause: usize,
}

impl Gate {
    fn new(way: Way) -> Self {
        Self {
            way,
            left: Some(PEOPLE / 2),
            taken: VecDeque::new(),
            paused_until: None,
            throttled: 0,
            in_this_pause: 0,
            most_in_a_pause: 0,
        }
    }

    fn judge(&mut self) -> Verdict {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        while self.taken.front().is_some_and(|t| now - *t > second) {
            self.taken.pop_front();
        }
        if self.paused_until.is_some_and(|until| now < until) {
            self.in_this_pause += 1;
            self.most_in_a_pause = self.most_in_a_pause.max(self.in_this_pause);
        } else if self.taken.len() < TAKES && self.left != Some(0) {
            self.taken.push_back(now);
            self.left = self.left.map(|left| left - 1);
            return Verdict::Pass;
        } else if matches!(self.way, Way::Seconds(_) | Way::Date(_)) {
            self.paused_until = Some(now + second);
            self.in_this_pause = 0;
        }
        self.throttled += 1;
        self.way.answer()
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
    let gate = Arc::new(Mutex::new(Gate::new(way)));
    let judge = Arc::clone(&gate);
    let begin = Instant::now();
    stage.lies(move |_: &Asked| judge.lock().unwrap().judge());
    for n in 0..PEOPLE {
        stage.person(n, json!({})).await;
    }
    eventually("all are in the other application", async || {
        let there = usernames(&chat).await.len();
        if there == PEOPLE { Ok(()) } else { Err(there) }
    })
    .await;
    // It takes half as many requests as there are people until the other application has everyone.
    assert!(usernames(&stage.server).await.len() < PEOPLE);
    let taken = || gate.lock().unwrap().taken.back().copied();
    let before = taken();
    gate.lock().unwrap().left = None;
    // Pauses double as long as nothing passes, so that the next try may be as far off as that took.
    eventually_within(2 * PATIENCE, "it is tried again", async || {
        if taken() > before {
            Ok(())
        } else {
            Err(before)
        }
    })
    .await;
    for n in 0..PEOPLE {
        stage.story.provisioned(&format!("p{n}"), 2).await;
    }
    assert_eq!(usernames(&stage.server).await.len(), PEOPLE);
    assert_eq!(stage.server.group_member_ids("staff").await.len(), PEOPLE);
    let gate = gate.lock().unwrap();
    let (throttled, in_a_pause) = (gate.throttled, gate.most_in_a_pause);
    let seconds = usize::try_from(begin.elapsed().as_secs()).unwrap();
    println!("{way:?}: {throttled} throttled in {seconds} s, {in_a_pause} at most in a pause");
    assert!(throttled > 0);
    // Those in flight at once, and not more often than the pauses let them.
    assert!(throttled <= IN_FLIGHT * (seconds + 1), "{throttled} times");
    assert!(in_a_pause <= IN_FLIGHT, "{in_a_pause} within a pause");
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
