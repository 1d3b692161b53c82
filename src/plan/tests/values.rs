//! Which values of an attribute mean the same.

use crate::domain::account::AttributeValue::{Account, Bool, Integer, Text, Texts};
use crate::plan::attributes;

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
