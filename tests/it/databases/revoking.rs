//! What leavers leave behind in databases: sessions, passwords, and what belongs to them.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use rollcall::connectors::sql::mysql::users::MySqlUsers;
use rollcall::connectors::sql::postgres::users::PostgresUsers;
use rollcall::connectors::sql::{Purpose, ServerConfig};
use rollcall::connectors::{
    Connector, ErrorKind, FindKey, InitialPassword, Owned, SharedConnector, WritePermit, registry,
};
use rollcall::domain::account::{Attributes, NewAccount};
use rollcall::domain::credentials::CredentialKind;
use rollcall::domain::ids::{AccountId, EmployeeId, Username};
use rollcall::domain::mark::Scope;
use serde_json::{Value, json};

use crate::stories::kit::tells;
use crate::support::mysql::MariaDb;
use crate::support::postgres::Postgres;

const PASSWORD: &str = "what-ada-knows-1815";

fn config(port: u16, database: &str, password: &str, ca_pem: &str) -> ServerConfig {
    ServerConfig {
        host: "127.0.0.1".to_owned(),
        port,
        database: database.to_owned(),
        username: "rollcall".to_owned(),
        password: password.into(),
        encrypted: true,
        ca_bundle: Some(ca_pem.to_owned()),
        allow_link_local: false,
        timeout: Duration::from_secs(20),
        connections: 2,
        purpose: Purpose::Users,
    }
}

fn roles(server: &Postgres) -> PostgresUsers {
    let config = config(server.port(), "app", server.password(), server.ca_pem());
    PostgresUsers::new(config, None, &[]).unwrap()
}

async fn made(users: &dyn Connector, name: &str, number: &str) -> AccountId {
    let account = NewAccount {
        username: Username::new(name),
        mark: Scope::new("acme", "people").mark(&EmployeeId::new(number)),
        active: true,
        first_used: None,
        attributes: Attributes::default(),
    };
    let password = InitialPassword {
        secret: PASSWORD.into(),
        must_change: false,
    };
    let made = users
        .create(&WritePermit::issue(), &account, Some(&password))
        .await;
    made.unwrap().id
}

fn owned(things: &[&str]) -> Owned {
    Owned::of(things.iter().map(|thing| (*thing).to_owned()))
}

#[tokio::test]
async fn sessions_of_a_role_end_and_its_password_is_of_no_use() {
    let server = Postgres::start().await;
    let users = roles(&server);
    let permit = WritePermit::issue();
    let ada = made(&users, "ada", "1").await;
    let sign_in = async |database: &str| server.sign_in("ada", PASSWORD, database).await;
    let sessions = [
        sign_in("app").await.unwrap(),
        sign_in("other").await.unwrap(),
    ];
    for evidence in ["no session is left (2 ended)", "no session was open"] {
        let revoked = users.revoke(&permit, &ada, CredentialKind::Sessions).await;
        let revoked = revoked.unwrap();
        assert!(revoked.verified);
        assert_eq!(revoked.evidence, evidence);
    }
    for session in sessions {
        assert!(session.query("SELECT 1", &[]).await.is_err());
    }
    // That she may sign in is another matter.
    assert!(sign_in("app").await.is_some());

    for _ in 0..2 {
        let revoked = users.revoke(&permit, &ada, CredentialKind::Passwords).await;
        let revoked = revoked.unwrap();
        assert!(!revoked.verified);
        tells(&revoked.evidence, &["rollcall may not read pg_authid"]);
    }
    assert!(sign_in("app").await.is_none());
    users.set_active(&permit, &ada, false).await.unwrap();
    users.set_active(&permit, &ada, true).await.unwrap();
    assert!(sign_in("app").await.is_none());
    let admin = server.admin("app").await;
    admin
        .batch_execute("GRANT SELECT ON pg_authid TO rollcall")
        .await
        .unwrap();
    let shown = users.revoke(&permit, &ada, CredentialKind::Passwords).await;
    let shown = shown.unwrap();
    assert!(shown.verified, "{shown:?}");

    for kind in [CredentialKind::Tokens, CredentialKind::Keys] {
        let refused = users.revoke(&permit, &ada, kind).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unsupported);
    }
    // Whom we may not touch is told.
    let key = FindKey::Username(Username::new("postgres"));
    let root = users.find(&key).await.unwrap().remove(0);
    let refused = users
        .revoke(&permit, &root.id, CredentialKind::Passwords)
        .await;
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Forbidden);
    let refused = users
        .revoke(&permit, &root.id, CredentialKind::Sessions)
        .await;
    tells(&refused.unwrap_err().message, &["It has open sessions"]);
}

