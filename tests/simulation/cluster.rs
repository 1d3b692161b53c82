//! An API server in memory: objects, and what happened to them, for whoever watches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use hyper::body::Bytes;
use rollcall::runtime::clock::Clock as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::clock::Wall;
use crate::findings::Findings;

/// What happened is remembered for so many changes.
const MEMORY: usize = 2000;

/// How the API server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    Well,
    /// So many of a hundred requests fail, one way or another.
    Flaky(u8),
    Down,
}

pub struct Cluster {
    state: Mutex<State>,
    pub wall: Arc<Wall>,
    pub findings: Arc<Findings>,
    pub seed: u64,
    /// The newest version, and how often every watch was cut off.
    pub news: watch::Sender<(u64, u64)>,
}

pub struct State {
    objects: BTreeMap<(String, String), Value>,
    version: u64,
    uids: u64,
    log: VecDeque<Logged>,
    /// The oldest version that a watch may begin from.
    oldest: u64,
    pub health: Health,
    /// Writes to our kinds that changed something: kind and name.
    pub writes: Vec<(String, String)>,
}

#[derive(Clone)]
pub struct Logged {
    pub version: u64,
    pub kind: String,
    pub line: Bytes,
    pub labelled: bool,
}

impl Cluster {
    pub fn new(wall: Arc<Wall>, findings: Arc<Findings>, seed: u64) -> Self {
        Self {
            state: Mutex::new(State {
                objects: BTreeMap::new(),
                version: 1,
                uids: 0,
                log: VecDeque::new(),
                oldest: 0,
                health: Health::Well,
                writes: Vec::new(),
            }),
            wall,
            findings,
            seed,
            news: watch::Sender::new((1, 0)),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.state().get(kind, name).cloned()
    }

    /// Cuts every watch off, as a server that goes away does; `forgets` what happened before.
    pub fn cut_off(&self, forgets: bool) {
        let mut state = self.state();
        if forgets {
            state.version += 1;
            state.oldest = state.version;
            state.log.clear();
        }
        drop(state);
        self.news.send_modify(|(_, era)| *era += 1);
    }

    /// Applies a manifest: the spec, labels, annotations and data are as given, the rest stays.
    pub fn apply(&self, kind: &str, name: &str, manifest: &Value) {
        let now = self.wall.now().to_string();
        let mut state = self.state();
        let mut object = state.get(kind, name).cloned().unwrap_or_else(|| {
            state.uids += 1;
            json!({"metadata": {
                "name": name, "namespace": "people", "uid": format!("uid-{}", state.uids),
                "generation": 0, "creationTimestamp": now,
            }})
        });
        let before = object.clone();
        for field in ["apiVersion", "kind", "spec", "data", "type"] {
            if !manifest[field].is_null() {
                object[field] = manifest[field].clone();
            }
        }
        for field in ["labels", "annotations"] {
            if !manifest["metadata"][field].is_null() {
                object["metadata"][field] = manifest["metadata"][field].clone();
            }
        }
        if before["spec"] != object["spec"] {
            let generation = object["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
            object["metadata"]["generation"] = json!(generation);
        }
        if before != object {
            state.put(kind, name, object);
        }
        drop(state);
        self.tell();
    }

    /// Deletes an object: at once where no finalizer keeps it.
    pub fn delete(&self, kind: &str, name: &str) -> bool {
        let now = self.wall.now().to_string();
        let mut state = self.state();
        let Some(mut object) = state.get(kind, name).cloned() else {
            return false;
        };
        if object["metadata"]["deletionTimestamp"].is_null() {
            object["metadata"]["deletionTimestamp"] = json!(now);
            state.put(kind, name, object);
        }
        drop(state);
        self.tell();
        true
    }

    pub fn tell(&self) {
        let version = self.state().version;
        self.news.send_modify(|(newest, _)| *newest = version);
    }
}

impl State {
    pub fn get(&self, kind: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(kind.to_owned(), name.to_owned()))
    }

    pub fn list(&self, kind: &str) -> Vec<&Value> {
        let of_kind = self.objects.iter().filter(|((k, _), _)| k == kind);
        of_kind.map(|(_, object)| object).collect()
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    /// Stores an object anew; one that is being deleted and that nothing keeps is gone.
    pub fn put(&mut self, kind: &str, name: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let key = (kind.to_owned(), name.to_owned());
        let metadata = &object["metadata"];
        let kept = metadata["finalizers"]
            .as_array()
            .is_some_and(|f| !f.is_empty());
        let word = if !metadata["deletionTimestamp"].is_null() && !kept {
            self.objects.remove(&key);
            "DELETED"
        } else if self.objects.insert(key, object.clone()).is_some() {
            "MODIFIED"
        } else {
            "ADDED"
        };
        let labelled = !object["metadata"]["labels"]["rollcall.dev/credential"].is_null();
        let mut line = json!({"type": word, "object": object}).to_string();
        line.push('\n');
        self.log.push_back(Logged {
            version: self.version,
            kind: kind.to_owned(),
            line: Bytes::from(line),
            labelled,
        });
        if self.log.len() > MEMORY
            && let Some(forgotten) = self.log.pop_front()
        {
            self.oldest = forgotten.version;
        }
        object
    }

    /// A new object; `None` where one of that name is there.
    pub fn create(&mut self, kind: &str, name: &str, mut object: Value) -> Option<Value> {
        if self.get(kind, name).is_some() {
            return None;
        }
        self.uids += 1;
        object["metadata"]["uid"] = json!(format!("uid-{}", self.uids));
        object["metadata"]["namespace"] = json!("people");
        Some(self.put(kind, name, object))
    }

    /// What happened after a version; `None` where that is not remembered any more.
    pub fn after(&self, kind: &str, version: u64) -> Option<Vec<Logged>> {
        if version < self.oldest {
            return None;
        }
        let news = self
            .log
            .iter()
            .filter(|l| l.version > version && l.kind == kind);
        Some(news.cloned().collect())
    }
}
