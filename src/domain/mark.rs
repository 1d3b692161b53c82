//! The mark: what we leave in a target to know our account again.

use std::fmt;
use std::sync::Arc;

use super::ids::EmployeeId;

/// One operator's claim in a target: a configured installation name, which survives the rebuilding
/// of a cluster, and a namespace; and, where people have several accounts in the target, for which purpose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    prefix: Arc<str>,
    purpose: Option<Arc<str>>,
}

/// Between an `employeeId`, which can't hold it, and a purpose.
const BEFORE_PURPOSE: char = '~';

/// What a target holds where our mark would stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marking {
    /// Nothing, or something that is not a mark: nobody's, as far as Rollcall is concerned.
    None,
    /// Ours, for this person.
    Ours(EmployeeId),
    /// Another scope's: neither ours nor an orphan.
    Foreign,
}

/// `<installation>/<namespace>/<employeeId>`, or `<installation>/<namespace>/<employeeId>~<purpose>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(Arc<str>);

impl Scope {
    /// The scope of a namespace under an installation. Neither may hold a `/`; Kubernetes names
    /// can't, and the installation name is checked where it is configured.
    #[must_use]
    pub fn new(installation: &str, namespace: &str) -> Self {
        Self {
            prefix: Arc::from(format!("{installation}/{namespace}/")),
            purpose: None,
        }
    }

    /// The same for accounts of a purpose. Those of another purpose, or of none, are foreign to it.
    #[must_use]
    pub fn for_purpose(&self, purpose: Option<&str>) -> Self {
        Self {
            prefix: Arc::clone(&self.prefix),
            purpose: purpose.map(Arc::from),
        }
    }

    /// The mark of one person in this scope.
    #[must_use]
    pub fn mark(&self, employee: &EmployeeId) -> Mark {
        Mark(Arc::from(match &self.purpose {
            None => format!("{}{employee}", self.prefix),
            Some(purpose) => format!("{}{employee}{BEFORE_PURPOSE}{purpose}", self.prefix),
        }))
    }

    /// Whose mark of ours it is that a target holds, if it is one.
    #[must_use]
    pub fn employee<'a>(&self, held: Option<&'a str>) -> Option<&'a str> {
        let rest = held?.strip_prefix(&*self.prefix)?;
        let (id, purpose) = match rest.split_once(BEFORE_PURPOSE) {
            Some((id, purpose)) => (id, Some(purpose)),
            None => (rest, None),
        };
        let is_ours = purpose == self.purpose.as_deref() && !id.is_empty() && !id.contains('/');
        is_ours.then_some(id)
    }

    /// Reads what a target holds.
    #[must_use]
    pub fn read(&self, held: Option<&str>) -> Marking {
        if let Some(id) = self.employee(held) {
            return Marking::Ours(EmployeeId::new(id));
        }
        let Some(held) = held else {
            return Marking::None;
        };
        let parts: Vec<&str> = held.split('/').collect();
        if parts.len() == 3 && parts.iter().all(|p| !p.is_empty()) {
            Marking::Foreign
        } else {
            Marking::None
        }
    }
}

impl Mark {
    /// Whether what a target holds is this mark.
    #[must_use]
    pub fn is_kept_as(&self, held: Option<&str>) -> bool {
        held == Some(self.as_str())
    }

    /// The mark as written into a target.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_wrote_and_tells_others_apart() {
        let scope = Scope::new("acme", "people");
        let mark = scope.mark(&"1042".into());
        assert_eq!(mark.as_str(), "acme/people/1042");
        assert_eq!(
            scope.read(Some(mark.as_str())),
            Marking::Ours("1042".into())
        );
        assert_eq!(scope.read(Some("acme/staff/1042")), Marking::Foreign);
        assert_eq!(scope.read(Some("other/people/1042")), Marking::Foreign);
        let admin = scope.for_purpose(Some("admin"));
        let mark = admin.mark(&"1042".into());
        assert_eq!(mark.as_str(), "acme/people/1042~admin");
        assert_eq!(
            admin.read(Some(mark.as_str())),
            Marking::Ours("1042".into())
        );
        for (scope, other) in [
            (&scope, "acme/people/1042~admin"),
            (&admin, "acme/people/1042"),
            (&admin, "acme/people/1042~root"),
            (&admin, "acme/people/1042~admin~x"),
        ] {
            assert_eq!(scope.read(Some(other)), Marking::Foreign, "{other}");
        }
        for nobodys in [
            None,
            Some(""),
            Some("00u1abc"),
            Some("acme/people/"),
            Some("a/b"),
            Some("a/b/c/d"),
        ] {
            assert_eq!(scope.read(nobodys), Marking::None, "{nobodys:?}");
        }
    }
}
