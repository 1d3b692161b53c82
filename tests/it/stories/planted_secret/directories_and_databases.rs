//! Directories and databases: the password that we sign in with, and those that new accounts begin with.

use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use super::super::kit::{Story, clerk, everyone, tells};
use super::{are_nowhere, forms, random, talkative};
use crate::databases;
use crate::directories::kit::openldap;
use crate::support::mysql::MariaDb;
use crate::support::openldap::OpenLdap;
use crate::support::postgres::Postgres;
use crate::support::wire_proxy::{Asked, Fate, Language, WireProxy};

/// Targets that new accounts begin with a password in.
const WITH_PASSWORDS: [&str; 4] = ["directory", "warehouse", "app", "database"];
const PEOPLE: [(&str, &str); 2] = [("ada", "1"), ("ann", "2")];

/// A server that lets nobody in, and says with what they tried, in every form.
async fn refusing(language: Language, port: u16, code: &'static str, password: &str) -> WireProxy {
    let all: Vec<String> = forms(password).into_iter().collect();
    let said = format!("no access for {password}, that is {}", all.join(" or "));
    WireProxy::before(language, port, move |asked| {
        if asked.what == "sign in" || asked.what.starts_with("Bind ") {
            return Fate::Deny(code, said.clone());
        }
        Fate::Pass
    })
    .await
}

/// A directory that takes no password for ann, and repeats the whole question.
fn picky(asked: &Asked) -> Fate {
    if asked.what.starts_with("Extended ") && asked.text.contains("uid=ann.") {
        return Fate::Deny("19", format!("Password fails quality: {}", asked.text));
    }
    Fate::Pass
}

/// An application that takes none of an emperor, and repeats it.
async fn picky_table(server: &Postgres) -> Value {
    server.app().await;
    let admin = server.admin("app").await;
    admin
        .batch_execute(
            "ALTER TABLE people ADD secret text;
             CREATE FUNCTION pick() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF NEW.title = 'Emperor' THEN RAISE EXCEPTION '% is no good', NEW.secret; END IF; RETURN NEW; END $$;
             CREATE TRIGGER pick BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION pick()",
        )
        .await
        .unwrap();
    let mut tables = server.tables();
    tables["tables"]["create"] = json!(
        "INSERT INTO people (login, rollcall, enabled, full_name, title, secret)
         VALUES (:username, :mark, :active, :full_name, :title, :password)"
    );
    tables
}

struct Planted {
    directory: OpenLdap,
    warehouse: Postgres,
    database: MariaDb,
    /// The password that is refused wherever it is tried.
    refused: String,
}

impl Planted {
    async fn new() -> Self {
        let (directory, warehouse, database) =
            tokio::join!(OpenLdap::start(), Postgres::start(), MariaDb::start());
        Self {
            directory,
            warehouse,
            database,
            refused: format!("p4ss+/{}=&%:\"\\end", random()),
        }
    }

    /// Connectors to servers that are in order, the directory behind a proxy.
    async fn connect(&self, story: &Story, picky: &WireProxy) {
        let mut directory = openldap("directory", &self.directory);
        directory["spec"]["ldap"]["servers"] = json!([format!("ldaps://{}", picky.host())]);
        directory["spec"]["ldap"]["startTLS"] = json!(false);
        directory["spec"]["sync"]["tls"]["caBundle"] = json!(picky.ca_pem());
        directory["spec"]["account"]["initialPassword"] = json!({"mustChange": false});
        story
            .ns
            .credential("directory", self.directory.password(), &picky.host())
            .await;
        story.apply_connector(directory).await;
        let attributes =
            json!({"full_name": "employee.name.display", "title": "employee.jobTitle"});
        let (warehouse, database) = (&self.warehouse, &self.database);
        let tables = picky_table(warehouse).await;
        for (mut connector, password, host) in [
            (
                databases::connector("warehouse", warehouse, warehouse.users(), &json!({})),
                warehouse.password(),
                warehouse.host(),
            ),
            (
                databases::connector("app", warehouse, tables, &attributes),
                warehouse.password(),
                warehouse.host(),
            ),
            (
                databases::connector("database", database, database.users(), &json!({})),
                database.password(),
                database.host(),
            ),
        ] {
            let name = connector["metadata"]["name"].as_str().unwrap().to_owned();
            connector["spec"]["account"]["initialPassword"] = json!({"mustChange": false});
            story.ns.credential(&name, password, &host).await;
            story.apply_connector(connector).await;
        }
        for target in WITH_PASSWORDS {
            story.apply_role(everyone(target, target, &[])).await;
        }
    }

