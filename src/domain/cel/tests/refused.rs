//! What is refused: why, where, and with which words.

use crate::domain::cel::{CelError, CelReason, Expression, ResultKind};

fn refuse(source: &str, wants: ResultKind) -> CelError {
    match Expression::compile(source, wants) {
        Ok(_) => panic!("{source} is accepted"),
        Err(error) => error,
    }
}

/// Checks a table: expression, with ⏎ for a new line, reason, line and column, a part of the
/// message, and the suggestion where there is to be one.
fn check(table: &str) {
    let rows: Vec<&str> = table.lines().filter(|l| !l.trim().is_empty()).collect();
    assert!(rows.len() > 5);
    for row in rows {
        let cells: Vec<&str> = row
            .strip_prefix("        ")
            .unwrap_or(row)
            .split(" ¦ ")
            .collect();
        let (source, suggestion) = (cells[0].replace('⏎', "\n"), cells.get(4).copied());
        let error = refuse(&source, ResultKind::Attribute);
        let position = format!("{}:{}", error.at.line, error.at.column);
        assert_eq!(
            (
                error.reason.as_str(),
                position.as_str(),
                error.suggestion.as_deref()
            ),
            (cells[1], cells[2], suggestion),
            "{source}: {error}"
        );
        assert!(error.message.contains(cells[3]), "{source}: {error}");
        if let Some(meant) = suggestion {
            let asked = format!("did you mean {meant}?");
            assert!(error.message.contains(&asked), "{source}: {error}");
        }
        let (line, column) = (error.at.line, error.at.column);
        let shown = format!("line {line}, column {column}: {}", error.message);
        assert_eq!(error.to_string(), shown);
    }
}

#[test]
fn misspelt_fields() {
    check(
        r"
        employee.jobTtle ¦ CelUnknownField ¦ 1:10 ¦ no field jobTtle on employee ¦ jobTitle
        employee.jobtitle == 'x' ¦ CelUnknownField ¦ 1:10 ¦ no field jobtitle ¦ jobTitle
        employee.job_title ¦ CelUnknownField ¦ 1:10 ¦ no field job_title ¦ jobTitle
        'Zoë' == employee . costcentre ¦ CelUnknownField ¦ 1:21 ¦ no field costcentre ¦ costCenter
        true &&⏎  employee.name.givn == 'x' ¦ CelUnknownField ¦ 2:17 ¦ no field givn on employee.name ¦ given
        employee.family ¦ CelUnknownField ¦ 1:10 ¦ no field family on employee ¦ name.family
        employee.name.department ¦ CelUnknownField ¦ 1:15 ¦ no field ¦ employee.department
        employee.shoeSize ¦ CelUnknownField ¦ 1:10 ¦ it has employeeId, name, email
        employee.shoeSize ¦ CelUnknownField ¦ 1:10 ¦ go into employee.attributes
        has(employee.jobTtle) ¦ CelUnknownField ¦ 1:14 ¦ no field ¦ jobTitle
        [1].exists(x, employee.roels == []) ¦ CelUnknownField ¦ 1:24 ¦ no field ¦ roles
        employee.departmen.startsWith('x') ¦ CelUnknownField ¦ 1:10 ¦ no field ¦ department
        ",
    );
}

