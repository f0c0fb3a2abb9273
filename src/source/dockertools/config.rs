//! The config of a layered image with the bytes that Python's `json.dumps(config, indent=4)` writes.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Conf, Object};
use crate::error::ConfProblem;
use crate::oci::DiffId;

/// What the config records about a layer.
pub struct LayerHistory<'a> {
    pub diff_id: &'a DiffId,
    /// The store paths, or the name of the layer in the base image.
    pub paths: Vec<String>,
}

/// Writes the config of an image with these layers, bottom first. `config` is the part that the author
/// of the image writes.
pub fn config(
    conf: &Conf,
    config: Object,
    layers: &[LayerHistory<'_>],
) -> serde_json::Result<Vec<u8>> {
    let history = |layer: &LayerHistory<'_>| {
        json!({
            "created": conf.created,
            "comment": format!("store paths: {}", python_list(&layer.paths)),
        })
    };
    let mut image = Object::new();
    image.insert("created".into(), conf.created.clone().into());
    image.insert("architecture".into(), conf.architecture.clone().into());
    if let Some(variant) = &conf.variant {
        image.insert("variant".into(), variant.clone().into());
    }
    image.insert("os".into(), "linux".into());
    image.insert("config".into(), config.into());
    let diff_ids = layers.iter().map(|layer| layer.diff_id.0.to_string());
    let diff_ids: Vec<String> = diff_ids.collect();
    let rootfs = json!({ "diff_ids": diff_ids, "type": "layers" });
    image.insert("rootfs".into(), rootfs);
    let histories: Vec<Value> = layers.iter().map(history).collect();
    image.insert("history".into(), histories.into());
    let mut text = String::new();
    dump(&Value::Object(image), 0, &mut text)?;
    Ok(text.into_bytes())
}

/// Adds the environment of the base image to `config`. Of two entries with the same name the last one
/// counts, at the place of the first.
pub fn overlay(base: &[u8], mut config: Object) -> Result<Object, ConfProblem> {
    #[derive(Deserialize)]
    struct Base {
        config: BaseConfig,
    }
    #[derive(Deserialize)]
    struct BaseConfig {
        #[serde(default, rename = "Env")]
        env: Vec<String>,
    }
    const KEY: &str = "from_image";
    const ENV: &str = "one whose Env is a list of texts";
    let base: Base = serde_json::from_slice(base).map_err(|_| {
        let found = "a base image with an unknown config";
        ConfProblem::value(KEY, found, ENV)
    })?;
    let own: Vec<String> = match config.get("Env") {
        None => Vec::new(),
        Some(env) => serde_json::from_value(env.clone())
            .map_err(|_| ConfProblem::value("config", env, ENV))?,
    };
    let mut resolved = Object::new();
    for entry in base.config.env.into_iter().chain(own) {
        let name = entry.split('=').next().unwrap_or_default().to_owned();
        resolved.insert(name, entry.into());
    }
    if !resolved.is_empty() {
        let entries: Vec<Value> = resolved.into_iter().map(|(_, entry)| entry).collect();
        config.insert("Env".into(), entries.into());
    }
    Ok(config)
}

/// Whether Python shows a text in a list as it is, between single quotes.
pub fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|b| matches!(b, b' '..=b'~') && b != b'\'' && b != b'\\')
}

/// Returns a list of plain texts as Python shows it.
fn python_list(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
    format!("[{}]", quoted.join(", "))
}

/// Writes JSON as Python does: four spaces for each level, and ASCII only.
fn dump(value: &Value, level: usize, out: &mut String) -> serde_json::Result<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&integer(&number.to_string())?),
        Value::String(text) => dump_text(text, out),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(members) if members.is_empty() => out.push_str("{}"),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "[" } else { "," });
                line(level + 1, out);
                dump(item, level + 1, out)?;
            }
            line(level, out);
            out.push(']');
        }
        Value::Object(members) => {
            for (i, (key, member)) in members.iter().enumerate() {
                out.push_str(if i == 0 { "{" } else { "," });
                line(level + 1, out);
                dump_text(key, out);
                out.push_str(": ");
                dump(member, level + 1, out)?;
            }
            line(level, out);
            out.push('}');
        }
    }
    Ok(())
}

fn line(level: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n("    ", level));
}

/// Returns an integer as Python writes it. Its way to write other numbers is not known here.
fn integer(number: &str) -> serde_json::Result<String> {
    use serde::ser::Error;
    let digits = number.strip_prefix('-').unwrap_or(number);
    match digits.bytes().all(|b| b.is_ascii_digit()) {
        true if digits == "0" => Ok(digits.to_owned()),
        // Python refuses to parse longer ones.
        true if digits.len() <= 4300 => Ok(number.to_owned()),
        _ => {
            let problem = format!("found the number {number} in its config, expected an integer");
            Err(serde_json::Error::custom(problem))
        }
    }
}

fn dump_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // A `String` never fails.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}
