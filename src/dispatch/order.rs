//! What goes into dispatch, and what comes out of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::connectors::{Capabilities, ConnectorError, Listing, Revocation, Transfer};
use crate::domain::account::{ObservedAccount, ObservedEntitlement};
use crate::domain::ids::{ConnectorName, EmployeeId, EntitlementName};
use crate::plan::operation::{Lane, Operation};

/// A connector object: its namespace and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectorKey {
    /// Namespace of the `AppConnector`.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: ConnectorName,
}

/// The next operation for one person's account. A newer order for the same employee replaces one
/// that is still queued. One that arrives while another is being carried out is dropped when that one
/// ends: its plan did not know the outcome, and the report of it brings a plan that does.
#[derive(Clone, Debug)]
pub struct Order {
    /// Whose account.
    pub employee: EmployeeId,
    /// How urgent.
    pub lane: Lane,
    /// What to do.
    pub operation: Operation,
    /// Which plan it is from; reports carry it back.
    pub revision: u64,
    /// Why, for the audit: `RoleTemplate marketing-manager`, `last day was 2026-11-20`.
    pub cause: String,
    /// The last [`Outcome::number`] of this connector that the plan knew of. An order whose plan did
    /// not know how this employee's last one ended is not carried out: another plan is on its way.
    pub knows: u64,
}

/// What dispatch tells the controllers of one connector.
#[derive(Debug)]
pub struct Report {
    /// Which connector.
    pub connector: ConnectorKey,
    /// Which run of that connector: a changed spec or credential starts a new one, and reports of an
    /// older one are dropped.
    pub epoch: u64,
    /// What happened.
    pub event: Event,
}

/// What happened at one connector.
#[derive(Debug)]
pub enum Event {
    /// The target answered a probe: at the start, and after each outage.
    Probed(Capabilities),
    /// A listing begins. Writes from here on are newer than what it will show.
    ListingStarted,
    /// A listing ended.
    Listed(Box<Listing>),
    /// A listing failed and nothing was learnt.
    ListingFailed(ConnectorError),
    /// The target as a whole fails, or has been throttling for long; nothing is sent to it until
    /// `retry_at`. Orders wait, and none is lost.
    Unavailable {
        /// Why.
        error: ConnectorError,
        /// When the next attempt is made.
        retry_at: Timestamp,
    },
    /// The target works again, after it was `Unavailable`.
    Available,
    /// An order was carried out, or failed.
    Done(Box<Outcome>),
}

/// How one order ended.
#[derive(Debug)]
pub struct Outcome {
    /// The order.
    pub order: Order,
    /// What came of it.
    pub result: Result<Effect, ConnectorError>,
    /// Counts the outcomes of one run, from 1.
    pub number: u64,
}

/// What an operation that did not fail as a whole brought about.
#[derive(Debug)]
pub enum Effect {
    /// The account exists, as shown.
    Created(ObservedAccount),
    /// What a direct read showed: none, one, or several contradicting ones.
    Read(Vec<ObservedAccount>),
    /// Attributes were changed; the account as the target's answer shows it, where it does.
    Updated(Option<ObservedAccount>),
    /// The account was enabled or disabled; as the target's answer shows it, where it does.
    ActivitySet(Option<ObservedAccount>),
    /// Our mark was put on the account or taken off; as the target's answer shows it, where it does.
    Marked(Option<ObservedAccount>),
    /// Credentials of a kind were taken away, and how sure that is.
    Revoked(Revocation),
    /// What the account owned was handed over, as far as it was.
    Transferred(Transfer),
    /// The account was deleted, or was gone already.
    Deleted,
    /// Entitlements were given or taken, each with its own result. Where a newer order overtook this
    /// one half way, the part that was not sent is missing; one that nothing was sent of is not
    /// reported at all.
    Entitlements {
        /// One result for each entitlement that was sent.
        results: BTreeMap<EntitlementName, Result<(), ConnectorError>>,
        /// Entitlements that were made on the way. Each is told once, by the first order that ends
        /// and has to do with it; holders are not in it.
        created: Vec<ObservedEntitlement>,
    },
}
