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
mod offboarding;
mod report;
mod stage;

use std::time::Duration;

use futures::future::BoxFuture;

use super::{ConnectorError, ErrorKind, InitialPassword, SharedConnector};
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
    /// The password that each account begins with, where they get one.
    pub password: Option<InitialPassword>,
    /// Attributes of the first of them with peculiar values, each with a word for what is peculiar.
    pub peculiar: Vec<(&'static str, Attributes)>,
}

/// Accounts that the suite needs.
pub const PEOPLE: usize = 8;

/// What is told where something that was made can't be taken away.
const TAKEN_AWAY: &str = "what was made is taken away";

/// How long one check may take, as an answer may never come.
const PATIENCE: Duration = Duration::from_mins(5);

/// One thing to be checked.
struct Check {
    /// What it shows, in a few words.
    name: &'static str,
    /// Whether nothing else can be tried safely unless it passes.
    is_needed: bool,
    /// Tries it.
    run: for<'s> fn(&'s Stage<'s>) -> BoxFuture<'s, Result<(), Fault>>,
}

impl Check {
    fn of(
        name: &'static str,
        run: for<'s> fn(&'s Stage<'s>) -> BoxFuture<'s, Result<(), Fault>>,
    ) -> Self {
        Self {
            name,
            is_needed: false,
            run,
        }
    }
}

fn checks() -> Vec<Check> {
    [
        accounts::checks(),
        access::checks(),
        attributes::checks(),
        entitlements::checks(),
        offboarding::checks(),
        listing::checks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Runs every check against a live target, tells of each as it ends, and takes away what was made, also
/// what an earlier run left. Begins no more of them once it is `stopped`.
///
/// # Errors
/// The target can't be spoken to at all, can't delete what would be made, or has accounts of others that
/// are in the way: nothing was checked.
pub async fn run(
    opener: &dyn Opener,
    samples: &Samples,
    stopped: &(dyn Fn() -> bool + Sync),
    progress: &mut (dyn FnMut(&Finding) + Send),
) -> Result<Report, ConnectorError> {
    let stage = open(opener, samples).await?;
    stage.prepare().await?;
    let mut findings = Vec::new();
    for check in checks() {
        if stopped() {
            break;
        }
        let outcome = match tokio::time::timeout(PATIENCE, (check.run)(&stage)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Fault::failed(format!(
                "no end within {} s",
                PATIENCE.as_secs()
            ))),
        };
        let finding = Finding::of(check.name, outcome);
        let unsafe_to_go_on = check.is_needed && finding.verdict != Verdict::Passed;
        progress(&finding);
        findings.push(finding);
        if let Err(error) = stage.clear().await {
            let finding = Finding::of(TAKEN_AWAY, Err(Fault::failed(error.message)));
            progress(&finding);
            findings.push(finding);
            break;
        }
        if unsafe_to_go_on {
            break;
        }
    }
    Ok(Report {
        interrupted: stopped(),
        capabilities: stage.capabilities.names(),
        findings,
        left_behind: clean(&stage).await,
    })
}

/// Takes away what an interrupted run left behind. Answers what could not be taken away.
///
/// # Errors
/// The target can't be spoken to, or has accounts of others that are in the way.
pub async fn clean_up(
    opener: &dyn Opener,
    samples: &Samples,
) -> Result<Vec<String>, ConnectorError> {
    let stage = open(opener, samples).await?;
    stage.prepare().await?;
    Ok(stage.left_behind().await)
}

async fn open<'a>(
    opener: &'a dyn Opener,
    samples: &'a Samples,
) -> Result<Stage<'a>, ConnectorError> {
    let connector = opener.open(Opening::Declared)?;
    let capabilities = connector.probe().await?;
    if !capabilities.delete {
        return Err(ConnectorError::new(
            ErrorKind::Unsupported,
            "it does not delete accounts, so that those of a check would stay: nothing was made",
        ));
    }
    Ok(Stage::new(opener, connector, capabilities, samples))
}

/// Tries once more where it did not work, and tells what is there all the same.
async fn clean(stage: &Stage<'_>) -> Vec<String> {
    let failed = stage.clear().await.err();
    let mut left = stage.left_behind().await;
    if let Some(error) = failed.filter(|_| !left.is_empty()) {
        left.push(error.message);
    }
    left
}