    /// Connectors to servers that let nobody in.
    async fn connect_in_vain(&self, story: &Story, ways: &[WireProxy; 3]) {
        let [directory, warehouse, database] = ways;
        let mut in_vain = [
            openldap("no-directory", &self.directory),
            databases::connector(
                "no-warehouse",
                &self.warehouse,
                self.warehouse.users(),
                &json!({}),
            ),
            databases::connector(
                "no-database",
                &self.database,
                self.database.users(),
                &json!({}),
            ),
        ];
        let ldap = &mut in_vain[0]["spec"]["ldap"];
        ldap["servers"] = json!([format!("ldap://{}", directory.host())]);
        ldap["startTLS"] = json!(false);
        for (n, url) in [
            (1, format!("postgres://{}/postgres", warehouse.host())),
            (2, format!("mariadb://{}/mysql", database.host())),
        ] {
            in_vain[n]["spec"]["sql"]["url"] = json!(url);
            in_vain[n]["spec"]["sql"]["encryption"] = json!("None");
        }
        for (connector, way) in in_vain.into_iter().zip(ways) {
            let name = connector["metadata"]["name"].as_str().unwrap().to_owned();
            story.ns.credential(&name, &self.refused, &way.host()).await;
            story.apply_connector(connector).await;
        }
    }

    /// What accounts began with, and what the databases compare that with.
    async fn initial_passwords(&self, story: &Story) -> Vec<String> {
        let mut found = Vec::new();
        for target in WITH_PASSWORDS {
            for (_, id) in PEOPLE {
                let name = format!("{target}.{id}.initial-password");
                let kept = story.ns.api::<Secret>().get(&name).await.unwrap();
                let password = kept.data.unwrap()["password"].0.clone();
                found.push(String::from_utf8(password).unwrap());
            }
        }
        let verifiers = "SELECT rolpassword FROM pg_authid WHERE rolname LIKE '%.example'";
        let of_warehouse = self.warehouse.column("postgres", verifiers).await;
        let verifiers = "SELECT JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv
                         WHERE User LIKE '%.example'";
        let of_database = self.database.column("mysql", verifiers).await;
        assert_eq!((of_warehouse.len(), of_database.len()), (2, 2));
        assert!(of_warehouse[0].starts_with("SCRAM-SHA-256$"));
        found.extend(of_warehouse);
        found.extend(of_database);
        found
    }
}

#[tokio::test]
async fn no_password_comes_to_light() {
    let planted = Planted::new().await;
    let story = Story::new("planted-more").await;
    let operator = talkative(&story).await;
    let picky = WireProxy::before_tls(
        Language::Ldap,
        planted.directory.tls_port(),
        planted.directory.ca_pem(),
        picky,
    )
    .await;
    planted.connect(&story, &picky).await;
    let refused = &planted.refused;
    let ways = [
        refusing(Language::Ldap, planted.directory.port(), "49", refused).await,
        refusing(
            Language::Postgres,
            planted.warehouse.port(),
            "28P01",
            refused,
        )
        .await,
        refusing(Language::MySql, planted.database.port(), "1045", refused).await,
    ];
    planted.connect_in_vain(&story, &ways).await;
    for (name, id) in PEOPLE {
        let title = if name == "ann" { "Emperor" } else { "Clerk" };
        let person = clerk(name, id, "Sales", json!({"jobTitle": title}));
        story.apply_person(person).await;
    }

    story.provisioned("ada", WITH_PASSWORDS.len()).await;
    // What was said is told, as far as it may be.
    for name in ["no-directory", "no-warehouse", "no-database"] {
        let said = story
            .connector_says(name, "Connected", "False", "Unauthorized")
            .await;
        tells(&said, &["no access for [redacted], that is [redacted]"]);
    }
    let status = story
        .person("ann", "says what became of her passwords", |s| {
            let told = s.accounts.iter().filter(|account| {
                let message = account.message.as_deref().unwrap_or_default();
                message.contains("[redacted]")
            });
            told.count() == 2
        })
        .await;
    for (target, words) in [
        ("directory", "Password fails quality"),
        ("app", "[redacted] is no good"),
    ] {
        let account = status.accounts.iter().find(|a| a.connector == target);
        tells(account.unwrap().message.as_deref().unwrap(), &[words]);
    }
    let initial = planted.initial_passwords(&story).await;
    let own = [
        planted.refused.as_str(),
        planted.directory.password(),
        planted.warehouse.password(),
        planted.database.password(),
    ];
    let initial = initial.iter().map(String::as_str);
    let markers: Vec<&str> = own.into_iter().chain(initial).collect();
    are_nowhere(&story, &operator, &markers).await;
}
