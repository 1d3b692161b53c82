//! What is told of people: whom deletions leave to nobody, everything that is given, and what is done anyway.

use std::sync::Arc;

use super::*;

/// A company where the role for all gives these, and where nothing is told of orphans.
struct Firm {
    company: Company,
    gives: Vec<String>,
}

impl Firm {
    fn new(gives: &[&str]) -> Self {
        Self {
            company: Company::new(json!({"policy": "Report"}), Vec::new()),
            gives: gives.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn objects(&self) -> Objects {
        let mut objects = self.company.objects();
        let role = json!({
            "apiVersion": "rollcall.dev/v1alpha1", "kind": "RoleTemplate",
            "metadata": {"name": "all", "generation": 1},
            "spec": {"match": "true", "grants": [{"connector": "directory", "entitlements": self.gives}]},
        });
        objects.roles.insert("all".to_owned(), typed(&role));
        objects
    }

    fn plan(&self, change: impl Fn(&mut Objects)) -> Preview {
        let mut manifests = self.objects();
        change(&mut manifests);
        self.plan_limited(&manifests, Limits::NONE)
    }

    fn plan_limited(&self, manifests: &Objects, limits: Limits) -> Preview {
        planned(self.objects(), manifests, limits)
    }
}

/// The plan of manifests that are all there is.
fn planned(before: Objects, manifests: &Objects, limits: Limits) -> Preview {
    let state = State::new("people".to_owned(), before, at(NOW));
    let settings = Settings {
        prune: true,
        limits,
        now: at(NOW),
    };
    preview(state, manifests, &settings)
}

fn lines(preview: &Preview) -> Vec<String> {
    let of = |person: &super::super::Person| {
        let name = person.employee.clone();
        let changes = person.changes.iter();
        let all = changes.map(move |c| {
            let already = if c.already { " (already)" } else { "" };
            format!("{name}: {}{already}; {}", c.said, c.why)
        });
        all.collect::<Vec<_>>()
    };
    preview.people.iter().flat_map(of).collect()
}

#[test]
fn whom_a_deletion_leaves_to_nobody_is_told() {
    let firm = Firm::new(&["staff"]);
    assert_eq!(firm.plan(|_| {}).verdict, Verdict::Nothing);
    let plan = firm.plan(|objects| {
        objects.people.remove("p1");
    });
    let said = "p1: leave the account 1 as it is, active, to nobody; the Employee is deleted";
    assert_eq!(lines(&plan), [said]);
    assert_eq!((plan.verdict, plan.totals.release), (Verdict::Changes, 1));
    assert!(text(&plan).contains("For 1 person: 1 to leave to nobody."));
    assert!(markdown(&plan).contains("| `~` | directory | leave the account 1 as it is"));
    // Under another name, it is the same person.
    let renamed = firm.plan(|objects| {
        let mut person = firm.company.person(1);
        person["metadata"]["name"] = json!("p1-new");
        person.as_object_mut().unwrap().remove("status");
        objects.people.remove("p1");
        objects.people.insert("p1-new".to_owned(), typed(&person));
    });
    assert_eq!(renamed.totals.release, 0, "{:?}", lines(&renamed));
    // Where the policy disables it, that is what is told.
    let plan = firm.plan(|objects| {
        let mut connector = firm.company.connector();
        connector["spec"]["deletion"] = json!({"policy": "Disable"});
        objects
            .connectors
            .insert("directory".to_owned(), typed(&connector));
        objects.people.remove("p1");
    });
    assert_eq!((plan.totals.disable, plan.totals.release), (1, 0));
}

#[test]
fn a_connector_that_is_deleted_leaves_everybodys_account() {
    let firm = Firm::new(&["staff"]);
    let plan = firm.plan(|objects| {
        objects.connectors.clear();
        objects.roles.clear();
    });
    assert_eq!((plan.verdict, plan.totals.release), (Verdict::Changes, 3));
    let said = "p0: leave the account 0 as it is, active, to nobody; the AppConnector is deleted";
    assert_eq!(lines(&plan)[0], said);
}

#[test]
fn everything_that_is_given_is_named() {
    let firm = Firm::new(&["staff"]);
    let more = ["staff", "a", "b", "c", "d", "e", "zz-admins"];
    let after = Firm::new(&more).objects();
    let plan = firm.plan(|objects| objects.roles.clone_from(&after.roles));
    assert_eq!(plan.people.len(), 3);
    for told in [text(&plan), markdown(&plan).replace('\\', "")] {
        assert!(told.contains("add a, b, c, d, e, zz-admins"), "{told}");
    }
}

/// `vip` is given in the cluster, and nobody has it yet.
#[test]
fn what_is_done_anyway_is_nothing_new() {
    let firm = Firm::new(&["staff", "vip"]);
    let plan = firm.plan(|_| {});
    assert_eq!(plan.verdict, Verdict::Nothing, "{:?}", lines(&plan));
    assert_eq!(plan.totals.people, 0);
    assert!(
        plan.people
            .iter()
            .all(|p| p.changes.iter().all(|c| c.already))
    );
    let told = "For 3 more people what is done is done without the manifests as well.";
    assert!(text(&plan).contains(told) && markdown(&plan).contains("For 3 more people"));
    // One of them is to have more as well.
    let plan = firm.plan(|objects| {
        let role = json!({
            "apiVersion": "rollcall.dev/v1alpha1", "kind": "RoleTemplate",
            "metadata": {"name": "one", "generation": 1},
            "spec": {
                "match": "employee.employeeId == '1'",
                "grants": [{"connector": "directory", "entitlements": ["wine"]}],
            },
        });
        objects.roles.insert("one".to_owned(), typed(&role));
    });
    let said = text(&plan);
    assert_eq!((plan.verdict, plan.totals.people), (Verdict::Changes, 1));
    assert!(
        said.contains("add vip, wine") && said.contains("For 2 more people"),
        "{said}"
    );
}

/// All three would lose `vip` at once, and one may.
#[test]
fn what_is_held_anyway_is_nothing_new() {
    let limits = Limits {
        most: Some(1),
        percent: 100,
        always: 0,
    };
    let mut firm = Firm::new(&["staff"]);
    firm.company.rogue = Vec::new();
    let before = firm.objects();
    let mut held = before.clone();
    for person in held.people.values_mut() {
        let mut ended = Arc::unwrap_or_clone(Arc::clone(person));
        ended.spec.employment = crate::api::employee::Employment::Suspended;
        *person = Arc::new(ended);
    }
    let plan = firm.plan_limited(&held, limits);
    assert_eq!((plan.verdict, plan.totals.held), (Verdict::Held, 3));
    assert!(!plan.connectors[0].already);
    let said = &plan.connectors[0].held.said;
    assert!(
        said.contains(", and up to 1 of these may lose it before"),
        "{said}"
    );

    // The same is in the cluster, and another pull request has nothing to do with it.
    let plan = planned(held.clone(), &held, limits);
    assert_eq!(plan.totals.held, 0);
    assert!(
        plan.people
            .iter()
            .all(|p| p.changes.iter().all(|c| c.already))
    );
    assert!(plan.connectors[0].already && plan.verdict == Verdict::Nothing);
}

/// Everybody has an account in both applications; and each loses one to somebody else.
#[test]
fn what_several_applications_lose_together_is_held_in_all() {
    let role = |name: &str, rule: &str| {
        json!({
            "apiVersion": "rollcall.dev/v1alpha1", "kind": "RoleTemplate",
            "metadata": {"name": name, "generation": 1},
            "spec": {"match": rule, "grants": [{"connector": name, "entitlements": ["staff"]}]},
        })
    };
    let firm = Firm::new(&["staff"]);
    let mut before = firm.objects();
    let mut chat = firm.company.connector();
    chat["metadata"]["name"] = json!("chat");
    chat["spec"]["scim"]["baseUrl"] = json!("https://chat.example.com/scim/v2");
    chat["status"]["target"] = json!("scim https://chat.example.com/scim/v2");
    before.connectors.insert("chat".to_owned(), typed(&chat));
    before.roles.clear();
    for n in 0..3 {
        let mut person = firm.company.person(n);
        let status = &mut person["status"];
        status["roles"] =
            json!([{"name": "chat", "why": "Match"}, {"name": "directory", "why": "Match"}]);
        let mut other = status["accounts"][0].clone();
        for (account, name) in [
            (&mut status["accounts"][0], "directory"),
            (&mut other, "chat"),
        ] {
            account["connector"] = json!(name);
            account["roles"] = json!([name]);
            account["entitlements"][0]["roles"] = json!([name]);
        }
        status["accounts"].as_array_mut().unwrap().insert(0, other);
        before.people.insert(format!("p{n}"), typed(&person));
    }
    for name in ["chat", "directory"] {
        before
            .roles
            .insert(name.to_owned(), typed(&role(name, "true")));
    }
    let plan = |rules: [&str; 2]| {
        let mut manifests = before.clone();
        for (name, rule) in ["chat", "directory"].into_iter().zip(rules) {
            manifests
                .roles
                .insert(name.to_owned(), typed(&role(name, rule)));
        }
        let limits = Limits {
            most: Some(1),
            percent: 100,
            always: 0,
        };
        planned(before.clone(), &manifests, limits)
    };
    assert_eq!(plan(["true", "true"]).verdict, Verdict::Nothing);
    let (zero, two) = ("employee.employeeId != '0'", "employee.employeeId != '2'");
    let one = plan([zero, zero]);
    assert_eq!((one.verdict, one.totals.held), (Verdict::Changes, 0));
    let both = plan([zero, two]);
    assert_eq!((both.verdict, both.totals.held), (Verdict::Held, 2));
    let names: Vec<&str> = both.connectors.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["chat", "directory"]);
}
