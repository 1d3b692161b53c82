//! Watches: what the API server shows of one kind, as a stream of small messages.
//!
//! Objects that can't be read are passed on as such, one by one, rather than failing the stream.
//! Only what is needed of an object is kept.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::guard::{Guarded, Unfit};
use super::world::Meta;
use crate::api::{
    APPROVED_BY_ANNOTATION, APPROVED_REMOVALS_ANNOTATION, AppConnector, CONFIRM_TARGET_ANNOTATION,
    Employee, PAUSED_ANNOTATION, RECONCILE_ANNOTATION, RECONCILE_TEXT_CAP, RoleTemplate,
    SECRET_LABEL,
};
use crate::plan::guard::Approval;
use crate::runtime::secrets::SecretView;

/// How long a watch rests that the API server refused to begin from where it stood.
const RELIST: Duration = Duration::from_secs(1);

/// Something that changed in Kubernetes.
#[derive(Debug)]
pub enum Change {
    /// An Employee.
    Employee(Seen<Employee>),
    /// A RoleTemplate.
    RoleTemplate(Seen<RoleTemplate>),
    /// An AppConnector.
    AppConnector(Seen<AppConnector>),
    /// A labelled Secret.
    Secret(Seen<SecretView>),
    /// One watch has shown everything there is.
    Synced(Source),
    /// One watch fails; it goes on trying.
    Failing(Source, String),
    /// A connector's earlier run has ended.
    Stopped(Key),
}

/// One watch: a kind, and a namespace where it is limited to one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Plural of the kind.
    pub kind: &'static str,
    /// The namespace; `None` watches all.
    pub namespace: Option<String>,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} in {namespace}", self.kind),
            None => f.write_str(self.kind),
        }
    }
}

/// What became of one object.
#[derive(Debug)]
pub enum Seen<K> {
    /// It is there.
    There(Key, Meta, Box<K>),
    /// It is there and can't be read.
    Unreadable(Key, Meta, Box<Unfit>),
    /// It is gone.
    Gone(Key),
}

/// Namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

/// Starts every watch, and returns which there are.
pub fn start(
    client: &Client,
    namespaces: Option<&BTreeSet<String>>,
    changes: &mpsc::Sender<Change>,
    shutdown: &CancellationToken,
) -> Vec<Source> {
    let mut sources = Vec::new();
    for namespace in scopes(namespaces) {
        let context = Context {
            client: client.clone(),
            namespace,
            changes: changes.clone(),
            shutdown: shutdown.clone(),
        };
        sources.push(context.guarded("employees", Change::Employee));
        sources.push(context.guarded("roletemplates", Change::RoleTemplate));
        sources.push(context.guarded("appconnectors", Change::AppConnector));
        sources.push(context.secrets());
    }
    sources
}

/// Starts a second look at the kinds whose statuses administrators hear of. It begins with everything, as any watch
/// does.
pub fn follow_notable(
    client: &Client,
    namespaces: Option<&BTreeSet<String>>,
    changes: &mpsc::Sender<Change>,
    shutdown: &CancellationToken,
) {
    for namespace in scopes(namespaces) {
        let context = Context {
            client: client.clone(),
            namespace,
            changes: changes.clone(),
            shutdown: shutdown.clone(),
        };
        context.guarded("employees", Change::Employee);
        context.guarded("appconnectors", Change::AppConnector);
    }
}

fn scopes(namespaces: Option<&BTreeSet<String>>) -> Vec<Option<String>> {
    match namespaces {
        None => vec![None],
        Some(names) => names.iter().cloned().map(Some).collect(),
    }
}

struct Context {
    client: Client,
    namespace: Option<String>,
    changes: mpsc::Sender<Change>,
    shutdown: CancellationToken,
}

impl Context {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    fn source(&self, kind: &'static str) -> Source {
        Source {
            kind,
            namespace: self.namespace.clone(),
        }
    }

