//! How a SCIM server wants things said.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of SCIM server that is known to differ from the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Profile {
    /// As RFC 7643 and 7644 have it.
    #[default]
    Standard,
    /// Made for what Microsoft Entra ID sends: `Replace`, `"False"`, a bare id as manager.
    Entra,
    /// Made for what Okta sends: no path when disabling, PUT for attributes.
    Okta,
    /// AWS IAM Identity Center: one value an attribute, lists of at most 50, at most 100 members a
    /// request.
    AwsIdentityCenter,
}

/// What is otherwise than the profile has it, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DialectSpec {
    /// How an account is disabled and enabled: with a path, without one, with the text "False", or by
    /// putting the whole record back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deactivation: Option<DeactivationForm>,
    /// Spelling of `op` in a PATCH: `replace` or `Replace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_case: Option<OperationSpelling>,
    /// What stands for a manager: an object with the id as its value, or the bare id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<ManagerSpelling>,
    /// How attributes are changed: in part, or by putting the whole record back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateForm>,
    /// Whether an attribute may hold several values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_valued: Option<bool>,
}

/// How an account is disabled and enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum DeactivationForm {
    /// `replace` of the path `active` with a truth value.
    Path,
    /// `replace` without a path, of `{"active": false}`.
    NoPath,
    /// `replace` of the path `active` with the text `False` or `True`.
    StringFalse,
    /// The whole record is put back.
    Put,
}

/// Spelling of `op` in a PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum OperationSpelling {
    /// `replace`.
    Lower,
    /// `Replace`.
    Capital,
}

/// What stands for a manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ManagerSpelling {
    /// `{"value": "id"}`.
    Object,
    /// `"id"`.
    BareId,
}

/// How attributes are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum UpdateForm {
    /// In part, unless the server says that it can't.
    Patch,
    /// The whole record is put back.
    Put,
}
