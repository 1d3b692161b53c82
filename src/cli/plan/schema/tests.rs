use serde_json::json;

use super::*;

fn employee(more: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "rollcall.dev/v1alpha1", "kind": "Employee",
        "metadata": {"name": "ada"},
        "spec": {
            "employeeId": "1042", "name": {"given": "Ada"}, "department": "Sales",
            "jobTitle": "Clerk", "startDate": "2020-01-01",
        },
    });
    for (field, value) in more.as_object().unwrap() {
        object["spec"][field.as_str()] = value.clone();
    }
    object
}

fn faults(mut object: Value) -> Vec<String> {
    let kind = object["kind"].as_str().unwrap().to_owned();
    Schemas::new().faults(&kind, &mut object)
}

#[test]
fn each_fault_names_the_field() {
    for (more, says) in [
        (
            json!({"endDat": "2030-01-01"}),
            "there is no field spec.endDat",
        ),
        (
            json!({"roles": [{"name": "a"}, {"name": "b", "untill": "2030-01-01"}]}),
            "there is no field spec.roles[1].untill",
        ),
        (
            json!({"employeeId": 1042}),
            "spec.employeeId must be a text, and is a whole number: put it into quotes",
        ),
        (
            json!({"name": "Ada"}),
            "spec.name must be an object, and is a text",
        ),
        (json!({"name": {}}), "spec.name.given is missing"),
        (json!({"startDate": null}), "spec.startDate is missing"),
        (
            json!({"employment": "Asleep"}),
            "spec.employment must be one of Active, OnLeave, Suspended",
        ),
        (
            json!({"department": ""}),
            "spec.department must have 1 character at least",
        ),
        (
            json!({"employeeId": "1".repeat(64)}),
            "spec.employeeId must have 63 characters at most, and has 64",
        ),
        (
            json!({"attributes": {"team": true}}),
            "spec.attributes[team] must be a text, and is a boolean: put it into quotes",
        ),
        (
            json!({"roles": [{"name": "a"}, {"name": "a"}]}),
            "spec.roles has a twice",
        ),
        (
            json!({"notFormerly": ["7", "7"]}),
            "spec.notFormerly has 7 twice",
        ),
    ] {
        assert_eq!(faults(employee(&more)), [says], "{more}");
    }
    let mut connector = json!({"kind": "AppConnector", "spec": {
        "scim": {"baseUrl": "https://a.example.com", "auth": {}},
        "account": {"username": ["employee.employeeId"]},
        "guard": {"maxPercent": 150},
    }});
    assert_eq!(
        faults(connector.clone()),
        ["spec.guard.maxPercent must be 100 at most"]
    );
    connector["spec"]["guard"] = json!({"maxPercent": -1});
    assert_eq!(
        faults(connector),
        ["spec.guard.maxPercent must be 0 at least"]
    );
}

#[test]
fn metadata_and_what_stands_beside_the_spec_are_looked_at_too() {
    let mut object = employee(&json!({}));
    object["metadata"]["annotations"] = json!({"rollcall.dev/paused": true});
    object["metadata"]["lables"] = json!({});
    object["specs"] = json!({});
    assert_eq!(
        faults(object),
        [
            "metadata.annotations[rollcall.dev/paused] must be a text, and is a boolean: put it into quotes",
            "there is no field metadata.lables",
            "there is no field specs",
        ]
    );
}

#[test]
fn what_the_api_server_adds_or_leaves_out_is_no_fault() {
    let mut object = employee(&json!({"endDate": null, "email": "ada@example.com"}));
    object["metadata"] = json!({
        "name": "ada", "uid": "1", "resourceVersion": "7", "generation": 2, "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}], "ownerReferences": [], "selfLink": "/", "labels": {"a": "b"},
    });
    object["status"] = json!({"accounts": "whatever", "unheardOf": 1});
    assert_eq!(faults(object.clone()), [""; 0]);
    Schemas::new().faults("Employee", &mut object);
    assert!(object["spec"].get("endDate").is_none(), "{object}");
}

/// In the words of the rule, which the API server uses as well.
#[test]
fn what_breaks_a_rule_is_told_with_the_field() {
    for (more, says) in [
        (json!({"email": "ada at example.com"}), "spec.email: "),
        (json!({"startDate": "2026-02-30"}), "spec.startDate: "),
        (json!({"startDate": "2026-2-3"}), "spec.startDate: "),
        (json!({"endDate": "2019-12-31"}), "spec: "),
        (
            json!({"managerRef": {"name": "ada"}}),
            "managerRef names this person",
        ),
        (json!({"attributes": {"-": "x"}}), "spec.attributes: "),
        (
            json!({"roles": [{"name": "a"}, {"name": "Marketing"}]}),
            "spec.roles[1].name: ",
        ),
        (
            json!({"timeZone": "Europe/Berlin/Mitte/Tor"}),
            "spec.timeZone: ",
        ),
    ] {
        let found = faults(employee(&more));
        assert!(
            found.len() == 1 && found[0].starts_with(says),
            "{more}: {found:?}"
        );
    }
    let connector = |url: &str| {
        json!({"kind": "AppConnector", "metadata": {"name": "app"}, "spec": {
            "scim": {"baseUrl": url, "auth": {"bearer": {"secretKeyRef": {"name": "app", "key": "token"}}}},
            "account": {"username": ["employee.employeeId"]},
        }})
    };
    for url in [
        "https://a.example.com",
        "HTTP://a.example.com:8443/scim/v2",
        "https://[::1]:443/",
    ] {
        assert_eq!(faults(connector(url)), [""; 0], "{url}");
    }
    for url in [
        "a.example.com",
        "ftp://a.example.com",
        "https://",
        "https:///scim",
        "https://a.example.com:0",
        "https://a.example.com:99999",
        "https://ada@a.example.com",
        "https://a.example.com?x",
        "https://a .example.com",
    ] {
        let found = faults(connector(url));
        assert!(!found.is_empty(), "{url}");
        assert!(
            found
                .iter()
                .all(|says| says.starts_with("spec.scim.baseUrl: ")),
            "{found:?}"
        );
    }
}

#[test]
fn a_name_is_one_that_an_object_can_have() {
    let mut object = employee(&json!({}));
    object["metadata"]["name"] = json!("Ada_Lovelace");
    let found = faults(object);
    assert!(
        found.len() == 1 && found[0].starts_with("metadata.name: not a name that"),
        "{found:?}"
    );
}

/// Rules count where the rest fits: what has another type can't be evaluated.
#[test]
fn rules_count_where_the_rest_fits() {
    let object = employee(&json!({"email": "none", "department": ""}));
    assert_eq!(
        faults(object),
        ["spec.department must have 1 character at least"]
    );
}

/// What is left out is what it is by default, to a rule as well.
#[test]
fn defaults_are_filled_in() {
    let mut object = employee(&json!({}));
    assert_eq!(Schemas::new().faults("Employee", &mut object), [""; 0]);
    assert_eq!(object["spec"]["employment"], "Active");
    assert!(object["spec"].get("endDate").is_none());
}
