//! The documents of the [OCI image specification] as data.
//!
//! `oci-spec` gives us the media types, the digest grammar, the reference grammar and the layout
//! marker. Its descriptors, platforms and configs drop unknown fields when they are written back, so
//! those types are defined here: all other fields of an input are kept in `extra` and written again.
//!
//! [OCI image specification]: https://github.com/opencontainers/image-spec

#![allow(
    missing_docs,
    reason = "fields have the names of the specification, which describes them"
)]

pub(crate) mod artifact;
pub(crate) mod attestation;
pub(crate) mod config;
mod descriptor;
pub(crate) mod digest;
pub(crate) mod document;
pub(crate) mod execution;
pub(crate) mod field_types;
pub(crate) mod go_json;
pub(crate) mod index;
pub(crate) mod json_keys;
pub(crate) mod layout;
pub(crate) mod manifest;
pub(crate) mod name;
mod platform;
pub(crate) mod statement;
mod time;

pub use descriptor::Descriptor;
pub(crate) use descriptor::{ZSTD_MARK, describes_bytes};
pub use digest::{Algorithm, DiffId, Digest};
pub use name::ImageName;
pub use oci_spec::image::MediaType;
pub use platform::Platform;

pub(crate) use config::Config;
pub(crate) use digest::Hasher;
pub(crate) use document::{
    Document, MAX_CONFIG, MAX_MANIFEST, confusable, extent, has_unsupported_algorithm, parse,
};
pub(crate) use execution::Execution;
pub(crate) use index::Index;
pub(crate) use layout::{
    DOCKER_FIELDS, DOCKER_FILE, INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION, LEGACY_DOCKER_FILES,
    layout_marker, layout_version,
};
pub(crate) use manifest::Manifest;
pub(crate) use name::NAME_ANNOTATIONS;
pub(crate) use time::normal_time;

/// Docker's names of the documents that OCI renamed ("Image Manifest V 2, Schema 2").
pub(crate) mod docker {
    /// A manifest list: Docker's image index.
    pub const MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// An image manifest.
    pub const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// An image config.
    pub const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// What Docker of 2015 and 2016 calls an image config; containerd and registries convert it
    /// (containerd `core/remotes/docker/converter.go`).
    pub const LEGACY_CONFIG: &str = "application/octet-stream";
    /// A layer, uncompressed.
    pub const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
    /// A layer, gzip.
    pub const LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    /// A layer, zstd.
    pub const LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";
    /// A layer that must be fetched from elsewhere, uncompressed.
    pub const FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";
    /// The same, gzip.
    pub const FOREIGN_LAYER_GZIP: &str =
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    /// The same, zstd.
    pub const FOREIGN_LAYER_ZSTD: &str =
        "application/vnd.docker.image.rootfs.foreign.diff.tar.zstd";
    /// Docker's first manifest format, signed or not, whose layers no config describes.
    pub const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1";
}
