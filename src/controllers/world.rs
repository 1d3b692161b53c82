//! Everything the controllers know, in one place and owned by one task: no locks, and one order of
//! events.

mod connector;
mod followed;
mod home;
mod orphan_work;
mod request;
mod tracked;
mod unsettled;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use litemap::LiteMap;

use super::first_seen::FirstSeen;
use super::names::{AllNames, TargetKey};
use super::words::Words;
use crate::api::{EmployeeStatus, RoleTemplateStatus};
use crate::connectors::ConnectorError;
use crate::controllers::namesakes::Namesakes;
use crate::controllers::places::AllPlaces;
use crate::controllers::rivals::Rivals;
use crate::domain::account::ObservedAccount;
use crate::domain::facts::Facts;
use crate::domain::guard::Limits;
use crate::domain::ids::{
    AccountId, ConnectorName, EmployeeId, EmployeeName, EntitlementName, RoleName,
};
use crate::domain::lifecycle;
use crate::domain::mark::Scope;
use crate::domain::policy::{self, Gone, Policy};
use crate::domain::problem::Problem;
use crate::domain::record::Record;
use crate::domain::small_set::SmallSet;
use crate::plan::guard::{Approval, Gate};
use crate::plan::{AccountPlan, Lane, Operation};
use crate::runtime::metrics::EmployeeCount;
use crate::runtime::secrets::SecretView;

pub use connector::{ConnectorEntry, Running};
pub use followed::{Followed, Holders};
pub use home::{Home, Moved, Settled};
pub use orphan_work::{OrphanMatter, OrphanWork};
pub use request::{Asked, Request};
pub use tracked::{Status, Tracked};
pub use unsettled::{Matters, Submitted, Unsettled};

/// What is kept of an object's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Its UID: an object of the same name made anew is another object.
    pub uid: Box<str>,
    /// Generation of its spec.
    pub generation: i64,
    /// Its version, for telling our own writes from others'.
    pub resource_version: Box<str>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Finalizers on it.
    pub finalizers: Vec<String>,
    /// Whether it is paused by its annotation.
    pub paused: bool,
    /// What its annotation asks for: a look now, where the text is a new one.
    pub requested: Option<Box<str>>,
    /// Removals that somebody approves, by an annotation.
    pub approved: Option<Box<Approval>>,
    /// The application that somebody confirms to be meant, by an annotation.
    pub confirmed: Option<Box<str>>,
}

/// All namespaces that are watched.
#[derive(Debug)]
pub struct World {
    /// Configured name that survives the rebuilding of a cluster.
    pub installation: String,
    /// Whether nothing is written to any application.
    pub paused: bool,
    /// One realm a namespace.
    pub realms: BTreeMap<Arc<str>, Realm>,
    /// How many people may lose something, in all applications together.
    pub limits: Limits,
    /// User names, by target.
    pub names: AllNames,
    /// Texts that people have in common.
    pub words: Words,
}

impl World {
    /// A world of which nothing is known yet.
    #[must_use]
    pub fn new(installation: String, paused: bool, limits: Limits) -> Self {
        Self {
            installation,
            paused,
            realms: BTreeMap::new(),
            limits,
            names: AllNames::default(),
            words: Words::default(),
        }
    }

    /// A person by namespace and object name.
    #[must_use]
    pub fn person(&self, namespace: &Arc<str>, name: &EmployeeName) -> Option<&Person> {
        self.realms
            .get(namespace)?
            .people
            .get(name)
            .map(Box::as_ref)
    }

    /// The same, to be changed.
    pub fn person_mut(&mut self, namespace: &Arc<str>, name: &EmployeeName) -> Option<&mut Person> {
        let realm = self.realms.get_mut(namespace)?;
        realm.people.get_mut(name).map(Box::as_mut)
    }

    /// A role template by namespace and name, to be changed.
    pub fn template_mut(
        &mut self,
        namespace: &Arc<str>,
        name: &RoleName,
    ) -> Option<&mut TemplateEntry> {
        self.realms.get_mut(namespace)?.templates.get_mut(name)
    }

