//! MySQL and MariaDB, where no statement can be undone: the operator is killed around each kind of them, and answers are lost,
//! while people join, move, leave and come back.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::Secret;
use mysql_async::prelude::Queryable as _;
use rollcall::connectors::{Connector, HolderChange, InitialPassword, WritePermit};
use rollcall::domain::account::{Activity, AttributeChanges, Attributes, NewAccount};
use rollcall::domain::ids::{AccountId, EmployeeId, EntitlementId, Username};
use rollcall::domain::mark::Scope;
use serde_json::json;

use super::mysql_or_mariadb::users_at;
use super::{connect, connector};
use crate::stories::kit::{Story, clerk, day, everyone, template};
use crate::support::mysql::{MariaDb, MySqlServer, OfMariaDb, OfMySql, Product};
use crate::support::operator::Operator;
use crate::support::trap::{Trap, When};
use crate::support::wait::eventually;
use crate::support::wire_proxy::{Fate, Language, WireProxy};

/// A kind of statements, by how they begin and by a part of them, and who brings it about.
type Kind = (&'static str, &'static str, Who);

/// What a server is told when somebody joins, moves, leaves and comes back.
trait Told: Product {
    const KINDS: &'static [Kind];
}

impl Told for OfMariaDb {
    const KINDS: &'static [Kind] = &[
        ("DROP ROLE IF EXISTS", "`it/", Who::Joiner),
        ("CREATE USER", "", Who::Joiner),
        ("ALTER USER", "MAX_USER_CONNECTIONS", Who::Joiner),
        ("CREATE ROLE", "`it/", Who::Joiner),
        ("GRANT `it/", "", Who::Joiner),
        ("SET DEFAULT ROLE", "", Who::Joiner),
        ("ALTER USER", "REQUIRE NONE ACCOUNT UNLOCK", Who::Joiner),
        ("CREATE ROLE", "`dep", Who::Joiner),
        ("GRANT `dep", "", Who::Mover),
        ("REVOKE `dep", "", Who::Mover),
        ("ALTER USER", "' ACCOUNT LOCK", Who::Leaver),
        ("ALTER USER", "' ACCOUNT UNLOCK", Who::Returner),
    ];
}

impl Told for OfMySql {
    const KINDS: &'static [Kind] = &[
        ("DROP ROLE IF EXISTS", "`rollcall:", Who::Joiner),
        ("CREATE ROLE", "`rollcall:", Who::Joiner),
        ("CREATE USER", "", Who::Joiner),
        ("CREATE ROLE", "`dep", Who::Joiner),
        ("GRANT `dep", "", Who::Mover),
        ("REVOKE `dep", "", Who::Mover),
        ("ALTER USER", "' ACCOUNT LOCK", Who::Leaver),
        ("ALTER USER", "' ACCOUNT UNLOCK", Who::Returner),
    ];
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Joiner,
    Mover,
    Leaver,
    Returner,
}

fn is_of(kind: Kind, statement: &str) -> bool {
    statement.starts_with(kind.0) && statement.contains(kind.1)
}

/// What was asked for, and reached the server.
type Statements = Arc<Mutex<Vec<String>>>;

/// People of several departments, each with a role of its own.
struct Town<P> {
    story: Story,
    server: MySqlServer<P>,
    _proxy: WireProxy,
    carried_out: Statements,
    people: Vec<Declared>,
}

#[derive(Clone)]
struct Declared {
    name: String,
    department: String,
    gone: bool,
}

impl<P: Told> Town<P> {
    async fn new(
        name: &str,
        departments: usize,
        judge: impl Fn(&str) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let server = MySqlServer::<P>::start().await;
        let carried_out = Statements::default();
        let noted = Arc::clone(&carried_out);
        let proxy = WireProxy::before(Language::MySql, server.port(), move |asked| {
            let fate = judge(&asked.what);
            if !matches!(fate, Fate::Refuse) {
                noted.lock().unwrap().push(asked.what.clone());
            }
            fate
        })
        .await;
        let story = Story::new(name).await;
        let mut users = connector("database", &server, server.users(), &json!({}));
        users["spec"]["sql"]["url"] = json!(format!("{}://{}/mysql", P::WORD, proxy.host()));
        users["spec"]["sql"]["encryption"] = json!("None");
        users["spec"]["account"]["initialPassword"] = json!({"mustChange": false});
        connect(&story, "database", &server, users).await;
        let (password, host) = (server.password(), proxy.host());
        story.ns.credential("database", password, &host).await;
        story
            .apply_role(everyone("everyone", "database", &["staff"]))
            .await;
        for n in 0..departments {
            let department = format!("dep{n}");
            let rule = format!("employee.department == '{department}'");
            let grants: &[(&str, &[&str])] = &[("database", &[&department])];
            story.apply_role(template(&department, &rule, grants)).await;
        }
        Self {
            story,
            server,
            _proxy: proxy,
            carried_out,
            people: Vec::new(),
        }
    }

