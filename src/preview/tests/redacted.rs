//! A redacted file: what it still says, and what it does not hold.

use serde_json::{Value, json};

use super::super::state::State;
use super::super::{Objects, Preview, Settings, Verdict, preview};
use super::{Company, LONG_AGO, NOW, merge, orphan, svc, three, typed};
use crate::domain::fixtures::at;
use crate::domain::guard::Limits;

/// The plan where the objects are changed so, with names and without.
fn plans(before: &Objects, change: impl Fn(&mut Objects)) -> [Preview; 2] {
    [false, true].map(|redacted| {
        let mut manifests = before.clone();
        change(&mut manifests);
        plan(before, &manifests, redacted)
    })
}

fn plan(before: &Objects, manifests: &Objects, redacted: bool) -> Preview {
    let mut state = State::new("people".to_owned(), before.clone(), at(NOW));
    if redacted {
        let text = serde_json::to_string(&state.redacted()).unwrap();
        state = State::read(&text).unwrap();
    }
    let settings = Settings {
        prune: false,
        limits: Limits::NONE,
        now: at(NOW),
    };
    preview(state, manifests, &settings)
}

/// Whom something is done with, and what; with the name of an account that is made.
fn changes(preview: &Preview) -> Vec<String> {
    let people = preview.people.iter();
    let all = people.flat_map(|person| {
        let changes = person.changes.iter();
        changes.map(move |change| {
            let name = change.username.as_deref().unwrap_or_default();
            let names = change.names.join(",");
            format!("{} {} {names}{name}", person.employee, change.verb)
        })
    });
    all.collect()
}

/// An edit of JSON as which an object is written.
fn edited(object: &Value, edit: impl Fn(&mut Value)) -> Value {
    let mut object = object.clone();
    edit(&mut object);
    object
}

/// Three people whose user names follow their given names: one as it is, one with a number, one in other letters.
fn following(changes: &str) -> Objects {
    let company = Company::new(json!({}), Vec::new());
    let mut out = company.objects();
    let account = json!({"username": ["employee.name.given"], "usernameChanges": changes});
    let connector = edited(&company.connector(), |o| {
        o["spec"]["account"] = account.clone();
    });
    out.connectors
        .insert("directory".to_owned(), typed(&connector));
    for (n, username) in ["given0", "given12", "GIVEN2"].into_iter().enumerate() {
        let person = edited(&company.person(n), |o| {
            o["status"]["accounts"][0]["username"] = json!(username);
        });
        out.people.insert(format!("p{n}"), typed(&person));
    }
    out
}

fn newcomer(given: &str) -> Value {
    let company = Company::new(json!({}), Vec::new());
    edited(&company.person(7), |o| {
        o["spec"]["name"] = json!({"given": given});
        o.as_object_mut().unwrap().remove("status");
    })
}

#[test]
fn nobody_is_renamed_whose_name_still_fits() {
    for which in ["Follow", "Never"] {
        let before = following(which);
        for plan in plans(&before, |_| {}) {
            assert_eq!(changes(&plan), [""; 0], "{which}");
            assert_eq!(plan.verdict, Verdict::Nothing, "{which}");
        }
        // Nor is anybody who is not among the manifests.
        let [open, redacted] = plans(&before, |objects| objects.people.clear());
        assert_eq!(
            (open.verdict, redacted.verdict),
            (Verdict::Nothing, Verdict::Nothing)
        );
        assert!(open.notes.is_empty(), "{:?}", open.notes);
        let note = "the file is redacted: renames are told of those people alone who are among the manifests";
        assert!(redacted.notes[0].starts_with(note), "{:?}", redacted.notes);
    }
}

#[test]
fn who_is_called_otherwise_is_renamed_with_a_redacted_file_as_well() {
    let before = following("Follow");
    let plans = plans(&before, |objects| {
        let company = Company::new(json!({}), Vec::new());
        let maria = edited(&company.person(1), |o| {
            o["spec"]["name"] = json!({"given": "Maria"});
        });
        objects.people.insert("p1".to_owned(), typed(&maria));
    });
    for plan in plans {
        assert_eq!(changes(&plan), ["p1 Update username"]);
    }
}

#[test]
fn a_new_name_is_another_than_that_of_somebody_in_the_file() {
    let mut before = following("Never");
    let company = Company::new(json!({}), three());
    let connector = edited(&company.connector(), |o| {
        o["spec"]["account"] = json!({"username": ["employee.name.given"]});
        o["spec"]["protected"] = json!({"accounts": ["root"]});
    });
    before
        .connectors
        .insert("directory".to_owned(), typed(&connector));
    for (given, gets) in [
        ("Given0", "given02"),
        ("Given1", "given1"),
        ("Mallory", "mallory2"),
        ("Root", "root2"),
        ("Eve", "eve"),
    ] {
        let plans = plans(&before, |objects| {
            objects
                .people
                .insert("p7".to_owned(), typed(&newcomer(given)));
        });
        for plan in plans {
            assert_eq!(changes(&plan)[0], format!("p7 Create {gets}"));
        }
    }
}

/// What becomes of accounts that are nobody's, without their names.
fn fates(preview: &Preview) -> Vec<Value> {
    let each = preview.orphans.iter().map(|orphan| {
        let changes = serde_json::to_value(&orphan.changes).unwrap();
        json!([orphan.kind, orphan.employee_id, changes])
    });
    let mut each: Vec<Value> = each.collect();
    each.sort_by_key(ToString::to_string);
    each
}

