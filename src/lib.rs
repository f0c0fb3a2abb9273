//! Merges container images, one per platform, into one multi-platform OCI image: a pure function of
//! its inputs, without network, daemon, clock or privileges.
//!
//! ```
//! use polyarch::merge::Format;
//! use polyarch::{Input, InspectRequest, MergeRequest, inspect, merge};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # std::env::set_current_dir(&directory)?;
//! # for architecture in ["amd64", "arm64"] {
//! #     let config = format!(
//! #         r#"{{"os":"linux","architecture":"{architecture}","rootfs":{{"type":"layers","diff_ids":[]}}}}"#
//! #     );
//! #     let manifest = r#"[{"Config":"config.json","RepoTags":[],"Layers":[]}]"#;
//! #     let file = std::fs::File::create(format!("{architecture}.tar"))?;
//! #     let mut archive = tar::Builder::new(file);
//! #     for (name, text) in [("manifest.json", manifest), ("config.json", &config)] {
//! #         let mut header = tar::Header::new_gnu();
//! #         header.set_size(text.len() as u64);
//! #         archive.append_data(&mut header, name, text.as_bytes())?;
//! #     }
//! #     archive.finish()?;
//! # }
//! // Two archives of `docker save` or dockerTools.
//! let inputs = ["amd64.tar", "arm64.tar"].map(Input::new);
//! let mut request = MergeRequest::new(inputs, "hello.tar");
//! request.output.format = Format::Archive;
//! let merged = merge(&request)?;
//! println!("{}", merged.descriptor.digest);
//!
//! let image = inspect(&InspectRequest::new(Input::new("hello.tar")))?;
//! assert_eq!(image.index, Some(merged.descriptor));
//! assert_eq!(image.platforms[0].platform, "linux/amd64");
//! assert_eq!(image.platforms[1].platform, "linux/arm64");
//! # Ok(())
//! # }
//! ```
//!
//! [`merge()`], [`verify()`], [`inspect()`], [`analyze()`], [`diff()`] and [`sbom()`] are the commands of the program.
//! Each takes a request, whose fields can be set after `new` or `default`. [`oci`] has the types of the
//! image specification that requests and results consist of.
//!
//! # The way of the data
//!
//! ```text
//! argv ─cli→ request ─source→ images ─check→ images ─transform→ images ─merge→ index ─sink→ descriptor
//!            (pure)   one forward pass per tar or tree,         (pure)          (pure)  each blob written
//!                                                                              once, index.json last
//! ```
//!
//! Nothing flows back. `main.rs` is the table of contents of the program: parse (`cli`), run with
//! progress, show the result (`show`). [`merge()`] is the line above as code, and each step is a room:
//!
//! - `source` reads what an input holds, one file per format;
//! - `check` compares images with what the caller asserts, with each other, and with their programs;
//! - `transform` changes images, one file per change;
//! - `merge` builds the image index;
//! - `sink` writes the output, all or nothing.
//!
//! They share `image` (the data between them), `records` (layers that earlier merges have compressed), `oci` (the documents of the image specification), `bytes` (verified
//! copies, codecs, staging), `tar` (the only place that reads tar headers), `error` and `util`.
//!
//! `inspect`, `analyze`, `diff` and `sbom` read images through `load` and keep nothing. `verify` collects every
//! violation that a merge would stop at; `source::callbacks` decides which of the two happens.
//!
//! # Guarantees
//!
//! 1. Same inputs, same bytes, whatever the order of arguments, threads, machine, CPU features, umask,
//!    locale, directory or date.
//! 2. The identity of a document is its raw bytes. A document that needs no change is copied, never
//!    serialised again.
//! 3. Every byte that is written was verified in the pass that copies it. (`--link` links to blobs that
//!    were verified when they were written. `--reuse` trusts the diff IDs that an earlier merge has
//!    recorded, `--trust-diff-ids` all of them.)
//! 4. A blob is always complete: its digest and size are known before a document names it.
//! 5. The platform comes from the config. A platform from the caller is an assertion, and programs must
//!    match the platform.
//! 6. All or nothing: a failure or a signal leaves no new files, and the existing output is unchanged.
//! 7. Memory is bounded, whatever the size of an image.
//! 8. Nothing is lost silently: unknown fields are carried; a warning names each thing that cannot be
//!    carried.
//! 9. Inputs are hostile: no name from an input becomes a path, and no input causes a panic or
//!    unbounded work.

pub mod analyze;
pub mod diff;
pub mod inspect;
pub mod merge;
pub mod oci;
pub mod pin;
pub mod sbom;
pub mod verify;

mod bytes;
mod check;
mod error;
mod image;
mod load;
mod records;
mod sink;
mod source;
mod tar;
mod transform;
mod util;

pub use analyze::{AnalyzeRequest, analyze};
pub use bytes::progress::{InputProgress, Progress};
pub use check::CheckLevel;
pub use diff::{DiffRequest, diff};
pub use error::{Code, Error, Warning};
pub use inspect::{InspectRequest, inspect};
pub use merge::{MergeRequest, merge};
pub use pin::{PinRequest, pin};
pub use sbom::{SbomRequest, sbom};
pub use source::{Input, Select};
pub use verify::{VerifyRequest, verify};

/// What the binary, the fuzz targets and the benches of this repository use besides the API. It changes
/// without notice.
#[doc(hidden)]
pub mod internals {
    pub use crate::check::{image_facts, programs};
    pub use crate::util::text;

    pub mod bytes {
        pub use crate::bytes::{Algorithms, LayerObserver, SizedDigest, codec, copy};
    }

    pub mod error {
        pub use crate::error::{OTHER_WARNINGS, Problem};
    }

    pub mod oci {
        pub use crate::oci::config::Config;
        pub use crate::oci::digest::Hasher;
        pub use crate::oci::document::Document;
        pub use crate::oci::execution::Execution;
        pub use crate::oci::index::Index;
        pub use crate::oci::layout::layout_version;
        pub use crate::oci::manifest::Manifest;
        pub use crate::oci::name::NAME_ANNOTATIONS;
    }

    pub mod sbom {
        pub use crate::sbom::FileSearch;
    }

    pub mod sink {
        pub use crate::sink::{
            SBOM_TABLE, clean_up, create_directory, may_replace_page, may_replace_sbom,
            may_write_digest, replace,
        };
    }

    pub mod tar {
        pub use crate::tar::{EntryKind, TarArchive};
    }

    pub mod store_path {
        pub use crate::analyze::names::{package, store_name};
    }
}
