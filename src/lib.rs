//! Merges container images, one per platform, into one multi-platform OCI image: a pure function of
//! its inputs, without network, daemon, clock or privileges.
//!
//! ```text
//! argv ─cli→ request ─source→ images ─check→ images ─transform→ images ─merge→ index ─sink→ descriptor
//!            (pure)   one forward pass per tar or tree,         (pure)          (pure)  each blob written
//!                                                                              once, index.json last
//! ```
//!
//! Nothing flows back. [`merge()`] is that line as code, and each step is a room of its own:
//!
//! - [`source`] reads what an input holds, one file per format;
//! - [`check`] compares images with what the caller asserts, with each other, and with their programs;
//! - [`transform`] changes images, one file per change;
//! - [`mod@merge`] builds the image index;
//! - [`sink`] writes the output, all or nothing.
//!
//! They share [`image`] (what flows), [`oci`] (the documents of the image specification), [`bytes`]
//! (verified copies, codecs, staging), `tar` (the only place that reads tar headers), [`error`] and
//! [`util`].
//!
//! [`inspect`](mod@inspect), [`analyze`](mod@analyze) and [`diff`](mod@diff) read images through
//! [`load`] and keep nothing. [`verify`](mod@verify) collects every violation that a merge would stop
//! at; [`source::callbacks`] is where the two part.
//!
//! # Guarantees
//!
//! 1. Same inputs, same bytes, whatever the order of arguments, threads, machine, CPU features, umask,
//!    locale, directory or date.
//! 2. Identity is the raw bytes. What needs no change is copied, never serialised again.
//! 3. Every byte that goes out was verified on the pass that copies it. (`--link` links to blobs that
//!    were verified when they were written. `--trust-diff-ids` leaves out diff IDs on request.)
//! 4. A blob is always complete: digest and size are known before anything names them.
//! 5. The platform comes from the config; what the caller says is an assertion, and programs must
//!    match.
//! 6. All or nothing: after a failure or a signal nothing is left, and what was there is untouched.
//! 7. Bounded memory, whatever the size of an image.
//! 8. Nothing is lost without a word: unknown fields are carried; what cannot be carried is named in a
//!    warning.
//! 9. Input is hostile: no name from an input becomes a path, nothing panics or runs away.

pub mod analyze;
pub mod bytes;
pub mod check;
pub mod diff;
pub mod error;
pub mod image;
pub mod inspect;
pub mod load;
pub mod merge;
pub mod oci;
pub mod sink;
pub mod source;
mod tar;
pub mod transform;
pub mod util;
pub mod verify;

pub use bytes::codec::Compression;
pub use check::consistency::Consistency;
pub use error::Error;
pub use merge::{Annotations, Outcome, Request, Summary, merge};
pub use sink::Format;
pub use source::Input;
