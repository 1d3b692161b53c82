//! The three kinds people write, `rollcall.dev/v1alpha1`, and the conditions they carry.
//!
//! The types here are the source of the CRDs in `crds/` (`make generate`). They hold what a user
//! wrote, as written: nothing in this module decides anything. Checked values for the pure core are
//! made from them by the controllers.

pub mod app_connector;
pub mod conditions;
pub mod crds;
pub mod duration;
pub mod employee;
pub mod references;
pub mod role_template;
mod rules;

pub use app_connector::{AppConnector, AppConnectorSpec, AppConnectorStatus};
pub use employee::{Employee, EmployeeSpec, EmployeeStatus};
pub use role_template::{RoleTemplate, RoleTemplateSpec, RoleTemplateStatus};
pub use rules::{OBJECT_NAME, OBJECT_NAME_MESSAGE};

/// API group of every kind in this module.
pub const GROUP: &str = "rollcall.dev";

/// API version of every kind in this module.
pub const VERSION: &str = "v1alpha1";

/// Label a Secret must carry, with the value `"true"`, before Rollcall reads it.
pub const SECRET_LABEL: &str = "rollcall.dev/credential";

/// Annotation on a Secret: the hosts, comma separated, that its contents may be sent to.
pub const SECRET_HOSTS_ANNOTATION: &str = "rollcall.dev/hosts";

/// Label of a Secret in which Rollcall keeps the initial password of an account.
pub const INITIAL_PASSWORD_LABEL: &str = "rollcall.dev/initial-password";

/// Annotation of such a Secret that says when it is deleted (RFC 3339).
pub const EXPIRES_ANNOTATION: &str = "rollcall.dev/expires-at";

/// Annotation on an Employee or an AppConnector: while it is there, nothing is written to an application
/// for that person, or through that connector. `"true"`, or any other word but `"false"`: a brake that
/// was pulled with a word of somebody's own still holds.
pub const PAUSED_ANNOTATION: &str = "rollcall.dev/paused";

/// Annotation on each of the three kinds: a text that was not there before asks for a look now. The
/// status holds the last one that was handled in `lastHandledReconcileAt`.
pub const RECONCILE_ANNOTATION: &str = "rollcall.dev/reconcile-requested-at";

/// Longest text of that annotation that is told apart, in characters.
pub const RECONCILE_TEXT_CAP: usize = 256;

/// Annotation on an AppConnector: from which application to which one it was led on purpose, so that
/// everybody is to get an account there. The status of the connector says how to write it.
pub const CONFIRM_TARGET_ANNOTATION: &str = "rollcall.dev/confirm-target";

/// Annotation on an AppConnector: the digest of removals that are held, which somebody approves by it. Whoever
/// sets it needs the verb `approve`. The status of the connector says what to write.
pub const APPROVED_REMOVALS_ANNOTATION: &str = "rollcall.dev/approved-removals";

/// Annotation beside that one: who approved. An admission policy sees to it that it is true.
pub const APPROVED_BY_ANNOTATION: &str = "rollcall.dev/approved-by";

/// Finalizer put on an Employee only where a connector's policy must act when the object is deleted.
pub const FINALIZER: &str = "rollcall.dev/accounts";

/// `observedGeneration` of a status that no operator has written yet. The CRDs default to it, so
/// that kstatus reads a new object as in progress.
pub const NEVER_OBSERVED: i64 = -1;
