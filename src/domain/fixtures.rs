//! Small builders for the tests of the pure core.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::facts::{Employment, Facts};
use super::guard::GuardPolicy;
use super::offboarding::LeaverPolicy;
use super::orphans::OrphanPolicy;
use super::policy::{Connector, ConnectorSpec, MatchingSpec, Policy, Template, TemplateSpec};
use super::preparation::Preboarding;
use super::usernames::{Renaming, Rules};

/// An instant.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Days on which clocks were set, beside their neighbours: some have no midnight, some two, some never were, and one had
/// begun when it was still the day before once more.
pub(crate) const AWKWARD: [(&str, Date); 11] = [
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Kwajalein", date(1993, 8, 21)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2019, 2, 17)),
    ("Asia/Beirut", date(2022, 3, 27)),
    ("America/Havana", date(2025, 11, 2)),
    ("America/St_Johns", date(2006, 10, 29)),
    ("Africa/Cairo", date(2023, 4, 28)),
    ("Pacific/Auckland", date(2026, 4, 5)),
    ("America/Los_Angeles", date(2026, 11, 1)),
    ("Asia/Kathmandu", date(2026, 5, 1)),
];

/// The latest day that a calendar on the wall has shown by an instant.
pub(crate) fn reached(zone: &TimeZone, now: Timestamp) -> Date {
    let minutes = (0..=150).map(SignedDuration::from_mins);
    let shown = minutes.map(|before| (now - before).to_zoned(zone.clone()).date());
    shown.fold(Date::MIN, Date::max)
}

/// Days before a day, or after it.
pub(crate) fn days_from(day: Date, count: i32) -> Date {
    day.checked_add(Span::new().days(count)).unwrap()
}

/// A person in Marketing who works since 2020, in UTC.
pub(crate) fn person(id: &str) -> Facts {
    Facts {
        employee_id: id.into(),
        object: format!("person-{id}").as_str().into(),
        given: "Ada".into(),
        family: "Lovelace".into(),
        display: "Ada Lovelace".into(),
        preferred: "".into(),
        email: "".into(),
        personal_email: "".into(),
        kind: "Employee".into(),
        department: "Marketing".into(),
        job_title: "Manager".into(),
        location: "".into(),
        cost_center: "".into(),
        manager: None,
        start: date(2020, 1, 1),
        end: None,
        zone: TimeZone::UTC,
        zone_name: "UTC".into(),
        employment: Employment::Active,
        roles: Box::default(),
        terms: Box::default(),
        attributes: BTreeMap::new(),
        links: Box::default(),
        not_formerly: Box::default(),
        legal_hold: None,
    }
}

/// A template that nobody holds by itself and that gives nothing.
pub(crate) fn template(name: &str) -> TemplateSpec {
    TemplateSpec {
        name: name.into(),
        match_: None,
        includes: Vec::new(),
        conflicts: BTreeSet::new(),
        grants: BTreeMap::new(),
        days_before_start: None,
        grace: SignedDuration::ZERO,
    }
}

impl TemplateSpec {
    /// With a `match`.
    pub(crate) fn matching(mut self, source: &str) -> Self {
        self.match_ = Some(source.to_owned());
        self
    }

    /// With includes.
    pub(crate) fn including(mut self, names: &[&str]) -> Self {
        self.includes = names.iter().map(|&n| n.into()).collect();
        self
    }

    /// With roles that nobody may hold beside it.
    pub(crate) fn conflicting(mut self, names: &[&str]) -> Self {
        self.conflicts = names.iter().map(|&n| n.into()).collect();
        self
    }

    /// With a grant.
    pub(crate) fn giving(mut self, connector: &str, entitlements: &[&str]) -> Self {
        self.grants.insert(
            connector.into(),
            entitlements.iter().map(|&n| n.into()).collect(),
        );
        self
    }
}

impl TemplateSpec {
    /// That gives what it gives so many days before the first one.
    pub(crate) fn days_before_start(mut self, days: u16) -> Self {
        self.days_before_start = Some(days);
        self
    }

    /// Whose holders keep it for a time after the role is lost.
    pub(crate) fn keeping(mut self, grace: SignedDuration) -> Self {
        self.grace = grace;
        self
    }
}

/// A connector that maps a display name and a title, and holds removals for a day.
pub(crate) fn connector(name: &str) -> ConnectorSpec {
    ConnectorSpec {
        name: name.into(),
        usernames: vec![
            "employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()".to_owned(),
        ],
        rules: Rules::default(),
        renaming: Renaming::Never,
        attributes: [
            ("displayName", "employee.name.display"),
            ("title", "employee.jobTitle"),
        ]
        .map(|(k, v)| (k.into(), v.to_owned()))
        .into(),
        manager: None,
        no_accounts: None,
        purpose: None,
        matching: MatchingSpec::default(),
        preboarding: Preboarding::default(),
        usable_on_leave: false,
        guard: GuardPolicy::open(),
        leaver: LeaverPolicy::default(),
        create_entitlements: false,
        limits: Vec::new(),
        own_account: None,
        protected_accounts: Vec::new(),
        protected_entitlements: Vec::new(),
        orphans: OrphanPolicy::default(),
        authoritative: Vec::new(),
        hold: SignedDuration::from_hours(24),
        dry_run: false,
        faults: Vec::new(),
    }
}

/// A policy of these parts.
pub(crate) fn policy(
    templates: impl IntoIterator<Item = TemplateSpec>,
    connectors: impl IntoIterator<Item = ConnectorSpec>,
) -> Policy {
    Policy::new(
        templates
            .into_iter()
            .map(|t| Arc::new(Template::compile(t))),
        connectors
            .into_iter()
            .map(|c| Arc::new(Connector::compile(c))),
    )
}
