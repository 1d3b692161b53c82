//! How one server wants things said, where it can't be found out by asking: chosen by a person.

use super::path::{AttributePath, Place};
use crate::connectors::{ConnectorError, ErrorKind};

/// How one server wants things said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// How an account is disabled and enabled.
    pub deactivation: Deactivation,
    /// Spelling of `op` in a PATCH.
    pub operation_case: OperationCase,
    /// What stands for a manager.
    pub manager: ManagerForm,
    /// How attributes are changed.
    pub update: Update,
    /// Whether an attribute may hold several values.
    pub multi_valued: bool,
    /// Records asked for in one page, at most.
    pub max_page: u32,
}

/// How an account is disabled and enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deactivation {
    /// `replace` of the path `active` with a truth value (RFC 7644 section 3.5.2.3).
    #[default]
    Path,
    /// `replace` without a path, of `{"active": false}`.
    NoPath,
    /// `replace` of the path `active` with the text `False` or `True`.
    StringFalse,
    /// The whole record is put back.
    Put,
}

/// Spelling of `op` in a PATCH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OperationCase {
    /// `replace`, as RFC 7644 has it.
    #[default]
    Lower,
    /// `Replace`.
    Capital,
}

/// What stands for a manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManagerForm {
    /// `{"value": "id"}` (RFC 7643 section 4.3).
    #[default]
    Object,
    /// `"id"`.
    BareId,
}

/// How attributes are changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// By PATCH, unless the server says that it has none.
    #[default]
    Patch,
    /// The whole record is put back.
    Put,
}

impl Default for Ways {
    /// As RFC 7643 and 7644 have it.
    fn default() -> Self {
        Self {
            deactivation: Deactivation::default(),
            operation_case: OperationCase::default(),
            manager: ManagerForm::default(),
            update: Update::default(),
            multi_valued: true,
            max_page: u32::MAX,
        }
    }
}

impl Ways {
    /// Refuses attributes that such a server can't hold.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], where several values of one attribute are managed and it may hold one.
    pub(super) fn check(&self, paths: &[AttributePath]) -> Result<(), ConnectorError> {
        if self.multi_valued {
            return Ok(());
        }
        let refuse = |name: &dyn std::fmt::Display| {
            Err(ConnectorError::new(
                ErrorKind::Invalid,
                format!(
                    "attribute `{name}` would need several values in one attribute, and this server keeps one (dialect.multiValued: false); take it out of the mapping"
                ),
            ))
        };
        for (at, path) in paths.iter().enumerate() {
            match &path.place {
                Place::List => return refuse(&path.name),
                Place::Selected(selector, _) => {
                    let other = paths.iter().take(at).any(|other| {
                        other.base() == path.base()
                            && matches!(&other.place, Place::Selected(s, _) if s != selector)
                    });
                    if other {
                        return refuse(&path.name);
                    }
                }
                Place::Single | Place::Part(_) | Place::Manager => {}
            }
        }
        Ok(())
    }
}
