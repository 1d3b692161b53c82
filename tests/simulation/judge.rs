//! Looks at every write at the instant it reaches an application, and holds it against what people wrote down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use rollcall::runtime::clock::Clock as _;

use crate::application::Application;
use crate::clock::Wall;
use crate::cluster::Cluster;
use crate::company::{
    APART, CLUB, Company, PRIVILEGED, Person, SEAT, SEATS, STRICT, Standing, number_of,
};
use crate::findings::{Findings, Invariant};
use crate::limits::{Losses, Lost};

/// The first part of every mark of ours.
const OURS: &str = "acme/people/";
/// An edit is known to the operator after so long, where the API server is well.
const KNOWN: SignedDuration = SignedDuration::from_secs(60);
/// What somebody did in an application is seen after so long, also where some listings fail.
const SEEN: SignedDuration = SignedDuration::from_hours(7);
/// So long a person's removals wait for their additions, less what times in whole seconds lose.
const HOLD: SignedDuration = SignedDuration::from_secs(24 * 3600 - 2);

/// What is done to an account.
#[derive(Clone, Copy, Debug)]
pub enum Touch<'a> {
    Update,
    Active(bool),
    Mark,
    Delete,
    Group(&'a str, bool),
}

pub struct Judge {
    pub company: Mutex<Company>,
    pub findings: Arc<Findings>,
    pub wall: Arc<Wall>,
    pub apps: BTreeMap<&'static str, Arc<Mutex<Application>>>,
    pub cluster: Arc<Cluster>,
    pub losses: Mutex<Losses>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
pub struct Memory {
    /// Memberships that were somebody's due at some time: application, person, group.
    due: BTreeSet<(&'static str, u32, String)>,
    /// Accounts that another installation took: application, account, and when.
    claimed: BTreeMap<(&'static str, String), Timestamp>,
    /// Whose they were.
    robbed: BTreeSet<u32>,
    /// Memberships that the application said it gave, and did not.
    told: BTreeSet<(&'static str, String, String)>,
    /// Of whom an application answered that it wrote an attribute, and did not.
    misled: BTreeSet<u32>,
    /// Memberships that we gave last, and did not take since: application, person, group.
    given: BTreeSet<(&'static str, String, String)>,
    /// When an application said last that it did what it did not, or was put back.
    odd: BTreeMap<&'static str, Timestamp>,
    /// When we disabled an account last: application, account.
    pub shut: BTreeMap<(&'static str, String), Timestamp>,
    /// Since when the API server is well, and no clock was set.
    known_since: Option<Timestamp>,
    /// Writes to applications: when, where, whom, what.
    writes: Vec<(Timestamp, String)>,
}

impl Memory {
    /// Whether another installation took an account of theirs. Nothing is given there any more, and what they lose
    /// elsewhere waits for it in vain, for a day from each loss.
    fn is_robbed(&self, person: &str) -> bool {
        person.parse().is_ok_and(|id| self.robbed.contains(&id))
    }
}

impl Judge {
    pub fn new(
        company: Company,
        findings: Arc<Findings>,
        wall: Arc<Wall>,
        apps: BTreeMap<&'static str, Arc<Mutex<Application>>>,
        cluster: Arc<Cluster>,
    ) -> Self {
        Self {
            company: Mutex::new(company),
            findings,
            wall,
            apps,
            cluster,
            losses: Mutex::default(),
            memory: Mutex::default(),
        }
    }

    pub fn company(&self) -> MutexGuard<'_, Company> {
        self.company.lock().unwrap()
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    /// What is due by now, and so may be taken away when it is not any more.
    pub fn remember_due(&self) {
        let company = self.company();
        let mut memory = self.memory();
        for (id, person) in &company.people {
            for app in self.apps.keys().copied() {
                let due = company.may_get(person, app).unwrap_or_default();
                memory
                    .due
                    .extend(due.into_iter().map(|group| (app, *id, group)));
            }
        }
    }

    /// From when on the operator can know what is written; `None` while it can't.
    pub fn known_since(&self, since: Option<Timestamp>) {
        self.memory().known_since = since;
    }

    /// Forgets the writes so far, and tells them.
    pub fn take_writes(&self) -> Vec<(Timestamp, String)> {
        std::mem::take(&mut self.memory().writes)
    }

    /// An application answered that it wrote an attribute, and did not: it is taken to be its way to show what was written.
    pub fn misled(&self, app: &'static str, id: &str) {
        let state = self.apps[app].lock().unwrap();
        let mark = state.accounts.get(id).and_then(|a| a.mark.as_deref());
        let who = mark.and_then(|mark| number_of(mark.strip_prefix(OURS)?));
        self.memory().misled.extend(who);
    }

    pub fn was_misled(&self, who: u32) -> bool {
        self.memory().misled.contains(&who)
    }

    /// The next operator knows nothing of that.
    pub fn forgets(&self) {
        self.memory().misled.clear();
    }

    /// An application was put back.
    pub fn is_odd(&self, app: &'static str) {
        let now = self.wall.now();
        self.memory().odd.insert(app, now);
    }

    /// An application answered that it did what it did not.
    pub fn was_told(&self, app: &'static str, id: &str, group: &str, holds: bool) {
        self.is_odd(app);
        if holds {
            let key = (app, id.to_owned(), group.to_owned());
            self.memory().told.insert(key);
        }
    }

    /// Another installation put its mark on an account of ours.
    pub fn claimed(&self, app: &'static str, id: &str, who: u32) {
        let now = self.wall.now();
        let mut memory = self.memory();
        memory.claimed.insert((app, id.to_owned()), now);
        memory.robbed.insert(who);
    }

    /// Whether an account of ours was taken so short a time ago that nobody need have seen it.
    fn is_newly_claimed(&self, app: &'static str, id: &str) -> bool {
        let at = self.memory().claimed.get(&(app, id.to_owned())).copied();
        at.is_some_and(|at| self.wall.now().duration_since(at) < SEEN)
    }

    /// Whether the operator must have heard of an edit that was made then.
    pub fn is_known(&self, edited: Timestamp) -> bool {
        let Some(since) = self.memory().known_since else {
            return false;
        };
        self.wall.now().duration_since(edited.max(since)) > KNOWN
    }

    /// An account is about to be made.
    pub fn creates(&self, app: &'static str, state: &Application, mark: &str, name: &str) {
        let now = self.wall.now();
        self.findings
            .trace(&format!("{now} {app} create {mark} {name}"));
        self.memory()
            .writes
            .push((now, format!("{app} create {mark}")));
        if !state.marked(mark).is_empty() {
            let told = format!("{app}: a second account of {mark} is made");
            self.findings.report(Invariant::Once, told);
        }
        let Some(id) = mark.strip_prefix(OURS) else {
            let told = format!("{app}: an account is made with the mark {mark}");
            return self.findings.report(Invariant::Ours, told);
        };
        let company = self.company();
        let person = id.parse().ok().and_then(|id: u32| company.people.get(&id));
        match person {
            None => {
                let told = format!("{app}: an account is made for {id}, whom nobody declared");
                self.findings.report(Invariant::Ours, told);
            }
            Some(p) if p.standing(now) == Standing::Over => {
                if self.is_known(p.unchanged_since(now)) {
                    let told = format!("{app}: an account is made for {id}, who has left");
                    self.findings.report(Invariant::Left, told);
                }
            }
            Some(_) => {}
        }
    }

    /// An account is about to be changed.
    pub fn touched(&self, app: &'static str, id: &str, touch: Touch<'_>) {
        let now = self.wall.now();
        let (mark, marked, held) = {
            let state = self.apps[app].lock().unwrap();
            let Some(account) = state.accounts.get(id) else {
                return;
            };
            let ours = |a: &&crate::application::Account| {
                a.mark.as_deref().is_some_and(|m| m.starts_with(OURS))
            };
            let marked = state.accounts.values().filter(ours).count();
            (
                account.mark.clone().unwrap_or_default(),
                marked,
                state.held_by(id),
            )
        };
        self.findings
            .trace(&format!("{now} {app} {id} {mark} {touch:?}"));
        self.memory()
            .writes
            .push((now, format!("{app} {touch:?} {mark}")));
        let Some(person) = mark.strip_prefix(OURS) else {
            if self.is_newly_claimed(app, id) {
                return;
            }
            let told = format!("{app}: {touch:?} of {id}, which bears the mark {mark:?}");
            return self.findings.report(Invariant::Ours, told);
        };
        self.may_be_nobodys(app, id, person, touch);
        if let Touch::Group(group, holds) = touch {
            let key = (app, person.to_owned(), group.to_owned());
            let mut memory = self.memory();
            if holds {
                memory.given.insert(key);
            } else {
                memory.given.remove(&key);
            }
        }
        let loses = match touch {
            Touch::Group(group, false) => {
                self.group_is_taken(app, person, group);
                held.contains(group)
            }
            Touch::Group(group, true) => {
                self.group_is_given(app, person, group);
                self.is_within_duties(app, person, group, &held);
                false
            }
            Touch::Active(active) => {
                self.is_switched(app, id, person, active);
                !active
            }
            Touch::Delete => true,
            Touch::Update | Touch::Mark => false,
        };
        if loses {
            let is_privileged = match touch {
                Touch::Group(group, _) => group == PRIVILEGED,
                _ => held.contains(PRIVILEGED),
            };
            let lost = Lost {
                marked,
                is_privileged,
                is_account: matches!(touch, Touch::Delete),
            };
            let is_robbed = self.memory().is_robbed(person);
            self.count(app, person, lost, is_robbed);
        }
    }

    /// Whether this was ever what the person should have.
    fn was_due(&self, app: &'static str, person: &str, group: &str) -> bool {
        let key = |id| (app, id, group.to_owned());
        let id = person.parse().ok();
        id.is_some_and(|id| self.memory().due.contains(&key(id)))
    }

    fn group_is_given(&self, app: &'static str, person: &str, group: &str) {
        if !self.was_due(app, person, group) {
            let told = format!("{app}: {person} is put into {group}, which nobody decided");
            self.findings.report(Invariant::Ours, told);
        }
    }

    /// Whether nobody gets both of what is kept apart, as far as we gave either, nor more of what there is little of.
    fn is_within_duties(
        &self,
        app: &'static str,
        person: &str,
        group: &str,
        held: &BTreeSet<String>,
    ) {
        if held.contains(group) {
            return;
        }
        let by_us = |other: &&&str| {
            let key = (app, person.to_owned(), (**other).to_owned());
            held.contains(**other) && self.memory().given.contains(&key)
        };
        let odd = self.memory().odd.get(app).copied();
        let is_odd = odd.is_some_and(|odd| self.wall.now().duration_since(odd) < SEEN);
        let apart = !is_odd && self.company().keeps_apart() && APART.contains(&group);
        if apart && APART.iter().any(|other| by_us(&other)) {
            let told = format!("{app}: {person} is put into {group}, and holds {held:?}");
            self.findings.report(Invariant::Duties, told);
        }
        let holders = self.apps[app].lock().unwrap().groups[group].len();
        if group == SEAT && holders >= SEATS && !is_odd {
            let told = format!("{app}: {person} is put into {group}, which {holders} hold");
            self.findings.report(Invariant::Duties, told);
        }
    }

    fn group_is_taken(&self, app: &'static str, person: &str, group: &str) {
        let now = self.wall.now();
        let roles_alone = app == STRICT && group == CLUB;
        if !roles_alone && !self.was_due(app, person, group) {
            let told = format!("{app}: {person} is taken out of {group}, which we never gave");
            self.findings.report(Invariant::Ours, told);
        }
        let company = self.company();
        let Some(who) = person
            .parse()
            .ok()
            .and_then(|id: u32| company.people.get(&id))
        else {
            return;
        };
        let settled = company.settled_since(who, now);
        if who.standing(now) != Standing::Working || !who.there {
            return;
        }
        if company
            .keeps(who, app, now)
            .unwrap_or_default()
            .contains(group)
        {
            if !self.is_known(settled) {
                return;
            }
            let told = format!("{app}: {person} loses {group}, which is due since {settled}");
            return self.findings.report(Invariant::Served, told);
        }
        // That it is taken away shows that the edit is known.
        let (is_robbed, known) = {
            let memory = self.memory();
            (memory.is_robbed(person), memory.known_since)
        };
        // Who comes back lost what they had when they left, and what is held since then has waited already.
        let came_back = now.duration_since(who.told) <= HOLD;
        // A template that is mended later may not be known yet.
        let unheard = !self.is_known(company.policy_edited);
        // What is kept apart goes before the other comes.
        let due = company.due(who, app).unwrap_or_default();
        let makes_way = APART.contains(&group) && APART.iter().any(|g| due.contains(*g));
        if now.duration_since(settled) > HOLD
            || known.is_none()
            || is_robbed
            || came_back
            || makes_way
            || unheard
        {
            return;
        }
        for other in self.apps.keys().copied() {
            let lacks = self.lacks(&company, who, person, other);
            if !lacks.is_empty() {
                let told =
                    format!("{app}: {person} loses {group} before {lacks:?} is there in {other}");
                self.findings.report(Invariant::MakeBeforeBreak, told);
            }
        }
    }

    /// What a person does not hold in an application of what is due, and nobody told us that they do. Nothing waits for what
    /// has a limit, nor for what comes once something else is gone.
    fn lacks(
        &self,
        company: &Company,
        who: &Person,
        person: &str,
        app: &'static str,
    ) -> Vec<String> {
        let mut due = company.due(who, app).unwrap_or_default();
        due.retain(|group| group != SEAT && !APART.contains(&group.as_str()));
        let state = self.apps[app].lock().unwrap();
        let Some(id) = state
            .marked(&format!("{OURS}{person}"))
            .first()
            .copied()
            .cloned()
        else {
            return due.into_iter().collect();
        };
        let held = state.held_by(&id);
        let memory = self.memory();
        let is_told = |g: &String| memory.told.contains(&(app, id.clone(), g.clone()));
        let lacks = due.into_iter().filter(|g| !held.contains(g) && !is_told(g));
        lacks.collect()
    }

    fn is_switched(&self, app: &'static str, id: &str, person: &str, active: bool) {
        let now = self.wall.now();
        let company = self.company();
        let Some(who) = person
            .parse()
            .ok()
            .and_then(|id: u32| company.people.get(&id))
        else {
            return;
        };
        if !self.is_known(company.settled_since(who, now)) {
            return;
        }
        let standing = who.standing(now);
        if active && standing == Standing::Over {
            let told = format!("{app}: {id} of {person}, who has left, is enabled");
            self.findings.report(Invariant::Left, told);
        }
        let due = company.keeps(who, app, now).is_some();
        if !active && standing == Standing::Working && who.there && due {
            let told = format!("{app}: {id} of {person}, who works, is disabled");
            self.findings.report(Invariant::Served, told);
        }
    }
}
