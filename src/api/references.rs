//! References between objects of one namespace. They never cross namespaces.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// Names another object of a known kind in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Name of the object, in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new(rules::OBJECT_NAME).message(rules::OBJECT_NAME_MESSAGE))]
    pub name: String,
}

/// Names one key of a Secret in the same namespace.
///
/// The Secret must carry the label `rollcall.dev/credential: "true"` and name, in the annotation
/// `rollcall.dev/hosts`, the hosts that it may be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// Name of the Secret, in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new(rules::OBJECT_NAME).message(rules::OBJECT_NAME_MESSAGE))]
    pub name: String,
    /// Key within the Secret's `data`.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}
