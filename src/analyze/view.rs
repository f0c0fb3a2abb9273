//! An image as a container sees it: which of its paths later layers hide.

use super::paths::{Node, Paths, ROOT};
use super::survey::Mark;

/// What of a path is seen from above.
#[derive(Clone, Copy, Default)]
struct State {
    /// The layers (by their number from the top, from 1) that have the path, delete it, empty it.
    present: u32,
    deleted: u32,
    emptied: u32,
    /// The layer for which it was found that nothing hides what is in it.
    free: u32,
}

/// What hides a file: a layer by its position, or a later entry of the same layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    Overwritten(usize),
    Deleted(usize),
    Repeated,
}

/// An image, looked at from its top layer down.
pub struct View<'a> {
    paths: &'a Paths,
    states: Vec<State>,
    /// The number of the layer that is looked at, from 1 at the top.
    layer: u32,
    /// The positions of the layers in the image, by their numbers less one.
    names: Vec<usize>,
}

impl<'a> View<'a> {
    /// One above all layers.
    pub fn new(paths: &'a Paths) -> Self {
        Self {
            paths,
            states: vec![State::default(); paths.len()],
            layer: 0,
            names: Vec::new(),
        }
    }

    /// Goes down to the next layer, which is at `position` in the image.
    pub fn descend(&mut self, position: usize) {
        self.layer += 1;
        self.names.push(position);
    }

    /// What hides a path of this layer.
    pub fn hidden(&mut self, path: Node) -> Option<Hidden> {
        let name = |view: &Self, number: u32| view.names[number as usize - 1];
        let state = self.states[path as usize];
        let above = |number: u32| number != 0 && number < self.layer;
        if above(state.present) {
            return Some(Hidden::Overwritten(name(self, state.present)));
        }
        if state.present != 0 {
            return Some(Hidden::Repeated);
        }
        if above(state.deleted) {
            return Some(Hidden::Deleted(name(self, state.deleted)));
        }
        let mut node = path;
        while node != ROOT {
            node = self.paths.parent(node);
            let state = self.states[node as usize];
            if state.free == self.layer {
                break;
            }
            for number in [state.deleted, state.emptied] {
                if above(number) {
                    return Some(Hidden::Deleted(name(self, number)));
                }
            }
            // A directory below, something else above.
            if above(state.present) {
                return Some(Hidden::Overwritten(name(self, state.present)));
            }
        }
        // What is beside it need not go all the way again.
        let mut node = path;
        while node != ROOT {
            node = self.paths.parent(node);
            let state = &mut self.states[node as usize];
            if state.free == self.layer {
                break;
            }
            state.free = self.layer;
        }
        None
    }

    /// Takes down that this layer has a file at a path: it hides what is there further down.
    pub fn put(&mut self, path: Node) {
        self.states[path as usize].present = self.layer;
    }

    /// Takes down what else this layer does.
    pub fn mark(&mut self, node: Node, mark: Mark) {
        let state = &mut self.states[node as usize];
        let field = match mark {
            Mark::Other => &mut state.present,
            Mark::Deleted => &mut state.deleted,
            Mark::Emptied => &mut state.emptied,
        };
        // What the topmost one does stays done.
        if *field == 0 {
            *field = self.layer;
        }
    }

    /// Whether the image has something at a path.
    pub fn has(&self, node: Node) -> bool {
        self.states[node as usize].present != 0
    }
}
