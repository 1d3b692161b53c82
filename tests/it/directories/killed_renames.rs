//! Killed in the middle of a rename, where a directory lets no groups follow by themselves: nobody is left out of the
//! groups that Rollcall does not manage, and nothing stays of what was under way.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::kit::{group, openldap, person};
use crate::stories::kit::{Story, clerk, everyone};
use crate::support::directory::Looker;
use crate::support::openldap::{OpenLdap, SUFFIX};
use crate::support::operator::OperatorProcess;
use crate::support::trap::{Trap, When};
use crate::support::wait::eventually;
use crate::support::wire_proxy::{Asked, Language, WireProxy};

/// How members stand in a kind of group.
struct Kind {
    name: &'static str,
    class: &'static str,
    member: &'static str,
    value: fn(&str) -> String,
}

const NAMES: Kind = Kind {
    name: "GroupOfNames",
    class: "groupOfNames",
    member: "member",
    value: person,
};
const UNIQUE_NAMES: Kind = Kind {
    name: "GroupOfUniqueNames",
    class: "groupOfUniqueNames",
    member: "uniqueMember",
    value: person,
};
const USER_NAMES: Kind = Kind {
    name: "PosixGroup",
    class: "posixGroup",
    member: "memberUid",
    value: str::to_owned,
};

/// Each write of a rename: the note, the entry (at first in vain, as the overlay `unique` has it), a group, and the note
/// again.
const NOTE: &str = "Modify uid=countess";
const ENTRY: &str = "Rename uid=countess";
const GROUP: &str = "Modify cn=";
const NOTE_GOES: &str = "Modify uid=ada.example";

/// Groups that somebody made: ada is the only one of the first.
const GROUPS: [(&str, &[&str]); 2] = [
    ("only", &["ada.example"]),
    ("wheel", &["ada.example", "root"]),
];

