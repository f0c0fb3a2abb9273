//! The conf of a layered image, as nixpkgs 24.05 and newer write it.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Object, config};
use crate::error::ConfProblem;

/// The keys that distinguish a conf from other JSON. One is enough: a conf of an unknown shape is to be
/// reported as such.
const OWN_KEYS: [&str; 3] = ["store_layers", "customisation_layer", "store_dir"];

/// A description of a layered image.
#[derive(Debug)]
pub struct Conf {
    pub architecture: String,
    /// Not in nixpkgs itself, but in versions with the changes of NixOS/nixpkgs#186975.
    pub variant: Option<String>,
    /// The part of the config that the author of the image writes.
    pub config: Object,
    /// The docker-archive of the base image.
    pub from_image: Option<PathBuf>,
    /// The store paths of each layer, bottom first.
    pub store_layers: Vec<Vec<String>>,
    /// The store path of the top layer, which is a tar already.
    pub customisation_layer: String,
    pub repo_tag: String,
    /// The time of creation as Python's `isoformat` writes it.
    pub created: String,
    pub owner: Arc<Owner>,
}

/// The metadata that all files of the store paths get.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    pub uid: u64,
    pub gid: u64,
    pub uname: String,
    pub gname: String,
    /// Seconds since the epoch.
    pub mtime: i64,
}

/// Whether a JSON document is a conf.
pub fn is_conf(raw: &[u8]) -> bool {
    let keys: Result<HashMap<String, IgnoredAny>, _> = serde_json::from_slice(raw);
    keys.is_ok_and(|keys| OWN_KEYS.iter().any(|key| keys.contains_key(*key)))
}

impl Conf {
    /// Parses a conf. Fails for one that has a key or a value that this version does not know.
    pub fn parse(raw: &[u8]) -> Result<Self, ConfProblem> {
        let document: Object = serde_json::from_slice(raw).map_err(ConfProblem::Json)?;
        let mut keys = Keys(document);
        let store_dir = keys.path("store_dir")?;
        let os = keys.text("os")?;
        if os != "linux" {
            return Err(ConfProblem::value("os", Value::from(os), "\"linux\""));
        }
        let created = keys.time("created")?;
        // Until nixpkgs 24.05, files had the time of `created`.
        let mtime = match keys.0.contains_key("mtime") {
            true => keys.time("mtime")?,
            false => created.clone(),
        };
        let conf = Self {
            architecture: keys.text("architecture")?,
            variant: match keys.0.contains_key("variant") {
                true => Some(keys.text("variant")?),
                false => None,
            },
            config: keys.object("config")?,
            from_image: keys.optional_path("from_image")?,
            store_layers: keys.store_layers(&store_dir)?,
            customisation_layer: keys.customisation_layer(&store_dir)?,
            repo_tag: keys.text("repo_tag")?,
            created: created.text,
            owner: Arc::new(Owner {
                uid: keys.id("uid")?,
                gid: keys.id("gid")?,
                uname: keys.name("uname")?,
                gname: keys.name("gname")?,
                mtime: mtime.seconds,
            }),
        };
        match keys.0.into_iter().next() {
            Some((key, _)) => Err(ConfProblem::UnknownKey { key }),
            None => Ok(conf),
        }
    }
}

/// A point in time.
#[derive(Clone)]
struct Time {
    text: String,
    seconds: i64,
}

/// The keys of a conf that were not read yet.
struct Keys(Object);

impl Keys {
    fn take(&mut self, key: &'static str) -> Result<Value, ConfProblem> {
        // The order of keys does not matter here.
        let value = self.0.swap_remove(key);
        value.ok_or(ConfProblem::MissingKey { key })
    }

    fn text(&mut self, key: &'static str) -> Result<String, ConfProblem> {
        match self.take(key)? {
            Value::String(text) => Ok(text),
            other => Err(ConfProblem::value(key, other, "a text")),
        }
    }

    fn object(&mut self, key: &'static str) -> Result<Object, ConfProblem> {
        match self.take(key)? {
            Value::Object(object) => Ok(object),
            other => Err(ConfProblem::value(key, other, "an object")),
        }
    }

