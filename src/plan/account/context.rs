//! What one account's plan is worked out from, and the walk from what the target shows to steps.

use jiff::Timestamp;

use super::super::attributes;
use super::super::grants;
use super::super::guard::loss;
use super::super::observation::Observation;
use super::super::operation::{Lane, Operation, ReadKey};
use super::super::parts::{Goal, Inputs, Step};
use super::ending::note_shutting;
use super::words::step;
use super::{Assessment, remember_steps};
use crate::domain::account::{Activity, AttributeChanges, NewAccount, ObservedAccount};
use crate::domain::desired::DesiredAccount;
use crate::domain::ids::{AttributeName, ConnectorName, Username};
use crate::domain::mark::Mark;
use crate::domain::matching::{Match, OFFERED};
use crate::domain::policy::Connector;
use crate::domain::problem::{NOT_APPLIED, Problem};
use crate::domain::record::RecordedAccount;

/// One account of one person, and everything that decides about it.
pub(super) struct Context<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) name: &'a ConnectorName,
    pub(super) connector: &'a Connector,
    pub(super) desired: Option<&'a DesiredAccount>,
    pub(super) recorded: Option<&'a RecordedAccount>,
    pub(super) observed: &'a Observation,
    pub(super) goal: Goal,
}

impl Context<'_> {
    /// The mark of the person's account here.
    pub(super) fn mark(&self) -> Mark {
        let purpose = self.connector.spec.purpose.as_deref();
        let scope = self.inputs.scope.for_purpose(purpose);
        scope.mark(self.inputs.employee)
    }

    pub(super) fn assess(&self) -> Assessment {
        let mut out = Assessment::idle(self.goal, self.remembered());
        if self.goal.provides() {
            out.problems.extend(
                self.desired
                    .into_iter()
                    .flat_map(|d| d.problems.iter().cloned()),
            );
        }
        match &self.observed.matched {
            Match::Conflict(_) | Match::Adoptable(_) if self.looks_for_ours_first() => {
                if self.goal.provides() {
                    self.pending_grants(&mut out);
                }
                self.look(&mut out);
            }
            Match::Conflict(conflict) => {
                // Which account it is about is not known, and so neither what is taken away.
                out.taking = None;
                out.problems
                    .push(Problem::waiting(conflict.reason, conflict.message.clone()));
                out.additions_outstanding = self.goal.provides();
            }
            Match::Absent => self.absent(&mut out),
            Match::Unknown if self.observed.read_directly => self.absent(&mut out),
            Match::Unknown => self.look(&mut out),
            Match::One(account) => {
                self.present(&mut out, account);
                self.protect(&mut out, account);
            }
            Match::Adoptable(account) => self.adopt(&mut out, account),
            Match::Disowned(account) => {
                self.disown(&mut out, account);
                self.protect(&mut out, account);
            }
        }
        self.show_remembered(&mut out);
        let waits_for = out.problems.first().cloned();
        remember_steps(&mut out, waits_for);
        out
    }

    /// Whether one of the person's own may be there all the same, before anything is made of others: the last answer
    /// was lost, one is remembered, or not everything was listed.
    fn looks_for_ours_first(&self) -> bool {
        let remembered = self.recorded.is_some_and(|r| r.id.is_some());
        let doubted = self.observed.in_doubt || self.observed.giving;
        let unseen = doubted || !self.observed.accounts_complete;
        self.is_offered() && (remembered || (unseen && !self.observed.sought))
    }

    /// Whether accounts that bear nobody's mark are what it is about, as the person has none.
    fn is_offered(&self) -> bool {
        match &self.observed.matched {
            Match::Adoptable(_) => true,
            Match::Conflict(conflict) => OFFERED.contains(&conflict.reason),
            Match::Absent | Match::Unknown | Match::One(_) | Match::Disowned(_) => false,
        }
    }

    /// What is remembered whatever the target shows. An account that is seen for the first time is
    /// remembered from then on, also where nobody gives it.
    fn remembered(&self) -> Option<RecordedAccount> {
        let is_seen = matches!(self.observed.matched, Match::One(_));
        if self.recorded.is_none() && !self.goal.provides() && !is_seen {
            return None;
        }
        let mut record = self.recorded.cloned().unwrap_or_default();
        if self.is_offboarded() {
            self.begin_offboarding(&mut record);
        } else if self.goal.provides() {
            // Who comes back begins anew.
            record.offboarding = None;
        }
        if let Some(desired) = self.desired.filter(|_| self.goal != Goal::Ended) {
            grants::refresh(self.inputs, &mut record, desired);
        } else if grants::is_unexplained(Some(&record))
            || grants::is_undecided(self.inputs, &record.roles)
        {
            record.lost_at = None;
        } else {
            let now = self.inputs.now;
            record.lost_at = Some(record.lost_at.map_or(now, |at| at.min(now)));
        }
        // The name of an account that is nobody's yet, or one for an account that may never be made, is not theirs.
        if let (true, None, Ok(username), false) = (
            self.goal.provides(),
            &record.username,
            &self.observed.username,
            self.is_offered(),
        ) {
            record.username = Some(username.clone());
        }
        Some(record)
    }

    /// Shows every remembered grant, also one of which nothing is certain now: what is shown is what
    /// a restarted operator remembers, and a grant whose origin is lost could never be taken back.
    fn show_remembered(&self, out: &mut Assessment) {
        for (name, grant) in out.record.iter().flat_map(|r| &r.grants) {
            if out.grants.contains_key(name) {
                continue;
            }
            let held = self.observed.held.contains(name);
            let is_seen = matches!(self.observed.matched, Match::One(_));
            let is_desired = self
                .desired
                .is_some_and(|d| d.entitlements.contains_key(name));
            let plan = if is_desired && (held || (is_seen && self.goal.provides())) {
                grants::desired(&grant.roles, held, None)
            } else {
                grants::kept(grant, None)
            };
            out.grants.insert(name.clone(), plan);
        }
    }

    /// Whether no account may be made here, nor taken over; the reason is told.
    pub(super) fn refuses_accounts(&self, out: &mut Assessment) -> bool {
        let refusal = self.connector.spec.no_accounts.as_ref();
        out.problems.extend(refusal.map(|problem| {
            let message = format!(
                "the AppConnector {} makes no accounts before it is mended: {}",
                self.name, problem.message
            );
            Problem::waiting(problem.reason, message)
        }));
        refusal.is_some()
    }

    /// Nothing is there. A working person's account is made; anyone else has nothing to lose.
    fn absent(&self, out: &mut Assessment) {
        let giving = self.observed.giving && !self.goal.provides();
        let doubted = (self.observed.in_doubt || giving) && !self.observed.read_directly;
        // A listing that looks complete may still leave an account out, as one of somebody inactive. A
        // direct read that does not find the recorded account takes its identifier out of the record.
        let recorded = self.recorded.is_some_and(|r| r.id.is_some());
        if doubted || recorded {
            if self.goal.provides() {
                self.pending_grants(out);
            }
            self.look(out);
            return;
        }
        if !self.goal.provides() {
            if !self.stays_known(out) {
                out.record = None;
            }
            return;
        }
        out.additions_outstanding = true;
        if let Some(record) = &mut out.record {
            record.id = None;
            record.verified_disabled = None;
        }
        self.pending_grants(out);
        match &self.observed.username {
            _ if self.refuses_accounts(out) => {}
            Err(problem) => out.problems.push(problem.clone()),
            Ok(username) if self.covers(username) => {
                out.additions_outstanding = false;
                out.problems.push(self.protected(username));
            }
            Ok(username) => {
                let attributes = self
                    .desired
                    .map(|d| attributes::initial(d, self.observed))
                    .unwrap_or_default();
                let operation = Operation::Create(NewAccount {
                    username: username.clone(),
                    mark: self.mark(),
                    active: self.goal == Goal::Live,
                    first_used: self.first_used(),
                    attributes,
                });
                let existed = self
                    .recorded
                    .is_some_and(|r| r.grants.values().any(|g| g.since.is_some()));
                let lane = if existed {
                    Lane::Drift
                } else {
                    self.addition_lane()
                };
                out.steps.push(step(operation, lane, self.role_cause()));
            }
        }
    }

    /// When an account that is made now can first be used, where that is not at once.
    fn first_used(&self) -> Option<Timestamp> {
        let day = self.inputs.desired.first_day.as_ref();
        let begins = day.and_then(|day| day.begins);
        begins.filter(|begins| *begins > self.inputs.now)
    }

    /// A direct read decides what a listing could not.
    fn look(&self, out: &mut Assessment) {
        out.taking = None;
        out.additions_outstanding = self.goal.provides();
        let doubted = self.observed.in_doubt || self.observed.giving;
        let id = self.recorded.and_then(|r| r.id.clone());
        let offered = self.looks_for_ours_first();
        // The name of an account that may be taken over finds that one, which is nobody's yet.
        let allocated = || self.observed.username.clone().ok().filter(|_| !offered);
        let username = self
            .recorded
            .and_then(|r| r.username.clone())
            .or_else(allocated);
        let key = match (id, username) {
            (Some(id), _) if !doubted => ReadKey::Id(id),
            (Some(id), None) => ReadKey::Id(id),
            (None, None) if self.goal.provides() && !offered => {
                out.problems.extend(self.observed.username.clone().err());
                return;
            }
            (_, username) => ReadKey::MarkOrUsername(self.mark(), username),
        };
        let listed_all = matches!(self.observed.matched, Match::Absent);
        let lane = match self.goal {
            Goal::Live | Goal::Prepared if listed_all && !doubted => Lane::Drift,
            Goal::Live | Goal::Prepared => self.addition_lane(),
            // Of most people of whom nothing is remembered there is nothing: after each partial
            // listing they must not delay those who leave now.
            Goal::Paused | Goal::Ended | Goal::Kept
                if matches!(key, ReadKey::MarkOrUsername(_, None)) =>
            {
                Lane::Drift
            }
            Goal::Paused | Goal::Ended | Goal::Kept => self.end_lane(),
        };
        let cause = if self.observed.in_doubt {
            "the answer to the last change was lost"
        } else if doubted {
            "the account may be made at this moment"
        } else if listed_all {
            "the recorded account was not in the last listing"
        } else {
            "the account was not in the last listing, which was incomplete"
        };
        out.steps
            .push(step(Operation::Read(key), lane, cause.to_owned()));
    }

    fn present(&self, out: &mut Assessment, account: &ObservedAccount) {
        {
            let record = out.record.get_or_insert_default();
            record.id = Some(account.id.clone());
            // An account that was not linked before is taken as it is, with its user name: one that was
            // allocated meanwhile was for an account yet to be made.
            if record.username.is_none()
                || self.recorded.is_none_or(|r| r.id.is_none())
                || self.keeps_its_name(account)
            {
                record.username = Some(account.username.clone());
            } else if self.is_renamed(account) {
                record.rename(&account.username);
            }
            if account.activity == Activity::Active {
                record.verified_disabled = None;
            } else if account.activity == Activity::Disabled && self.observed.read_directly {
                record.verified_disabled = record.verified_disabled.or(Some(self.inputs.now));
            }
        }
        let shut = account.activity != Activity::Active && self.goal != Goal::Live;
        let unknown = self.observed.in_doubt || (self.observed.giving && shut);
        let doubted = unknown && !self.observed.read_directly;
        if doubted || self.inputs.asked_for.contains(self.name) {
            out.additions_outstanding = self.goal.provides();
            out.taking = None;
            let cause = if doubted {
                "the answer to the last change was lost"
            } else {
                "somebody asks for a look now"
            };
            out.steps.push(step(
                Operation::Read(ReadKey::Id(account.id.clone())),
                self.end_or_addition_lane(),
                cause.to_owned(),
            ));
            return;
        }
        match self.goal {
            Goal::Live => self.live(out, account),
            Goal::Prepared => {
                // Nobody has to prove yet that it is shut: that is asked once access has ended.
                let is_shut = account.activity == Activity::Disabled;
                note_shutting(out, self.connector, account);
                out.steps
                    .extend(self.disabling(account).filter(|_| !is_shut));
                self.furnish(out, account);
            }
            Goal::Kept => {
                self.keep(out);
                self.remove_lost(out, account);
            }
            Goal::Paused => self.disable(out, account),
            Goal::Ended => self.end(out, account),
        }
        finish(out, account);
        self.note_rogue(out, account);
    }

    /// Whether the account has the name that it is to have by now, or what the target makes of that.
    fn is_renamed(&self, account: &ObservedAccount) -> bool {
        let Some(Ok(name)) = &self.observed.follows else {
            return false;
        };
        let known = self.recorded.and_then(|r| r.username.as_ref());
        *name == account.username
            || (self.refuses(name, account) && known != Some(&account.username))
    }

    /// Whether the target was given the recorded user name and shows its own all the same: writing it
    /// again would never end.
    fn keeps_its_name(&self, account: &ObservedAccount) -> bool {
        let recorded = self.recorded.and_then(|r| r.username.as_ref());
        recorded.is_some_and(|name| self.refuses(name, account))
    }

    fn refuses(&self, name: &Username, account: &ObservedAccount) -> bool {
        let renamed = self.observed.renamed.as_ref();
        renamed.is_some_and(|(written, shown)| written == name && *shown == account.username)
    }

    fn live(&self, out: &mut Assessment, account: &ObservedAccount) {
        if account.activity == Activity::Disabled {
            out.additions_outstanding = true;
            let lane = if self.recorded.is_some_and(|r| r.verified_disabled.is_none()) {
                Lane::Drift
            } else {
                self.addition_lane()
            };
            out.steps.push(step(
                Operation::Enable(account.id.clone()),
                lane,
                self.role_cause(),
            ));
        }
        self.furnish(out, account);
    }

    /// Lets an account hold and show what it is to, whether it can be used or not.
    fn furnish(&self, out: &mut Assessment, account: &ObservedAccount) {
        self.grant_steps(out, account);
        self.remove_rogue(out, account);
        let Some(desired) = self.desired else { return };
        let known = self.called(out, account);
        let ignored = attributes::not_applied(desired, self.observed, account);
        if !ignored.is_empty() {
            let names: Vec<&str> = ignored.into_iter().map(AttributeName::as_str).collect();
            out.problems.push(Problem::waiting(
                NOT_APPLIED,
                format!(
                    "{} accepted to change {} of {}, and goes on showing what it showed before: mend it there, or take it out of spec.account of the AppConnector; it is written again when this Employee changes, or when a look at it is asked for",
                    self.name,
                    names.join(", "),
                    account.username
                ),
            ));
        }
        let changes = attributes::changes(desired, self.observed, account, known);
        if !changes.is_empty() {
            let given = self.recorded.and_then(|r| r.username.as_ref());
            let gives_back = given.is_some() && changes.username.as_ref() == given;
            let renames = self.observed.follows.is_some() && changes.username.is_some();
            let operation = Operation::Update {
                id: account.id.clone(),
                changes,
                gives_back,
            };
            out.takes(loss::of(&operation));
            let lane = if renames { Lane::Mover } else { Lane::Drift };
            let cause = format!("AppConnector {}: spec.account", self.name);
            out.steps.push(step(operation, lane, cause));
        }
    }

    /// The user name that the account is to have, where one is known that the target takes over.
    fn called(&self, out: &mut Assessment, account: &ObservedAccount) -> Option<&Username> {
        match &self.observed.follows {
            // The target has a form of its own for it.
            Some(Ok(name)) if self.refuses(name, account) && self.is_renamed(account) => None,
            Some(Ok(name)) if self.refuses(name, account) => {
                out.problems.push(Problem::waiting(
                    NOT_APPLIED,
                    format!(
                        "{} accepted to rename {} to {name}, and goes on showing the name from before: rename it there, or set spec.account.usernameChanges of the AppConnector to Never",
                        self.name, account.username
                    ),
                ));
                None
            }
            Some(Ok(name)) => Some(name),
            Some(Err(problem)) => {
                out.problems.push(problem.clone());
                None
            }
            None => self
                .recorded
                .filter(|r| r.id.is_some())
                .and_then(|r| r.username.as_ref())
                .filter(|name| !self.refuses(name, account)),
        }
    }
}

/// What was begun with the account and cut off is finished, whatever becomes of it; any change does so.
fn finish(out: &mut Assessment, account: &ObservedAccount) {
    // Another name alone may have to wait.
    let changes = |step: &Step| match &step.operation {
        Operation::Update { changes, .. } => !changes.set.is_empty() || !changes.clear.is_empty(),
        _ => false,
    };
    if !account.unfinished || out.steps.iter().any(changes) {
        return;
    }
    out.steps.push(step(
        Operation::Update {
            id: account.id.clone(),
            changes: AttributeChanges::default(),
            gives_back: false,
        },
        Lane::Mover,
        "an earlier change of it was cut off".to_owned(),
    ));
}
