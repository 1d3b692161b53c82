//! Manifests that pages show: each fits our types, and its expressions compile.

use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use rollcall::api::{AppConnector, Employee, RoleTemplate};
use rollcall::connectors::registry;
use rollcall::controllers::words::Words;
use rollcall::controllers::{app_connector, employee, role_template};
use rollcall::domain::ids::{ConnectorName, EmployeeName, RoleName};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Checks every object of a block, and tells their kinds.
pub fn check(page: &str, block: &str) -> Vec<String> {
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(block).unwrap_or_else(|e| panic!("{page}: {e}\n{block}"));
    assert!(!objects.is_empty(), "{page}: an empty block");
    objects
        .iter()
        .map(|object| {
            let what = format!("{page}: {object}");
            let kind = object["kind"].as_str().expect(&what);
            works(kind, object, &what);
            kind.to_owned()
        })
        .collect()
}

fn works(kind: &str, object: &Value, what: &str) {
    match kind {
        "Employee" => {
            let read: Employee = typed(object, what);
            let name = EmployeeName::new(read.metadata.name.as_deref().expect(what));
            let facts = employee::intake::facts(&name, &read.spec, &mut Words::default());
            assert!(facts.is_ok(), "{what}: {facts:?}");
        }
        "RoleTemplate" => {
            let read: RoleTemplate = typed(object, what);
            let name = RoleName::new(read.metadata.name.as_deref().expect(what));
            let compiled = role_template::intake::compile(&name, &read.spec);
            assert_eq!(compiled.faults, [], "{what}");
        }
        "AppConnector" => {
            let read: AppConnector = typed(object, what);
            let name = ConnectorName::new(read.metadata.name.as_deref().expect(what));
            let compiled = app_connector::intake::compile(&name, &read.spec, None);
            assert_eq!(compiled.faults, [], "{what}");
            let opened = registry::open(&read.spec, &mut |_, _| Ok(SecretString::from("sekret")));
            if let Err(problem) = opened {
                panic!("{what}: {}", problem.message);
            }
        }
        "ClusterRole" => drop(typed::<ClusterRole>(object, what)),
        "ClusterRoleBinding" => drop(typed::<ClusterRoleBinding>(object, what)),
        "RoleBinding" => drop(typed::<RoleBinding>(object, what)),
        "Namespace" => drop(typed::<Namespace>(object, what)),
        "Secret" => drop(typed::<Secret>(object, what)),
        "ServiceAccount" => drop(typed::<ServiceAccount>(object, what)),
        other => panic!("{what}: no type is known for {other}"),
    }
}

/// The object as its type has it; nothing that was written may be lost on the way.
fn typed<K: DeserializeOwned + Serialize>(object: &Value, what: &str) -> K {
    let read: K = serde_json::from_value(object.clone()).unwrap_or_else(|e| panic!("{what}: {e}"));
    let back = serde_json::to_value(&read).unwrap();
    lost(object, &back, what);
    read
}

fn lost(written: &Value, read: &Value, at: &str) {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            for (key, value) in written {
                let at = format!("{at}\n  {key}");
                let read = read.get(key);
                lost(
                    value,
                    read.unwrap_or_else(|| panic!("{at} is no field")),
                    &at,
                );
            }
        }
        (Value::Array(written), Value::Array(read)) => {
            assert_eq!(written.len(), read.len(), "{at}");
            for (written, read) in written.iter().zip(read) {
                lost(written, read, at);
            }
        }
        _ => assert_eq!(written, read, "{at}"),
    }
}
