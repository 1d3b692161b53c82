//! Stories that are the same in MySQL and MariaDB: joining, moving, leaving and coming back as a user; and what can't be
//! done.

use mysql_async::prelude::Queryable as _;
use rollcall::connectors::sql::mysql::users::MySqlUsers;
use rollcall::connectors::sql::{Purpose, ServerConfig};
use rollcall::connectors::{Connector, ErrorKind, WritePermit};
use rollcall::domain::account::{AttributeChanges, Attributes, NewAccount};
use rollcall::domain::ids::{EmployeeId, Username};
use rollcall::domain::mark::Scope;
use serde_json::json;

use super::{connect, connector, initial_password};
use crate::stories::kit::{Story, clerk, day, everyone, tells, template};
use crate::support::mysql::{MySqlServer, OfMariaDb, OfMySql, Product};
use crate::support::operator::Operator;
use crate::support::wait::eventually;

#[tokio::test]
async fn a_working_life_in_mariadb() {
    working_life::<OfMariaDb>().await;
}

#[tokio::test]
async fn a_working_life_in_mysql() {
    working_life::<OfMySql>().await;
}

/// Whoever is given roles has them all at once when signing in; a leaver who is signed in is thrown out.
async fn working_life<P: Product>() {
    let server = MySqlServer::<P>::start().await;
    let story = Story::new(&format!("{}-users", P::WORD)).await;
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
    let roles: Vec<String> = session.query(P::ROLES).await.unwrap();
    assert_eq!(roles, ["Sales `EMEA`\\", "staff"]);

    story
        .apply_person(clerk("ada", "1", "Support", json!({})))
        .await;
    eventually("she has no role of Sales", async || {
        let mut another = server.sign_in("ada.example", &password, "").await.unwrap();
        let roles: Vec<String> = another.query(P::ROLES).await.unwrap();
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

/// A connector to the users of a server.
pub fn users<P: Product>(server: &MySqlServer<P>) -> MySqlUsers {
    users_at(server, server.port(), true)
}

/// A connector to the users of a server that is reached at a port.
pub fn users_at<P: Product>(server: &MySqlServer<P>, port: u16, encrypted: bool) -> MySqlUsers {
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
    MySqlUsers::new(config, "%".to_owned(), &[]).unwrap()
}

/// Somebody who is to be made.
pub fn ada() -> NewAccount {
    NewAccount {
        username: Username::new("ada"),
        mark: Scope::new("prod", "people").mark(&EmployeeId::new("1")),
        active: true,
        first_used: None,
        attributes: Attributes::default(),
    }
}

#[tokio::test]
async fn what_can_not_be_done_in_mariadb_is_told() {
    what_can_not_be_done_is_told::<OfMariaDb>().await;
}

#[tokio::test]
async fn what_can_not_be_done_in_mysql_is_told() {
    what_can_not_be_done_is_told::<OfMySql>().await;
}

/// Things that would stop running keep a user from being dropped and renamed; a name that somebody has in whatever letters is
/// taken; a right that is missing has a name.
async fn what_can_not_be_done_is_told<P: Product>() {
    let server = MySqlServer::<P>::start().await;
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
    let renamed = AttributeChanges {
        username: Some(Username::new("countess")),
        ..AttributeChanges::default()
    };
    let refused = users.update(&permit, &made.id, &renamed).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    tells(&refused.message, &["changing user", "view other.report"]);
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

    users.delete(&permit, &made.id).await.unwrap();
    users.delete(&permit, &made.id).await.unwrap();

    server
        .run("mysql", "REVOKE PROCESS ON *.* FROM rollcall")
        .await;
    let refused = users.probe().await.unwrap_err();
    tells(&refused.message, &["spec.sql.auth", "GRANT PROCESS ON *.*"]);
}
