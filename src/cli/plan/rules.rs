//! What the rules of the CRDs say of a manifest that are more than a schema: the CEL of Kubernetes, as far as ours use it.
//! The API server evaluates them as well, and refuses the object. Rules that compare an object with what it was are not
//! among them: those look at manifests and cluster together, where both are known.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelNull};
use cel::common::value::Val;
use cel::objects::Value as Answer;
use cel::parser::Expression as Tree;
use cel::{Context, Env, ExecutionError};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, ValidationRule,
};
use serde_json::Value;

use super::functions::{self, FORMATS};
use super::schema::walk;
use crate::domain::cel::pattern::{self, Pattern};
use crate::domain::cel::values::{map, text};

/// The rules of some schemas, compiled once.
pub(super) struct Rules {
    env: Arc<Env>,
    compiled: BTreeMap<String, Rule>,
}

struct Rule {
    tree: Tree,
    patterns: Vec<Pattern>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.compiled.keys()).finish()
    }
}

impl Rules {
    pub(super) fn of<'a>(schemas: impl Iterator<Item = &'a JSONSchemaProps>) -> Self {
        let mut env = Env::stdlib();
        // Neither can fail: a test evaluates every rule.
        env.add_extension(pattern::register).ok();
        env.add_extension(functions::register).ok();
        let mut compiled = BTreeMap::new();
        for schema in schemas {
            walk(schema, &mut |schema| {
                for ValidationRule { rule, .. } in rules(schema) {
                    // Many a field has the same.
                    if !compiled.contains_key(rule)
                        && let Some(known) = Rule::compile(&env, rule)
                    {
                        compiled.insert(rule.clone(), known);
                    }
                }
            });
        }
        Self {
            env: Arc::new(env),
            compiled,
        }
    }

    /// What a value breaks, of the rules of its own schema.
    pub(super) fn broken<'a>(
        &self,
        schema: &'a JSONSchemaProps,
        value: &Value,
    ) -> impl Iterator<Item = &'a str> {
        let broken = rules(schema).filter(|rule| {
            let known = self.compiled.get(&rule.rule);
            // One that fails is as good as broken, there as well.
            known.is_some_and(|known| known.evaluate(&self.env, value) != Ok(true))
        });
        broken.map(|rule| rule.message.as_deref().unwrap_or(&rule.rule))
    }
}

/// The rules about one version of an object.
fn rules(schema: &JSONSchemaProps) -> impl Iterator<Item = &ValidationRule> {
    let all = schema.x_kubernetes_validations.iter().flatten();
    all.filter(|rule| !rule.rule.contains("oldSelf"))
}

impl Rule {
    fn compile(env: &Env, source: &str) -> Option<Self> {
        let mut tree = env.parser().parse(source).ok()?;
        let mut patterns = Vec::new();
        pattern::place(&mut tree, &mut |text| {
            patterns.push(Pattern::compile(text).ok()?);
            Some(patterns.len() - 1)
        });
        Some(Self { tree, patterns })
    }

    fn evaluate(&self, env: &Arc<Env>, value: &Value) -> Result<bool, ExecutionError> {
        let mut context = Context::with_env(Arc::clone(env));
        context.add_variable_as_val("self", seen(value));
        context.add_variable_as_val("format", Box::new(FORMATS));
        pattern::bind(&self.patterns, &mut context);
        let answer = Answer::resolve_val(&self.tree, &context)?;
        let holds = answer.downcast_ref::<CelBool>();
        holds
            .map(|holds| *holds.inner())
            .ok_or_else(|| functions::failed("rule", "the result is no condition"))
    }
}

/// A value as rules see it.
fn seen(value: &Value) -> Box<dyn Val> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(*truth)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Box::new(CelInt::from(whole)),
            None => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::String(written) => Box::new(text(written)),
        Value::Array(items) => Box::new(CelList::from(items.iter().map(seen).collect::<Vec<_>>())),
        Value::Object(fields) => {
            let fields = fields.iter();
            Box::new(map(fields.map(|(name, value)| (name.as_str(), seen(value)))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::crds;

    #[test]
    fn every_rule_is_known() {
        let mut schemas = Vec::new();
        for crd in crds::all() {
            let version = crd.spec.versions.into_iter().next().unwrap();
            schemas.push(version.schema.unwrap().open_api_v3_schema.unwrap());
        }
        let known = Rules::of(schemas.iter());
        let mut unknown = Vec::new();
        for schema in &schemas {
            walk(schema, &mut |schema| {
                for rule in rules(schema) {
                    let patterns = rule.rule.matches(".matches(").count();
                    match known.compiled.get(&rule.rule) {
                        // One that is not compiled beforehand would be at each object.
                        Some(known) if known.patterns.len() == patterns => {}
                        _ => unknown.push(rule.rule.clone()),
                    }
                }
            });
        }
        assert_eq!(unknown, [""; 0]);
        assert!(known.compiled.len() > 25, "{known:?}");
    }
}
