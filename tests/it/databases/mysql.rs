//! What is MySQL's own: a mark among the attributes of others, roles that are users, a role that somebody no longer
//! begins with.

use mysql_async::prelude::Queryable as _;
use rollcall::connectors::sql::mysql::users::MySqlUsers;
use rollcall::connectors::{
    Connector, ErrorKind, FindKey, HolderChange, InitialPassword, MarkChange, WritePermit,
};
use rollcall::domain::account::NewAccount;
use rollcall::domain::ids::{AccountId, EmployeeId, EntitlementId, EntitlementName, Username};
use rollcall::domain::mark::Scope;

use super::mysql_or_mariadb::{ada, users};
use crate::stories::kit::tells;
use crate::support::mysql::{MySql, Product as _};

const ATTRIBUTES: &str =
    "SELECT CAST(User_attributes->'$.metadata' AS CHAR) FROM mysql.user WHERE User = 'ada'";
const BEGINS: &str =
    "SELECT DEFAULT_ROLE_USER FROM mysql.default_roles WHERE USER = 'ada' ORDER BY 1";
const HAS: &str = "SELECT FROM_USER FROM mysql.role_edges WHERE TO_USER = 'ada' ORDER BY 1";

/// The role that person 1 begins with.
fn own() -> String {
    crate::support::mysql::OfMySql::own_role("prod/people/1")
}

async fn give(users: &MySqlUsers, role: &str, id: &AccountId) {
    let change = HolderChange {
        add: vec![id.clone()],
        remove: Vec::new(),
    };
    let (permit, role) = (WritePermit::issue(), EntitlementId::new(role));
    let given = users.change_holders(&permit, &role, &change).await;
    assert!(given.unwrap().iter().all(|(_, one)| one.is_ok()));
}

async fn holds(users: &MySqlUsers, role: &str) -> bool {
    let listed = users.list().await.unwrap();
    let role = listed.entitlements.iter().find(|e| e.name.as_str() == role);
    !role.unwrap().holders.is_empty()
}

/// A password of any length is compared as the server does itself.
#[tokio::test]
async fn passwords_let_in() {
    let server = MySql::start().await;
    let users = users(&server);
    let permit = WritePermit::issue();
    for (n, length) in [1, 31, 32, 33, 64, 100].into_iter().enumerate() {
        let secret: String = "pä'\\s\"$".chars().cycle().take(length).collect();
        let account = NewAccount {
            username: Username::new(format!("ada{n}")),
            mark: Scope::new("prod", "people").mark(&EmployeeId::new(n.to_string())),
            ..ada()
        };
        let password = InitialPassword {
            secret: secret.as_str().into(),
            must_change: false,
        };
        let made = users.create(&permit, &account, Some(&password)).await;
        let id = made.unwrap().id;
        let name = account.username.as_str();
        assert!(
            server.sign_in(name, &secret, "").await.is_some(),
            "{length}"
        );
        assert!(users.lets_in(&id, &secret.into()).await.unwrap());
        assert!(!users.lets_in(&id, &"another".into()).await.unwrap());
    }
    let stored = "SELECT DISTINCT CONCAT(plugin, LEFT(authentication_string, 7)) FROM mysql.user WHERE User LIKE 'ada%'";
    let stored = server.column("mysql", stored).await;
    assert_eq!(stored, ["caching_sha2_password$A$005$"]);
}

