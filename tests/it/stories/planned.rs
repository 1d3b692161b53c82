//! What `rollcall plan` says of a pull request is what is done once it is merged.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::kit::{Story, clerk, connector, template};
use crate::support::operator::OperatorProcess;
use crate::support::targets::ScimServer;

/// A folder of manifests.
pub struct PullRequest(TempDir);

impl PullRequest {
    /// With these in it.
    pub fn of(objects: &[Value]) -> Self {
        let folder = TempDir::new().unwrap();
        for (n, object) in objects.iter().enumerate() {
            let mut object = object.clone();
            object["apiVersion"] = json!("rollcall.dev/v1alpha1");
            let kind = match () {
                () if object["spec"].get("employeeId").is_some() => "Employee",
                () if object["spec"].get("account").is_some() => "AppConnector",
                () => "RoleTemplate",
            };
            object["kind"] = json!(kind);
            let path = folder.path().join(format!("{n}.yaml"));
            std::fs::write(path, object.to_string()).unwrap();
        }
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// What a command of the program says, and how it ends.
pub async fn told(story: &Story, words: &[&str], with_cluster: bool) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(words);
    if with_cluster {
        command.args(["--namespace", &story.ns.name, "--kubeconfig"]);
        command.arg(story.ns.kubeconfig());
    }
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), text + &said)
}

/// The plan of a pull request, and the exit code.
pub async fn plan(story: &Story, pull_request: &PullRequest) -> (i32, Value) {
    let path = pull_request.path().to_str().unwrap();
    let words = [
        "plan",
        "-f",
        path,
        "--output",
        "json",
        "--guard-max-percent",
        "100",
    ];
    let (code, text) = told(story, &words, true).await;
    let plan = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
    (code, plan)
}

/// Each change of a plan: whose, where, what.
fn changes(plan: &Value) -> BTreeSet<String> {
    let people = plan["people"].as_array().unwrap().iter();
    let changes = people.flat_map(|person| {
        let changes = person["changes"].as_array().unwrap().iter();
        changes.map(|change| {
            assert_eq!(change["when"], "now", "{change}");
            let names = change["names"].as_array().cloned().unwrap_or_default();
            line(
                &person["employeeId"],
                &change["connector"],
                &change["verb"],
                &names,
            )
        })
    });
    changes.collect()
}

/// What is done, with whom, where.
pub fn line(employee: &Value, connector: &Value, verb: &Value, names: &[Value]) -> String {
    let mut names: Vec<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
    names.sort_unstable();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    format!(
        "{} {} {} {}",
        text(employee),
        text(connector),
        text(verb),
        names.join(",")
    )
}

/// The same of what the operator has done, by its audit.
pub fn done(log: &str) -> BTreeSet<String> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let audit = lines.filter(|line| line["target"] == "rollcall::audit");
    let events = audit.map(|line| {
        let message = line["fields"]["message"]
            .as_str()
            .or(line["message"].as_str());
        serde_json::from_str::<Value>(message.unwrap()).unwrap()
    });
    // Whether a group has to be made is not known before.
    let intents = events.filter(|event| event["phase"] == "Intent");
    let intents = intents.filter(|event| event["verb"] != "CreateEntitlement");
    let intents = intents.map(|event| {
        let difference = event["difference"].as_array().unwrap().iter();
        let names: Vec<Value> = match event["verb"].as_str().unwrap() {
            "AddEntitlements" | "RemoveEntitlements" | "Update" => {
                difference.map(|d| d["name"].clone()).collect()
            }
            _ => Vec::new(),
        };
        line(
            &event["employee"],
            &event["connector"],
            &event["verb"],
            &names,
        )
    });
    intents.collect()
}

/// One membership at a time, as they may travel apart.
fn apart(lines: &BTreeSet<String>) -> BTreeSet<String> {
    let each = lines.iter().flat_map(|line| {
        let (head, names) = line.rsplit_once(' ').unwrap();
        let names = names.split(',');
        names.map(move |name| format!("{head} {name}"))
    });
    each.collect()
}

