//! The checked facts of one person: what the rest of the pure core reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ids::{AccountId, ConnectorName, EmployeeId, EmployeeName, RoleName, Username};
use super::term::Term;

/// Whether a person works at present, apart from dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Employment {
    /// Works.
    Active,
    /// On leave.
    OnLeave,
    /// Suspended.
    Suspended,
}

/// One person's employment facts, checked: every date is a date and the zone exists. Texts that many
/// people have in common can be shared between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// HR's identifier.
    pub employee_id: EmployeeId,
    /// Name of the Employee object.
    pub object: EmployeeName,
    /// Given name.
    pub given: Box<str>,
    /// Family name, empty when unset.
    pub family: Box<str>,
    /// Full name as shown; given and family name when unset.
    pub display: Box<str>,
    /// Preferred name, empty when unset.
    pub preferred: Box<str>,
    /// Work e-mail, empty when unset.
    pub email: Box<str>,
    /// Private e-mail, empty when unset.
    pub personal_email: Box<str>,
    /// Kind of employment.
    pub kind: Arc<str>,
    /// Department.
    pub department: Arc<str>,
    /// Job title.
    pub job_title: Arc<str>,
    /// Place of work, empty when unset.
    pub location: Arc<str>,
    /// Cost center, empty when unset.
    pub cost_center: Arc<str>,
    /// The manager's Employee object.
    pub manager: Option<EmployeeName>,
    /// First day.
    pub start: Date,
    /// Last day, inclusive.
    pub end: Option<Date>,
    /// Zone in which days begin and end.
    pub zone: TimeZone,
    /// Name of that zone, as declared; `UTC` when unset.
    pub zone_name: Arc<str>,
    /// Whether the person works at present.
    pub employment: Employment,
    /// Roles held regardless of `match`, in declared order.
    pub roles: Box<[RoleName]>,
    /// On which terms, where any are said of one.
    pub terms: Box<[Term]>,
    /// Free facts.
    pub attributes: BTreeMap<String, String>,
    /// What is said by hand of the person's accounts.
    pub links: Box<[Link]>,
    /// People who left and who this person is not, although they may look alike.
    pub not_formerly: Box<[EmployeeId]>,
    /// Why nothing of the person's may be deleted, where that is so.
    pub legal_hold: Option<Box<str>>,
}

/// What is said by hand of a person's account in one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where.
    pub connector: ConnectorName,
    /// User name or identifier of the person's account.
    pub account: Option<Box<str>>,
    /// User names or identifiers of accounts that are not theirs.
    pub not: Box<[Box<str>]>,
}

impl Link {
    /// Whether an account is said to be somebody else's.
    #[must_use]
    pub fn disowns(&self, id: Option<&AccountId>, username: Option<&Username>) -> bool {
        let is = |said: &str| {
            id.is_some_and(|id| id.as_str() == said)
                || username.is_some_and(|name| *name == Username::new(said))
        };
        self.not.iter().any(|said| is(said))
    }
}

impl Facts {
    /// What is said by hand of the account in one application.
    #[must_use]
    pub fn link(&self, connector: &ConnectorName) -> Option<&Link> {
        self.links.iter().find(|link| link.connector == *connector)
    }
}
