//! JSON documents with few changes.

use arbitrary::Unstructured;
use serde_json::{Map, Value, json};

use super::{Dice, spoil};

/// Returns the bytes of `value`, sometimes after a change.
pub fn document(u: &mut Unstructured<'_>, mut value: Value) -> Vec<u8> {
    while u.rarely() {
        change(u, &mut value);
    }
    let mut bytes = match u.up_to(1) {
        0 => serde_json::to_vec(&value).unwrap(),
        _ => serde_json::to_vec_pretty(&value).unwrap(),
    };
    if u.rarely() {
        // A duplicate key, which a `Value` cannot have.
        let key = value.as_object().and_then(|o| {
            let keys: Vec<&String> = o.keys().collect();
            (!keys.is_empty()).then(|| keys[u.up_to(keys.len() - 1)].clone())
        });
        if let Some(key) = key {
            let again = format!("{{{}:{},", Value::from(key), junk(u));
            bytes.splice(..1, again.into_bytes());
        }
    }
    if u.rarely() {
        spoil(u, &mut bytes);
    }
    bytes
}

/// Changes a part of a value.
fn change(u: &mut Unstructured<'_>, value: &mut Value) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let at = u.up_to(members.len() - 1);
            let key = members.keys().nth(at).unwrap().clone();
            match u.up_to(6) {
                0 | 1 => change(u, &mut members[&key]),
                2 => drop(members.shift_remove(&key)),
                3 => members[&key] = junk(u),
                4 => {
                    let kept = members[&key].clone();
                    members.insert(key.to_ascii_uppercase(), kept);
                }
                5 => add(u, members),
                _ => {
                    let known = ["layers", "manifests", "config", "data", "urls", "subject"];
                    let key = u.one_of(&known);
                    let value = junk(u);
                    members.insert(key.to_owned(), value);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = u.up_to(items.len() - 1);
            match u.up_to(4) {
                0 | 1 => change(u, &mut items[at]),
                2 => drop(items.remove(at)),
                3 => items.push(items[at].clone()),
                _ => items[at] = junk(u),
            }
        }
        Value::String(text) if u.up_to(1) == 0 => {
            let mut bytes = std::mem::take(text).into_bytes();
            spoil(u, &mut bytes);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        other => *other = junk(u),
    }
}

fn add(u: &mut Unstructured<'_>, members: &mut Map<String, Value>) {
    let key = u.text();
    members.insert(key, junk(u));
}

fn junk(u: &mut Unstructured<'_>) -> Value {
    let number = |text: &str| serde_json::from_str(text).unwrap();
    match u.up_to(14) {
        0 => Value::Null,
        1 => json!(""),
        2 => json!([]),
        3 => json!({}),
        4 => json!(u.text()),
        5 => json!("../../../../escaped"),
        6 => number("-1"),
        7 => number("18446744073709551615"),
        8 => number("1e999"),
        9 => number("9223372036854775807"),
        10 => json!(true),
        11 => json!([null]),
        12 => json!({ "a": u.text() }),
        13 => (0..100).fold(Value::Null, |inner, _| json!([inner])),
        _ => json!(u.arbitrary::<u32>().unwrap_or(0)),
    }
}
