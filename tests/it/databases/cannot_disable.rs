//! Applications that can't disable an account: none is made there before somebody said what becomes of leavers,
//! and no leaver is told to be out as long as the account is open.

use rollcall::api::Employee;
use serde_json::{Value, json};

use super::{connect, connector};
use crate::directories::kit::{group, openldap, person};
use crate::stories::kit::{Neighbours, Story, Told, Witness, clerk, day, is_true, template};
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::postgres::Postgres;
use crate::support::wait::eventually;

/// An application that can't disable an account, as the test itself sees it.
trait Open {
    /// User names of its accounts, sorted.
    async fn names(&self) -> Vec<String>;
    /// Accounts that are in the group `staff`.
    async fn staff(&self) -> usize;
    /// Somebody closes the account of ada by hand.
    async fn close(&self);
}

const UNSAID: Told = Told::new(
    "CannotDisable",
    "spec.leaver.insteadOfDisable",
    &["the application can't disable accounts"],
    "say in spec.leaver.insteadOfDisable what to do instead (Report",
);

/// The connector is called `open`, and its credential is there.
async fn tell(story: &Story, target: &impl Open, mut connector: Value) {
    let _operator = Operator::start(&story.ns).await;
    let neighbours = Neighbours::of(story).await;
    let witness = Witness::of::<Employee>(&story.ns);
    story.apply_connector(connector.clone()).await;
    let rule = "employee.department == 'Sales'";
    story
        .apply_role(template("sales", rule, &[("open", &["staff"])]))
        .await;
    let ada = |more| clerk("ada", "1", "Sales", more);
    story.apply_person(ada(json!({}))).await;
    for condition in ["Stalled", "Ready"] {
        let status = if condition == "Ready" {
            "False"
        } else {
            "True"
        };
        let why = story
            .connector_says("open", condition, status, UNSAID.reason)
            .await;
        UNSAID.is_said_in(&why);
    }
    // Nothing in her own manifest would help.
    let why = story
        .person_says("ada", "Reconciling", "True", UNSAID.reason)
        .await;
    UNSAID.is_said_in(&why);
    let seen = story.connector("open", "was listed", |c| {
        c.status
            .as_ref()
            .unwrap()
            .inventory
            .as_ref()
            .is_some_and(|i| i.completeness == "Complete")
    });
    let capabilities = seen.await.status.unwrap().capabilities;
    assert!(
        !capabilities.contains(&"Disable".to_owned()),
        "{capabilities:?}"
    );
    neighbours.go_on(story).await;
    assert_eq!(target.names().await, [""; 0]);

    connector["spec"]["leaver"] = json!({"insteadOfDisable": "Report"});
    story.apply_connector(connector.clone()).await;
    story.provisioned("ada", 1).await;
    assert_eq!(
        (target.names().await, target.staff().await),
        (names(&["ada"]), 1)
    );

    // Whoever is there already is looked after, also where that is taken back.
    connector["spec"]["leaver"] = json!({});
    story.apply_connector(connector.clone()).await;
    story
        .connector_says("open", "Stalled", "True", UNSAID.reason)
        .await;
    story
        .apply_person(clerk("bob", "2", "Sales", json!({})))
        .await;
    story
        .person_says("bob", "Ready", "False", UNSAID.reason)
        .await;
    story.apply_person(ada(json!({"endDate": day(-2)}))).await;
    left_open(story, target).await;
    connector["spec"]["leaver"] = json!({"insteadOfDisable": "Report"});
    story.apply_connector(connector).await;
    story.provisioned("bob", 1).await;
    left_open(story, target).await;
    neighbours.go_on(story).await;
    let told_out = |v: &Value| is_true(v, "AccessRevoked");
    assert!(!witness.versions_of("ada").iter().any(told_out));

    target.close().await;
    story
        .person("ada", "is out", |s| {
            crate::stories::kit::is(&s.conditions, "AccessRevoked", "True")
        })
        .await;
}

fn names(given: &[&str]) -> Vec<String> {
    given.iter().map(|name| format!("{name}.example")).collect()
}

/// Ada has left: what her role gave is taken, her account is open, and it is told that it is.
async fn left_open(story: &Story, target: &impl Open) {
    let why = story
        .person_says("ada", "Ready", "False", "Unsupported")
        .await;
    assert!(why.contains("nothing says how: set spec."), "{why}");
    story
        .person_says("ada", "AccessRevoked", "False", "NotYetProven")
        .await;
    let others = target.names().await.len() - 1;
    eventually(
        "her role's group is taken from her",
        async || match target.staff().await {
            left if left == others => Ok(()),
            left => Err(left),
        },
    )
    .await;
    assert!(target.names().await.contains(&"ada.example".to_owned()));
}

impl Open for OpenLdap {
    async fn names(&self) -> Vec<String> {
        let below = self.below("ou=people,dc=example,dc=org").await;
        let uid = |dn: &String| dn.split([',', '=']).nth(1).unwrap().to_owned();
        below.keys().map(uid).collect()
    }

    async fn staff(&self) -> usize {
        let mut looker = self.looker().await;
        let members = looker.values(&group("staff"), "member").await;
        members.iter().filter(|m| m.contains("ou=people")).count()
    }

    async fn close(&self) {
        self.looker().await.delete(&person("ada.example")).await;
    }
}

#[tokio::test]
async fn a_directory_without_a_way_to_disable() {
    let server = OpenLdap::start().await;
    let story = Story::new("ldap-open").await;
    let mut connector = openldap("open", &server);
    connector["spec"]["ldap"]["dialect"] = json!("Standard");
    let hosts = server.hosts();
    story.ns.credential("open", server.password(), &hosts).await;
    tell(&story, &server, connector).await;
}

impl Open for Postgres {
    async fn names(&self) -> Vec<String> {
        let all = "SELECT login FROM people ORDER BY login";
        self.column("app", all).await
    }

    async fn staff(&self) -> usize {
        let all =
            "SELECT t.name FROM team_people JOIN teams t ON t.id = team WHERE t.name = 'staff'";
        self.column("app", all).await.len()
    }

    async fn close(&self) {
        let admin = self.admin("app").await;
        let close = "UPDATE people SET enabled = false WHERE login = 'ada.example'";
        admin.batch_execute(close).await.unwrap();
    }
}

#[tokio::test]
async fn tables_without_statements_that_disable() {
    let server = Postgres::start().await;
    server.app().await;
    let story = Story::new("sql-open").await;
    let attributes = json!({"full_name": "employee.name.display", "title": "employee.jobTitle"});
    let mut block = server.tables();
    for verb in ["disable", "enable"] {
        block["tables"].as_object_mut().unwrap().remove(verb);
    }
    let connector = connector("open", &server, block, &attributes);
    connect(&story, "open", &server, connector.clone()).await;
    tell(&story, &server, connector).await;
}
