//! Accounts as each target itself shows them.

use std::collections::{BTreeMap, HashMap};

use ldap3::SearchEntry;

use super::company::{Company, TARGETS};
use crate::support::openldap::SUFFIX;
use crate::support::samba;

/// An account of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    pub mark: String,
    pub username: String,
    pub active: bool,
    /// Sorted; one that holds it twice is there twice.
    pub groups: Vec<String>,
}

type Entries = BTreeMap<String, SearchEntry>;

impl Company {
    /// Accounts in each target, sorted by their marks.
    pub async fn seen(&self) -> [(&'static str, Vec<Account>); 4] {
        let in_directory = async {
            let people = format!("ou=people,{SUFFIX}");
            let groups = format!("ou=groups,{SUFFIX}");
            let is_active = |held: &SearchEntry| !held.attrs.contains_key("pwdAccountLockedTime");
            let people = self.directory.below(&people).await;
            let groups = self.directory.below(&groups).await;
            in_entries(&people, &groups, "uid", is_active)
        };
        let in_forest = async {
            let mut looker = self.forest.looker().await;
            let people = looker.below(&format!("OU=People,{}", samba::SUFFIX)).await;
            let groups = looker.below(&format!("OU=Teams,{}", samba::SUFFIX)).await;
            let is_active = |held: &SearchEntry| held.attrs["userAccountControl"] == ["512"];
            in_entries(&people, &groups, "sAMAccountName", is_active)
        };
        let (chat, directory, forest, warehouse) =
            tokio::join!(self.in_chat(), in_directory, in_forest, self.in_warehouse());
        let mut all = [chat, directory, forest, warehouse];
        for accounts in &mut all {
            accounts.sort();
        }
        let mut named = TARGETS.into_iter().zip(all);
        std::array::from_fn(|_| named.next().unwrap())
    }

    async fn in_chat(&self) -> Vec<Account> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let groups = self.chat.groups().await;
        let held = groups.iter().flat_map(|group| {
            let members = group["members"].as_array().into_iter().flatten();
            members.map(|member| (text(&member["value"]), text(&group["displayName"])))
        });
        let held = by_holder(held);
        let users = self.chat.users().await;
        let accounts = users.iter().map(|user| Account {
            mark: text(&user["externalId"]),
            username: text(&user["userName"]),
            active: user["active"] == true,
            groups: held.get(&text(&user["id"])).cloned().unwrap_or_default(),
        });
        accounts.collect()
    }

    async fn in_warehouse(&self) -> Vec<Account> {
        // Whatever looks like a person's, whether it bears a mark or not.
        let roles = "SELECT concat_ws('|', r.rolname, coalesce(shobj_description(r.oid, 'pg_authid'), ''), r.rolcanlogin,
            (SELECT string_agg(g.rolname, ',' ORDER BY g.rolname) FROM pg_auth_members m
             JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid))
          FROM pg_roles r WHERE r.rolname ~ 'example' OR shobj_description(r.oid, 'pg_authid') LIKE 'it/%'";
        let rows = self.warehouse.column("postgres", roles).await;
        let accounts = rows.iter().map(|row| {
            let mut parts = row.split('|').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            let (username, mark, active, groups) = (next(), next(), next(), next());
            let groups = groups.split(',').filter(|name| !name.is_empty());
            Account {
                mark,
                username,
                active: active == "t",
                groups: groups.map(str::to_owned).collect(),
            }
        });
        accounts.collect()
    }
}

fn in_entries(
    people: &Entries,
    groups: &Entries,
    username: &str,
    is_active: impl Fn(&SearchEntry) -> bool,
) -> Vec<Account> {
    let first = |held: &SearchEntry, name: &str| {
        let values = held.attrs.get(name).into_iter().flatten();
        values.into_iter().next().cloned().unwrap_or_default()
    };
    let held = groups.values().flat_map(|group| {
        let members = group.attrs.get("member").into_iter().flatten();
        members.map(|member| (member.to_lowercase(), first(group, "cn")))
    });
    let held = by_holder(held);
    let accounts = people.iter().map(|(dn, entry)| Account {
        mark: first(entry, "employeeNumber"),
        username: first(entry, username),
        active: is_active(entry),
        groups: held.get(&dn.to_lowercase()).cloned().unwrap_or_default(),
    });
    accounts.collect()
}

fn by_holder(held: impl Iterator<Item = (String, String)>) -> HashMap<String, Vec<String>> {
    let mut by_holder: HashMap<String, Vec<String>> = HashMap::new();
    for (holder, group) in held {
        by_holder.entry(holder).or_default().push(group);
    }
    for groups in by_holder.values_mut() {
        groups.sort();
    }
    by_holder
}