/// Things in two databases, a schema, a function, a large object and a database: all of it is the manager's, and
/// afterwards the role can be dropped, though something was granted to it, and nobody is named its successor.
#[tokio::test]
async fn what_a_role_owns_goes_to_the_manager() {
    let server = Postgres::start().await;
    let users = roles(&server);
    let permit = WritePermit::issue();
    let (ada, grace) = (
        made(&users, "ada", "1").await,
        made(&users, "grace", "2").await,
    );
    assert_eq!(users.owned(&ada).await.unwrap(), Owned::default());
    let nothing = users
        .transfer_ownership(&permit, &ada, &grace)
        .await
        .unwrap();
    assert_eq!(nothing, rollcall::connectors::Transfer::default());

    for database in ["app", "other"] {
        let admin = server.admin(database).await;
        admin
            .batch_execute(
                "CREATE SCHEMA hers AUTHORIZATION ada; SET ROLE ada;
                 CREATE TABLE hers.\"Work\" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
                 CREATE FUNCTION hers.add(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1';
                 ALTER DEFAULT PRIVILEGES IN SCHEMA hers GRANT SELECT ON TABLES TO PUBLIC;
                 RESET ROLE",
            )
            .await
            .unwrap();
    }
    let admin = server.admin("app").await;
    admin
        .batch_execute(
            "SET ROLE rollcall; CREATE TABLE shared (id int); GRANT SELECT ON shared TO ada;
             RESET ROLE",
        )
        .await
        .unwrap();
    let all = [
        "function app.hers.add(integer)",
        "function other.hers.add(integer)",
        "schema app.hers",
        "schema other.hers",
        "sequence app.hers.\"Work_id_seq\"",
        "sequence other.hers.\"Work_id_seq\"",
        "table app.hers.\"Work\"",
        "table other.hers.\"Work\"",
    ];
    assert_eq!(users.owned(&ada).await.unwrap(), owned(&all));

    // Who gets a schema must be allowed to make one there.
    let refused = users.transfer_ownership(&permit, &ada, &grace).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    tells(
        &refused.message,
        &["permission denied", "CREATE in the databases"],
    );
    let kept = users.delete(&permit, &ada).await.unwrap_err();
    tells(&kept.message, &["app, other", "hand them over first"]);
    users.set_active(&permit, &ada, true).await.unwrap();

    admin
        .batch_execute("GRANT CREATE ON DATABASE app, other TO grace")
        .await
        .unwrap();
    let transfer = users.transfer_ownership(&permit, &ada, &grace).await;
    let transfer = transfer.unwrap();
    assert_eq!(transfer.moved, owned(&all));
    assert_eq!(transfer.left, Owned::default());
    assert_eq!(users.owned(&ada).await.unwrap(), Owned::default());
    assert_eq!(users.owned(&grace).await.unwrap(), owned(&all));
    let again = users.transfer_ownership(&permit, &ada, &grace).await;
    assert_eq!(again.unwrap().moved, Owned::default());
    // We are one of them for no longer than that takes.
    let members =
        "SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                   JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = 'rollcall'";
    assert_eq!(server.column("app", members).await, ["pg_signal_backend"]);

    // She is dropped without a successor, and with her what was granted to her and what she had set for herself.
    for _ in 0..2 {
        users.delete(&permit, &ada).await.unwrap();
    }
    assert!(users.read(&ada).await.unwrap().is_none());
    for database in ["app", "other"] {
        let owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'Work'";
        assert_eq!(server.column(database, owner).await, ["grace"]);
    }
    let gone = users.transfer_ownership(&permit, &grace, &ada).await;
    let gone = gone.unwrap_err();
    assert_eq!(gone.kind, ErrorKind::NotFound);
    tells(&gone.message, &[&format!("to role {ada}")]);
}

/// What belongs to the whole server is no database's own.
#[tokio::test]
async fn a_database_goes_to_the_manager_as_well() {
    let server = Postgres::start().await;
    let users = roles(&server);
    let permit = WritePermit::issue();
    let (ada, grace) = (
        made(&users, "ada", "1").await,
        made(&users, "grace", "2").await,
    );
    let admin = server.admin("app").await;
    admin
        .batch_execute("CREATE DATABASE hers OWNER ada")
        .await
        .unwrap();
    assert_eq!(users.owned(&ada).await.unwrap(), owned(&["database hers"]));
    let transfer = users.transfer_ownership(&permit, &ada, &grace).await;
    assert_eq!(transfer.unwrap().moved, owned(&["database hers"]));
    users.delete(&permit, &ada).await.unwrap();
    assert_eq!(
        users.owned(&grace).await.unwrap(),
        owned(&["database hers"])
    );
}

#[tokio::test]
async fn sessions_of_a_user_end_and_its_password_is_of_no_use() {
    let server = MariaDb::start().await;
    let config = config(server.port(), "mysql", server.password(), server.ca_pem());
    let users = MySqlUsers::new(config, "%".to_owned(), &[]).unwrap();
    let permit = WritePermit::issue();
    let ada = made(&users, "ada", "1").await;
    let mut session = server.sign_in("ada", PASSWORD, "").await.unwrap();
    for evidence in ["no session is left (1 ended)", "no session was open"] {
        let revoked = users.revoke(&permit, &ada, CredentialKind::Sessions).await;
        let revoked = revoked.unwrap();
        assert!(revoked.verified);
        assert_eq!(revoked.evidence, evidence);
    }
    assert!(session.query_drop("SELECT 1").await.is_err());
    assert!(server.sign_in("ada", PASSWORD, "").await.is_some());

    // Also what else would let her in.
    server
        .run(
            "mysql",
            &format!(
                "ALTER USER ada@'%' IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('{PASSWORD}')"
            ),
        )
        .await;
    for _ in 0..2 {
        let revoked = users.revoke(&permit, &ada, CredentialKind::Passwords).await;
        assert!(revoked.unwrap().verified);
    }
    assert!(server.sign_in("ada", PASSWORD, "").await.is_none());
    users.set_active(&permit, &ada, false).await.unwrap();
    users.set_active(&permit, &ada, true).await.unwrap();
    assert!(server.sign_in("ada", PASSWORD, "").await.is_none());
    let ways = "SELECT Priv FROM mysql.global_priv WHERE User = 'ada'";
    let ways = server.column("mysql", ways).await.concat();
    assert!(!ways.contains("unix_socket"), "{ways}");

    let refused = users.owned(&ada).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported);
}