#[test]
fn unknown_variables() {
    check(
        r"
        employe.location ¦ CelUnknownVariable ¦ 1:1 ¦ no variable employe ¦ employee
        department == 'x' ¦ CelUnknownVariable ¦ 1:1 ¦ no variable department ¦ employee.department
        1 == user.size() ¦ CelUnknownVariable ¦ 1:6 ¦ the only one is employee; put quotes around text
        employee.location == Berlin ¦ CelUnknownVariable ¦ 1:22 ¦ put quotes around text
        employee.roles.exists(role, roel == 'x') ¦ CelUnknownVariable ¦ 1:29 ¦ no variable roel ¦ role
        employee.roles.exists(r, true) && r == 'x' ¦ CelUnknownVariable ¦ 1:35 ¦ no variable r
        .employee.location ¦ CelUnknownVariable ¦ 1:2 ¦ no variable .employee ¦ employee
        employee.roles.exists(employee, true) ¦ CelUnknownVariable ¦ 1:23 ¦ taken
        employee.roles.exists(r, [1].exists(r, r == 1)) ¦ CelUnknownVariable ¦ 1:37 ¦ choose another name
        employee.roles.exists(.r, true) ¦ CelUnknownVariable ¦ 1:24 ¦ remove the dot
        string == 1 ¦ CelUnknownVariable ¦ 1:1 ¦ no variable string
        ",
    );
}

#[test]
fn unknown_functions() {
    check(
        r"
        employee.email.lowerAsci() ¦ CelUnknownFunction ¦ 1:16 ¦ no method lowerAsci ¦ lowerAscii
        employee.email.toLowerCase() ¦ CelUnknownFunction ¦ 1:16 ¦ no method ¦ lowerAscii
        length(employee.email) ¦ CelUnknownFunction ¦ 1:1 ¦ no function length ¦ size
        employee.email . startswith ('a') ¦ CelUnknownFunction ¦ 1:18 ¦ no method ¦ startsWith
        employee.roles.any(r, true) ¦ CelUnknownFunction ¦ 1:16 ¦ no method ¦ exists
        employee.startDate < now() ¦ CelUnknownFunction ¦ 1:22 ¦ know no clock
        timestamp(employee.startDate) == 1 ¦ CelUnknownFunction ¦ 1:1 ¦ '2026-12-01'
        duration('1h') == 1 ¦ CelUnknownFunction ¦ 1:1 ¦ know no clock
        employee.startDate.getFullYear() ¦ CelUnknownFunction ¦ 1:20 ¦ know no clock
        type(1) == int ¦ CelUnknownFunction ¦ 1:1 ¦ docs/cel.md
        dyn(1) ¦ CelUnknownFunction ¦ 1:1 ¦ docs/cel.md
        uint(1) ¦ CelUnknownFunction ¦ 1:1 ¦ no function uint ¦ int
        '%s'.format(['a']) ¦ CelUnknownFunction ¦ 1:6 ¦ docs/cel.md
        frobnicate(1) ¦ CelUnknownFunction ¦ 1:1 ¦ no function frobnicate: docs/cel.md
        string(.size('a')) ¦ CelUnknownFunction ¦ 1:8 ¦ no function .size ¦ size
        ",
    );
}

