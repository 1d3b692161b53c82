//! A transfer as somebody sees it who works all the time: what the old role and the new one both give is there at every
//! instant, and the rest changes round it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollcall::api::employee::{EmployeeStatus, GrantStatus};
use serde_json::json;
use tokio::task::AbortHandle;
use tokio_postgres::Client;

use super::{connect, connector, initial_password};
use crate::stories::kit::{Story, clerk, day, template};
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// What the shared group may do, and nobody else.
const USE: &str = "SET ROLE shared; INSERT INTO work DEFAULT VALUES; RESET ROLE";
/// The groups of whoever asks, at one instant.
const HELD: &str = "SELECT coalesce(string_agg(g.rolname::text, ' ' ORDER BY g.rolname), '') FROM pg_auth_members m \
                    JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member \
                    WHERE r.rolname = session_user";
/// By which transaction the shared group was given.
const GIVEN_BY: &str = "SELECT m.xmin::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid \
                        JOIN pg_roles r ON r.oid = m.member \
                        WHERE g.rolname = 'shared' AND r.rolname = 'ada.example'";

/// What somebody saw who works.
#[derive(Clone, Debug, Default)]
struct Seen {
    uses: usize,
    /// The groups that were held, one after the other.
    held: Vec<String>,
    /// What was said when the work was not to be done any more.
    refused: Option<String>,
}

/// Somebody who works in one session, every 10 ms.
struct Worker {
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
}

impl Worker {
    fn begins(session: Client) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let noted = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut beat = tokio::time::interval(Duration::from_millis(10));
            loop {
                beat.tick().await;
                let done = work(&session).await;
                let mut seen = noted.lock().unwrap();
                match done {
                    Ok(held) => {
                        seen.uses += 1;
                        if seen.held.last() != Some(&held) {
                            seen.held.push(held);
                        }
                    }
                    Err(error) => {
                        seen.refused = Some(format!("{error:?}"));
                        return;
                    }
                }
            }
        });
        Self {
            seen,
            task: task.abort_handle(),
        }
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until these groups are held, and some more work was done.
    async fn holds(&self, groups: &str) {
        let mut from = None;
        eventually("the groups are held", async || {
            let seen = self.seen();
            assert_eq!(seen.refused, None, "{seen:?}");
            if seen.held.last().is_none_or(|held| held != groups) {
                return Err(seen);
            }
            let from = *from.get_or_insert(seen.uses);
            if seen.uses >= from + 20 {
                Ok(())
            } else {
                Err(seen)
            }
        })
        .await;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn work(session: &Client) -> Result<String, tokio_postgres::Error> {
    session.batch_execute(USE).await?;
    Ok(session.query_one(HELD, &[]).await?.get(0))
}

fn shared(status: &EmployeeStatus) -> &GrantStatus {
    let accounts = status.accounts.iter();
    let mut grants = accounts.filter(|a| a.connector == "database");
    let grants = grants.next().unwrap().entitlements.iter();
    let mut grants = grants.filter(|grant| grant.name == "shared");
    grants.next().unwrap()
}

async fn in_department(story: &Story, department: &str, end: Option<String>) {
    let more = end.map_or(json!({}), |end| json!({"endDate": end}));
    story
        .apply_person(clerk("ada", "1", department, more))
        .await;
}

/// Sales and Support both give `shared`, and each a group of its own; Support gives an account in the chat as well,
/// which is down at first: until that is there, both groups are held.
#[tokio::test]
async fn what_both_roles_give_is_there_all_the_time() {
    let server = Postgres::start().await;
    let mut chat = ScimServer::scim2_server_down();
    let story = Story::new("sql-transfer").await;
    let _operator = Operator::start(&story.ns).await;
    let mut users = connector("database", &server, server.users(), &json!({}));
    users["spec"]["account"]["initialPassword"] = json!({"mustChange": false});
    connect(&story, "database", &server, users).await;
    story.connect("chat", &chat).await;
    let sales: &[(&str, &[&str])] = &[("database", &["shared", "sales"])];
    let support: &[(&str, &[&str])] = &[("database", &["shared", "support"]), ("chat", &["help"])];
    for (name, department, grants) in [("sales", "Sales", sales), ("support", "Support", support)] {
        let rule = format!("employee.department == '{department}'");
        story.apply_role(template(name, &rule, grants)).await;
    }
    in_department(&story, "Sales", None).await;
    let joined = story.provisioned("ada", 1).await;
    let admin = server.admin("app").await;
    let work =
        "CREATE TABLE work (id int GENERATED ALWAYS AS IDENTITY); GRANT INSERT ON work TO shared";
    admin.batch_execute(work).await.unwrap();
    let given = server.column("app", GIVEN_BY).await;
    let password = initial_password(&story).await;
    let session = server.sign_in("ada.example", &password, "app").await;
    let ada = Worker::begins(session.unwrap());
    ada.holds("sales shared").await;

    in_department(&story, "Support", None).await;
    ada.holds("sales shared support").await;
    story
        .person("ada", "waits for the chat", |s| {
            let mut accounts = s.accounts.iter();
            accounts.any(|a| a.reason.as_deref() == Some("WaitingForAdditions"))
        })
        .await;
    ada.holds("sales shared support").await;
    chat.start().await;
    ada.holds("shared support").await;
    let moved = story.provisioned("ada", 2).await;
    assert_eq!(chat.group_members("help").await.len(), 1);
    assert_eq!(shared(&joined).roles, ["sales"]);
    assert_eq!(shared(&moved).roles, ["support"]);
    assert_eq!(shared(&moved).since, shared(&joined).since);

    // And back, with nothing to wait for.
    in_department(&story, "Sales", None).await;
    ada.holds("sales shared").await;
    story.ready("ada").await;
    let seen = ada.seen();
    assert_eq!(
        seen.held[..3],
        ["sales shared", "sales shared support", "shared support"]
    );
    for held in &seen.held {
        let held: Vec<&str> = held.split(' ').collect();
        let one_of_them = held.contains(&"sales") || held.contains(&"support");
        assert!(held.contains(&"shared") && one_of_them, "{seen:?}");
    }
    assert_eq!(
        server.column("app", GIVEN_BY).await,
        given,
        "it was given once, and never anew"
    );
    let done = server
        .column("app", "SELECT count(*)::text FROM work")
        .await;
    assert!(done[0].parse::<usize>().unwrap() >= seen.uses, "{done:?}");

    // Had there been an instant without, the worker would have told.
    in_department(&story, "Sales", Some(day(-2))).await;
    eventually("the work is not to be done any more", async || {
        let seen = ada.seen();
        if seen.refused.is_some() {
            Ok(())
        } else {
            Err(seen)
        }
    })
    .await;
}
