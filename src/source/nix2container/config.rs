//! The config of an image with the bytes that nix2container writes, whose digest is the image ID.
//!
//! nix2container fills image-spec's Go type `v1.Image` (v1.1.1) and lets `encoding/json` write it:
//! fields in the order of that type, empty ones left out (but not an empty `config`), keys of maps
//! sorted, and the characters escaped that mean something to HTML. (A backspace and a form feed are
//! `\b` and `\f` since Go 1.22; nix2container needs 1.24.) nix2container drops keys that the type does
//! not have, and they are dropped here too: with another key the image ID would differ.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

use crate::oci::go_json::null_is_empty;
use crate::oci::{DiffId, normal_time};

/// The part that the author of an image writes: `v1.ImageConfig`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ImageConfig {
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    user: String,
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_is_empty"
    )]
    exposed_ports: BTreeMap<String, Empty>,
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    env: Vec<String>,
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    entrypoint: Vec<String>,
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    cmd: Vec<String>,
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_is_empty"
    )]
    volumes: BTreeMap<String, Empty>,
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    working_dir: String,
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_is_empty"
    )]
    labels: BTreeMap<String, String>,
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    stop_signal: String,
    #[serde(skip_serializing_if = "is_false", deserialize_with = "null_is_empty")]
    args_escaped: bool,
}

/// The value of each member of a set, as Go writes it.
#[derive(Debug, Serialize, Deserialize)]
struct Empty {}

/// The history of a layer: `v1.History`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Time>,
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    created_by: String,
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    author: String,
    #[serde(
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    comment: String,
    #[serde(skip_serializing_if = "is_false", deserialize_with = "null_is_empty")]
    empty_layer: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A point in time as Go writes it: RFC 3339 without zeros at the end of a fraction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(String);

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        normal_time(&text).map(Self).ok_or_else(|| {
            format!("{text:?} is not a time, expected one like 2025-01-31T00:00:00Z")
        })
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.0
    }
}

#[derive(Serialize)]
struct GoImage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<&'a Time>,
    architecture: &'a str,
    os: &'a str,
    config: &'a ImageConfig,
    rootfs: GoRootFs<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    history: &'a [&'a History],
}

#[derive(Serialize)]
struct GoRootFs<'a> {
    r#type: &'a str,
    diff_ids: Option<&'a [&'a DiffId]>,
}

/// Writes the config of an image whose layers, bottom first, have these diff IDs and histories.
pub fn config(
    created: Option<&Time>,
    architecture: &str,
    config: &ImageConfig,
    diff_ids: &[&DiffId],
    history: &[&History],
) -> serde_json::Result<Vec<u8>> {
    let has_layers = !diff_ids.is_empty();
    let image = GoImage {
        created,
        architecture,
        os: "linux",
        config,
        rootfs: GoRootFs {
            // An image without layers gets Go's value for "not set".
            r#type: if has_layers { "layers" } else { "" },
            diff_ids: has_layers.then_some(diff_ids),
        },
        history,
    };
    let mut bytes = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, ForHtml);
    image.serialize(&mut writer)?;
    Ok(bytes)
}

/// Compact JSON that is safe inside of HTML: Go's default.
struct ForHtml;

impl Formatter for ForHtml {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        for part in fragment.split_inclusive(is_escaped) {
            match part.chars().next_back().filter(|c| is_escaped(*c)) {
                Some(escaped) => {
                    let plain = &part[..part.len() - escaped.len_utf8()];
                    write!(writer, "{plain}\\u{:04x}", u32::from(escaped))?;
                }
                None => writer.write_all(part.as_bytes())?,
            }
        }
        Ok(())
    }
}

fn is_escaped(c: char) -> bool {
    matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}