#[test]
fn calls_that_do_not_fit() {
    check(
        r"
        lowerAscii(employee.email) ¦ CelWrongArguments ¦ 1:1 ¦ write string.lowerAscii()
        '1'.int() ¦ CelWrongArguments ¦ 1:5 ¦ write int(string) or
        employee.email.contains() ¦ CelWrongArguments ¦ 1:16 ¦ string.contains(string)
        employee.email.startsWith('a', 'b') ¦ CelWrongArguments ¦ 1:16 ¦ string.startsWith(string)
        employee.roles.exists(r) ¦ CelWrongArguments ¦ 1:16 ¦ employee.roles.exists(r, r.startsWith('eng-'))
        exists(employee.roles, true) ¦ CelWrongArguments ¦ 1:1 ¦ exists is not used like this
        employee.roles.map(1, 2) ¦ CelWrongArguments ¦ 1:20 ¦ a new name for each element
        has(employee) ¦ CelWrongArguments ¦ 1:5 ¦ a key selected from a map
        has('a') ¦ CelWrongArguments ¦ 1:5 ¦ has(employee.attributes.badge)
        employee.has(employee.email) ¦ CelWrongArguments ¦ 1:10 ¦ has is not used like this
        employee.email.contains(1) ¦ CelWrongType ¦ 1:25 ¦ can't be given int: write string.contains(string)
        employee.roles.lowerAscii() ¦ CelWrongType ¦ 1:1 ¦ can't be given list(string)
        employee.email.indexOf('a', 'b') ¦ CelWrongType ¦ 1:29 ¦ string.indexOf(string, int)
        int(true) ¦ CelWrongType ¦ 1:5 ¦ can't be given bool
        fileTime(employee.endDate) ¦ CelWrongType ¦ 1:10 ¦ write fileTime(employee.endsAt)
        employee.endsAt < '2026' ¦ CelWrongValue ¦ 1:19 ¦ no instant
        size(1) ¦ CelWrongType ¦ 1:6 ¦ string, list or map
        [1].join() ¦ CelWrongType ¦ 1:1 ¦ list(string).join()
        ascii(employee.name) ¦ CelWrongType ¦ 1:7 ¦ employee.name is no value of its own: select a field, such as employee.name.given
        employee.roles.exists(r, r) ¦ CelWrongType ¦ 1:26 ¦ exists needs bool here, and this is string
        employee.roles.filter(r, 1) ¦ CelWrongType ¦ 1:26 ¦ filter needs bool
        employee.roles.map(r, r, r) ¦ CelWrongType ¦ 1:23 ¦ a condition is needed
        employee.email.exists(c, true) ¦ CelWrongType ¦ 1:1 ¦ split() makes a list
        employee.attributes.exists(k, true) ¦ CelUnsupported ¦ 1:1 ¦ no order
        employee.attributes.map(k, k) ¦ CelUnsupported ¦ 1:1 ¦ in or has()
        has(employee.endDate) ¦ CelAlwaysTrue ¦ 1:1 ¦ always present, and empty when unset ¦ employee.endDate != ''
        true && has(employee.roles) ¦ CelAlwaysTrue ¦ 1:9 ¦ always present ¦ employee.roles.size() > 0
        has(employee.name.family) ¦ CelAlwaysTrue ¦ 1:1 ¦ employee.name.family ¦ employee.name.family != ''
        employee.email.matches(employee.location) ¦ CelUnsupported ¦ 1:24 ¦ must be written out
        employee.email.matches('a' + 'b') ¦ CelUnsupported ¦ 1:24 ¦ must be written out
        employee.email.matches('(a') ¦ CelWrongValue ¦ 1:24 ¦ unclosed group
        matches('', r'\w{300}') ¦ CelWrongValue ¦ 1:13 ¦ too much memory
        ",
    );
}

