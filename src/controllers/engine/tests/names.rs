//! Who gets which user name rests on their ids, never on who came first.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::{Bench, connector, employee, everyone, ordered};
use crate::domain::account::{Activity, Attributes, ObservedAccount};
use crate::domain::ids::Username;
use crate::plan::Operation;
use crate::properties::runner;

/// What is applied, in some order: the policy, and people of whom most have a name in common.
const OBJECTS: [&str; 9] = [
    "secret",
    "connector",
    "template",
    "person-1",
    "person-2",
    "person-3",
    "person-4",
    "person-5",
    "person-6",
];

const PEOPLE: std::ops::RangeInclusive<usize> = 1..=6;

/// The user names that everyone is given where the objects come in this order, one by one or at once.
fn names(order: &[&str], one_by_one: bool) -> BTreeMap<String, String> {
    let mut bench = Bench::new();
    for object in order {
        match *object {
            "secret" => bench.secret("directory"),
            "template" => bench.template("everyone", &everyone()),
            "connector" => {
                let mut object = connector("directory");
                let name = "employee.name.given.lowerAscii()";
                object["spec"]["account"]["username"] = json!([name]);
                bench.connector("directory", &object);
            }
            person => {
                let id = person.strip_prefix("person-").unwrap();
                let mut object = employee(id);
                let given = if id == "4" { "Grace" } else { "Ada" };
                object["spec"]["name"]["given"] = given.into();
                bench.employee(person, &object);
            }
        }
        if one_by_one {
            bench.work();
        }
    }
    bench.work();
    // The second candidate is somebody else's there.
    let stranger = ObservedAccount {
        id: "x".into(),
        username: Username::new("ada2"),
        mark: None,
        activity: Activity::Active,
        attributes: Attributes::new(),
        unfinished: false,
    };
    bench.listed("directory", vec![stranger]);
    bench.work();
    PEOPLE
        .map(|n| format!("person-{n}"))
        .map(|person| match ordered(&bench, &person) {
            Some(Operation::Create(new)) => (person, new.username.to_string()),
            other => panic!("{person} is given {other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn the_order_of_arrival_gives_nobody_another_name() {
    let expected = names(&OBJECTS, false);
    let given: Vec<&str> = expected.values().map(String::as_str).collect();
    assert_eq!(given, ["ada", "ada3", "ada4", "grace", "ada5", "ada6"]);
    let orders = (Just(OBJECTS.to_vec()).prop_shuffle(), any::<bool>());
    runner(60)
        .run(&orders, |(order, one_by_one)| {
            prop_assert_eq!(&names(&order, one_by_one), &expected);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
