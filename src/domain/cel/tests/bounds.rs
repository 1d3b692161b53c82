//! Everything is bounded: length, nesting, the parser's stack, and what an evaluation can take.

use std::thread;

use crate::domain::cel::functions::{ASCII_EXPANSION, transliterate};
use crate::domain::cel::tests::ada;
use crate::domain::cel::{CelReason, Expression, ResultKind, Subject};

fn reason(source: &str) -> Option<CelReason> {
    Expression::compile(source, ResultKind::Attribute)
        .err()
        .map(|e| e.reason)
}

#[test]
fn limits_are_where_they_are_said_to_be() {
    use CelReason::{CelTooCostly, CelTooDeep, CelTooLong};
    let padded = |length: usize| format!("true{}", " ".repeat(length - 4));
    let listed = |elements: usize| format!("size([{}1])", "1,".repeat(elements - 1));
    let bracketed = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    let chosen = |depth: usize| format!("{}1", "true ? 1 : ".repeat(depth));
    let added = |terms: usize| vec!["1"; terms].join(" + ");
    let chained = |calls: usize| format!("'a'{}", ".trim()".repeat(calls));
    let grown = |times: usize| {
        format!(
            "employee.attributes.x{}",
            ".replace('', '12345678')".repeat(times)
        )
    };
    for (source, refused) in [
        (padded(4096), None),
        (padded(4097), Some(CelTooLong)),
        (listed(510), None),
        (listed(511), Some(CelTooLong)),
        (bracketed(24), None),
        (bracketed(25), Some(CelTooDeep)),
        (chosen(19), None),
        (chosen(20), Some(CelTooDeep)),
        (added(20), None),
        (added(21), Some(CelTooDeep)),
        (chained(19), None),
        (chained(20), Some(CelTooDeep)),
        // Many conditions side by side are no nesting.
        (vec!["employee.location == 'x'"; 100].join(" || "), None),
        (grown(2), None),
        (grown(3), Some(CelTooCostly)),
    ] {
        assert_eq!(reason(&source), refused, "{source}");
    }
}

#[test]
fn comprehensions_are_nested_twice_at_most() {
    let two = "employee.roles.exists(a, employee.roles.exists(b, a != b))";
    assert_eq!(reason(two), None);
    let three = "[1].exists(a, [1].exists(b, [1].exists(c, a == b && b == c)))";
    assert_eq!(reason(three), Some(CelReason::CelTooDeep));
    let after_each_other =
        "employee.roles.filter(a, a != 'x').map(b, b.trim()).exists(c, c == 'y')";
    assert_eq!(reason(after_each_other), None);
}

#[test]
fn what_could_take_long_or_grow_is_refused() {
    for source in [
        // A million rounds, each over a thousand characters.
        "employee.attributes.a.split('').exists(x, employee.attributes.b.split('').exists(y, x.contains(y)))",
        // Growing by multiplication.
        "['a'].map(a, employee.attributes.x.replace('', employee.attributes.x))",
        "employee.roles.map(a, employee.roles.map(b, employee.roles)).size()",
        "employee.roles.map(a, employee.attributes.x.split('').join(employee.attributes.x)).join()",
        // Searching at every place.
        "employee.attributes.x.replace('', '12345678901234567890').indexOf(employee.attributes.y.replace('', '12345678901234567890')) > 0 \
         && employee.attributes.y.replace('', '12345678901234567890').lastIndexOf(employee.attributes.x.replace('', '12345678901234567890')) > 0",
    ] {
        assert_eq!(reason(source), Some(CelReason::CelTooCostly), "{source}");
    }
}

#[test]
fn the_worst_that_the_bounds_admit_is_parsed_on_a_small_stack() {
    let worst = [
        "(".repeat(24) + "1" + &")".repeat(24),
        "[".repeat(24) + "1" + &"]".repeat(24),
        "{'a': ".repeat(24) + "1" + &"}".repeat(24),
        "size([".repeat(12) + "1" + &"])".repeat(12),
        "1.map(x, ".repeat(24) + "1" + &")".repeat(24),
        "1".to_owned() + &" + 1".repeat(511),
        "1".to_owned() + &" == 1".repeat(511),
        "employee".to_owned() + &".a".repeat(511),
        "employee".to_owned() + &"[0]".repeat(341),
        "employee".to_owned() + &".f()".repeat(255),
        "true".to_owned() + &" && true".repeat(511),
        "true ? 1 : ".repeat(24) + "1",
        "-".repeat(1023) + "1",
        "!".repeat(1023) + "true",
        "(".repeat(23) + "1" + &" + 1".repeat(480) + &")".repeat(23),
    ];
    let small = thread::Builder::new().stack_size(512 * 1024);
    let done = small.spawn(move || {
        for source in &worst {
            // What matters is to come back at all.
            let _ = Expression::compile(source, ResultKind::Attribute);
        }
        worst.len()
    });
    assert_eq!(done.expect("a thread").join().ok(), Some(15));
}

#[test]
fn the_deepest_that_is_accepted_is_evaluated_on_a_small_stack() {
    let deepest = [
        vec!["'a'"; 20].join(" + "),
        format!("'a'{}", ".trim()".repeat(19)),
        format!("{}'a'", "true ? 'a' : ".repeat(19)),
        // Two comprehensions, the inner one in the last argument of the outer, around a chain.
        format!(
            "string(employee.roles.map(a, employee.roles.map(b, true, {}).size()).size())",
            vec!["1"; 15].join(" + ")
        ),
        format!(
            "employee.roles.exists(a, !(employee.roles.all(b, {} == b))) ? 'a' : 'b'",
            vec!["b"; 14].join(" + ")
        ),
    ];
    let subject = Subject::new(&ada());
    for source in &deepest {
        let expression = Expression::compile(source, ResultKind::Text)
            .unwrap_or_else(|e| panic!("{source}: {e}"));
        thread::scope(|scope| {
            let small = thread::Builder::new().stack_size(1024 * 1024);
            let done = small.spawn_scoped(scope, || expression.evaluate_text(&subject).is_ok());
            assert_eq!(done.expect("a thread").join().ok(), Some(true), "{source}");
        });
    }
}

#[test]
fn no_character_has_a_longer_transliteration_than_is_reckoned_with() {
    for c in '\0'..=char::MAX {
        let ascii = transliterate(&c.to_string());
        assert!(ascii.is_ascii(), "{c:?}");
        assert!(ascii.len() as u64 <= ASCII_EXPANSION, "{c:?} is {ascii}");
    }
}
