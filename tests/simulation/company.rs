//! What people wrote down: an independent, small model of who should have what. It knows nothing of the planner.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Value, json};

pub const APPS: [&str; 2] = ["directory", "chat"];
/// The application that takes one user name twice.
pub const LAX: &str = "chat";
pub const DEPARTMENTS: [&str; 3] = ["sales", "lab", "office"];
pub const JOBS: [&str; 3] = ["Clerk", "Lead", "Fellow"];
pub const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"];
/// Where roles alone give the club; elsewhere whoever is in it stays there.
pub const STRICT: &str = "directory";
/// A group that no template names: whoever is in it is there by somebody's hand.
pub const CLUB: &str = "club";
/// Groups that people are put into by hand.
pub const BY_HAND: [&str; 4] = [CLUB, "extra", "lab", "office"];
/// How many people may lose something within the window in one application.
pub const LIMIT: Limit = Limit {
    percent: 10,
    always: 3,
};
/// How many may anywhere, as it is where nobody says otherwise.
pub const OVERALL: Limit = Limit {
    percent: 10,
    always: 20,
};
/// The same of an operator that allows less than each application does.
pub const TIGHT: Limit = Limit {
    percent: 5,
    always: 3,
};
/// Of this fewer may be lost.
pub const PRIVILEGED: &str = "budget";
pub const PRIVILEGED_MOST: usize = 2;

/// What nobody may hold both of.
pub const APART: [&str; 2] = ["audit", "keys"];
/// Of this there are so many, in the lax application.
pub const SEAT: &str = "seat";
pub const SEATS: usize = 4;
/// How many templates there are.
pub const TEMPLATES: usize = 7;
/// Those that are in no conflict, by their place.
pub const IN_PEACE: [usize; 5] = [1, 3, 4, 5, 6];

/// How long an account that is nobody's is left alone in the lax application, and how long it is kept then.
pub const AFTER: SignedDuration = SignedDuration::from_hours(36);
pub const RETAIN: SignedDuration = SignedDuration::from_hours(72);
/// Accounts there that are nobody's and to be left in peace, with their marks.
pub const SPARED: [(&str, &str); 2] = [
    ("break-glass", "acme/people/90001"),
    ("svc-mail", "acme/people/90002"),
];

/// How many people may lose something.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub percent: usize,
    /// Whatever the share is.
    pub always: usize,
}

impl Limit {
    /// Of so many.
    pub fn allows(self, of: usize) -> usize {
        self.always.max((of * self.percent).div_ceil(100))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Before,
    Working,
    Away,
    Over,
}

/// For how long what somebody lost counts, and how long before a last day must be told to count apart.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// What a template gave that is gone stays for an hour, less what times in whole seconds lose.
const VANISHED: SignedDuration = SignedDuration::from_secs(3598);
/// So long the operator may be unable to hear of something.
const UNHEARD: SignedDuration = SignedDuration::from_hours(8);

/// How long a last day was told before it was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Too late to count apart.
    Short,
    /// That depends on when the operator heard of it.
    Unsure,
    Long,
}

#[derive(Clone, Debug)]
pub struct Person {
    pub given: String,
    pub family: String,
    pub department: usize,
    pub job: usize,
    pub start: Date,
    pub end: Option<Date>,
    pub zone: usize,
    pub employment: String,
    /// Whether the object is there.
    pub there: bool,
    /// When anything of this was last edited.
    pub edited: Timestamp,
    /// When it was written that the last day is this one.
    pub told: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    Everyone,
    Department(usize),
    Job(usize),
    /// A slip of the pen: nobody.
    Nobody,
}

/// How a template is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    Well,
    /// Its rule can't be read.
    Typo,
    /// It was deleted then.
    Gone(Timestamp),
}

#[derive(Clone, Debug)]
pub struct Template {
    pub text: Text,
    pub rule: Rule,
    pub grants: BTreeMap<&'static str, BTreeSet<String>>,
    /// A template that nobody may hold beside this one.
    conflicts: Option<&'static str>,
}

#[derive(Clone)]
pub struct Company {
    pub people: BTreeMap<u32, Person>,
    pub templates: BTreeMap<String, Template>,
    /// When a template was last edited.
    pub policy_edited: Timestamp,
    /// The limit of the whole operator.
    pub overall: Limit,
}

