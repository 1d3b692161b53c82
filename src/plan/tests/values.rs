//! Which values of an attribute mean the same, and what is told of one that a target does not take over.

use super::accounts::settled;
use crate::domain::account::AttributeValue::{Account, Bool, Integer, Text, Texts};
use crate::domain::problem::NOT_APPLIED;
use crate::plan::{Normalised, attributes};

#[test]
fn values_that_mean_the_same_are_the_same() {
    let text = |t: &str| Text(t.to_owned());
    let texts = |t: &[&str]| Texts(t.iter().map(|&t| t.to_owned()).collect());
    for (a, b, expected) in [
        (text("x"), text("x"), true),
        (text("x"), text("X"), false),
        (text("Ada@Example.com"), text("ada@example.com"), true),
        (texts(&["a", "b"]), texts(&["b", "a"]), true),
        (texts(&["a", "b"]), texts(&["a"]), false),
        (texts(&["a"]), text("a"), true),
        (Bool(true), text("True"), true),
        (Bool(true), text("no"), false),
        (Integer(7), text("7"), true),
        (Integer(7), Bool(true), false),
        (Account("a".into()), Account("a".into()), true),
        (Account("a".into()), text("a"), false),
    ] {
        assert_eq!(attributes::same(&a, &b), expected, "{a:?} {b:?}");
        assert_eq!(attributes::same(&b, &a), expected, "{b:?} {a:?}");
    }
}

/// It is not written for ever, and it is told.
#[test]
fn an_attribute_that_the_target_does_not_apply_is_told() {
    let mut town = settled();
    let id = town.account("dir", "1").unwrap().id.clone();
    town.target("dir").scribble(&id);
    let mut look = town.look("1");
    let text = |t: &str| Text(t.to_owned());
    let note = Normalised {
        written: text("Manager"),
        shows: Some(text("Emperor")),
        unchanged: true,
    };
    look.observations.get_mut("dir").unwrap().normalised = [("title".into(), note)].into();
    let record = town.record("1");
    let plan = town.plan_with(&"1".into(), &look.desired, record, &look.observations);
    let account = &plan.accounts["dir"];
    assert_eq!(account.steps, []);
    let [problem] = account.problems.as_slice() else {
        panic!("{:?}", account.problems);
    };
    assert_eq!(problem.reason, NOT_APPLIED);
    assert!(problem.message.contains("title"), "{}", problem.message);
}
