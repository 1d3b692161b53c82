//! Values as the evaluator takes them.

use std::collections::HashMap;

use cel::common::types::{CelMap, CelMapKey, CelString};
use cel::common::value::Val;

/// Makes a type of ours one of the evaluator's, under a name: one that has no operators, and is only handed on.
macro_rules! opaque {
    ($kind:ident $name:literal) => {
        impl cel::common::value::Val for $kind {
            fn get_type(&self) -> &cel::common::types::Type {
                <Self as cel::common::value::Val>::cel_type()
            }
            fn cel_type() -> &'static cel::common::types::Type {
                static TYPE: cel::common::types::Type =
                    cel::common::types::Type::new_unspecified_type($name);
                &TYPE
            }
            fn clone_as_boxed<'v>(&self) -> Box<dyn cel::common::value::Val + 'v> {
                Box::new(self.clone())
            }
            fn as_any(&self) -> Option<&dyn std::any::Any> {
                Some(self)
            }
        }

        impl cel::common::value::StaticVal for $kind {}
    };
}
pub(crate) use opaque;

/// A text.
#[must_use]
pub fn text(text: &str) -> CelString<'static> {
    CelString::from(text.to_owned())
}

/// A map of texts to values.
pub fn map<'a>(entries: impl Iterator<Item = (&'a str, Box<dyn Val>)>) -> CelMap<'static> {
    let entries: HashMap<_, _> = entries
        .map(|(key, value)| (CelMapKey::String(text(key)), value))
        .collect();
    CelMap::from(entries)
}
