//! What a plan tells of accounts that are nobody's, and of memberships that no role gives.

mod changes;
mod duties;
mod redacted;
mod refused;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::state::State;
use super::{Objects, Preview, Settings, Verdict, When, markdown, preview, text};
use crate::domain::fixtures::at;
use crate::domain::guard::Limits;

const NOW: &str = "2026-06-15T12:00:00Z";
const LONG_AGO: &str = "2026-01-01T00:00:00Z";
const YESTERDAY: &str = "2026-06-14T12:00:00Z";
/// A week after it.
const IN_SIX_DAYS: &str = "2026-06-21T12:00:00Z";
const IN_A_WEEK: &str = "2026-06-22T12:00:00Z";

fn typed<K: DeserializeOwned>(object: &Value) -> Arc<K> {
    Arc::new(serde_json::from_value(object.clone()).unwrap())
}

/// An orphan as a status tells it, with what is told beside.
fn orphan(name: &str, of: Option<&str>, since: &str, more: Value) -> Value {
    let kind = if of.is_some() {
        "Released"
    } else {
        "Undeclared"
    };
    let mut out = json!({
        "accountId": format!("id-{name}"), "username": name, "kind": kind, "active": true, "since": since,
    });
    merge(
        &mut out,
        of.map_or(json!({}), |of| json!({"employeeId": of})),
    );
    merge(&mut out, more);
    out
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else {
        panic!("{more} is no object");
    };
    for (key, value) in more {
        into[key.as_str()] = value;
    }
}

/// A company with three people, and what there is of orphans in its one application.
struct Company {
    orphans: Value,
    told: Vec<Value>,
    total: Option<usize>,
    spared: Vec<Value>,
    tells_spared: bool,
    rogue: Vec<&'static str>,
    redacted: bool,
}

impl Company {
    fn new(orphans: Value, told: Vec<Value>) -> Self {
        Self {
            orphans,
            told,
            total: None,
            spared: Vec::new(),
            tells_spared: true,
            rogue: Vec::new(),
            redacted: false,
        }
    }

    fn connector(&self) -> Value {
        json!({
            "apiVersion": "rollcall.dev/v1alpha1", "kind": "AppConnector",
            "metadata": {"name": "directory", "generation": 1},
            "spec": {
                "scim": {
                    "baseUrl": "https://directory.example.com/scim/v2",
                    "auth": {"bearer": {"secretKeyRef": {"name": "directory", "key": "token"}}},
                },
                "account": {"username": ["employee.employeeId"]},
                "orphans": self.orphans,
            },
            "status": {
                "observedGeneration": 1,
                "target": "scim https://directory.example.com/scim/v2",
                "accounts": 3,
                "orphans": self.total.unwrap_or(self.told.len()),
                "orphanedAccounts": self.told,
                "spared": self.tells_spared.then_some(self.spared.len()), "sparedAccounts": self.spared,
                "capabilities": ["Delete", "Disable", "Entitlements", "Filter", "Mark", "Patch", "Rename"],
                "inventory": {"completeness": "Complete", "accounts": 3, "entitlements": 1},
                "entitlements": [{"name": "staff", "id": "g1"}, {"name": "vip", "id": "g2"}],
            },
        })
    }

    fn person(&self, n: usize) -> Value {
        let rogue = self.rogue.iter().filter(|_| n == 0).map(|name| {
            json!({"connector": "directory", "kind": "Entitlement", "name": name, "since": LONG_AGO})
        });
        json!({
            "apiVersion": "rollcall.dev/v1alpha1", "kind": "Employee",
            "metadata": {"name": format!("p{n}"), "generation": 1},
            "spec": {
                "employeeId": n.to_string(), "name": {"given": format!("Given{n}")},
                "department": "Sales", "jobTitle": "Clerk", "startDate": "2020-01-01",
            },
            "status": {
                "observedGeneration": 1, "stage": "Active", "roles": [{"name": "all", "why": "Match"}],
                "orphanedCredentials": rogue.collect::<Vec<_>>(),
                "accounts": [{
                    "connector": "directory", "accountId": format!("a{n}"), "username": n.to_string(),
                    "state": "Active", "roles": ["all"], "lastVerified": YESTERDAY,
                    "entitlements": [{"name": "staff", "state": "Held", "roles": ["all"], "since": LONG_AGO}],
                }],
            },
        })
    }

    fn role() -> Value {
        json!({
            "apiVersion": "rollcall.dev/v1alpha1", "kind": "RoleTemplate",
            "metadata": {"name": "all", "generation": 1},
            "spec": {"match": "true", "grants": [{"connector": "directory", "entitlements": ["staff"]}]},
        })
    }