fn tables(ca_pem: &str, password: &str, block: &Value) -> SharedConnector {
    let spec = serde_json::from_value(json!({
        "sql": block,
        "sync": {"tls": {"caBundle": ca_pem}},
        "account": {
            "username": ["employee.employeeId"],
            "attributes": {"full_name": "employee.name.display", "title": "employee.jobTitle"},
        },
    }));
    let password = password.to_owned();
    let opened = registry::open(&spec.unwrap(), &mut |_, _| Ok(password.clone().into()));
    opened.map_err(|problem| problem.message).unwrap()
}

async fn called(app: &SharedConnector, name: &str) -> AccountId {
    let key = FindKey::Username(Username::new(name));
    app.find(&key).await.unwrap().remove(0).id
}

/// An application with two people, their sessions and tokens, and documents of the first.
async fn application() -> Postgres {
    let server = Postgres::start().await;
    server.app().await;
    let admin = server.admin("app").await;
    admin
        .batch_execute(
            "INSERT INTO people (login, full_name, password) VALUES ('ada', 'Ada', 'x'), ('grace', 'Grace', 'y');
             INSERT INTO sessions SELECT id FROM people; INSERT INTO sessions SELECT id FROM people;
             INSERT INTO tokens (person) SELECT id FROM people;
             INSERT INTO documents SELECT id, 'plan' FROM people WHERE login = 'ada';
             INSERT INTO documents SELECT id, NULL FROM people WHERE login = 'ada'",
        )
        .await
        .unwrap();
    server
}

const LEFT: &str = "SELECT login || ' ' || (SELECT count(*) FROM sessions WHERE person = id) || ' '
    || (SELECT count(*) FROM tokens WHERE person = id AND NOT ended) || ' ' || coalesce(password, '-')
    FROM people ORDER BY 1";

