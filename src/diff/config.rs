//! Compares the fields of two configs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::image::Image;
use crate::load;

/// A field of the config that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConfigChange {
    /// Such as `config.Cmd` or `config.Env.PATH`.
    pub field: String,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// Returns the fields of a config by name, without those that list the layers, which are compared by digest.
pub fn fields(image: &Image) -> Result<BTreeMap<String, Value>, Error> {
    let mut fields = BTreeMap::new();
    let config = load::config(image)?;
    for (key, value) in config.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("rootfs" | "history", _) => {}
            ("config", Value::Object(settings)) => {
                for (key, value) in settings {
                    add_setting(&mut fields, key, value);
                }
            }
            (_, value) => {
                fields.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(fields)
}

/// Adds a field for each variable and each label.
fn add_setting(fields: &mut BTreeMap<String, Value>, key: &str, value: &Value) {
    match value {
        // Go programs write null for an empty list.
        Value::Null => {}
        Value::Array(variables) if key == "Env" => {
            for variable in variables.iter().filter_map(Value::as_str) {
                let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
                fields.insert(format!("config.Env.{name}"), value.into());
            }
        }
        Value::Object(entries) => {
            for (name, value) in entries {
                fields.insert(format!("config.{key}.{name}"), value.clone());
            }
        }
        value => {
            fields.insert(format!("config.{key}"), value.clone());
        }
    }
}

/// Returns the fields that differ.
pub fn changes(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>) -> Vec<ConfigChange> {
    changed(old, new)
        .map(|(field, old, new)| ConfigChange {
            field: field.clone(),
            old: old.cloned(),
            new: new.cloned(),
        })
        .collect()
}

/// Returns the keys whose values differ, with both values.
pub fn changed<'a, V: PartialEq>(
    old: &'a BTreeMap<String, V>,
    new: &'a BTreeMap<String, V>,
) -> impl Iterator<Item = (&'a String, Option<&'a V>, Option<&'a V>)> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let both = keys
        .into_iter()
        .map(|key| (key, old.get(key), new.get(key)));
    both.filter(|(_, old, new)| old != new)
}
