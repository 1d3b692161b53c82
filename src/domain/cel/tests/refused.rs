//! What is refused: why, where, and with which words.

use crate::domain::cel::{CelReason, Expression, ResultKind};

fn refuse(source: &str, wants: ResultKind) -> crate::domain::cel::CelError {
    match Expression::compile(source, wants) {
        Ok(_) => panic!("{source} is accepted"),
        Err(error) => error,
    }
}

/// Reason, line, column, a part of the message, and the suggestion, if there is to be one.
type Row = (&'static str, CelReason, u32, u32, &'static str, Option<&'static str>);

fn check(rows: &[Row]) {
    for (source, reason, line, column, says, suggestion) in rows {
        let error = refuse(source, ResultKind::Attribute);
        assert_eq!(
            (error.reason, error.at.line, error.at.column, error.suggestion.as_deref()),
            (*reason, *line, *column, *suggestion),
            "{source}: {error}"
        );
        assert!(error.message.contains(says), "{source}: {error}");
        if let Some(suggestion) = suggestion {
            assert!(error.message.contains(&format!("did you mean {suggestion}?")), "{source}: {error}");
        }
        assert_eq!(error.to_string(), format!("line {line}, column {column}: {}", error.message));
    }
}

#[test]
fn misspelt_fields() {
    use CelReason::CelUnknownField as Field;
    check(&[
        ("employee.jobTtle", Field, 1, 10, "no field jobTtle on employee", Some("jobTitle")),
        ("employee.jobtitle == 'x'", Field, 1, 10, "no field jobtitle", Some("jobTitle")),
        ("employee.job_title", Field, 1, 10, "no field job_title", Some("jobTitle")),
        ("'Zoë' == employee . costcentre", Field, 1, 21, "no field costcentre", Some("costCenter")),
        ("true &&\n  employee.name.givn == 'x'", Field, 2, 17, "no field givn on employee.name", Some("given")),
        ("employee.family", Field, 1, 10, "no field family on employee", Some("name.family")),
        ("employee.name.department", Field, 1, 15, "no field", Some("employee.department")),
        ("employee.shoeSize", Field, 1, 10, "it has employeeId, name, email", None),
        ("employee.shoeSize", Field, 1, 10, "go into employee.attributes", None),
        ("has(employee.jobTtle)", Field, 1, 14, "no field", Some("jobTitle")),
        ("[1].exists(x, employee.roels == [])", Field, 1, 24, "no field", Some("roles")),
        ("employee.departmen.startsWith('x')", Field, 1, 10, "no field", Some("department")),
    ]);
}

#[test]
fn unknown_variables() {
    use CelReason::CelUnknownVariable as Variable;
    check(&[
        ("employe.location", Variable, 1, 1, "no variable employe", Some("employee")),
        ("department == 'x'", Variable, 1, 1, "no variable department", Some("employee.department")),
        ("1 == user.size()", Variable, 1, 6, "the only one is employee; put quotes around text", None),
        ("employee.location == Berlin", Variable, 1, 22, "put quotes around text", None),
        ("employee.roles.exists(role, roel == 'x')", Variable, 1, 29, "no variable roel", Some("role")),
        ("employee.roles.exists(r, true) && r == 'x'", Variable, 1, 35, "no variable r", None),
        (".employee.location", Variable, 1, 2, "no variable .employee", Some("employee")),
        ("employee.roles.exists(employee, true)", Variable, 1, 23, "taken", None),
        ("employee.roles.exists(r, [1].exists(r, r == 1))", Variable, 1, 37, "choose another name", None),
        ("employee.roles.exists(.r, true)", Variable, 1, 24, "remove the dot", None),
        ("string == 1", Variable, 1, 1, "no variable string", None),
    ]);
}

#[test]
fn unknown_functions() {
    use CelReason::CelUnknownFunction as Function;
    check(&[
        ("employee.email.lowerAsci()", Function, 1, 16, "no method lowerAsci", Some("lowerAscii")),
        ("employee.email.toLowerCase()", Function, 1, 16, "no method", Some("lowerAscii")),
        ("length(employee.email)", Function, 1, 1, "no function length", Some("size")),
        ("employee.email . startswith ('a')", Function, 1, 18, "no method", Some("startsWith")),
        ("employee.roles.any(r, true)", Function, 1, 16, "no method", Some("exists")),
        ("employee.startDate < now()", Function, 1, 22, "know no clock", None),
        ("timestamp(employee.startDate) == 1", Function, 1, 1, "'2026-12-01'", None),
        ("duration('1h') == 1", Function, 1, 1, "know no clock", None),
        ("employee.startDate.getFullYear()", Function, 1, 20, "know no clock", None),
        ("type(1) == int", Function, 1, 1, "docs/cel.md", None),
        ("dyn(1)", Function, 1, 1, "docs/cel.md", None),
        ("uint(1)", Function, 1, 1, "no function uint", Some("int")),
        ("'%s'.format(['a'])", Function, 1, 6, "docs/cel.md", None),
        ("frobnicate(1)", Function, 1, 1, "no function frobnicate: docs/cel.md", None),
        ("string(.size('a'))", Function, 1, 8, "no function .size", Some("size")),
    ]);
}

#[test]
fn calls_that_do_not_fit() {
    use CelReason::{CelAlwaysTrue, CelUnsupported, CelWrongArguments as Arguments, CelWrongType as Type, CelWrongValue};
    check(&[
        ("lowerAscii(employee.email)", Arguments, 1, 1, "write string.lowerAscii()", None),
        ("'1'.int()", Arguments, 1, 5, "write int(string) or", None),
        ("employee.email.contains()", Arguments, 1, 16, "string.contains(string)", None),
        ("employee.email.startsWith('a', 'b')", Arguments, 1, 16, "string.startsWith(string)", None),
        ("employee.roles.exists(r)", Arguments, 1, 16, "employee.roles.exists(r, r.startsWith('eng-'))", None),
        ("exists(employee.roles, true)", Arguments, 1, 1, "exists is not used like this", None),
        ("employee.roles.map(1, 2)", Arguments, 1, 20, "a new name for each element", None),
        ("has(employee)", Arguments, 1, 5, "a key selected from a map", None),
        ("has('a')", Arguments, 1, 5, "has(employee.attributes.badge)", None),
        ("employee.has(employee.email)", Arguments, 1, 10, "has is not used like this", None),
        ("employee.email.contains(1)", Type, 1, 25, "can't be given int: write string.contains(string)", None),
        ("1.contains('a')", Type, 1, 1, "", None),
        ("employee.roles.lowerAscii()", Type, 1, 1, "can't be given list(string)", None),
        ("employee.email.indexOf('a', 'b')", Type, 1, 29, "string.indexOf(string, int)", None),
        ("int(true)", Type, 1, 5, "can't be given bool", None),
        ("size(1)", Type, 1, 6, "string, list or map", None),
        ("[1].join()", Type, 1, 1, "list(string).join()", None),
        ("ascii(employee.name)", Type, 1, 7, "employee.name is no value of its own: select a field, such as employee.name.given", None),
        ("employee.roles.exists(r, r)", Type, 1, 26, "exists needs bool here, and this is string", None),
        ("employee.roles.filter(r, 1)", Type, 1, 26, "filter needs bool", None),
        ("employee.roles.map(r, r, r)", Type, 1, 23, "a condition is needed", None),
        ("employee.email.exists(c, true)", Type, 1, 1, "split() makes a list", None),
        ("employee.attributes.exists(k, true)", CelUnsupported, 1, 1, "no order", None),
        ("employee.attributes.map(k, k)", CelUnsupported, 1, 1, "in or has()", None),
        ("has(employee.endDate)", CelAlwaysTrue, 1, 1, "always present, and empty when unset", Some("employee.endDate != ''")),
        ("true && has(employee.roles)", CelAlwaysTrue, 1, 9, "always present", Some("employee.roles.size() > 0")),
        ("has(employee.name.family)", CelAlwaysTrue, 1, 1, "employee.name.family", Some("employee.name.family != ''")),
        ("employee.email.matches(employee.location)", CelUnsupported, 1, 24, "must be written out", None),
        ("employee.email.matches('a' + 'b')", CelUnsupported, 1, 24, "must be written out", None),
        ("employee.email.matches('(a')", CelWrongValue, 1, 24, "unclosed group", None),
        ("matches('', r'\\w{300}')", CelWrongValue, 1, 13, "too much memory", None),
    ].into_iter().filter(|row| !row.4.is_empty()).collect::<Vec<_>>());
}

#[test]
fn types_that_do_not_fit() {
    use CelReason::{CelUnsupported, CelWrongType as Type, CelWrongValue as Value};
    check(&[
        ("employee.email + 1", Type, 1, 16, "+ can't be applied to string and int: convert", None),
        ("'Zoë' == 1", Type, 1, 7, "== can't be applied to string and int", None),
        ("1 == 1.0", Type, 1, 3, "int() or double()", None),
        ("1 + 1.0", Type, 1, 3, "int() or double()", None),
        ("true < false", Type, 1, 6, "< can't be applied to bool and bool", None),
        ("['a'] < ['b']", Type, 1, 7, "use in, exists() or size() with a list", None),
        ("employee.roles == 'admin'", Type, 1, 16, "use in, exists()", None),
        ("1.5 % 2.0", Type, 1, 5, "% can't be applied", None),
        ("'a' * 3", Type, 1, 5, "* can't be applied", None),
        ("-'a'", Type, 1, 2, "needs a number", None),
        ("!employee.email", Type, 1, 2, "a condition is needed, and this is string", None),
        ("employee.email && true", Type, 1, 1, "a condition is needed", None),
        ("true || 1", Type, 1, 9, "and this is int", None),
        ("1 ? 2 : 3", Type, 1, 1, "a condition is needed", None),
        ("true ? 2 : 'a'", Type, 1, 6, "int or string", None),
        ("employee", Type, 1, 1, "employee is no value of its own: select a field", None),
        ("employee == employee", Type, 1, 1, "select a field", None),
        ("[employee.name]", Type, 1, 2, "select a field", None),
        ("employee.email.x", Type, 1, 16, "string has no fields, so there is no x", None),
        ("employee['email']", Type, 1, 9, "with a dot", None),
        ("employee.email[0]", Type, 1, 15, "charAt()", None),
        ("employee.roles['a']", Type, 1, 15, "a whole number", None),
        ("employee.attributes[1]", Type, 1, 20, "a map takes a text", None),
        ("1 in ['a']", Type, 1, 3, "int can't be in list(string)", None),
        ("'a' in employee.email", Type, 1, 5, "use contains()", None),
        ("1 in employee.attributes", Type, 1, 3, "keys of a map are texts", None),
        ("[1, 'a']", Type, 1, 5, "string in a list of int", None),
        ("{'a': 1, 'b': 'x'}['a']", Type, 1, 15, "string in a map of int", None),
        ("{1: 2}[1]", CelUnsupported, 1, 2, "a text in quotes", None),
        ("{'a': 1, 'a': 2}['a']", Value, 1, 10, "twice", None),
        ("null == employee.email", CelUnsupported, 1, 1, "compare with ''", None),
        ("employee.endDate == null", CelUnsupported, 1, 21, "compare with ''", None),
        ("1u", CelUnsupported, 1, 1, "leave the u out", None),
        ("b'a'", CelUnsupported, 1, 1, "leave the b out", None),
        ("Message{a: 1}", CelUnsupported, 1, 8, "no type Message", None),
        ("1 / 0", Value, 1, 5, "division by zero", None),
        ("1 % 0", Value, 1, 5, "division by zero", None),
    ]);
}

#[test]
fn values_that_nobody_has() {
    use CelReason::CelWrongValue as Value;
    check(&[
        ("employee.employment == 'onleave'", Value, 1, 24, "never occurs", Some("OnLeave")),
        ("'Retired' != employee.employment", Value, 1, 1, "one of Active, OnLeave, Suspended", None),
        ("employee.employment in ['Active', 'Suspendet']", Value, 1, 35, "never occurs", Some("Suspended")),
        ("employee.startDate < '2026-1-5'", Value, 1, 22, "write it as '2026-12-01'", None),
        ("employee.endDate <= '2026-02-30'", Value, 1, 21, "no date", None),
        ("employee.startDate == '01.12.2026'", Value, 1, 23, "no date", None),
    ]);
    for accepted in [
        "employee.employment != 'Active'",
        "employee.endDate != '' && employee.endDate <= '2026-02-28'",
        "employee.startDate == employee.endDate",
        "employee.startDate in ['2026-12-01', '']",
        "employee.startDate.startsWith('2026-1')",
        "(employee.location == '' ? employee.employment : employee.location) == 'x'",
    ] {
        assert!(Expression::compile(accepted, ResultKind::Bool).is_ok(), "{accepted}");
    }
}

#[test]
fn syntax() {
    use CelReason::CelSyntax as Syntax;
    check(&[
        ("", Syntax, 1, 1, "is empty", None),
        ("  // nothing\n ", Syntax, 1, 1, "is empty", None),
        ("employee.", Syntax, 1, 10, "ends too early", None),
        ("1 +", Syntax, 1, 4, "ends too early", None),
        ("'é' == (1", Syntax, 1, 8, "'(' is never closed: add ')'", None),
        ("[1, 2", Syntax, 1, 1, "add ']'", None),
        ("(1]", Syntax, 1, 3, "']' does not close '('", None),
        ("1)", Syntax, 1, 2, "closes nothing", None),
        ("'abc", Syntax, 1, 1, "never closed: end it with '", None),
        ("true ||\n \"a\nb\"", Syntax, 2, 2, "never closed", None),
        ("'''a'", Syntax, 1, 1, "end it with '''", None),
        ("employee.email = 'x'", Syntax, 1, 16, "nothing can be assigned", Some("==")),
        ("employee.email === 'x'", Syntax, 1, 16, "not ===", Some("==")),
        ("true & false", Syntax, 1, 6, "no operator", Some("&&")),
        ("true | false", Syntax, 1, 6, "no operator", Some("||")),
        ("true and false", Syntax, 1, 6, "and is not expected here", Some("&&")),
        ("not true", Syntax, 1, 5, "true is not expected here", Some("!")),
        ("[1,,2]", Syntax, 1, 4, ", is not expected here", None),
        ("'Zoë' 'Ada'", Syntax, 1, 7, "'Ada' is not expected here", None),
        ("employee.email; true", Syntax, 1, 15, "unexpected ';'", None),
        ("é", Syntax, 1, 1, "unexpected 'é'", None),
        ("employee.email == ’x’", Syntax, 1, 19, "typographic quote", Some("'")),
        ("'a\\d'", Syntax, 1, 3, "r'\\d+'", None),
        ("'a\\ud800'", Syntax, 1, 1, "hexadecimal", None),
        ("for", Syntax, 1, 1, "for is a reserved word", None),
        ("99999999999999999999", Syntax, 1, 1, "too large", None),
        ("1e999", Syntax, 1, 1, "too large", None),
        ("employee.?email", Syntax, 1, 9, "optional", None),
        ("employee.roles[?0]", Syntax, 1, 15, "optional", None),
        ("employee.`email`", Syntax, 1, 10, "unexpected '`'", None),
        ("true ? 1", Syntax, 1, 9, "ends too early", None),
    ]);
}

#[test]
fn results_of_the_wrong_type() {
    for (source, wants, says) in [
        ("employee.email", ResultKind::Bool, "this gives string, and a condition is needed here (bool)"),
        ("employee.roles", ResultKind::Bool, "this gives list(string), and a condition"),
        ("true", ResultKind::Text, "this gives bool, and text is needed here (string)"),
        ("employee.roles", ResultKind::Text, "join()"),
        ("1.5", ResultKind::Attribute, "this gives double, and an attribute holds"),
        ("[1]", ResultKind::Attribute, "this gives list(int), and an attribute holds"),
        ("employee.attributes", ResultKind::Attribute, "this gives map(string, string)"),
        ("{}", ResultKind::Attribute, "this gives map(string, nothing)"),
    ] {
        let error = refuse(source, wants);
        assert_eq!((error.reason, error.at.line, error.at.column), (CelReason::CelWrongType, 1, 1), "{source}: {error}");
        assert!(error.message.contains(says), "{source}: {error}");
    }
}
