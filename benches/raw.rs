//! A raw client that does only what can't be left out: one create a person, memberships in batches, one
//! status patch a person. It decides nothing, remembers nothing and recovers from nothing.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use kube::Api;
use kube::api::{Patch, PatchParams};
use rollcall::api::Employee;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use crate::company::{CONCURRENCY, Company, Target, groups, name, username};

/// Memberships in one request.
const BATCH: usize = 100;
/// Status patches in flight, as many as the operator's.
const STATUSES: usize = 16;

#[derive(Clone)]
struct Raw {
    http: reqwest::Client,
    base: String,
    token: String,
    employees: Api<Employee>,
    status: Arc<Value>,
    at_target: Arc<Semaphore>,
    at_kubernetes: Arc<Semaphore>,
}

/// Provides for these people, who get `status`, and returns how long that took in seconds.
pub async fn run(company: &Company, target: &Target, people: Range<usize>, status: Value) -> f64 {
    let raw = Raw {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        base: target.base_url(),
        token: target.token().to_owned(),
        employees: company.namespace.api(),
        status: Arc::new(status),
        at_target: Arc::new(Semaphore::new(CONCURRENCY)),
        at_kubernetes: Arc::new(Semaphore::new(STATUSES)),
    };
    let groups = raw.group_ids().await;
    let begin = Instant::now();
    let (made_in, mut made) = mpsc::unbounded_channel();
    let creator = raw.clone();
    tokio::spawn(async move {
        for n in people {
            let permit = Arc::clone(&creator.at_target)
                .acquire_owned()
                .await
                .unwrap();
            let (raw, made_in) = (creator.clone(), made_in.clone());
            tokio::spawn(async move {
                let id = raw.create(n).await;
                drop(permit);
                let _ = made_in.send((n, id));
            });
        }
    });
    let mut blocks = tokio::task::JoinSet::new();
    loop {
        let mut block = Vec::new();
        while block.len() < BATCH {
            let Some(one) = made.recv().await else { break };
            block.push(one);
        }
        if block.is_empty() {
            break;
        }
        blocks.spawn(raw.clone().finish(block, groups.clone()));
    }
    while let Some(ended) = blocks.join_next().await {
        ended.unwrap();
    }
    begin.elapsed().as_secs_f64()
}

impl Raw {
    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method, format!("{}/{path}", self.base));
        let request = request
            .bearer_auth(&self.token)
            .header("Content-Type", "application/scim+json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.bytes().await.unwrap();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    async fn group_ids(&self) -> Vec<String> {
        let url = format!("{}/Groups", self.base);
        let request = self.http.get(url).bearer_auth(&self.token);
        let text = request.send().await.unwrap().bytes().await.unwrap();
        let listed: Value = serde_json::from_slice(&text).unwrap();
        let rows = listed["Resources"].as_array().unwrap();
        assert_eq!(rows.len(), groups().len());
        rows.iter()
            .map(|g| g["id"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn create(&self, n: usize) -> String {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": username(n), "externalId": format!("raw/people/{n:06}"), "active": true,
            "displayName": format!("P{n:06} Example"), "title": "Specialist",
            "emails": [{"type": "work", "value": format!("p{n:06}@example.com")}],
        });
        let made = self.send(reqwest::Method::POST, "Users", &user).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn finish(self, block: Vec<(usize, String)>, groups: Vec<String>) {
        let members: Vec<_> = block.iter().map(|(_, id)| json!({"value": id})).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "members", "value": members}],
        });
        let (raw, body) = (&self, &body);
        let changes = groups.iter().map(|group| async move {
            let _permit = raw.at_target.acquire().await.unwrap();
            raw.send(reqwest::Method::PATCH, &format!("Groups/{group}"), body)
                .await;
        });
        futures::future::join_all(changes).await;
        let statuses = block.iter().map(|(n, _)| async move {
            let _permit = raw.at_kubernetes.acquire().await.unwrap();
            let patch = Patch::Merge(json!({"status": *raw.status}));
            let parameters = PatchParams::default();
            raw.employees
                .patch_status(&name(*n), &parameters, &patch)
                .await
                .unwrap();
        });
        futures::future::join_all(statuses).await;
    }
}