#[test]
fn an_edit_of_patterns_does_the_same_with_names_and_without() {
    let mut company = svc();
    company.orphans["exceptions"]
        .as_array_mut()
        .unwrap()
        .extend([
            json!({"username": "Ada", "reason": "comes back"}),
            json!({"username": "m*", "reason": "was known", "until": "2026-01-31"}),
        ]);
    company.spared.push(json!({
        "accountId": "a-70", "username": "ada", "kind": "Released", "employeeId": "70", "active": true,
    }));
    company.told = vec![orphan("mallory", None, LONG_AGO, json!({}))];
    let all = |more: Value| {
        let mut orphans = json!({"policy": "Disable", "which": "All", "after": "1s"});
        merge(&mut orphans, more);
        orphans
    };
    let until =
        |day: &str| json!({"exceptions": [{"username": "m*", "reason": "known", "until": day}]});
    for (edit, number) in [
        (all(json!({})), 4),
        (all(json!({"ignore": ["svc-*"]})), 3),
        (all(json!({"ignore": ["ada", "svc-*"]})), 2),
        (all(json!({"ignore": ["mallory", "svc-backup"]})), 2),
        (all(until("2026-01-31")), 4),
        (all(until("2026-12-31")), 3),
    ] {
        let [open, redacted] = [false, true].map(|redacted| {
            company.redacted = redacted;
            company.with_orphans(edit.clone())
        });
        assert_eq!(fates(&open).len(), number, "{edit}");
        assert_eq!(fates(&redacted), fates(&open), "{edit}");
        assert_eq!(redacted.verdict, open.verdict, "{edit}");
    }
}

#[test]
fn nobody_is_told_apart_by_a_pattern_or_a_text_of_the_file() {
    let mut company = svc();
    company.told = three();
    company.orphans["ignore"] = json!(["svc-*", "jane.doe", "j.doe*"]);
    company.orphans["exceptions"] = json!([{"username": "old.doe", "reason": "Doe wants it"}]);
    let mut objects = company.objects();
    let connector = edited(&company.connector(), |o| {
        o["spec"]["protected"] = json!({"accounts": ["max.mustermann", "boss-?"]});
        o["spec"]["matching"] = json!({"listed": ["listed.person"]});
        o["metadata"]["annotations"] = json!({"rollcall.dev/paused": "until Doe is back"});
        o["status"]["expiredExceptions"] =
            json!([{"username": "former.doe", "reason": "Doe again", "until": "2020-01-01"}]);
        o["status"]["lastHandledReconcileAt"] = json!("as Doe asked");
    });
    objects
        .connectors
        .insert("directory".to_owned(), typed(&connector));
    let role = edited(&Company::role(), |o| {
        o["spec"]["description"] = json!("what Doe has");
    });
    objects.roles.insert("all".to_owned(), typed(&role));
    let person = edited(&company.person(0), |o| {
        o["spec"]["links"] =
            json!([{"connector": "directory", "account": "linked.doe", "not": ["wrong.doe"]}]);
        o["spec"]["legalHold"] = json!({"reason": "Doe against Roe"});
        o["spec"]["email"] = json!("own.doe@example.com");
        o["status"]["accounts"][0]["username"] = json!("own.doe");
        o["status"]["accounts"][0]["formerUsernames"] = json!(["maiden.doe"]);
    });
    objects.people.insert("p0".to_owned(), typed(&person));
    let mut state = State::new("people".to_owned(), objects, at(NOW));
    state.unfit = vec![super::super::state::UnfitObject {
        kind: "Employee".to_owned(),
        name: "p9".to_owned(),
        why: "Doe is no number".to_owned(),
    }];
    let open = serde_json::to_string(&state).unwrap().to_lowercase();
    let text = serde_json::to_string(&state.redacted()).unwrap();
    for name in [
        "doe",
        "mustermann",
        "boss-",
        "svc-",
        "audit",
        "mallory",
        "listed.person",
        "given0",
        "id-bob",
    ] {
        assert!(open.contains(name), "{name} is not in {open}");
        let lower = text.to_lowercase();
        assert!(!lower.contains(name), "{name} is in {text}");
    }
    let state = State::read(&text).unwrap();
    assert_eq!(
        state.app_connectors[0]
            .metadata
            .annotations
            .as_ref()
            .unwrap()["rollcall.dev/paused"],
        "true"
    );
}

#[test]
fn an_account_that_may_not_be_changed_is_left_with_a_redacted_file_as_well() {
    let mut before = following("Follow");
    let company = Company::new(json!({}), Vec::new());
    let connector = edited(&company.connector(), |o| {
        o["spec"]["protected"] = json!({"accounts": ["*0"]});
    });
    before
        .connectors
        .insert("directory".to_owned(), typed(&connector));
    let plans = plans(&before, |objects| {
        let gone = |o: &mut Value| o["spec"]["endDate"] = json!("2026-01-01");
        for n in 0..2 {
            let person = edited(&company.person(n), gone);
            objects.people.insert(format!("p{n}"), typed(&person));
        }
    });
    let [open, redacted] = plans.each_ref().map(changes);
    assert!(
        open.iter().any(|line| line.starts_with("p1 Disable")),
        "{open:?}"
    );
    assert!(
        !open.iter().any(|line| line.starts_with("p0 Disable")),
        "{open:?}"
    );
    assert_eq!(redacted, open);
}
