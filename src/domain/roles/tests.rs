//! Who holds what, and what can't be told.

mod conflicts;

use super::*;
use crate::domain::fixtures::{at, connector, person, policy, template};
use crate::domain::policy::TemplateSpec;
use crate::domain::term::Term;

fn resolution(
    templates: &[TemplateSpec],
    explicit: &[&str],
    recorded: &[(&str, Why)],
) -> Resolution {
    let mut facts = person("1");
    facts.roles = explicit.iter().map(|&r| r.into()).collect();
    let policy = policy(templates.iter().cloned(), [connector("dir")]);
    let recorded = Record {
        roles: recorded
            .iter()
            .map(|(r, w)| ((*r).into(), w.clone()))
            .collect(),
        ..Record::default()
    };
    let now = at("2027-01-01T00:00:00Z");
    resolve(&policy, &facts, &Subject::new(&facts), &recorded, now)
}

fn held(found: &Resolution) -> Vec<String> {
    found
        .held
        .iter()
        .map(|(r, w)| format!("{r}: {w}"))
        .collect()
}

fn names<T>(of: &BTreeMap<RoleName, T>) -> Vec<&str> {
    of.keys().map(RoleName::as_str).collect()
}

fn by(name: &str) -> Why {
    Why::Included(name.into())
}

const FAILS: &str = "employee.attributes['level'] == 'vip'";
const BROKEN: &str = "employee.jobTtle == 'x'";

#[test]
fn roles_are_held_by_name_by_match_and_by_inclusion_in_this_order() {
    let t = || template("b").including(&["c"]);
    let yes = "employee.department == 'Marketing'";
    for (templates, explicit, expected) in [
        (vec![t(), template("c")], vec![], vec![]),
        (
            vec![t(), template("c")],
            vec!["b"],
            vec!["b: Explicit", "c: Included by b"],
        ),
        (
            vec![t().matching(yes), template("c")],
            vec![],
            vec!["b: Match", "c: Included by b"],
        ),
        (
            vec![t().matching(yes), template("c")],
            vec!["c", "b"],
            vec!["b: Explicit", "c: Explicit"],
        ),
        (
            vec![t().matching(yes), template("c")],
            vec!["b", "c"],
            vec!["b: Explicit", "c: Explicit"],
        ),
        (
            vec![t().matching(yes), template("c").matching(yes)],
            vec![],
            vec!["b: Match", "c: Match"],
        ),
        (
            vec![t().matching("employee.department == 'Dev'"), template("c")],
            vec![],
            vec![],
        ),
        // A diamond, with the first includer by name told.
        (
            vec![
                template("top").including(&["right", "left"]),
                template("right").including(&["foot"]),
                template("left").including(&["foot"]),
                template("foot"),
            ],
            vec!["top"],
            vec![
                "foot: Included by left",
                "left: Included by top",
                "right: Included by top",
                "top: Explicit",
            ],
        ),
    ] {
        let found = resolution(&templates, &explicit, &[]);
        assert_eq!(held(&found), expected);
        assert_eq!((found.problems.len(), found.undecided.len()), (0, 0));
    }
}

#[test]
fn what_is_missing_is_waited_for() {
    let found = resolution(
        &[template("a").including(&["nowhere"])],
        &["ghost", "a", "ghost"],
        &[],
    );
    assert_eq!(held(&found), ["a: Explicit"]);
    let [problem] = found.problems.as_slice() else {
        panic!("{:?}", found.problems)
    };
    assert_eq!(problem.reason, "RoleMissing");
    assert!(problem.message.contains("ghost"));
}

