//! A file of an input.

use crate::image::Content;

/// The content and the size of a file that an input has.
#[derive(Clone)]
pub struct TreeFile {
    pub content: Content,
    pub size: u64,
}
