//! Holds the page for users to the tables.

use crate::domain::cel::check::MAX_DEPTH;
use crate::domain::cel::functions::{FUNCTIONS, MACROS};
use crate::domain::cel::scan::{MAX_LENGTH, MAX_NESTING};
use crate::domain::cel::schema::{Content, EMPLOYEE, Record};
use crate::domain::cel::{Expression, ResultKind};

const PAGE: &str = include_str!("../../../../docs/cel.md");

fn paths(record: &Record) -> Vec<String> {
    record
        .fields
        .iter()
        .flat_map(|field| match field.content {
            Content::Record(part) => paths(part),
            _ => vec![format!("{}.{}", record.path, field.name)],
        })
        .collect()
}

#[test]
fn the_page_has_every_field_and_no_other() {
    let rows: Vec<&str> = PAGE
        .lines()
        .filter_map(|l| l.strip_prefix("| `employee."))
        .filter(|l| l.split('|').nth(1).is_some_and(|t| !t.contains("Cel")))
        .filter_map(|l| l.split('`').next())
        .collect();
    let fields: Vec<String> = paths(&EMPLOYEE)
        .iter()
        .filter_map(|p| p.strip_prefix("employee.").map(str::to_owned))
        .collect();
    assert_eq!(rows, fields);
}

#[test]
fn the_page_has_every_function_and_every_limit() {
    for name in FUNCTIONS
        .iter()
        .map(|f| f.name)
        .chain(MACROS.iter().map(|(m, _)| *m))
    {
        let called = PAGE.contains(&format!("`{name}(")) || PAGE.contains(&format!(".{name}("));
        assert!(called, "docs/cel.md lacks {name}");
    }
    for limit in [
        format!("{MAX_LENGTH} bytes"),
        format!("{MAX_DEPTH} operations"),
        format!("{MAX_NESTING} brackets"),
    ] {
        assert!(PAGE.contains(&limit), "docs/cel.md lacks: {limit}");
    }
}

#[test]
fn the_examples_of_the_page_are_accepted() {
    let blocks: Vec<&str> = PAGE
        .split("```cel\n")
        .skip(1)
        .filter_map(|b| b.split("```").next())
        .collect();
    let [matches, values] = blocks[..] else {
        panic!("{} blocks", blocks.len())
    };
    for (block, wants) in [(matches, ResultKind::Bool), (values, ResultKind::Attribute)] {
        for source in block.lines() {
            let compiled = Expression::compile(source, wants);
            assert!(compiled.is_ok(), "{source}: {compiled:?}");
        }
        assert!(block.lines().count() > 4);
    }
    for (name, example) in MACROS {
        assert!(
            Expression::compile(example, ResultKind::Attribute).is_ok(),
            "{name}: {example}"
        );
    }
}

#[test]
fn the_page_is_right_about_what_is_refused() {
    let refused: Vec<(&str, &str)> = PAGE
        .lines()
        .filter_map(|line| {
            let mut cells = line.split(" | ");
            let source = cells.next()?.strip_prefix("| `")?.strip_suffix('`')?;
            Some((source, cells.next().filter(|c| c.starts_with("Cel"))?))
        })
        .collect();
    assert_eq!(refused.len(), 11);
    for (source, reason) in refused {
        let error = Expression::compile(source, ResultKind::Attribute).expect_err(source);
        assert_eq!(error.reason.as_str(), reason, "{source}: {error}");
    }
}
