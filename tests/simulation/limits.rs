//! How many people lose something, counted at the applications, and held against the limits that people wrote down.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rollcall::runtime::clock::Clock as _;

use crate::company::{Company, LIMIT, Notice, PRIVILEGED_MOST, Standing};
use crate::findings::Invariant;
use crate::judge::Judge;

/// What was taken counts for a day from when it was let through, less the part of the day in which that was. It may be
/// hours until the application can be had.
const WINDOW: SignedDuration = SignedDuration::from_hours(16);
/// So long it is remembered who lost something.
const MEMORY: SignedDuration = SignedDuration::from_hours(48);
/// So long an approval is good.
const APPROVED: SignedDuration = SignedDuration::from_hours(8 * 24);

/// Why a person loses something, as far as the limits count apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    LastDay,
    Termination,
    Change,
}

/// Something that a person lost by our doing.
#[derive(Clone, Debug)]
pub struct Loss {
    pub at: Timestamp,
    pub app: &'static str,
    pub person: String,
    /// `None` where that depends on when the operator heard of something.
    pub cause: Option<Cause>,
    pub privileged: bool,
    /// Whether it counts for sure: nobody approved it, and the clock was right.
    pub counts: bool,
}

/// What is about to be lost.
#[derive(Clone, Copy, Debug)]
pub struct Lost {
    /// How many accounts there are ours.
    pub marked: usize,
    pub is_privileged: bool,
    /// Whether the account itself goes.
    pub is_account: bool,
}

#[derive(Default)]
pub struct Losses {
    all: Vec<Loss>,
    /// Who may lose something in an application, until when.
    approved: BTreeMap<(&'static str, String), Timestamp>,
}

/// Why a person loses something; `None` where that depends on when the operator heard of it.
fn cause(company: &Company, person: &str, now: Timestamp, lost: Lost) -> Option<Cause> {
    let id = person.parse().ok();
    let who = id.and_then(|id: u32| company.people.get(&id));
    match who {
        // What comes of it when the account was kept for long enough counts as a change.
        _ if lost.is_account => Some(Cause::Change),
        Some(who) if who.there && who.standing(now) == Standing::Over => match who.notice() {
            Notice::Short => Some(Cause::Termination),
            Notice::Unsure => None,
            Notice::Long => Some(Cause::LastDay),
        },
        Some(who) if who.there && who.employment == "Suspended" => Some(Cause::Termination),
        _ => Some(Cause::Change),
    }
}

fn people<'a>(losses: impl Iterator<Item = &'a Loss>) -> BTreeSet<&'a str> {
    losses.map(|loss| loss.person.as_str()).collect()
}

impl Judge {
    pub fn approve(&self, app: &'static str, people: impl IntoIterator<Item = String>) {
        let until = self.wall.now() + APPROVED;
        let people = people.into_iter().map(|person| ((app, person), until));
        self.losses.lock().unwrap().approved.extend(people);
    }

    /// What was taken while the clock was ahead counts by the day on which that was, which nobody knows.
    pub fn clock_went_back(&self) {
        let now = self.wall.now();
        for loss in &mut self.losses.lock().unwrap().all {
            loss.counts &= loss.at <= now;
            loss.at = loss.at.min(now);
        }
        for shut in self.memory().shut.values_mut() {
            *shut = (*shut).min(now);
        }
    }

    /// What people lost since then, for whatever reason: as much as any limit may count by now.
    pub fn lost_since(&self, at: Timestamp) -> Vec<Loss> {
        let losses = self.losses.lock().unwrap();
        let since = losses.all.iter().filter(|loss| loss.at >= at);
        since.cloned().collect()
    }

    /// A person is about to lose something in an application.
    pub fn count(&self, app: &'static str, person: &str, lost: Lost, is_robbed: bool) {
        let now = self.wall.now();
        let (cause, overall, everybody) = {
            let company = self.company();
            let cause = cause(&company, person, now, lost);
            let waits = |who: u32| self.cluster.get("employees", &who.to_string()).is_some();
            (cause, company.overall, company.lately(now, waits))
        };
        let mut losses = self.losses.lock().unwrap();
        let approved = losses.approved.get(&(app, person.to_owned()));
        let is_approved = approved.is_some_and(|until| *until > now);
        losses.all.retain(|l| now.duration_since(l.at) < MEMORY);
        losses.all.push(Loss {
            at: now,
            app,
            person: person.to_owned(),
            cause,
            privileged: lost.is_privileged,
            // What the robbed lose waits, and is counted before.
            counts: !is_robbed && !is_approved,
        });
        let Some(cause) = cause.filter(|_| !is_robbed && !is_approved) else {
            return;
        };
        let window = |l: &&Loss| now.duration_since(l.at) < WINDOW && l.counts;
        let same = |l: &&Loss| window(l) && l.cause == Some(cause);
        let anywhere = people(losses.all.iter().filter(same));
        let here = || losses.all.iter().filter(same).filter(|l| l.app == app);
        let limits = [
            ("", people(here()), LIMIT.allows(lost.marked)),
            (
                " that is privileged",
                people(here().filter(|l| l.privileged)),
                PRIVILEGED_MOST,
            ),
            (" anywhere", anywhere, overall.allows(everybody)),
        ];
        let passed = limits.iter().filter(|(_, who, may)| who.len() > *may);
        let told = passed.map(|(what, who, may)| {
            let many = who.len();
            format!(
                "{app}: {many} people lost something{what} within a day by {cause:?}, {may} may: {who:?}"
            )
        });
        let told: Vec<String> = told.collect();
        drop(losses);
        for told in told {
            self.findings.report(Invariant::Guard, told);
        }
    }
}
