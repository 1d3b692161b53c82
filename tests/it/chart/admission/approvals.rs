//! Who may approve removals that are held.

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::{Api, ResourceExt};
use rollcall::api::AppConnector;
use serde_json::json;

use super::kit::{Guarded, connector, digest};
use crate::stories::kit::{Story, approval as words, clerk, connector as connected, template};
use crate::support::deployed::Deployed;
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

const REMOVALS: &str = "rollcall.dev/approved-removals";
const BY: &str = "rollcall.dev/approved-by";

/// `kubectl annotate`, as the operator tells people to.
fn annotates<'a>(words: &'a [&'a str]) -> Vec<&'a str> {
    [
        &["annotate", "--overwrite", "appconnector", "directory"],
        words,
    ]
    .concat()
}

fn set(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

/// What is approved, and by whom.
async fn approval(story: &Guarded) -> (Option<String>, Option<String>) {
    let there = story.people.api::<AppConnector>().get("directory").await;
    let there = there.unwrap();
    let read = |name: &str| there.annotations().get(name).cloned();
    (read(REMOVALS), read(BY))
}

fn some(digest: &str, by: &str) -> (Option<String>, Option<String>) {
    (Some(digest.to_owned()), Some(by.to_owned()))
}

#[tokio::test]
async fn are_given_by_those_who_may_and_their_name_is_written_down() {
    let story = Guarded::with("approved", &json!({})).await;
    story.bind("approver", "grace").await;
    story.admits::<AppConnector>("eve", &connector()).await;
    let (one, two) = (digest("a"), digest("b"));
    let (first, second) = (set(REMOVALS, &one), set(REMOVALS, &two));

    let said = story
        .refuses_to("approvals", "eve", &annotates(&[&first]))
        .await;
    for part in [
        "eve may not approve removals",
        "the verb approve on appconnectors",
        &format!("{}-approver", story.name),
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    // As the operator prints it; the name is the API server's to write.
    story.lets("grace", &annotates(&[&first])).await;
    assert_eq!(approval(&story).await, some(&one, "grace"));

    let wrong = set(REMOVALS, "sha256:1234");
    let said = story
        .refuses_to("approvals", "grace", &annotates(&[&wrong]))
        .await;
    assert!(said.contains("sha256: and 64 digits"), "{said}");

    // Neither in one's own name without the right, nor in another's with it.
    let own = set(BY, "eve");
    let said = story
        .refuses_to("approvals", "eve", &annotates(&[&own]))
        .await;
    assert!(said.contains("eve may not approve"), "{said}");
    let another = set(BY, "heidi");
    let said = story
        .refuses_to("approvals", "grace", &annotates(&[&another]))
        .await;
    assert!(
        said.contains("must be grace, who you are: nobody approves in the name of another"),
        "{said}"
    );
    let off = format!("{BY}-");
    story.lets("eve", &annotates(&[&off])).await;
    assert_eq!(approval(&story).await, some(&one, "grace"), "it stays");

    // Another plan is another approval, whatever name came along.
    story.bind("approver", "judy").await;
    story.lets("judy", &annotates(&[&second, &another])).await;
    assert_eq!(approval(&story).await, some(&two, "judy"));

    // Whoever may edit may take it off.
    let off = format!("{REMOVALS}-");
    story.lets("eve", &annotates(&[&off])).await;
    assert_eq!(approval(&story).await, (None, None), "its name goes along");
}

#[tokio::test]
async fn are_no_obstacle_to_those_who_edit_and_no_way_to_edit() {
    let story = Guarded::with("only-approves", &json!({})).await;
    story.bind("approver", "grace").await;
    story.admits::<AppConnector>("eve", &connector()).await;
    let digest = set(REMOVALS, &digest("a"));
    story
        .refuses_to("approvals", "eve", &annotates(&[&digest]))
        .await;
    story.lets("grace", &annotates(&[&digest])).await;

    let mode = r#"--patch={"spec":{"mode":"DryRun"}}"#;
    let edit = ["patch", "appconnector", "directory", "--type=merge", mode];
    let label = ["label", "appconnector", "directory", "a=b"];
    let pause = annotates(&["rollcall.dev/paused=true"]);
    for words in [&edit[..], &label, &pause] {
        let said = story.refuses_to("approvals", "grace", words).await;
        assert!(said.contains("and nothing else of it"), "{said}");
        story.lets("eve", words).await;
    }
    // Nor may she take away what others said.
    let resume = annotates(&["rollcall.dev/paused-"]);
    story.refuses_to("approvals", "grace", &resume).await;
    let off = format!("{REMOVALS}-");
    story.lets("grace", &annotates(&[&off])).await;
}

/// Otherwise whoever may edit would raise the limits, and need no approval.
#[tokio::test]
async fn are_not_gone_around_by_other_limits() {
    let story = Guarded::with("limits", &json!({})).await;
    story.bind("edit", "ivan").await;
    story.bind("approver", "ivan").await;
    let mut object = connector();
    object["spec"]["guard"] = json!({"maxPercent": 7});
    story.admits::<AppConnector>("eve", &object).await;
    object["spec"]["guard"] = json!({"maxPercent": 100});
    let said = story
        .refuses::<AppConnector>("approvals", "eve", &object)
        .await;
    assert!(
        said.contains("changing it takes the verb approve"),
        "{said}"
    );
    story.admits::<AppConnector>("ivan", &object).await;
    object["spec"]["mode"] = json!("DryRun");
    story.admits::<AppConnector>("eve", &object).await;
}

/// As where a backup is restored, or another object of the name is made.
#[tokio::test]
async fn can_not_be_brought_along_by_a_new_object() {
    let story = Guarded::with("brought", &json!({})).await;
    story.bind("approver", "ivan").await;
    story.bind("edit", "ivan").await;
    let one = digest("a");
    let mut object = connector();
    object["metadata"]["annotations"] = json!({REMOVALS: one, BY: "grace"});
    let said = story
        .refuses::<AppConnector>("approvals", "eve", &object)
        .await;
    assert!(said.contains("eve may not approve"), "{said}");
    story.admits::<AppConnector>("ivan", &object).await;
    assert_eq!(approval(&story).await, some(&one, "ivan"));

    // Applied again, by whoever may edit, it is what it was.
    let mut again = object.clone();
    again["metadata"]["annotations"] = json!({REMOVALS: one});
    again["spec"]["mode"] = json!("DryRun");
    story.admits::<AppConnector>("eve", &again).await;
    assert_eq!(approval(&story).await, some(&one, "ivan"));
}

/// As where the API server has no MutatingAdmissionPolicy.
#[tokio::test]
async fn need_a_name_where_nothing_writes_it_down() {
    let admission = json!({"approvals": {"recordApprover": "Never"}});
    let story = Guarded::with("own-name", &admission).await;
    story.bind("approver", "grace").await;
    story.admits::<AppConnector>("eve", &connector()).await;
    let one = digest("a");
    let alone = set(REMOVALS, &one);
    let said = story
        .refuses_to("approvals", "grace", &annotates(&[&alone]))
        .await;
    let (_, command) = said.split_once("beside it: ").unwrap();
    let expected = format!(
        "kubectl annotate --overwrite -n {} appconnector directory {alone} 'rollcall.dev/approved-by=grace'",
        story.people.name
    );
    assert_eq!(command.trim_end(), expected);

    let another = set(BY, "heidi");
    let said = story
        .refuses_to("approvals", "grace", &annotates(&[&alone, &another]))
        .await;
    assert!(said.contains("must be grace, who you are"), "{said}");
    let eves = set(BY, "eve");
    let said = story
        .refuses_to("approvals", "eve", &annotates(&[&alone, &eves]))
        .await;
    assert!(said.contains("eve may not approve"), "{said}");

    // What it says works.
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} --as=grace", command.trim_end());
    let told = story.people.control_plane().shell(folder.path(), &line);
    let told = told.await;
    assert!(told.ok, "{told:?}");
    assert_eq!(approval(&story).await, some(&one, "grace"));
    let off = format!("{BY}-");
    let said = story
        .refuses_to("approvals", "eve", &annotates(&[&off]))
        .await;
    assert!(said.contains("eve may not approve"), "{said}");
    let both = format!("{REMOVALS}-");
    story.lets("eve", &annotates(&[&both, &off])).await;
    assert_eq!(approval(&story).await, (None, None));
}

/// `actions: [Warn]` tells, and lets through.
#[tokio::test]
async fn are_only_warned_of_where_that_is_wanted() {
    let story = Guarded::with("warned", &json!({"actions": ["Warn", "Audit"]})).await;
    let bindings: Api<ValidatingAdmissionPolicyBinding> =
        Api::all(story.people.control_plane().client());
    let made = bindings.get(&format!("{}-approvals", story.name)).await;
    let actions = made.unwrap().spec.unwrap().validation_actions.unwrap();
    assert_eq!(actions, ["Warn", "Audit"]);
    story.admits::<AppConnector>("eve", &connector()).await;
    let set = set(REMOVALS, &digest("a"));
    eventually("a warning is given", async || {
        let words = [&set, "--dry-run=server", "--as=eve"];
        let said = story.people.kubectl(&annotates(&words)).await;
        if said.ok && said.err.contains("eve may not approve") {
            Ok(())
        } else {
            Err(said)
        }
    })
    .await;
    // Where nothing is refused, nobody is given the verb patch on the strength of a rule.
    let roles: Api<ClusterRole> = Api::all(story.people.control_plane().client());
    let approver = roles.get(&format!("{}-approver", story.name)).await;
    let rule = approver.unwrap().rules.unwrap().remove(0);
    assert_eq!(rule.verbs, ["get", "list", "watch", "approve"]);
}

/// From the message of a held plan to the access that is taken: by whoever may, under the chart's rules, and with the operator as the
/// chart deploys it.
#[tokio::test]
async fn are_typed_as_the_message_says_and_run() {
    let guarded = Guarded::with("typed", &json!({})).await;
    guarded.bind("approver", "grace").await;
    let rule = format!("'{}-approvals'", guarded.name);
    let story = Story { ns: guarded.people };
    let server = ScimServer::scimmy().await;
    let operator = Deployed::start(&story.ns).await;
    story.credential("directory", &server).await;
    let mut limited = connected("directory", &server);
    limited["spec"]["guard"] = json!({"alwaysAllowed": 1, "maxPercent": 1});
    story.apply_connector(limited).await;
    let sales = |rule| template("sales", rule, &[("directory", &["staff"])]);
    let right = "employee.department == 'Sales'";
    story.apply_role(sales(right)).await;
    for name in ["ada", "bob"] {
        let clerk = clerk(name, name, "Sales", json!({}));
        story.apply_person(clerk).await;
        story.provisioned(name, 1).await;
    }

    let wrong = "employee.department == 'Slaes'";
    story.apply_role(sales(wrong)).await;
    let told = story.held("directory").await;
    let command = words(&told);
    let typed = async |by: &str| {
        let who = format!("--as={by}");
        let typed = [&command[..], &[who.as_str()]].concat();
        story.ns.kubectl(&typed).await
    };
    let eves = typed("eve").await;
    assert!(!eves.ok && eves.err.contains(&rule), "{eves:?}");
    assert_eq!(server.group_member_ids("staff").await.len(), 2);

    let graces = typed("grace").await;
    assert!(graces.ok, "{graces:?}");
    eventually("it is taken", async || {
        match server.group_member_ids("staff").await.len() {
            0 => Ok(()),
            n => Err(n),
        }
    })
    .await;
    let (_, digest) = command.last().unwrap().split_once('=').unwrap();
    assert_eq!(story.told("directory", "RemovalsApproved").await, 1);
    let log = operator.log();
    let cause = format!("approved by grace as {digest}");
    assert!(log.contains(&cause), "{cause}: {log}");
}
