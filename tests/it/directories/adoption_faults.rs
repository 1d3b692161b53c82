//! Entries that were there before are taken over while the operator is killed right before and right after our mark
//! is set, and while the answer to that is lost: by the directory's own record each is marked once, and nothing else
//! is changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ldap3::SearchEntry;
use serde_json::json;

use super::kit::{group, openldap, person};
use crate::stories::kit::{Story, clerk, everyone};
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::operator::Operator;
use crate::support::trap::{Trap, When};
use crate::support::wire_proxy::{Fate, Language, WireProxy};

/// People: one for each instant at which the operator is killed, and one whose answer is lost.
const PEOPLE: usize = 5;

/// What an entry holds, but for what the directory itself changes with each change.
fn held(entries: BTreeMap<String, SearchEntry>) -> BTreeMap<String, Vec<String>> {
    let own = ["entryCSN", "modifiersName", "modifyTimestamp", "memberOf"];
    let held = entries.into_iter().map(|(dn, entry)| {
        let values = entry.attrs.into_iter().flat_map(|(name, values)| {
            let is_own = own.contains(&name.as_str());
            let values = values.into_iter().filter(move |_| !is_own);
            values.map(move |value| format!("{name}: {value}"))
        });
        let mut values: Vec<String> = values.collect();
        values.sort();
        (dn, values)
    });
    held.collect()
}

#[tokio::test]
async fn killed_and_answers_lost() {
    let server = OpenLdap::with(&[("AUDIT", "1")]).await;
    let mut looker = server.looker().await;
    // The last one is nobody's.
    for n in 0..=PEOPLE {
        let (uid, given) = (format!("old{n}"), format!("p{n}"));
        let full = format!("{given} Example");
        let attributes: [(&str, &[&str]); 8] = [
            ("objectClass", &["inetOrgPerson"]),
            ("uid", &[&uid]),
            ("cn", &[&full]),
            ("sn", &["Example"]),
            ("givenName", &[&given]),
            ("title", &["Clerk"]),
            ("departmentNumber", &["Sales"]),
            ("description", &["made by hand"]),
        ];
        looker.add(&person(&uid), &attributes).await;
    }
    let people = format!("ou=people,{SUFFIX}");
    let before = held(looker.below(&people).await);
    let (trap, loses) = (Trap::new(), Arc::new(AtomicBool::new(false)));
    let (springs, lost) = (Arc::clone(&trap), Arc::clone(&loses));
    let proxy = WireProxy::before(Language::Ldap, server.port(), move |asked| {
        let marks = asked.what.starts_with("Modify uid=old");
        if marks && lost.swap(false, Ordering::SeqCst) {
            return Fate::Lose;
        }
        springs.fate(&asked.what)
    })
    .await;
    let story = Story::new("ldap-adopt-faults").await;
    let mut connector = openldap("directory", &server);
    connector["spec"]["ldap"]["servers"] = json!([format!("ldap://{}", proxy.host())]);
    connector["spec"]["ldap"]["startTLS"] = json!(false);
    connector["spec"]["matching"] = json!({
        "rules": [{"attribute": "username", "equals": "employee.attributes['login']"}],
        "adopt": "WhenUnique",
    });
    story
        .ns
        .credential("directory", server.password(), &proxy.host())
        .await;
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let hire = async |n: usize| {
        let login = json!({"attributes": {"login": format!("old{n}")}});
        let person = clerk(&format!("p{n}"), &n.to_string(), "Sales", login);
        story.apply_person(person).await;
    };
    // The group is made on the first of these occasions, so that each has its own person to take over.
    for (n, (kind, when)) in [
        ("Modify uid=old", When::Before),
        ("Modify uid=old", When::After),
        ("Modify cn=staff", When::Before),
        ("Modify cn=staff", When::After),
    ]
    .into_iter()
    .enumerate()
    {
        hire(n).await;
        let is_it = move |what: &str| what.starts_with(kind);
        trap.catches(&story.ns, when, is_it).await;
    }
    loses.store(true, Ordering::SeqCst);
    hire(PEOPLE - 1).await;
    let _operator = Operator::start(&story.ns).await;
    for n in 0..PEOPLE {
        let status = story.provisioned(&format!("p{n}"), 1).await;
        let username = status.accounts[0].username.clone();
        assert_eq!(username, Some(format!("old{n}")));
    }
    assert!(!loses.load(Ordering::SeqCst), "no answer was lost");

    let mark = |n: usize| format!("it/{}/{n}", story.ns.name);
    let mut wanted = before;
    for n in 0..PEOPLE {
        let values = wanted.get_mut(&person(&format!("old{n}"))).unwrap();
        values.push(format!("employeeNumber: {}", mark(n)));
        values.sort();
    }
    assert_eq!(held(looker.below(&people).await), wanted);
    let staff = group("staff");
    let mut changes = vec![format!("{staff} add")];
    for n in 0..PEOPLE {
        let dn = person(&format!("old{n}"));
        changes.push(format!("{dn} add employeeNumber: {}", mark(n)));
        changes.push(format!("{staff} add member: {dn}"));
    }
    let mut done = server.changes();
    done.sort();
    changes.sort();
    assert_eq!(done, changes);
}
