//! A listing of many accounts, Rollcall's and a plain one that only reads the same from the target: time, and the
//! memory that the result takes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::Secret;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Scope, SearchEntry};
use rollcall::api::AppConnectorSpec;
use rollcall::connectors::SharedConnector;
use rollcall::connectors::registry::Protocols;
use rollcall::controllers::app_connector::connect;
use serde_json::json;
use stats_alloc::Region;

use crate::ALLOCATOR;
use crate::company::{CONCURRENCY, Kind, Target};
use crate::report::{Report, median};
use crate::wire;

/// Lists so many accounts from each kind of target that is no service for others to run.
pub async fn inventory(report: &mut Report, accounts: usize, rounds: usize) {
    for kind in [Kind::OpenLdap, Kind::Postgres] {
        let target = Target::new(kind).await;
        fill(&target, accounts).await;
        let connector = open(&target);
        let (mut ours, mut plain) = (Vec::new(), Vec::new());
        let (mut our_memory, mut plain_memory) = (Vec::new(), Vec::new());
        for round in 1..=rounds {
            let (seconds, memory) = measured(async {
                let listing = connector.list().await.unwrap();
                assert!(
                    listing.accounts.len() >= accounts,
                    "{}",
                    listing.accounts.len()
                );
                assert!(listing.accounts_completeness.is_complete());
                listing
            })
            .await;
            ours.push(seconds);
            our_memory.push(memory);
            let (seconds, memory) = measured(plainly(&target, accounts)).await;
            plain.push(seconds);
            plain_memory.push(memory);
            eprintln!(
                "  {} {accounts}, round {round}: plain {:.2} s, Rollcall {:.2} s",
                kind.word(),
                plain[round - 1],
                ours[round - 1]
            );
        }
        let what = format!("inventory of {accounts} from {}", kind.word());
        let (ours, plain) = (median(ours), median(plain));
        report.add(&what, "plain listing", plain, "s", None);
        report.add(&what, "Rollcall", ours, "s", None);
        report.add(&what, "Rollcall / plain", ours / plain, "×", None);
        let kib = |bytes: f64| bytes / 1024.0;
        report.add(
            &what,
            "memory of the plain one",
            kib(median(plain_memory)),
            "KiB",
            None,
        );
        report.add(
            &what,
            "memory of Rollcall's",
            kib(median(our_memory)),
            "KiB",
            None,
        );
    }
}

/// Accounts, as the raw client makes them.
async fn fill(target: &Target, accounts: usize) {
    let wire = wire::to(target).await;
    let made: Vec<String> = stream::iter(0..accounts)
        .map(|n| wire.create(n))
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    for block in made.chunks(1000) {
        wire.join(0, block).await;
    }
}

/// The connector, as the operator opens it.
fn open(target: &Target) -> SharedConnector {
    let spec: AppConnectorSpec = serde_json::from_value(target.spec("directory")).unwrap();
    let secret: Secret = serde_json::from_value(json!({
        "metadata": {
            "name": "directory",
            "labels": {"rollcall.dev/credential": "true"},
            "annotations": {"rollcall.dev/hosts": target.host()},
        },
        "data": {"token": k8s_openapi::ByteString(target.token().as_bytes().to_vec())},
    }))
    .unwrap();
    let secrets = BTreeMap::from([("directory".to_owned(), secret.into())]);
    let opened = connect::open(&Protocols, &spec, &secrets, &mut BTreeSet::new());
    opened.map_err(|problem| problem.message).unwrap().connector
}

/// How long something takes, and what its result takes in memory: what was asked of the allocator and not given
/// back, whatever that had from earlier.
async fn measured<T>(work: impl Future<Output = T>) -> (f64, f64) {
    let region = Region::new(ALLOCATOR);
    let begin = Instant::now();
    let result = work.await;
    let seconds = begin.elapsed().as_secs_f64();
    let change = region.change();
    drop(result);
    let held = change
        .bytes_allocated
        .saturating_sub(change.bytes_deallocated);
    (seconds, f64::from(u32::try_from(held).unwrap()))
}

/// Everything that a listing is made from, read and kept as it came.
async fn plainly(target: &Target, accounts: usize) -> Vec<Vec<String>> {
    let rows = match target {
        Target::OpenLdap(server) => {
            let mut connection = wire::connection(server).await;
            let wanted = [
                "uid",
                "employeeNumber",
                "cn",
                "sn",
                "title",
                "mail",
                "entryUUID",
                "pwdAccountLockedTime",
            ];
            let mut rows = Vec::new();
            for (base, attributes) in [
                ("ou=people,dc=example,dc=org", wanted.to_vec()),
                (
                    "ou=groups,dc=example,dc=org",
                    vec!["cn", "member", "entryUUID"],
                ),
            ] {
                let pages: Vec<Box<dyn Adapter<_, _>>> = vec![
                    Box::new(EntriesOnly::new()),
                    Box::new(PagedResults::new(1000)),
                ];
                let search = connection.streaming_search_with(
                    pages,
                    base,
                    Scope::Subtree,
                    "(objectClass=*)",
                    attributes,
                );
                let mut found = search.await.unwrap();
                while let Some(entry) = found.next().await.unwrap() {
                    let entry = SearchEntry::construct(entry);
                    rows.push(entry.attrs.into_values().flatten().collect());
                }
                found.finish().await.success().unwrap();
            }
            rows
        }
        Target::Postgres(server) => {
            let client = server.admin("postgres").await;
            let mut rows: Vec<Vec<String>> = Vec::new();
            for query in [
                "SELECT oid::text, rolname::text, shobj_description(oid, 'pg_authid') FROM pg_roles",
                "SELECT roleid::text, member::text, '' FROM pg_auth_members",
            ] {
                let found = client.query(query, &[]).await.unwrap();
                let read = |row: &tokio_postgres::Row| -> Vec<String> {
                    (0..3)
                        .filter_map(|n| row.get::<_, Option<String>>(n))
                        .collect()
                };
                rows.extend(found.iter().map(read));
            }
            rows
        }
        Target::StandIn(_) | Target::Scimmy(_) => Vec::new(),
    };
    assert!(rows.len() >= accounts, "{}", rows.len());
    rows
}