    /// Returns the name of a user or a group.
    fn name(&mut self, key: &'static str) -> Result<String, ConfProblem> {
        let name = self.text(key)?;
        match name.contains('\0') {
            true => Err(ConfProblem::value(
                key,
                Value::from(name),
                "a name without NUL",
            )),
            false => Ok(name),
        }
    }

    /// Returns the id of a user or a group: dockerTools writes it as a text.
    fn id(&mut self, key: &'static str) -> Result<u64, ConfProblem> {
        let value = self.take(key)?;
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => other.to_string(),
        };
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let id = text.parse().ok().filter(|_| is_number);
        id.ok_or_else(|| ConfProblem::value(key, value, ID))
    }

    /// Returns an absolute path of this machine, in the form that Python would give it.
    fn path(&mut self, key: &'static str) -> Result<String, ConfProblem> {
        let path = self.text(key)?;
        match is_store_path(&path) {
            true => Ok(path),
            false => Err(ConfProblem::value(key, Value::from(path), PATH)),
        }
    }

    fn optional_path(&mut self, key: &'static str) -> Result<Option<PathBuf>, ConfProblem> {
        match self.0.get(key) {
            Some(Value::Null) => self.take(key).map(|_| None),
            _ => self.path(key).map(|path| Some(path.into())),
        }
    }

    fn store_layers(&mut self, store_dir: &str) -> Result<Vec<Vec<String>>, ConfProblem> {
        const KEY: &str = "store_layers";
        let value = self.take(KEY)?;
        let layers: Vec<Vec<String>> = serde_json::from_value(value.clone())
            .map_err(|_| ConfProblem::value(KEY, value, "a list of lists of store paths"))?;
        let mut paths = layers.iter().flatten();
        match paths.find(|path| !is_in(path, store_dir)) {
            Some(path) => Err(outside(KEY, path, store_dir)),
            None => Ok(layers),
        }
    }

    fn customisation_layer(&mut self, store_dir: &str) -> Result<String, ConfProblem> {
        const KEY: &str = "customisation_layer";
        let path = self.path(KEY)?;
        match is_in(&path, store_dir) {
            true => Ok(path),
            false => Err(outside(KEY, &path, store_dir)),
        }
    }

    /// Returns a time. Nix writes it with `date --iso-8601=seconds`.
    fn time(&mut self, key: &'static str) -> Result<Time, ConfProblem> {
        let text = self.text(key)?;
        if text == "now" {
            return Err(ConfProblem::Now { key });
        }
        let parsed: Option<DateTime<FixedOffset>> = DateTime::parse_from_rfc3339(&text).ok();
        let zoned = text.split_at_checked("0000-00-00T00:00:00".len());
        // Python counts years from 1, and knows no leap seconds.
        let parsed = parsed.filter(|_| !text.starts_with("0000") && !text[17..].starts_with("60"));
        let (Some(parsed), Some((local, zone))) = (parsed, zoned) else {
            return Err(ConfProblem::value(key, Value::from(text), TIME));
        };
        let zone = match zone {
            "Z" | "-00:00" => "+00:00",
            zone if zone.len() == "+00:00".len() && local.as_bytes()[10] == b'T' => zone,
            _ => return Err(ConfProblem::value(key, Value::from(text), TIME)),
        };
        Ok(Time {
            text: format!("{local}{zone}"),
            seconds: parsed.timestamp(),
        })
    }
}

/// Returns the problem of a path that is not in the directory of the store.
fn outside(key: &'static str, path: &str, store_dir: &str) -> ConfProblem {
    let expected = format!("a store path in {store_dir}");
    ConfProblem::value(key, Value::from(path), &expected)
}

const ID: &str = "a number below 2^64";

const PATH: &str = "an absolute path of printable ASCII characters, without quotes and backslashes";

const TIME: &str = "a time like 2025-01-31T00:00:00+00:00";

/// Whether a path is below the directory of the store.
fn is_in(path: &str, store_dir: &str) -> bool {
    is_store_path(path) && path != store_dir && Path::new(path).starts_with(store_dir)
}

/// Whether a path is one that Nix may write, and that stands for the same path in Python and here.
fn is_store_path(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    let is_clean = parts.next() == Some(Component::RootDir)
        && parts
            .clone()
            .all(|part| matches!(part, Component::Normal(_)))
        && Path::new("/").join(parts.as_path()).as_os_str() == path;
    is_clean && config::is_plain(path)
}
