//! What came of a run.

use std::fmt;

use serde::Serialize;

use super::super::{ConnectorError, ErrorKind};

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "detail")]
pub enum Verdict {
    /// The target does it.
    Passed,
    /// The target can't, and says so: nothing relies on it.
    Gap(String),
    /// The target does something else than it should, or than it says.
    Failed(String),
}

/// One check, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Attributes that a gap is about, each with what is peculiar about the value where it is only that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
}

impl Finding {
    pub(super) fn of(check: &'static str, outcome: Result<(), Fault>) -> Self {
        let (verdict, attributes) = match outcome {
            Ok(()) => (Verdict::Passed, Vec::new()),
            Err(Fault::Gap(what)) => (Verdict::Gap(what), Vec::new()),
            Err(Fault::Attributes(which, what)) => (Verdict::Gap(what), which),
            Err(Fault::Failed(what)) => (Verdict::Failed(what), Vec::new()),
        };
        Self {
            check,
            verdict,
            attributes,
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether somebody ended it before everything was checked.
    pub interrupted: bool,
    /// What the target can do, as it says or as was found out.
    pub capabilities: Vec<String>,
    /// Every check in its order.
    pub findings: Vec<Finding>,
    /// What was made and could not be taken away.
    pub left_behind: Vec<String>,
}

impl Report {
    /// Whether everything was checked, nothing failed and nothing was left behind. A gap is no failure.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let failed = |f: &Finding| matches!(f.verdict, Verdict::Failed(_));
        !self.interrupted && self.left_behind.is_empty() && !self.findings.iter().any(failed)
    }

    /// How many checks passed, are gaps, and failed.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        for finding in &self.findings {
            match finding.verdict {
                Verdict::Passed => counts.0 += 1,
                Verdict::Gap(_) => counts.1 += 1,
                Verdict::Failed(_) => counts.2 += 1,
            }
        }
        counts
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Passed => write!(f, "pass  {}", self.check),
            Verdict::Gap(what) => write!(f, "gap   {}: {what}", self.check),
            Verdict::Failed(what) => write!(f, "FAIL  {}: {what}", self.check),
        }
    }
}

/// Why a check did not pass.
#[derive(Debug)]
pub(super) enum Fault {
    Gap(String),
    /// A gap of some attributes, and what to expect of them.
    Attributes(Vec<String>, String),
    Failed(String),
}

impl Fault {
    pub(super) fn failed(what: impl Into<String>) -> Self {
        Self::Failed(what.into())
    }

    pub(super) fn gap(what: impl Into<String>) -> Self {
        Self::Gap(what.into())
    }
}

impl From<ConnectorError> for Fault {
    fn from(error: ConnectorError) -> Self {
        if error.kind == ErrorKind::Unsupported {
            Self::Gap(error.message)
        } else {
            Self::Failed(format!("{}: {}", error.kind.reason(), error.message))
        }
    }
}

/// Fails unless something was refused, and with this kind of error. What can't be asked for at all is a gap.
pub(super) fn refused<T>(
    what: &str,
    outcome: Result<T, ConnectorError>,
    kind: ErrorKind,
) -> Result<(), Fault> {
    match outcome {
        Ok(_) => Err(Fault::failed(format!("{what} is a success"))),
        Err(error) if error.kind == ErrorKind::Unsupported => Err(error.into()),
        Err(error) => ensure(error.kind == kind, || {
            format!("{what} is answered with {}: {error}", error.kind.reason())
        }),
    }
}

/// Fails with a sentence unless something holds.
pub(super) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Fault> {
    if holds {
        Ok(())
    } else {
        Err(Fault::Failed(otherwise()))
    }
}
