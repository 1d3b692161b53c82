//! What is accepted, and what it gives.

use super::{ada, evaluate, text, texts};
use crate::domain::account::AttributeValue;

#[test]
fn fields_keys_and_operators() {
    for (source, expected) in [
        // The expressions of the examples.
        (
            "employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()",
            text("ada.lovelace"),
        ),
        (
            "employee.department == 'Marketing' && employee.jobTitle.endsWith('Manager')",
            AttributeValue::Bool(true),
        ),
        // Dates compare as text.
        (
            "employee.startDate < '2027-01-01'",
            AttributeValue::Bool(true),
        ),
        ("employee.endDate == ''", AttributeValue::Bool(true)),
        // Keys.
        ("has(employee.attributes.badge)", AttributeValue::Bool(true)),
        (
            "has(employee.attributes.costPool)",
            AttributeValue::Bool(false),
        ),
        ("'badge' in employee.attributes", AttributeValue::Bool(true)),
        ("'x' in employee.attributes", AttributeValue::Bool(false)),
        (
            "has(employee.attributes.costPool) ? employee.attributes.costPool : 'none'",
            text("none"),
        ),
        (
            "{'Berlin': 'DE', 'Paris': 'FR'}[employee.location]",
            text("DE"),
        ),
        // An error beside a decided condition does not matter.
        (
            "employee.attributes.x == 'y' || true",
            AttributeValue::Bool(true),
        ),
        // Operators.
        ("1 + 2 * 3 - 8 / 4 % 3", AttributeValue::Integer(5)),
        ("-(3)", AttributeValue::Integer(-3)),
        ("1.5 + 0.5 == 2.0", AttributeValue::Bool(true)),
        ("!(employee.type != 'Employee')", AttributeValue::Bool(true)),
        (
            "employee.location in ['Berlin', 'Paris']",
            AttributeValue::Bool(true),
        ),
        ("['a'] + ['b']", texts(&["a", "b"])),
        ("[]", texts(&[])),
        ("['a', 'b'][1]", text("b")),
        (
            "employee.roles == ['everyone', 'eng-core']",
            AttributeValue::Bool(true),
        ),
    ] {
        assert_eq!(evaluate(source, &ada()), Ok(expected), "{source}");
    }
}

#[test]
fn comprehensions_patterns_and_text() {
    for (source, expected) in [
        // Comprehensions.
        (
            "employee.roles.exists(r, r == 'eng-core')",
            AttributeValue::Bool(true),
        ),
        (
            "employee.roles.all(r, r.startsWith('e'))",
            AttributeValue::Bool(true),
        ),
        (
            "employee.roles.exists_one(r, r.startsWith('eng-'))",
            AttributeValue::Bool(true),
        ),
        (
            "employee.roles.existsOne(r, r.startsWith('e'))",
            AttributeValue::Bool(false),
        ),
        (
            "employee.roles.map(r, r.upperAscii())",
            texts(&["EVERYONE", "ENG-CORE"]),
        ),
        (
            "employee.roles.map(r, r != 'everyone', r.replace('eng-', ''))",
            texts(&["core"]),
        ),
        (
            "employee.roles.filter(r, r.contains('-'))",
            texts(&["eng-core"]),
        ),
        (
            "employee.roles.exists(r, employee.attributes.teams.split(',').exists(t, r.endsWith(t)))",
            AttributeValue::Bool(false),
        ),
        // Patterns, also within comprehensions and twice the same.
        (
            "employee.jobTitle.matches('(?i)manager$')",
            AttributeValue::Bool(true),
        ),
        (
            r"matches(employee.costCenter, r'^\d+$')",
            AttributeValue::Bool(true),
        ),
        (
            "employee.roles.filter(r, r.matches('^eng-') && !r.matches('x$') && r.matches('^eng-'))",
            texts(&["eng-core"]),
        ),
        ("{'a': 'b'.matches('b')}['a']", AttributeValue::Bool(true)),
        // A text that is also a pattern stays a text.
        ("'^a'.matches('^a') ? 'x' : '^a'", text("^a")),
        // Text that is not ASCII, comments and several lines.
        ("'Zoë' + \"ü\"", text("Zoëü")),
        (
            "// who\nemployee.location\n  == 'Berlin'",
            AttributeValue::Bool(true),
        ),
        ("employee . location . lowerAscii ( )", text("berlin")),
        ("'a\\u00e9\\n'", text("aé\n")),
        (r"r'\d' + '''it's'''", text(r"\dit's")),
    ] {
        assert_eq!(evaluate(source, &ada()), Ok(expected), "{source}");
    }
}
