//! Every version that objects ever had.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::support::namespace::Namespace;

/// Every version that the objects of one kind have had since a moment.
pub struct Witness {
    versions: Arc<Mutex<Vec<Value>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Witness {
    /// Watches from now on.
    pub fn of<K>(namespace: &Namespace) -> Self
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize
            + Send
            + 'static,
    {
        let versions: Arc<Mutex<Vec<Value>>> = Arc::default();
        let stream = watcher(namespace.api::<K>(), watcher::Config::default())
            .default_backoff()
            .applied_objects();
        let kept = Arc::clone(&versions);
        let task = tokio::spawn(stream.for_each(move |object| {
            if let Ok(object) = object {
                kept.lock()
                    .unwrap()
                    .push(serde_json::to_value(object).unwrap());
            }
            std::future::ready(())
        }));
        Self { versions, task }
    }

    /// Every version of one object, oldest first.
    pub fn versions_of(&self, name: &str) -> Vec<Value> {
        let mut all = self.all();
        all.retain(|v| v["metadata"]["name"] == name);
        all
    }

    /// Every version of every object, oldest first.
    pub fn all(&self) -> Vec<Value> {
        self.versions.lock().unwrap().clone()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}