impl Person {
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.starts() > now {
            Standing::Before
        } else if self.ends().is_some_and(|end| end <= now) {
            Standing::Over
        } else if self.employment == "Active" {
            Standing::Working
        } else {
            Standing::Away
        }
    }

    /// Since when it stands so that nobody edited anything and no day began or ended, for sure.
    pub fn unchanged_since(&self, now: Timestamp) -> Timestamp {
        let times = [Some(self.edited), Some(self.starts()), self.ends()];
        let past = times.into_iter().flatten().filter(|at| *at <= now);
        past.max().unwrap_or(self.edited)
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(ZONES[self.zone]).unwrap()
    }

    pub fn starts(&self) -> Timestamp {
        let begin = self.start.to_zoned(self.zone()).unwrap();
        begin.timestamp()
    }

    pub fn ends(&self) -> Option<Timestamp> {
        let after = self.end?.tomorrow().unwrap();
        Some(after.to_zoned(self.zone()).unwrap().timestamp())
    }

    /// How long before it is over the last day was told.
    pub fn notice(&self) -> Notice {
        let ends = self.ends();
        let notice = ends.map_or(SignedDuration::ZERO, |end| end.duration_since(self.told));
        if notice < WINDOW {
            Notice::Short
        } else if notice < WINDOW + UNHEARD {
            Notice::Unsure
        } else {
            Notice::Long
        }
    }

    pub fn manifest(&self, id: u32) -> Value {
        let mut spec = json!({
            "employeeId": id.to_string(),
            "name": {"given": self.given, "family": self.family},
            "department": DEPARTMENTS[self.department],
            "jobTitle": JOBS[self.job],
            "startDate": self.start.to_string(),
            "timeZone": ZONES[self.zone],
            "employment": self.employment,
        });
        if let Some(end) = self.end {
            spec["endDate"] = json!(end.to_string());
        }
        json!({"apiVersion": "rollcall.dev/v1alpha1", "kind": "Employee", "spec": spec})
    }
}

impl Template {
    fn holds(&self, person: &Person) -> bool {
        self.text == Text::Well && self.fits(person)
    }

    /// Whether somebody who had this keeps it for now, as nobody can tell, or as it is gone for less than an hour.
    fn stays(&self, person: &Person, now: Timestamp) -> bool {
        let is_known = match self.text {
            Text::Well => return false,
            Text::Typo => true,
            Text::Gone(at) => {
                let had = at.duration_since(person.unchanged_since(now)) > UNHEARD;
                had && now.duration_since(at) < VANISHED
            }
        };
        is_known && self.fits(person)
    }

    fn fits(&self, person: &Person) -> bool {
        match self.rule {
            Rule::Everyone => true,
            Rule::Department(d) => person.department == d,
            Rule::Job(j) => person.job == j,
            Rule::Nobody => false,
        }
    }

    pub fn manifest(&self) -> Value {
        let text = match &self.rule {
            Rule::Everyone => "true".to_owned(),
            Rule::Department(d) => format!("employee.department == '{}'", DEPARTMENTS[*d]),
            Rule::Job(j) => format!("employee.jobTitle == '{}'", JOBS[*j]),
            Rule::Nobody => "employee.department == 'slaes'".to_owned(),
        };
        let text = if self.text == Text::Typo {
            format!("{text} &&")
        } else {
            text
        };
        let grants: Vec<Value> = self
            .grants
            .iter()
            .map(|(app, names)| json!({"connector": app, "entitlements": names}))
            .collect();
        let conflicts: Vec<&str> = self.conflicts.into_iter().collect();
        json!({
            "apiVersion": "rollcall.dev/v1alpha1", "kind": "RoleTemplate",
            "spec": {"match": text, "grants": grants, "conflictsWith": conflicts},
        })
    }
}