    fn objects(&self) -> Objects {
        let mut out = Objects::default();
        for n in 0..3 {
            out.people.insert(format!("p{n}"), typed(&self.person(n)));
        }
        out.roles.insert("all".to_owned(), typed(&Self::role()));
        let connector = typed(&self.connector());
        out.connectors.insert("directory".to_owned(), connector);
        out
    }

    /// The plan where the connector is written so, and everything else as the change says.
    fn plan(&self, spec: Value, change: impl Fn(&mut Objects)) -> Preview {
        let mut manifests = self.objects();
        let mut connector = self.connector();
        merge(&mut connector["spec"], spec);
        let connector = typed(&connector);
        manifests
            .connectors
            .insert("directory".to_owned(), connector);
        change(&mut manifests);
        let mut state = State::new("people".to_owned(), self.objects(), at(NOW));
        if self.redacted {
            let text = serde_json::to_string(&state.redacted()).unwrap();
            state = State::read(&text).unwrap();
        }
        let settings = Settings {
            prune: true,
            limits: Limits::NONE,
            now: at(NOW),
        };
        preview(state, &manifests, &settings)
    }

    fn with_orphans(&self, orphans: Value) -> Preview {
        let spec = Value::Object([("orphans".to_owned(), orphans)].into_iter().collect());
        self.plan(spec, |_| {})
    }
}

/// What is told of each account, in short.
fn told(preview: &Preview) -> Vec<String> {
    let one = |orphan: &super::Orphan| {
        let changes = orphan.changes.iter().map(|change| {
            let when = match change.when {
                When::Now => "now".to_owned(),
                When::At(at) => at.to_string(),
                When::Held => "approved".to_owned(),
                When::Never => "never".to_owned(),
            };
            let held = if change.held { " held" } else { "" };
            let already = if change.already { " already" } else { "" };
            format!("{} {when}{held}{already}", change.verb)
        });
        let changes: Vec<String> = changes.collect();
        format!("{}: {}", orphan.username, changes.join(", "))
    };
    preview.orphans.iter().map(one).collect()
}

fn three() -> Vec<Value> {
    vec![
        orphan("ada", Some("70"), LONG_AGO, json!({})),
        orphan("bob", Some("71"), YESTERDAY, json!({})),
        orphan("mallory", None, LONG_AGO, json!({})),
    ]
}

