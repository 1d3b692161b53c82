//! A company of five people, five roles and three targets.

use jiff::SignedDuration;

use super::town::Town;
use crate::domain::credentials::CredentialKind;
use crate::domain::facts::Facts;
use crate::domain::fixtures::{connector, person, template};
use crate::domain::offboarding::{Abilities, LeaverPolicy};
use crate::domain::policy::{Adopt, ConnectorSpec, MatchingSpec, TemplateSpec};

pub(super) const TARGETS: [&str; 3] = ["chat", "dir", "git"];
pub(super) const GROUPS: [&str; 4] = ["all", "dev", "mkt", "vip"];
pub(super) const DEPARTMENTS: [&str; 3] = ["Dev", "Marketing", "Sales"];
pub(super) const PEOPLE: [&str; 5] = ["1", "2", "3", "4", "5"];
pub(super) const ROLES: [&str; 5] = ["base", "dev", "mkt", "odd", "vip"];

/// A role as the company first has it, or edited.
pub(super) fn role(name: &str, kind: u8) -> TemplateSpec {
    let spec = template(name);
    let spec = match name {
        "base" => spec.matching("true").giving("dir", &["all"]),
        "dev" => spec
            .matching("employee.department == 'Dev'")
            .giving("git", &["dev", "all"])
            .giving("dir", &["dev", "all"]),
        "mkt" => spec
            .matching("employee.department == 'Marketing'")
            .including(&["odd"])
            .giving("chat", &["mkt"])
            .giving("dir", &["mkt"]),
        "odd" => spec.giving("chat", &["all"]),
        _ => spec
            .matching("employee.attributes['level'] == 'vip'")
            .giving("git", &["vip"])
            .giving("dir", &["vip"]),
    };
    match kind {
        0 | 1 => spec,
        2 => spec.matching("employee.nonsense =="),
        3 => spec.giving("dir", &["vip", "missing"]),
        4 => spec
            .matching("employee.department == 'Sales'")
            .including(&["vip"]),
        _ => spec.including(&["base", "dev"]),
    }
}

/// An account is the person's whose name it shows.
pub(super) fn by_display_name(adopt: Adopt) -> MatchingSpec {
    let rule = (
        Some("displayName".into()),
        "employee.name.display".to_owned(),
    );
    MatchingSpec {
        rules: vec![rule],
        adopt,
        listed: Vec::new(),
    }
}

/// A connector: accounts of `chat` are made a week before the first day, those of `git` are deleted a day after the
/// last one.
pub(super) fn spec_of(name: &str) -> ConnectorSpec {
    let mut spec = connector(name);
    match name {
        "chat" => spec.preboarding.days = 7,
        "git" => {
            spec.leaver = LeaverPolicy {
                revoke: [CredentialKind::Sessions].into(),
                retain: SignedDuration::from_hours(24),
                delete: true,
                able: Some(Abilities {
                    disable: true,
                    rename: true,
                    revokes: [CredentialKind::Sessions].into(),
                    ownership: false,
                    delete: true,
                }),
                ..LeaverPolicy::default()
            };
        }
        _ => {}
    }
    spec
}

pub(super) fn company(names: &[u8]) -> Town {
    let mut town = Town::new(&[("chat", &GROUPS), ("dir", &GROUPS), ("git", &GROUPS)]);
    for name in ROLES {
        town.teach(role(name, 0));
    }
    let mut adopting = connector("dir");
    adopting.matching = by_display_name(Adopt::WhenUnique);
    town.connect(adopting);
    town.connect(spec_of("chat"));
    town.connect(spec_of("git"));
    for (n, id) in PEOPLE.iter().enumerate() {
        let mut facts: Facts = person(id);
        facts.given = ["Ada", "Zoë", "小明"][usize::from(names[n] % 3)].into();
        facts.department = DEPARTMENTS[n % 3].into();
        facts.display = format!("{} {n}", facts.given).into();
        if n == 4 {
            facts.display = format!("{} 1", facts.given).into();
        }
        if n != 3 {
            let level = if n == 0 { "vip" } else { "plain" };
            facts
                .attributes
                .insert("level".to_owned(), level.to_owned());
        }
        if n > 2 {
            facts.start = jiff::civil::date(2030, 1, 1);
        }
        town.hire(facts);
    }
    town
}
