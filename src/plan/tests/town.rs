//! A model of a whole installation: people, policy, targets, and what is remembered. It carries plans
//! out step by step, as the controllers and dispatch do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::glance::Glance;
use super::target::{End, Fate, Target};
use crate::domain::account::ObservedAccount;
use crate::domain::adoption::Terms;
use crate::domain::desired::{Desired, desire};
use crate::domain::facts::Facts;
use crate::domain::fixtures;
use crate::domain::ids::{ConnectorName, EmployeeId, Username};
use crate::domain::mark::Scope;
use crate::domain::matching::Match;
use crate::domain::offboarding::Step as Offboarded;
use crate::domain::policy::{Connector, ConnectorSpec, Policy, Template, TemplateSpec};
use crate::domain::problem::Problem;
use crate::domain::record::Record;
use crate::domain::usernames::{self, Renaming};
use crate::domain::whose;
use crate::plan::operation::ReadKey;
use crate::plan::parts::Step;
use crate::plan::{Inputs, Observation, Operation, PersonPlan, plan};

pub(super) struct Town {
    pub(super) scope: Scope,
    pub(super) now: Timestamp,
    pub(super) people: BTreeMap<EmployeeId, Facts>,
    pub(super) records: BTreeMap<EmployeeId, Record>,
    pub(super) policy: Policy,
    pub(super) templates: BTreeMap<String, Arc<Template>>,
    pub(super) connectors: BTreeMap<String, Arc<Connector>>,
    pub(super) targets: BTreeMap<ConnectorName, Target>,
    /// Connectors that are paused.
    pub(super) held: BTreeSet<ConnectorName>,
    /// Verbs that a target refused; they wait until something happens.
    refused: BTreeSet<(EmployeeId, ConnectorName, &'static str)>,
    /// Whether inputs are gathered in the opposite order.
    pub(super) backwards: bool,
}

impl Town {
    pub(super) fn new(targets: &[(&str, &[&str])]) -> Self {
        let mut town = Self {
            scope: Scope::new("acme", "people"),
            now: fixtures::at("2026-06-15T12:00:00Z"),
            people: BTreeMap::new(),
            records: BTreeMap::new(),
            policy: Policy::default(),
            templates: BTreeMap::new(),
            connectors: BTreeMap::new(),
            targets: BTreeMap::new(),
            held: BTreeSet::new(),
            refused: BTreeSet::new(),
            backwards: false,
        };
        for (name, groups) in targets {
            town.targets
                .insert((*name).into(), Target::with_groups(groups));
            town.connect(fixtures::connector(name));
        }
        town
    }

    pub(super) fn hire(&mut self, facts: Facts) {
        let id = facts.employee_id.clone();
        self.people.insert(id.clone(), facts);
        self.records.entry(id).or_default();
    }

    pub(super) fn person(&mut self, id: &str) -> &mut Facts {
        self.people.get_mut(id).unwrap()
    }

    pub(super) fn record(&self, id: &str) -> &Record {
        &self.records[id]
    }

    pub(super) fn target(&mut self, name: &str) -> &mut Target {
        self.targets.get_mut(name).unwrap()
    }

    pub(super) fn teach(&mut self, spec: TemplateSpec) {
        self.templates
            .insert(spec.name.to_string(), Arc::new(Template::compile(spec)));
        self.rebuild();
    }

    pub(super) fn forget_template(&mut self, name: &str) {
        self.templates.remove(name);
        self.rebuild();
    }

    pub(super) fn connect(&mut self, spec: ConnectorSpec) {
        self.connectors
            .insert(spec.name.to_string(), Arc::new(Connector::compile(spec)));
        self.rebuild();
    }

    pub(super) fn is_only_read(&self, name: &ConnectorName) -> bool {
        let connector = self.policy.connector(name);
        self.held.contains(name) || connector.is_some_and(|c| c.spec.dry_run)
    }

    pub(super) fn disconnect(&mut self, name: &str) {
        self.connectors.remove(name);
        self.rebuild();
    }

