//! What the schemas of the CRDs say of a manifest. The API server would say it as well, and refuse the object; a plan
//! that dropped such a field without a word would tell of something else than what is merged.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};
use serde_json::{Map, Value};

use super::rules::Rules;
use crate::api::{OBJECT_NAME, OBJECT_NAME_MESSAGE, crds};

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
pub(super) struct Schemas {
    kinds: BTreeMap<String, JSONSchemaProps>,
    rules: Rules,
}

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
        let kinds: BTreeMap<String, JSONSchemaProps> = each.collect();
        let rules = Rules::of(kinds.values());
        Self { kinds, rules }
    }

    /// The kinds that there are.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// All that is wrong with an object. As the API server does, what is `null` in it is taken out, defaults are filled in, and
    /// rules are evaluated where it fits the schema.
    pub(super) fn faults(&self, kind: &str, object: &mut Value) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(schema) = self.kinds.get(kind) {
            without_nulls(object);
            look(schema, object, "", &mut faults);
            if faults.is_empty() {
                with_defaults(schema, object);
                self.look_by_rules(schema, object, "", &mut faults);
            }
        }
        faults
    }

    fn look_by_rules(
        &self,
        schema: &JSONSchemaProps,
        value: &Value,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        let to = if at.is_empty() {
            String::new()
        } else {
            format!("{at}: ")
        };
        let broken = self.rules.broken(schema, value);
        faults.extend(broken.map(|says| format!("{to}{says}")));
        match value {
            Value::Object(fields) => {
                for (field, value) in looked_at(fields, at) {
                    if let Some((schema, at)) = inside(schema, at, field) {
                        self.look_by_rules(schema, value, &at, faults);
                    }
                }
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    if let Some(schema) = of_items(schema) {
                        self.look_by_rules(schema, item, &format!("{at}[{n}]"), faults);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Goes through a schema and all that is in it.
pub(super) fn walk<'a>(schema: &'a JSONSchemaProps, visit: &mut impl FnMut(&'a JSONSchemaProps)) {
    visit(schema);
    let fields = schema.properties.iter().flat_map(BTreeMap::values);
    let inside = fields.chain(of_values(schema)).chain(of_items(schema));
    for schema in inside {
        walk(schema, visit);
    }
}

fn properties<'a>(schema: &'a JSONSchemaProps, field: &str) -> Option<&'a JSONSchemaProps> {
    schema.properties.as_ref().and_then(|all| all.get(field))
}

/// What a field of a value must fit, and where that is.
fn inside<'a>(
    schema: &'a JSONSchemaProps,
    at: &str,
    field: &str,
) -> Option<(&'a JSONSchemaProps, String)> {
    let known = properties(schema, field).map(|of| (of, below(at, field)));
    known.or_else(|| of_values(schema).map(|of| (of, format!("{at}[{field}]"))))
}

fn of_values(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(of_value)) => Some(of_value),
        Some(JSONSchemaPropsOrBool::Bool(_)) | None => None,
    }
}

fn of_items(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(of_item)) => Some(of_item),
        Some(JSONSchemaPropsOrArray::Schemas(_)) | None => None,
    }
}

/// The fields of an object that are looked at. What the operator says of it is replaced by what the cluster has.
fn looked_at<'a>(
    fields: &'a Map<String, Value>,
    at: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let whole = at.is_empty();
    let fields = fields.iter();
    fields.filter(move |(field, _)| !whole || *field != "status")
}

fn below(at: &str, field: &str) -> String {
    match at {
        "" => field.to_owned(),
        at => format!("{at}.{field}"),
    }
}

fn of_type(type_: &str) -> JSONSchemaProps {
    JSONSchemaProps {
        type_: Some(type_.to_owned()),
        ..JSONSchemaProps::default()
    }
}

/// As any object may be called (RFC 1123, as Kubernetes has it).
fn name() -> JSONSchemaProps {
    JSONSchemaProps {
        max_length: Some(253),
        x_kubernetes_validations: Some(vec![ValidationRule {
            rule: OBJECT_NAME.to_owned(),
            message: Some(OBJECT_NAME_MESSAGE.to_owned()),
            ..ValidationRule::default()
        }]),
        ..of_type("string")
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
            "name" => name(),
            "namespace" => of_type("string"),
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

fn with_defaults(schema: &JSONSchemaProps, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, of) in schema.properties.iter().flatten() {
                if let Some(JSON(default)) = &of.default
                    && !fields.contains_key(name)
                {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields {
                if let Some(of) = properties(schema, name).or(of_values(schema)) {
                    with_defaults(of, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(of) = of_items(schema) {
                for item in items {
                    with_defaults(of, item);
                }
            }
        }
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
            if let Some(of_item) = of_items(schema) {
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
    for (field, value) in looked_at(fields, at) {
        match inside(schema, at, field) {
            Some((schema, at)) => look(schema, value, &at, faults),
            None if schema.properties.is_none() => {}
            None => faults.push(format!("there is no field {}", below(at, field))),
        }
    }
    let required = schema.required.iter().flatten();
    let missing = required.filter(|field| !fields.contains_key(*field));
    faults.extend(missing.map(|field| format!("{} is missing", below(at, field))));
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
mod tests;