    /// A connector by namespace and name.
    #[must_use]
    pub fn connector(&self, namespace: &Arc<str>, name: &ConnectorName) -> Option<&ConnectorEntry> {
        self.realms.get(namespace)?.connectors.get(name)
    }

    /// The same, to be changed.
    pub fn connector_mut(
        &mut self,
        namespace: &Arc<str>,
        name: &ConnectorName,
    ) -> Option<&mut ConnectorEntry> {
        self.realms.get_mut(namespace)?.connectors.get_mut(name)
    }
}

/// One namespace.
#[derive(Debug)]
pub struct Realm {
    /// Its name.
    pub namespace: Arc<str>,
    /// Whether the whole operator is paused.
    pub paused: bool,
    /// Whose mark is ours in it.
    pub scope: Scope,
    /// Employees by object name.
    pub people: BTreeMap<EmployeeName, Box<Person>>,
    /// Object names by `employeeId`; more than one is a mistake that is reported.
    pub by_id: BTreeMap<EmployeeId, SmallSet<EmployeeName>>,
    /// Where a write was under way for an `employeeId` of which no object is left. Whoever comes with
    /// that id is looked for there before anything is made.
    pub left_in_doubt: BTreeMap<EmployeeId, BTreeSet<ConnectorName>>,
    /// Who reports to whom, for manager attributes.
    pub reports: BTreeMap<EmployeeName, BTreeSet<EmployeeName>>,
    /// Role templates by name.
    pub templates: BTreeMap<RoleName, TemplateEntry>,
    /// Connectors by name.
    pub connectors: BTreeMap<ConnectorName, ConnectorEntry>,
    /// Since when connectors are gone.
    pub gone: Gone,
    /// What connectors that are gone let through: it counts to the end, also where one is made anew.
    pub former: BTreeMap<ConnectorName, Gate>,
    /// Connectors of which an earlier run is still ending, perhaps that of an object that is gone by
    /// now: its last writes must be over before the next run begins.
    pub stopping: BTreeSet<ConnectorName>,
    /// Labelled Secrets by name.
    pub secrets: BTreeMap<String, SecretView>,
    /// The compiled policy.
    pub policy: Arc<Policy>,
    /// Who else an account may be.
    pub rivals: Rivals,
    /// Who looks like whom.
    pub namesakes: Namesakes,
    /// Who has which place.
    pub places: AllPlaces,
    /// Since when undecided removals are gathered, where they are.
    pub gathering_since: Option<Timestamp>,
}

impl Realm {
    /// A namespace of which nothing is known yet.
    #[must_use]
    pub fn new(installation: &str, namespace: &Arc<str>) -> Self {
        Self {
            namespace: Arc::clone(namespace),
            paused: false,
            scope: Scope::new(installation, namespace),
            people: BTreeMap::new(),
            by_id: BTreeMap::new(),
            left_in_doubt: BTreeMap::new(),
            reports: BTreeMap::new(),
            templates: BTreeMap::new(),
            connectors: BTreeMap::new(),
            gone: Gone::default(),
            former: BTreeMap::new(),
            stopping: BTreeSet::new(),
            secrets: BTreeMap::new(),
            policy: Arc::default(),
            rivals: Rivals::default(),
            namesakes: Namesakes::default(),
            places: AllPlaces::default(),
            gathering_since: None,
        }
    }

    /// Puts the policy together anew from its compiled parts. Answers the one before.
    pub fn rebuild_policy(&mut self) -> Arc<Policy> {
        let policy = Policy::new(
            self.templates.values().filter_map(|t| t.compiled.clone()),
            self.connectors.values().filter_map(|c| c.compiled.clone()),
        );
        let policy = Arc::new(policy.without(self.gone.clone()));
        std::mem::replace(&mut self.policy, policy)
    }

    /// The person whose `employeeId` it is: of several objects that claim one, the one with accounts,
    /// else the one made first.
    #[must_use]
    pub fn owner(&self, id: &EmployeeId) -> Option<&EmployeeName> {
        let claimants = self.by_id.get(id)?;
        claimants.iter().min_by_key(|name| {
            let person = self.people.get(*name);
            let has_account =
                person.is_some_and(|p| p.record.accounts.values().any(|a| a.id.is_some()));
            let created = person.and_then(|p| p.meta.created);
            (!has_account, created, (*name).clone())
        })
    }

