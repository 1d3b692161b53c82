//! What one order that gives or takes entitlements is made of, and how far it has come.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::blame::Returns;
use super::order::{Effect, Order};
use super::queue::Place;
use crate::connectors::{ConnectorError, ErrorKind, HolderChange, HolderResults};
use crate::domain::account::ObservedEntitlement;
use crate::domain::ids::{AccountId, EntitlementId, EntitlementName};
use crate::plan::operation::EntitlementTarget;

/// Whether an entitlement is given or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Give,
    Take,
}

/// An order that gives or takes entitlements, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Members {
    pub(super) order: Arc<Order>,
    pub(super) place: Place,
    pub(super) account: AccountId,
    pub(super) direction: Direction,
    pub(super) entitlements: Vec<(EntitlementName, EntitlementTarget)>,
}

/// One entitlement of one order.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) order: Arc<Order>,
    pub(super) place: Place,
    pub(super) account: AccountId,
    pub(super) name: EntitlementName,
    pub(super) direction: Direction,
    pub(super) returns: Returns,
}

/// One request's worth of membership work.
#[derive(Debug)]
pub(super) enum Batch {
    /// An entitlement that has to be made before anyone can be given it.
    Create(Creation),
    /// Memberships of one entitlement.
    Change(Change),
}

/// An entitlement to be made.
#[derive(Debug)]
pub(super) struct Creation {
    pub(super) name: EntitlementName,
    /// The first order that asks for it.
    pub(super) order: Arc<Order>,
}

/// Memberships of one entitlement that change in one call. No account is in it twice.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) entitlement: EntitlementId,
    pub(super) parts: Vec<Part>,
}

impl Change {
    /// The change as a connector takes it.
    pub(super) fn holders(&self) -> HolderChange {
        let those = |direction| {
            self.parts
                .iter()
                .filter(|p| p.direction == direction)
                .map(|p| p.account.clone())
                .collect()
        };
        HolderChange {
            add: those(Direction::Give),
            remove: those(Direction::Take),
        }
    }

    /// One result for each part, in their order, also for those that the target's answer left out.
    pub(super) fn results(
        &self,
        answer: &Result<HolderResults, ConnectorError>,
    ) -> Vec<Result<(), ConnectorError>> {
        let answer = match answer {
            Ok(results) => results,
            Err(error) => return vec![Err(error.clone()); self.parts.len()],
        };
        let by_account: BTreeMap<&AccountId, &Result<(), ConnectorError>> = answer
            .iter()
            .map(|(account, result)| (account, result))
            .collect();
        self.parts
            .iter()
            .map(|part| match by_account.get(&part.account) {
                Some(result) => (*result).clone(),
                None => Err(ConnectorError::new(
                    ErrorKind::OutcomeUnknown,
                    format!(
                        "the answer about entitlement {} says nothing of account {}",
                        part.name, part.account
                    ),
                )),
            })
            .collect()
    }
}

/// An order whose parts have all ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) order: Arc<Order>,
    /// What it brought about; `None` where it was given up before anything was sent.
    pub(super) effect: Option<Effect>,
}

/// How far one order has come.
#[derive(Debug)]
pub(super) struct Progress<Group> {
    pub(super) order: Arc<Order>,
    pub(super) place: Place,
    /// Parts that wait, and where.
    pub(super) unsent: BTreeMap<EntitlementName, Group>,
    /// Parts that are in flight.
    pub(super) sent: usize,
    /// Whether parts that come back may wait again.
    pub(super) wanted: bool,
    results: BTreeMap<EntitlementName, Result<(), ConnectorError>>,
}

impl<Group> Progress<Group> {
    pub(super) fn new(order: Arc<Order>, place: Place) -> Self {
        Self {
            order,
            place,
            unsent: BTreeMap::new(),
            sent: 0,
            wanted: true,
            results: BTreeMap::new(),
        }
    }

    pub(super) fn record(&mut self, name: EntitlementName, result: Result<(), ConnectorError>) {
        self.results.insert(name, result);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.unsent.is_empty() && self.sent == 0
    }

    /// Ends it. Entitlements that were made on the way, and that nobody was told of, go with the
    /// first order that ends and has to do with them.
    pub(super) fn finish(
        self,
        untold: &mut BTreeMap<EntitlementName, ObservedEntitlement>,
    ) -> Finished {
        let given_up = self.results.is_empty() && !self.wanted;
        let created = self
            .results
            .keys()
            .filter_map(|name| untold.remove(name))
            .collect();
        Finished {
            order: self.order,
            effect: (!given_up).then_some(Effect::Entitlements {
                results: self.results,
                created,
            }),
        }
    }
}
