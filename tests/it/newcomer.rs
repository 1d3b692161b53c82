//! What the README tells a newcomer to type works as it stands, in a cluster that has never heard of
//! Rollcall, and shows what the README shows.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::documentation::pages::{Block, pages};
use crate::support::controlplane::{ControlPlane, PrivateControlPlane};
use crate::support::process::{Tied, free_port, repository};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// The blocks of one section of the README, of one language.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let readme = pages().into_iter().find(|p| p.path == "README.md").unwrap();
    let mut section = readme;
    let (_, rest) = section.text.split_once(heading).unwrap();
    section.text = rest.split("\n## ").next().unwrap().to_owned();
    let blocks = section.blocks().into_iter();
    let of_it = blocks.filter(|block: &Block| block.language == language);
    of_it.map(|block| block.text).collect()
}

/// What is typed, and it must succeed.
async fn types(control_plane: &ControlPlane, folder: &Path, lines: &str) -> String {
    let said = control_plane.shell(folder, lines).await;
    assert!(said.ok, "{lines}\n{}{}", said.out, said.err);
    said.out
}

/// Rows without what differs from one run to the next: the width of columns, and ages.
fn rows(shown: &str) -> Vec<String> {
    let is_age = |word: &&str| {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == 'm');
        !(unit == "s" || (unit.is_empty() && word.ends_with('m')))
    };
    shown
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('$'))
        .map(|line| {
            let cells: Vec<&str> = line.split_whitespace().filter(is_age).collect();
            cells.join(" ")
        })
        .collect()
}

#[tokio::test]
async fn five_minutes_from_dry_run_to_an_account() {
    let server = ScimServer::scimmy().await;
    server.create_group("marketing").await;
    for name in ["ada.lovelace", "stranger"] {
        server.create_user(json!({"userName": name})).await;
    }
    let prepared = server.requests().await.len();
    let private = PrivateControlPlane::without_crds().await;
    let control_plane = private.get();
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    std::os::unix::fs::symlink(repository("crds"), folder.join("crds")).unwrap();
    std::fs::write(folder.join("token.txt"), server.token()).unwrap();

    // With their own address, as it says.
    let own = |text: &str| {
        let example = "https://directory.example.com/scim/v2";
        text.replace(example, server.base_url().as_str())
            .replace("directory.example.com", server.host())
    };
    let section = "## Your own cluster and application, in five minutes";
    let [credential, run, act] = blocks(section, "sh").try_into().unwrap();
    let [manifests] = blocks(section, "yaml").try_into().unwrap();
    let [shown] = blocks(section, "console").try_into().unwrap();

    types(control_plane, folder, &own(&credential)).await;
    std::fs::write(folder.join("first.yaml"), own(&manifests)).unwrap();
    types(control_plane, folder, "kubectl apply -f first.yaml").await;

    let port = free_port().to_string();
    let words = run.trim().strip_prefix("cargo run -- ").unwrap();
    let words = words.replace("8080", &port);
    let program = Path::new(env!("CARGO_BIN_EXE_rollcall"));
    let config = control_plane.kubeconfig();
    let environment = [("KUBECONFIG", config.to_str().unwrap())];
    let log = folder.join("rollcall.log");
    let operator = Tied::start(program, words.split(' '), &environment, &log);

    let command = shown.lines().next().unwrap().strip_prefix("$ ").unwrap();
    let expected = rows(&shown);
    eventually("what it would do is shown as in the README", async || {
        let now = control_plane.shell(folder, command).await.out;
        if rows(&now) == expected {
            Ok(())
        } else {
            Err(format!("{now}\n{}", operator.output()))
        }
    })
    .await;
    assert!(
        server.requests().await[prepared..]
            .iter()
            .all(|r| !r.is_write()),
        "the application sees only reads"
    );

    types(control_plane, folder, &act).await;
    let ada = server.user_by_name("ada.lovelace2").await.unwrap();
    assert_eq!(ada["externalId"], "acme/people/1042");
    assert_eq!(ada["title"], "Marketing Manager");
    assert_eq!(
        server.group_members("marketing").await,
        ["ada.lovelace2".to_owned()].into()
    );
}
