//! An application that misbehaves when it is told to, and an operator that has to do with it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::stories::kit::{Story, begins, connector_to, employee, everyone};
use crate::support::operator::OperatorProcess;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

type Lie = Arc<Mutex<Option<Box<dyn Fn(&Asked) -> Verdict + Send>>>>;

/// An application behind a proxy that may lie, with an operator.
pub struct Stage {
    pub story: Story,
    pub server: ScimServer,
    pub proxy: Proxy,
    lie: Lie,
    pub operator: OperatorProcess,
}

impl Stage {
    pub async fn set(name: &str, server: ScimServer) -> Self {
        Self::set_with(name, server, json!({})).await
    }

    /// As `set`; `sync` is laid over the block of that name.
    pub async fn set_with(name: &str, server: ScimServer, sync: Value) -> Self {
        let lie: Lie = Arc::default();
        let told = Arc::clone(&lie);
        let judge = move |asked: &Asked| match &*told.lock().unwrap() {
            Some(lie) => lie(asked),
            None => Verdict::Pass,
        };
        let proxy = Proxy::before(&server.base_url(), judge).await;
        let story = Story::new(name).await;
        let token = server.token();
        story.ns.credential("directory", token, &proxy.host()).await;
        let mut connector = connector_to("directory", proxy.base_url().as_str());
        for (field, value) in sync.as_object().unwrap() {
            connector["spec"]["sync"][field] = value.clone();
        }
        story.apply_connector(connector).await;
        story
            .apply_role(everyone("all", "directory", &["staff"]))
            .await;
        let operator = OperatorProcess::start(&story.ns).await;
        Self {
            story,
            server,
            proxy,
            lie,
            operator,
        }
    }

    pub fn lies(&self, lie: impl Fn(&Asked) -> Verdict + Send + 'static) {
        *self.lie.lock().unwrap() = Some(Box::new(lie));
    }

    pub fn is_honest(&self) {
        *self.lie.lock().unwrap() = None;
    }

    pub async fn person(&self, n: usize, more: Value) {
        let mut person = employee(&format!("p{n}"), &n.to_string(), "Pat", &format!("N{n}"));
        for (field, value) in more.as_object().unwrap() {
            person["spec"][field] = value.clone();
        }
        self.story.apply_person(person).await;
    }

    /// Waits until everything has been listed so many times more.
    pub async fn listed_again(&self, times: usize) {
        let count = || {
            let seen = self.proxy.seen();
            seen.iter().filter(|s| begins(&s.method, &s.path)).count()
        };
        let before = count();
        eventually("it is listed again", async || {
            let more = count() - before;
            if more > times { Ok(()) } else { Err(more) }
        })
        .await;
    }

    /// How often somebody was asked to change something.
    pub fn writes(&self) -> usize {
        let seen = self.proxy.seen();
        seen.iter().filter(|s| s.method != "GET").count()
    }

    /// Over this many listings few requests are sent to change anything, whatever is wrong with how many
    /// people.
    pub async fn nothing_is_looped_on(&self, listings: usize, people: usize) {
        let before = self.writes();
        self.listed_again(listings).await;
        let more = self.writes() - before;
        assert!(
            more <= people * listings / 2,
            "{more} writes over {listings} listings"
        );
    }
}
