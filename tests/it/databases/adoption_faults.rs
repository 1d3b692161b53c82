//! Users of databases that were there before are taken over while the operator is killed around each statement, and
//! while answers are lost: each is taken over once, and nothing else changes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Server, connector};
use crate::stories::kit::{Story, clerk, everyone};
use crate::support::mysql::{MySqlServer, OfMariaDb, OfMySql, Product};
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;
use crate::support::trap::{Trap, When};
use crate::support::wire_proxy::{Asked, Fate, Language, WireProxy};

/// Statements that take somebody over, and give them the first role after that.
trait TakesOver: Product {
    const KINDS: &'static [&'static str];
    /// All that there is to users who were there before, but the mark and what they begin with.
    const BEFORE: &'static str;
    /// Makes a role that Rollcall may give.
    const MAKE_STAFF: &'static str;
    /// How statements begin that are said once, whatever is lost.
    const ONCE: &'static str;
}

impl TakesOver for OfMariaDb {
    const KINDS: &'static [&'static str] = &[
        "DROP ROLE IF EXISTS `it/",
        "CREATE ROLE `it/",
        "GRANT `it/",
        "SET DEFAULT ROLE",
        "GRANT `staff`",
    ];
    const BEFORE: &'static str =
        "SELECT CONCAT_WS(' ', User, Host, JSON_REMOVE(Priv, '$.default_role', '$.version_id'))
         FROM mysql.global_priv WHERE User LIKE 'old%' ORDER BY 1";
    const MAKE_STAFF: &'static str = "CREATE ROLE staff WITH ADMIN rollcall";
    const ONCE: &'static str = "GRANT";
}

impl TakesOver for OfMySql {
    const KINDS: &'static [&'static str] = &[
        "DROP ROLE IF EXISTS `rollcall:",
        "ALTER USER 'old",
        "CREATE ROLE IF NOT EXISTS `rollcall:",
        "GRANT 'rollcall:",
        "SET DEFAULT ROLE",
        "GRANT `staff`",
    ];
    const BEFORE: &'static str =
        "SELECT CONCAT_WS(' ', User, Host, HEX(authentication_string), account_locked, password_expired,
           password_last_changed, max_user_connections, ssl_type,
           NULLIF(CAST(JSON_REMOVE(User_attributes, '$.metadata.rollcall') AS CHAR), '{\"metadata\": {}}'))
         FROM mysql.user WHERE User LIKE 'old%' ORDER BY 1";
    const MAKE_STAFF: &'static str = "CREATE ROLE staff";
    const ONCE: &'static str = "GRANT `";
}

const OF_POSTGRES: [&str; 2] = ["COMMENT ON ROLE", "GRANT \"staff\""];

/// Whoever is called in the attribute `login` is the person; roles are those of everyone.
async fn connect(story: &Story, server: &impl Server, block: Value, url: String, host: &str) {
    let mut users = connector("database", server, block, &json!({}));
    users["spec"]["sql"]["url"] = json!(url);
    users["spec"]["sql"]["encryption"] = json!("None");
    users["spec"]["matching"] = json!({
        "rules": [{"attribute": "username", "equals": "employee.attributes['login']"}],
        "adopt": "WhenUnique",
    });
    story
        .ns
        .credential("database", server.password(), host)
        .await;
    story.apply_connector(users).await;
    story
        .apply_role(everyone("all", "database", &["staff"]))
        .await;
}

async fn hire(story: &Story, n: usize) {
    let login = json!({"attributes": {"login": format!("old{n}")}});
    let person = clerk(&format!("p{n}"), &n.to_string(), "Sales", login);
    story.apply_person(person).await;
}

/// Takes one over at each point, and lets answers get lost for one more.
async fn one_at_each_point(
    story: &Story,
    trap: &Trap,
    lost: &Mutex<BTreeSet<&'static str>>,
    kinds: &'static [&'static str],
) -> usize {
    let points = kinds
        .iter()
        .flat_map(|kind| [(*kind, When::Before), (*kind, When::After)]);
    let mut people = 0;
    for (kind, when) in points {
        hire(story, people).await;
        people += 1;
        let is_it = move |what: &str| what.starts_with(kind);
        trap.catches(&story.ns, when, is_it).await;
    }
    lost.lock().unwrap().extend(kinds);
    hire(story, people).await;
    people + 1
}

/// The trap; and then the answer to the first statement of each kind that is named is lost.
fn judge(
    trap: &Arc<Trap>,
    lost: &Arc<Mutex<BTreeSet<&'static str>>>,
    made: &Arc<Mutex<Vec<String>>>,
) -> impl Fn(&Asked) -> Fate + Send + Sync + 'static {
    let (trap, lost, made) = (Arc::clone(trap), Arc::clone(lost), Arc::clone(made));
    move |asked| {
        let is_lost = {
            let mut lost = lost.lock().unwrap();
            let kind = lost.iter().find(|kind| asked.what.starts_with(**kind));
            kind.copied().is_some_and(|kind| lost.remove(kind))
        };
        let fate = if is_lost {
            Fate::Lose
        } else {
            trap.fate(&asked.what)
        };
        if !matches!(fate, Fate::Refuse) {
            made.lock().unwrap().push(asked.what.clone());
        }
        fate
    }
}

/// Everybody who was to be taken over has what they had, and what everyone has.
async fn all_are_taken_over(story: &Story, people: usize) {
    let operator = Operator::start(&story.ns).await;
    for n in 0..people {
        let status = story.provisioned(&format!("p{n}"), 1).await;
        let username = status.accounts[0].username.clone();
        assert_eq!(username, Some(format!("old{n}")));
    }
    operator.stop().await.unwrap();
}

