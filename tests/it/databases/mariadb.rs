//! MariaDB: joining, moving, leaving and coming back as a user of it; and what is left half made.

use mysql_async::prelude::Queryable as _;
use rollcall::connectors::sql::mysql::users::MariaDbUsers;
use rollcall::connectors::sql::{Purpose, ServerConfig};
use rollcall::connectors::{Connector, ErrorKind, FindKey, HolderChange, MarkChange, WritePermit};
use rollcall::domain::account::{Activity, Attributes, NewAccount};
use rollcall::domain::ids::{EmployeeId, EntitlementId, Username};
use rollcall::domain::mark::Scope;
use serde_json::json;

use super::{connect, connector, initial_password};
use crate::stories::kit::{Story, clerk, day, everyone, tells, template};
use crate::support::mariadb::MariaDb;
use crate::support::operator::Operator;
use crate::support::wait::eventually;

/// The roles that count for somebody from the first moment.
const ROLES: &str = "SELECT ROLE_NAME FROM information_schema.APPLICABLE_ROLES \
                     WHERE ROLE_NAME NOT LIKE '%/%' ORDER BY 1";

/// Whoever is given roles has them all at once when signing in; a leaver who is signed in is thrown out.
#[tokio::test]
async fn a_working_life() {
    let server = MariaDb::start().await;
    let story = Story::new("mariadb-users").await;
    let _operator = Operator::start(&story.ns).await;
    let attributes = json!({"connectionLimit": "5"});
    let mut users = connector("database", &server, server.users(), &attributes);
    users["spec"]["account"]["initialPassword"] = json!({"mustChange": false});
    connect(&story, "database", &server, users).await;
    story
        .apply_role(everyone("all", "database", &["staff"]))
        .await;
    let sales = template(
        "sales",
        "employee.department == 'Sales'",
        &[("database", &["Sales `EMEA`\\"])],
    );
    story.apply_role(sales).await;
    let ada = clerk("ada", "1", "Sales", json!({}));
    story.apply_person(ada.clone()).await;
    story.provisioned("ada", 1).await;

    let password = initial_password(&story).await;
    let mut session = server.sign_in("ada.example", &password, "").await.unwrap();
    let roles: Vec<String> = session.query(ROLES).await.unwrap();
    assert_eq!(roles, ["Sales `EMEA`\\", "staff"]);

    story
        .apply_person(clerk("ada", "1", "Support", json!({})))
        .await;
    eventually("she has no role of Sales", async || {
        let mut another = server.sign_in("ada.example", &password, "").await.unwrap();
        let roles: Vec<String> = another.query(ROLES).await.unwrap();
        if roles == ["staff"] {
            Ok(())
        } else {
            Err(roles)
        }
    })
    .await;

    let mut leaver = ada.clone();
    leaver["spec"]["endDate"] = json!(day(-2));
    story.apply_person(leaver).await;
    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    assert!(
        session.query_drop("SELECT 1").await.is_err(),
        "her session goes on"
    );
    assert!(server.sign_in("ada.example", &password, "").await.is_none());

    story.apply_person(ada).await;
    story.provisioned("ada", 1).await;
    assert!(server.sign_in("ada.example", &password, "").await.is_some());
}

fn users(server: &MariaDb) -> MariaDbUsers {
    users_at(server, server.port(), true)
}

/// A connector to the users of a server that is reached at a port.
pub fn users_at(server: &MariaDb, port: u16, encrypted: bool) -> MariaDbUsers {
    let config = ServerConfig {
        host: "127.0.0.1".to_owned(),
        port,
        database: "mysql".to_owned(),
        username: "rollcall".to_owned(),
        password: server.password().into(),
        encrypted,
        ca_bundle: Some(server.ca_pem().to_owned()),
        allow_link_local: false,
        timeout: std::time::Duration::from_secs(20),
        connections: 2,
        purpose: Purpose::Users,
    };
    MariaDbUsers::new(config, "%".to_owned(), &[]).unwrap()
}