#[test]
fn types_that_do_not_fit() {
    check(
        r"
        employee.email + 1 ¦ CelWrongType ¦ 1:16 ¦ + can't be applied to string and int: convert
        'Zoë' == 1 ¦ CelWrongType ¦ 1:7 ¦ == can't be applied to string and int
        1 == 1.0 ¦ CelWrongType ¦ 1:3 ¦ int() or double()
        1 + 1.0 ¦ CelWrongType ¦ 1:3 ¦ int() or double()
        true < false ¦ CelWrongType ¦ 1:6 ¦ < can't be applied to bool and bool
        ['a'] < ['b'] ¦ CelWrongType ¦ 1:7 ¦ use in, exists() or size() with a list
        employee.roles == 'admin' ¦ CelWrongType ¦ 1:16 ¦ use in, exists()
        1.5 % 2.0 ¦ CelWrongType ¦ 1:5 ¦ % can't be applied
        'a' * 3 ¦ CelWrongType ¦ 1:5 ¦ * can't be applied
        -'a' ¦ CelWrongType ¦ 1:2 ¦ needs a number
        !employee.email ¦ CelWrongType ¦ 1:2 ¦ a condition is needed, and this is string
        employee.email && true ¦ CelWrongType ¦ 1:1 ¦ a condition is needed
        true || 1 ¦ CelWrongType ¦ 1:9 ¦ and this is int
        1 ? 2 : 3 ¦ CelWrongType ¦ 1:1 ¦ a condition is needed
        true ? 2 : 'a' ¦ CelWrongType ¦ 1:6 ¦ int or string
        employee ¦ CelWrongType ¦ 1:1 ¦ employee is no value of its own: select a field
        employee == employee ¦ CelWrongType ¦ 1:1 ¦ select a field
        [employee.name] ¦ CelWrongType ¦ 1:2 ¦ select a field
        employee.email.x ¦ CelWrongType ¦ 1:16 ¦ string has no fields, so there is no x
        employee['email'] ¦ CelWrongType ¦ 1:9 ¦ with a dot
        employee.email[0] ¦ CelWrongType ¦ 1:15 ¦ charAt()
        employee.roles['a'] ¦ CelWrongType ¦ 1:15 ¦ a whole number
        employee.attributes[1] ¦ CelWrongType ¦ 1:20 ¦ a map takes a text
        1 in ['a'] ¦ CelWrongType ¦ 1:3 ¦ int can't be in list(string)
        'a' in employee.email ¦ CelWrongType ¦ 1:5 ¦ use contains()
        1 in employee.attributes ¦ CelWrongType ¦ 1:3 ¦ keys of a map are texts
        [1, 'a'] ¦ CelWrongType ¦ 1:5 ¦ string in a list of int
        {'a': 1, 'b': 'x'}['a'] ¦ CelWrongType ¦ 1:15 ¦ string in a map of int
        {1: 2}[1] ¦ CelUnsupported ¦ 1:2 ¦ a text in quotes
        {'a': 1, 'a': 2}['a'] ¦ CelWrongValue ¦ 1:10 ¦ twice
        null == employee.email ¦ CelUnsupported ¦ 1:1 ¦ compare with ''
        employee.endDate == null ¦ CelUnsupported ¦ 1:21 ¦ compare with ''
        1u ¦ CelUnsupported ¦ 1:1 ¦ leave the u out
        b'a' ¦ CelUnsupported ¦ 1:1 ¦ leave the b out
        Message{a: 1} ¦ CelUnsupported ¦ 1:8 ¦ no type Message
        1 / 0 ¦ CelWrongValue ¦ 1:5 ¦ division by zero
        1 % 0 ¦ CelWrongValue ¦ 1:5 ¦ division by zero
        ",
    );
}

#[test]
fn values_that_nobody_has() {
    check(
        r"
        employee.employment == 'onleave' ¦ CelWrongValue ¦ 1:24 ¦ never occurs ¦ OnLeave
        'Retired' != employee.employment ¦ CelWrongValue ¦ 1:1 ¦ one of Active, OnLeave, Suspended
        employee.employment in ['Active', 'Suspendet'] ¦ CelWrongValue ¦ 1:35 ¦ never occurs ¦ Suspended
        employee.startDate < '2026-1-5' ¦ CelWrongValue ¦ 1:22 ¦ write it as '2026-12-01'
        employee.endDate <= '2026-02-30' ¦ CelWrongValue ¦ 1:21 ¦ no date
        employee.startDate == '01.12.2026' ¦ CelWrongValue ¦ 1:23 ¦ no date
        ",
    );
    for accepted in [
        "employee.employment != 'Active'",
        "employee.endDate != '' && employee.endDate <= '2026-02-28'",
        "employee.startDate == employee.endDate",
        "employee.startDate in ['2026-12-01', '']",
        "employee.startDate.startsWith('2026-1')",
        "(employee.location == '' ? employee.employment : employee.location) == 'x'",
    ] {
        assert!(
            Expression::compile(accepted, ResultKind::Bool).is_ok(),
            "{accepted}"
        );
    }
}

