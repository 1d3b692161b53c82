//! People, and an application of theirs, with whom all is well whatever is wrong beside them.

use std::cell::Cell;

use serde_json::json;

use super::manifests::{clerk, template, username};
use super::story::Story;
use crate::support::targets::ScimServer;

const DEPARTMENT: &str = "Neighbours";

/// They are in the department `Neighbours`, and have accounts in `good`.
pub struct Neighbours {
    server: ScimServer,
    count: Cell<u32>,
}

impl Neighbours {
    /// In a story of somebody else's.
    pub async fn of(story: &Story) -> Self {
        let server = ScimServer::scimmy().await;
        story.connect("good", &server).await;
        let rule = format!("employee.department == '{DEPARTMENT}'");
        story
            .apply_role(template("good", &rule, &[("good", &["staff"])]))
            .await;
        Self {
            server,
            count: Cell::new(0),
        }
    }

    /// Somebody joins them, and gets an account with its group as if nothing was wrong anywhere.
    pub async fn go_on(&self, story: &Story) {
        let number = self.count.get();
        self.count.set(number + 1);
        let name = format!("neighbour{number}");
        let id = format!("neighbour-{number}");
        story
            .apply_person(clerk(&name, &id, DEPARTMENT, json!({})))
            .await;
        let status = story.provisioned(&name, 1).await;
        assert_eq!(status.accounts[0].connector, "good");
        let members = self.server.group_members("staff").await;
        assert!(members.contains(&username(&name)), "{members:?}");
    }
}
