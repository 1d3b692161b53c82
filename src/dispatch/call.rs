//! One call to a target, and how it ended.

use std::sync::Arc;

use super::member::{Change, Creation, Direction, Members};
use super::order::{Effect, Order};
use super::queue::Placed;
use crate::connectors::{Capabilities, ConnectorError, HolderResults, Listing, MarkChange};
use crate::domain::account::{AttributeChanges, NewAccount, ObservedEntitlement};
use crate::domain::credentials::CredentialKind;
use crate::domain::ids::AccountId;
use crate::plan::operation::{EntitlementTarget, Operation, ReadKey};

/// A write to one account alone.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Create(NewAccount),
    Update(AccountId, AttributeChanges),
    SetActive(AccountId, bool),
    SetMark(AccountId, MarkChange),
    Revoke(AccountId, CredentialKind),
    TransferOwnership { from: AccountId, to: AccountId },
    Delete(AccountId),
}

/// What is to be called. Shared between the task that calls and the core that waits.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Probe,
    List,
    Read(Arc<Order>, ReadKey),
    Write(Arc<Order>, Write),
    Create(Arc<Creation>),
    Change(Arc<Change>),
}

/// How a call ended.
#[derive(Debug)]
pub(super) enum Ended {
    Probe(Result<Capabilities, ConnectorError>),
    List(Result<Listing, ConnectorError>),
    Single(Arc<Order>, Result<Effect, ConnectorError>),
    Create(Arc<Creation>, Result<ObservedEntitlement, ConnectorError>),
    Change(Arc<Change>, Result<HolderResults, ConnectorError>),
}

/// The way that an order takes.
#[derive(Debug)]
pub(super) enum Route {
    /// A call of its own.
    Single(Call),
    /// Parts that travel with those of others.
    Members(Members),
}

impl Route {
    /// The way of an order that begins.
    pub(super) fn of(placed: Placed) -> Self {
        let Placed { order, place, .. } = placed;
        let write = |write| Self::Single(Call::Write(order.clone(), write));
        let (account, direction, entitlements) = match &order.operation {
            Operation::Read(key) => return Self::Single(Call::Read(order.clone(), key.clone())),
            Operation::Create(account) => return write(Write::Create(account.clone())),
            Operation::Update { id, changes, .. } => {
                return write(Write::Update(id.clone(), changes.clone()));
            }
            Operation::Adopt { id, mark } => {
                return write(Write::SetMark(id.clone(), MarkChange::Put(mark.clone())));
            }
            Operation::Disown { id, mark } => {
                return write(Write::SetMark(id.clone(), MarkChange::Take(mark.clone())));
            }
            Operation::Revoke { id, kind } => return write(Write::Revoke(id.clone(), *kind)),
            Operation::TransferOwnership { id, to, .. } => {
                let (from, to) = (id.clone(), to.clone());
                return write(Write::TransferOwnership { from, to });
            }
            Operation::Delete(id) => return write(Write::Delete(id.clone())),
            Operation::Enable(id) => return write(Write::SetActive(id.clone(), true)),
            Operation::Disable(id) => return write(Write::SetActive(id.clone(), false)),
            Operation::AddEntitlements { id, entitlements } => (
                id.clone(),
                Direction::Give,
                entitlements
                    .iter()
                    .map(|(name, to)| (name.clone(), to.clone()))
                    .collect(),
            ),
            Operation::RemoveEntitlements { id, entitlements } => (
                id.clone(),
                Direction::Take,
                entitlements
                    .iter()
                    .map(|(name, of)| (name.clone(), EntitlementTarget::Existing(of.clone())))
                    .collect(),
            ),
        };
        Self::Members(Members {
            order,
            place,
            account,
            direction,
            entitlements,
        })
    }
}

impl Call {
    /// Whether the target may be changed by it.
    pub(super) fn is_write(&self) -> bool {
        matches!(self, Self::Write(..) | Self::Create(_) | Self::Change(_))
    }

    /// Requests that it makes at the target, as far as dispatch can know.
    pub(super) fn requests(&self) -> u32 {
        match self {
            Self::Read(_, ReadKey::MarkOrUsername(_, Some(_))) => 2,
            _ => 1,
        }
    }

    /// How it ended where no answer of the connector can be had.
    pub(super) fn failed(&self, error: ConnectorError) -> Ended {
        match self {
            Self::Probe => Ended::Probe(Err(error)),
            Self::List => Ended::List(Err(error)),
            Self::Read(order, _) | Self::Write(order, _) => {
                Ended::Single(order.clone(), Err(error))
            }
            Self::Create(creation) => Ended::Create(creation.clone(), Err(error)),
            Self::Change(change) => Ended::Change(change.clone(), Err(error)),
        }
    }
}

impl Ended {
    /// The error, if it concerns the whole call.
    pub(super) fn error(&self) -> Option<&ConnectorError> {
        match self {
            Self::Probe(result) => result.as_ref().err(),
            Self::List(result) => result.as_ref().err(),
            Self::Single(_, result) => result.as_ref().err(),
            Self::Create(_, result) => result.as_ref().err(),
            Self::Change(_, result) => result.as_ref().err(),
        }
    }

    /// Whether it had taken a slot.
    pub(super) fn took_slot(&self) -> bool {
        !matches!(self, Self::Probe(_) | Self::List(_))
    }
}