fn person(name: &str, id: &str, department: &str, more: Value) -> Value {
    clerk(name, id, department, more)
}

fn role(name: &str, department: &str, groups: &[&str]) -> Value {
    let rule = format!("employee.department == '{department}'");
    template(name, &rule, &[("directory", groups)])
}

#[tokio::test]
async fn the_plan_of_a_pull_request_is_what_then_runs() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("planned").await;
    let mut operator = OperatorProcess::start(&story.ns).await;
    story.credential("directory", &server).await;
    story.apply_connector(connector("directory", &server)).await;
    story
        .apply_role(role("sales", "Sales", &["staff", "pipeline"]))
        .await;
    story
        .apply_role(role("finance", "Finance", &["staff", "ledger"]))
        .await;
    for (name, id, department) in [
        ("ada", "1", "Sales"),
        ("bob", "2", "Sales"),
        ("eve", "3", "Finance"),
        ("dan", "4", "Finance"),
    ] {
        story
            .apply_person(person(name, id, department, json!({})))
            .await;
    }
    for name in ["ada", "bob", "eve", "dan"] {
        story.provisioned(name, 1).await;
    }
    story
        .connector_says("directory", "InventoryComplete", "True", "Complete")
        .await;

    // Ada moves, with another title; bob has left; fay joins; sales are to have one thing more.
    let objects = [
        person("ada", "1", "Finance", json!({"jobTitle": "Controller"})),
        person("bob", "2", "Sales", json!({"endDate": "2021-01-01"})),
        person("eve", "3", "Finance", json!({})),
        person("fay", "5", "Sales", json!({})),
        role("sales", "Sales", &["staff", "pipeline", "crm"]),
    ];
    let pull_request = PullRequest::of(&objects);
    let (code, planned) = plan(&story, &pull_request).await;
    assert_eq!(
        (code, &planned["verdict"]),
        (2, &json!("Changes")),
        "{planned:#}"
    );
    let expected = changes(&planned);
    let has = |line: &str| assert!(expected.contains(line), "{line}: {expected:#?}");
    has("1 directory AddEntitlements ledger");
    has("1 directory RemoveEntitlements pipeline");
    has("1 directory Update title");
    has("2 directory Disable ");
    has("5 directory Create ");
    assert!(
        !expected.iter().any(|line| line.starts_with(['3', '4'])),
        "{expected:#?}"
    );
    let notes = planned["notes"].to_string();
    let note = "whether directory has crm: it is made if not";
    assert!(notes.contains(note), "{notes}");

    // Where there is no cluster it says the same, and what it rests on names nobody.
    let (code, state) = told(&story, &["export"], true).await;
    assert_eq!(code, 0, "{state}");
    for name in ["Example", "ada.example", "@example.com\",\"department"] {
        assert!(
            !state.contains(&format!("\"{name}")),
            "{name} is in {state}"
        );
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, &state).unwrap();
    let path = pull_request.path().to_str().unwrap();
    let offline = [
        "plan",
        "-f",
        path,
        "--output",
        "json",
        "--offline",
        file.to_str().unwrap(),
    ];
    let (code, text) = told(&story, &offline, false).await;
    assert_eq!(code, 2, "{text}");
    let offline: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(changes(&offline), expected);

    // It is merged.
    let mark = operator.log().len();
    for object in &objects[..4] {
        story.apply_person(object.clone()).await;
    }
    story.apply_role(objects[4].clone()).await;
    story.provisioned("ada", 1).await;
    story.provisioned("fay", 1).await;
    story
        .person_says("bob", "AccessRevoked", "True", "ReadBackDisabled")
        .await;
    story
        .status("bob", "holds nothing", |status| {
            status["accounts"][0].get("entitlements").is_none()
        })
        .await;
    let log = operator.log().split_off(mark);
    assert_eq!(apart(&done(&log)), apart(&expected));
    let (code, again) = plan(&story, &pull_request).await;
    assert_eq!((code, &again["people"]), (0, &json!([])), "{again:#}");
    assert!(operator.terminate().await);
}

