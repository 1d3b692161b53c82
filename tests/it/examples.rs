//! The examples work as they stand: the real API server takes them, and nothing in them dangles.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use rollcall::api::{AppConnector, Employee, RoleTemplate, SECRET_HOSTS_ANNOTATION, SECRET_LABEL};

use crate::support::namespace::Namespace;
use crate::support::process::repository;

async fn all<K>(api: Api<K>) -> Vec<K>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    api.list(&ListParams::default()).await.unwrap().items
}

fn names<K: ResourceExt>(objects: &[K]) -> BTreeSet<String> {
    objects.iter().map(ResourceExt::name_any).collect()
}

#[tokio::test]
async fn the_company_is_taken_as_it_stands() {
    let namespace = Namespace::new("examples").await;
    let folder = repository("examples");
    let folder = folder.to_str().unwrap();
    let arguments = ["apply", "--recursive", "--validate=strict", "-f", folder];
    let said = namespace.kubectl(&arguments).await;
    assert!(said.ok && said.err.is_empty(), "{said:?}");

    let people = all(namespace.api::<Employee>()).await;
    let roles = all(namespace.api::<RoleTemplate>()).await;
    let connectors = all(namespace.api::<AppConnector>()).await;
    assert_eq!((people.len(), roles.len(), connectors.len()), (12, 8, 2));

    let ids: BTreeSet<_> = people.iter().map(|p| &p.spec.employee_id).collect();
    assert_eq!(ids.len(), people.len(), "an employeeId is there twice");
    let (people_there, roles_there) = (names(&people), names(&roles));
    for person in &people {
        if let Some(manager) = &person.spec.manager_ref {
            assert!(people_there.contains(&manager.name), "{}", manager.name);
        }
        for role in &person.spec.roles {
            assert!(roles_there.contains(&role.name), "{}", role.name);
        }
    }
    let connectors_there = names(&connectors);
    for role in &roles {
        for included in &role.spec.includes {
            assert!(roles_there.contains(included), "{included}");
        }
        for grant in &role.spec.grants {
            assert!(
                connectors_there.contains(&grant.connector),
                "{}",
                grant.connector
            );
        }
    }
}

/// Each credential of the examples may be read, and sent where the connector that names it sends it.
#[tokio::test]
async fn the_secrets_are_fit_for_their_connectors() {
    let namespace = Namespace::new("examples").await;
    let folder = repository("examples");
    namespace
        .kubectl_ok(&["apply", "--recursive", "-f", folder.to_str().unwrap()])
        .await;
    for connector in all(namespace.api::<AppConnector>()).await {
        let scim = connector.spec.scim.unwrap();
        let reference = scim.auth.bearer.unwrap().secret_key_ref;
        let secret: Secret = namespace.api().get(&reference.name).await.unwrap();
        assert_eq!(secret.labels()[SECRET_LABEL], "true");
        assert!(secret.data.as_ref().unwrap().contains_key(&reference.key));
        let host = url::Url::parse(&scim.base_url).unwrap();
        assert_eq!(
            secret.annotations()[SECRET_HOSTS_ANNOTATION],
            host.host_str().unwrap()
        );
    }
}
