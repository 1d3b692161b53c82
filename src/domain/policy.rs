//! The compiled policy of one namespace: every role template and connector, checked once.
//!
//! A broken template or connector stays in the policy as broken. It never reads as "nobody holds
//! this": people keep what they have until it is mended.

mod change;
mod flaws;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::cel::{CelError, Expression, ResultKind};
use super::guard::GuardPolicy;
use super::ids::{AttributeName, ConnectorName, EntitlementName, RoleName};
use super::limits::{LimitSpec, Limits};
use super::offboarding::LeaverPolicy;
use super::orphans::OrphanPolicy;
use super::patterns::Patterns;
use super::preparation::Preboarding;
use super::problem::Problem;
use super::usernames::{Renaming, Rules};

pub use change::PolicyChange;

/// A role template as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateSpec {
    /// Its name.
    pub name: RoleName,
    /// Who holds it, beside those who name it.
    pub match_: Option<String>,
    /// Roles that its holders receive as well.
    pub includes: Vec<RoleName>,
    /// Roles that nobody may hold beside it.
    pub conflicts: BTreeSet<RoleName>,
    /// What its holders receive.
    pub grants: BTreeMap<ConnectorName, BTreeSet<EntitlementName>>,
    /// How many days before their first one they receive it; as the connector says where unset.
    pub days_before_start: Option<u16>,
    /// How long they keep it after the role is lost, while they work.
    pub grace: SignedDuration,
}

/// A connector's account mapping as written, and how it is to be treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorSpec {
    /// Its name.
    pub name: ConnectorName,
    /// CEL expressions for user names, in order of preference.
    pub usernames: Vec<String>,
    /// What a user name may look like.
    pub rules: Rules,
    /// Whether a user name follows the facts that it is made of.
    pub renaming: Renaming,
    /// CEL expressions for attributes.
    pub attributes: BTreeMap<AttributeName, String>,
    /// The attribute that follows the manager, where one does.
    pub manager: Option<AttributeName>,
    /// Why no account may be made there, nor taken over; those that are there are looked after as ever.
    pub no_accounts: Option<Problem>,
    /// Which of a person's accounts these are, where they have several in one target.
    pub purpose: Option<String>,
    /// How accounts that are there already are found to be somebody's.
    pub matching: MatchingSpec,
    /// When accounts are made, and how they are until the first day.
    pub preboarding: Preboarding,
    /// Whether accounts can be used by those who are on leave.
    pub usable_on_leave: bool,
    /// What is done with the accounts of those who left.
    pub leaver: LeaverPolicy,
    /// Whether missing entitlements are made.
    pub create_entitlements: bool,
    /// Who may hold entitlements, and how many.
    pub limits: Vec<LimitSpec>,
    /// User name of the account that the connector itself is known by, which no plan may change.
    pub own_account: Option<String>,
    /// Patterns of user names of accounts that no plan may change.
    pub protected_accounts: Vec<String>,
    /// Patterns of names of entitlements that no plan may change.
    pub protected_entitlements: Vec<String>,
    /// What is to become of accounts that are nobody's.
    pub orphans: OrphanPolicy,
    /// Patterns of names of entitlements of which memberships that no role gives are taken away.
    pub authoritative: Vec<String>,
    /// How long removals wait for the same person's additions, at most.
    pub hold: SignedDuration,
    /// How much may be taken away before somebody has to approve it.
    pub guard: GuardPolicy,
    /// Whether the target is only read.
    pub dry_run: bool,
    /// Faults that were found in the spec before it came here.
    pub faults: Vec<Problem>,
}

/// How accounts that are there already are found to be somebody's, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchingSpec {
    /// Attributes and the CEL expressions that they are compared with, in order. `None` is the user name.
    pub rules: Vec<(Option<AttributeName>, String)>,
    /// Whether such an account may be taken over.
    pub adopt: Adopt,
    /// Patterns of user names that may be, where that has to be listed.
    pub listed: Vec<String>,
}

/// Whether an account that bears nobody's mark may be taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adopt {
    /// Never.
    #[default]
    Never,
    /// Where exactly one fits exactly one person.
    WhenUnique,
    /// The same, where its user name is listed.
    WhenListed,
}

/// A role template, compiled.
#[derive(Debug)]
pub struct Template {
    /// As written.
    pub spec: TemplateSpec,
    /// The compiled `match`, where there is one and it is sound.
    pub rule: Option<Expression>,
    /// What is wrong with the template by itself. Empty when it can be used.
    pub faults: Vec<Problem>,
}

