//! Which rules of the CRDs the cases break: each must be broken by one.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

/// Rules that were broken so far.
#[derive(Default)]
pub struct Coverage {
    broken: BTreeSet<String>,
}

/// Keywords of a schema that refuse values.
const KEYWORDS: [&str; 9] = [
    "enum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "x-kubernetes-list-type",
];

impl Coverage {
    /// An object that was refused, with what the API server said.
    pub fn note(&mut self, object: &Value, says: &str) {
        let kind = object["kind"].as_str().unwrap();
        let index = Regex::new(r"\[[^\]]*\]").unwrap();
        let says = index.replace_all(says, "[]");
        for crd in schemas() {
            if crd.kind == kind {
                let spec = &crd.schema["properties"]["spec"];
                let broken = &mut self.broken;
                break_keywords(spec, &object["spec"], &format!("{kind}: spec"), broken);
                for rule in crd.rules() {
                    let (_, path, message) = parts(&rule);
                    if !message.is_empty()
                        && says.contains(message)
                        && (path.is_empty() || says.contains(&format!("{path}: ")))
                    {
                        self.broken.insert(rule);
                    }
                }
            }
        }
    }

    /// Rules that nothing has broken.
    pub fn missing(&self) -> Vec<String> {
        let all: BTreeSet<String> = schemas().iter().flat_map(Crd::rules).collect();
        assert!(all.len() > 150, "only {} rules were found", all.len());
        all.difference(&self.broken).cloned().collect()
    }
}

struct Crd {
    kind: String,
    schema: Value,
}

/// Rules about two versions of an object, and the test that breaks each.
const TRANSITIONS: [(&str, &str); 2] = [
    (
        "employeeId is immutable",
        "validation::an_employee_id_never_changes",
    ),
    ("account.purpose is immutable", "stories::two_accounts"),
];

fn schemas() -> Vec<Crd> {
    let crds = rollcall::api::crds::all();
    let crds = crds.iter().map(|crd| serde_json::to_value(crd).unwrap());
    crds.map(|crd| Crd {
        kind: crd["spec"]["names"]["kind"].as_str().unwrap().to_owned(),
        schema: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone(),
    })
    .collect()
}

impl Crd {
    /// Every rule, as `Kind: path: keyword` or `Kind: path: CEL: message`.
    fn rules(&self) -> Vec<String> {
        let mut rules = Vec::new();
        cel_rules(&self.schema, &self.kind, "", &mut rules);
        let spec = &self.schema["properties"]["spec"];
        walk(spec, &self.kind, "spec", &mut rules);
        rules
    }
}

fn walk(schema: &Value, kind: &str, path: &str, rules: &mut Vec<String>) {
    for keyword in KEYWORDS {
        let set_or_map = schema[keyword] != "atomic";
        if schema.get(keyword).is_some() && set_or_map {
            rules.push(format!("{kind}: {path}: {keyword}"));
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        rules.push(format!(
            "{kind}: {path}: required {}",
            name.as_str().unwrap()
        ));
    }
    cel_rules(schema, kind, path, rules);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, kind, &format!("{path}.{name}"), rules);
    }
    if let Some(items) = schema.get("items") {
        walk(items, kind, &format!("{path}[]"), rules);
    }
    if let Some(values) = schema.get("additionalProperties") {
        walk(values, kind, &format!("{path}.*"), rules);
    }
}

fn cel_rules(schema: &Value, kind: &str, path: &str, rules: &mut Vec<String>) {
    let all = schema["x-kubernetes-validations"].as_array();
    for rule in all.into_iter().flatten() {
        let message = rule["message"].as_str().unwrap();
        if rule["rule"].as_str().unwrap().contains("oldSelf") {
            // A transition needs two versions: it has a test of its own.
            let tested = TRANSITIONS.iter().any(|(of, _)| message.starts_with(of));
            assert!(tested, "no test breaks: {kind}: {path}: {message}");
        } else {
            rules.push(format!("{kind}: {path}: CEL: {message}"));
        }
    }
}

/// Kind, path and message of a rule in CEL.
fn parts(rule: &str) -> (&str, &str, &str) {
    let (kind, rest) = rule.split_once(": ").unwrap();
    let (path, rest) = rest.split_once(": ").unwrap();
    (kind, path, rest.strip_prefix("CEL: ").unwrap_or_default())
}

fn break_keywords(schema: &Value, value: &Value, path: &str, broken: &mut BTreeSet<String>) {
    let number = |keyword: &str| schema[keyword].as_f64();
    let text = value.as_str().map(|text| text.chars().count());
    let items = value.as_array().map(Vec::len);
    let properties = value.as_object().map(serde_json::Map::len);
    #[expect(clippy::cast_precision_loss, reason = "sizes of test cases are small")]
    let size = |size: Option<usize>| size.map(|size| size as f64);
    let compared = [
        ("maxLength", size(text), true),
        ("minLength", size(text), false),
        ("maxItems", size(items), true),
        ("minItems", size(items), false),
        ("maxProperties", size(properties), true),
        ("maximum", value.as_f64(), true),
        ("minimum", value.as_f64(), false),
    ];
    let mut found = Vec::new();
    for (keyword, is, at_most) in compared {
        if let (Some(is), Some(limit)) = (is, number(keyword))
            && (if at_most { is > limit } else { is < limit })
        {
            found.push(keyword.to_owned());
        }
    }
    let allowed = schema["enum"].as_array();
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        found.push("enum".to_owned());
    }
    if schema["x-kubernetes-list-type"].is_string() && has_twins(schema, value) {
        found.push("x-kubernetes-list-type".to_owned());
    }
    if let Some(object) = value.as_object() {
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if !object.contains_key(name) {
                found.push(format!("required {name}"));
            }
        }
        for (name, inner) in object {
            if let Some(property) = schema["properties"].get(name) {
                break_keywords(property, inner, &format!("{path}.{name}"), broken);
            } else if let Some(values) = schema.get("additionalProperties") {
                break_keywords(values, inner, &format!("{path}.*"), broken);
            }
        }
    }
    for item in value.as_array().into_iter().flatten() {
        break_keywords(&schema["items"], item, &format!("{path}[]"), broken);
    }
    broken.extend(
        found
            .into_iter()
            .map(|keyword| format!("{path}: {keyword}")),
    );
}

fn has_twins(schema: &Value, value: &Value) -> bool {
    let items = value.as_array().into_iter().flatten();
    let key = |item: &Value| match schema["x-kubernetes-list-map-keys"][0].as_str() {
        Some(key) => item[key].to_string(),
        None => item.to_string(),
    };
    let mut seen = BTreeSet::new();
    !items.map(key).all(|key| seen.insert(key))
}
