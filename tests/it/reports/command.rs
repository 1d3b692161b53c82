//! `rollcall report leaver`, as an administrator runs it.

use std::path::Path;
use std::process::Command;

use kube::api::{Patch, PatchParams};
use rollcall::api::Employee;
use serde_json::{Value, json};

use crate::stories::kit::{Story, day, employee};

struct Told {
    code: i32,
    out: String,
    err: String,
}

async fn report(story: &Story, arguments: &[&str]) -> Told {
    let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_rollcall")));
    command
        .args(["report", "leaver", "--namespace", &story.ns.name])
        .args(arguments)
        .arg("--kubeconfig")
        .arg(story.ns.kubeconfig());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Told {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Writes a status as an operator would.
async fn has_status(story: &Story, name: &str, status: &Value) {
    let people = story.ns.api::<Employee>();
    let generation = people.get(name).await.unwrap().metadata.generation;
    let mut status = status.clone();
    status["observedGeneration"] = json!(generation);
    let patch = Patch::Merge(json!({"status": status}));
    let parameters = PatchParams::default();
    people
        .patch_status(name, &parameters, &patch)
        .await
        .unwrap();
}

fn status(session: &str) -> Value {
    let at = "2021-01-01T00:00:10Z";
    let step = |name: &str, state: &str| json!({"name": name, "state": state, "at": at, "attempts": 1, "message": "told"});
    json!({
        "stage": "Departed",
        "conditions": [{
            "type": "AccessRevoked", "status": "True", "reason": "ReadBackDisabled", "message": "1 of 1",
            "lastTransitionTime": at,
        }],
        "accounts": [{"connector": "directory", "username": "ada", "state": "Disabled", "lastVerified": at}],
        "offboarding": {"completedAt": at, "accounts": [{
            "connector": "directory", "since": at,
            "steps": [step("Disable", "Verified"), step("RevokeSessions", session)],
        }]},
    })
}

#[tokio::test]
async fn it_says_what_is_left_and_ends_with_a_code_that_says_it_too() {
    let story = Story::new("report").await;
    let stays = story.apply_person(employee("ada", "1", "Ada", "Lovelace"));
    stays.await;
    let told = report(&story, &["ada"]).await;
    assert_eq!((told.code, told.out.as_str()), (1, ""));
    assert!(told.err.contains("no spec.endDate"), "{}", told.err);

    let mut ada = employee("ada", "1", "Ada", "Lovelace");
    ada["spec"]["endDate"] = json!(day(30));
    story.apply_person(ada.clone()).await;
    let told = report(&story, &["ada"]).await;
    assert!(
        told.code == 1 && told.err.contains("has not left"),
        "{}",
        told.err
    );

    ada["spec"]["endDate"] = json!("2020-12-31");
    story.apply_person(ada).await;
    let told = report(&story, &["ada"]).await;
    assert_eq!(told.code, 3, "{}", told.err);
    assert!(told.out.contains("NOT complete"), "{}", told.out);

    has_status(&story, "ada", &status("Requested")).await;
    let told = report(&story, &["ada"]).await;
    assert_eq!(told.code, 3, "{}", told.err);
    assert!(told.out.contains("NO PROOF"), "{}", told.out);

    has_status(&story, "ada", &status("Verified")).await;
    for (format, part) in [
        ("table", "No credential is left."),
        ("json", "\"noCredentialLeft\": true"),
        ("csv", "\"RevokeSessions\",\"Verified\""),
        ("markdown", "# Leaver report"),
        ("html", "<!DOCTYPE html>"),
    ] {
        let told = report(&story, &["ada", "--output", format]).await;
        assert_eq!(told.code, 0, "{}", told.err);
        assert!(told.out.contains(part), "{}", told.out);
    }

    let told = report(&story, &["nobody"]).await;
    assert_eq!(told.code, 1);
    assert!(
        told.err.contains("nobody") && told.err.contains("--namespace"),
        "{}",
        told.err
    );
    assert_eq!(report(&story, &[]).await.code, 1);
}