fn ada() -> NewAccount {
    NewAccount {
        username: Username::new("ada"),
        mark: Scope::new("prod", "people").mark(&EmployeeId::new("1")),
        active: true,
        first_used: None,
        attributes: Attributes::default(),
    }
}

/// An end in the middle of making a user leaves one that nobody can use, that is known to be ours, and that
/// is finished by whatever comes next.
#[tokio::test]
async fn a_user_left_half_made_is_known_and_finished() {
    let server = MariaDb::start().await;
    let users = users(&server);
    let permit = WritePermit::issue();
    let half = "CREATE USER ada@'%' IDENTIFIED VIA mysql_native_password USING 'invalid' \
                REQUIRE SUBJECT 'prod/people/1' ACCOUNT LOCK";
    let finished = "SELECT CONCAT_WS(' ', Role, JSON_VALUE(Priv, '$.default_role'), JSON_VALUE(Priv, '$.ssl_type'),
                      JSON_VALUE(Priv, '$.account_locked'))
                    FROM mysql.global_priv JOIN mysql.roles_mapping USING (User, Host) WHERE User = 'ada'";
    let found = async || {
        let key = FindKey::Mark("prod/people/1".to_owned());
        let mut found = users.find(&key).await.unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0)
    };
    // By making it again.
    server.run("mysql", half).await;
    assert_eq!(found().await.activity, Activity::Disabled);
    let made = users.create(&permit, &ada(), None).await.unwrap();
    assert_eq!(
        (made.activity, made.id.as_str()),
        (Activity::Active, "prod/people/1")
    );
    let whole = "prod/people/1 prod/people/1 0 0";
    assert_eq!(server.column("mysql", finished).await, [whole]);

    // By enabling it; and what was given meanwhile counts.
    users.delete(&permit, &made.id).await.unwrap();
    server
        .run(
            "mysql",
            &format!("{half}; CREATE ROLE staff WITH ADMIN rollcall"),
        )
        .await;
    let id = found().await.id;
    let change = HolderChange {
        add: vec![id.clone()],
        remove: Vec::new(),
    };
    let given = users
        .change_holders(&permit, &EntitlementId::new("staff"), &change)
        .await;
    assert!(given.unwrap().iter().all(|(_, result)| result.is_ok()));
    users.set_active(&permit, &id, true).await.unwrap();
    assert_eq!(server.column("mysql", finished).await, [whole]);
    let of_hers = "SELECT Role FROM mysql.roles_mapping WHERE User = 'prod/people/1'";
    assert_eq!(server.column("mysql", of_hers).await, ["staff"]);

    // What a deleted user was given is not what the next one of that mark begins with.
    server.run("mysql", "DROP USER ada@'%'").await;
    users.create(&permit, &ada(), None).await.unwrap();
    assert_eq!(server.column("mysql", of_hers).await, [""; 0]);
}

/// One who was there before goes on as before, but for the role that is our mark; and so does whoever is let
/// go of.
#[tokio::test]
async fn a_user_that_was_there_before() {
    let server = MariaDb::start().await;
    let users = users(&server);
    let permit = WritePermit::issue();
    let mark = Scope::new("prod", "people").mark(&EmployeeId::new("1"));
    server
        .run(
            "mysql",
            "CREATE USER ada@'%' REQUIRE SSL; CREATE USER eve@'%'; CREATE ROLE boss; GRANT boss TO eve@'%';
             SET DEFAULT ROLE boss FOR eve@'%'; CREATE ROLE staff WITH ADMIN rollcall; CREATE ROLE more WITH ADMIN rollcall",
        )
        .await;
    let mut ours = server
        .sign_in("rollcall", server.password(), "mysql")
        .await
        .unwrap();
    ours.query_drop("GRANT staff TO ada@'%'").await.unwrap();
    let put = MarkChange::Put(mark.clone());
    let taken = users
        .set_mark(&permit, &"ada@%".into(), &put)
        .await
        .unwrap();
    let taken = taken.unwrap();
    assert_eq!(
        (taken.id.as_str(), taken.username.as_str()),
        ("prod/people/1", "ada")
    );
    let change = HolderChange {
        add: vec![taken.id.clone()],
        remove: Vec::new(),
    };
    users
        .change_holders(&permit, &EntitlementId::new("more"), &change)
        .await
        .unwrap();
    let ssl = "SELECT JSON_VALUE(Priv, '$.ssl_type') FROM mysql.global_priv WHERE User = 'ada'";
    let roles = "SELECT Role FROM mysql.roles_mapping WHERE User = 'ada' ORDER BY 1";
    assert_eq!(server.column("mysql", ssl).await, ["1"]);
    assert_eq!(
        server.column("mysql", roles).await,
        ["prod/people/1", "staff"]
    );

    let take = MarkChange::Take(mark);
    let let_go = users.set_mark(&permit, &taken.id, &take).await.unwrap();
    assert_eq!(let_go.unwrap().id.as_str(), "ada@%");
    assert_eq!(server.column("mysql", ssl).await, ["1"]);
    assert_eq!(server.column("mysql", roles).await, ["more", "staff"]);

    let refused = users
        .set_mark(&permit, &"eve@%".into(), &put)
        .await
        .unwrap_err();
    tells(
        &refused.message,
        &[
            "begins with the role boss",
            "SET DEFAULT ROLE NONE FOR 'eve'@'%'",
        ],
    );
}

