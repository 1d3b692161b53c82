//! Tests by table: what is accepted with which result, and what is refused, where and why.

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::functions::{FUNCTIONS, Param, Style};
use super::*;
use crate::domain::facts::{Employment, Facts};

mod accepted;
mod bounds;
mod docs;
mod random;
mod refused;

pub(super) fn ada() -> Facts {
    Facts {
        employee_id: "1042".into(),
        object: "ada-lovelace".into(),
        given: "Ada".into(),
        family: "Lovelace".into(),
        display: "Ada Lovelace".into(),
        preferred: "".into(),
        email: "ada.lovelace@example.com".into(),
        personal_email: "".into(),
        kind: "Employee".into(),
        department: "Marketing".into(),
        job_title: "Marketing Manager".into(),
        location: "Berlin".into(),
        cost_center: "4711".into(),
        manager: Some("grace-hopper".into()),
        start: date(2026, 12, 1),
        end: None,
        zone: TimeZone::UTC,
        zone_name: "Europe/Berlin".into(),
        employment: Employment::Active,
        roles: ["everyone".into(), "eng-core".into()].into(),
        terms: [].into(),
        attributes: [("badge", "B-17"), ("floor", "3"), ("teams", "red,green")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        not_formerly: Box::default(),
        links: [].into(),
        legal_hold: None,
    }
}

fn named(given: &str, family: &str) -> Facts {
    Facts {
        given: given.into(),
        family: family.into(),
        ..ada()
    }
}

fn evaluate(source: &str, facts: &Facts) -> Result<AttributeValue, EvalError> {
    Expression::compile(source, ResultKind::Attribute)
        .unwrap_or_else(|e| panic!("{source}: {e}"))
        .evaluate(&Subject::new(facts))
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::Text(text.to_owned())
}

fn texts(texts: &[&str]) -> AttributeValue {
    AttributeValue::Texts(texts.iter().map(|&t| t.to_owned()).collect())
}

#[test]
fn every_field_is_what_the_facts_say() {
    let mut facts = ada();
    facts.preferred = "Countess".into();
    facts.personal_email = "ada@home.example".into();
    facts.end = Some(date(2027, 1, 31));
    facts.zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    facts.employment = Employment::OnLeave;
    for (path, expected) in [
        ("employee.employeeId", "1042"),
        ("employee.name.given", "Ada"),
        ("employee.name.family", "Lovelace"),
        ("employee.name.display", "Ada Lovelace"),
        ("employee.name.preferred", "Countess"),
        ("employee.email", "ada.lovelace@example.com"),
        ("employee.personalEmail", "ada@home.example"),
        ("employee.type", "Employee"),
        ("employee.department", "Marketing"),
        ("employee.jobTitle", "Marketing Manager"),
        ("employee.location", "Berlin"),
        ("employee.costCenter", "4711"),
        ("employee.manager", "grace-hopper"),
        ("employee.startDate", "2026-12-01"),
        ("employee.endDate", "2027-01-31"),
        ("employee.endsAt", "2027-01-31T23:00:00Z"),
        ("employee.timeZone", "Europe/Berlin"),
        ("employee.employment", "OnLeave"),
        ("employee.attributes.badge", "B-17"),
        ("employee.attributes['floor']", "3"),
    ] {
        assert_eq!(evaluate(path, &facts), Ok(text(expected)), "{path}");
    }
    assert_eq!(
        evaluate("employee.roles", &facts),
        Ok(texts(&["everyone", "eng-core"]))
    );
}

#[test]
fn the_end_of_the_last_day_is_written_as_each_directory_wants_it() {
    for (zone, at, file_time, day) in [
        ("UTC", "2027-02-01T00:00:00Z", "134459136000000000", "20850"),
        (
            "Europe/Berlin",
            "2027-01-31T23:00:00Z",
            "134459100000000000",
            "20850",
        ),
        // Whoever works west of Greenwich is not shut out before the evening.
        (
            "America/Los_Angeles",
            "2027-02-01T08:00:00Z",
            "134459424000000000",
            "20851",
        ),
        (
            "Pacific/Auckland",
            "2027-01-31T11:00:00Z",
            "134458668000000000",
            "20850",
        ),
    ] {
        let mut facts = ada();
        facts.end = Some(date(2027, 1, 31));
        facts.zone = jiff::tz::TimeZone::get(zone).unwrap();
        for (source, expected) in [
            ("employee.endsAt", at),
            ("fileTime(employee.endsAt)", file_time),
            (
                "employee.endsAt == '' ? fileTime(employee.endsAt) : string(int(fileTime(employee.endsAt)) + 0)",
                file_time,
            ),
            ("epochDay(employee.endsAt)", day),
            (
                "generalizedTime(employee.endsAt)",
                &format!("{}Z", at.replace(['-', ':', 'T', 'Z'], "")),
            ),
        ] {
            assert_eq!(
                evaluate(source, &facts),
                Ok(text(expected)),
                "{zone}: {source}"
            );
        }
    }
    // Nobody who has no last day is shut out, ever.
    let mut facts = ada();
    facts.end = None;
    for (source, expected) in [
        ("employee.endsAt", ""),
        ("fileTime(employee.endsAt)", "9223372036854775807"),
        (
            "employee.endsAt == '' ? fileTime(employee.endsAt) : string(int(fileTime(employee.endsAt)) + 2592000000000)",
            "9223372036854775807",
        ),
        ("epochDay(employee.endsAt)", ""),
        ("generalizedTime(employee.endsAt)", ""),
    ] {
        assert_eq!(evaluate(source, &facts), Ok(text(expected)), "{source}");
    }
}

#[test]
fn unset_fields_are_there_and_empty() {
    let mut facts = ada();
    facts.family = "".into();
    facts.preferred = "".into();
    facts.email = "".into();
    facts.personal_email = "".into();
    facts.location = "".into();
    facts.cost_center = "".into();
    facts.manager = None;
    facts.roles = Box::default();
    facts.attributes.clear();
    for path in [
        "name.family",
        "name.preferred",
        "email",
        "personalEmail",
        "location",
        "costCenter",
        "manager",
        "endDate",
    ] {
        assert_eq!(
            evaluate(&format!("employee.{path}"), &facts),
            Ok(text("")),
            "{path}"
        );
    }
    assert_eq!(
        evaluate("employee.roles.size() + employee.attributes.size()", &facts),
        Ok(AttributeValue::Integer(0))
    );
}

#[test]
fn every_function_does_what_its_name_says() {
    for (source, expected) in [
        (
            "size('Zoë') + 'ab'.size() + size([1]) + [1, 2].size() + size({'a': 1}) + {'a': 1}.size()",
            AttributeValue::Integer(10),
        ),
        ("'abc'.contains('b')", AttributeValue::Bool(true)),
        ("'abc'.startsWith('a')", AttributeValue::Bool(true)),
        ("'abc'.endsWith('a')", AttributeValue::Bool(false)),
        (
            "'abc'.matches('b+') && matches('abc', 'c$')",
            AttributeValue::Bool(true),
        ),
        ("ascii('Łukasz Ærø')", text("Lukasz AEro")),
        ("'AbÉ'.lowerAscii()", text("abÉ")),
        ("'abé'.upperAscii()", text("ABé")),
        ("'  a '.trim()", text("a")),
        ("'abé'.reverse()", text("éba")),
        ("'Zoë'.charAt(2) + ''.charAt(0)", text("ë")),
        (
            "'abcb'.indexOf('b') * 10 + 'abcb'.indexOf('b', 2)",
            AttributeValue::Integer(13),
        ),
        (
            "'abcb'.lastIndexOf('b') * 10 + 'abcb'.lastIndexOf('b', 2)",
            AttributeValue::Integer(31),
        ),
        ("'Zoë'.substring(1) + 'Zoë'.substring(0, 1)", text("oëZ")),
        (
            "'aaa'.replace('a', 'b') + 'aaa'.replace('a', 'b', 1)",
            text("bbbbaa"),
        ),
        (
            "'a,b,c'.split(',') + 'a,b,c'.split(',', 2)",
            texts(&["a", "b", "c", "a", "b,c"]),
        ),
        ("['a', 'b'].join() + ['a', 'b'].join('-')", text("aba-b")),
        (
            "string('a') + string(1) + string(1.5) + string(true)",
            text("a11.5true"),
        ),
        ("int('4') + int(1.9) + int(1)", AttributeValue::Integer(6)),
        (
            "double('1.5') + double(1) + double(0.5) == 3.0",
            AttributeValue::Bool(true),
        ),
        ("bool('true') && bool(true)", AttributeValue::Bool(true)),
    ] {
        assert_eq!(evaluate(source, &ada()), Ok(expected), "{source}");
    }
}

#[test]
fn every_signature_can_be_called_and_gives_the_type_it_declares() {
    for signature in FUNCTIONS {
        let samples: Vec<&[&str]> = signature
            .params
            .iter()
            .map(|param| -> &[&str] {
                match param {
                    Param::Text | Param::Sought | Param::Pattern => &["'1'"],
                    Param::Instant => &["employee.endsAt"],
                    Param::Int => &["0"],
                    Param::Bool => &["true"],
                    Param::Double => &["1.5"],
                    Param::Texts => &["['1']", "[]"],
                    Param::Sized => &["'1'", "[1]", "{'1': 1}"],
                }
            })
            .collect();
        for first in samples[0] {
            let rest: Vec<&str> = samples[1..].iter().map(|s| s[0]).collect();
            let name = signature.name;
            let call = match signature.style {
                Style::Method => format!("{first}.{name}({})", rest.join(", ")),
                Style::Function if rest.is_empty() => format!("{name}({first})"),
                Style::Function => format!("{name}({first}, {})", rest.join(", ")),
            };
            let given = match (signature.result)(&[]) {
                // Attributes hold no doubles; adding one fails for anything else.
                Type::Double => evaluate(&format!("{call} + 0.5 > 0.0"), &ada()),
                _ => evaluate(&call, &ada()),
            };
            let fits = matches!(
                ((signature.result)(&[]), &given),
                (Type::Text { .. }, Ok(AttributeValue::Text(_)))
                    | (Type::Bool | Type::Double, Ok(AttributeValue::Bool(_)))
                    | (Type::Int, Ok(AttributeValue::Integer(_)))
                    | (Type::List { .. }, Ok(AttributeValue::Texts(_)))
            );
            assert!(fits, "{call} gives {given:?}");
        }
    }
}

#[test]
fn names_become_ascii() {
    let username = "ascii(employee.name.given + '.' + employee.name.family).lowerAscii()";
    for (given, family, expected) in [
        ("Ada", "Lovelace", "ada.lovelace"),
        ("Łukasz", "Żółć", "lukasz.zolc"),
        ("Ζωή", "Παπαδοπούλου", "zoe.papadopoulou"),
        ("小明", "王", "xiaoming.wang"),
        ("Seán", "O'Brien", "sean.o'brien"),
        ("José María", "Núñez", "jose maria.nunez"),
        ("\u{e000}", "X", ".x"),
    ] {
        assert_eq!(
            evaluate(username, &named(given, family)),
            Ok(text(expected)),
            "{given} {family}"
        );
    }
    assert_eq!(evaluate("ascii('Łukasz')", &ada()), Ok(text("Lukasz")));
    assert_eq!(evaluate("ascii('Ζωή')", &ada()), Ok(text("Zoe")));
    assert_eq!(evaluate("ascii('小明')", &ada()), Ok(text("XiaoMing")));
    // Methods go by characters, not bytes.
    let greek = named("Ζωή", "");
    assert_eq!(
        evaluate(
            "employee.name.given.charAt(1) + employee.name.given.substring(2)",
            &greek
        ),
        Ok(text("ωή"))
    );
    assert_eq!(
        evaluate(
            "employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()",
            &greek
        ),
        Ok(text("Ζωή."))
    );
}

#[test]
fn what_only_a_person_decides_is_an_error_when_evaluated() {
    for (source, reason, says) in [
        (
            "employee.attributes.costPool",
            "CelMissingKey",
            "'costPool'",
        ),
        (
            "employee.attributes['costPool'] == 'x'",
            "CelMissingKey",
            "'costPool'",
        ),
        (
            "{'Paris': 'FR'}[employee.location]",
            "CelMissingKey",
            "'Berlin'",
        ),
        ("employee.roles[7]", "CelOutOfRange", "7"),
        ("int(employee.location)", "CelFunctionFailed", "int()"),
        (
            "employee.location.substring(9)",
            "CelFunctionFailed",
            "substring()",
        ),
        ("1 / (employee.roles.size() - 2)", "CelArithmetic", "zero"),
        (
            "9223372036854775807 + employee.roles.size()",
            "CelArithmetic",
            "64 bits",
        ),
        (
            "double('NaN') < double(employee.costCenter)",
            "CelArithmetic",
            "not a number",
        ),
        (
            "employee.roles.all(r, employee.attributes[r] == 'x')",
            "CelMissingKey",
            "eng-core",
        ),
    ] {
        let error = evaluate(source, &ada()).expect_err(source);
        assert_eq!(error.reason(), reason, "{source}: {error}");
        assert!(error.to_string().contains(says), "{source}: {error}");
    }
}

#[test]
fn the_conveniences_refuse_what_they_were_not_compiled_for() {
    let subject = Subject::new(&ada());
    let compile = |source| Expression::compile(source, ResultKind::Attribute).expect(source);
    assert_eq!(compile("true").evaluate_bool(&subject), Ok(true));
    assert_eq!(compile("'a'").evaluate_text(&subject), Ok("a".to_owned()));
    assert_eq!(
        compile("'a'")
            .evaluate_bool(&subject)
            .map_err(|e| e.reason()),
        Err("CelUnchecked")
    );
    assert_eq!(
        compile("1").evaluate_text(&subject).map_err(|e| e.reason()),
        Err("CelUnchecked")
    );
}

#[test]
fn values_are_shared_between_threads_and_say_nothing_of_the_person() {
    fn shared<T: Send + Sync>(_: &T) {}
    let subject = Subject::new(&ada());
    let expression = Expression::compile("employee.email", ResultKind::Text).expect("it is right");
    shared(&subject);
    shared(&expression);
    assert!(!format!("{subject:?}").contains("Ada"));
    assert_eq!(format!("{expression:?}"), r#"Expression("employee.email")"#);
    assert_eq!(expression.source(), "employee.email");
}
