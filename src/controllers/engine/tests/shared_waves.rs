//! One change that concerns several applications is one wave.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::remembered::{entry, settle};
use super::waves::{COMPANY, guarded, leaver};
use super::{Bench, account, employee, ordered_in};
use crate::controllers::watch::{Change, Seen};
use crate::domain::account::Activity;
use crate::domain::guard::Limits;
use crate::plan::guard::{Cause, Limit};

/// In each application less may be lost than there is, and in both together seven people may lose something.
const BOTH: [&str; 2] = ["directory", "chat"];

fn connector(name: &str) -> Value {
    let mut connector = guarded(&json!({"maxPercent": 100}), None);
    let port = if name == "chat" { 2 } else { 1 };
    connector["spec"]["scim"]["baseUrl"] = json!(format!("https://localhost:{port}/scim/v2"));
    connector
}

/// Everybody has an account, but for these.
fn all_but(name: &str, these: &[usize]) -> Value {
    let these: Vec<String> = these.iter().map(|n| format!("'{n}'")).collect();
    json!({
        "metadata": {},
        "spec": {
            "match": format!("!(employee.employeeId in [{}])", these.join(", ")),
            "grants": [{"connector": name}],
        },
    })
}

fn company() -> Bench {
    let mut bench = Bench::new();
    bench.secret("directory");
    for name in BOTH {
        bench.connector(name, &connector(name));
        bench.template(name, &all_but(name, &[]));
    }
    for n in 0..COMPANY {
        bench.employee(&format!("p{n}"), &employee(&n.to_string()));
    }
    bench.work();
    for name in BOTH {
        let accounts = (0..COMPANY)
            .map(|n| account(&bench, &n.to_string(), &n.to_string(), Activity::Active))
            .collect();
        bench.listed(name, accounts);
        bench.work();
    }
    bench.engine.world.limits = Limits {
        most: Some(7),
        percent: 100,
        always: 0,
    };
    bench
}

/// How many are held, and how many lose something, in each.
fn outcome(bench: &Bench) -> [(usize, usize); 2] {
    BOTH.map(|name| {
        let held = entry(bench, name).gate.held(Cause::Change).count();
        (held, under_way(bench, name))
    })
}

fn under_way(bench: &Bench, name: &str) -> usize {
    let people = (0..COMPANY).map(|n| format!("p{n}"));
    let writes = people.filter(|person| {
        ordered_in(bench, person, name).is_some_and(|operation| operation.is_write())
    });
    writes.count()
}

#[tokio::test]
async fn it_is_held_in_all_of_them_or_in_none() {
    let mut bench = company();
    bench.template("directory", &all_but("directory", &[0, 1, 2, 3, 4]));
    bench.template("chat", &all_but("chat", &[10, 11, 12, 13, 14]));
    bench.work();
    assert_eq!(outcome(&bench), [(5, 0), (5, 0)]);
    settle(&mut bench);
    assert_eq!(
        outcome(&bench),
        [(5, 0), (5, 0)],
        "each by itself would fit"
    );
    for name in BOTH {
        let excess = entry(&bench, name).gate.excess(Cause::Change).unwrap();
        assert_eq!(
            (excess.limit, excess.people, excess.allowed),
            (Limit::Overall, 10, 7)
        );
    }
    // Somebody who moves meanwhile does not wait.
    bench.template("directory", &all_but("directory", &[0, 1, 2, 3, 4, 20]));
    bench.work();
    assert_eq!(outcome(&bench), [(5, 1), (5, 0)]);
    // Taken back in the one, what is left in the other fits.
    bench.template("chat", &all_but("chat", &[]));
    bench.work();
    settle(&mut bench);
    assert_eq!(outcome(&bench), [(0, 6), (0, 0)]);
}

/// Five in each are held, which is too many together.
fn held_in_both() -> Bench {
    let mut bench = company();
    bench.template("directory", &all_but("directory", &[0, 1, 2, 3, 4]));
    bench.template("chat", &all_but("chat", &[10, 11, 12, 13, 14]));
    bench.work();
    assert_eq!(outcome(&bench), [(5, 0), (5, 0)]);
    bench
}

#[tokio::test]
async fn an_application_that_is_gone_or_only_read_keeps_no_other_waiting() {
    let mut bench = held_in_both();
    let gone = Seen::Gone(bench.key("chat"));
    bench.engine.change(Change::AppConnector(gone));
    bench.work();
    settle(&mut bench);
    // It is let through; as people may have something in the other one still, it waits for that as any removal does.
    assert_eq!(entry(&bench, "directory").gate.held_people(), 0);

    let mut bench = held_in_both();
    let mut read = connector("chat");
    read["spec"]["mode"] = json!("DryRun");
    bench.connector("chat", &read);
    bench.work();
    settle(&mut bench);
    assert_eq!(outcome(&bench), [(0, 5), (0, 0)]);
    // Written to again, the rest of it is too much still.
    bench.connector("chat", &connector("chat"));
    bench.work();
    settle(&mut bench);
    assert_eq!(outcome(&bench), [(0, 5), (5, 0)]);
}

/// A leaver who goes in between, whose room ends, does not take the time away at which it is asked again.
#[tokio::test]
async fn what_is_held_is_asked_again_once_it_is_settled() {
    let mut bench = held_in_both();
    bench.template("chat", &all_but("chat", &[]));
    bench.work();
    bench.employee("p20", &leaver(20));
    bench.work();
    let settled = bench.engine.ports.clock.now() + SignedDuration::from_mins(1);
    assert!(
        bench
            .engine
            .queue
            .next_due()
            .is_some_and(|due| due <= settled)
    );
    settle(&mut bench);
    assert_eq!(outcome(&bench)[0].0, 0);
}

/// The same people in both are not counted twice.
#[tokio::test]
async fn one_that_fits_goes_in_all() {
    let mut bench = company();
    for name in BOTH {
        bench.template(name, &all_but(name, &[0, 1, 2, 3, 4, 5, 6]));
    }
    bench.work();
    assert_eq!(outcome(&bench), [(0, 7), (0, 7)]);
}