fn no_statement_twice(made: &Mutex<Vec<String>>, begins: &str) {
    let mut made = made.lock().unwrap().clone();
    made.retain(|statement| statement.starts_with(begins));
    let once: BTreeSet<&String> = made.iter().collect();
    assert_eq!(made.len(), once.len(), "{made:#?}");
}

#[tokio::test]
async fn of_mariadb() {
    taken_over_among_faults::<OfMariaDb>().await;
}

#[tokio::test]
async fn of_mysql() {
    taken_over_among_faults::<OfMySql>().await;
}

async fn taken_over_among_faults<P: TakesOver>() {
    let server = MySqlServer::<P>::start().await;
    let all = 2 * P::KINDS.len() + 1;
    let roles = format!("CREATE ROLE earlier; {}", P::MAKE_STAFF);
    server.run("mysql", &roles).await;
    for n in 0..=all {
        // The last one is nobody's.
        let make = format!(
            "CREATE USER old{n}@'%' IDENTIFIED BY 'old-secret-{n}' WITH MAX_USER_CONNECTIONS 7; GRANT earlier TO old{n}@'%'"
        );
        server.run("mysql", &make).await;
    }
    let before = server.column("mysql", P::BEFORE).await;
    assert_eq!(before.len(), all + 1);
    let (trap, lost, made) = (Trap::new(), Arc::default(), Arc::default());
    let proxy = WireProxy::before(Language::MySql, server.port(), judge(&trap, &lost, &made)).await;
    let story = Story::new(&format!("{}-adopt", P::WORD)).await;
    let url = format!("{}://{}/mysql", P::WORD, proxy.host());
    connect(&story, &server, server.users(), url, &proxy.host()).await;
    let people = one_at_each_point(&story, &trap, &lost, P::KINDS).await;
    assert_eq!(people, all);
    all_are_taken_over(&story, people).await;
    assert_eq!(*lost.lock().unwrap(), BTreeSet::new(), "not all were lost");

    assert_eq!(server.column("mysql", P::BEFORE).await, before);
    let roles = format!(
        "SELECT CONCAT_WS(' ', g.name, g.role) FROM ({}) g WHERE g.name LIKE 'old%' OR g.name LIKE '{}%'",
        P::GIVEN,
        P::OWN_ROLES
    );
    let own = |n: usize| P::own_role(&format!("it/{}/{n}", story.ns.name));
    let mut wanted = vec![format!("old{all} earlier")];
    for n in 0..people {
        let own = own(n);
        wanted.extend([
            format!("old{n} earlier"),
            format!("old{n} {own}"),
            format!("{own} staff"),
        ]);
    }
    let mut seen = server.column("mysql", &roles).await;
    seen.sort();
    wanted.sort();
    assert_eq!(seen, wanted);
    // What they were given counts as soon as they sign in, and what did not count before still does not.
    for n in 0..people {
        let (user, password) = (format!("old{n}"), format!("old-secret-{n}"));
        let mut session = server.sign_in(&user, &password, "").await.unwrap();
        let roles = mysql_async::prelude::Queryable::query(&mut session, P::ROLES).await;
        let roles: Vec<String> = roles.unwrap();
        assert_eq!(roles, ["staff"], "{user}");
    }
    no_statement_twice(&made, P::ONCE);
}

#[tokio::test]
async fn of_postgresql() {
    let server = Postgres::start().await;
    let all = 2 * OF_POSTGRES.len() + 1;
    let admin = server.admin("postgres").await;
    admin
        .batch_execute("CREATE ROLE earlier; CREATE ROLE staff")
        .await
        .unwrap();
    for n in 0..=all {
        // The last one is nobody's.
        let make = format!(
            "CREATE ROLE old{n} LOGIN PASSWORD 'old-secret-{n}' CONNECTION LIMIT 7 IN ROLE earlier"
        );
        admin.batch_execute(&make).await.unwrap();
    }
    let held =
        "SELECT to_jsonb(a)::text FROM pg_authid a WHERE rolname LIKE 'old%' ORDER BY rolname";
    let before = server.column("postgres", held).await;
    let (trap, lost, made) = (Trap::new(), Arc::default(), Arc::default());
    let judge = judge(&trap, &lost, &made);
    let proxy = WireProxy::before(Language::Postgres, server.port(), judge).await;
    let story = Story::new("postgres-adopt").await;
    let url = format!("postgres://{}/postgres", proxy.host());
    connect(&story, &server, server.users(), url, &proxy.host()).await;
    let people = one_at_each_point(&story, &trap, &lost, &OF_POSTGRES).await;
    assert_eq!(people, all);
    all_are_taken_over(&story, people).await;
    assert_eq!(*lost.lock().unwrap(), BTreeSet::new(), "not all were lost");

    assert_eq!(server.column("postgres", held).await, before);
    let roles = "SELECT concat_ws(' ', m.rolname, g.rolname, shobj_description(m.oid, 'pg_authid')) FROM pg_auth_members a
                 JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member WHERE m.rolname LIKE 'old%'
                 ORDER BY 1";
    let mut wanted = vec![format!("old{all} earlier")];
    for n in 0..people {
        let mark = format!("it/{}/{n}", story.ns.name);
        wanted.extend([
            format!("old{n} earlier {mark}"),
            format!("old{n} staff {mark}"),
        ]);
    }
    wanted.sort();
    assert_eq!(server.column("postgres", roles).await, wanted);
    no_statement_twice(&made, "GRANT");
    no_statement_twice(&made, "COMMENT");
}
