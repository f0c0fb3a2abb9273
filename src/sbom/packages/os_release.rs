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
    pub fn parse(text: &str) -> Self {
        let of = |key: &str| {
            let value = text
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            value.map_or("", |value| value.trim().trim_matches(['"', '\'']))
        };
        Self {
            id: of("ID").to_owned(),
            version: of("VERSION_ID").to_owned(),
        }
    }
}