impl Kind {
    fn members(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (self.value)(name)).collect()
    }

    /// Lets every group name ada otherwise.
    async fn call(&self, looker: &mut Looker, called: &str) {
        for (name, members) in GROUPS {
            let names: Vec<&str> = members
                .iter()
                .map(|name| if *name == "ada.example" { called } else { name })
                .collect();
            let members = self.members(&names);
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            looker.set(&group(name), self.member, &members).await;
        }
    }

    async fn is_kept(&self, instants: &[(&'static str, When)]) {
        let server = OpenLdap::with(&[("REFINT", "0"), ("MEMBEROF", "0")]).await;
        let mut looker = server.looker().await;
        for (n, (name, members)) in GROUPS.into_iter().enumerate() {
            let members = self.members(members);
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            let number = n.to_string();
            let number = [number.as_str()];
            let class = [self.class];
            let mut entry: Vec<(&str, &[&str])> =
                vec![("objectClass", &class), (self.member, &members)];
            if self.class == "posixGroup" {
                entry.push(("gidNumber", &number));
            }
            looker.add(&group(name), &entry).await;
        }
        let (trap, proxy) = trapped(&server).await;
        let story = Story::new("ldap-killed-rename").await;
        let kind = json!({"groups": {"kind": self.name}});
        connect(&story, &server, &proxy, &kind).await;
        let ada = person("ada.example");
        // Whoever has that name is made out of the groups of it.
        let mut operator = OperatorProcess::start(&story.ns).await;
        story
            .apply_person(clerk("ada", "1", "Sales", json!({})))
            .await;
        story.provisioned("ada", 1).await;
        operator.kill();
        for &(write, when) in instants {
            // Somebody renames her, and Rollcall gives her her name again.
            looker.rename(&ada, "uid=countess").await;
            self.call(&mut looker, "countess").await;
            let is_it = move |what: &str| what.starts_with(write);
            trap.catches(&story.ns, when, is_it).await;
            let mut operator = OperatorProcess::start(&story.ns).await;
            for (name, members) in GROUPS {
                let wanted = BTreeSet::from_iter(self.members(members));
                eventually("the groups have followed her", async || {
                    let there = looker.values(&group(name), self.member).await;
                    if there == wanted {
                        Ok(())
                    } else {
                        Err(format!("killed {when:?} {write}: {name} has {there:?}"))
                    }
                })
                .await;
            }
            let mark = BTreeSet::from([format!("it/{}/1", story.ns.name)]);
            eventually("her mark stands alone", async || {
                let there = looker.values(&ada, "employeeNumber").await;
                if there == mark { Ok(()) } else { Err(there) }
            })
            .await;
            story.provisioned("ada", 1).await;
            operator.kill();
        }
    }
}

/// A way to a directory, with a trap on it.
async fn trapped(server: &OpenLdap) -> (Arc<Trap>, WireProxy) {
    let trap = Trap::new();
    let springs = Arc::clone(&trap);
    let judge = move |asked: &Asked| springs.fate(&asked.what);
    let proxy = WireProxy::before(Language::Ldap, server.port(), judge).await;
    (trap, proxy)
}

/// A connector that goes that way, with more said in parts of its block, and a role that gives everyone an account.
async fn connect(story: &Story, server: &OpenLdap, proxy: &WireProxy, more: &Value) {
    let mut connector = openldap("directory", server);
    let block = &mut connector["spec"]["ldap"];
    block["servers"] = json!([format!("ldap://{}", proxy.host())]);
    block["startTLS"] = json!(false);
    for (part, fields) in more.as_object().unwrap() {
        for (field, value) in fields.as_object().unwrap() {
            block[part][field] = value.clone();
        }
    }
    let (password, host) = (server.password(), proxy.host());
    story.ns.credential("directory", password, &host).await;
    story.apply_connector(connector).await;
    story.apply_role(everyone("all", "directory", &[])).await;
}

#[tokio::test]
async fn in_groups_of_names() {
    NAMES
        .is_kept(&[
            (NOTE, When::After),
            (ENTRY, When::Before),
            (ENTRY, When::After),
            (GROUP, When::Before),
            (GROUP, When::After),
            (NOTE_GOES, When::Before),
            (NOTE_GOES, When::After),
        ])
        .await;
}

#[tokio::test]
async fn in_groups_of_unique_names() {
    let instants = [(GROUP, When::Before), (GROUP, When::After)];
    UNIQUE_NAMES.is_kept(&instants).await;
}

#[tokio::test]
async fn in_groups_of_user_names() {
    let instants = [(GROUP, When::Before), (GROUP, When::After)];
    USER_NAMES.is_kept(&instants).await;
}

/// Where an entry is below what a value says, and is killed between being moved and being given that value, or before:
/// it is where it belongs in the end, and says so.
#[tokio::test]
async fn an_entry_moves_with_what_it_is_named_by() {
    let server = OpenLdap::with(&[("REFINT", "0"), ("MEMBEROF", "0")]).await;
    let mut looker = server.looker().await;
    for unit in ["Sales", "Support"] {
        let class = [("objectClass", &["organizationalUnit"][..])];
        let dn = format!("ou={unit},ou=people,{SUFFIX}");
        looker.add(&dn, &class).await;
    }
    let (trap, proxy) = trapped(&server).await;
    let story = Story::new("ldap-killed-move").await;
    let template = format!("uid={{username}},ou={{departmentNumber}},ou=people,{SUFFIX}");
    connect(
        &story,
        &server,
        &proxy,
        &json!({"accounts": {"dn": template}}),
    )
    .await;
    let mut operator = OperatorProcess::start(&story.ns).await;
    let ada = |department: &str| clerk("ada", "1", department, json!({}));
    story.apply_person(ada("Sales")).await;
    story.provisioned("ada", 1).await;
    operator.kill();
    let below = |unit: &str| format!("uid=ada.example,ou={unit},ou=people,{SUFFIX}");
    let wheel = [
        ("objectClass", &["groupOfNames"][..]),
        ("member", &[&*below("Sales")]),
    ];
    looker.add(&group("wheel"), &wheel).await;
    let mut here = "Sales";
    for (verb, when) in [
        ("Rename", When::Before),
        ("Rename", When::After),
        ("Modify cn=", When::Before),
        ("Modify uid=", When::Before),
        ("Modify uid=", When::After),
    ] {
        let there = if here == "Sales" { "Support" } else { "Sales" };
        story.apply_person(ada(there)).await;
        let is_it = move |what: &str| what.starts_with(verb);
        trap.catches(&story.ns, when, is_it).await;
        let mut operator = OperatorProcess::start(&story.ns).await;
        let says = BTreeSet::from([there.to_owned()]);
        let member = BTreeSet::from([below(there)]);
        let mark = BTreeSet::from([format!("it/{}/1", story.ns.name)]);
        eventually("she is where she belongs", async || {
            let found = [
                looker.values(&below(there), "departmentNumber").await,
                looker.values(&group("wheel"), "member").await,
                looker.values(&below(there), "employeeNumber").await,
            ];
            if found == [says.clone(), member.clone(), mark.clone()] {
                Ok(())
            } else {
                Err(format!("killed {when:?} {verb}: {found:?}"))
            }
        })
        .await;
        story.provisioned("ada", 1).await;
        operator.kill();
        here = there;
    }
}