    fn guarded<K>(&self, kind: &'static str, wrap: fn(Seen<K>) -> Change) -> Source
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + 'static,
    {
        let api: Api<Guarded<K>> = self.api();
        let source = self.source(kind);
        self.follow(
            api,
            watcher::Config::default(),
            source.clone(),
            move |key, object| {
                let meta = meta_of(object.meta());
                wrap(match object.0 {
                    Ok(object) => Seen::There(key, meta, Box::new(object)),
                    Err(unfit) => Seen::Unreadable(key, meta, Box::new(unfit)),
                })
            },
            move |key| wrap(Seen::Gone(key)),
        );
        source
    }

    fn secrets(&self) -> Source {
        let api: Api<Secret> = self.api();
        let source = self.source("secrets");
        let config = watcher::Config::default().labels(&format!("{SECRET_LABEL}=true"));
        self.follow(
            api,
            config,
            source.clone(),
            |key, secret: Secret| {
                let meta = meta_of(&secret.metadata);
                Change::Secret(Seen::There(key, meta, Box::new(SecretView::from(secret))))
            },
            |key| Change::Secret(Seen::Gone(key)),
        );
        source
    }

    fn follow<K>(
        &self,
        api: Api<K>,
        config: watcher::Config,
        source: Source,
        there: impl Fn(Key, K) -> Change + Send + 'static,
        gone: impl Fn(Key) -> Change + Send + 'static,
    ) where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let changes = self.changes.clone();
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            let begin = || {
                watcher(api.clone(), config.clone())
                    .map(|event| {
                        event.map(|e| e.modify(|object| object.meta_mut().managed_fields = None))
                    })
                    .default_backoff()
                    .boxed()
            };
            let mut stream = begin();
            let mut roll = Roll::default();
            loop {
                let event = tokio::select! {
                    () = shutdown.cancelled() => return,
                    event = stream.next() => event,
                };
                if let Some(Err(error)) = &event
                    && is_forgotten(error)
                {
                    // The watcher would ask for the same version for ever. One list a second at most.
                    tokio::select! {
                        () = shutdown.cancelled() => return,
                        () = tokio::time::sleep(RELIST) => {}
                    }
                    stream = begin();
                }
                let messages = match event {
                    None => return,
                    Some(Err(error)) => vec![Change::Failing(source.clone(), error.to_string())],
                    Some(Ok(event)) => roll.take(event, &source, &there, &gone),
                };
                for message in messages {
                    if changes.send(message).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
}

/// Whether the API server refused to begin a watch as it does not remember that version any more. Told
/// within a watch, the watcher deals with it.
fn is_forgotten(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

/// Which objects are there, so that those that vanished while nobody watched are told as gone.
#[derive(Default)]
struct Roll {
    present: BTreeSet<Key>,
    listing: BTreeSet<Key>,
    /// The namespace that was seen last: its name is shared by all that are in it.
    namespace: Arc<str>,
}

impl Roll {
    fn key(&mut self, meta: &kube::core::ObjectMeta) -> Key {
        let namespace = meta.namespace.as_deref().unwrap_or_default();
        if *self.namespace != *namespace {
            self.namespace = Arc::from(namespace);
        }
        Key {
            namespace: Arc::clone(&self.namespace),
            name: Arc::from(meta.name.as_deref().unwrap_or_default()),
        }
    }

    fn take<K: Resource<DynamicType = ()>>(
        &mut self,
        event: Event<K>,
        source: &Source,
        there: &impl Fn(Key, K) -> Change,
        gone: &impl Fn(Key) -> Change,
    ) -> Vec<Change> {
        match event {
            Event::Init => {
                self.listing.clear();
                Vec::new()
            }
            Event::InitApply(object) => {
                let key = self.key(object.meta());
                // One text for each name, also over a relist.
                let key = self.present.get(&key).cloned().unwrap_or(key);
                self.listing.insert(key.clone());
                vec![there(key, object)]
            }
            Event::InitDone => {
                let now = std::mem::take(&mut self.listing);
                let mut messages: Vec<Change> =
                    self.present.difference(&now).cloned().map(gone).collect();
                self.present = now;
                messages.push(Change::Synced(source.clone()));
                messages
            }
            Event::Apply(object) => {
                let key = self.key(object.meta());
                self.present.insert(key.clone());
                vec![there(key, object)]
            }
            Event::Delete(object) => {
                let key = self.key(object.meta());
                self.present.remove(&key);
                vec![gone(key)]
            }
        }
    }
}

/// What is kept of an object's metadata.
#[must_use]
pub fn meta_of(meta: &kube::core::ObjectMeta) -> Meta {
    Meta {
        uid: meta.uid.clone().unwrap_or_default().into(),
        generation: meta.generation.unwrap_or_default(),
        resource_version: meta.resource_version.clone().unwrap_or_default().into(),
        created: meta.creation_timestamp.as_ref().map(|t| t.0),
        deleting: meta.deletion_timestamp.is_some(),
        finalizers: meta.finalizers.clone().unwrap_or_default(),
        paused: annotation(meta, PAUSED_ANNOTATION).is_some_and(is_pause),
        approved: annotation(meta, APPROVED_REMOVALS_ANNOTATION).map(|digest| {
            Box::new(Approval {
                digest: digest.to_owned(),
                by: annotation(meta, APPROVED_BY_ANNOTATION).map(str::to_owned),
            })
        }),
        confirmed: annotation(meta, CONFIRM_TARGET_ANNOTATION).map(Box::from),
        requested: annotation(meta, RECONCILE_ANNOTATION).map(|text| {
            let told = text.chars().take(RECONCILE_TEXT_CAP);
            told.collect::<String>().into_boxed_str()
        }),
    }
}

fn annotation<'a>(meta: &'a kube::core::ObjectMeta, name: &str) -> Option<&'a str> {
    meta.annotations.as_ref()?.get(name).map(String::as_str)
}

/// Whatever the word is, a brake that was pulled holds; only `false` says that it was not.
fn is_pause(word: &str) -> bool {
    !word.trim().eq_ignore_ascii_case("false")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> Meta {
        let meta = kube::core::ObjectMeta {
            annotations: Some([(name.to_owned(), value.to_owned())].into()),
            ..kube::core::ObjectMeta::default()
        };
        meta_of(&meta)
    }

    #[test]
    fn any_word_but_false_pulls_the_brake() {
        for word in ["true", "True", "yes", "1", "", "until monday"] {
            assert!(of(PAUSED_ANNOTATION, word).paused, "{word:?}");
        }
        for word in ["false", "False", " false "] {
            assert!(!of(PAUSED_ANNOTATION, word).paused, "{word:?}");
        }
        assert!(!of("paused", "true").paused);
    }

    #[test]
    fn what_is_asked_for_is_cut_to_what_a_status_holds() {
        let meta = of(RECONCILE_ANNOTATION, &"ä".repeat(1000));
        assert_eq!(meta.requested.unwrap().chars().count(), RECONCILE_TEXT_CAP);
        assert_eq!(of("other", "now").requested, None);
    }
}
