//! The same of the limits of the guard.

use serde_json::{Value, json};

use super::objects::{connector, long, many, with};

fn guard(guard: Value) -> Value {
    with(connector(), "/spec/guard", guard)
}

/// Objects that no rule may let pass, and a part of what the API server must say.
#[rustfmt::skip] // a table: one case a line
pub fn refused() -> Vec<(Value, &'static str)> {
    let window = "window must be a time in units from large to small";
    vec![
        (guard(json!({"maxRemovals": -1})), "spec.guard.maxRemovals"),
        (guard(json!({"maxRemovals": 1_000_001})), "1000000"),
        (guard(json!({"maxPercent": -1})), "spec.guard.maxPercent"),
        (guard(json!({"maxPercent": 101})), "100"),
        (guard(json!({"alwaysAllowed": -1})), "spec.guard.alwaysAllowed"),
        (guard(json!({"alwaysAllowed": 1_000_001})), "1000000"),
        (guard(json!({"window": long(25)})), "24"),
        (guard(json!({"leavers": {"maxRemovals": -1}})), "spec.guard.leavers.maxRemovals"),
        (guard(json!({"leavers": {"maxRemovals": 1_000_001}})), "1000000"),
        (guard(json!({"leavers": {"maxPercent": -1}})), "spec.guard.leavers.maxPercent"),
        (guard(json!({"leavers": {"maxPercent": 101}})), "100"),
        (guard(json!({"privileged": {"maxRemovals": -1}})), "spec.guard.privileged.maxRemovals"),
        (guard(json!({"privileged": {"maxRemovals": 1_000_001}})), "1000000"),
        (guard(json!({"privileged": {"entitlements": [""]}})), "spec.guard.privileged.entitlements[0]"),
        (guard(json!({"privileged": {"entitlements": [long(257)]}})), "256"),
        (guard(json!({"privileged": {"entitlements": many(65, |i| json!(format!("s{i}")))}})), "must have at most 64 items"),
        (guard(json!({"window": ""})), window),
        (guard(json!({"window": "100d"})), window),
    ]
}

/// Objects at the edge of what is allowed.
#[rustfmt::skip] // a table: one case a line
pub fn accepted() -> Vec<Value> {
    vec![
        guard(json!({"maxRemovals": 0, "maxPercent": 0, "alwaysAllowed": 0, "window": "7d"})),
        guard(json!({"maxPercent": 100, "leavers": {"maxPercent": 100, "maxRemovals": 5}, "privileged": {"entitlements": ["admin-*"], "maxRemovals": 0}})),
    ]
}
