use serde_json::json;

use crate::connectors::sql::value::{Param, Row, attribute, text, truth};
use crate::domain::account::AttributeValue;

fn row() -> Row {
    let row = json!({
        "text": "a", "number": 7, "half": 0.5, "yes": true, "null": null, "list": ["a", 1, null],
        "zero": 0, "f": "f", "on": "ON", "odd": "maybe", "object": {"a": 1},
    });
    row.as_object().unwrap().clone()
}

#[test]
fn columns_of_every_type_are_read() {
    let row = row();
    assert_eq!(text(&row, "text").as_deref(), Some("a"));
    assert_eq!(text(&row, "number").as_deref(), Some("7"));
    assert_eq!((text(&row, "null"), text(&row, "none")), (None, None));
    for (column, value) in [
        ("yes", Some(true)),
        ("zero", Some(false)),
        ("number", Some(true)),
        ("f", Some(false)),
        ("on", Some(true)),
        ("odd", None),
        ("null", None),
        ("list", None),
        ("none", None),
    ] {
        assert_eq!(truth(&row, column), value, "{column}");
    }
    for (column, value) in [
        ("text", Some(AttributeValue::Text("a".to_owned()))),
        ("number", Some(AttributeValue::Integer(7))),
        ("half", Some(AttributeValue::Text("0.5".to_owned()))),
        ("yes", Some(AttributeValue::Bool(true))),
        (
            "list",
            Some(AttributeValue::Texts(vec!["a".to_owned(), "1".to_owned()])),
        ),
        ("object", Some(AttributeValue::Text("{\"a\":1}".to_owned()))),
        ("null", None),
    ] {
        assert_eq!(attribute(&row, column), value, "{column}");
    }
}

#[test]
fn an_empty_value_is_null() {
    let texts =
        |list: &[&str]| AttributeValue::Texts(list.iter().map(|t| (*t).to_owned()).collect());
    assert_eq!(
        Param::from(&AttributeValue::Text(String::new())),
        Param::Null
    );
    assert_eq!(Param::from(&texts(&[])), Param::Null);
    assert_eq!(
        Param::from(&texts(&["a"])),
        Param::Texts(vec!["a".to_owned()])
    );
    assert_eq!(
        Param::from(&AttributeValue::Bool(false)),
        Param::Truth(false)
    );
}
