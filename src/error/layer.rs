//! Defects of layers that are valid archives, but that runtimes do not unpack.

use super::Severity;

/// A program that unpacks layers.
///
/// Docker and CRI-O use the code of containerd or podman: tar-split and `archive` of moby or containers/storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpacker {
    /// containerd, with Kubernetes and newer versions of Docker.
    Containerd,
    /// podman, buildah, skopeo (`containers-storage:`) and CRI-O.
    Podman,
    /// umoci.
    Umoci,
}

impl Unpacker {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Podman => "podman",
            Self::Umoci => "umoci",
        }
    }
}

/// A rule for the entries of a layer.
#[derive(Debug)]
pub struct LayerRule {
    /// The requirement.
    pub demand: &'static str,
    /// Why unpacking fails otherwise.
    pub source: &'static str,
    /// Which programs refuse a layer that breaks it.
    pub refused_by: &'static [Unpacker],
}

impl LayerRule {
    /// Returns the severity of a violation: an error if no runtime takes such a layer.
    pub fn severity(&self) -> Severity {
        use Unpacker::{Containerd, Podman};
        match [Containerd, Podman]
            .iter()
            .all(|runtime| self.refused_by.contains(runtime))
        {
            true => Severity::Error,
            false => Severity::Warning,
        }
    }

    /// Returns the names of the programs that refuse such a layer.
    pub fn refused_by(&self) -> String {
        let names: Vec<&str> = self
            .refused_by
            .iter()
            .map(|unpacker| unpacker.name())
            .collect();
        names.join(", ")
    }
}

macro_rules! layer_defects {
    ($($name:ident { $($field:ident),* } $text:literal, $demand:literal, $source:literal, $refused_by:ident;)*) => {
        /// A violation of a rule for the entries of a layer.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum LayerDefect {
            $(#[error($text)] $name { $($field: String),* },)*
        }

        impl LayerDefect {
            /// Returns the rule.
            pub fn rule(&self) -> &'static LayerRule {
                match self {
                    $(Self::$name { .. } => &LayerRule { demand: $demand, source: $source, refused_by: $refused_by },)*
                }
            }
        }

        /// The rules. `docs/verify.md` lists them, and `tests/integration/verify/unpackers.rs` has a layer for each.
        pub const LAYER_RULES: &[LayerRule] = &[$(
            LayerRule { demand: $demand, source: $source, refused_by: $refused_by }
        ),*];
    };
}

const ALL: &[Unpacker] = &[Unpacker::Containerd, Unpacker::Podman, Unpacker::Umoci];
const RUNTIMES: &[Unpacker] = &[Unpacker::Containerd, Unpacker::Podman];
const NOT_PODMAN: &[Unpacker] = &[Unpacker::Containerd, Unpacker::Umoci];
const NOT_CONTAINERD: &[Unpacker] = &[Unpacker::Podman, Unpacker::Umoci];
const PODMAN: &[Unpacker] = &[Unpacker::Podman];
const UMOCI: &[Unpacker] = &[Unpacker::Umoci];

layer_defects! {
    LinkToNothing { name, target }
        "the hard link {name:?} has the target {target:?}, which does not precede it",
        "The target of a hard link is an earlier entry, or a file of a layer below.",
        "POSIX `pax`, \"ustar Interchange Format\"; link(2), ENOENT", ALL;
    LinkToItself { name }
        "the hard link {name:?} has itself as its target",
        "A hard link does not have itself as its target.",
        "link(2), ENOENT: an unpacker removes the file of its name first", ALL;
    LinkToDirectory { name, target }
        "the hard link {name:?} has the directory {target:?} as its target",
        "The target of a hard link is not a directory.",
        "link(2), EPERM", ALL;
    BelowFile { name, file }
        "the entry {name:?} is below {file:?}, which is not a directory",
        "No entry is below a file, also not one of a layer below.",
        "mkdir(2), ENOTDIR; umoci before 0.6 refuses it too", RUNTIMES;
    LongName { name }
        "the entry {name:?} has a part of more than 255 bytes in its name",
        "The parts of a name have at most 255 bytes.",
        "limits.h of Linux, `NAME_MAX`", ALL;
    LongPath { name }
        "the entry {name:?} has a name of more than 4095 bytes",
        "A name has at most 4095 bytes.",
        "limits.h of Linux, `PATH_MAX`", ALL;
    EmptySymlink { name }
        "the symbolic link {name:?} has no target",
        "A symbolic link has a target.",
        "symlink(2), ENOENT", ALL;
    LongSymlink { name }
        "the symbolic link {name:?} has a target of more than 4095 bytes",
        "The target of a symbolic link has at most 4095 bytes.",
        "symlink(2), ENAMETOOLONG", ALL;
    Root { name }
        "the entry {name:?} is the root directory, but has another type",
        "The root directory is a directory.",
        "rmdir(2), EBUSY", NOT_CONTAINERD;
    Whiteout { name }
        "the whiteout {name:?} does not name a file",
        "A whiteout has the name of a file after `.wh.`.",
        "image-spec, layer.md, \"Whiteouts\"", ALL;
    WhiteoutOfDirectory { name }
        "the whiteout {name:?} names the directory that it is in",
        "A whiteout does not name the directory that it is in.",
        "image-spec, layer.md, \"Whiteouts\"", NOT_PODMAN;
    LongAttribute { name, attribute }
        "the attribute {attribute:?} of the entry {name:?} has more than 65536 bytes",
        "An extended attribute has at most 65536 bytes.",
        "limits.h of Linux, `XATTR_SIZE_MAX`", ALL;
    AttributeName { name, attribute }
        "the entry {name:?} has an attribute whose name is empty or has more than 255 bytes: {attribute:?}",
        "The name of an extended attribute has 1 to 255 bytes, also after its namespace.",
        "limits.h of Linux, `XATTR_NAME_MAX`; setxattr(2), ERANGE and EINVAL", ALL;
    UserAttribute { name, attribute }
        "the entry {name:?} has the attribute {attribute:?}, but is neither a file nor a directory",
        "Only files and directories have extended attributes of users.",
        "xattr(7), EPERM", NOT_CONTAINERD;
    Capabilities { name }
        "the entry {name:?} has a security.capability that Linux does not know",
        "The attribute `security.capability` has a form that Linux knows.",
        "capability.h of Linux, `vfs_cap_data`; setxattr(2), EINVAL", ALL;
    EntryType { name, kind }
        "the entry {name:?} is of the type \"{kind}\"",
        "The types of entries are those of files, directories, links, devices and pipes.",
        "image-spec, layer.md, \"File Types\"; Go's programs unpack no other", ALL;
    GlobalHeader { name }
        "the entry {name:?} is a pax header for all entries",
        "There are no pax headers for all entries.",
        "the source of umoci, `unpackEntry`", UMOCI;
    Repeated { name }
        "the entry {name:?} is there twice",
        "No name is there twice.",
        "the source of tar-split, `ErrDuplicatePath`; Docker uses it too", PODMAN;
}
