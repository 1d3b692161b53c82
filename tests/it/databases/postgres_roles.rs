//! Roles of PostgreSQL, by the connector alone.

use std::time::Duration;

use rollcall::connectors::sql::postgres::users::PostgresUsers;
use rollcall::connectors::sql::{Purpose, ServerConfig};
use rollcall::connectors::{Connector, ErrorKind, FindKey, WritePermit};
use rollcall::domain::account::{AttributeChanges, Attributes, NewAccount};
use rollcall::domain::ids::Username;
use rollcall::domain::mark::Scope;

use crate::support::postgres::Postgres;

fn config(server: &Postgres, database: &str) -> ServerConfig {
    ServerConfig {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        database: database.to_owned(),
        username: "rollcall".to_owned(),
        password: server.password().into(),
        encrypted: true,
        ca_bundle: Some(server.ca_pem().to_owned()),
        allow_link_local: false,
        timeout: Duration::from_secs(20),
        connections: 2,
        purpose: Purpose::Users,
    }
}

fn wanted(username: &str, employee: &str) -> NewAccount {
    NewAccount {
        username: Username::new(username),
        mark: Scope::new("acme", "people").mark(&employee.into()),
        active: true,
        first_used: None,
        attributes: Attributes::default(),
    }
}

/// Two names that differ in their letters alone are one, in whatever alphabet; `_` and `%` stand for themselves.
#[tokio::test]
async fn a_name_that_a_role_has_in_other_letters_is_taken() {
    let server = Postgres::start().await;
    let strangers =
        "CREATE ROLE \"ADA\"; CREATE ROLE \"Éva\"; CREATE ROLE anna; CREATE ROLE \"a%b\"";
    let admin = server.admin("postgres").await;
    admin.batch_execute(strangers).await.unwrap();
    let users = PostgresUsers::new(config(&server, "postgres"), None, &[]).unwrap();
    let permit = WritePermit::issue();
    for (name, other) in [
        ("ada", "ADA"),
        ("ÉVA", "Éva"),
        ("éva", "Éva"),
        ("A%B", "a%b"),
    ] {
        let refused = users.create(&permit, &wanted(name, "1"), None).await;
        let refused = refused.unwrap_err();
        assert_eq!(
            refused.kind,
            ErrorKind::Taken,
            "{name}: {}",
            refused.message
        );
        assert!(refused.message.ends_with(other), "{}", refused.message);
        let key = FindKey::Username(Username::new(name));
        let found = users.find(&key).await.unwrap();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!(found[0].username.as_str(), other);
    }
    for (name, employee) in [("an_a", "2"), ("öva", "3"), ("axb", "4")] {
        let made = users.create(&permit, &wanted(name, employee), None).await;
        assert_eq!(made.unwrap().username.as_str(), name);
    }

    // Nor may an account be given such a name; its own, in other letters, it may.
    let oeva = FindKey::Username(Username::new("Öva"));
    let oeva = users.find(&oeva).await.unwrap().remove(0);
    let named = |name: &str| AttributeChanges {
        username: Some(Username::new(name)),
        ..AttributeChanges::default()
    };
    let refused = users.update(&permit, &oeva.id, &named("éVA")).await;
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Taken);
    let renamed = users.update(&permit, &oeva.id, &named("ÖVA")).await;
    assert_eq!(renamed.unwrap().unwrap().username.as_str(), "ÖVA");
}

/// A create that is sent again, as its answer was lost, finds what it made, whatever it is called by then.
#[tokio::test]
async fn what_bears_the_mark_is_not_made_again() {
    let server = Postgres::start().await;
    let users = PostgresUsers::new(config(&server, "postgres"), None, &[]).unwrap();
    let permit = WritePermit::issue();
    let made = users.create(&permit, &wanted("ada", "1"), None).await;
    let made = made.unwrap();
    for rename in ["ALTER ROLE ada RENAME TO countess", "SELECT 1"] {
        let again = users.create(&permit, &wanted("ada", "1"), None).await;
        let again = again.unwrap();
        assert_eq!((&again.id, &again.mark), (&made.id, &made.mark), "{rename}");
        let admin = server.admin("postgres").await;
        admin.batch_execute(rename).await.unwrap();
    }
    let marked = "SELECT count(*)::text FROM pg_shdescription WHERE description LIKE 'acme/%'";
    assert_eq!(server.column("postgres", marked).await, ["1"]);
}

/// What a user owns, in whatever database, is somebody else's before the user is dropped.
#[tokio::test]
async fn what_a_dropped_user_owned_is_kept() {
    let server = Postgres::start().await;
    for database in ["app", "other"] {
        let admin = server.admin(database).await;
        admin
            .batch_execute(
                "DO $$ BEGIN CREATE ROLE ada LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
                 CREATE SCHEMA hers AUTHORIZATION ada; SET ROLE ada;
                 CREATE TABLE hers.work (id int); RESET ROLE",
            )
            .await
            .unwrap();
    }
    let admin = server.admin("app").await;
    let roles = "CREATE ROLE archive NOLOGIN; GRANT archive TO rollcall;
                 GRANT CREATE ON DATABASE app, other TO archive";
    admin.batch_execute(roles).await.unwrap();
    let config = config(&server, "app");
    let nobody = PostgresUsers::new(config.clone(), None, &[]).unwrap();
    let users = PostgresUsers::new(config, Some("archive".to_owned()), &[]).unwrap();
    let key = FindKey::Username(Username::new("ada"));
    let ada = users.find(&key).await.unwrap().remove(0);
    let refused = nobody.delete(&WritePermit::issue(), &ada.id).await;
    let refused = refused.unwrap_err().message;
    assert!(
        refused.contains("app, other") && refused.contains("spec.sql.users.successor"),
        "{refused}"
    );
    for _ in 0..2 {
        users.delete(&WritePermit::issue(), &ada.id).await.unwrap();
    }
    assert!(users.find(&key).await.unwrap().is_empty());
    for database in ["app", "other"] {
        let owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'work'";
        assert_eq!(
            server.column(database, owner).await,
            ["archive"],
            "{database}"
        );
    }
}
