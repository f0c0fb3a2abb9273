//! How the output is written.

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An OCI image layout directory.
    Layout,
    /// An OCI image layout in a tar archive.
    Archive,
}

/// How the output is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// The format of the output.
    pub format: Format,
    /// Whether blobs of layout directories become links to them.
    pub link: bool,
    /// How many threads work.
    pub jobs: usize,
}
