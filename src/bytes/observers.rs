//! Observers read the bytes of inputs while they are copied.

use std::io::{Read, Seek};

use serde_json::Value;

use crate::bytes::progress::Progress;
use crate::oci::DiffId;

/// The observers of a command.
#[derive(Clone, Copy)]
pub struct Observers<'a> {
    /// Reads the decoded bytes of every layer.
    pub layers: Option<&'a dyn LayerObserver>,
    /// Counts the bytes that are read of each input.
    pub progress: &'a Progress,
}

/// Reads layers while they are copied.
pub trait LayerObserver: Sync {
    /// Reads as much of the decoded bytes as the observer needs. The returned function is called
    /// after all of them were read.
    fn observe<'a>(&'a self, layer: &mut dyn LayerStream) -> OnVerified<'a>;

    /// Returns what was found in a layer, to be restored by a later merge.
    fn save(&self, _layer: &DiffId) -> Option<Value> {
        None
    }

    /// Restores what was found in a layer, instead of reading it. Returns whether that was possible.
    fn restore(&self, _layer: &DiffId, _saved: &Value) -> bool {
        false
    }
}

/// Stores the result of an observer under the diff ID of the layer. The second argument is the number
/// of its decoded bytes.
pub type OnVerified<'a> = Box<dyn FnOnce(&DiffId, u64) + 'a>;

/// Decoded bytes. Seeking goes forward only, and skips bytes without a copy.
pub trait LayerStream: Read + Seek {}
