//! A fast stand-in for a SCIM server: it keeps users and groups in memory and does nothing else. It is
//! no real server and proves nothing about one; it is there so that the target is not what is measured.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// Records in one page, at most.
const PAGE: usize = 1000;

/// A running stand-in. It answers until the program ends.
pub struct StandIn {
    /// Host and port.
    pub host: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    users: BTreeMap<u64, Map<String, Value>>,
    by_name: HashMap<String, u64>,
    groups: BTreeMap<u64, Group>,
    next: u64,
    reads: u64,
    writes: u64,
    /// When a user was disabled first.
    disabled_at: HashMap<String, Instant>,
    made_at: HashMap<String, Instant>,
}

struct Group {
    name: String,
    members: BTreeSet<u64>,
}

/// What the stand-in holds and has been asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Users.
    pub users: usize,
    /// Memberships of all groups.
    pub memberships: usize,
    /// Requests that read.
    pub reads: u64,
    /// Requests that changed something.
    pub writes: u64,
}

impl StandIn {
    /// Starts one that holds nothing.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let state = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&state), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { host, state }
    }

    /// Base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/scim/v2", self.host)
    }

    /// Makes groups, without any request.
    pub fn make_groups(&self, names: &[String]) {
        let mut state = self.state.lock().unwrap();
        for name in names {
            state.make_group(name);
        }
    }

    /// Makes users as if somebody had made them before, each in these groups.
    pub fn make_users(&self, users: impl Iterator<Item = Value>, groups: &[String]) {
        let mut state = self.state.lock().unwrap();
        for user in users {
            let Value::Object(user) = user else { continue };
            let id = state.make_user(user).unwrap();
            for group in state.groups.values_mut() {
                if groups.contains(&group.name) {
                    group.members.insert(id);
                }
            }
        }
    }

    /// What it holds and has been asked so far.
    pub fn seen(&self) -> Seen {
        let state = self.state.lock().unwrap();
        Seen {
            users: state.users.len(),
            memberships: state.groups.values().map(|g| g.members.len()).sum(),
            reads: state.reads,
            writes: state.writes,
        }
    }

    /// When a user was disabled.
    pub fn disabled_at(&self, username: &str) -> Option<Instant> {
        let state = self.state.lock().unwrap();
        state.disabled_at.get(username).copied()
    }

    /// When a user was made.
    pub fn made_at(&self, username: &str) -> Option<Instant> {
        let state = self.state.lock().unwrap();
        state.made_at.get(username).copied()
    }

    /// How many members each group has.
    pub fn group_sizes(&self) -> BTreeMap<String, usize> {
        let state = self.state.lock().unwrap();
        let groups = state.groups.values();
        groups.map(|g| (g.name.clone(), g.members.len())).collect()
    }
}

impl State {
    fn make_group(&mut self, name: &str) -> u64 {
        self.next += 1;
        let group = Group {
            name: name.to_owned(),
            members: BTreeSet::new(),
        };
        self.groups.insert(self.next, group);
        self.next
    }

    fn make_user(&mut self, mut user: Map<String, Value>) -> Option<u64> {
        let name = user.get("userName")?.as_str()?.to_lowercase();
        if self.by_name.contains_key(&name) {
            return None;
        }
        self.next += 1;
        user.insert("id".to_owned(), json!(self.next.to_string()));
        user.entry("active").or_insert(Value::Bool(true));
        self.made_at.insert(name.clone(), Instant::now());
        self.by_name.insert(name, self.next);
        self.users.insert(self.next, user);
        Some(self.next)
    }

    fn group(&self, id: u64) -> Option<Value> {
        let group = self.groups.get(&id)?;
        let members: Vec<_> = group
            .members
            .iter()
            .map(|id| json!({"value": id.to_string(), "type": "User"}))
            .collect();
        Some(json!({"id": id.to_string(), "displayName": group.name, "members": members}))
    }

    fn change_user(&mut self, id: u64, operations: &[Value]) -> Option<()> {
        let user = self.users.get_mut(&id)?;
        for operation in operations {
            let path = operation["path"].as_str()?.to_owned();
            if path == "active" && operation["value"] == false {
                let name = user["userName"].as_str()?.to_owned();
                self.disabled_at.entry(name).or_insert_with(Instant::now);
            }
            user.insert(path, operation["value"].clone());
        }
        Some(())
    }

