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
        prop_oneof![
            Just(Employment::Active),
            Just(Employment::OnLeave),
            Just(Employment::Suspended)
        ],
        proptest::option::of(0_i8..28),
    )
        .prop_map(|(texts, roles, attributes, employment, end)| {
            let [
                given,
                family,
                preferred,
                email,
                department,
                job_title,
                location,
                cost_center,
            ] = <[String; 8]>::try_from(texts).unwrap_or_default();
            Facts {
                display: format!("{given} {family}").into(),
                given: given.into(),
                family: family.into(),
                preferred: preferred.into(),
                email: email.into(),
                department: department.into(),
                job_title: job_title.into(),
                location: location.into(),
                cost_center: cost_center.into(),
                manager: None,
                end: end.map(|day| date(2027, 1, day + 1)),
                employment,
                roles: roles.iter().map(|r| r.as_str().into()).collect(),
                attributes,
                ..ada()
            }
        })
}

/// Puts the parts of an expression together.
fn put<const N: usize>(
    parts: [BoxedStrategy<String>; N],
    with: impl Fn(&[String]) -> String + 'static,
) -> BoxedStrategy<String> {
    Vec::from(parts).prop_map(move |p| with(&p)).boxed()
}

fn one_of(strategies: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    proptest::strategy::Union::new(strategies).boxed()
}

/// Text. `names` are the variables around it, of type text.
fn text(depth: u32, names: &'static str) -> BoxedStrategy<String> {
    let mut leaves = vec![
        "employee\\.(email|name\\.(given|family|display|preferred)|location|manager|startDate|endDate|employment)".boxed(),
        "employee\\.attributes(\\.[a-c]|\\['[a-c]'\\])".boxed(),
        "'([a-c]{0,3}|12|é小|%)'".boxed(),
    ];
    if !names.is_empty() {
        leaves.push(
            proptest::sample::select(names.chars().map(String::from).collect::<Vec<_>>()).boxed(),
        );
    }
    if depth == 0 {
        return one_of(leaves);
    }
    let d = depth - 1;
    let t = || text(d, names);
    leaves.extend([
        put([t(), t()], |p| format!("({} + {})", p[0], p[1])),
        put([t(), "lowerAscii|upperAscii|trim|reverse".boxed()], |p| {
            format!("{}.{}()", p[0], p[1])
        }),
        put([t(), t(), t()], |p| {
            format!("{}.replace({}, {})", p[0], p[1], p[2])
        }),
        put([t(), number(d, names)], |p| {
            format!("{}.charAt({})", p[0], p[1])
        }),
        put([t(), number(d, names), number(d, names)], |p| {
            format!("{}.substring({}, {})", p[0], p[1], p[2])
        }),
        put([boolean(d, names), t(), t()], |p| {
            format!("({} ? {} : {})", p[0], p[1], p[2])
        }),
        put([t()], |p| format!("ascii({})", p[0])),
        put([number(d, names)], |p| format!("string({})", p[0])),
        put([list(d, names), t()], |p| {
            format!("{}.join({})", p[0], p[1])
        }),
        put([list(d, names), number(d, names)], |p| {
            format!("{}[{}]", p[0], p[1])
        }),
        put([t(), t(), t()], |p| {
            format!("{{'a': {}, 'b': {}}}[{}]", p[0], p[1], p[2])
        }),
    ]);
    one_of(leaves)
}

fn number(depth: u32, names: &'static str) -> BoxedStrategy<String> {
    let leaf = "-?[0-3]|9223372036854775807".boxed();
    if depth == 0 {
        return leaf;
    }
    let d = depth - 1;
    let t = || text(d, names);
    one_of(vec![
        leaf,
        put([t()], |p| format!("size({})", p[0])),
        put([list(d, names)], |p| format!("{}.size()", p[0])),
        put([t(), t(), number(d, names)], |p| {
            format!("{}.indexOf({}, {})", p[0], p[1], p[2])
        }),
        put([t(), t()], |p| format!("{}.lastIndexOf({})", p[0], p[1])),
        put(
            [number(d, names), "[-+*/%]".boxed(), number(d, names)],
            |p| format!("({} {} {})", p[0], p[1], p[2]),
        ),
        put([t()], |p| format!("int({})", p[0])),
        put([t()], |p| format!("int(double({}) * 1.5)", p[0])),
    ])
}

