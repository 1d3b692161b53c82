//! Leader election on the real API server: however many there are, and whatever becomes of the Lease.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use rollcall::runtime::clock::SystemClock;
use rollcall::runtime::http::Health;
use rollcall::runtime::leader::{Leadership, Settings, campaign};
use rollcall::runtime::metrics::{self, Metrics};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::support::namespace::Namespace;
use crate::support::wait::{PATIENCE, eventually};

fn settings(namespace: &Namespace, identity: &str) -> Settings {
    Settings {
        namespace: namespace.name.clone(),
        name: "lease".to_owned(),
        identity: identity.to_owned(),
        lease_duration: Duration::from_secs(2),
        renew_deadline: Duration::from_millis(1500),
        retry_period: Duration::from_millis(50),
    }
}

/// Stands for election until it leads.
async fn elected(namespace: &Namespace, settings: Settings) -> Leadership {
    let health = Health::new(Duration::from_mins(1));
    let metrics = Metrics::register(&mut metrics::registry(), Arc::new(SystemClock));
    let shutdown = CancellationToken::new();
    let client = namespace.client();
    let campaign = campaign(client, settings, &health, &metrics, &shutdown);
    let elected = timeout(PATIENCE, campaign).await;
    elected.expect("nobody was elected").unwrap()
}

fn leases(namespace: &Namespace) -> Api<Lease> {
    namespace.api()
}

async fn change(namespace: &Namespace, spec: Value) {
    let patch = Patch::Merge(json!({"spec": spec}));
    let parameters = PatchParams::default();
    leases(namespace)
        .patch("lease", &parameters, &patch)
        .await
        .unwrap();
}

/// All reach for it at once, and for what each gives back.
#[tokio::test]
async fn of_many_one_leads_at_a_time() {
    let namespace = Arc::new(Namespace::new("many").await);
    let leading = Arc::new(tokio::sync::Mutex::new(()));
    let candidates = (0..8).map(|i| {
        let (namespace, leading) = (Arc::clone(&namespace), Arc::clone(&leading));
        tokio::spawn(async move {
            let settings = settings(&namespace, &i.to_string());
            let mut leadership = elected(&namespace, settings).await;
            let alone = leading.try_lock().expect("two lead");
            // Long enough for the others to try, and for renewals.
            let while_leading = timeout(Duration::from_millis(300), leadership.lost());
            assert!(while_leading.await.is_err(), "it lost the Lease");
            drop(alone);
            leadership.release().await;
        })
    });
    for candidate in futures::future::join_all(candidates).await {
        candidate.unwrap();
    }
    let lease = leases(&namespace).get("lease").await.unwrap();
    let spec = lease.spec.unwrap();
    assert_eq!(spec.holder_identity, None);
    assert_eq!(spec.lease_transitions, Some(7), "each led once");
}

#[tokio::test]
async fn whoever_loses_it_to_another_ends_at_once() {
    let namespace = Namespace::new("taken").await;
    let mut leadership = elected(&namespace, settings(&namespace, "one")).await;
    change(&namespace, json!({"holderIdentity": "by-hand"})).await;
    let lost = timeout(PATIENCE, leadership.lost()).await.unwrap();
    assert_eq!(lost.reason(), "LeaseTaken");
    assert!(lost.to_string().contains("by-hand"), "{lost}");
}

/// A Lease that somebody deletes is no free Lease: its leader makes it anew before another would.
#[tokio::test]
async fn a_deleted_lease_stays_with_its_leader() {
    let namespace = Namespace::new("deleted").await;
    let mut leadership = elected(&namespace, settings(&namespace, "one")).await;
    let health = Health::new(Duration::from_mins(1));
    let metrics = Metrics::register(&mut metrics::registry(), Arc::new(SystemClock));
    let shutdown = CancellationToken::new();
    let other = campaign(
        namespace.client(),
        settings(&namespace, "two"),
        &health,
        &metrics,
        &shutdown,
    );
    tokio::pin!(other);
    let standby = eventually("the other stands by", async || health.standby().ok_or(()));
    tokio::select! {
        _ = &mut other => panic!("two lead"),
        _ = standby => {}
    }
    let api = leases(&namespace);
    let parameters = DeleteParams::default();
    api.delete("lease", &parameters).await.unwrap();
    let again = eventually("there is a Lease again", async || {
        let lease = api.get_opt("lease").await.unwrap();
        lease
            .and_then(|lease| lease.spec?.holder_identity)
            .ok_or(())
    });
    tokio::select! {
        _ = &mut other => panic!("the other began"),
        lost = leadership.lost() => panic!("{lost}"),
        holder = again => assert!(holder.starts_with("one_"), "{holder}"),
    }
    leadership.release().await;
    timeout(PATIENCE, other).await.unwrap().unwrap();
}

/// What another says of the time is not believed: what counts is when the Lease was seen to change.
#[tokio::test]
async fn a_holder_whose_clock_is_wrong_is_waited_for_as_long_as_any() {
    for renewed in ["2001-01-01T00:00:00.000000Z", "2101-01-01T00:00:00.000000Z"] {
        let namespace = Namespace::new("clock").await;
        let lease = json!({
            "metadata": {"name": "lease"},
            "spec": {"holderIdentity": "other", "leaseDurationSeconds": 1, "renewTime": renewed},
        });
        let lease = serde_json::from_value(lease).unwrap();
        let parameters = PostParams::default();
        leases(&namespace)
            .create(&parameters, &lease)
            .await
            .unwrap();
        let began = Instant::now();
        let election = elected(&namespace, settings(&namespace, "one"));
        tokio::pin!(election);
        for transitions in 0..10 {
            tokio::select! {
                _ = &mut election => panic!("{renewed}: taken from one that renews it"),
                () = tokio::time::sleep(Duration::from_millis(250)) => {}
            }
            change(&namespace, json!({"leaseTransitions": transitions})).await;
        }
        let silent = Instant::now();
        election.await.release().await;
        assert!(began.elapsed() > Duration::from_secs(2));
        assert!(
            silent.elapsed() > Duration::from_millis(1900),
            "{renewed}: too early"
        );
    }
}