/// What a list shows afterwards proves a statement.
#[tokio::test]
async fn credentials_and_documents_in_tables() {
    let server = application().await;
    let app = tables(server.ca_pem(), server.password(), &server.tables());
    let permit = WritePermit::issue();
    let (ada, grace) = (called(&app, "ada").await, called(&app, "grace").await);
    let can = app.probe().await.unwrap();
    let names = can.names();
    let kinds = [
        "RevokePasswords",
        "RevokeSessions",
        "RevokeTokens",
        "TransferOwnership",
    ];
    for name in kinds {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    assert!(!names.contains(&"RevokeKeys".to_owned()), "{names:?}");

    for (kind, evidences) in [
        (
            CredentialKind::Sessions,
            ["showed 2 before", "showed 0 before"],
        ),
        (
            CredentialKind::Passwords,
            ["showed 1 before", "showed 0 before"],
        ),
    ] {
        for evidence in evidences {
            let revoked = app.revoke(&permit, &ada, kind).await.unwrap();
            assert!(revoked.verified);
            tells(&revoked.evidence, &["shows no", evidence]);
        }
    }
    for _ in 0..2 {
        let revoked = app.revoke(&permit, &ada, CredentialKind::Tokens).await;
        let revoked = revoked.unwrap();
        assert!(!revoked.verified);
        tells(&revoked.evidence, &["revokeTokens", "listTokens"]);
    }
    let refused = app.revoke(&permit, &ada, CredentialKind::Keys).await;
    tells(
        &refused.unwrap_err().message,
        &["spec.sql.tables.revokeKeys"],
    );
    assert_eq!(
        server.column("app", LEFT).await,
        ["ada 0 0 -", "grace 2 1 y"]
    );

    let hers = owned(&["document plan", "something without a name"]);
    assert_eq!(app.owned(&ada).await.unwrap(), hers);
    let transfer = app.transfer_ownership(&permit, &ada, &grace).await.unwrap();
    assert_eq!(transfer.moved, hers);
    let again = app.transfer_ownership(&permit, &ada, &grace).await.unwrap();
    assert_eq!(again, rollcall::connectors::Transfer::default());
    assert_eq!(app.owned(&grace).await.unwrap(), hers);
    app.delete(&permit, &ada).await.unwrap();
}

/// Statements that do half of it are undone.
#[tokio::test]
async fn a_careless_statement_is_undone() {
    let server = application().await;
    let app = tables(server.ca_pem(), server.password(), &server.tables());
    let permit = WritePermit::issue();
    let (ada, grace) = (called(&app, "ada").await, called(&app, "grace").await);
    let hers = app.owned(&ada).await.unwrap();
    assert_eq!(hers.total, 2);
    let mut careless = server.tables();
    careless["tables"]["revokeSessions"] = json!(
        "DELETE FROM sessions WHERE person = :id AND ctid = (SELECT min(ctid) FROM sessions)"
    );
    careless["tables"]["transferOwnership"] =
        json!("UPDATE documents SET owner = :to WHERE owner = :from AND title IS NOT NULL");
    let careless = tables(server.ca_pem(), server.password(), &careless);
    let undone = careless
        .revoke(&permit, &ada, CredentialKind::Sessions)
        .await;
    let undone = undone.unwrap_err();
    assert_eq!(undone.kind, ErrorKind::Ignored);
    tells(&undone.message, &["listSessions still shows 1", "undone"]);
    let undone = careless.transfer_ownership(&permit, &ada, &grace).await;
    tells(
        &undone.unwrap_err().message,
        &[
            "listOwned still shows 1 things",
            "mend spec.sql.tables.transferOwnership",
        ],
    );
    assert_eq!(app.owned(&ada).await.unwrap(), hers);
    assert_eq!(
        server.column("app", LEFT).await,
        ["ada 2 1 x", "grace 2 1 y"]
    );
}

/// Where there must be a password, it is one that nobody knows, and no error tells it.
#[tokio::test]
async fn a_password_in_a_table_becomes_one_that_nobody_knows() {
    let server = MariaDb::start().await;
    server.app().await;
    server
        .run(
            "app",
            "INSERT INTO people (login, full_name, password) VALUES ('ada', 'Ada', 'x');
             INSERT INTO ssh_keys SELECT id FROM people; INSERT INTO ssh_keys SELECT id FROM people",
        )
        .await;
    let app = tables(server.ca_pem(), server.password(), &server.tables());
    let permit = WritePermit::issue();
    let ada = called(&app, "ada").await;
    let mut seen = vec!["x".to_owned()];
    for _ in 0..2 {
        let revoked = app.revoke(&permit, &ada, CredentialKind::Passwords).await;
        assert!(!revoked.unwrap().verified);
        let stored = server.column("app", "SELECT password FROM people").await;
        assert!(!seen.contains(&stored[0]));
        seen.extend(stored);
    }
    for evidence in ["showed 2 before", "showed 0 before"] {
        let revoked = app.revoke(&permit, &ada, CredentialKind::Keys).await;
        let revoked = revoked.unwrap();
        assert!(revoked.verified);
        tells(&revoked.evidence, &[evidence]);
    }
    let mut telling = server.tables();
    telling["tables"]["revokePasswords"] =
        json!("UPDATE people SET enabled = CAST(:password AS INTEGER) WHERE id = :id");
    let telling = tables(server.ca_pem(), server.password(), &telling);
    let told = telling
        .revoke(&permit, &ada, CredentialKind::Passwords)
        .await;
    let told = told.unwrap_err().message;
    tells(&told, &["[redacted]"]);
}