#[test]
fn syntax() {
    check(
        r#"
         ¦ CelSyntax ¦ 1:1 ¦ is empty
          // nothing⏎  ¦ CelSyntax ¦ 1:1 ¦ is empty
        employee. ¦ CelSyntax ¦ 1:10 ¦ ends too early
        1 + ¦ CelSyntax ¦ 1:4 ¦ ends too early
        'é' == (1 ¦ CelSyntax ¦ 1:8 ¦ '(' is never closed: add ')'
        [1, 2 ¦ CelSyntax ¦ 1:1 ¦ add ']'
        (1] ¦ CelSyntax ¦ 1:3 ¦ ']' does not close '('
        1) ¦ CelSyntax ¦ 1:2 ¦ closes nothing
        'abc ¦ CelSyntax ¦ 1:1 ¦ never closed: end it with '
        true ||⏎ "a⏎b" ¦ CelSyntax ¦ 2:2 ¦ never closed
        '''a' ¦ CelSyntax ¦ 1:1 ¦ end it with '''
        employee.email = 'x' ¦ CelSyntax ¦ 1:16 ¦ nothing can be assigned ¦ ==
        employee.email === 'x' ¦ CelSyntax ¦ 1:16 ¦ not === ¦ ==
        true & false ¦ CelSyntax ¦ 1:6 ¦ no operator ¦ &&
        true | false ¦ CelSyntax ¦ 1:6 ¦ no operator ¦ ||
        true and false ¦ CelSyntax ¦ 1:6 ¦ and is not expected here ¦ &&
        not true ¦ CelSyntax ¦ 1:5 ¦ true is not expected here ¦ !
        [1,,2] ¦ CelSyntax ¦ 1:4 ¦ , is not expected here
        'Zoë' 'Ada' ¦ CelSyntax ¦ 1:7 ¦ 'Ada' is not expected here
        employee.email; true ¦ CelSyntax ¦ 1:15 ¦ unexpected ';'
        é ¦ CelSyntax ¦ 1:1 ¦ unexpected 'é'
        employee.email == ’x’ ¦ CelSyntax ¦ 1:19 ¦ typographic quote ¦ '
        'a\d' ¦ CelSyntax ¦ 1:3 ¦ r'\d+'
        'a\ud800' ¦ CelSyntax ¦ 1:1 ¦ hexadecimal
        for ¦ CelSyntax ¦ 1:1 ¦ for is a reserved word
        99999999999999999999 ¦ CelSyntax ¦ 1:1 ¦ too large
        1e999 ¦ CelSyntax ¦ 1:1 ¦ too large
        employee.?email ¦ CelSyntax ¦ 1:9 ¦ optional
        employee.roles[?0] ¦ CelSyntax ¦ 1:15 ¦ optional
        employee.`email` ¦ CelSyntax ¦ 1:10 ¦ unexpected '`'
        true ? 1 ¦ CelSyntax ¦ 1:9 ¦ ends too early
        "#,
    );
}

#[test]
fn results_of_the_wrong_type() {
    for (source, wants, says) in [
        (
            "employee.email",
            ResultKind::Bool,
            "this gives string, and a condition is needed here (bool)",
        ),
        (
            "employee.roles",
            ResultKind::Bool,
            "this gives list(string), and a condition",
        ),
        (
            "true",
            ResultKind::Text,
            "this gives bool, and text is needed here (string)",
        ),
        ("employee.roles", ResultKind::Text, "join()"),
        (
            "1.5",
            ResultKind::Attribute,
            "this gives double, and an attribute holds",
        ),
        (
            "[1]",
            ResultKind::Attribute,
            "this gives list(int), and an attribute holds",
        ),
        (
            "employee.attributes",
            ResultKind::Attribute,
            "this gives map(string, string)",
        ),
        (
            "{}",
            ResultKind::Attribute,
            "this gives map(string, nothing)",
        ),
    ] {
        let error = refuse(source, wants);
        assert_eq!(
            (error.reason, error.at.line, error.at.column),
            (CelReason::CelWrongType, 1, 1),
            "{source}: {error}"
        );
        assert!(error.message.contains(says), "{source}: {error}");
    }
}
