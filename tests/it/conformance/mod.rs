//! `rollcall connector check`: the conformance suite against real targets, as an administrator runs it.
//! What is expected of each target is in `expected/`; a new gap fails.

mod databases;
mod directories;
mod interrupted;

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stories::kit::{lines_of_writes, since, usernames};
use crate::support::process::repository;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::ScimServer;

/// One check to be run: its manifest, in a folder of its own.
struct Check {
    dir: TempDir,
    secret: Value,
}

impl Check {
    fn of(server: &ScimServer, attributes: &Value) -> Self {
        let spec = json!({
            "scim": {
                "baseUrl": server.base_url().as_str(),
                "auth": {"bearer": {"secretKeyRef": {"name": "directory", "key": "token"}}},
            },
            "account": {"attributes": attributes},
        });
        Self::new(spec, server.host(), &json!({"token": server.token()}))
    }

    fn new(mut spec: Value, hosts: &str, credential: &Value) -> Self {
        spec["account"]["username"] =
            json!(["employee.name.given.lowerAscii() + '.' + employee.name.family.lowerAscii()"]);
        let connector = json!({
            "apiVersion": "rollcall.dev/v1alpha1", "kind": "AppConnector",
            "metadata": {"name": "directory", "namespace": "people"},
            "spec": spec,
        });
        let check = Self {
            dir: TempDir::new().unwrap(),
            secret: json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {
                    "name": "directory", "labels": {"rollcall.dev/credential": "true"},
                    "annotations": {"rollcall.dev/hosts": hosts},
                },
                "stringData": credential,
            }),
        };
        std::fs::write(check.manifest(), connector.to_string()).unwrap();
        check.with_secret(&check.secret);
        check
    }

    fn manifest(&self) -> PathBuf {
        self.dir.path().join("connector.yaml")
    }

    /// Another way to the same target.
    fn points_at(&self, base_url: &str, host: &str) {
        let text = std::fs::read_to_string(self.manifest()).unwrap();
        let mut connector: Value = serde_json::from_str(&text).unwrap();
        connector["spec"]["scim"]["baseUrl"] = json!(base_url);
        std::fs::write(self.manifest(), connector.to_string()).unwrap();
        let mut secret = self.secret.clone();
        secret["metadata"]["annotations"]["rollcall.dev/hosts"] = json!(host);
        self.with_secret(&secret);
    }

    fn with_secret(&self, secret: &Value) {
        std::fs::write(self.dir.path().join("secret.yaml"), secret.to_string()).unwrap();
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let files = ["connector.yaml", "secret.yaml"].map(|name| {
            let path = self.dir.path().join(name);
            format!("--filename={}", path.display())
        });
        let words = ["connector", "check"].map(str::to_owned).into_iter();
        let more = more.iter().map(|&word| word.to_owned());
        words.chain(files).chain(more).collect()
    }

    async fn run(&self, more: &[&str]) -> Output {
        let arguments = self.arguments(more);
        let run = move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
            command.args(arguments).output().unwrap()
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn attributes() -> Value {
    json!({
        "displayName": "employee.name.display",
        "name.givenName": "employee.name.given",
        "title": "employee.jobTitle",
        "emails[type eq \"work\"].value": "employee.email",
        "addresses[type eq \"work\"].locality": "employee.location",
        "department": "employee.department",
    })
}

/// What was found, as it is committed, with the attributes that a gap is about: what is said beside a verdict may be
/// worded otherwise tomorrow.
fn in_short(report: &Value) -> Value {
    let findings = report["findings"].as_array().unwrap().iter();
    let verdicts: Vec<Value> = findings
        .map(|f| {
            let mut short = f.clone();
            short.as_object_mut().unwrap().remove("detail");
            short
        })
        .collect();
    json!({"capabilities": report["capabilities"], "findings": verdicts})
}

/// Runs the suite, and compares what it finds with what is committed for that target.
async fn conforms(name: &str, check: &Check) {
    let output = check.run(&["--output", "json"]).await;
    let report: Value =
        serde_json::from_str(&out(&output)).unwrap_or_else(|_| panic!("{}", err(&output)));
    let path = repository("tests/it/conformance/expected").join(format!("{name}.json"));
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        serde_json::to_string_pretty(&in_short(&report)).unwrap(),
        serde_json::to_string_pretty(&expected).unwrap(),
        "{report:#}"
    );
    assert!(output.status.success(), "{}", err(&output));
    told_step_by_step(&report, &err(&output));
}

/// Progress goes to standard error, a line a step, so that the result alone stands on standard output.
fn told_step_by_step(report: &Value, progress: &str) {
    let findings = report["findings"].as_array().unwrap().iter();
    let steps: Vec<String> = findings
        .map(|finding| {
            let word = match finding["verdict"].as_str().unwrap() {
                "Passed" => "pass  ",
                "Gap" => "gap   ",
                _ => "FAIL  ",
            };
            let (check, detail) = (&finding["check"], &finding["detail"]);
            let check = check.as_str().unwrap();
            match detail.as_str() {
                Some(detail) => format!("{word}{check}: {detail}"),
                None => format!("{word}{check}"),
            }
        })
        .collect();
    let lines: Vec<&str> = progress.lines().collect();
    assert_eq!(lines, steps);
}

async fn scim_conforms(name: &str, server: &ScimServer) {
    let before = usernames(server).await;
    conforms(name, &Check::of(server, &attributes())).await;
    assert_eq!(usernames(server).await, before);
}

