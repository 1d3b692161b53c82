//! Somebody renames a group: it is the same one, and nobody makes another.

use serde_json::json;

use super::kit::{connect, group, person};
use crate::stories::kit::{Story, clerk, template};
use crate::support::openldap::OpenLdap;
use crate::support::operator::OperatorProcess;
use crate::support::wait::eventually;

#[tokio::test]
async fn a_renamed_group_is_followed_also_by_the_next_operator() {
    let server = OpenLdap::start().await;
    let mut looker = server.looker().await;
    let story = Story::new("ldap-renamed").await;
    let mut operator = OperatorProcess::start(&story.ns).await;
    connect(&story, "directory", &server).await;
    let rule = "employee.department == 'Sales'";
    let sales = template("sales", rule, &[("directory", &["sales"])]);
    story.apply_role(sales).await;
    for (name, id) in [("ada", "1"), ("eve", "2")] {
        story
            .apply_person(clerk(name, id, "Sales", json!({})))
            .await;
    }
    story.provisioned("ada", 1).await;
    story.provisioned("eve", 1).await;
    story
        .connector("directory", "knows the group by its identifier", |c| {
            let status = c.status.as_ref().unwrap();
            status.entitlements.iter().any(|e| e.name == "sales")
        })
        .await;
    operator.kill();
    looker.rename(&group("sales"), "cn=selling").await;
    let operator = OperatorProcess::start(&story.ns).await;
    story
        .connector("directory", "tells the new name", |c| {
            let mut all = c.status.as_ref().unwrap().entitlements.iter();
            all.any(|e| e.renamed_to.as_deref() == Some("selling"))
        })
        .await;

    // Whoever joins gets it, whoever moves loses it, and there is no second one.
    story
        .apply_person(clerk("bob", "3", "Sales", json!({})))
        .await;
    story.provisioned("bob", 1).await;
    story
        .apply_person(clerk("eve", "2", "Support", json!({})))
        .await;
    eventually("the group has ada and bob", async || {
        let mut members = looker.values(&group("selling"), "member").await;
        members.retain(|member| member.contains("ou=people"));
        let wanted = [person("ada.example"), person("bob.example")].into();
        if members == wanted {
            Ok(())
        } else {
            Err(members)
        }
    })
    .await;
    assert!(looker.values(&group("sales"), "member").await.is_empty());
    drop(operator);
}
