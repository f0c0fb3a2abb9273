//! JSON as programs in Go write and read it.
//!
//! Go writes `null` for an empty list or map, and `""` for a text that is not set; it reads both, and an
//! absent field, as the empty value. Documents are parsed in the same way here. Their bytes stay as they
//! are; a document that polyarch writes again has the form of the specification.
//!
//! Source: golang/go `src/encoding/json/decode.go` (documentation of `Unmarshal`).

use std::collections::BTreeMap;

use oci_spec::image::MediaType;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Reads `null` as the empty value.
pub fn null_is_empty<'de, D, T>(json: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(json)?.unwrap_or_default())
}

/// Reads `""` as absent.
pub fn text<'de, D: Deserializer<'de>>(json: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(json)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// Reads a media type, and `""` as absent.
pub fn media_type<'de, D: Deserializer<'de>>(json: D) -> Result<Option<MediaType>, D::Error> {
    Ok(text(json)?.map(|text| text.as_str().into()))
}

/// Reads annotations: a map, whose values may be `null`.
pub fn annotations<'de, D: Deserializer<'de>>(
    json: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let found: Option<BTreeMap<String, Option<String>>> = Option::deserialize(json)?;
    let found = found.unwrap_or_default().into_iter();
    Ok(found
        .map(|(key, value)| (key, value.unwrap_or_default()))
        .collect())
}

/// Reads the other fields of a descriptor, without those of the specification that are `null`.
pub fn descriptor_extra<'de, D: Deserializer<'de>>(
    json: D,
) -> Result<Map<String, Value>, D::Error> {
    let mut extra: Map<String, Value> = Map::deserialize(json)?;
    extra.retain(|key, value| {
        !(value.is_null() && ["urls", "data", "artifactType"].contains(&&**key))
    });
    Ok(extra)
}

/// Whether Go takes `key` for the field `name`: it prefers the same spelling, and ignores case. (It folds
/// two letters of Unicode to `k` and `s`.)
pub fn is_field(key: &str, name: &str) -> bool {
    let folded = key.chars().map(|c| match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        c => c.to_ascii_lowercase(),
    });
    folded.eq(name.chars().map(|c| c.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::is_field;

    #[test]
    fn keys_are_compared_as_go_does() {
        for key in ["Config", "config", "CONFIG"] {
            assert!(is_field(key, "Config"), "{key}");
        }
        for key in ["RepoTags", "repotags", "RepoTag\u{17f}"] {
            assert!(is_field(key, "RepoTags"), "{key}");
        }
        for key in ["Configs", "repo_tags", "\u{212a}onfig", ""] {
            assert!(!is_field(key, "Config"), "{key}");
        }
    }
}
