//! Waste as the report lists it.

use serde::Serialize;

/// Bytes of one kind that an image does not need, and how to avoid them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Waste {
    pub kind: &'static str,
    pub title: &'static str,
    pub advice: &'static str,
    pub bytes: u64,
    pub count: usize,
    /// The largest items, largest first.
    pub items: Vec<WasteItem>,
}

/// A file that an image does not need, or a group of files of the same content.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WasteItem {
    pub bytes: u64,
    /// At most ten paths.
    pub paths: Vec<String>,
    /// The number of all paths, listed or not.
    pub count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_by: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
}

/// A kind of waste: its name, and how to avoid it.
pub struct WasteKind {
    pub kind: &'static str,
    pub title: &'static str,
    pub advice: &'static str,
    /// The advice for images of Nix.
    pub nix_advice: &'static str,
}

impl WasteKind {
    /// The kind with the advice for an image that is or is not one of Nix.
    pub fn advised(&self, is_nix: bool) -> Self {
        let advice = if is_nix { self.nix_advice } else { self.advice };
        Self { advice, ..*self }
    }

    /// A kind whose advice is the same everywhere.
    pub const fn new(kind: &'static str, title: &'static str, advice: &'static str) -> Self {
        Self {
            kind,
            title,
            advice,
            nix_advice: advice,
        }
    }
}
