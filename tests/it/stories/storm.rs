//! The emergency brake in the middle of a storm of joiners.

use std::sync::{Arc, Mutex};

use rollcall::api::Employee;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::kit::{
    Story, Witness, account, clerk, connector_to, everyone, id_of, is_ready, is_true, username,
};
use crate::faults::kinds::kind;
use crate::support::operator::Operator;
use crate::support::proxy::{Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const JOINERS: usize = 150;
/// Calls that the connector has under way at once.
const AT_ONCE: usize = 4;

/// The door of the application. While it is shut, who wants to write waits before it.
#[derive(Default)]
struct Door {
    /// Writes that have come to it, in their order: what each does, and where.
    came: Mutex<Vec<String>>,
    shut: Mutex<Option<CancellationToken>>,
}

impl Door {
    fn came(&self) -> Vec<String> {
        self.came.lock().unwrap().clone()
    }

    fn close(&self) {
        *self.shut.lock().unwrap() = Some(CancellationToken::new());
    }

    fn open(&self) {
        if let Some(shut) = self.shut.lock().unwrap().take() {
            shut.cancel();
        }
    }
}

/// So many join that the application can't keep up, and somebody is suspended: that is the next thing that it is asked
/// for, and among the first that are told.
#[tokio::test]
async fn a_suspension_goes_ahead_of_everybody_who_joins() {
    let server = ScimServer::scimmy().await;
    let door = Arc::new(Door::default());
    let keeper = Arc::clone(&door);
    let proxy = Proxy::before(&server.base_url(), move |asked| {
        if !asked.is_write() {
            return Verdict::Pass;
        }
        let line = format!("{} {}", kind(asked), asked.path);
        keeper.came.lock().unwrap().push(line);
        match keeper.shut.lock().unwrap().clone() {
            Some(shut) => Verdict::After(Box::pin(async move { shut.cancelled().await })),
            None => Verdict::Pass,
        }
    })
    .await;
    let story = Story::new("storm").await;
    let _operator = Operator::start(&story.ns).await;
    let token = server.token();
    story.ns.credential("directory", token, &proxy.host()).await;
    let mut connector = connector_to("directory", proxy.base_url().as_str());
    connector["spec"]["sync"]["concurrency"] = json!(AT_ONCE);
    story.apply_connector(connector).await;
    story
        .apply_role(everyone("all", "directory", &["staff"]))
        .await;
    story
        .apply_person(clerk("ada", "a", "Sales", json!({})))
        .await;
    story.provisioned("ada", 1).await;
    let ada = id_of(&server, "ada").await;

    door.close();
    let before = door.came().len();
    let names: Vec<String> = (0..JOINERS).map(|n| format!("joiner{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let id = n.to_string();
        story
            .apply_person(clerk(name, &id, "Sales", json!({})))
            .await;
    }
    // The last one is in the queue too.
    story
        .person(&names[JOINERS - 1], "waits", |s| !s.accounts.is_empty())
        .await;
    eventually("as many are under way as may be", async || {
        let came = door.came().split_off(before);
        if came.len() == AT_ONCE {
            Ok(())
        } else {
            Err(came)
        }
    })
    .await;
    let witness = Witness::of::<Employee>(&story.ns);
    let suspended = json!({"employment": "Suspended"});
    story
        .apply_person(clerk("ada", "a", "Sales", suspended))
        .await;
    // It is sent although nobody else gets through: one more than that is for those who must be out.
    eventually("one more is under way", async || {
        let came = door.came().split_off(before);
        if came.len() > AT_ONCE {
            Ok(())
        } else {
            Err(came)
        }
    })
    .await;
    let came = door.came().split_off(before + AT_ONCE);
    assert_eq!(came.len(), 1, "more came than is let in: {came:#?}");
    assert!(
        came[0].contains("\"replace\" active false") && came[0].ends_with(&ada),
        "something came before her: {came:#?}"
    );
    door.open();

    story
        .person_says("ada", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    for name in &names {
        story.provisioned(name, 1).await;
    }
    let came = door.came().split_off(before);
    let made = came.iter().filter(|line| line.starts_with("POST Users"));
    assert_eq!(made.count(), JOINERS);
    let in_target = server.user_by_name(&username("ada")).await.unwrap();
    assert_eq!(in_target["active"], false);

    // And hers is among the first statuses that say so, whoever else is done by then.
    let versions = witness.all();
    let is_told = |version: &serde_json::Value| {
        version["metadata"]["name"] == "ada" && is_true(version, "AccessRevoked")
    };
    let told = versions.iter().position(is_told).unwrap();
    assert_eq!(account(&versions[told], "directory")["state"], "Disabled");
    let ready = versions[..told].iter().filter(|v| is_ready(v)).count();
    assert!(ready < JOINERS / 4, "{ready} were told of before her");
}