/// What templates give in an application; `None` where that is not even an account.
fn given<'a>(templates: impl Iterator<Item = &'a Template>, app: &str) -> Option<BTreeSet<String>> {
    let mut given: Option<BTreeSet<String>> = None;
    for names in templates.filter_map(|template| template.grants.get(app)) {
        given.get_or_insert_default().extend(names.iter().cloned());
    }
    given
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Company {
    pub fn new(now: Timestamp, overall: Limit) -> Self {
        let mut templates = BTreeMap::new();
        let mut template = |name: &str, rule, grants: &[(&'static str, &[&str])]| {
            let grants = grants.iter().map(|(app, names)| (*app, set(names)));
            let template = Template {
                text: Text::Well,
                rule,
                grants: grants.collect(),
                conflicts: (name == "auditor").then_some("keeper"),
            };
            templates.insert(name.to_owned(), template);
        };
        let everywhere: &[(&str, &[&str])] = &[("directory", &["staff"]), ("chat", &["all"])];
        template("everyone", Rule::Everyone, everywhere);
        for (number, name) in DEPARTMENTS.iter().enumerate() {
            let here: &[&str] = &[name];
            let grants = [("directory", here), ("chat", here)];
            template(name, Rule::Department(number), &grants);
        }
        let leads: &[(&str, &[&str])] = &[("directory", &[PRIVILEGED]), ("chat", &[SEAT])];
        template("lead", Rule::Job(1), leads);
        template(
            "auditor",
            Rule::Department(2),
            &[("directory", &APART[..1])],
        );
        template("keeper", Rule::Job(2), &[("directory", &APART[1..])]);
        Self {
            people: BTreeMap::new(),
            templates,
            policy_edited: now,
            overall,
        }
    }

    /// How many there are who have not left.
    pub fn not_left(&self, now: Timestamp) -> usize {
        let over = |p: &&Person| p.standing(now) == Standing::Over;
        let there = self.people.values().filter(|p| p.there);
        there.filter(|p| !over(p)).count()
    }

    /// How many there are of whom that was so at some time of the last day. Whose object is deleted is there for as long as
    /// it waits.
    pub fn lately(&self, now: Timestamp, waits: impl Fn(u32) -> bool) -> usize {
        let of_today = |(who, p): &(&u32, &Person)| {
            let is_in = (p.there || waits(**who)) && p.standing(now) != Standing::Over;
            is_in || now.duration_since(p.unchanged_since(now)) < WINDOW
        };
        self.people.iter().filter(of_today).count()
    }

    /// Every group that there is in an application.
    pub fn groups() -> Vec<&'static str> {
        let mut groups = vec!["staff", "all", PRIVILEGED, "extra", CLUB];
        groups.extend(DEPARTMENTS);
        groups.extend(APART);
        groups.push(SEAT);
        groups
    }

    /// What a person who works should hold in an application; `None` where not even an account.
    pub fn due(&self, person: &Person, app: &str) -> Option<BTreeSet<String>> {
        self.given_without(person, app, |other| {
            other.text == Text::Typo || other.holds(person)
        })
    }

    /// What they may be given: a role that can't be read, and that they do not hold, is in no conflict.
    pub fn may_get(&self, person: &Person, app: &str) -> Option<BTreeSet<String>> {
        self.given_without(person, app, |other| other.holds(person))
    }

    /// What a person's templates give, without those that nobody may hold beside any of these.
    fn given_without(
        &self,
        person: &Person,
        app: &str,
        others: impl Fn(&Template) -> bool,
    ) -> Option<BTreeSet<String>> {
        let conflicts = |one: &str, other: &str| {
            let template = self.templates.get(one);
            template.is_some_and(|t| t.conflicts == Some(other))
        };
        let is_free = |name: &str| {
            let mut others = self.templates.iter().filter(|(_, t)| others(t));
            !others.any(|(other, _)| conflicts(name, other) || conflicts(other, name))
        };
        let held = self.templates.iter().filter(|(_, t)| t.holds(person));
        let held = held.filter(|(name, _)| is_free(name));
        given(held.map(|(_, template)| template), app)
    }

    /// What they keep beside it, if they have it: of roles in conflict they hold either, and nobody loses anything by a
    /// template that can't be read, nor at once by one that is gone.
    pub fn keeps(&self, person: &Person, app: &str, now: Timestamp) -> Option<BTreeSet<String>> {
        let all = self.templates.values();
        let held = all.filter(|t| t.holds(person) || t.stays(person, now));
        given(held, app)
    }

    /// What whoever had it may keep, whatever they do now.
    pub fn undecided(&self, app: &str) -> BTreeSet<String> {
        let all = self.templates.values();
        given(all.filter(|t| t.text == Text::Typo), app).unwrap_or_default()
    }

    /// Whether it is written down that nobody may hold both of what is kept apart.
    pub fn keeps_apart(&self) -> bool {
        let mut all = self.templates.values();
        all.any(|t| t.conflicts.is_some() && !matches!(t.text, Text::Gone(_)))
    }

    /// Since when nothing changed of what this person should have.
    pub fn settled_since(&self, person: &Person, now: Timestamp) -> Timestamp {
        person.unchanged_since(now).max(self.policy_edited)
    }
}

/// A person by the name of their object.
pub fn number_of(name: &str) -> Option<u32> {
    name.parse().ok()
}

/// The day of an instant, in UTC.
pub fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

pub fn days_later(date: Date, days: i32) -> Date {
    date.checked_add(i64::from(days).days()).unwrap()
}

pub fn connector_manifest(app: &str) -> Value {
    let disable = app == "directory";
    let mut manifest = json!({
        "apiVersion": "rollcall.dev/v1alpha1", "kind": "AppConnector",
        "spec": {
            "scim": {
                "baseUrl": format!("https://{app}.example.com/scim/v2"),
                "auth": {"bearer": {"secretKeyRef": {"name": app, "key": "token"}}},
            },
            "account": {
                "username": ["employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()"],
                "attributes": {"displayName": "employee.name.display", "title": "employee.jobTitle"},
                "usernameChanges": if disable { "Follow" } else { "Never" },
            },
            "leaver": {"retain": "720h", "then": if disable { "Delete" } else { "Keep" }},
            "deletion": {"policy": if disable { "Disable" } else { "Release" }},
            "guard": {"alwaysAllowed": LIMIT.always, "maxPercent": LIMIT.percent,
                "leavers": {"maxPercent": LIMIT.percent},
                "privileged": {"entitlements": [PRIVILEGED], "maxRemovals": PRIVILEGED_MOST}},
            "sync": {"interval": "10m"},
        },
    });
    if app == LAX {
        manifest["spec"]["orphans"] = json!({
            "policy": "Delete", "after": format!("{}h", AFTER.as_hours()),
            "retain": format!("{}h", RETAIN.as_hours()), "ignore": ["svc-*"],
        });
        manifest["spec"]["entitlements"] =
            json!({"limits": [{"entitlement": SEAT, "maxHolders": SEATS}]});
        manifest["spec"]["protected"] = json!({"accounts": ["break-glass"]});
    }
    if app == STRICT {
        manifest["spec"]["entitlements"] = json!({"authoritative": [CLUB]});
    }
    manifest
}