    async fn declare(&mut self, name: &str, department: &str, gone: bool) {
        let mut more = json!({});
        if gone {
            more["endDate"] = json!(day(-2));
        }
        self.story
            .apply_person(clerk(name, name, department, more))
            .await;
        self.people.retain(|person| person.name != name);
        self.people.push(Declared {
            name: name.to_owned(),
            department: department.to_owned(),
            gone,
        });
    }

    async fn settled(&self) {
        for person in &self.people {
            if person.gone {
                self.story
                    .person_says(&person.name, "AccessRevoked", "True", "ReadBackDisabled")
                    .await;
                self.story.ready(&person.name).await;
            } else {
                self.story.provisioned(&person.name, 1).await;
            }
        }
    }

    /// Everybody has one user, finished, that begins with its own role and by it has exactly what is declared; and
    /// nobody else is there.
    async fn all_is_right(&self) {
        self.settled().await;
        let mark = |person: &Declared| format!("it/{}/{}", self.story.ns.name, person.name);
        let wanted = self.people.iter().map(|person| {
            let (name, mark) = (&person.name, mark(person));
            let held = if person.gone {
                String::new()
            } else {
                format!("{},staff", person.department)
            };
            let (locked, own) = (i32::from(person.gone), P::own_role(&mark));
            format!("{name}.example {own} {locked} {mark} {own} {held}")
        });
        let wanted: BTreeSet<String> = wanted.collect();
        let shown = format!(
            "SELECT CONCAT_WS(' ', u.name, u.begins, u.locked, u.mark,
              (SELECT GROUP_CONCAT(g.role ORDER BY g.role) FROM ({given}) g WHERE g.name = u.name AND g.host = u.host),
              IFNULL((SELECT GROUP_CONCAT(g.role ORDER BY g.role) FROM ({given}) g WHERE g.name = u.begins), ''))
             FROM ({users}) u WHERE u.name LIKE '%example%'",
            users = P::USERS,
            given = P::GIVEN,
        );
        eventually("everything is as declared", async || {
            let seen = self.server.column("mysql", &shown).await;
            if seen.iter().cloned().collect::<BTreeSet<_>>() == wanted {
                Ok(())
            } else {
                Err((seen, &wanted))
            }
        })
        .await;
        let mut roles = self.server.column("mysql", P::EVERYBODY).await;
        roles.retain(|role| role.starts_with(P::OWN_ROLES));
        let own = self.people.iter().map(|person| P::own_role(&mark(person)));
        let own: BTreeSet<String> = own.collect();
        assert_eq!(roles.len(), own.len(), "{roles:?}");
        assert!(
            own.iter()
                .all(|own| roles.iter().any(|role| role.starts_with(own)))
        );
    }

    /// Whoever is in gets in with the password that was kept for them.
    async fn passwords_let_in(&self) {
        for person in self.people.iter().filter(|person| !person.gone) {
            let secret = format!("database.{}.initial-password", person.name);
            let kept = self.story.ns.api::<Secret>().get(&secret).await.unwrap();
            let password = kept.data.unwrap()["password"].0.clone();
            let password = String::from_utf8(password).unwrap();
            let user = format!("{}.example", person.name);
            let signed_in = self.server.sign_in(&user, &password, "").await;
            assert!(signed_in.is_some(), "{user} is not let in");
        }
    }

    /// What need not be said again to finish what was begun was said once.
    fn nothing_is_done_twice(&self, since: usize) {
        let mut done = self.carried_out.lock().unwrap().split_off(since);
        let counts = |statement: &String| {
            let begins = ["CREATE USER", "GRANT `dep", "GRANT `staff", "REVOKE"];
            begins.iter().any(|begin| statement.starts_with(begin))
                || statement.contains("' ACCOUNT ")
        };
        done.retain(counts);
        let once: BTreeSet<&String> = done.iter().collect();
        assert_eq!(done.len(), once.len(), "{done:#?}");
    }
}