#[tokio::test]
async fn scim2_server() {
    scim_conforms("scim2-server", &ScimServer::scim2_server().await).await;
}

#[tokio::test]
async fn scimmy() {
    scim_conforms("scimmy", &ScimServer::scimmy().await).await;
}

/// What people read, and an exit code for pipelines.
#[tokio::test]
async fn a_target_that_does_not_do_what_it_says_is_told() {
    let server = ScimServer::scimmy_with(&[("IGNORE_MEMBER_REMOVE", "1")]).await;
    let output = Check::of(&server, &attributes()).run(&[]).await;
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    let told = out(&output);
    let failed: Vec<&str> = told.lines().filter(|line| line.contains("FAIL")).collect();
    let [failed] = failed[..] else {
        panic!("{told}");
    };
    assert!(
        failed.starts_with("an entitlement is given and taken"),
        "{told}"
    );
    assert!(failed.contains("NotApplied: the server answered"), "{told}");
    assert!(told.contains("20 passed, 6 gaps, 1 failed"), "{told}");
}

/// An account that somebody has already is left alone, and so is everything else.
#[tokio::test]
async fn what_is_not_ours_is_not_touched() {
    let server = ScimServer::scimmy().await;
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "rollcall-check-3.check", "active": true,
    });
    server.create_user(user).await;
    let mark = server.requests().await.len();
    let check = Check::of(&server, &attributes());
    let output = check.run(&[]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = err(&output);
    assert!(
        said.contains("rollcall-check-3.check") && said.contains("--prefix"),
        "{said}"
    );
    assert_eq!(lines_of_writes(&since(&server, mark).await), [""; 0]);
    let output = check.run(&["--prefix", "other"]).await;
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(usernames(&server).await.len(), 1);
}

/// The same of a group.
#[tokio::test]
async fn a_group_of_others_is_not_touched() {
    let server = ScimServer::scimmy().await;
    let group = server
        .create_group("rollcall-check-conformance-check")
        .await;
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "grace", "active": true,
    });
    let grace = server.create_user(user).await;
    server.add_member(&group, &grace).await;
    let mark = server.requests().await.len();
    let output = Check::of(&server, &attributes()).run(&[]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = err(&output);
    assert!(
        said.contains("rollcall-check-conformance-check is held by accounts"),
        "{said}"
    );
    assert_eq!(lines_of_writes(&since(&server, mark).await), [""; 0]);
}

/// A target that does not keep our mark: nothing else is tried, and nothing stays.
#[tokio::test]
async fn without_a_mark_nothing_is_made_that_could_stay() {
    let server = ScimServer::scimmy().await;
    let forgets = |asked: &Asked| {
        if !asked.path.contains("/Users") {
            return Verdict::Pass;
        }
        Verdict::Edit(Box::new(|mut answer: Value| {
            answer.as_object_mut().map(|user| user.remove("externalId"));
            answer
        }))
    };
    let proxy = Proxy::before(&server.base_url(), forgets).await;
    let check = Check::of(&server, &attributes());
    check.points_at(proxy.base_url().as_str(), &proxy.host());
    let output = check.run(&["--output", "json"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let report: Value = serde_json::from_str(&out(&output)).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{report:#}");
    assert_eq!(findings[0]["verdict"], "Failed");
    assert_eq!(usernames(&server).await.len(), 0);
}

#[tokio::test]
async fn what_can_not_be_checked_is_told_without_the_secret() {
    let server = ScimServer::scimmy().await;
    let check = Check::of(&server, &json!({"title": "employee.jobTtle"}));
    let output = check.run(&[]).await;
    assert!(
        err(&output).contains("did you mean jobTitle"),
        "{}",
        err(&output)
    );

    let check = Check::of(&server, &attributes());
    let mut secret = check.secret.clone();
    secret["stringData"]["token"] = json!("planted-secret");
    check.with_secret(&secret);
    let output = check.run(&[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).starts_with("rollcall: Unauthorized: "),
        "{}",
        err(&output)
    );
    secret["metadata"]["annotations"] = json!({"rollcall.dev/hosts": "elsewhere.example.com"});
    check.with_secret(&secret);
    let elsewhere = check.run(&[]).await;
    assert!(
        err(&elsewhere).starts_with("rollcall: SecretHostNotAllowed: "),
        "{}",
        err(&elsewhere)
    );
    check.with_secret(&json!({"kind": "Other"}));
    let nowhere = check.run(&["--kubeconfig", "/nowhere"]).await;
    assert!(
        err(&nowhere).contains("Secret directory is in none of the files"),
        "{}",
        err(&nowhere)
    );
    // Neither is what makes no sense.
    let mut odd = Vec::new();
    for text in [
        "kind: Secret\nmetadata: {name: directory}\nstringData:\n  token: planted-secret\n  oops: [\n",
        "kind: Secret\nmetadata: {name: directory}\nstringData: planted-secret\n",
        "kind: Secret\nmetadata: {name: directory}\nstringData: {token: [planted-secret]}\n",
    ] {
        std::fs::write(check.dir.path().join("secret.yaml"), text).unwrap();
        let output = check.run(&[]).await;
        assert!(err(&output).contains("secret.yaml: "), "{}", err(&output));
        odd.push(output);
    }
    for output in [output, elsewhere, nowhere].into_iter().chain(odd) {
        assert!(!err(&output).contains("planted-secret") && out(&output).is_empty());
    }
}
