//! Waste as the report lists it.

use serde::Serialize;

/// Bytes that need not be there, of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waste {
    /// A word for programs, such as `copied-from-store`.
    pub kind: &'static str,
    /// What it is.
    pub title: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// The bytes, without compression.
    pub bytes: u64,
    /// How many items there are.
    pub count: usize,
    /// The largest of them, largest first.
    pub items: Vec<WasteItem>,
}

/// A file that need not be there, or a group of files that are the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WasteItem {
    /// What could be saved.
    pub bytes: u64,
    /// What it is: a path, or several of the same content. At most ten of them are listed.
    pub paths: Vec<String>,
    /// How many paths there are.
    pub count: usize,
    /// The position of the layer that has it, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<usize>,
    /// The position of the layer that hides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_by: Option<usize>,
    /// The platforms that have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
}

/// A kind of waste: its name, and how to avoid it.
pub struct WasteKind {
    pub kind: &'static str,
    pub title: &'static str,
    pub advice: &'static str,
}