/// One who was there before keeps all attributes, and all that they began with; and so does whoever is let go of.
#[tokio::test]
async fn a_user_that_was_there_before() {
    let server = MySql::start().await;
    let users = users(&server);
    let permit = WritePermit::issue();
    let mark = Scope::new("prod", "people").mark(&EmployeeId::new("1"));
    server
        .run(
            "mysql",
            r#"CREATE ROLE boss; CREATE ROLE more; CREATE ROLE idle; CREATE ROLE inner_circle@'10.%';
               CREATE USER ada@'%' ATTRIBUTE '{"team": "blue", "rollcall": null}';
               GRANT boss, idle TO ada@'%'; GRANT inner_circle@'10.%' TO ada@'%';
               SET DEFAULT ROLE boss, inner_circle@'10.%' TO ada@'%'"#,
        )
        .await;
    let put = MarkChange::Put(mark.clone());
    let taken = users.set_mark(&permit, &"ada@%".into(), &put).await;
    let taken = taken.unwrap().unwrap();
    assert_eq!(
        (taken.id.as_str(), taken.username.as_str()),
        ("prod/people/1", "ada")
    );
    let attributes = r#"{"team": "blue", "rollcall": "prod/people/1"}"#;
    assert_eq!(server.column("mysql", ATTRIBUTES).await, [attributes]);
    give(&users, "more", &taken.id).await;
    let mut begins = ["boss".to_owned(), "inner_circle".to_owned(), own()];
    assert_eq!(server.column("mysql", BEGINS).await, begins);

    // Said again, it changes nothing.
    users.set_mark(&permit, &taken.id, &put).await.unwrap();
    assert!(holds(&users, "more").await);

    let let_go = users
        .set_mark(&permit, &taken.id, &MarkChange::Take(mark))
        .await;
    assert_eq!(let_go.unwrap().unwrap().id.as_str(), "ada@%");
    assert_eq!(
        server.column("mysql", ATTRIBUTES).await,
        [r#"{"team": "blue"}"#]
    );
    begins[2] = "more".to_owned();
    assert_eq!(server.column("mysql", BEGINS).await, begins);
    assert_eq!(
        server.column("mysql", HAS).await,
        ["boss", "idle", "inner_circle", "more"]
    );
    let own_roles = "SELECT User FROM mysql.user WHERE User LIKE 'rollcall:%'";
    assert_eq!(server.column("mysql", own_roles).await, [""; 0]);
}

/// What is given to a role that its user does not begin with any more counts for nothing: it is not told as held, and
/// counts once it is given again.
#[tokio::test]
async fn what_is_told_as_held_counts() {
    let server = MySql::start().await;
    let users = users(&server);
    let permit = WritePermit::issue();
    let password = InitialPassword {
        secret: "her-own-secret".into(),
        must_change: false,
    };
    let made = users.create(&permit, &ada(), Some(&password)).await;
    let id = made.unwrap().id;
    let staff = EntitlementName::new("staff");
    users.create_entitlement(&permit, &staff).await.unwrap();
    server
        .run(
            "app",
            "CREATE TABLE pay (amount int); GRANT SELECT ON app.pay TO staff",
        )
        .await;
    let undone = [
        "SET DEFAULT ROLE NONE TO ada".to_owned(),
        format!("REVOKE `{}` FROM ada", own()),
        format!("DROP ROLE `{}`", own()),
    ];
    for undo in undone {
        give(&users, "staff", &id).await;
        assert!(holds(&users, "staff").await, "{undo}");
        let session = server.sign_in("ada", "her-own-secret", "app").await;
        session
            .unwrap()
            .query_drop("SELECT * FROM pay")
            .await
            .unwrap();
        server.run("mysql", &undo).await;
        assert!(!holds(&users, "staff").await, "{undo}");
    }
}

/// Roles are users there. One is never taken for the other: a user is not given to anybody as a role, and a role is no
/// account. What a mark says counts for both.
#[tokio::test]
async fn roles_are_no_accounts_and_users_no_entitlements() {
    let server = MySql::start().await;
    let users = users(&server);
    let permit = WritePermit::issue();
    server
        .run(
            "mysql",
            "CREATE ROLE staff; CREATE ROLE elsewhere@'10.%'; CREATE USER boss ACCOUNT LOCK;
             CREATE USER rob IDENTIFIED BY 'rob' PASSWORD EXPIRE ACCOUNT LOCK",
        )
        .await;
    let made = users.create(&permit, &ada(), None).await.unwrap();
    server
        .run("mysql", "GRANT boss, staff TO rob; GRANT boss TO ada")
        .await;
    let listed = users.list().await.unwrap();
    let entitlements: Vec<&str> = listed.entitlements.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(entitlements, ["staff"]);
    let mut accounts: Vec<&str> = listed
        .accounts
        .iter()
        .map(|one| one.username.as_str())
        .collect();
    accounts.retain(|name| !name.starts_with("mysql.") && !name.starts_with("root"));
    accounts.sort_unstable();
    assert_eq!(accounts, ["ada", "boss", "rob", "rollcall"]);

    let boss = EntitlementName::new("boss");
    let refused = users.create_entitlement(&permit, &boss).await.unwrap_err();
    tells(
        &refused.message,
        &["boss", "there is a user of that name", "spec.grants"],
    );
    let change = HolderChange {
        add: vec![made.id.clone()],
        remove: Vec::new(),
    };
    let given = users
        .change_holders(&permit, &EntitlementId::new("boss"), &change)
        .await;
    assert_eq!(given.unwrap_err().kind, ErrorKind::NotFound);
    users
        .delete_entitlement(&permit, &EntitlementId::new("boss"))
        .await
        .unwrap();
    let key = FindKey::Username(Username::new("boss"));
    assert_eq!(users.find(&key).await.unwrap().len(), 1);
}

/// Who may do more than we is not ours to touch, and a user that has something run with its rights is not renamed.
#[tokio::test]
async fn what_mysql_itself_refuses_is_told() {
    let server = MySql::start().await;
    let users = users(&server);
    let permit = WritePermit::issue();
    let mighty = "CREATE USER mighty; GRANT SYSTEM_USER ON *.* TO mighty";
    server.run("mysql", mighty).await;
    let refused = users.set_active(&permit, &"mighty@%".into(), false).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    tells(&refused.message, &["locking user mighty@%", "SYSTEM_USER"]);

    server
        .run("mysql", "REVOKE SELECT ON mysql.role_edges FROM rollcall")
        .await;
    let refused = users.probe().await.unwrap_err();
    tells(
        &refused.message,
        &["role_edges", "GRANT SELECT ON each of mysql.user"],
    );
    server
        .run("mysql", "GRANT SELECT ON mysql.role_edges TO rollcall")
        .await;
    users.probe().await.unwrap();
}