    /// Whether it is said by hand that an account is not somebody's.
    #[must_use]
    pub fn disowns(
        &self,
        who: &EmployeeId,
        connector: &ConnectorName,
        account: &ObservedAccount,
    ) -> bool {
        let person = self.person_by_id(who);
        let facts = person.and_then(|person| person.facts.as_deref().ok());
        let link = facts.and_then(|facts| facts.link(connector));
        link.is_some_and(|link| link.disowns(Some(&account.id), Some(&account.username)))
    }

    /// The person who owns an `employeeId`.
    #[must_use]
    pub fn person_by_id(&self, id: &EmployeeId) -> Option<&Person> {
        self.people.get(self.owner(id)?).map(Box::as_ref)
    }
}

/// One Employee object, and what is going on with it.
#[derive(Debug)]
pub struct Person {
    /// Of the object.
    pub meta: Meta,
    /// The checked facts, or why there are none.
    pub facts: Result<Arc<Facts>, Problem>,
    /// `employeeId` as written, also where the facts are unusable.
    pub employee_id: EmployeeId,
    /// What we remember; from status at first, kept here from then on.
    pub record: Record,
    /// Its status.
    pub status: Tracked<EmployeeStatus>,
    /// What is under way, or was not as it should be.
    pub unsettled: Unsettled,
    /// When a status is to tell of work that is going on and that none tells of yet.
    pub tell_at: Option<Timestamp>,
    /// What other objects' statuses need to know of the last look.
    pub outlook: Outlook,
    /// A look that somebody asks for.
    pub request: Request,
}

impl Person {
    /// A person whom nothing has been done for since the start.
    #[must_use]
    pub fn new(
        meta: Meta,
        facts: Result<Arc<Facts>, Problem>,
        employee_id: EmployeeId,
        record: Record,
        status: &EmployeeStatus,
    ) -> Self {
        let handled = status.last_handled_reconcile_at.as_deref();
        Self {
            request: Request::after(handled),
            meta,
            facts,
            employee_id,
            record,
            status: Tracked::new(status),
            unsettled: Unsettled::default(),
            tell_at: None,
            outlook: Outlook::default(),
        }
    }

    /// What was refused is tried again at once, and nothing is taken for granted of what the targets
    /// made of our writes.
    pub fn try_again(&mut self) {
        let Some(matters) = self.unsettled.there() else {
            return;
        };
        matters.failures.clear();
        matters.normalised.clear();
        matters.renamed.clear();
        matters.name_taken.clear();
        matters.accepted.clear();
    }

    /// Whether access must end ahead of everything else: by the stage, or as the object is being deleted.
    #[must_use]
    pub fn must_be_out(&self, now: Timestamp) -> bool {
        let ends = |facts: &Arc<Facts>| lifecycle::at(facts, None, now).stage.is_urgent_end();
        self.meta.deleting || self.facts.as_ref().is_ok_and(ends)
    }

    /// How urgent a look at the person is, by what is known without one.
    #[must_use]
    pub fn lane(&self, now: Timestamp) -> Lane {
        if self.must_be_out(now) {
            Lane::Leaver
        } else if self.record.has_history() {
            Lane::Mover
        } else {
            Lane::Joiner
        }
    }

    /// What a connector's target was seen to make of our writes says nothing of another target.
    pub fn forget_target(&mut self, connector: &ConnectorName) {
        let Some(matters) = self.unsettled.there() else {
            return;
        };
        matters.normalised.remove(connector);
        matters.renamed.remove(connector);
        matters.accepted.retain(|key| key.connector != *connector);
    }