#[tokio::test]
async fn what_is_broken_or_would_be_held_fails_the_pull_request() {
    let server = ScimServer::scimmy().await;
    let story = Story::new("planned-badly").await;
    let _operator = OperatorProcess::start(&story.ns).await;
    story.credential("directory", &server).await;
    let mut object = connector("directory", &server);
    object["spec"]["guard"] = json!({"alwaysAllowed": 2});
    story.apply_connector(object).await;
    story.apply_role(role("sales", "Sales", &["staff"])).await;
    for n in 0..4 {
        story
            .apply_person(person(&format!("p{n}"), &n.to_string(), "Sales", json!({})))
            .await;
    }
    for n in 0..4 {
        story.provisioned(&format!("p{n}"), 1).await;
    }

    let typo = PullRequest::of(&[template(
        "sales",
        "employee.departmant == 'Sales'",
        &[("directory", &["staff"])],
    )]);
    let (code, planned) = plan(&story, &typo).await;
    assert_eq!((code, &planned["verdict"]), (1, &json!("Broken")));
    assert_eq!(planned["problems"][0]["name"], "sales");
    let told_of = planned["problems"][0]["message"].to_string();
    assert!(told_of.contains("departmant"), "{told_of}");
    assert_eq!(
        planned["totals"]["disable"], 0,
        "what is broken takes nothing"
    );

    let wrong = PullRequest::of(&[role("sales", "Slaes", &["staff"])]);
    let (code, planned) = plan(&story, &wrong).await;
    assert_eq!((code, &planned["verdict"]), (3, &json!("Held")));
    assert_eq!(planned["connectors"][0]["held"]["people"], 4);
    let path = wrong.path().to_str().unwrap();
    let (code, page) = told(&story, &["plan", "-f", path, "-o", "markdown"], true).await;
    assert_eq!(code, 3);
    for part in [
        "### Rollcall plan for planned\\-badly"
            .replace("\\-", "-")
            .as_str(),
        "4 people would lose something there at once",
        "| p0 | `!` | directory | disable the account once somebody approves it |",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    // Deleting the template is held as well, when its hour is over.
    let people: Vec<Value> = (0..4)
        .map(|n| person(&format!("p{n}"), &n.to_string(), "Sales", json!({})))
        .collect();
    let mut kept = connector("directory", &server);
    kept["spec"]["guard"] = json!({"alwaysAllowed": 2});
    let without = PullRequest::of(&[people.as_slice(), &[kept]].concat());
    let words = [
        "plan",
        "-f",
        without.path().to_str().unwrap(),
        "--prune",
        "-o",
        "json",
    ];
    let (code, text) = told(&story, &words, true).await;
    assert_eq!(code, 3, "{text}");
    // Nonsense is told with the file, and whatever the API server would refuse.
    let employee = "apiVersion: rollcall.dev/v1alpha1\nkind: Employee\nmetadata: {name: eve}\nspec: {name: {given: Eve}, department: Sales, jobTitle: Clerk, startDate: '2020-01-01', ";
    for (text, says) in [
        ("{".to_owned(), "a.yaml: "),
        (
            format!("{employee}employeeId: 7, endDat: '2030-01-01'}}"),
            "a.yaml, document 1: Employee eve: spec.employeeId must be a text, and is a whole number: put it into quotes; there is no field spec.endDat",
        ),
        (
            "apiVersion: rollcall.dev/v1alpha1\nkind: Employees\n".to_owned(),
            "a.yaml, document 1: rollcall.dev has no kind Employees; it has AppConnector, Employee, RoleTemplate",
        ),
    ] {
        let nonsense = TempDir::new().unwrap();
        std::fs::write(nonsense.path().join("a.yaml"), text).unwrap();
        let path = nonsense.path().to_str().unwrap();
        let (code, text) = told(&story, &["plan", "-f", path], true).await;
        assert_eq!(code, 1);
        assert!(text.contains(says), "{text}");
    }
    let renumbered = PullRequest::of(&[person("p0", "77", "Sales", json!({}))]);
    let (code, planned) = plan(&story, &renumbered).await;
    assert_eq!((code, &planned["verdict"]), (1, &json!("Broken")));
    assert_eq!(planned["problems"][0]["reason"], "Immutable");
    assert_eq!(planned["people"], json!([]), "{planned:#}");
}

/// Two is what a plan with changes ends with.
#[test]
fn a_command_line_that_makes_no_sense_is_no_plan() {
    for (words, code) in [
        (&["plan"][..], 1),
        (&["plan", "--filename", "a", "--otput", "json"], 1),
        (
            &[
                "plan",
                "--filename",
                "/nowhere/at/all",
                "--offline",
                "/nowhere",
            ],
            1,
        ),
        (&["plan", "--help"], 0),
        (&["--version"], 0),
        (&["plam"], 1),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        let output = command.args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        let told = if code == 0 {
            output.stdout
        } else {
            output.stderr
        };
        assert!(!told.is_empty(), "{words:?}");
    }
}

/// User names follow the facts, and a file without them renames nobody.
#[tokio::test]
async fn a_redacted_file_renames_nobody_whose_name_still_fits() {
    let server = ScimServer::scim2_server().await;
    let story = Story::new("planned-names").await;
    let _operator = OperatorProcess::start(&story.ns).await;
    story.credential("directory", &server).await;
    let mut object = connector("directory", &server);
    object["spec"]["account"]["usernameChanges"] = json!("Follow");
    object["spec"]["orphans"] = json!({
        "ignore": ["svc-*"], "exceptions": [{"username": "known.stranger", "reason": "of Mr Stranger"}],
    });
    story.apply_connector(object).await;
    let mut sales = role("sales", "Sales", &["staff"]);
    sales["spec"]["description"] = json!("for Mr Stranger");
    story.apply_role(sales).await;
    for (name, id) in [("ada", "1"), ("bob", "2")] {
        let person = person(name, id, "Sales", json!({}));
        story.apply_person(person).await;
        story.provisioned(name, 1).await;
    }
    story
        .connector_says("directory", "InventoryComplete", "True", "Complete")
        .await;
    let (code, state) = told(&story, &["export"], true).await;
    assert_eq!(code, 0, "{state}");
    for name in ["svc-", "tranger", "ada.example", "bob.example"] {
        assert!(!state.contains(name), "{name} is in {state}");
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, &state).unwrap();
    // Bob marries.
    let wed = json!({"name": {"given": "bob", "family": "King"}});
    for (surname, renamed, code) in [(json!({}), false, 0), (wed, true, 2)] {
        let pull_request = PullRequest::of(&[
            person("ada", "1", "Sales", json!({})),
            person("bob", "2", "Sales", surname),
        ]);
        let words = |output: &'static str| {
            let path = pull_request.path().to_str().unwrap().to_owned();
            let file = file.to_str().unwrap().to_owned();
            [
                "plan".into(),
                "-f".into(),
                path,
                "-o".into(),
                output.into(),
                "--offline".into(),
                file,
            ]
        };
        let of_json = words("json");
        let of_json: Vec<&str> = of_json.iter().map(String::as_str).collect();
        let (ended, text) = told(&story, &of_json, false).await;
        assert_eq!(ended, code, "{text}");
        let planned: Value = serde_json::from_str(&text).unwrap();
        let all = changes(&planned);
        let (online, same) = plan(&story, &pull_request).await;
        assert_eq!((online, changes(&same)), (code, all.clone()), "{all:?}");
        let update =
            |line: &String| line.starts_with("2 directory Update") && line.contains("username");
        assert_eq!(all.iter().any(update), renamed, "{all:?}");
        let notes = planned["notes"].to_string();
        for output in ["text", "markdown"] {
            let words = words(output);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let page = told(&story, &words, false).await.1;
            for part in [
                "renames are told of those people alone",
                "the state is of 20",
                " old",
            ] {
                assert!(
                    page.contains(part) && notes.contains(part),
                    "{part}: {page}"
                );
            }
        }
    }
}
