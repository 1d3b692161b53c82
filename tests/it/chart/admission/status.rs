//! Who may write a status.

use kube::Api;
use kube::api::{Patch, PatchParams};
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use serde_json::json;

use super::kit::{Guarded, Kind, connector, person, role};
use crate::support::wait::eventually;

/// A status that somebody makes up; `Err` is what the API server says.
async fn forge<K: Kind>(api: &Api<K>, name: &str, dry: bool) -> Result<(), String> {
    let parameters = PatchParams {
        dry_run: dry,
        ..PatchParams::default()
    };
    let status = Patch::Merge(json!({"status": {"observedGeneration": 7}}));
    match api.patch_status(name, &parameters, &status).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(e) => panic!("{e}"),
    }
}

/// Whoever has this API may do anything, and not this.
async fn is_refused<K: Kind>(story: &Guarded, api: &Api<K>, name: &str) {
    let said = eventually("the status is refused", async || {
        match forge(api, name, true).await {
            Err(said) if said.contains(&format!("'{}-status'", story.name)) => Ok(said),
            other => Err(other),
        }
    })
    .await;
    assert!(said.contains("only the operator writes a status"), "{said}");
    assert_eq!(forge(api, name, false).await, Err(said));
}

/// One of each kind.
async fn objects(story: &Guarded) {
    story.admits::<AppConnector>("eve", &connector()).await;
    story
        .admits::<RoleTemplate>("eve", &role("staff", &json!({})))
        .await;
    story
        .admits::<Employee>("eve", &person("ada", &json!([])))
        .await;
}

#[tokio::test]
async fn is_the_operators_alone_in_what_it_looks_after() {
    let story = Guarded::with("status", &json!({"status": {"writers": ["restorer"]}})).await;
    let other = Guarded::with("status-of-others", &json!({})).await;
    objects(&story).await;
    objects(&other).await;

    // Administrators of the cluster as well.
    is_refused(&story, &story.people.api::<Employee>(), "ada").await;
    is_refused(&story, &story.people.api::<RoleTemplate>(), "staff").await;
    is_refused(&story, &story.people.api::<AppConnector>(), "directory").await;
    is_refused(&other, &other.people.api::<Employee>(), "ada").await;

    let own = |operator: &Guarded, people: &Guarded| -> Api<Employee> {
        Api::namespaced(operator.release.client(), &people.people.name)
    };
    let ok = Ok(());
    for operator in [&story, &other] {
        assert_eq!(forge(&own(operator, operator), "ada", false).await, ok);
    }
    let roles: Api<RoleTemplate> = Api::namespaced(story.release.client(), &story.people.name);
    assert_eq!(forge(&roles, "staff", false).await, ok);
    let connectors: Api<AppConnector> = Api::namespaced(story.release.client(), &story.people.name);
    assert_eq!(forge(&connectors, "directory", false).await, ok);

    // Neither operator writes in the namespaces of the other, also with all rights there.
    let group = "rbac.authorization.k8s.io";
    let all = json!({
        "metadata": {"name": "everything"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [
            {"kind": "ServiceAccount", "name": other.name, "namespace": other.release.ops.name},
            {"apiGroup": group, "kind": "User", "name": "restorer"},
        ],
    });
    let bindings = story
        .people
        .apply::<k8s_openapi::api::rbac::v1::RoleBinding>(all);
    bindings.await.unwrap();
    is_refused(&story, &own(&other, &story), "ada").await;
    // Who is named in the values may.
    let restorer = story.api_as::<Employee>("restorer");
    eventually("who restores backups may write it", async || {
        forge(&restorer, "ada", false).await
    })
    .await;
}

/// Rules end where the release does.
#[tokio::test]
async fn is_anybodys_where_no_operator_looks() {
    let story = Guarded::with("looked-after", &json!({})).await;
    objects(&story).await;
    is_refused(&story, &story.people.api::<Employee>(), "ada").await;
    let elsewhere = crate::support::namespace::Namespace::new("not-looked-after").await;
    let ada = person("ada", &json!([]));
    elsewhere.apply::<Employee>(ada).await.unwrap();
    assert_eq!(
        forge(&elsewhere.api::<Employee>(), "ada", false).await,
        Ok(())
    );
}
