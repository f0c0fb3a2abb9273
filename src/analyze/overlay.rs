//! The layers of an image on top of each other: which paths of a layer the layers above hide.

use super::layer_files::Mark;
use super::paths::{PathId, PathTree, ROOT};

/// The state of a path after the layers above.
#[derive(Clone, Copy, Default)]
struct PathState {
    /// The layers (numbered from 1 at the top) that have the path, delete it, or empty it.
    present: u32,
    deleted: u32,
    emptied: u32,
    /// The last layer for which nothing hides the content of the directory.
    visible: u32,
}

/// The reason why a file is hidden: a layer, by its position, or a later entry of the same layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    Overwritten(usize),
    Deleted(usize),
    Repeated,
}

/// The layers of an image, from the top down.
pub struct Overlay<'a> {
    paths: &'a PathTree,
    states: Vec<PathState>,
    /// The number of the current layer, from 1 at the top.
    layer: u32,
    /// The positions of the layers in the image, by their numbers less one.
    positions: Vec<usize>,
}

impl<'a> Overlay<'a> {
    /// Starts above all layers.
    pub fn new(paths: &'a PathTree) -> Self {
        Self {
            paths,
            states: vec![PathState::default(); paths.len()],
            layer: 0,
            positions: Vec::new(),
        }
    }

    /// Moves down to the next layer, which is at `position` in the image.
    pub fn descend(&mut self, position: usize) {
        self.layer += 1;
        self.positions.push(position);
    }

    /// Returns the reason why a path of this layer is hidden, if it is.
    pub fn hidden_by(&mut self, path: PathId) -> Option<Hidden> {
        let position = |view: &Self, number: u32| view.positions[number as usize - 1];
        let state = self.states[path as usize];
        let above = |number: u32| number != 0 && number < self.layer;
        if above(state.present) {
            return Some(Hidden::Overwritten(position(self, state.present)));
        }
        if state.present != 0 {
            return Some(Hidden::Repeated);
        }
        if above(state.deleted) {
            return Some(Hidden::Deleted(position(self, state.deleted)));
        }
        let mut node = path;
        while node != ROOT {
            node = self.paths.parent(node);
            let state = self.states[node as usize];
            if state.visible == self.layer {
                break;
            }
            for number in [state.deleted, state.emptied] {
                if above(number) {
                    return Some(Hidden::Deleted(position(self, number)));
                }
            }
            // A directory below, something else above.
            if above(state.present) {
                return Some(Hidden::Overwritten(position(self, state.present)));
            }
        }
        // Paths beside it then need not go up to the root again.
        let mut node = path;
        while node != ROOT {
            node = self.paths.parent(node);
            let state = &mut self.states[node as usize];
            if state.visible == self.layer {
                break;
            }
            state.visible = self.layer;
        }
        None
    }

    /// Records that this layer has a file at a path, which hides the files of layers below.
    pub fn add_file(&mut self, path: PathId) {
        self.states[path as usize].present = self.layer;
    }

    /// Records another mark of this layer.
    pub fn mark(&mut self, node: PathId, mark: Mark) {
        let state = &mut self.states[node as usize];
        let field = match mark {
            Mark::Other => &mut state.present,
            Mark::Deleted => &mut state.deleted,
            Mark::Emptied => &mut state.emptied,
        };
        // The topmost layer counts.
        if *field == 0 {
            *field = self.layer;
        }
    }

    /// Whether the image has something at a path.
    pub fn contains(&self, node: PathId) -> bool {
        self.states[node as usize].present != 0
    }
}
