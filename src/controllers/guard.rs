//! Reads an object leniently: one that does not fit the schema of this version never fails a list of
//! others, and what was remembered in its status is not lost.

use std::borrow::Cow;

use kube::Resource;
use kube::core::{ObjectMeta, PartialObjectMeta};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An object, or what could be read of it.
#[derive(Clone, Debug)]
pub struct Guarded<K>(pub Result<K, Unfit>);

/// What could be read of an object that does not fit.
#[derive(Clone, Debug)]
pub struct Unfit {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// What does not fit, for a person.
    pub error: String,
    /// The rest, as it came.
    rest: Value,
}

impl Unfit {
    /// The object's status, where that part fits.
    #[must_use]
    pub fn status<S: DeserializeOwned>(&self) -> Option<S> {
        S::deserialize(self.rest.get("status")?).ok()
    }

    /// A text in the object's spec, where there is one of that name.
    #[must_use]
    pub fn spec_text(&self, field: &str) -> Option<&str> {
        self.rest.get("spec")?.get(field)?.as_str()
    }
}

impl<'de, K: Resource + DeserializeOwned> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match K::deserialize(&value) {
            Ok(object) => Ok(Self(Ok(object))),
            Err(error) => {
                let partial: PartialObjectMeta<K> =
                    PartialObjectMeta::deserialize(&value).map_err(D::Error::custom)?;
                Ok(Self(Err(Unfit {
                    metadata: partial.metadata,
                    error: error.to_string(),
                    rest: value,
                })))
            }
        }
    }
}

impl<K: Resource> Resource for Guarded<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(of: &K::DynamicType) -> Cow<'_, str> {
        K::kind(of)
    }

    fn group(of: &K::DynamicType) -> Cow<'_, str> {
        K::group(of)
    }

    fn version(of: &K::DynamicType) -> Cow<'_, str> {
        K::version(of)
    }

    fn plural(of: &K::DynamicType) -> Cow<'_, str> {
        K::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(object) => object.meta(),
            Err(unfit) => &unfit.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(object) => object.meta_mut(),
            Err(unfit) => &mut unfit.metadata,
        }
    }
}
