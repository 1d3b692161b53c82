//! The cases of a leaver, each in every format.

use serde_json::{Value, json};

use super::{account, because, condition, is_as_looked_at, leaver, now, report, step};
use crate::api::Employee;
use crate::report::{Certainty, LeaverReport, NotALeaver, subject, table};

const DONE: Option<&str> = Some("2026-11-20T23:00:04Z");

fn offboarding(completed_at: Option<&str>, accounts: &Value) -> Value {
    let mut offboarding = json!({"accounts": accounts});
    if let Some(at) = completed_at {
        offboarding["completedAt"] = json!(at);
    }
    offboarding
}

fn begun(connector: &str, steps: &[Value]) -> Value {
    json!({"connector": connector, "since": "2026-11-20T23:00:00Z", "held": ["marketing"], "steps": steps})
}

fn shut() -> Value {
    step("Disable", "Verified", DONE, "read back as disabled")
}

fn emptied() -> Value {
    let evidence = "the one that roles had given is taken away";
    step("RemoveEntitlements", "Verified", DONE, evidence)
}

fn all_verified() -> Value {
    let warehouse = begun(
        "warehouse",
        &[
            shut(),
            step(
                "RevokeSessions",
                "Verified",
                DONE,
                "no session is left (2 ended)",
            ),
            step("RevokeTokens", "Verified", DONE, "no token is left"),
            step("RevokeKeys", "Verified", DONE, "no key is left"),
            step("RevokePasswords", "Verified", DONE, "the password is null"),
            step(
                "TransferOwnership",
                "Verified",
                DONE,
                "2 passed to grace.hopper: table app.public.orders, table app.public.plans",
            ),
            emptied(),
        ],
    );
    leaver(
        &json!([account("warehouse", "Disabled")]),
        &offboarding(DONE, &json!([warehouse])),
    )
}

fn not_possible_and_requested() -> Value {
    let chat = begun(
        "chat",
        &[
            shut(),
            step(
                "RevokeSessions",
                "Requested",
                DONE,
                "the server answered 204",
            ),
            because(
                step(
                    "RevokeTokens",
                    "NotPossible",
                    None,
                    "chat knows no tokens that it could revoke, or nothing says how: see to it there by hand",
                ),
                "NotPossible",
            ),
            emptied(),
        ],
    );
    leaver(
        &json!([account("chat", "Disabled")]),
        &offboarding(DONE, &json!([chat])),
    )
}

fn failed_and_waiting() -> Value {
    let directory = begun(
        "directory",
        &[
            because(
                step("Disable", "Failed", None, "the directory can't be reached"),
                "TargetUnreachable",
            ),
            step("RevokePasswords", "Pending", None, ""),
            because(
                step(
                    "TransferOwnership",
                    "Waiting",
                    None,
                    "no manager is there to whom it could pass: set spec.managerRef",
                ),
                "NoSuccessor",
            ),
            because(
                step(
                    "RemoveEntitlements",
                    "Failed",
                    None,
                    "the credential may not do that",
                ),
                "Forbidden",
            ),
        ],
    );
    let mut stuck = json!({
        "connector": "chat", "state": "Conflict", "reason": "SeveralAccountsMarked",
        "message": "the mark stands on 4 and 9: leave it on the right one",
    });
    stuck["username"] = json!("ada.lovelace");
    let mut employee = leaver(
        &json!([
            {"connector": "directory", "accountId": "17", "username": "ada.lovelace", "state": "Failed",
             "reason": "TargetUnreachable", "message": "the directory can't be reached"},
            stuck,
        ]),
        &offboarding(None, &json!([directory])),
    );
    employee["status"]["conditions"] = json!([condition(
        "AccessRevoked",
        "False",
        "NotYetProven",
        "not read back as disabled yet: chat, directory"
    )]);
    employee["status"]["orphanedCredentials"] = json!([{
        "connector": "directory", "kind": "Account", "name": "ada.lovelace", "since": "2026-11-20T23:00:00Z",
    }]);
    employee
}

fn legal_hold() -> Value {
    let directory = begun(
        "directory",
        &[
            shut(),
            emptied(),
            step(
                "Retain",
                "Verified",
                DONE,
                "kept for as long as spec.leaver.retain says",
            ),
            because(
                step(
                    "Delete",
                    "Waiting",
                    None,
                    "spec.legalHold of the Employee keeps it: matter 7",
                ),
                "LegalHold",
            ),
        ],
    );
    let mut employee = leaver(
        &json!([account("directory", "Disabled")]),
        &offboarding(DONE, &json!([directory])),
    );
    employee["spec"]["legalHold"] = json!({"reason": "matter 7"});
    employee
}

fn deleted() -> Value {
    let gone = "the application does not show it any more";
    let directory = begun(
        "directory",
        &[
            shut(),
            step("RevokeTokens", "Verified", DONE, gone),
            emptied(),
            step("Retain", "Verified", DONE, gone),
            step("Delete", "Verified", DONE, gone),
        ],
    );
    let mut employee = leaver(
        &json!([{"connector": "directory", "username": "ada.lovelace", "state": "Deleted"}]),
        &offboarding(DONE, &json!([directory])),
    );
    employee["status"]["stage"] = json!("Retired");
    employee
}