    /// The failure that keeps a step of an account waiting, the one that is tried again first.
    #[must_use]
    pub fn failing(
        &self,
        connector: &ConnectorName,
        account: &AccountPlan,
        now: Timestamp,
    ) -> Option<&Failure> {
        self.unsettled
            .failures
            .iter()
            .filter(|(key, failure)| key.connector == *connector && failure.retry_at > now)
            .filter(|(key, _)| {
                let mut steps = account.steps.iter().map(|step| &step.operation);
                steps.any(|o| o.verb() == key.verb && o.concerns(key.entitlement.as_ref()))
            })
            .map(|(_, failure)| failure)
            .min_by_key(|failure| failure.retry_at)
    }
}

/// What the statuses of role templates and connectors need to know of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// How the person is counted in metrics.
    pub count: Option<EmployeeCount>,
    /// Roles held, and whether everything each gives is there.
    pub roles: LiteMap<RoleName, Provisioning>,
    /// Of few people there is more, and nobody needs the room for it who has nothing.
    unusual: Option<Box<Unusual>>,
}

/// What others need to know of a person with whom not everything is as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unusual {
    /// Entitlements held that nothing justifies.
    pub rogue: BTreeMap<ConnectorName, BTreeSet<EntitlementName>>,
    /// Where an account is active that nothing justifies.
    pub open: BTreeSet<ConnectorName>,
    /// What is planned and not done, in a connector that is only read, or that is paused.
    pub dry_run: BTreeMap<ConnectorName, Vec<Operation>>,
}

static NOTHING_UNUSUAL: Unusual = Unusual {
    rogue: BTreeMap::new(),
    open: BTreeSet::new(),
    dry_run: BTreeMap::new(),
};

impl Outlook {
    /// What the last look told.
    #[must_use]
    pub fn new(
        count: EmployeeCount,
        roles: LiteMap<RoleName, Provisioning>,
        unusual: Unusual,
    ) -> Self {
        Self {
            count: Some(count),
            roles,
            unusual: Some(Box::new(unusual)).filter(|unusual| **unusual != NOTHING_UNUSUAL),
        }
    }

    /// What is not as it should be.
    #[must_use]
    pub fn unusual(&self) -> &Unusual {
        self.unusual.as_deref().unwrap_or(&NOTHING_UNUSUAL)
    }

    /// How many credentials in a connector are active that nothing justifies.
    #[must_use]
    pub fn unjustified(&self, connector: &ConnectorName) -> usize {
        let unusual = self.unusual();
        let entitlements = unusual.rogue.get(connector).map_or(0, BTreeSet::len);
        entitlements + usize::from(unusual.open.contains(connector))
    }
}

/// How far one role of one person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioning {
    /// Everything is there.
    Done,
    /// Something is on its way, or waited for.
    Underway,
    /// Something failed.
    Failed,
}

/// What failed: a verb, and the entitlement where there is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureKey {
    /// Where.
    pub connector: ConnectorName,
    /// Verb of the operation.
    pub verb: &'static str,
    /// Which entitlement.
    pub entitlement: Option<EntitlementName>,
}

/// Creates that were refused because something is taken: the user name, or a value such as the mail
/// address that the application wants to be unique as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the application said last.
    pub error: ConnectorError,
    /// Whether a direct read has to tell yet if somebody has the name.
    pub undecided: bool,
    /// How often nobody was seen to have the name.
    pub unexplained: u32,
}

/// A failure, and when it is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Stable reason in PascalCase.
    pub reason: &'static str,
    /// For a person.
    pub message: String,
    /// How often in a row.
    pub attempts: u32,
    /// When it is tried again.
    pub retry_at: Timestamp,
}

/// One RoleTemplate object.
#[derive(Debug)]
pub struct TemplateEntry {
    /// Of the object.
    pub meta: Meta,
    /// Compiled; `None` where the object can't even be read.
    pub compiled: Option<Arc<policy::Template>>,
    /// Why the object can't be read.
    pub unreadable: Option<Problem>,
    /// Its status.
    pub status: Tracked<RoleTemplateStatus>,
    /// Since when accounts hold what it gives without a grant.
    pub rogue: FirstSeen<RogueKey>,
    /// A look that somebody asks for.
    pub request: Request,
}

/// An entitlement that an account holds without a grant.
pub type RogueKey = (ConnectorName, EntitlementName, AccountId);
