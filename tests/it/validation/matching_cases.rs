//! The same of what tells whose an account is.

use serde_json::{Value, json};

use super::objects::{connector, employee, long, many, with};

fn rule() -> Value {
    json!({"attribute": "mail", "equals": "employee.email"})
}

fn matching(matching: Value) -> Value {
    with(connector(), "/spec/matching", matching)
}

fn former(ids: Value) -> Value {
    with(employee(), "/spec/notFormerly", ids)
}

fn links(links: Value) -> Value {
    with(employee(), "/spec/links", links)
}

/// Objects that no rule may let pass, and a part of what the API server must say.
#[rustfmt::skip] // a table: one case a line
pub fn refused() -> Vec<(Value, &'static str)> {
    let of_rule = |at: &str, value: Value| matching(json!({"rules": [with(rule(), at, value)]}));
    let link = |at: &str, value: Value| {
        links(json!([with(json!({"connector": "directory", "account": "ada"}), at, value)]))
    };
    let not = |not: Value| links(json!([{"connector": "directory", "not": not}]));
    vec![
        (with(connector(), "/spec/leaver", json!({"insteadOfDisable": "Nothing"})), r#"supported values: "Report""#),
        (with(connector(), "/spec/account/purpose", json!("")), "spec.account.purpose"),
        (with(connector(), "/spec/account/purpose", json!(long(33))), "32"),
        (with(connector(), "/spec/account/purpose", json!("A~b")), "lower-case letters, digits"),
        (matching(json!({"adopt": "Always"})), r#"supported values: "Never", "WhenUnique", "WhenListed""#),
        (matching(json!({"adopt": "WhenListed"})), "list the user names that may be taken over"),
        (matching(json!({"adopt": "WhenListed", "listed": []})), "list the user names that may be taken over"),
        (matching(json!({"listed": many(257, |_| json!("a"))})), "256"),
        (matching(json!({"listed": [""]})), "spec.matching.listed[0]"),
        (matching(json!({"listed": [long(257)]})), "256"),
        (matching(json!({"rules": many(9, |_| rule())})), "at most 8"),
        (of_rule("/attribute", json!(null)), "attribute: Required"),
        (of_rule("/attribute", json!("")), "spec.matching.rules[0].attribute"),
        (of_rule("/attribute", json!(long(257))), "256"),
        (of_rule("/equals", json!(null)), "equals: Required"),
        (of_rule("/equals", json!("")), "spec.matching.rules[0].equals"),
        (of_rule("/equals", json!(long(4097))), "4096"),
        (former(many(17, |n| json!(n.to_string()))), "at most 16"),
        (former(json!(["1042", "1042"])), "Duplicate value"),
        (former(json!([""])), "spec.notFormerly[0]"),
        (former(json!(["x".repeat(64)])), "spec.notFormerly[0]"),
        (links(many(17, |n| json!({"connector": format!("c{n}"), "account": "a"}))), "at most 16"),
        (links(json!([{"connector": "a", "account": "a"}, {"connector": "a", "account": "b"}])), "Duplicate value"),
        (link("/connector", json!(null)), "connector: Required"),
        (link("/connector", json!("")), "spec.links[0].connector"),
        (link("/connector", json!("A_b")), "not a name that an object can have"),
        (link("/connector", json!(long(254))), "253"),
        (link("/account", json!(null)), "set account, or not"),
        (link("/account", json!("")), "spec.links[0].account"),
        (link("/account", json!(long(257))), "256"),
        (link("/not", json!(["ada"])), "take it out of one"),
        (not(json!([])), "spec.links[0].not"),
        (not(many(17, |n| json!(n.to_string()))), "at most 16"),
        (not(json!([""])), "spec.links[0].not[0]"),
        (not(json!([long(257)])), "256"),
    ]
}

/// Objects that can work.
pub fn accepted() -> Vec<Value> {
    vec![
        with(
            connector(),
            "/spec/leaver",
            json!({"insteadOfDisable": "Report"}),
        ),
        matching(json!({"rules": [rule()], "adopt": "WhenUnique"})),
        matching(json!({"rules": [rule()], "adopt": "WhenListed", "listed": ["a*"]})),
        links(
            json!([{"connector": "a", "account": "ada", "not": ["eve"]}, {"connector": "b", "not": ["x"]}]),
        ),
    ]
}