#[test]
fn every_format_of_every_case_is_as_a_person_looked_at_it() {
    for (case, employee, settled) in [
        ("verified", all_verified(), true),
        ("requested", not_possible_and_requested(), false),
        ("failed", failed_and_waiting(), false),
        ("held", legal_hold(), false),
        ("deleted", deleted(), true),
    ] {
        let report = report(&employee);
        assert_eq!(report.is_settled(), settled, "{case}");
        is_as_looked_at(case, &report);
    }
}

#[test]
fn the_subject_says_what_it_comes_to() {
    let told = |employee: &Value| subject(&report(employee));
    assert_eq!(
        told(&all_verified()),
        "Leaver Ada Lovelace (people/ada-lovelace): complete, no credential is left"
    );
    assert_eq!(
        told(&failed_and_waiting()),
        "Leaver Ada Lovelace (people/ada-lovelace): NOT complete, 3 credentials left or not proven gone, 3 to do by hand"
    );
}

#[test]
fn what_was_only_accepted_never_reads_like_what_was_shown() {
    let report = report(&not_possible_and_requested());
    let sessions = report.accounts[0].step("RevokeSessions").unwrap();
    assert_eq!(sessions.verified_at, None);
    assert_eq!(sessions.requested_at, DONE.map(|at| at.parse().unwrap()));
    let left: Vec<(&str, Certainty)> = report
        .credentials_left
        .iter()
        .map(|left| (left.kind.as_str(), left.certainty))
        .collect();
    assert_eq!(
        left,
        [
            ("Sessions", Certainty::NotProven),
            ("Tokens", Certainty::NotRevoked)
        ]
    );
    let text = table(&report);
    let line = text
        .lines()
        .find(|l| l.starts_with("RevokeSessions"))
        .unwrap();
    assert!(
        line.contains("NO PROOF") && !line.contains("verified"),
        "{line}"
    );
    assert_eq!(report.by_hand().count(), 2);
}

#[test]
fn an_account_that_is_kept_and_then_deleted_is_nobodys_work() {
    let directory = begun(
        "directory",
        &[
            shut(),
            emptied(),
            step("Retain", "Scheduled", Some("2026-12-20T23:00:04Z"), ""),
            step("Delete", "Scheduled", Some("2026-12-20T23:00:04Z"), ""),
        ],
    );
    let employee = leaver(
        &json!([account("directory", "Disabled")]),
        &offboarding(DONE, &json!([directory])),
    );
    let report = report(&employee);
    assert!(report.is_settled());
    let due: Vec<String> = report
        .by_itself()
        .filter_map(|one| one.due_at.map(|at| at.to_string()))
        .collect();
    assert_eq!(due, ["2026-12-20T23:00:04Z"; 2]);
}

#[test]
fn a_status_that_speaks_of_another_time_proves_nothing() {
    for (what, change, word) in [
        ("edited", json!({"observedGeneration": 3}), "last edited"),
        (
            "not looked at",
            json!({"stage": "Active"}),
            "is the operator running",
        ),
        ("no proof", json!({"conditions": []}), "not known yet"),
    ] {
        let mut employee = all_verified();
        for (key, value) in change.as_object().unwrap() {
            employee["status"][key] = value.clone();
        }
        let report = report(&employee);
        assert!(!report.no_credential_left && !report.is_settled(), "{what}");
        let note = report.offboarding.note.as_deref().unwrap();
        assert!(note.contains(word), "{what}: {note}");
        assert_eq!(report.offboarding.complete, what == "no proof");
    }
    let mut unseen = all_verified();
    unseen.as_object_mut().unwrap().remove("status");
    assert!(!report(&unseen).is_settled());
}

#[test]
fn who_had_no_account_is_done_when_it_is_proven_that_none_is_left() {
    let mut employee = leaver(&json!([]), &Value::Null);
    let done = report(&employee);
    assert!(done.is_settled() && done.accounts.is_empty());
    employee["status"]["conditions"] = json!([]);
    assert!(!report(&employee).is_settled());
}

#[test]
fn an_account_whose_offboarding_did_not_begin_is_left() {
    let mut open = account("directory", "Active");
    open["lastVerified"] = Value::Null;
    let report = report(&leaver(&json!([open]), &Value::Null));
    assert_eq!(report.credentials_left.len(), 1);
    assert!(!report.offboarding.complete);
    assert_eq!(report.remaining.len(), 1);
}

#[test]
fn who_has_not_left_has_no_report() {
    let wrong = |change: &dyn Fn(&mut Value)| -> NotALeaver {
        let mut employee = all_verified();
        change(&mut employee["spec"]);
        let employee: Employee = serde_json::from_value(employee).unwrap();
        LeaverReport::of(&employee, now()).unwrap_err()
    };
    for (error, parts) in [
        (
            wrong(&|spec| spec["endDate"] = Value::Null),
            ["people/ada-lovelace", "no spec.endDate"],
        ),
        (
            wrong(&|spec| spec["endDate"] = json!("2026-11-21")),
            ["2026-11-21 in Europe/Berlin", "2026-11-21T23:00:00Z"],
        ),
        (
            wrong(&|spec| spec["endDate"] = json!("soon")),
            ["spec.endDate \"soon\"", "YYYY-MM-DD"],
        ),
        (
            wrong(&|spec| spec["timeZone"] = json!("Mars")),
            ["spec.timeZone \"Mars\"", "IANA"],
        ),
    ] {
        let told = error.to_string();
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    }
}
