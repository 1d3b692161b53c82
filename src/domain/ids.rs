//! Identifiers. Each is a type of its own, so that one can't be passed for another.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is.
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// The text as it is.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<Arc<str>> for $name {
            fn from(text: Arc<str>) -> Self {
                Self(text)
            }
        }
    };
}

identifier! {
    /// HR's stable identifier of a person, unique in a namespace.
    EmployeeId
}
identifier! {
    /// Name of an Employee object.
    EmployeeName
}
identifier! {
    /// Name of a RoleTemplate object.
    RoleName
}
identifier! {
    /// Name of an AppConnector object.
    ConnectorName
}
identifier! {
    /// Identifier that a target gave to an account. Opaque.
    AccountId
}
identifier! {
    /// Identifier that a target gave to an entitlement. Opaque.
    EntitlementId
}
identifier! {
    /// Name of a group, role or licence in a target, as manifests spell it.
    EntitlementName
}
identifier! {
    /// Name of an account attribute, in the connector's own notation.
    AttributeName
}

/// A user name in a target. Compared without case, shown as given.
#[derive(Clone)]
pub struct Username {
    shown: Arc<str>,
    folded: Arc<str>,
}

impl Username {
    /// Takes the name as it is.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        let shown: Arc<str> = Arc::from(text.as_ref());
        let lower = shown.to_lowercase();
        let folded = if lower == *shown {
            Arc::clone(&shown)
        } else {
            Arc::from(lower)
        };
        Self { shown, folded }
    }

    /// The name as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The name as compared.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

impl PartialEq for Username {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}
impl Eq for Username {}
impl PartialOrd for Username {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Username {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded.cmp(&other.folded)
    }
}
impl std::hash::Hash for Username {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}
impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.shown, f)
    }
}
