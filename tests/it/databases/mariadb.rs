//! What is MariaDB's own: users that are left half made, and a mark that is a role.

use mysql_async::prelude::Queryable as _;
use rollcall::connectors::{Connector, FindKey, HolderChange, MarkChange, WritePermit};
use rollcall::domain::account::Activity;
use rollcall::domain::ids::{EmployeeId, EntitlementId};
use rollcall::domain::mark::Scope;

use super::mysql_or_mariadb::{ada, users};
use crate::stories::kit::tells;
use crate::support::mysql::MariaDb;

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

/// A mark that two bear is nobody's.
#[tokio::test]
async fn a_mark_of_two() {
    let server = MariaDb::start().await;
    let users = users(&server);
    let permit = WritePermit::issue();
    let made = users.create(&permit, &ada(), None).await.unwrap();
    server.run("mysql", "CREATE USER Eve@localhost").await;
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
    users.set_active(&permit, &made.id, false).await.unwrap();
}