/// Things that would stop running keep a user from being dropped; a mark that two bear is nobody's.
#[tokio::test]
async fn what_can_not_be_done_is_told() {
    let server = MariaDb::start().await;
    let users = users(&server);
    let permit = WritePermit::issue();
    let made = users.create(&permit, &ada(), None).await.unwrap();
    server
        .run(
            "other",
            "CREATE DEFINER = ada@'%' SQL SECURITY DEFINER VIEW report AS SELECT 1",
        )
        .await;
    let refused = users.delete(&permit, &made.id).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    tells(&refused.message, &["view other.report", "another DEFINER"]);
    server
        .run(
            "other",
            "DROP VIEW report; CREATE DEFINER = ada@'%' PROCEDURE work() SELECT 1",
        )
        .await;
    let refused = users.delete(&permit, &made.id).await.unwrap_err();
    tells(&refused.message, &["procedure other.work"]);
    server.run("other", "DROP PROCEDURE work").await;
    server
        .run("mysql", "REVOKE SHOW VIEW ON *.* FROM rollcall")
        .await;
    let refused = users.delete(&permit, &made.id).await.unwrap_err();
    tells(&refused.message, &["GRANT SHOW VIEW ON *.*"]);
    server
        .run("mysql", "GRANT SHOW VIEW ON *.* TO rollcall")
        .await;

    // Names are taken whoever has them, in whatever letters, from wherever.
    server.run("mysql", "CREATE USER Eve@localhost").await;
    let eve = NewAccount {
        username: Username::new("eve"),
        mark: Scope::new("prod", "people").mark(&EmployeeId::new("2")),
        ..ada()
    };
    let refused = users.create(&permit, &eve, None).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Taken);

    // Only who administers a role gives it.
    let mut ours = server
        .sign_in("rollcall", server.password(), "mysql")
        .await
        .unwrap();
    ours.query_drop("GRANT `prod/people/1` TO Eve@localhost")
        .await
        .unwrap();
    let refused = users
        .set_active(&permit, &made.id, false)
        .await
        .unwrap_err();
    tells(&refused.message, &["'Eve'@'localhost'", "REVOKE"]);
    let listed = users.list().await.unwrap();
    let marked = listed.accounts.iter().filter(|one| one.mark.is_some());
    let ids: Vec<&str> = marked.map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["ada@%", "Eve@localhost"]);
    ours.query_drop("REVOKE `prod/people/1` FROM Eve@localhost")
        .await
        .unwrap();
    users.delete(&permit, &made.id).await.unwrap();
    users.delete(&permit, &made.id).await.unwrap();

    server
        .run("mysql", "REVOKE PROCESS ON *.* FROM rollcall")
        .await;
    let refused = users.probe().await.unwrap_err();
    tells(&refused.message, &["spec.sql.auth", "GRANT PROCESS ON *.*"]);
}