/// A connector, compiled.
#[derive(Debug)]
pub struct Connector {
    /// As written.
    pub spec: ConnectorSpec,
    /// Compiled user name expressions.
    pub usernames: Vec<Expression>,
    /// Compiled attribute expressions.
    pub attributes: BTreeMap<AttributeName, Expression>,
    /// Compiled rules that tell whose an account is.
    pub matching: Vec<(Option<AttributeName>, Expression)>,
    /// User names of accounts that may be taken over, where that has to be listed.
    pub adoptable: Patterns,
    /// Who may hold entitlements, and how many.
    pub limits: Limits,
    /// User names of accounts that no plan may change.
    pub protected_accounts: Patterns,
    /// Names of entitlements that no plan may change.
    pub protected_entitlements: Patterns,
    /// Names of entitlements of which few may be lost at once.
    pub privileged: Patterns,
    /// Names of entitlements of which memberships that no role gives are taken away.
    pub authoritative: Patterns,
    /// What is wrong with it. Empty when it can be used.
    pub faults: Vec<Problem>,
}

impl Template {
    /// Compiles a template. Faults are kept in it rather than returned, so that it stays known.
    #[must_use]
    pub fn compile(spec: TemplateSpec) -> Self {
        let mut faults = Vec::new();
        let rule = spec.match_.as_deref().and_then(|source| {
            Expression::compile(source, ResultKind::Bool)
                .map_err(|error| faults.push(fault("spec.match", &error)))
                .ok()
        });
        Self { spec, rule, faults }
    }
}

impl Connector {
    /// Compiles a connector. Faults are kept in it rather than returned, so that it stays known.
    #[must_use]
    pub fn compile(spec: ConnectorSpec) -> Self {
        let mut faults = spec.faults.clone();
        let mut compile = |field: String, source: &str, wants: ResultKind| {
            Expression::compile(source, wants)
                .map_err(|error| faults.push(fault(&field, &error)))
                .ok()
        };
        let usernames = spec
            .usernames
            .iter()
            .enumerate()
            .filter_map(|(i, source)| {
                compile(
                    format!("spec.account.username[{i}]"),
                    source,
                    ResultKind::Text,
                )
            })
            .collect();
        let attributes = spec
            .attributes
            .iter()
            .filter_map(|(name, source)| {
                let field = format!("spec.account.attributes[{name}]");
                compile(field, source, ResultKind::Attribute).map(|e| (name.clone(), e))
            })
            .collect();
        let rules = spec.matching.rules.iter().enumerate();
        let matching = rules
            .filter_map(|(i, (attribute, source))| {
                let field = format!("spec.matching.rules[{i}].equals");
                compile(field, source, ResultKind::Text).map(|e| (attribute.clone(), e))
            })
            .collect();
        let listed = spec.matching.listed.iter().map(String::as_str);
        let accounts = spec.protected_accounts.iter().map(String::as_str);
        let entitlements = spec.protected_entitlements.iter().map(String::as_str);
        let privileged = spec.guard.privileged.iter().map(String::as_str);
        let authoritative = spec.authoritative.iter().map(String::as_str);
        Self {
            matching,
            adoptable: Patterns::new(listed, []),
            limits: Limits::new(&spec.limits),
            protected_accounts: Patterns::new(accounts, spec.own_account.as_deref()),
            protected_entitlements: Patterns::new(entitlements, []),
            privileged: Patterns::new(privileged, []),
            authoritative: Patterns::new(authoritative, []),
            spec,
            usernames,
            attributes,
            faults,
        }
    }
}

fn fault(field: &str, error: &CelError) -> Problem {
    Problem::edit(error.reason.as_str(), format!("{field}: {error}"))
}

/// Every role template and connector of a namespace, immutable.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    templates: BTreeMap<RoleName, Arc<Template>>,
    connectors: BTreeMap<ConnectorName, Arc<Connector>>,
    /// What makes a template one that nobody could hold, by how it goes with others.
    flaws: BTreeMap<RoleName, Problem>,
    has_conflicts: bool,
    counts_holders: bool,
    gone: Gone,
}

/// Since when connectors are gone.
#[derive(Clone, Debug)]
pub struct Gone {
    /// Of those that were seen.
    pub since: BTreeMap<ConnectorName, Timestamp>,
    /// Of all others.
    pub others: Timestamp,
}

