//! Accounts that end by themselves with their person's last day: a second bolt, should Rollcall be away then.

use std::collections::BTreeSet;

use serde_json::json;

use super::kit::{domain, openldap, person};
use crate::stories::kit::{Story, californian, everyone};
use crate::support::directory::Looker;
use crate::support::openldap::OpenLdap;
use crate::support::operator::Operator;
use crate::support::samba::{self, Samba};
use crate::support::wait::eventually;

/// What the entry comes to say as the last day is set, moved and taken back. `never` is what it says without one.
async fn follows(
    story: &Story,
    looker: &mut Looker,
    entry: &str,
    attribute: &str,
    said: [&str; 2],
    never: &[&str],
) {
    let never: BTreeSet<String> = never.iter().map(|value| (*value).to_owned()).collect();
    for (end, expected) in [
        (Some("2031-12-31"), BTreeSet::from([said[0].to_owned()])),
        (Some("2032-02-29"), BTreeSet::from([said[1].to_owned()])),
        (None, never),
    ] {
        story.apply_person(californian(end)).await;
        eventually(&format!("{attribute} follows {end:?}"), async || {
            let shown = looker.values(entry, attribute).await;
            if shown == expected {
                Ok(())
            } else {
                Err(shown)
            }
        })
        .await;
        // What was written is what is read: there is nothing more to do.
        story.provisioned("ada", 1).await;
    }
}

#[tokio::test]
async fn in_active_directory_by_account_expires() {
    if !samba::is_possible() {
        return;
    }
    let server = Samba::start().await;
    let story = Story::new("expiry-ad").await;
    let _operator = Operator::start(&story.ns).await;
    let mut connector = domain("forest", &server);
    connector["spec"]["account"]["attributes"]["accountExpires"] =
        json!("fileTime(employee.endsAt)");
    let host = server.host();
    story
        .ns
        .credential("forest", server.password(), &host)
        .await;
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "forest", &["staff"]))
        .await;
    let mut looker = server.looker().await;
    let entry = "CN=ada.example,OU=People,DC=example,DC=test";
    // 2032-01-01T08:00:00Z and 2032-03-01T08:00:00Z.
    let said = ["136010304000000000", "136062144000000000"];
    let never = ["9223372036854775807"];
    follows(&story, &mut looker, entry, "accountExpires", said, &never).await;
}

#[tokio::test]
async fn in_openldap_by_shadow_expire() {
    let server = OpenLdap::start().await;
    let story = Story::new("expiry-shadow").await;
    let _operator = Operator::start(&story.ns).await;
    let mut connector = openldap("directory", &server);
    connector["spec"]["ldap"]["accounts"]["objectClasses"] =
        json!(["inetOrgPerson", "shadowAccount"]);
    connector["spec"]["account"]["attributes"]["shadowExpire"] = json!("epochDay(employee.endsAt)");
    let hosts = server.hosts();
    story
        .ns
        .credential("directory", server.password(), &hosts)
        .await;
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    let mut looker = server.looker().await;
    // The second of January, and the second of March: never before the evening.
    let said = ["22646", "22706"];
    let entry = person("ada.example");
    follows(&story, &mut looker, &entry, "shadowExpire", said, &[]).await;
}
