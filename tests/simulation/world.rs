//! Everything that outlives an operator, and what each event does to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use rollcall::audit::{AuditEvent, AuditSink};
use rollcall::runtime::clock::Clock as _;
use serde_json::json;

use crate::application::{Account, Application, Mood};
use crate::clock::Wall;
use crate::cluster::{Cluster, Health};
use crate::company::{
    APPS, Company, LAX, OVERALL, Person, Rule, Standing, TIGHT, Text, connector_manifest, day,
    days_later,
};
use crate::connector::Place;
use crate::findings::Findings;
use crate::held::Held;
use crate::history::{History, What};
use crate::judge::Judge;
use crate::nobody;

const GIVEN: [&str; 8] = ["Ada", "Bo", "Cy", "Dora", "Eve", "Finn", "Gil", "Hana"];
pub const FAMILY: [&str; 6] = ["Ames", "Berg", "Cole", "Diaz", "Endo", "Falk"];
/// Each credential, encoded as Secrets are.
const TOKENS: [(&str, &str); 2] = [
    ("s3cret-of-directory", "czNjcmV0LW9mLWRpcmVjdG9yeQ=="),
    ("s3cret-of-chat", "czNjcmV0LW9mLWNoYXQ="),
];

pub struct World {
    pub wall: Arc<Wall>,
    pub findings: Arc<Findings>,
    pub cluster: Arc<Cluster>,
    pub judge: Arc<Judge>,
    pub places: BTreeMap<&'static str, Arc<Place>>,
    /// What each application was at the end of each day.
    pub former: Vec<BTreeMap<&'static str, Application>>,
    /// Since when nothing is wrong with this application, the API server and the clock.
    pub well: BTreeMap<&'static str, Timestamp>,
    /// Since when the operator runs.
    pub up: Timestamp,
    /// Whose accounts another installation took, where.
    pub claimed: BTreeSet<(&'static str, u32)>,
    /// Of whom something waited when a quiet evening began.
    pub waiting: BTreeSet<u32>,
    /// When somebody was put into a group by hand, where.
    pub by_hand: BTreeMap<(&'static str, u32), Timestamp>,
    /// Whose objects are gone, since the evening on which that was seen.
    pub gone: BTreeMap<u32, Timestamp>,
    /// What was held when a quiet evening began, and when that was.
    pub held: Option<(Timestamp, Vec<Held>)>,
    /// The company as it was before the mistake that is not set right yet.
    pub mistake: Option<Company>,
    pub rng: fastrand::Rng,
}

/// Holds every audit event against what must not be shown.
pub struct Audit(pub Arc<Findings>);

impl AuditSink for Audit {
    fn record(&self, event: AuditEvent) {
        let line = serde_json::to_string(&event).unwrap_or_default();
        self.0.shown("the audit", &line);
    }
}

impl World {
    pub fn new(history: &History) -> Self {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let findings = Arc::new(Findings::default());
        let wall = Arc::new(Wall::at(start));
        let seed = history.seed;
        let cluster = Arc::new(Cluster::new(wall.clone(), findings.clone(), seed ^ 1));
        let apps = APPS.map(|app| {
            (
                app,
                Arc::new(Mutex::new(Application::new(&Company::groups(), app == LAX))),
            )
        });
        let apps = BTreeMap::from(apps);
        let overall = if history.tight { TIGHT } else { OVERALL };
        let company = Company::new(start, overall);
        let judge = Judge::new(
            company,
            findings.clone(),
            wall.clone(),
            apps.clone(),
            cluster.clone(),
        );
        let judge = Arc::new(judge);
        judge.known_since(Some(start));
        let place = |(number, (name, state)): (usize, (&'static str, Arc<Mutex<Application>>))| {
            let place = Place {
                name,
                state,
                mood: Mutex::new(Mood::Well),
                seed: seed ^ (2 + number as u64),
                judge: judge.clone(),
            };
            (name, Arc::new(place))
        };
        let places = apps.into_iter().enumerate().map(place).collect();
        let mut world = Self {
            wall,
            findings,
            cluster,
            judge,
            places,
            former: Vec::new(),
            well: APPS.map(|app| (app, start)).into(),
            up: start,
            claimed: BTreeSet::new(),
            waiting: BTreeSet::new(),
            by_hand: BTreeMap::new(),
            gone: BTreeMap::new(),
            held: None,
            mistake: None,
            rng: fastrand::Rng::with_seed(seed ^ 9),
        };
        world.found(history.people);
        world
    }

    /// The company as it is on the first day.
    fn found(&mut self, people: u32) {
        for (app, (token, data)) in APPS.iter().zip(TOKENS) {
            self.findings.keep_secret(token);
            self.findings.keep_secret(data);
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret", "data": {"token": data},
                "metadata": {
                    "labels": {"rollcall.dev/credential": "true"},
                    "annotations": {"rollcall.dev/hosts": format!("{app}.example.com")},
                },
            });
            self.cluster.apply("secrets", app, &secret);
            self.cluster
                .apply("appconnectors", app, &connector_manifest(app));
            self.stranger(app);
        }
        for account in nobody::spared() {
            self.places[LAX].state().add(account);
        }
        let all = self.judge.company().templates.clone();
        for (name, template) in all {
            self.cluster
                .apply("roletemplates", &name, &template.manifest());
        }
        for who in 1..=people {
            let department = self.rng.usize(..3);
            let job = self.rng.usize(..3);
            let zone = self.rng.usize(..4);
            let years = -self.rng.i32(1..400);
            self.join(who, (department, job, zone), years, None);
        }
    }

    /// Writes down a person as they are now.
    pub fn write(&self, who: u32) {
        let manifest = {
            let mut company = self.judge.company();
            let Some(person) = company.people.get_mut(&who) else {
                return;
            };
            person.edited = self.wall.now();
            person.there.then(|| person.manifest(who))
        };
        self.judge.remember_due();
        match manifest {
            Some(manifest) => self.cluster.apply("employees", &who.to_string(), &manifest),
            None => {
                self.cluster.delete("employees", &who.to_string());
            }
        }
    }

    pub fn edit(&self, who: u32, edit: impl FnOnce(&mut Person)) {
        {
            let mut company = self.judge.company();
            let Some(person) = company.people.get_mut(&who).filter(|p| p.there) else {
                return;
            };
            let before = person.end;
            edit(person);
            if person.end != before {
                person.told = self.wall.now();
            }
        }
        self.write(who);
    }

    fn join(&mut self, who: u32, what: (usize, usize, usize), in_days: i32, stays: Option<i32>) {
        let start = days_later(day(self.wall.now()), in_days);
        let person = Person {
            given: GIVEN[self.rng.usize(..GIVEN.len())].to_owned(),
            family: FAMILY[self.rng.usize(..FAMILY.len())].to_owned(),
            department: what.0,
            job: what.1,
            start,
            end: stays.map(|days| days_later(start, days)),
            zone: what.2,
            employment: "Active".to_owned(),
            there: true,
            edited: self.wall.now(),
            told: self.wall.now(),
        };
        self.judge.company().people.entry(who).or_insert(person);
        self.write(who);
    }

    /// What the cluster shows of the connectors, and of whoever is named in a text.
    pub fn told_of(&self, text: &str) -> String {
        let words = text
            .split(|c: char| !c.is_ascii_digit())
            .filter(|w| !w.is_empty());
        let people = words.filter_map(|id| Some((id, self.cluster.get("employees", id)?)));
        let apps = APPS
            .iter()
            .filter_map(|app| Some((*app, self.cluster.get("appconnectors", app)?)));
        let objects = people
            .chain(apps)
            .map(|(name, object)| format!("{name}: {} {}\n", object["spec"], object["status"]));
        objects.collect()
    }

    pub fn account_of(&self, app: &str, who: u32) -> Option<String> {
        let state = self.places[app].state();
        let found = state.marked(&format!("acme/people/{who}"));
        found.first().map(|id| (*id).clone())
    }

    pub fn stranger(&mut self, app: &str) {
        let given = GIVEN[self.rng.usize(..GIVEN.len())].to_lowercase();
        let family = FAMILY[self.rng.usize(..FAMILY.len())].to_lowercase();
        let foreign = self.rng.bool().then(|| "other/people/7".to_owned());
        let mut state = self.places[app].state();
        let username = format!("{given}.{family}");
        if state.named(&username).is_none() {
            let id = state.add(Account {
                username,
                mark: foreign,
                active: true,
                attributes: rollcall::domain::account::Attributes::new(),
            });
            state
                .groups
                .entry("staff".to_owned())
                .or_default()
                .insert(id);
        }
    }

    /// Something is wrong with an application, or with all of them.
    pub fn unwell(&mut self, app: Option<&'static str>) {
        let now = self.wall.now();
        for name in APPS {
            if app.is_none_or(|app| app == name) {
                self.well.insert(name, now);
            }
        }
    }

    pub fn api(&mut self, health: Health) {
        self.cluster.state().health = health;
        self.unwell(None);
        if health == Health::Down {
            self.cluster.cut_off(false);
        }
        let well = health == Health::Well;
        self.judge.known_since(well.then(|| self.wall.now()));
    }

    /// A clock that was ahead is right again.
    pub fn is_right(&mut self, hours: i32) {
        self.wall.jump(-SignedDuration::from_hours(hours.into()));
        self.up = self.wall.now();
        self.unwell(None);
        self.judge.clock_went_back();
    }

    /// Nothing is wrong any more.
    pub fn calm(&mut self) {
        for app in APPS {
            self.mood(app, Mood::Well);
        }
        if self.cluster.state().health != Health::Well {
            self.api(Health::Well);
        }
    }

    pub fn mood(&mut self, app: &'static str, mood: Mood) {
        if self.places[app].mood() != mood {
            // An empty listing that says it is all shows nothing of what is held.
            if [mood, self.places[app].mood()].contains(&Mood::Blank) {
                self.judge.is_odd(app);
            }
            *self.places[app].mood.lock().unwrap() = mood;
            self.unwell(Some(app));
        }
    }

    /// How the applications are this evening, for who puts them back.
    pub fn remember(&mut self) {
        let now = self
            .places
            .iter()
            .map(|(app, place)| (*app, place.state().clone()));
        self.former.push(now.collect());
    }

    pub fn happens(&mut self, what: &What) {
        let now = self.wall.now();
        self.findings.trace(&format!("{now} {what:?}"));
        let today = day(now);
        match *what {
            What::Join {
                who,
                department,
                job,
                zone,
                in_days,
                stays,
            } => {
                self.join(who, (department, job, zone), in_days, stays);
            }
            What::Move {
                who,
                department,
                job,
            } => self.edit(who, |p| {
                (p.department, p.job) = (department, job);
            }),
            What::End { who, in_days } => self.edit(who, |p| {
                p.end = Some(days_later(today, in_days).max(p.start));
            }),
            What::Return { who, in_days } => {
                let left = |p: &Person| p.standing(now) == Standing::Over;
                if self.judge.company().people.get(&who).is_some_and(left) {
                    self.edit(who, |p| {
                        (p.start, p.end) = (days_later(today, in_days), None);
                    });
                }
            }
            What::Rename { who, family } => {
                self.edit(who, |p| FAMILY[family].clone_into(&mut p.family));
            }
            What::Employment { who, ref word } => self.edit(who, |p| p.employment.clone_from(word)),
            What::Delete { who } => self.edit(who, |p| p.there = false),
            What::Restore { who } => {
                let gone = self.cluster.get("employees", &who.to_string()).is_none();
                let mut company = self.judge.company();
                let person = company.people.get_mut(&who).filter(|p| gone && !p.there);
                let comes = person.map(|person| (person.there, person.told) = (true, now));
                let comes = comes.is_some();
                drop(company);
                if comes {
                    self.write(who);
                }
            }
            What::Extra { template } => self.template(template, |t| {
                let names = t.grants.entry("directory").or_default();
                if !names.remove("extra") {
                    names.insert("extra".to_owned());
                }
            }),
            What::Slip { template } => {
                self.remember_mistake();
                self.template(template, |t| t.rule = Rule::Nobody);
            }
            What::Typo { template } => self.template(template, |t| t.text = Text::Typo),
            What::Unwrite { template } => self.template(template, |t| t.text = Text::Gone(now)),
            What::Rewrite => {
                let first = Company::new(now, OVERALL);
                self.rewrite(&first);
            }
            What::DeleteHalf => self.many(|n, _| n % 2 == 0, |p| p.there = false),
            What::EndMany { tenths, in_days } => self.many(
                |n, p| n % 10 < tenths as usize && p.end.is_none() && p.start < today,
                |p| p.end = Some(days_later(today, in_days)),
            ),
            What::Revert => self.revert(),
            What::Approve { app } => self.approve(APPS[app]),
            _ => self.befalls(what, now),
        }
    }
}