    fn rebuild(&mut self) {
        let mut templates: Vec<_> = self.templates.values().cloned().collect();
        let mut connectors: Vec<_> = self.connectors.values().cloned().collect();
        if self.backwards {
            templates.reverse();
            connectors.reverse();
        }
        self.policy = Policy::new(templates, connectors);
    }

    /// Time passes, and every target is listed again.
    pub(super) fn pass(&mut self, hours: i64) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_hours(hours))
            .unwrap();
        self.list();
    }

    /// Every target is listed again, and what was refused is tried again.
    pub(super) fn list(&mut self) {
        self.refused.clear();
        for target in self.targets.values_mut() {
            target.list();
        }
    }

    /// The account of a person in a target, by its mark.
    pub(super) fn account(&self, target: &str, id: &str) -> Option<&ObservedAccount> {
        let mark = self.scope.mark(&id.into());
        self.targets[target]
            .accounts
            .values()
            .find(|a| a.mark.as_deref() == Some(mark.as_str()))
    }

    /// What is remembered of a person, but for what is said to be somebody else's.
    pub(super) fn remembered(&self, id: &EmployeeId) -> Record {
        let record = self.records[id].without_disowned(&self.people[id]);
        record.into_owned()
    }

    pub(super) fn desired(&self, id: &EmployeeId) -> Desired {
        let record = self.remembered(id);
        desire(&self.policy, &self.people[id], &record, self.now)
    }

    pub(super) fn observations(
        &mut self,
        id: &EmployeeId,
        desired: &Desired,
    ) -> BTreeMap<ConnectorName, Observation> {
        let mut names: Vec<ConnectorName> = self.targets.keys().cloned().collect();
        if self.backwards {
            names.reverse();
        }
        let mut out = BTreeMap::new();
        for name in names {
            let mark = self.scope.mark(id);
            let target = &self.targets[&name];
            let concerned = desired.accounts.contains_key(&name)
                || self.remembered(id).accounts.contains_key(&name)
                || target
                    .seen()
                    .any(|a| a.mark.as_deref() == Some(mark.as_str()))
                || (target.partial && desired.lifecycle.stage.is_urgent_end());
            if target.unreadable || !concerned || !self.connectors.contains_key(name.as_str()) {
                continue;
            }
            let observation = self.observe(id, &name, desired);
            out.insert(name, observation);
        }
        out
    }

    fn observe(&mut self, id: &EmployeeId, name: &ConnectorName, desired: &Desired) -> Observation {
        let record = self.remembered(id).accounts.get(name).cloned();
        let target = &self.targets[name];
        let connector = &self.connectors[name.as_str()];
        let sight = Glance {
            town: self,
            id,
            connector,
            target,
            linked: record.as_ref().and_then(|r| r.id.clone()),
        };
        let terms = Terms {
            scope: &self.scope,
            employee: id,
            connector,
            complete: !target.partial,
        };
        let person = whose::Person {
            stage: desired.lifecycle.stage,
            desired: desired.accounts.get(name),
            link: self.people[id].link(name),
        };
        let matched = whose::find(&terms, &person, &sight);
        let wanted = desired.accounts.get(name);
        let entitlements = wanted
            .iter()
            .flat_map(|d| d.entitlements.keys())
            .chain(record.iter().flat_map(|r| r.grants.keys()))
            .chain(
                target
                    .groups
                    .keys()
                    .filter(|e| connector.authoritative.covers(e.as_str())),
            )
            .map(|e| (e.clone(), target.view(e)))
            .collect();
        let (held, read_directly) = match &matched {
            Match::One(account) | Match::Adoptable(account) | Match::Disowned(account) => {
                (target.held(&account.id), target.read.contains(&account.id))
            }
            _ => (BTreeSet::new(), target.sought.contains(id)),
        };
        let accounts_complete = !target.partial;
        let in_doubt = target.in_doubt.contains(id);
        let sought = target.sought.contains(id);
        let successor = target.successor.clone();
        let username = match (&matched, record.and_then(|r| r.username)) {
            (Match::One(account) | Match::Adoptable(account), _) => Ok(account.username.clone()),
            (_, Some(recorded)) => Ok(recorded),
            _ if desired.lifecycle.stage.may_work() || wanted.is_some_and(|d| d.due.is_early()) => {
                self.allocate(id, name, desired)
            }
            _ => Err(Problem::waiting("NoUsername", "none is needed")),
        };
        let follows = self.follows(id, name, desired, &matched);
        Observation {
            matched,
            read_directly,
            accounts_complete,
            in_doubt,
            held: held.into_iter().collect(),
            entitlements,
            username,
            follows,
            manager: None,
            normalised: BTreeMap::new(),
            successor,
            sought,
            giving: false,
            unsure: BTreeSet::new(),
            full: BTreeMap::new(),
            renamed: None,
        }
    }

    /// What an account is to be called whose user name follows the facts.
    fn follows(
        &mut self,
        id: &EmployeeId,
        name: &ConnectorName,
        desired: &Desired,
        matched: &Match,
    ) -> Option<Result<Username, Problem>> {
        let spec = &self.connectors[name.as_str()].spec;
        let Match::One(account) = matched else {
            return None;
        };
        if spec.renaming == Renaming::Never || !desired.lifecycle.stage.may_work() {
            return None;
        }
        let recorded = self.records[id].accounts.get(name)?.username.clone()?;
        let candidates = &desired.accounts.get(name)?.usernames;
        let target = self.targets.get_mut(name).unwrap();
        let taken = |other: &Username| {
            target.allocated.get(other).is_some_and(|o| o != id)
                || target
                    .seen()
                    .any(|a| a.username == *other && a.id != account.id)
        };
        let found =
            usernames::follow(candidates, &spec.rules, &recorded, &account.username, taken)?;
        let found = found.map_err(|why| Problem::waiting("NoUsername", why.to_string()));
        if let Ok(name) = &found {
            target.allocated.insert(name.clone(), id.clone());
        }
        Some(found)
    }

    fn allocate(
        &mut self,
        id: &EmployeeId,
        name: &ConnectorName,
        desired: &Desired,
    ) -> Result<Username, Problem> {
        let target = self.targets.get_mut(name).unwrap();
        let candidates = desired
            .accounts
            .get(name)
            .map(|d| d.usernames.clone())
            .unwrap_or_default();
        let rules = &self.connectors[name.as_str()].spec.rules;
        let chosen = usernames::choose(&candidates, rules, |n| {
            target.refused.contains(n)
                || target.allocated.get(n).is_some_and(|o| o != id)
                || target.seen().any(|a| a.username == *n)
        })
        .map_err(|why| Problem::waiting("NoUsername", why.to_string()))?;
        target.allocated.insert(chosen.clone(), id.clone());
        Ok(chosen)
    }

    /// The plan of a person, and what it was made from.
    pub(super) fn look(&mut self, id: &str) -> Look {
        let id = EmployeeId::new(id);
        let desired = self.desired(&id);
        let observations = self.observations(&id, &desired);
        let record = self.remembered(&id);
        let plan = self.plan_with(&id, &desired, &record, &observations);
        Look {
            desired,
            observations,
            plan,
        }
    }

    pub(super) fn plan_with(
        &self,
        id: &EmployeeId,
        desired: &Desired,
        record: &Record,
        observations: &BTreeMap<ConnectorName, Observation>,
    ) -> PersonPlan {
        plan(&Inputs {
            employee: id,
            scope: &self.scope,
            policy: &self.policy,
            desired,
            record,
            observations,
            held: &self.held,
            asked_for: &BTreeSet::new(),
            now: self.now,
        })
    }

    /// Steps that would be sent now, one for each target.
    pub(super) fn next_steps(
        &self,
        id: &EmployeeId,
        plan: &PersonPlan,
    ) -> Vec<(ConnectorName, Step)> {
        let next = |name: &ConnectorName, steps: &[Step]| {
            self.policy.connector(name)?;
            let waits = |s: &&Step| {
                let key = (id.clone(), name.clone(), s.operation.verb());
                !self.refused.contains(&key)
            };
            let step = steps.iter().find(waits)?;
            let is_sent = !self.is_only_read(name) || !step.operation.is_write();
            is_sent.then(|| (name.clone(), step.clone()))
        };
        plan.accounts
            .iter()
            .filter_map(|(name, account)| next(name, &account.steps))
            .collect()
    }

    /// Carries out one step and takes its outcome in. Answers how it ended.
    pub(super) fn carry_out(&mut self, id: &EmployeeId, name: &ConnectorName, step: &Step) -> End {
        let target = self.targets.get_mut(name).unwrap();
        if let Operation::Read(key) = &step.operation {
            target.in_doubt.remove(id);
            let found = target.find(key);
            let mark = self.scope.mark(id);
            let ours = found
                .iter()
                .any(|f| target.accounts[f].mark.as_deref() == Some(mark.as_str()));
            if let ReadKey::Id(_) = key {
                if found.is_empty()
                    && let Some(account) = self.records.get_mut(id).unwrap().accounts.get_mut(name)
                {
                    account.id = None;
                }
            } else if !ours {
                target.sought.insert(id.clone());
                if let ReadKey::MarkOrUsername(_, Some(username)) = key
                    && !found.is_empty()
                {
                    target.allocated.remove(username);
                    target.refused.insert(username.clone());
                    let record = self.records.get_mut(id).unwrap();
                    if let Some(account) = record.accounts.get_mut(name) {
                        account.username = None;
                    }
                }
            }
            target.read.extend(found);
            return End::Done;
        }
        let end = match std::mem::take(&mut target.next_write) {
            Fate::Answered => target.write(&step.operation),
            Fate::RequestLost => {
                target.in_doubt.insert(id.clone());
                return End::Done;
            }
            Fate::AnswerLost => {
                let end = target.write(&step.operation);
                if let Operation::Create(new) = &step.operation
                    && end == End::Done
                {
                    // Nobody has told us of it, and no listing shows it yet.
                    let made = target
                        .accounts
                        .values()
                        .rfind(|a| a.username == new.username);
                    let made = made.unwrap().id.clone();
                    target.hidden.insert(made);
                    target.partial = true;
                }
                target.in_doubt.insert(id.clone());
                end
            }
        };
        match end {
            End::Taken => {
                target.in_doubt.insert(id.clone());
            }
            End::Refused => {
                self.refused
                    .insert((id.clone(), name.clone(), step.operation.verb()));
            }
            End::Done => {}
        }
        self.note_step(id, name, &step.operation, end);
        end
    }

    /// What the controllers remember of a step of offboarding.
    fn note_step(
        &mut self,
        id: &EmployeeId,
        name: &ConnectorName,
        operation: &Operation,
        end: End,
    ) {
        let account = self.records.get_mut(id).unwrap().accounts.get_mut(name);
        let offboarding = account.and_then(|account| account.offboarding.as_deref_mut());
        let (Some(offboarding), Some(step)) = (offboarding, operation.step()) else {
            return;
        };
        offboarding.tried(step);
        let done = matches!(step, Offboarded::Revoke(_) | Offboarded::TransferOwnership);
        if done && end == End::Done {
            offboarding.took(step, true, self.now, "done");
        }
    }

    /// Looks at a person and carries out the next steps, until none is left. Panics if that never is.
    pub(super) fn settle(&mut self, id: &str) {
        for _ in 0..40 {
            let look = self.look(id);
            let id = EmployeeId::new(id);
            let remembered = self.remembered(&id);
            self.records.insert(id.clone(), look.plan.record.clone());
            let steps = self.next_steps(&id, &look.plan);
            let looks_again =
                !look.desired.roles.waiting.is_empty() && remembered != look.plan.record;
            if steps.is_empty() && !looks_again {
                return;
            }
            for (name, step) in steps {
                self.carry_out(&id, &name, &step);
            }
        }
        panic!("the plan of {id} never ends: {:#?}", self.look(id).plan);
    }
}

pub(super) struct Look {
    pub(super) desired: Desired,
    pub(super) observations: BTreeMap<ConnectorName, Observation>,
    pub(super) plan: PersonPlan,
}
