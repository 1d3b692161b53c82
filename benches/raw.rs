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

use crate::company::{CONCURRENCY, Company, GROUPS, Target, name};
use crate::wire::{self, Wire};

/// Memberships in one request.
const BATCH: usize = 100;
/// Status patches in flight, as many as the operator's.
const STATUSES: usize = 16;

#[derive(Clone)]
struct Raw {
    wire: Arc<dyn Wire>,
    employees: Api<Employee>,
    status: Arc<Value>,
    at_target: Arc<Semaphore>,
    at_kubernetes: Arc<Semaphore>,
}

/// Provides for these people, who get `status`, and returns how long that took in seconds.
pub async fn run(company: &Company, target: &Target, people: Range<usize>, status: Value) -> f64 {
    let raw = Raw {
        wire: Arc::from(wire::to(target).await),
        employees: company.namespace.api(),
        status: Arc::new(status),
        at_target: Arc::new(Semaphore::new(CONCURRENCY)),
        at_kubernetes: Arc::new(Semaphore::new(STATUSES)),
    };
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
                let id = raw.wire.create(n).await;
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
        blocks.spawn(raw.clone().finish(block));
    }
    while let Some(ended) = blocks.join_next().await {
        ended.unwrap();
    }
    begin.elapsed().as_secs_f64()
}

impl Raw {
    async fn finish(self, block: Vec<(usize, String)>) {
        let accounts: Vec<String> = block.iter().map(|(_, account)| account.clone()).collect();
        let (raw, accounts) = (&self, &accounts);
        let changes = (0..GROUPS).map(|group| async move {
            let _permit = raw.at_target.acquire().await.unwrap();
            raw.wire.join(group, accounts).await;
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
