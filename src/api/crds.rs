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
        .map(with_status_default)
        .collect()
}

/// Defaults `status` itself, so that an object nobody has looked at yet reads as in progress:
/// kstatus calls an object without status Current.
fn with_status_default(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        if let Some(status) = version
            .schema
            .as_mut()
            .and_then(|s| s.open_api_v3_schema.as_mut())
            .and_then(|s: &mut JSONSchemaProps| s.properties.as_mut())
            .and_then(|p| p.get_mut("status"))
        {
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
