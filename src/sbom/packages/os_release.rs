//! The distribution that an image is made of: `os-release(5)`.

/// The distribution, which package URLs name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// Such as `debian`.
    pub id: String,
    /// Such as `12`; may be empty.
    pub version: String,
}

impl OsRelease {
    /// Returns the distribution; none without a valid `ID`.
    pub fn parse(text: &str) -> Option<Self> {
        let of = |key: &str| {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
            let value = value.trim().trim_matches(['"', '\'']);
            is_valid(value).then(|| value.to_owned())
        };
        Some(Self {
            id: of("ID")?,
            version: of("VERSION_ID").unwrap_or_default(),
        })
    }
}

/// Whether a value has only the letters that os-release(5) allows in an ID or a version.
fn is_valid(value: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-+~".contains(&b);
    !value.is_empty() && value.len() <= 64 && value.bytes().all(is_allowed)
}
