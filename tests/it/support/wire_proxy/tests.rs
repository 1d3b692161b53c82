//! Before each kind of server: what is passed on is done, what is refused or denied is not, and what is lost is done
//! and not told.

use std::collections::BTreeSet;

use ldap3::Ldap;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder};
use tokio_postgres::NoTls;

use super::{Asked, Fate, Language, WireProxy};
use crate::support::directory::Looker;
use crate::support::mysql::{MySqlServer, OfMariaDb, OfMySql, Product};
use crate::support::openldap::{BIND_DN, OpenLdap, SUFFIX};
use crate::support::postgres::Postgres;
use crate::support::wait::eventually;

/// What each name brings about, and whether that is told as a success.
const NAMES: [(&str, bool); 4] = [
    ("passed", true),
    ("refused", false),
    ("lost", false),
    ("denied", false),
];
const DONE: [&str; 2] = ["lost", "passed"];

fn fate(asked: &Asked, code: &'static str) -> Fate {
    match NAMES.iter().find(|(name, _)| asked.what.contains(name)) {
        Some(("refused", _)) => Fate::Refuse,
        Some(("lost", _)) => Fate::Lose,
        Some(("denied", _)) => Fate::Deny(code, "not today".to_owned()),
        _ => Fate::Pass,
    }
}

#[tokio::test]
async fn postgresql() {
    let server = Postgres::start().await;
    let judge = |asked: &Asked| fate(asked, "42501");
    let proxy = WireProxy::before(Language::Postgres, server.port(), judge).await;
    for in_transaction in [false, true] {
        for (name, is_told) in NAMES {
            let mut config = tokio_postgres::Config::new();
            config.host("127.0.0.1").port(proxy.port()).user("rollcall");
            config.password(server.password()).dbname("postgres");
            let (client, connection) = config.connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            let make = format!("CREATE ROLE {name}_{in_transaction}");
            let told = if in_transaction {
                client.batch_execute("BEGIN").await.unwrap();
                client.batch_execute(&make).await.unwrap();
                client.batch_execute("COMMIT").await
            } else {
                client.batch_execute(&make).await
            };
            assert_eq!(told.is_ok(), is_told, "{name}: {told:?}");
            if name == "denied" {
                let code = told.unwrap_err().code().cloned();
                assert_eq!(code.unwrap().code(), "42501");
            }
        }
        let roles = format!(
            "SELECT split_part(rolname, '_', 1) FROM pg_roles WHERE rolname LIKE '%\\_{in_transaction}' ORDER BY 1"
        );
        assert_eq!(server.column("postgres", &roles).await, DONE);
    }
}

#[tokio::test]
async fn mariadb() {
    mysql_or_mariadb::<OfMariaDb>().await;
}

#[tokio::test]
async fn mysql() {
    mysql_or_mariadb::<OfMySql>().await;
}

async fn mysql_or_mariadb<P: Product>() {
    let server = MySqlServer::<P>::start().await;
    let judge = |asked: &Asked| fate(asked, "1045");
    let proxy = WireProxy::before(Language::MySql, server.port(), judge).await;
    for (name, is_told) in NAMES {
        let options = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(proxy.port())
            .prefer_socket(false)
            .user(Some("rollcall"))
            .pass(Some(server.password()));
        let mut session = Conn::new(options).await.unwrap();
        let told = session.query_drop(format!("CREATE ROLE {name}")).await;
        assert_eq!(told.is_ok(), is_told, "{name}: {told:?}");
        if name == "denied" {
            let told = told.unwrap_err().to_string();
            assert!(told.contains("not today"), "{told}");
        }
    }
    let mut roles = server.column("mysql", P::EVERYBODY).await;
    roles.retain(|role| NAMES.iter().any(|(name, _)| role.starts_with(name)));
    let names = roles.iter().map(|role| role.split('@').next().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), DONE);
}

#[tokio::test]
async fn a_directory_with_and_without_encryption() {
    let server = OpenLdap::start().await;
    let judge = |asked: &Asked| fate(asked, "53");
    let plain = WireProxy::before(Language::Ldap, server.port(), judge).await;
    let (tls_port, ca) = (server.tls_port(), server.ca_pem());
    let encrypted = WireProxy::before_tls(Language::Ldap, tls_port, ca, judge).await;
    for (proxy, mark) in [(&plain, "plain"), (&encrypted, "encrypted")] {
        let ca = (mark == "encrypted").then(|| proxy.ca_pem());
        for (name, is_told) in NAMES {
            let looker = Looker::sign_in(proxy.port(), ca, BIND_DN, server.password()).await;
            let mut ldap = Ldap::from(looker.unwrap());
            let dn = format!("ou={name} {mark},ou=groups,{SUFFIX}");
            let unit = vec![("objectClass", ["organizationalUnit"].into())];
            let told = ldap.add(&dn, unit).await;
            let is_done = told.as_ref().is_ok_and(|answer| answer.rc == 0);
            assert_eq!(is_done, is_told, "{name}: {told:?}");
            if name == "denied" {
                let answer = told.unwrap();
                assert_eq!((answer.rc, answer.text.as_str()), (53, "not today"));
            }
        }
        eventually(
            "what was passed on and what was lost is there",
            async || {
                let there = server.below(&format!("ou=groups,{SUFFIX}")).await;
                let names = there.keys().filter_map(|dn| {
                    let (name, _) = dn.strip_prefix("ou=")?.split_once(&format!(" {mark},"))?;
                    Some(name.to_owned())
                });
                let names: BTreeSet<String> = names.collect();
                if names == DONE.map(str::to_owned).into() {
                    Ok(())
                } else {
                    Err(names)
                }
            },
        )
        .await;
    }
}