#[test]
fn another_policy_tells_what_becomes_of_whom_and_when() {
    let company = Company::new(json!({"policy": "Report"}), three());
    let same = company.with_orphans(json!({"policy": "Report"}));
    assert_eq!((same.verdict, told(&same).len()), (Verdict::Nothing, 0));

    let disable = company.with_orphans(json!({"policy": "Disable"}));
    assert_eq!(disable.verdict, Verdict::Changes);
    let bob = format!("bob: Disable {IN_SIX_DAYS}");
    assert_eq!(told(&disable), ["ada: Disable now", bob.as_str()]);
    assert_eq!(disable.totals.disable_orphans, 2);
    let page = text(&disable);
    for part in [
        "  - ada (of employeeId 70): disable the account; the Employee is gone",
        "\nOf accounts that are nobody's: 2 to disable.",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(disable.people.is_empty(), "{:?}", disable.people);

    let all = company.with_orphans(json!({"policy": "Disable", "which": "All"}));
    let both = ["ada: Disable now", bob.as_str(), "mallory: Disable now"];
    assert_eq!(told(&all), both);

    let delete = company.with_orphans(json!({"policy": "Delete", "after": "2d", "retain": "10d"}));
    assert_eq!(
        told(&delete),
        [
            "ada: Disable now, Delete 2026-06-25T12:00:00Z",
            "bob: Disable 2026-06-16T12:00:00Z, Delete 2026-06-26T12:00:00Z",
        ]
    );
    assert_eq!(delete.totals.delete_orphans, 2);

    let dry = json!({"mode": "DryRun", "orphans": {"policy": "Disable"}});
    let dry = company.plan(dry, |_| {});
    assert_eq!(told(&dry), ["ada: Disable never", "bob: Disable never"]);
    assert_eq!(dry.verdict, Verdict::Nothing);
}

#[test]
fn what_is_done_without_the_manifests_is_nothing_new() {
    let waits = json!({"state": "Waiting", "reason": "OrphanGrace", "dueAt": IN_SIX_DAYS});
    let bob = orphan("bob", Some("71"), YESTERDAY, waits);
    let company = Company::new(json!({"policy": "Disable"}), vec![bob]);
    let same = company.with_orphans(json!({"policy": "Disable"}));
    let line = format!("bob: Disable {IN_SIX_DAYS} already");
    assert_eq!((same.verdict, told(&same)), (Verdict::Nothing, vec![line]));
    let page = text(&same);
    let said = "1 account is dealt with without the manifests as well";
    assert!(page.contains(said) && !page.contains("bob"), "{page}");

    // Another time, or another end, is something new.
    let sooner = company.with_orphans(json!({"policy": "Disable", "after": "2d"}));
    assert_eq!(told(&sooner), ["bob: Disable 2026-06-16T12:00:00Z"]);
    let delete = company.with_orphans(json!({"policy": "Delete", "retain": "1d"}));
    assert_eq!(
        told(&delete),
        [format!(
            "bob: Disable {IN_SIX_DAYS} already, Delete 2026-06-22T12:00:00Z"
        )]
    );
    assert_eq!(delete.verdict, Verdict::Changes);
    assert_eq!(
        (delete.totals.disable_orphans, delete.totals.delete_orphans),
        (0, 1)
    );
}

#[test]
fn more_than_the_guard_lets_through_is_held_now_and_later() {
    let many = |since: &str| {
        let one = |n: usize| {
            orphan(
                &format!("o{n:02}"),
                Some(&format!("7{n}")),
                since,
                json!({}),
            )
        };
        (0..12).map(one).collect::<Vec<_>>()
    };
    for (since, when) in [(LONG_AGO, "now"), (YESTERDAY, IN_SIX_DAYS)] {
        let company = Company::new(json!({"policy": "Report"}), many(since));
        let plan = company.with_orphans(json!({"policy": "Delete"}));
        assert_eq!(plan.verdict, Verdict::Held, "{since}");
        let lines = told(&plan);
        assert_eq!(lines.len(), 12);
        assert_eq!(lines[3], format!("o03: Disable {when} held"));
        let held = &plan.connectors;
        assert_eq!((held.len(), held[0].already), (1, false));
        assert_eq!((held[0].held.people, held[0].held.allowed), (12, 10));
        assert_eq!(plan.totals.held_orphans, 12);
        let page = markdown(&plan);
        for part in [
            "> - Held in directory: 12 ",
            "| o03 (of employeeId 73) | `!` |",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
    // Fewer go.
    let company = Company::new(json!({"policy": "Report"}), many(LONG_AGO));
    let spared =
        json!({"policy": "Disable", "exceptions": [{"username": "o0?", "reason": "known"}]});
    let plan = company.with_orphans(spared);
    assert_eq!(told(&plan), ["o10: Disable now", "o11: Disable now"]);
    assert_eq!(plan.verdict, Verdict::Changes);
}

fn svc() -> Company {
    let mut company = Company::new(
        json!({"policy": "Disable", "ignore": ["svc-*"], "exceptions": [{"username": "audit-?", "reason": "audit"}]}),
        Vec::new(),
    );
    for (name, kind) in [("svc-backup", "Undeclared"), ("audit-1", "Released")] {
        let mut spared = json!({"accountId": name, "username": name, "kind": kind, "active": true});
        if kind == "Released" {
            spared["employeeId"] = json!("80");
        }
        company.spared.push(spared);
    }
    company
}

#[test]
fn an_exception_less_tells_whom_it_covered() {
    let mut company = svc();
    let kept = company.with_orphans(company.orphans.clone());
    assert_eq!((kept.verdict, told(&kept).len()), (Verdict::Nothing, 0));
    let without = json!({"policy": "Disable", "ignore": ["svc-*"]});
    let plan = company.with_orphans(without.clone());
    assert_eq!(told(&plan), [format!("audit-1: Disable {IN_A_WEEK}")]);
    assert_eq!((plan.verdict, plan.notes.len()), (Verdict::Changes, 0));
    let all = company.with_orphans(json!({"policy": "Disable", "which": "All", "after": "1s"}));
    let both =
        ["audit-1", "svc-backup"].map(|name| format!("{name}: Disable 2026-06-15T12:00:01Z"));
    assert_eq!(told(&all), both);

    // The names are redacted so that the patterns of before say of them what they said.
    company.redacted = true;
    let plan = company.with_orphans(without);
    assert_eq!(plan.orphans.len(), 1);
    assert_eq!(plan.orphans[0].employee_id.as_deref(), Some("80"));
    let new = json!({"policy": "Disable", "ignore": ["svc-*", "test-*"]});
    let notes = company.with_orphans(new).notes;
    let said = "whether test-* covers accounts of directory that nobody declared can't be told";
    assert!(notes.iter().any(|note| note.starts_with(said)), "{notes:?}");
}

#[test]
fn what_statuses_do_not_tell_is_said() {
    let mut company = svc();
    company.told = three();
    company.told[0]
        .as_object_mut()
        .unwrap()
        .remove("employeeId");
    company.total = Some(240);
    company.spared.clear();
    company.tells_spared = false;
    let notes = |plan: Preview| plan.notes.join("\n");
    let plan = notes(company.with_orphans(json!({"policy": "Disable"})));
    for part in [
        "nobody declared 240 accounts of directory, and its status names 3 of them",
        "does not tell yet whose 1 of the accounts were",
        "which accounts of directory were left in peace by audit-?, svc-* is not known",
    ] {
        assert!(plan.contains(part), "{part} is not in {plan}");
    }
    let report = notes(company.with_orphans(json!({"policy": "Report"})));
    assert_eq!(report, "", "nothing is done, and nothing has to be known");
}

#[test]
fn who_is_deleted_leaves_an_orphan_and_who_comes_back_takes_one() {
    let company = Company::new(json!({"policy": "Disable"}), three());
    let orphans = json!({"orphans": {"policy": "Disable", "exceptions": [{"username": "bob", "reason": "x"}]}});
    let plan = company.plan(orphans.clone(), |objects| {
        objects.people.remove("p1");
    });
    let lines = [
        format!("1: Disable {IN_A_WEEK}"),
        "ada: Disable now".to_owned(),
    ];
    assert_eq!(told(&plan), lines);
    assert_eq!(plan.orphans[0].employee_id.as_deref(), Some("1"));

    let plan = company.plan(orphans, |objects| {
        let mut ada = company.person(0);
        ada["metadata"]["name"] = json!("ada");
        ada["spec"]["employeeId"] = json!("70");
        ada.as_object_mut().unwrap().remove("status");
        objects.people.insert("ada".to_owned(), typed(&ada));
    });
    assert!(plan.orphans.is_empty(), "{:?}", told(&plan));
    let verbs = plan.people[0].changes.iter().map(|change| &change.verb);
    assert!(!verbs.clone().any(|verb| verb == "Create"), "{verbs:?}");
    let note = "ada in directory, which was nobody's, is of the Employee ada";
    assert!(
        plan.notes.iter().any(|n| n.starts_with(note)),
        "{:?}",
        plan.notes
    );
}

#[test]
fn one_that_may_be_somebodys_is_left_alone() {
    let stranger = orphan("p1@example.com", None, LONG_AGO, json!({}));
    let company = Company::new(json!({"policy": "Report"}), vec![stranger]);
    let spec = json!({
        "orphans": {"policy": "Disable", "which": "All"},
        "matching": {"rules": [{
            "attribute": "username", "equals": "employee.employeeId == '1' ? 'p1@example.com' : ''",
        }]},
    });
    let plan = company.plan(json!({"orphans": spec["orphans"]}), |_| {});
    assert_eq!(told(&plan), ["p1@example.com: Disable now"]);
    let plan = company.plan(spec, |_| {});
    assert!(plan.orphans.is_empty(), "{:?}", told(&plan));
    let note = "accounts of directory that are nobody's and stay as they are: 1; an Employee may be its owner";
    assert!(plan.notes[0].starts_with(note), "{:?}", plan.notes);
}

#[test]
fn a_redacted_file_says_the_same_and_names_nobody() {
    let mut company = Company::new(json!({"policy": "Report"}), three());
    let open = company.with_orphans(json!({"policy": "Delete", "which": "All"}));
    company.redacted = true;
    let redacted = company.with_orphans(json!({"policy": "Delete", "which": "All"}));
    let shape = |plan: &Preview| {
        let each = plan.orphans.iter();
        let mut each: Vec<_> = each
            .map(|o| (o.employee_id.clone(), o.changes.clone()))
            .collect();
        each.sort_by_key(|(of, _)| of.clone());
        each
    };
    assert_eq!(shape(&redacted), shape(&open));
    assert_eq!(
        (redacted.verdict, open.verdict),
        (Verdict::Changes, Verdict::Changes)
    );
    let page = text(&redacted) + &markdown(&redacted);
    for name in ["ada", "bob", "mallory"] {
        assert!(!page.contains(name), "{name} is in {page}");
    }
}

#[test]
fn a_membership_that_roles_alone_give_from_now_on_is_told() {
    let mut company = Company::new(json!({}), Vec::new());
    company.rogue = vec!["vip", "wine"];
    for redacted in [false, true] {
        company.redacted = redacted;
        let plan = company.plan(json!({"entitlements": {"authoritative": ["vip"]}}), |_| {});
        let people = &plan.people;
        assert_eq!((people.len(), people[0].employee.as_str()), (1, "p0"));
        let changes = people[0].changes.iter();
        let changes: Vec<_> = changes
            .map(|c| (c.verb.as_str(), c.names.clone(), c.when))
            .collect();
        assert_eq!(
            changes,
            [("RemoveEntitlements", vec!["vip".to_owned()], When::Now)]
        );
        let same = company.plan(json!({}), |_| {});
        assert_eq!(same.verdict, Verdict::Nothing, "{:?}", same.people);
    }
}
