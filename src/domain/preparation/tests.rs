//! What is due before the first day, by table.

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::*;
use crate::domain::desired::{Desired, desire};
use crate::domain::fixtures::{at, connector, person, policy, template};
use crate::domain::lifecycle::Stage;
use crate::domain::policy::{ConnectorSpec, TemplateSpec};
use crate::domain::record::Record;

/// Who starts in Auckland on the 1st of December, where that day begins at 11:00 UTC on the 30th of November.
fn starter() -> Facts {
    Facts {
        start: date(2026, 12, 1),
        zone: TimeZone::get("Pacific/Auckland").unwrap(),
        zone_name: "Pacific/Auckland".into(),
        ..person("1")
    }
}

const BEGINS: &str = "2026-11-30T11:00:00Z";

fn early(days: u16, accounts: UntilStart) -> ConnectorSpec {
    ConnectorSpec {
        preboarding: Preboarding {
            days,
            accounts,
            cannot_disable: false,
        },
        ..connector("dir")
    }
}

/// Everybody holds `all`, as soon as the account is there, and `vault`, on the first day and no earlier.
fn roles() -> [TemplateSpec; 2] {
    [
        template("all").matching("true").giving("dir", &["all"]),
        template("vault")
            .matching("true")
            .giving("dir", &["vault"])
            .days_before_start(0),
    ]
}

fn on(spec: ConnectorSpec, facts: &Facts, now: &str) -> Desired {
    desire(&policy(roles(), [spec]), facts, &Record::default(), at(now))
}

/// What is due and what comes later, in words.
fn told(desired: &Desired) -> (Due, String, String) {
    let account = &desired.accounts["dir"];
    let names = |entitlements: &BTreeMap<EntitlementName, _>| {
        let names: Vec<&str> = entitlements.keys().map(EntitlementName::as_str).collect();
        names.join(" ")
    };
    (
        account.due,
        names(&account.entitlements),
        names(&account.later),
    )
}

#[test]
fn an_account_is_due_as_many_days_before_as_is_said_at_the_first_instant_of_a_local_day() {
    let a_week = || early(7, UntilStart::Disabled);
    let before = on(a_week(), &starter(), "2026-11-23T10:59:59Z");
    assert_eq!(before.lifecycle.stage, Stage::Upcoming);
    assert_eq!(told(&before).0, Due::WhileWorking);
    let next = before.lifecycle.next.unwrap();
    assert_eq!(
        (next.at, next.stage),
        (at("2026-11-23T11:00:00Z"), Stage::Preboarding)
    );
    assert_eq!(
        before.first_day.unwrap().next,
        Some(at("2026-11-23T11:00:00Z"))
    );

    let prepared = on(a_week(), &starter(), "2026-11-23T11:00:00Z");
    assert_eq!(prepared.lifecycle.stage, Stage::Preboarding);
    assert_eq!(
        told(&prepared),
        (Due::Disabled, "all".into(), "vault".into())
    );
    let next = prepared.lifecycle.next.clone().unwrap();
    assert_eq!((next.at, next.stage), (at(BEGINS), Stage::Active));
    assert_eq!(
        prepared.first_day.unwrap().next,
        Some(at(BEGINS)),
        "the vault is due"
    );

    let begun = on(a_week(), &starter(), BEGINS);
    assert_eq!(begun.lifecycle.stage, Stage::Active);
    assert_eq!(
        told(&begun),
        (Due::WhileWorking, "all vault".into(), String::new())
    );
}

#[test]
fn what_can_be_used_early_has_no_more_than_roles_say_they_give_early() {
    let now = "2026-11-25T00:00:00Z";
    let enabled = on(early(7, UntilStart::Enabled), &starter(), now);
    assert_eq!(
        told(&enabled),
        (Due::Enabled, String::new(), "all vault".into())
    );

    let mail = template("mail").matching("true").giving("dir", &["mail"]);
    let policy_with = |days| {
        let mail = mail.clone().days_before_start(days);
        policy([mail, roles()[0].clone()], [early(7, UntilStart::Enabled)])
    };
    let given = |days| {
        let desired = desire(&policy_with(days), &starter(), &Record::default(), at(now));
        told(&desired)
    };
    assert_eq!(given(6), (Due::Enabled, "mail".into(), "all".into()));
    assert_eq!(given(5), (Due::Enabled, String::new(), "all mail".into()));
}

#[test]
fn a_role_may_ask_for_an_account_earlier_than_its_connector_does() {
    let asks = |days| {
        template("laptop")
            .matching("true")
            .giving("dir", &[])
            .days_before_start(days)
    };
    let desired = |days, now| {
        let policy = policy([asks(days)], [connector("dir")]);
        desire(&policy, &starter(), &Record::default(), at(now))
    };
    assert_eq!(
        desired(2, "2026-11-28T11:00:00Z").accounts["dir"].due,
        Due::Disabled
    );
    assert_eq!(
        desired(2, "2026-11-28T10:59:59Z").accounts["dir"].due,
        Due::WhileWorking
    );
    assert_eq!(
        desired(0, "2026-11-30T10:59:59Z").accounts["dir"].due,
        Due::WhileWorking
    );
    assert_eq!(
        desired(0, "2026-11-30T10:59:59Z").lifecycle.stage,
        Stage::Upcoming
    );
}

#[test]
fn nothing_is_due_early_for_whoever_does_not_start_to_work_that_day() {
    let now = "2026-11-25T00:00:00Z";
    for (employment, stage) in [
        (Employment::Active, Stage::Preboarding),
        (Employment::OnLeave, Stage::Upcoming),
        (Employment::Suspended, Stage::Suspended),
    ] {
        let facts = Facts {
            employment,
            ..starter()
        };
        let desired = on(early(7, UntilStart::Enabled), &facts, now);
        assert_eq!(desired.lifecycle.stage, stage);
        assert_eq!(
            told(&desired).0.is_early(),
            employment == Employment::Active
        );
    }
    let gone = Facts {
        end: Some(date(2026, 11, 1)),
        ..starter()
    };
    assert_eq!(
        on(early(7, UntilStart::Disabled), &gone, now)
            .lifecycle
            .stage,
        Stage::Departed
    );
}

#[test]
fn where_accounts_cannot_be_disabled_none_is_made_disabled() {
    let now = "2026-11-25T00:00:00Z";
    for (accounts, due) in [
        (UntilStart::Disabled, Due::WhileWorking),
        (UntilStart::Enabled, Due::Enabled),
    ] {
        let mut spec = early(7, accounts);
        spec.preboarding.cannot_disable = true;
        assert_eq!(told(&on(spec, &starter(), now)).0, due);
    }
}

#[test]
fn days_are_counted_on_the_calendar_of_the_person_also_where_one_was_left_out() {
    // The 30th of December 2011 was left out in Samoa.
    let facts = Facts {
        start: date(2011, 12, 31),
        zone: TimeZone::get("Pacific/Apia").unwrap(),
        ..person("1")
    };
    for (days, from) in [(1, "2011-12-30T10:00:00Z"), (2, "2011-12-29T10:00:00Z")] {
        let desired = on(
            early(days, UntilStart::Disabled),
            &facts,
            "2011-12-01T00:00:00Z",
        );
        assert_eq!(desired.first_day.unwrap().prepared_from, Some(at(from)));
    }
}
