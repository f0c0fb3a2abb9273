//! The types that programs in Go give to the fields of documents. Those read a document into structs, so
//! one field of another type makes all of it unreadable, whatever they want of it.
//!
//! Source: image-spec `config.md`, `manifest.md`, `descriptor.md` and its `specs-go/v1`. Of what is
//! read here the types are in the structs of this module already; these are the others.

use serde_json::{Map, Value};

/// More than anybody wants to read of one document; an input can have a million.
const MAX_FOUND: usize = 10;

/// The longest part of a key in a message; an input can have keys of megabytes.
const MAX_KEY: usize = 60;

/// Names and types of fields.
pub type Fields = &'static [(&'static str, Type)];

/// The type of a field. Go takes `null` for any of them, and for what is in them.
#[derive(Clone, Copy)]
pub enum Type {
    Text,
    Flag,
    Texts,
    TextByKey,
    /// A set, as the keys of an object whose values are empty objects.
    Keys,
    Object(Fields),
    Objects(Fields),
}

/// Of a config.
pub const CONFIG: Fields = &[
    ("author", Type::Text),
    ("config", Type::Object(EXECUTION)),
    ("history", Type::Objects(HISTORY)),
];

/// Of what it has in `rootfs`.
pub const ROOTFS: Fields = &[("type", Type::Text)];

const EXECUTION: Fields = &[
    ("User", Type::Text),
    ("ExposedPorts", Type::Keys),
    ("Env", Type::Texts),
    ("Entrypoint", Type::Texts),
    ("Cmd", Type::Texts),
    ("Volumes", Type::Keys),
    ("WorkingDir", Type::Text),
    ("Labels", Type::TextByKey),
    ("StopSignal", Type::Text),
    ("ArgsEscaped", Type::Flag),
];

const HISTORY: Fields = &[
    ("author", Type::Text),
    ("created_by", Type::Text),
    ("comment", Type::Text),
    ("empty_layer", Type::Flag),
];

/// Of a manifest or an index.
pub const MANIFEST: Fields = &[
    ("artifactType", Type::Text),
    ("annotations", Type::TextByKey),
    ("subject", Type::Object(DESCRIPTOR)),
];

/// Of a descriptor.
pub const DESCRIPTOR: Fields = &[("urls", Type::Texts), ("artifactType", Type::Text)];

/// The fields of another type, each as `config.User is a number, expected text`: the first of them.
pub fn wrong_types(document: &Map<String, Value>, fields: Fields) -> Vec<String> {
    let mut found = Vec::new();
    object(document, fields, "", &mut found);
    found
}

fn object(document: &Map<String, Value>, fields: Fields, path: &str, found: &mut Vec<String>) {
    for (key, value) in document {
        // Go ignores case.
        let field = fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        if let Some((_, expected)) = field {
            check(value, *expected, &format!("{path}{key}"), found);
        }
    }
}

fn check(value: &Value, expected: Type, path: &str, found: &mut Vec<String>) {
    if found.len() >= MAX_FOUND {
        return;
    }
    let mut each = |values: &mut dyn Iterator<Item = (String, &Value)>, expected| {
        for (key, value) in values {
            check(value, expected, &format!("{path}{key}"), found);
        }
    };
    match (expected, value) {
        (_, Value::Null) | (Type::Text, Value::String(_)) | (Type::Flag, Value::Bool(_)) => {}
        (Type::Texts, Value::Array(items)) => each(&mut items_of(items), Type::Text),
        (Type::Objects(fields), Value::Array(items)) => {
            each(&mut items_of(items), Type::Object(fields));
        }
        (Type::TextByKey, Value::Object(members)) => each(&mut members_of(members), Type::Text),
        (Type::Keys, Value::Object(members)) => {
            each(&mut members_of(members), Type::Object(&[]));
        }
        (Type::Object(fields), Value::Object(members)) => {
            object(members, fields, &format!("{path}."), found);
        }
        (expected, value) => {
            let expected = match expected {
                Type::Text => "text",
                Type::Flag => "true or false",
                Type::Texts => "a list of text",
                Type::TextByKey => "an object of text",
                Type::Keys => "an object whose keys are the items",
                Type::Object(_) => "an object",
                Type::Objects(_) => "a list of objects",
            };
            found.push(format!("{path} is {}, expected {expected}", kind(value)));
        }
    }
}

fn items_of(items: &[Value]) -> impl Iterator<Item = (String, &Value)> {
    let items = items.iter().enumerate();
    items.map(|(i, item)| (format!("[{i}]"), item))
}