#[tokio::test]
async fn killed_around_each_kind_of_statement_in_mariadb() {
    killed_around_each_kind_of_statement::<OfMariaDb>().await;
}

#[tokio::test]
async fn killed_around_each_kind_of_statement_in_mysql() {
    killed_around_each_kind_of_statement::<OfMySql>().await;
}

async fn killed_around_each_kind_of_statement<P: Told>() {
    let points: Vec<_> = P::KINDS
        .iter()
        .flat_map(|kind| [(*kind, When::Before), (*kind, When::After)])
        .collect();
    let trap = Trap::new();
    let judge = Arc::clone(&trap);
    let departments = points.len() + 1;
    let name = format!("{}-killed", P::WORD);
    let mut town = Town::<P>::new(&name, departments, move |what| judge.fate(what)).await;
    let first = format!("dep{}", points.len());
    let named: Vec<(Who, String)> = points
        .iter()
        .enumerate()
        .map(|(n, ((.., who), _))| (*who, format!("{who:?}{n}").to_lowercase()))
        .collect();
    for (_, name) in named.iter().filter(|(who, _)| *who != Who::Joiner) {
        town.declare(name, &first, false).await;
    }
    let operator = Operator::start(&town.story.ns).await;
    town.settled().await;
    for (_, name) in named.iter().filter(|(who, _)| *who == Who::Returner) {
        town.declare(name, &first, true).await;
    }
    town.all_is_right().await;
    operator.stop().await.unwrap();
    let since = town.carried_out.lock().unwrap().len();
    for (n, ((kind, when), (who, name))) in points.into_iter().zip(&named).enumerate() {
        let next = format!("dep{n}");
        match who {
            Who::Joiner | Who::Mover => town.declare(name, &next, false).await,
            Who::Leaver => town.declare(name, &first, true).await,
            Who::Returner => town.declare(name, &first, false).await,
        }
        let is_it = move |what: &str| is_of(kind, what);
        trap.catches(&town.story.ns, when, is_it).await;
    }
    let _operator = Operator::start(&town.story.ns).await;
    town.all_is_right().await;
    town.passwords_let_in().await;
    town.nothing_is_done_twice(since);
}

#[tokio::test]
async fn lost_answers_in_mariadb() {
    lost_answers::<OfMariaDb>().await;
}

#[tokio::test]
async fn lost_answers_in_mysql() {
    lost_answers::<OfMySql>().await;
}

/// The answer to the first statement of each kind is lost, and to the first of each that follows upon it.
async fn lost_answers<P: Told>() {
    let lost: Arc<Mutex<BTreeSet<usize>>> = Arc::default();
    let noted = Arc::clone(&lost);
    let judge = move |what: &str| {
        let kind = P::KINDS.iter().position(|kind| is_of(*kind, what));
        match kind {
            Some(kind) if noted.lock().unwrap().insert(kind) => Fate::Lose,
            _ => Fate::Pass,
        }
    };
    let mut town = Town::<P>::new(&format!("{}-lost", P::WORD), 2, judge).await;
    let _operator = Operator::start(&town.story.ns).await;
    let names = ["ada", "bob", "eve"];
    for name in names {
        town.declare(name, "dep0", false).await;
    }
    town.all_is_right().await;
    town.declare("ada", "dep1", false).await;
    town.declare("bob", "dep0", true).await;
    town.all_is_right().await;
    town.declare("bob", "dep0", false).await;
    town.all_is_right().await;
    town.passwords_let_in().await;
    assert_eq!(*lost.lock().unwrap(), (0..P::KINDS.len()).collect());
}