#[test]
fn what_can_not_be_decided_is_left_open_with_all_that_it_includes() {
    let under = || template("under");
    for (templates, explicit, undecided, problems) in [
        (
            vec![template("a").matching(FAILS).including(&["under"]), under()],
            vec![],
            vec!["a", "under"],
            vec!["MatchFailed"],
        ),
        // A template that is broken for everyone is told on the template.
        (
            vec![
                template("a").matching(BROKEN).including(&["under"]),
                under(),
            ],
            vec![],
            vec!["a", "under"],
            vec![],
        ),
        (
            vec![template("a").matching(BROKEN)],
            vec!["a"],
            vec!["a"],
            vec!["RoleBroken"],
        ),
        (
            vec![
                template("a").including(&["b"]),
                template("b").including(&["a"]),
            ],
            vec!["a"],
            vec!["a", "b"],
            vec!["RoleBroken"],
        ),
        (
            vec![template("a").including(&["a"])],
            vec!["a"],
            vec!["a"],
            vec!["RoleBroken"],
        ),
        // Held otherwise: decided.
        (
            vec![template("a").matching(FAILS)],
            vec!["a"],
            vec![],
            vec![],
        ),
        (
            vec![
                template("a").matching(FAILS),
                template("b").including(&["a"]),
            ],
            vec!["b"],
            vec![],
            vec![],
        ),
        (
            vec![template("a").matching(FAILS).including(&["under"]), under()],
            vec!["under"],
            vec!["a"],
            vec!["MatchFailed"],
        ),
    ] {
        let found = resolution(&templates, &explicit, &[]);
        assert_eq!(names(&found.undecided), undecided);
        let reasons: Vec<_> = found.problems.iter().map(|p| p.reason).collect();
        assert_eq!(reasons, problems);
        assert!(found.undecided.keys().all(|r| !found.held.contains_key(r)));
    }
}

#[test]
fn what_came_from_a_broken_role_stays_open_also_where_its_includes_were_edited() {
    let recorded = [("a", Why::Match), ("b", by("a")), ("c", by("b"))];
    let templates = [template("a").matching(BROKEN), template("b"), template("c")];
    assert_eq!(
        names(&resolution(&templates, &[], &recorded).undecided),
        ["a", "b", "c"]
    );
    // Held once, and now in a circle that nobody asks for.
    let circle = [
        template("b").including(&["c"]),
        template("c").including(&["b"]),
    ];
    let found = resolution(&circle, &[], &[("b", Why::Match)]);
    assert_eq!(names(&found.undecided), ["b", "c"]);
    // An honest edit loses the role.
    let honest = [template("a").matching("true"), template("b"), template("c")];
    let found = resolution(&honest, &[], &recorded);
    assert_eq!(
        (held(&found), names(&found.undecided)),
        (vec!["a: Match".to_owned()], vec![])
    );
}

#[test]
fn what_disappeared_is_told_from_what_was_lost() {
    let recorded = [("a", Why::Match), ("b", by("a")), ("c", by("b"))];
    for (templates, vanished) in [
        (vec![], vec!["a", "b", "c"]),
        (
            vec![template("b").including(&["c"]), template("c")],
            vec!["a", "b", "c"],
        ),
        (
            vec![template("a").matching("false"), template("c")],
            vec!["b", "c"],
        ),
        (
            vec![
                template("a").matching("false"),
                template("b"),
                template("c"),
            ],
            vec![],
        ),
        (
            vec![
                template("a").matching("false"),
                template("b").including(&["c"]),
            ],
            vec!["c"],
        ),
    ] {
        let found = resolution(&templates, &[], &recorded);
        assert_eq!(names(&found.vanished), vanished);
        assert!(found.undecided.is_empty());
    }
    // A record that goes round in a circle ends.
    let circle = [("a", by("b")), ("b", by("a"))];
    assert!(
        resolution(&[template("a"), template("b")], &[], &circle)
            .vanished
            .is_empty()
    );
}

#[test]
fn a_reason_survives_a_status() {
    for why in [Why::Explicit, Why::Match, by("base")] {
        assert_eq!(Why::parse(&why.to_string()), Some(why));
    }
    assert_eq!(Why::parse("Because"), None);
}

