//! The conformance suite: whether a live target behaves as a connector needs it to, whatever its protocol.
//!
//! For administrators, before they trust a target with people's accounts, and for authors of connectors. It
//! works with accounts of its own, which bear a mark of its own scope, and takes away what it made. What
//! bears no such mark is never touched.

mod access;
mod accounts;
mod attributes;
mod entitlements;
mod listing;
mod report;
mod stage;

use std::time::Duration;

use futures::future::BoxFuture;

use super::{ConnectorError, SharedConnector};
use crate::domain::account::Attributes;
use crate::domain::ids::Username;

use report::Fault;
pub use report::{Finding, Report, Verdict};
use stage::Stage;

/// How a connector is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// As it is declared.
    Declared,
    /// Asking for so few records in one page that a listing has several.
    Paged(u16),
    /// With credentials that are wrong.
    WrongCredential,
}

/// Makes connectors to the target.
pub trait Opener: Send + Sync {
    /// Opens one. Nothing is sent.
    ///
    /// # Errors
    /// Why there is none.
    fn open(&self, opening: Opening) -> Result<SharedConnector, ConnectorError>;
}

/// An account as the connector's own mapping makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// User name.
    pub username: Username,
    /// Managed attributes, none of them empty.
    pub attributes: Attributes,
}

/// What the suite makes accounts from. All of it is the same in every run, so that what an interrupted run
/// left behind is found again.
#[derive(Clone, Debug)]
pub struct Samples {
    /// First part of the mark of each account, and name of the entitlement that is made.
    pub prefix: String,
    /// At least [`PEOPLE`] accounts with different user names.
    pub people: Vec<Sample>,
    /// Attributes of the first of them with peculiar values, each with a word for what is peculiar.
    pub peculiar: Vec<(&'static str, Attributes)>,
}

/// Accounts that the suite needs.
pub const PEOPLE: usize = 8;

/// How long one check may take, as an answer may never come.
const PATIENCE: Duration = Duration::from_mins(5);

/// One thing to be checked.
struct Check {
    /// What it shows, in a few words.
    name: &'static str,
    /// Tries it.
    run: for<'s> fn(&'s Stage<'s>) -> BoxFuture<'s, Result<(), Fault>>,
}

fn checks() -> Vec<Check> {
    [
        access::checks(),
        accounts::checks(),
        attributes::checks(),
        entitlements::checks(),
        listing::checks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Names of all checks, in their order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    checks().iter().map(|check| check.name).collect()
}

/// Runs every check against a live target, tells of each as it ends, and takes away what was made, also
/// what an earlier run left.
///
/// # Errors
/// The target can't be spoken to at all, or what is there is not ours to use: nothing was checked.
pub async fn run(
    opener: &dyn Opener,
    samples: &Samples,
    progress: &mut (dyn FnMut(&Finding) + Send),
) -> Result<Report, ConnectorError> {
    let connector = opener.open(Opening::Declared)?;
    let capabilities = connector.probe().await?;
    let stage = Stage::new(opener, connector, capabilities, samples);
    stage.is_free().await?;
    let mut findings = Vec::new();
    for check in checks() {
        stage.clear().await?;
        let verdict = match tokio::time::timeout(PATIENCE, (check.run)(&stage)).await {
            Ok(outcome) => Verdict::from(outcome),
            Err(_) => Verdict::Failed(format!("no end within {} s", PATIENCE.as_secs())),
        };
        let finding = Finding {
            check: check.name,
            verdict,
        };
        progress(&finding);
        findings.push(finding);
    }
    let left_behind = clean(&stage).await;
    Ok(Report {
        capabilities: stage.capabilities.names(),
        findings,
        left_behind,
    })
}

/// Takes away what an interrupted run left behind. Answers what could not be taken away.
///
/// # Errors
/// The target can't be spoken to.
pub async fn clean_up(
    opener: &dyn Opener,
    samples: &Samples,
) -> Result<Vec<String>, ConnectorError> {
    let connector = opener.open(Opening::Declared)?;
    let capabilities = connector.probe().await?;
    Ok(clean(&Stage::new(opener, connector, capabilities, samples)).await)
}

async fn clean(stage: &Stage<'_>) -> Vec<String> {
    match stage.clear().await {
        Ok(()) => stage.left_behind().await,
        Err(error) => vec![format!("what was made could not be taken away: {error}")],
    }
}
