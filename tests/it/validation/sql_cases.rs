//! The same of the block for databases.

use serde_json::{Value, json};

use super::objects::{connector, long, with};

/// A connector to the tables of an application.
pub fn tables() -> Value {
    let spec = with(connector(), "/spec/scim", json!(null));
    with(
        spec,
        "/spec/sql",
        json!({
            "url": "postgres://db.example.com:5432/app",
            "auth": {
                "username": "rollcall",
                "passwordSecretKeyRef": {"name": "directory", "key": "password"},
            },
            "tables": {
                "list": "SELECT id, login AS username, mark, active FROM people",
                "create": "INSERT INTO people (login, mark) VALUES (:username, :mark)",
                "entitlements": {
                    "list": "SELECT id, name FROM teams",
                    "holders": "SELECT team AS entitlement, person AS account FROM members",
                    "grant": "INSERT INTO members (team, person) VALUES (:entitlement, :account)",
                    "revoke": "DELETE FROM members WHERE team = :entitlement AND person = :account",
                },
            },
        }),
    )
}

/// Objects that no rule may let pass, and a part of what the API server must say.
#[rustfmt::skip] // a table: one case a line
pub fn refused() -> Vec<(Value, &'static str)> {
    let url = "url must name a database";
    let one = "exactly one of sql.users and sql.tables is needed";
    let reference = "/spec/sql/auth/passwordSecretKeyRef";
    let mut cases = vec![
        ("/spec/scim".to_owned(), connector()["spec"]["scim"].clone(), "exactly one protocol block is needed"),
        ("/spec/sql/url".to_owned(), json!(null), "spec.sql.url: Required"),
        ("/spec/sql/url".to_owned(), json!(""), "spec.sql.url"),
        ("/spec/sql/url".to_owned(), json!(long(513)), "512"),
        ("/spec/sql/url".to_owned(), json!("db.example.com"), url),
        ("/spec/sql/url".to_owned(), json!("oracle://db.example.com/app"), url),
        ("/spec/sql/url".to_owned(), json!("postgres://db.example.com"), url),
        ("/spec/sql/url".to_owned(), json!("postgres://db.example.com/"), url),
        ("/spec/sql/url".to_owned(), json!("postgres://ada:secret@db.example.com/app"), url),
        ("/spec/sql/url".to_owned(), json!("postgres://db.example.com/app?sslmode=disable"), url),
        ("/spec/sql/auth".to_owned(), json!(null), "spec.sql.auth: Required"),
        ("/spec/sql/auth/username".to_owned(), json!(null), "spec.sql.auth.username: Required"),
        ("/spec/sql/auth/username".to_owned(), json!(""), "spec.sql.auth.username"),
        ("/spec/sql/auth/username".to_owned(), json!(long(129)), "128"),
        (reference.to_owned(), json!(null), "passwordSecretKeyRef: Required"),
        (reference.to_owned(), json!({"key": "a"}), "passwordSecretKeyRef.name: Required"),
        (reference.to_owned(), json!({"name": "a"}), "passwordSecretKeyRef.key: Required"),
        (reference.to_owned(), json!({"name": "", "key": "a"}), "passwordSecretKeyRef.name"),
        (reference.to_owned(), json!({"name": "A_b", "key": "a"}), "not a name that an object can have"),
        (reference.to_owned(), json!({"name": long(254), "key": "a"}), "253"),
        (reference.to_owned(), json!({"name": "a", "key": ""}), "passwordSecretKeyRef.key"),
        (reference.to_owned(), json!({"name": "a", "key": long(254)}), "253"),
        ("/spec/sql/encryption".to_owned(), json!("Maybe"), r#"supported values: "Required", "None""#),
        ("/spec/sql/tables".to_owned(), json!(null), one),
        ("/spec/sql/users".to_owned(), json!({}), one),
        ("/spec/sql/users".to_owned(), json!({"successor": ""}), "spec.sql.users.successor"),
        ("/spec/sql/users".to_owned(), json!({"successor": long(64)}), "63"),
        ("/spec/sql/users".to_owned(), json!({"host": ""}), "spec.sql.users.host"),
        ("/spec/sql/users".to_owned(), json!({"host": long(256)}), "255"),
    ];
    for list in ["listSessions", "listTokens", "listKeys", "listPasswords"] {
        cases.push((format!("/spec/sql/tables/{list}"), json!("SELECT person AS account FROM some"), "set that as well"));
    }
    for half in ["listOwned", "transferOwnership"] {
        cases.push((format!("/spec/sql/tables/{half}"), json!("SELECT 1"), "need each other"));
    }
    for (name, is_needed) in [
        ("list", true), ("create", true), ("update", false), ("disable", false), ("enable", false), ("mark", false), ("delete", false),
        ("revokeSessions", false), ("listSessions", false), ("revokeTokens", false), ("listTokens", false),
        ("revokeKeys", false), ("listKeys", false), ("revokePasswords", false), ("listPasswords", false),
        ("listOwned", false), ("transferOwnership", false),
        ("entitlements/list", true), ("entitlements/holders", true), ("entitlements/grant", true),
        ("entitlements/revoke", true), ("entitlements/create", false), ("entitlements/delete", false),
    ] {
        let at = format!("/spec/sql/tables/{name}");
        cases.push((at.clone(), json!(""), "at least 1 chars long"));
        cases.push((at.clone(), json!(long(8193)), "8192"));
        if is_needed {
            cases.push((at, json!(null), "Required"));
        }
    }
    cases.into_iter().map(|(at, value, says)| (with(tables(), &at, value), says)).collect()
}

/// Objects that can work.
pub fn accepted() -> Vec<Value> {
    let users = with(tables(), "/spec/sql/tables", json!(null));
    vec![
        with(users.clone(), "/spec/sql/users", json!({})),
        with(users, "/spec/sql/users", json!({"successor": "archive"})),
        with(tables(), "/spec/sql/url", json!("postgresql://[::1]/app")),
        with(tables(), "/spec/sql/tables/entitlements", json!(null)),
        with(tables(), "/spec/sql/encryption", json!("None")),
        with(
            tables(),
            "/spec/sql/tables/revokeTokens",
            json!("DELETE FROM tokens WHERE person = :id"),
        ),
    ]
}
