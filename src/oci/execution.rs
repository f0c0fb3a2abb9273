//! How an image is run: the part of a config with the defaults of `docker run`.
//!
//! Source: image-spec `config.md`, "config". Read leniently, like the rest of a config: a field of
//! another type than expected is ignored.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The program that an image starts, and how it is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    pub created: Option<String>,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// Further arguments, or the program if the config has no entrypoint.
    pub cmd: Vec<String>,
    /// Variables, as `NAME=value`.
    pub env: Vec<String>,
    pub user: String,
    pub working_dir: String,
    /// Ports, such as `80/tcp`.
    pub exposed_ports: Vec<String>,
    /// Directories that outlive a container.
    pub volumes: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

impl Execution {
    /// Reads the fields of a config.
    pub fn parse(config: &[u8]) -> Self {
        let config: Map<String, Value> = serde_json::from_slice(config).unwrap_or_default();
        let none = Map::new();
        let execution = config.get("config").and_then(Value::as_object);
        let execution = execution.unwrap_or(&none);
        let text = |value: Option<&Value>| Some(value?.as_str()?.to_owned());
        let list = |key| match execution.get(key) {
            Some(Value::Array(items)) => items.iter().filter_map(|v| text(Some(v))).collect(),
            // The "shell form" that some tools write.
            Some(Value::String(item)) => vec![item.clone()],
            _ => Vec::new(),
        };
        let set = |key| match execution.get(key) {
            Some(Value::Object(members)) => {
                let mut members: Vec<String> = members.keys().cloned().collect();
                members.sort();
                members
            }
            _ => Vec::new(),
        };
        let labels = execution.get("Labels").and_then(Value::as_object);
        Self {
            created: text(config.get("created")),
            entrypoint: list("Entrypoint"),
            cmd: list("Cmd"),
            env: list("Env"),
            user: text(execution.get("User")).unwrap_or_default(),
            working_dir: text(execution.get("WorkingDir")).unwrap_or_default(),
            exposed_ports: set("ExposedPorts"),
            volumes: set("Volumes"),
            labels: labels.map_or_else(BTreeMap::new, |labels| {
                let entries = labels.iter();
                entries
                    .filter_map(|(key, value)| Some((key.clone(), text(Some(value))?)))
                    .collect()
            }),
        }
    }

    /// Returns the program that is started: the first word of the entrypoint, else of the command.
    pub fn program(&self) -> Option<&str> {
        let words = self.entrypoint.first().or(self.cmd.first());
        words.map(String::as_str).filter(|word| !word.is_empty())
    }

    /// Returns the value of a variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let is_it = |entry: &&String| entry.split('=').next() == Some(name);
        let entry = self.env.iter().rev().find(is_it)?;
        entry.split_once('=').map(|(_, value)| value)
    }
}