    fn change_group(&mut self, id: u64, operations: &[Value]) -> Option<()> {
        let group = self.groups.get_mut(&id)?;
        for operation in operations {
            let path = operation["path"].as_str()?;
            if operation["op"] == "add" {
                let values = operation["value"].as_array()?.iter();
                group
                    .members
                    .extend(values.filter_map(|v| number(v["value"].as_str()?)));
            } else {
                let id = path
                    .strip_prefix("members[value eq \"")?
                    .strip_suffix("\"]")?;
                group.members.remove(&number(id)?);
            }
        }
        Some(())
    }
}

fn number(id: &str) -> Option<u64> {
    id.parse().ok()
}

type Answer = Response<Full<Bytes>>;

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut state = state.lock().unwrap();
    if parts.method == Method::GET {
        state.reads += 1;
    } else {
        state.writes += 1;
    }
    let path = parts
        .uri
        .path()
        .strip_prefix("/scim/v2/")
        .unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let (collection, id) = path.split_once('/').unwrap_or((path, ""));
    let found = match (parts.method.as_str(), collection, number(id)) {
        ("GET", "ServiceProviderConfig", _) => Some((
            200,
            json!({
                "patch": {"supported": true}, "filter": {"supported": true, "maxResults": PAGE},
                "bulk": {"supported": false}, "etag": {"supported": false},
            }),
        )),
        ("GET", "Users", None) => Some((200, users(&state, query))),
        ("GET", "Groups", None) => Some((200, page(query, &state.groups, |id, _| state.group(id)))),
        ("GET", "Users", Some(id)) => state.users.get(&id).map(|u| (200, json!(u))),
        ("GET", "Groups", Some(id)) => state.group(id).map(|g| (200, g)),
        ("POST", "Users", None) => match body {
            Value::Object(user) => Some(match state.make_user(user) {
                Some(id) => (201, json!(state.users[&id])),
                None => (409, json!({"scimType": "uniqueness"})),
            }),
            _ => None,
        },
        ("PATCH", "Users", Some(id)) => body["Operations"]
            .as_array()
            .and_then(|operations| state.change_user(id, operations))
            .map(|()| (204, Value::Null)),
        ("PATCH", "Groups", Some(id)) => body["Operations"]
            .as_array()
            .and_then(|operations| state.change_group(id, operations))
            .map(|()| (204, Value::Null)),
        _ => None,
    };
    let (status, json) =
        found.unwrap_or((404, json!({"detail": "the stand-in has no such thing"})));
    let body = if json.is_null() {
        Bytes::new()
    } else {
        Bytes::from(json.to_string())
    };
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    let kind = "application/scim+json".parse().unwrap();
    answer.headers_mut().insert("content-type", kind);
    Ok(answer)
}

/// Users, or those that one `attribute eq "value"` names.
fn users(state: &State, query: &str) -> Value {
    let all = || page(query, &state.users, |_, user| Some(json!(user)));
    let filter = url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "filter")
        .map(|(_, value)| value.into_owned());
    let Some(filter) = filter else { return all() };
    let Some((attribute, value)) = filter.split_once(" eq ") else {
        return all();
    };
    let value: String = serde_json::from_str(value).unwrap_or_default();
    let hits = state.users.iter().filter(|(_, user)| {
        user.get(attribute)
            .and_then(Value::as_str)
            .is_some_and(|held| held.eq_ignore_ascii_case(&value))
    });
    let hits: Vec<_> = hits.map(|(_, user)| json!(user)).collect();
    json!({"totalResults": hits.len(), "startIndex": 1, "Resources": hits})
}

fn page<T>(
    query: &str,
    records: &BTreeMap<u64, T>,
    show: impl Fn(u64, &T) -> Option<Value>,
) -> Value {
    let asked = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let start = asked("startIndex").unwrap_or(1).max(1);
    let count = asked("count").unwrap_or(PAGE).min(PAGE);
    let rows = records.iter().skip(start - 1).take(count);
    let rows: Vec<_> = rows.filter_map(|(id, record)| show(*id, record)).collect();
    json!({
        "totalResults": records.len(), "startIndex": start, "itemsPerPage": rows.len(), "Resources": rows,
    })
}
