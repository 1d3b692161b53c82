//! Waiting for conditions. A test never sleeps for a time of its own choosing.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

/// How long anything is waited for before a test fails. Generous: a machine that is busy is no bug.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// How often a condition is looked at where nothing can be watched.
const GLANCE: Duration = Duration::from_millis(50);

/// Looks again and again until `look` answers `Ok`, and returns that. Fails after `PATIENCE` with what
/// was seen last, which `look` hands back as `Err`.
pub async fn eventually<T, S: Debug>(what: &str, look: impl AsyncFnMut() -> Result<T, S>) -> T {
    eventually_within(PATIENCE, what, look).await
}

/// As `eventually`, with a patience of its own.
pub async fn eventually_within<T, S: Debug>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, S>,
) -> T {
    let begin = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if begin.elapsed() > patience => {
                panic!("waited {patience:?} in vain until {what}; seen last:\n{seen:#?}")
            }
            Err(_) => tokio::time::sleep(GLANCE).await,
        }
    }
}

/// Watches one object until `wanted` holds of it, and returns it. Fails after `PATIENCE` with the
/// object as it was last.
pub async fn wait_for<K>(api: &Api<K>, name: &str, what: &str, wanted: impl Fn(&K) -> bool) -> K
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let mut seen: Option<K> = None;
    let search = async {
        let stream = watcher::watch_object(api.clone(), name).default_backoff();
        let mut stream = std::pin::pin!(stream);
        // An error is a watch that is begun again.
        while let Some(step) = stream.try_next().await.transpose() {
            let Ok(Some(object)) = step else { continue };
            if wanted(&object) {
                return object;
            }
            seen = Some(object);
        }
        panic!("the watch of {name} ended")
    };
    if let Ok(found) = tokio::time::timeout(PATIENCE, search).await {
        return found;
    }
    panic!("waited {PATIENCE:?} in vain until {name} {what}; seen last:\n{seen:#?}")
}