fn boolean(depth: u32, names: &'static str) -> BoxedStrategy<String> {
    let leaf = "true|false|has\\(employee\\.attributes\\.[a-c]\\)|'[a-c]' in employee\\.attributes"
        .boxed();
    if depth == 0 {
        return leaf;
    }
    let d = depth - 1;
    let t = || text(d, names);
    let b = || boolean(d, names);
    one_of(vec![
        leaf,
        put([t(), "==|!=|<|>=".boxed(), t()], |p| {
            format!("({} {} {} + '')", p[0], p[1], p[2])
        }),
        put(
            [number(d, names), "==|<|>=".boxed(), number(d, names)],
            |p| format!("({} {} {})", p[0], p[1], p[2]),
        ),
        put([b(), "&&|[|][|]|==".boxed(), b()], |p| {
            format!("({} {} {})", p[0], p[1], p[2])
        }),
        put([b()], |p| format!("!({})", p[0])),
        put([t(), "contains|startsWith|endsWith".boxed(), t()], |p| {
            format!("{}.{}({})", p[0], p[1], p[2])
        }),
        put([t()], |p| format!("{}.matches('^[a-b]+|é$')", p[0])),
        put([t(), list(d, names)], |p| format!("({} in {})", p[0], p[1])),
        put([list(d, names), list(d, names)], |p| {
            format!("({} == {})", p[0], p[1])
        }),
        put(
            [
                list(d, names),
                "exists|all|exists_one".boxed(),
                boolean(d, inner(names)),
            ],
            move |p| format!("{}.{}({}, {})", p[0], p[1], variable(names), p[2]),
        ),
        put([t()], |p| format!("(double({}) < 1.5)", p[0])),
    ])
}

fn list(depth: u32, names: &'static str) -> BoxedStrategy<String> {
    let leaf = one_of(vec!["employee\\.roles".boxed(), "\\[\\]".boxed()]);
    if depth == 0 {
        return leaf;
    }
    let d = depth - 1;
    let t = || text(d, names);
    one_of(vec![
        leaf,
        put([t(), t()], |p| format!("[{}, {}]", p[0], p[1])),
        put([t(), t()], |p| format!("{}.split({})", p[0], p[1])),
        put([list(d, names), list(d, names)], |p| {
            format!("({} + {})", p[0], p[1])
        }),
        put([list(d, names), text(d, inner(names))], move |p| {
            format!("{}.map({}, {})", p[0], variable(names), p[1])
        }),
        put([list(d, names), boolean(d, inner(names))], move |p| {
            format!("{}.filter({}, {})", p[0], variable(names), p[1])
        }),
    ])
}

/// The variable that a comprehension adds.
fn variable(names: &str) -> &'static str {
    match names {
        "" => "x",
        "x" => "y",
        _ => "z",
    }
}

fn inner(names: &str) -> &'static str {
    match names {
        "" => "x",
        "x" => "xy",
        _ => "xyz",
    }
}

/// The most that the result may hold, as the check reckons it.
fn bound(source: &str) -> u64 {
    let Ok(parsed) = syntax::parse(source) else {
        return 0;
    };
    let mut checker = Checker::new(source, &parsed.info);
    checker.value(&parsed.written).map_or(0, |c| c.of.weight())
}

fn size(value: &AttributeValue) -> u64 {
    match value {
        AttributeValue::Text(text) => text.chars().count() as u64 + 1,
        AttributeValue::Texts(texts) => {
            1 + texts
                .iter()
                .map(|t| t.chars().count() as u64 + 1)
                .sum::<u64>()
        }
        AttributeValue::Bool(_) | AttributeValue::Integer(_) | AttributeValue::Account(_) => 1,
    }
}

#[test]
fn what_is_accepted_gives_its_type_within_its_bounds_for_anybody() {
    let (accepted, failed) = (Cell::new(0), Cell::new(0));
    let kinds = prop_oneof![
        boolean(4, "").prop_map(|s| (s, ResultKind::Bool)),
        text(4, "").prop_map(|s| (s, ResultKind::Text)),
        number(4, "").prop_map(|s| (s, ResultKind::Attribute)),
        list(4, "").prop_map(|s| (s, ResultKind::Attribute)),
    ];
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(400)
    };
    let outcome =
        TestRunner::new(config).run(&(kinds, vec(person(), 3)), |((source, wants), people)| {
            let Ok(expression) = Expression::compile(&source, wants) else {
                return Ok(());
            };
            accepted.set(accepted.get() + 1);
            let bound = bound(&source);
            for facts in people {
                match expression.evaluate(&Subject::new(&facts)) {
                    Ok(value) => {
                        let fits = match wants {
                            ResultKind::Bool => matches!(value, AttributeValue::Bool(_)),
                            ResultKind::Text => matches!(value, AttributeValue::Text(_)),
                            ResultKind::Attribute => matches!(
                                value,
                                AttributeValue::Integer(_) | AttributeValue::Texts(_)
                            ),
                        };
                        prop_assert!(fits, "{source}: {value:?}");
                        prop_assert!(
                            size(&value) <= bound,
                            "{source}: {} > {bound}",
                            size(&value)
                        );
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
    println!(
        "{} of 400 accepted, {} evaluations failed",
        accepted.get(),
        failed.get()
    );
    assert!(
        accepted.get() > 200,
        "only {} of 400 were accepted",
        accepted.get()
    );
    assert!(
        failed.get() > 20,
        "only {} evaluations failed",
        failed.get()
    );
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
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(400) })]

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
