//! The CustomResourceDefinitions, as generated from the types of this module.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps,
};
use kube::CustomResourceExt;
use serde_json::json;

use super::{AppConnector, Employee, NEVER_OBSERVED, RoleTemplate};

/// Every CRD of the group, in the order in which people meet them.
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    [Employee::crd(), RoleTemplate::crd(), AppConnector::crd()]
        .into_iter()
        .map(finished)
        .collect()
}

/// Adds what the derive leaves to be said. `status` itself gets a default, so that an object nobody
/// has looked at yet reads as in progress: kstatus calls an object without status Current.
fn finished(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let schema = version.schema.as_mut();
        let Some(schema) = schema.and_then(|s| s.open_api_v3_schema.as_mut()) else {
            continue;
        };
        with_known_formats(schema);
        if let Some(status) = schema.properties.as_mut().and_then(|p| p.get_mut("status")) {
            without_defaults(status);
            status.default = Some(JSON(json!({ "observedGeneration": NEVER_OBSERVED })));
            status.nullable = None;
        }
    }
    crd
}

/// In a status, a default would be a claim: `accounts: 0` before anybody has counted.
fn without_defaults(schema: &mut JSONSchemaProps) {
    schema.default = None;
    for property in schema.properties.iter_mut().flat_map(|p| p.values_mut()) {
        without_defaults(property);
    }
}

/// The API server warns of formats that it does not know, such as Rust's `uint16`. The bounds are in
/// `minimum` and `maximum`.
fn with_known_formats(schema: &mut JSONSchemaProps) {
    if schema
        .format
        .as_deref()
        .is_some_and(|f| f.starts_with("uint"))
    {
        schema.format = None;
    }
    for property in schema.properties.iter_mut().flat_map(|p| p.values_mut()) {
        with_known_formats(property);
    }
}
