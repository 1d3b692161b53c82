//! The same of what is to become of accounts and memberships that nobody justifies.

use serde_json::{Value, json};

use super::objects::{connector, long, many, with};

fn orphans(orphans: Value) -> Value {
    with(connector(), "/spec/orphans", orphans)
}

fn exception() -> Value {
    json!({"username": "svc-*", "reason": "backups", "until": "2027-06-30"})
}

fn authoritative(names: &Value) -> Value {
    with(
        connector(),
        "/spec/entitlements",
        json!({"authoritative": names}),
    )
}

/// Objects that no rule may let pass, and a part of what the API server must say.
#[rustfmt::skip] // a table: one case a line
pub fn refused() -> Vec<(Value, &'static str)> {
    let of_exception = |at: &str, value: Value| orphans(json!({"exceptions": [with(exception(), at, value)]}));
    let after = "after must be a time in units from large to small";
    let retain = "retain must be a time in units from large to small";
    let until = "until must be a day of the calendar";
    vec![
        (orphans(json!({"policy": "Burn"})), r#"supported values: "Report", "Disable", "Delete""#),
        (orphans(json!({"which": "Undeclared"})), r#"supported values: "Released", "All""#),
        (orphans(json!({"after": ""})), after),
        (orphans(json!({"after": "0s"})), after),
        (orphans(json!({"after": "1000d"})), after),
        (orphans(json!({"after": "1h1d"})), after),
        (orphans(json!({"after": long(25)})), "24"),
        (orphans(json!({"retain": ""})), retain),
        (orphans(json!({"retain": "1w"})), retain),
        (orphans(json!({"retain": long(25)})), "24"),
        (orphans(json!({"exceptions": many(65, |_| exception())})), "must have at most 64 items"),
        (of_exception("/username", json!(null)), "username: Required"),
        (of_exception("/username", json!("")), "spec.orphans.exceptions[0].username"),
        (of_exception("/username", json!(long(257))), "256"),
        (of_exception("/reason", json!(null)), "reason: Required"),
        (of_exception("/reason", json!("")), "spec.orphans.exceptions[0].reason"),
        (of_exception("/reason", json!(long(1025))), "1024"),
        (of_exception("/until", json!("next year")), until),
        (of_exception("/until", json!("2027-02-30")), until),
        (of_exception("/until", json!(long(65))), "64"),
        (authoritative(&json!([""])), "spec.entitlements.authoritative[0]"),
        (authoritative(&json!([long(257)])), "256"),
        (authoritative(&many(65, |n| json!(format!("g{n}")))), "must have at most 64 items"),
    ]
}

/// Objects that can work.
pub fn accepted() -> Vec<Value> {
    vec![
        orphans(json!({"policy": "Disable", "after": "1s", "which": "All"})),
        orphans(json!({"policy": "Delete", "after": "999d999h9999m99999s", "retain": "36h"})),
        orphans(
            json!({"ignore": ["a"], "exceptions": [exception(), {"username": "?", "reason": "r"}]}),
        ),
        authoritative(&json!(["*", "domain admins"])),
    ]
}
