//! Properties: nothing panics, and what is accepted has a result of its type and within its bounds
//! for anybody.

use std::cell::Cell;

use jiff::civil::date;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::domain::account::AttributeValue;
use crate::domain::cel::check::Checker;
use crate::domain::cel::tests::ada;
use crate::domain::cel::{EvalError, Expression, ResultKind, Subject, syntax};
use crate::domain::facts::{Employment, Facts};

/// Texts as people and test writers think of them, and any others.
fn any_text(max: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-c]{0,4}",
        Just("12".to_owned()),
        Just("Ζωή 小明 O'Brien é\u{301}".to_owned()),
        vec(any::<char>(), 0..max).prop_map(|c| c.into_iter().collect()),
    ]
}

fn person() -> impl Strategy<Value = Facts> {
    (
        vec(any_text(200), 8),
        vec(any_text(40), 0..6),
        btree_map("[a-c]{1,2}", any_text(1024), 0..6),
        prop_oneof![Just(Employment::Active), Just(Employment::OnLeave), Just(Employment::Suspended)],
        proptest::option::of(0_i8..28),
    )
        .prop_map(|(texts, roles, attributes, employment, end)| {
            let [given, family, preferred, email, department, job_title, location, cost_center] =
                <[String; 8]>::try_from(texts).unwrap_or_default();
            Facts {
                display: format!("{given} {family}"),
                given,
                family,
                preferred,
                email,
                department,
                job_title,
                location,
                cost_center,
                manager: None,
                end: end.map(|day| date(2027, 1, day + 1)),
                employment,
                roles: roles.iter().map(|r| r.as_str().into()).collect(),
                attributes,
                ..ada()
            }
        })
}

/// Expressions, of which many are of fitting types: each kind is made of the others.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "(employee\\.(email|name\\.(given|family|display)|location|employment|startDate|endDate|manager|roles|attributes))",
        "(employee\\.attributes\\.[a-c]|employee\\.attributes\\['[a-c]'\\])",
        "('[a-c]{0,3}'|''|'12'|'é小'|'2026-12-01'|'Active')",
        "(-?[0-9]|9223372036854775807|true|false|1\\.5|0\\.0|\\[\\]|\\{\\})",
        "(x|y|employee|employee\\.name|null|1u)",
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operator = "(\\+|-|\\*|/|%|==|!=|<|<=|>|>=|&&|\\|\\||in)";
        let unary = "(lowerAscii|upperAscii|trim|reverse|size|join)";
        let binary = "(contains|startsWith|endsWith|indexOf|lastIndexOf|split|charAt|substring|join|matches)";
        let macros = "(exists|all|exists_one|filter|map)";
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            (inner.clone(), unary).prop_map(|(a, f)| format!("{a}.{f}()")),
            (inner.clone(), binary, inner.clone()).prop_map(|(a, f, b)| format!("{a}.{f}({b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("{a}.replace({b}, {c})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("{a}.substring({b}, {c})")),
            ("(string|int|double|bool|ascii|size|has|!|-)", inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (inner.clone(), macros, "(x|y)", inner.clone()).prop_map(|(l, m, v, b)| format!("{l}.{m}({v}, {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            vec(inner.clone(), 0..3).prop_map(|e| format!("[{}]", e.join(", "))),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{{'a': {a}, 'b': {b}}}")),
        ]
    })
}

/// The most that the result may hold, as the check reckons it.
fn bound(source: &str) -> u64 {
    let Ok(parsed) = syntax::parse(source) else { return 0 };
    let mut checker = Checker::new(source, &parsed.info);
    checker.value(&parsed.written).map_or(0, |c| c.of.weight())
}

fn size(value: &AttributeValue) -> u64 {
    match value {
        AttributeValue::Text(text) => text.chars().count() as u64 + 1,
        AttributeValue::Texts(texts) => 1 + texts.iter().map(|t| t.chars().count() as u64 + 1).sum::<u64>(),
        AttributeValue::Bool(_) | AttributeValue::Integer(_) | AttributeValue::Account(_) => 1,
    }
}

#[test]
fn what_is_accepted_gives_its_type_within_its_bounds_for_anybody() {
    let (accepted, failed) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(Config::with_cases(1500));
    let outcome = runner.run(&(expression(), person()), |(source, facts)| {
        let subject = Subject::new(&facts);
        for wants in [ResultKind::Bool, ResultKind::Text, ResultKind::Attribute] {
            let Ok(expression) = Expression::compile(&source, wants) else { continue };
            accepted.set(accepted.get() + 1);
            match expression.evaluate(&subject) {
                Ok(value) => {
                    match wants {
                        ResultKind::Bool => prop_assert!(matches!(value, AttributeValue::Bool(_)), "{source}: {value:?}"),
                        ResultKind::Text => prop_assert!(matches!(value, AttributeValue::Text(_)), "{source}: {value:?}"),
                        ResultKind::Attribute => {}
                    }
                    prop_assert!(size(&value) <= bound(&source), "{source}: {} > {}", size(&value), bound(&source));
                }
                Err(EvalError::Unchecked { message }) => {
                    return Err(TestCaseError::fail(format!("{source}: {message}")));
                }
                Err(_) => failed.set(failed.get() + 1),
            }
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
    println!("{} accepted, of which {} failed when evaluated", accepted.get(), failed.get());
    assert!(accepted.get() > 100, "only {} were accepted", accepted.get());
    assert!(failed.get() > 5, "only {} failed when evaluated", failed.get());
}

/// Fragments of CEL put together without rhyme or reason.
fn gibberish() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        4 => "(employee|\\.|name|roles|exists|has|size|x|\\(|\\)|\\[|\\]|\\{|\\}|,|:|\\?|!|-|\\+|==|&&|in| |'|\"|'''|\\\\|r'|1|0x|1u|1e9|@|`|//|\n)",
        1 => any::<char>().prop_map(|c| c.to_string()),
    ];
    vec(fragment, 0..25).prop_map(|f| f.concat())
}

proptest! {
    #![proptest_config(Config::with_cases(1500))]

    #[test]
    fn gibberish_is_refused_at_a_place_within_it(source in gibberish()) {
        if let Err(error) = Expression::compile(&source, ResultKind::Attribute) {
            let lines: Vec<&str> = source.split('\n').collect();
            let line = lines.get(error.at.line as usize - 1);
            prop_assert!(line.is_some(), "{source:?}: {error}");
            let length = line.map_or(0, |l| l.chars().count());
            prop_assert!(error.at.column >= 1 && error.at.column as usize <= length + 1, "{source:?}: {error}");
            prop_assert!(error.message.len() > 10, "{source:?}: {error}");
            prop_assert!(error.reason != crate::domain::cel::CelReason::CelNotExamined, "{source:?}: {error}");
        }
    }

    #[test]
    fn any_text_is_transliterated_to_ascii_once_and_for_all(text in any_text(200)) {
        let ascii = crate::domain::cel::functions::transliterate(&text);
        prop_assert!(ascii.is_ascii());
        prop_assert_eq!(crate::domain::cel::functions::transliterate(&ascii), ascii);
    }
}
