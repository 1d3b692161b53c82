//! Segregation of duties inside an application: who may hold an entitlement, and how many.
//!
//! A limit gives nothing beyond it, and takes nothing away: who holds it already keeps it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::desired::Barred;
use super::ids::{ConnectorName, EntitlementName, RoleName};
use super::patterns::Patterns;
use super::problem::Problem;

/// A person is of a type that may not hold an entitlement.
pub const NOT_FOR_TYPE: &str = "EntitlementNotForType";
/// As many hold an entitlement as may.
pub const LIMIT_REACHED: &str = "EntitlementLimitReached";

/// A limit as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSpec {
    /// Pattern of names of entitlements.
    pub entitlement: String,
    /// How many may hold each of them.
    pub max_holders: Option<usize>,
    /// Types of employees who may; `None` is any.
    pub only_types: Option<BTreeSet<Arc<str>>>,
}

/// The limits of a connector, compiled.
#[derive(Debug, Default)]
pub struct Limits(Vec<(Patterns, LimitSpec)>);

impl Limits {
    /// Compiles limits.
    #[must_use]
    pub fn new(specs: &[LimitSpec]) -> Self {
        let compiled = specs.iter().map(|spec| {
            let patterns = Patterns::new([spec.entitlement.as_str()], []);
            (patterns, spec.clone())
        });
        Self(compiled.collect())
    }

    /// Whether holders of any entitlement are counted.
    #[must_use]
    pub fn counts_holders(&self) -> bool {
        self.0.iter().any(|(_, limit)| limit.max_holders.is_some())
    }

    /// How many may hold an entitlement, where that is limited.
    #[must_use]
    pub fn max_holders(&self, entitlement: &EntitlementName) -> Option<usize> {
        self.of(entitlement).filter_map(|l| l.max_holders).min()
    }

    /// Why somebody of a type is not given an entitlement, where that is so.
    #[must_use]
    pub fn bars(
        &self,
        connector: &ConnectorName,
        entitlement: &EntitlementName,
        roles: &BTreeSet<RoleName>,
        kind: &str,
    ) -> Option<Barred> {
        let types = self.of(entitlement).filter_map(|l| l.only_types.as_ref());
        let mut refusing = types.filter(|types| !types.contains(kind));
        let types = listed(refusing.next()?.iter());
        Some(Barred {
            roles: roles.clone(),
            problem: Problem::edit(
                NOT_FOR_TYPE,
                format!(
                    "{entitlement} in the AppConnector {connector} is for the type {types} alone (spec.entitlements.limits), and this person is of the type {kind}: it is not given, and stays only where it was given before that was so; correct spec.type, or see to it that the role does not reach this person: {}",
                    listed(roles.iter())
                ),
            ),
        })
    }

    fn of<'a>(&'a self, entitlement: &EntitlementName) -> impl Iterator<Item = &'a LimitSpec> {
        let name = entitlement.as_str();
        let covers = |(patterns, _): &&(Patterns, LimitSpec)| patterns.covers(name);
        self.0.iter().filter(covers).map(|(_, limit)| limit)
    }
}

/// As many hold an entitlement as may, or are about to.
#[must_use]
pub fn reached(
    connector: &ConnectorName,
    entitlement: &EntitlementName,
    max: usize,
    taken: usize,
) -> Problem {
    Problem::waiting(
        LIMIT_REACHED,
        format!(
            "at most {max} may hold {entitlement} in the AppConnector {connector} (spec.entitlements.limits), and {taken} do or are about to: it is given by itself once a place is free, the lowest employeeId first; take it from somebody who does not need it, or raise maxHolders"
        ),
    )
}

/// Nobody has counted yet.
#[must_use]
pub fn uncounted(connector: &ConnectorName, entitlement: &EntitlementName) -> Problem {
    Problem::waiting(
        "InProgress",
        format!("it is found out whether there is a place left in {entitlement} of {connector}"),
    )
}

/// Not every holder was seen, so that they can't be counted.
#[must_use]
pub fn uncountable(connector: &ConnectorName, entitlement: &EntitlementName) -> Problem {
    Problem::waiting(
        "EntitlementsUnreadable",
        format!(
            "the holders of {entitlement} in {connector} could not all be read, and it has a limit (spec.entitlements.limits): nobody is given it before they can be counted (see the status of that AppConnector)"
        ),
    )
}

fn listed(names: impl Iterator<Item = impl ToString>) -> String {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