fn members_of(members: &Map<String, Value>) -> impl Iterator<Item = (String, &Value)> {
    let shown = |key: &str| key.chars().take(MAX_KEY).collect::<String>();
    let members = members.iter();
    members.map(move |(key, member)| (format!("[{:?}]", shown(key)), member))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(document: Value, fields: Fields) -> Vec<String> {
        wrong_types(document.as_object().unwrap(), fields)
    }

    #[test]
    fn what_go_takes_is_not_wrong() {
        let config = json!({
            "author": "a", "created": 5, "os.features": 5, "newer": [1],
            "config": {
                "User": "1000", "ExposedPorts": { "80/tcp": {}, "81": null, "82": { "a": 1 } },
                "Env": ["A=b", null], "Entrypoint": null, "Cmd": [], "Volumes": {},
                "WorkingDir": "/", "Labels": { "a": "b", "c": null }, "StopSignal": "SIGINT",
                "ArgsEscaped": true, "Healthcheck": 5,
            },
            "history": [null, {}, { "created_by": "x", "empty_layer": false, "comment": null }],
        });
        assert_eq!(wrong(config, CONFIG), [""; 0]);
        let nothing = json!({ "config": null, "history": null, "author": null });
        assert_eq!(wrong(nothing, CONFIG), [""; 0]);
    }

    #[test]
    fn what_go_refuses_is_named() {
        for (config, expected) in [
            (json!({ "User": 1000 }), "User is a number, expected text"),
            (json!({ "user": 1000 }), "user is a number, expected text"),
            (
                json!({ "Cmd": "sh" }),
                "Cmd is text, expected a list of text",
            ),
            (
                json!({ "Entrypoint": { "a": 1 } }),
                "Entrypoint is an object, expected a list of text",
            ),
            (
                json!({ "Env": { "A": "b" } }),
                "Env is an object, expected a list of text",
            ),
            (
                json!({ "Env": ["A=b", 1] }),
                "Env[1] is a number, expected text",
            ),
            (
                json!({ "Labels": ["a"] }),
                "Labels is a list, expected an object of text",
            ),
            (
                json!({ "Labels": { "v\n": 1 } }),
                r#"Labels["v\n"] is a number, expected text"#,
            ),
            (
                json!({ "ExposedPorts": ["80/tcp"] }),
                "ExposedPorts is a list, expected an object whose keys are the items",
            ),
            (
                json!({ "Volumes": { "/a": "b" } }),
                r#"Volumes["/a"] is text, expected an object"#,
            ),
            (
                json!({ "WorkingDir": ["/"] }),
                "WorkingDir is a list, expected text",
            ),
            (
                json!({ "StopSignal": 9 }),
                "StopSignal is a number, expected text",
            ),
            (
                json!({ "ArgsEscaped": "yes" }),
                "ArgsEscaped is text, expected true or false",
            ),
        ] {
            let found = wrong(json!({ "config": config }), CONFIG);
            assert_eq!(found, [format!("config.{expected}")]);
        }
        for (config, expected) in [
            (json!({ "author": 5 }), "author is a number, expected text"),
            (
                json!({ "config": [1, 2] }),
                "config is a list, expected an object",
            ),
            (
                json!({ "history": "old" }),
                "history is text, expected a list of objects",
            ),
            (
                json!({ "history": [{}, 5] }),
                "history[1] is a number, expected an object",
            ),
            (
                json!({ "history": [{ "created_by": 5 }] }),
                "history[0].created_by is a number, expected text",
            ),
        ] {
            assert_eq!(wrong(config, CONFIG), [expected]);
        }
        let found = wrong(json!({ "type": 5 }), ROOTFS);
        assert_eq!(found, ["type is a number, expected text"]);
        let manifest = json!({
            "annotations": { "a": 1 }, "artifactType": true, "subject": { "urls": [5] },
        });
        let expected = [
            r#"annotations["a"] is a number, expected text"#,
            "artifactType is true or false, expected text",
            "subject.urls[0] is a number, expected text",
        ];
        assert_eq!(wrong(manifest, MANIFEST), expected);
        let descriptor = json!({ "urls": "x", "artifactType": {} });
        let expected = [
            "urls is text, expected a list of text",
            "artifactType is an object, expected text",
        ];
        assert_eq!(wrong(descriptor, DESCRIPTOR), expected);
    }

    #[test]
    fn very_many_are_not_all_named() {
        let env = vec![1; 100_000];
        let labels: Map<_, _> = [("a".repeat(1 << 20), json!(1))].into_iter().collect();
        let found = wrong(
            json!({ "config": { "Labels": labels, "Env": env } }),
            CONFIG,
        );
        assert_eq!(found.len(), MAX_FOUND);
        assert!(found[0].len() < 200);
    }
}