/// A user that is half taken over does not begin with our role yet. What is given to that role would look given, and
/// count for nothing: so the user begins with it first, or is given nothing.
#[tokio::test]
async fn what_is_given_counts_at_once_or_is_not_given() {
    let server = MariaDb::start().await;
    let mark = "prod/people/1";
    let before = format!(
        "CREATE USER ada@'%'; CREATE ROLE staff WITH ADMIN rollcall; CREATE ROLE `{mark}` WITH ADMIN rollcall"
    );
    server.run("mysql", &before).await;
    let ours = server.sign_in("rollcall", server.password(), "mysql").await;
    let half = format!("GRANT `{mark}` TO ada@'%'");
    ours.unwrap().query_drop(half).await.unwrap();
    let refuses = Arc::new(AtomicBool::new(true));
    let judge = Arc::clone(&refuses);
    let proxy = WireProxy::before(Language::MySql, server.port(), move |asked| {
        if asked.what.starts_with("SET DEFAULT ROLE") && judge.load(Ordering::SeqCst) {
            return Fate::Refuse;
        }
        Fate::Pass
    })
    .await;
    let users = users_at(&server, proxy.port(), false);
    let permit = WritePermit::issue();
    let change = HolderChange {
        add: vec![AccountId::new(mark)],
        remove: Vec::new(),
    };
    let staff = EntitlementId::new("staff");
    let held = format!("SELECT Role FROM mysql.roles_mapping WHERE User = '{mark}'");
    let begins = "SELECT IFNULL(JSON_VALUE(Priv, '$.default_role'), '') FROM mysql.global_priv WHERE User = 'ada'";
    let given = users.change_holders(&permit, &staff, &change).await;
    let is_told = given
        .as_ref()
        .map_or(true, |all| all.iter().any(|(_, one)| one.is_err()));
    assert!(is_told, "{given:?}");
    assert_eq!(server.column("mysql", &held).await, [""; 0]);
    refuses.store(false, Ordering::SeqCst);
    let given = users.change_holders(&permit, &staff, &change).await;
    assert!(given.unwrap().iter().all(|(_, result)| result.is_ok()));
    assert_eq!(server.column("mysql", &held).await, ["staff"]);
    assert_eq!(server.column("mysql", begins).await, [mark]);
}

#[tokio::test]
async fn no_session_outlives_a_rename_and_a_lock_in_mariadb() {
    no_session_outlives_a_rename_and_a_lock::<OfMariaDb>().await;
}

#[tokio::test]
async fn no_session_outlives_a_rename_and_a_lock_in_mysql() {
    no_session_outlives_a_rename_and_a_lock::<OfMySql>().await;
}

/// Sessions go on under the name that they began with. Wherever the answers to a rename are lost, a user who is locked
/// later has none.
async fn no_session_outlives_a_rename_and_a_lock<P: Product>() {
    let server = MySqlServer::<P>::start().await;
    let lost: Arc<Mutex<Option<&'static str>>> = Arc::default();
    let judge = Arc::clone(&lost);
    let proxy = WireProxy::before(Language::MySql, server.port(), move |asked| {
        let mut lost = judge.lock().unwrap();
        match lost.take_if(|begins| asked.what.contains(*begins)) {
            Some(_) => Fate::Lose,
            None => Fate::Pass,
        }
    })
    .await;
    let users = users_at(&server, proxy.port(), false);
    let permit = WritePermit::issue();
    for (n, begins) in ["' ACCOUNT LOCK", "RENAME USER", "' ACCOUNT UNLOCK"]
        .into_iter()
        .enumerate()
    {
        let account = NewAccount {
            username: Username::new(format!("ada{n}")),
            mark: Scope::new("prod", "people").mark(&EmployeeId::new(n.to_string())),
            active: true,
            first_used: None,
            attributes: Attributes::default(),
        };
        let password = InitialPassword {
            secret: "her-own-secret".into(),
            must_change: false,
        };
        let made = users.create(&permit, &account, Some(&password)).await;
        let id = made.unwrap().id;
        let signed_in = server
            .sign_in(&format!("ada{n}"), "her-own-secret", "")
            .await;
        let mut session = signed_in.unwrap();
        let renamed = AttributeChanges {
            username: Some(Username::new(format!("countess{n}"))),
            ..AttributeChanges::default()
        };
        *lost.lock().unwrap() = Some(begins);
        users.update(&permit, &id, &renamed).await.unwrap_err();
        assert_eq!(*lost.lock().unwrap(), None, "{begins} was not lost");
        // Tried again, it is done, and she is let in.
        users.set_active(&permit, &id, true).await.unwrap();
        let again = users.update(&permit, &id, &renamed).await.unwrap();
        let again = again.unwrap();
        assert_eq!(again.username.as_str(), format!("countess{n}"));
        assert_eq!(again.activity, Activity::Active);
        let locked = users.set_active(&permit, &id, false).await.unwrap();
        assert_eq!(locked.unwrap().activity, Activity::Disabled);
        let goes_on = session.query_drop("SELECT 1").await;
        assert!(goes_on.is_err(), "{begins}: her session goes on");
    }
}
