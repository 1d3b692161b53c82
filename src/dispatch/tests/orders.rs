//! Orders to test with.

use crate::connectors::{ConnectorError, ErrorKind};
use crate::dispatch::Order;
use crate::domain::account::{Activity, AttributeChanges, Attributes, NewAccount, ObservedAccount};
use crate::domain::ids::{AccountId, EmployeeId, Username};
use crate::domain::mark::Scope;
use crate::plan::operation::{EntitlementTarget, Lane, Operation, ReadKey};

pub(super) fn employee(n: usize) -> EmployeeId {
    EmployeeId::new(format!("e{n}"))
}

pub(super) fn account(n: usize) -> AccountId {
    AccountId::new(format!("a{n}"))
}

pub(super) fn order(n: usize, lane: Lane, operation: Operation) -> Order {
    Order {
        employee: employee(n),
        lane,
        operation,
        revision: 1,
        cause: format!("cause {n}"),
        knows: u64::MAX,
    }
}

pub(super) fn create(n: usize) -> Operation {
    Operation::Create(NewAccount {
        username: Username::new(format!("a{n}")),
        mark: Scope::new("test", "people").mark(&employee(n)),
        active: true,
        first_used: None,
        attributes: [(
            "title".into(),
            crate::domain::account::AttributeValue::Text("secret title".into()),
        )]
        .into_iter()
        .collect(),
    })
}

pub(super) fn update(n: usize) -> Operation {
    Operation::Update {
        gives_back: false,
        id: account(n),
        changes: AttributeChanges {
            username: None,
            set: [(
                "title".into(),
                crate::domain::account::AttributeValue::Text("secret title".into()),
            )]
            .into_iter()
            .collect(),
            clear: ["phone".into()].into(),
        },
    }
}

pub(super) fn disable(n: usize) -> Operation {
    Operation::Disable(account(n))
}

pub(super) fn read(n: usize) -> Operation {
    Operation::Read(ReadKey::Id(account(n)))
}

/// Gives entitlements that exist, with ids `g<n>` for names `group<n>`.
pub(super) fn add(n: usize, groups: impl IntoIterator<Item = usize>) -> Operation {
    Operation::AddEntitlements {
        id: account(n),
        entitlements: groups
            .into_iter()
            .map(|g| {
                let id = format!("g{g}").as_str().into();
                (
                    format!("group{g}").as_str().into(),
                    EntitlementTarget::Existing(id),
                )
            })
            .collect(),
    }
}

/// Gives entitlements that have to be made.
pub(super) fn add_new(n: usize, names: &[&str]) -> Operation {
    Operation::AddEntitlements {
        id: account(n),
        entitlements: names
            .iter()
            .map(|name| ((*name).into(), EntitlementTarget::ToBeCreated))
            .collect(),
    }
}

/// Takes entitlements.
pub(super) fn remove(n: usize, groups: impl IntoIterator<Item = usize>) -> Operation {
    Operation::RemoveEntitlements {
        id: account(n),
        entitlements: groups
            .into_iter()
            .map(|g| {
                (
                    format!("group{g}").as_str().into(),
                    format!("g{g}").as_str().into(),
                )
            })
            .collect(),
    }
}

pub(super) fn observed(id: &str) -> ObservedAccount {
    ObservedAccount {
        id: id.into(),
        username: Username::new(id),
        mark: None,
        activity: Activity::Active,
        attributes: Attributes::new(),
        unfinished: false,
    }
}

pub(super) fn error(kind: ErrorKind) -> ConnectorError {
    ConnectorError::new(kind, format!("scripted {kind:?}"))
}
