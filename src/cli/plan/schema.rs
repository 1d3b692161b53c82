//! What the schemas of the CRDs say of a manifest. The API server would say it as well, and refuse the object; a plan
//! that dropped such a field without a word would tell of something else than what is merged.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};

use crate::api::crds;

/// What any object may have in its metadata, also what only the API server writes.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Those of them that hold texts by name.
const TEXTS: [&str; 2] = ["annotations", "labels"];

/// The schemas of our kinds.
#[derive(Debug)]
pub(super) struct Schemas(BTreeMap<String, JSONSchemaProps>);

impl Schemas {
    /// Those of this version.
    pub(super) fn new() -> Self {
        let each = crds::all().into_iter().filter_map(|crd| {
            let version = crd.spec.versions.into_iter().next()?;
            let mut schema = version.schema?.open_api_v3_schema?;
            let properties = schema.properties.get_or_insert_default();
            for field in ["apiVersion", "kind"] {
                properties.insert(field.to_owned(), of_type("string"));
            }
            properties.insert("metadata".to_owned(), metadata());
            Some((crd.spec.names.kind, schema))
        });
        Self(each.collect())
    }

    /// The kinds that there are.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All that is wrong with an object. What is `null` in it is taken out, as the API server does.
    pub(super) fn faults(&self, kind: &str, object: &mut Value) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(schema) = self.0.get(kind) {
            without_nulls(object);
            look(schema, object, "", &mut faults);
        }
        faults
    }
}

fn of_type(type_: &str) -> JSONSchemaProps {
    JSONSchemaProps {
        type_: Some(type_.to_owned()),
        ..JSONSchemaProps::default()
    }
}

fn metadata() -> JSONSchemaProps {
    let texts = JSONSchemaProps {
        additional_properties: Some(JSONSchemaPropsOrBool::Schema(Box::new(of_type("string")))),
        ..of_type("object")
    };
    let fields = METADATA.into_iter().map(|field| {
        let schema = match field {
            _ if TEXTS.contains(&field) => texts.clone(),
            "name" | "namespace" => of_type("string"),
            _ => JSONSchemaProps::default(),
        };
        (field.to_owned(), schema)
    });
    JSONSchemaProps {
        properties: Some(fields.collect()),
        ..of_type("object")
    }
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

fn look(schema: &JSONSchemaProps, value: &Value, at: &str, faults: &mut Vec<String>) {
    if let Some(wanted) = schema.type_.as_deref()
        && !is_of(wanted, value)
    {
        let quotes = wanted == "string" && (value.is_number() || value.is_boolean());
        let then = if quotes { ": put it into quotes" } else { "" };
        faults.push(format!(
            "{} must be {}, and is {}{then}",
            named(at),
            called(wanted),
            called(type_of(value))
        ));
        return;
    }
    if let Some(allowed) = &schema.enum_
        && !allowed.iter().any(|JSON(one)| one == value)
    {
        let words = allowed.iter().map(|JSON(one)| word(one));
        let words: Vec<String> = words.collect();
        faults.push(format!("{at} must be one of {}", words.join(", ")));
        return;
    }
    match value {
        Value::Object(fields) => {
            bounded(
                at,
                fields.len(),
                ("entry", "entries"),
                bounds_of_map(schema),
                faults,
            );
            look_at_fields(schema, fields, at, faults);
        }
        Value::Array(items) => {
            let bounds = (schema.min_items, schema.max_items);
            bounded(at, items.len(), ("entry", "entries"), bounds, faults);
            if let Some(JSONSchemaPropsOrArray::Schema(of_item)) = &schema.items {
                for (n, item) in items.iter().enumerate() {
                    look(of_item, item, &format!("{at}[{n}]"), faults);
                }
            }
            look_for_twins(schema, items, at, faults);
        }
        Value::String(text) => {
            let bounds = (schema.min_length, schema.max_length);
            let characters = text.chars().count();
            bounded(at, characters, ("character", "characters"), bounds, faults);
        }
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            if let Some(least) = schema.minimum.filter(|least| number < *least) {
                faults.push(format!("{at} must be {least} at least"));
            }
            if let Some(most) = schema.maximum.filter(|most| number > *most) {
                faults.push(format!("{at} must be {most} at most"));
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn bounds_of_map(schema: &JSONSchemaProps) -> (Option<i64>, Option<i64>) {
    (schema.min_properties, schema.max_properties)
}

fn bounded(
    at: &str,
    size: usize,
    (one, many): (&str, &str),
    (least, most): (Option<i64>, Option<i64>),
    faults: &mut Vec<String>,
) {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let what = |n: i64| if n == 1 { one } else { many };
    if let Some(least) = least.filter(|least| size < *least) {
        let what = what(least);
        faults.push(format!("{at} must have {least} {what} at least"));
    }
    if let Some(most) = most.filter(|most| size > *most) {
        let what = what(most);
        faults.push(format!(
            "{at} must have {most} {what} at most, and has {size}"
        ));
    }
}

fn look_at_fields(
    schema: &JSONSchemaProps,
    fields: &Map<String, Value>,
    at: &str,
    faults: &mut Vec<String>,
) {
    let below = |field: &str| match at {
        "" => field.to_owned(),
        at => format!("{at}.{field}"),
    };
    // What the operator says of an object is replaced by what the cluster has of it.
    let looked_at = fields.iter();
    let looked_at = looked_at.filter(|(field, _)| !at.is_empty() || *field != "status");
    for (field, value) in looked_at {
        let known = schema.properties.as_ref().and_then(|all| all.get(field));
        match (known, &schema.additional_properties) {
            (Some(known), _) => look(known, value, &below(field), faults),
            (None, Some(JSONSchemaPropsOrBool::Schema(of_value))) => {
                look(of_value, value, &format!("{at}[{field}]"), faults);
            }
            (None, _) if schema.properties.is_none() => {}
            (None, _) => faults.push(format!("there is no field {}", below(field))),
        }
    }
    let required = schema.required.iter().flatten();
    let missing = required.filter(|field| !fields.contains_key(*field));
    faults.extend(missing.map(|field| format!("{} is missing", below(field))));
}

/// Lists in which nothing may be twice: as it is, or by what is its name.
fn look_for_twins(schema: &JSONSchemaProps, items: &[Value], at: &str, faults: &mut Vec<String>) {
    let keys: &[String] = schema.x_kubernetes_list_map_keys.as_deref().unwrap_or(&[]);
    let of_item = |item: &Value| match schema.x_kubernetes_list_type.as_deref() {
        Some("set") => Some(word(item)),
        Some("map") => {
            let keys = keys.iter().map(|key| word(&item[key.as_str()]));
            Some(keys.collect::<Vec<_>>().join(" "))
        }
        _ => None,
    };
    let mut seen = BTreeSet::new();
    for name in items.iter().filter_map(of_item) {
        if !seen.insert(name.clone()) {
            faults.push(format!("{at} has {name} twice"));
        }
    }
}

fn is_of(wanted: &str, value: &Value) -> bool {
    let is = type_of(value);
    is == wanted || (wanted == "number" && is == "integer")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn called(type_: &str) -> &str {
    match type_ {
        "null" => "null",
        "boolean" => "a boolean",
        "number" => "a number",
        "integer" => "a whole number",
        "string" => "a text",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

fn named(at: &str) -> &str {
    if at.is_empty() { "it" } else { at }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
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
}
