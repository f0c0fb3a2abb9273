//! The types of the fields of documents in Go. Programs in Go read a document into structs: one field of
//! another type makes all of it unreadable.
//!
//! Source: image-spec `config.md`, `manifest.md`, `descriptor.md` and its `specs-go/v1`. The fields that
//! are read here have types in the structs of this room; these are the others.

use serde_json::{Map, Value};

/// How many fields of one document are reported; an input can have a million.
const MAX_FOUND: usize = 10;

/// The longest part of a key in a message; an input can have keys of megabytes.
const MAX_KEY: usize = 60;

/// Names and types of fields.
pub type Fields = &'static [(&'static str, FieldType)];

/// The type of a field. Go accepts `null` for any of them, and for their items.
#[derive(Clone, Copy)]
pub enum FieldType {
    Text,
    Flag,
    Texts,
    TextByKey,
    /// A set, as the keys of an object whose values are empty objects.
    Keys,
    Object(Fields),
    Objects(Fields),
}

/// The fields of a config.
pub const CONFIG: Fields = &[
    ("author", FieldType::Text),
    ("config", FieldType::Object(EXECUTION)),
    ("history", FieldType::Objects(HISTORY)),
];

/// The fields of `rootfs` in a config.
pub const ROOTFS: Fields = &[("type", FieldType::Text)];

const EXECUTION: Fields = &[
    ("User", FieldType::Text),
    ("ExposedPorts", FieldType::Keys),
    ("Env", FieldType::Texts),
    ("Entrypoint", FieldType::Texts),
    ("Cmd", FieldType::Texts),
    ("Volumes", FieldType::Keys),
    ("WorkingDir", FieldType::Text),
    ("Labels", FieldType::TextByKey),
    ("StopSignal", FieldType::Text),
    ("ArgsEscaped", FieldType::Flag),
];

const HISTORY: Fields = &[
    ("author", FieldType::Text),
    ("created_by", FieldType::Text),
    ("comment", FieldType::Text),
    ("empty_layer", FieldType::Flag),
];

/// The fields of a manifest or an index.
pub const MANIFEST: Fields = &[
    ("artifactType", FieldType::Text),
    ("annotations", FieldType::TextByKey),
    ("subject", FieldType::Object(DESCRIPTOR)),
];

/// The fields of a descriptor.
pub const DESCRIPTOR: Fields = &[
    ("urls", FieldType::Texts),
    ("artifactType", FieldType::Text),
];

/// Returns the first fields of another type, each as `config.User is a number, expected text`.
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

fn check(value: &Value, expected: FieldType, path: &str, found: &mut Vec<String>) {
    if found.len() >= MAX_FOUND {
        return;
    }
    let mut each = |values: &mut dyn Iterator<Item = (String, &Value)>, expected| {
        for (key, value) in values {
            check(value, expected, &format!("{path}{key}"), found);
        }
    };
    match (expected, value) {
        (_, Value::Null)
        | (FieldType::Text, Value::String(_))
        | (FieldType::Flag, Value::Bool(_)) => {}
        (FieldType::Texts, Value::Array(items)) => each(&mut items_of(items), FieldType::Text),
        (FieldType::Objects(fields), Value::Array(items)) => {
            each(&mut items_of(items), FieldType::Object(fields));
        }
        (FieldType::TextByKey, Value::Object(members)) => {
            each(&mut members_of(members), FieldType::Text)
        }
        (FieldType::Keys, Value::Object(members)) => {
            each(&mut members_of(members), FieldType::Object(&[]));
        }
        (FieldType::Object(fields), Value::Object(members)) => {
            object(members, fields, &format!("{path}."), found);
        }
        (expected, value) => {
            let expected = match expected {
                FieldType::Text => "text",
                FieldType::Flag => "true or false",
                FieldType::Texts => "a list of text",
                FieldType::TextByKey => "an object of text",
                FieldType::Keys => "an object whose keys are the items",
                FieldType::Object(_) => "an object",
                FieldType::Objects(_) => "a list of objects",
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
    fn fields_that_go_accepts_are_not_reported() {
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
    fn fields_that_go_refuses_are_reported() {
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
    fn the_number_of_reported_fields_is_bounded() {
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