/// Everybody in Marketing is in `staff`; `on-call`, which includes `pager`, and `lead` are held for a time.
fn held_for_a_time(now: &str) -> (Resolution, Vec<End>) {
    let templates = [
        template("staff").matching("employee.department == 'Marketing'"),
        template("on-call").including(&["pager"]),
        template("pager"),
        template("lead").including(&["staff"]),
    ];
    let mut facts = person("1");
    facts.zone = jiff::tz::TimeZone::get("Pacific/Auckland").unwrap();
    facts.roles = ["on-call", "lead", "staff"].map(RoleName::new).into();
    let until = |role: &str, day: i8| Term {
        until: Some(jiff::civil::date(2027, 1, day)),
        approved_by: Some(format!("who approves {role}").into()),
        ..Term::of(role.into())
    };
    facts.terms = [until("on-call", 20), until("lead", 10), until("staff", 5)].into();
    let policy = policy(templates, [connector("dir")]);
    let (subject, now) = (Subject::new(&facts), at(now));
    let found = resolve(&policy, &facts, &subject, &Record::default(), now);
    let ends = ends(&policy, &facts, &subject, &found, &LiteMap::new(), now);
    (found, ends)
}

#[test]
fn a_role_ends_with_its_last_day_where_the_person_is() {
    // In Auckland it is 13 hours later than in Greenwich.
    for (now, expected) in [
        (
            "2027-01-05T10:59:59Z",
            vec![
                "lead: Explicit",
                "on-call: Explicit",
                "pager: Included by on-call",
                "staff: Explicit",
            ],
        ),
        (
            "2027-01-05T11:00:00Z",
            vec![
                "lead: Explicit",
                "on-call: Explicit",
                "pager: Included by on-call",
                "staff: Match",
            ],
        ),
        (
            "2027-01-10T11:00:00Z",
            vec![
                "on-call: Explicit",
                "pager: Included by on-call",
                "staff: Match",
            ],
        ),
        ("2027-01-20T11:00:00Z", vec!["staff: Match"]),
    ] {
        let (found, _) = held_for_a_time(now);
        assert_eq!(held(&found), expected, "{now}");
        assert!(found.problems.is_empty() && found.vanished.is_empty());
    }
}

#[test]
fn what_ends_is_told_unless_something_else_gives_it() {
    let (_, ends) = held_for_a_time("2027-01-01T00:00:00Z");
    let told: Vec<String> = ends
        .iter()
        .map(|end| format!("{} {:?}", end.at, end.roles))
        .collect();
    // `staff` is held by everybody in Marketing, and ends with no date.
    assert_eq!(ends.len(), 2, "{told:?}");
    assert_eq!(ends[0].at, at("2027-01-10T11:00:00Z"));
    assert_eq!(ends[0].roles, [RoleName::new("lead")]);
    assert_eq!(ends[0].told_from(), at("2027-01-03T11:00:00Z"));
    assert_eq!(ends[1].at, at("2027-01-20T11:00:00Z"));
    assert_eq!(ends[1].roles, ["on-call", "pager"].map(RoleName::new));
}

#[test]
fn who_approved_a_role_approved_what_it_includes() {
    let (found, _) = held_for_a_time("2027-01-07T00:00:00Z");
    let approved: Vec<(&str, &str)> = found
        .approved
        .iter()
        .map(|(role, by)| (role.as_str(), &**by))
        .collect();
    assert_eq!(
        approved,
        [
            ("lead", "who approves lead"),
            ("on-call", "who approves on-call"),
            ("pager", "who approves on-call"),
        ]
    );
}

#[test]
fn a_role_whose_time_is_over_is_waited_for_by_nobody() {
    let mut facts = person("1");
    facts.roles = ["gone".into()].into();
    facts.terms = [Term {
        until: Some(jiff::civil::date(2026, 12, 31)),
        ..Term::of("gone".into())
    }]
    .into();
    let policy = policy([], [connector("dir")]);
    let found = |now| {
        let subject = Subject::new(&facts);
        resolve(&policy, &facts, &subject, &Record::default(), at(now)).problems
    };
    assert_eq!(found("2026-12-31T00:00:00Z").len(), 1);
    assert!(found("2027-01-01T00:00:00Z").is_empty());
}