impl Default for Gone {
    fn default() -> Self {
        Self {
            since: BTreeMap::new(),
            others: Timestamp::MIN,
        }
    }
}

impl Policy {
    /// Puts compiled parts together, and looks for what can't go together.
    #[must_use]
    pub fn new(
        templates: impl IntoIterator<Item = Arc<Template>>,
        connectors: impl IntoIterator<Item = Arc<Connector>>,
    ) -> Self {
        let templates: BTreeMap<_, _> = templates
            .into_iter()
            .map(|t| (t.spec.name.clone(), t))
            .collect();
        let flaws = templates
            .keys()
            .filter_map(|name| flaws::of(&templates, name).map(|p| (name.clone(), p)))
            .collect();
        let connectors: BTreeMap<_, _> = connectors
            .into_iter()
            .map(|c| (c.spec.name.clone(), c))
            .collect();
        Self {
            has_conflicts: templates.values().any(|t| !t.spec.conflicts.is_empty()),
            counts_holders: connectors.values().any(|c| c.limits.counts_holders()),
            templates,
            connectors,
            flaws,
            gone: Gone::default(),
        }
    }

    /// The same, where it is known since when connectors are gone.
    #[must_use]
    pub fn without(self, gone: Gone) -> Self {
        Self { gone, ..self }
    }

    /// Since when a connector is gone that is not part of it: long ago, where that is not known.
    #[must_use]
    pub fn gone_since(&self, name: &ConnectorName) -> Timestamp {
        let known = self.gone.since.get(name);
        known.copied().unwrap_or(self.gone.others)
    }

    /// A template by name.
    #[must_use]
    pub fn template(&self, name: &RoleName) -> Option<&Template> {
        self.templates.get(name).map(Arc::as_ref)
    }

    /// A connector by name.
    #[must_use]
    pub fn connector(&self, name: &ConnectorName) -> Option<&Connector> {
        self.connectors.get(name).map(Arc::as_ref)
    }

    /// Every template, by name.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.values().map(Arc::as_ref)
    }

    /// Every connector, by name.
    pub fn connectors(&self) -> impl Iterator<Item = &Connector> {
        self.connectors.values().map(Arc::as_ref)
    }

    /// Whether there are roles of which nobody may hold both.
    #[must_use]
    pub fn has_conflicts(&self) -> bool {
        self.has_conflicts
    }

    /// Whether there are entitlements that only so many may hold.
    #[must_use]
    pub fn counts_holders(&self) -> bool {
        self.counts_holders
    }

    /// Whether nobody may hold both of two roles: one of them says so.
    #[must_use]
    pub fn conflict(&self, one: &RoleName, other: &RoleName) -> bool {
        let says = |one: &RoleName, other: &RoleName| {
            let template = self.template(one);
            template.is_some_and(|t| t.spec.conflicts.contains(other))
        };
        says(one, other) || says(other, one)
    }

    /// What is wrong with a template: faults of its own, a cycle it is part of, and includes, conflicts and
    /// connectors that do not exist.
    #[must_use]
    pub fn template_problems(&self, name: &RoleName) -> Vec<Problem> {
        let Some(template) = self.template(name) else {
            return Vec::new();
        };
        let spec = &template.spec;
        let includes = spec.includes.iter().map(|role| ("includes", role));
        let conflicts = spec.conflicts.iter().map(|role| ("conflictsWith", role));
        let missing_roles = includes
            .chain(conflicts)
            .filter(|(_, role)| self.template(role).is_none())
            .map(|(field, role)| {
                Problem::waiting(
                    "RoleMissing",
                    format!("spec.{field} names the RoleTemplate {role}, which does not exist (yet): create it, or take the name out"),
                )
            });
        let missing_connectors = template
            .spec
            .grants
            .keys()
            .filter(|connector| self.connector(connector).is_none())
            .map(|connector| {
                Problem::waiting(
                    "ConnectorMissing",
                    format!("spec.grants names the AppConnector {connector}, which does not exist (yet): create it, or take the grant out"),
                )
            });
        template
            .faults
            .iter()
            .cloned()
            .chain(self.flaws.get(name).cloned())
            .chain(missing_roles)
            .chain(missing_connectors)
            .collect()
    }

    /// Whether the template can say who holds it: it compiles, and goes together with the others.
    #[must_use]
    pub fn is_sound(&self, name: &RoleName) -> bool {
        self.template(name).is_some_and(|t| t.faults.is_empty()) && !self.flaws.contains_key(name)
    }
}

#[cfg(test)]
mod tests;
