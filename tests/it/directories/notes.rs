//! What is noted of a rename that is under way, as whoever comes next finds it.

use std::collections::BTreeSet;

use rollcall::connectors::ldap::{Groups, LdapConnector, MemberForm};
use rollcall::connectors::{Connector, FindKey, MarkChange, WritePermit};
use rollcall::domain::account::{AttributeChanges, ObservedAccount};
use rollcall::domain::ids::Username;
use rollcall::domain::mark::Scope;

use super::kit::{alone, group, newcomer, person};
use crate::support::directory::Looker;
use crate::support::openldap::{OpenLdap, SUFFIX};

const MARK: &str = "prod/people/1";

struct Scene {
    server: OpenLdap,
    looker: Looker,
    connector: LdapConnector,
    ada: ObservedAccount,
}

impl Scene {
    /// Ada, whom the group `wheel` still calls by another name, and a note that says so.
    async fn set(options: &[(&str, &str)]) -> Self {
        let server = OpenLdap::with(options).await;
        let groups = Groups {
            base: format!("ou=groups,{SUFFIX}"),
            object_classes: vec!["groupOfNames".to_owned()],
            filter: "(objectClass=groupOfNames)".to_owned(),
            name: "cn".to_owned(),
            member: "member".to_owned(),
            form: MemberForm::Dn,
            placeholder: Some("cn=nobody".to_owned()),
            can_create: true,
        };
        let connector = alone(&server, groups);
        connector.probe().await.unwrap();
        let permit = WritePermit::issue();
        let ada = connector.create(&permit, &newcomer("ada", "1"), None).await;
        let mut scene = Self {
            looker: server.looker().await,
            server,
            connector,
            ada: ada.unwrap(),
        };
        let (countess, root) = (person("countess"), person("root"));
        let members: &[&str] = &[&countess, &root];
        let wheel = [("objectClass", &["groupOfNames"][..]), ("member", members)];
        scene.looker.add(&group("wheel"), &wheel).await;
        let noted = format!("{MARK}#in-groups-as:{countess}");
        let hers = person("ada");
        scene.looker.set(&hers, "employeeNumber", &[&noted]).await;
        scene
    }

    async fn wheel(&mut self) -> BTreeSet<String> {
        self.looker.values(&group("wheel"), "member").await
    }

    async fn finish(&self) -> ObservedAccount {
        let nothing = AttributeChanges::default();
        let permit = WritePermit::issue();
        let finished = self.connector.update(&permit, &self.ada.id, &nothing).await;
        finished.unwrap().unwrap()
    }
}

fn people(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| person(name)).collect()
}

const ALONE: &[(&str, &str)] = &[("REFINT", "0"), ("MEMBEROF", "0")];

#[tokio::test]
async fn an_account_is_known_with_a_note_and_a_change_of_nothing_finishes_it() {
    let mut scene = Scene::set(ALONE).await;
    let listed = scene.connector.list().await.unwrap().accounts;
    let marked = FindKey::Mark(MARK.to_owned());
    let found = scene.connector.find(&marked).await.unwrap();
    let read = scene.connector.read(&scene.ada.id).await.unwrap();
    for seen in [&listed[0], &found[0], &read.unwrap()] {
        assert_eq!(seen.mark.as_deref(), Some(MARK));
        assert!(seen.unfinished);
    }
    for _ in 0..2 {
        assert_eq!(scene.finish().await, scene.ada);
        assert_eq!(scene.wheel().await, people(&["ada", "root"]));
    }
}

/// Groups mean whoever has a name now.
#[tokio::test]
async fn who_has_the_name_by_now_keeps_its_groups() {
    let mut scene = Scene::set(ALONE).await;
    let class: (&str, &[&str]) = ("objectClass", &["inetOrgPerson"]);
    let named = [class, ("cn", &["C"]), ("sn", &["C"])];
    scene.looker.add(&person("countess"), &named).await;
    assert_eq!(scene.finish().await, scene.ada);
    assert_eq!(scene.wheel().await, people(&["countess", "root"]));
}

#[tokio::test]
async fn what_is_let_go_of_or_deleted_leaves_nothing_behind() {
    let permit = WritePermit::issue();
    let mut scene = Scene::set(ALONE).await;
    let mark = Scope::new("prod", "people").mark(&"1".into());
    let take = MarkChange::Take(mark);
    let let_go = scene
        .connector
        .set_mark(&permit, &scene.ada.id, &take)
        .await;
    assert_eq!(let_go.unwrap().unwrap().mark, None);
    assert_eq!(scene.wheel().await, people(&["ada", "root"]));

    let mut scene = Scene::set(ALONE).await;
    scene
        .connector
        .delete(&permit, &scene.ada.id)
        .await
        .unwrap();
    assert_eq!(scene.wheel().await, people(&["root"]));
}

/// Whether groups follow by themselves or not, they have followed in the end, and no note is left; also where the
/// directory refuses the new name.
#[tokio::test]
async fn a_rename_leaves_no_note() {
    let permit = WritePermit::issue();
    for options in [ALONE, &[]] {
        let mut scene = Scene::set(options).await;
        scene.finish().await;
        for name in ["ada.king", "ada.byron"] {
            let renamed = AttributeChanges {
                username: Some(Username::new(name)),
                ..AttributeChanges::default()
            };
            let id = &scene.ada.id;
            let shown = scene.connector.update(&permit, id, &renamed).await;
            let shown = shown.unwrap().unwrap();
            assert_eq!(shown.username, Username::new(name));
            assert!(!shown.unfinished);
            assert_eq!(scene.wheel().await, people(&[name, "root"]));
        }
        let bob = scene
            .connector
            .create(&permit, &newcomer("bob", "2"), None)
            .await;
        bob.unwrap();
        let taken = AttributeChanges {
            username: Some(Username::new("bob")),
            ..AttributeChanges::default()
        };
        let refused = scene.connector.update(&permit, &scene.ada.id, &taken).await;
        assert!(refused.is_err());
        let held = scene
            .looker
            .values(&person("ada.byron"), "employeeNumber")
            .await;
        assert_eq!(held, BTreeSet::from([MARK.to_owned()]));
        assert_eq!(scene.wheel().await, people(&["ada.byron", "root"]));
        drop(scene.server);
    }
}
