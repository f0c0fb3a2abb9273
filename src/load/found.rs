//! What an observer finds in each layer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::oci::DiffId;
use crate::tar::TarError;
use crate::util::lock::lock;

/// What was found in each layer that was read, or the error that stopped reading it.
pub struct FoundInLayers<T>(Mutex<HashMap<DiffId, Result<Arc<T>, TarError>>>);

impl<T> FoundInLayers<T> {
    pub fn insert(&self, diff_id: &DiffId, found: Result<T, TarError>) {
        lock(&self.0).insert(diff_id.clone(), found.map(Arc::new));
    }

    /// Returns what was found in a layer; `None` if it was not read. An error is returned once.
    pub fn get(&self, diff_id: &DiffId) -> Result<Option<Arc<T>>, TarError> {
        let mut layers = lock(&self.0);
        if let Some(Ok(found)) = layers.get(diff_id) {
            return Ok(Some(found.clone()));
        }
        layers.remove(diff_id).transpose()
    }
}

impl<T> Default for FoundInLayers<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
