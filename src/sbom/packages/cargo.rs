//! What `cargo auditable` puts into a program: the crates, as JSON that is compressed with zlib.
//!
//! Source: `PARSING.md` of cargo-auditable. The section `.dep-v0` is found by its content, because the
//! headers of sections are at the end of a program, and a program may be larger than memory.

use flate2::{Decompress, FlushDecompress, Status};
use serde::Deserialize;

use super::FoundPackage;
use crate::sbom::report::ComponentType;

/// How the JSON starts.
const START: &[u8] = br#"{"packages":["#;

/// The second bytes of zlib streams with the usual window.
const LEVELS: [u8; 4] = [0x01, 0x5e, 0x9c, 0xda];

/// The size of the largest JSON; the default of cargo-auditable's own readers.
const MAX_SIZE: usize = 8 << 20;

/// The list while it is decompressed.
pub struct AuditData {
    stream: Decompress,
    json: Vec<u8>,
    is_complete: bool,
    has_failed: bool,
}

impl AuditData {
    /// Whether bytes start like a zlib stream.
    pub fn may_start(bytes: &[u8]) -> bool {
        matches!(bytes, [0x78, level, ..] if LEVELS.contains(level))
    }

    /// Starts at the bytes of a zlib stream, if the JSON of cargo-auditable is in it.
    pub fn start(bytes: &[u8]) -> Option<Self> {
        let mut first = [0; START.len()];
        let mut trial = Decompress::new(true);
        let short = &bytes[..bytes.len().min(super::program::LOOK_AHEAD)];
        trial
            .decompress(short, &mut first, FlushDecompress::None)
            .ok()?;
        if first != START {
            return None;
        }
        let mut data = Self {
            stream: Decompress::new(true),
            json: Vec::new(),
            is_complete: false,
            has_failed: false,
        };
        data.add(bytes);
        Some(data)
    }

    /// Decompresses the next bytes.
    pub fn add(&mut self, mut bytes: &[u8]) {
        while !self.is_complete {
            self.json.reserve(64 << 10);
            let (read, written) = (self.stream.total_in(), self.stream.total_out());
            let done = self
                .stream
                .decompress_vec(bytes, &mut self.json, FlushDecompress::None);
            let used = usize::try_from(self.stream.total_in() - read).unwrap_or(bytes.len());
            bytes = &bytes[used..];
            match done {
                Err(_) => self.fail(),
                Ok(_) if self.json.len() > MAX_SIZE => self.fail(),
                Ok(Status::StreamEnd) => self.is_complete = true,
                // It waits for more bytes.
                Ok(_) if used == 0 && self.stream.total_out() == written => return,
                Ok(_) => {}
            }
        }
    }

    fn fail(&mut self) {
        (self.is_complete, self.has_failed) = (true, true);
        self.json.clear();
    }

    /// Whether it is damaged or too large. Where that is noticed depends on the sizes of the chunks.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The bytes of the stream.
    pub fn used(&self) -> u64 {
        self.stream.total_in()
    }

    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    pub fn into_json(self) -> Vec<u8> {
        self.json
    }
}

#[derive(Deserialize)]
struct VersionInfo {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    kind: String,
}

/// Returns the crates that a program was made of. Those of build scripts are not in it.
pub fn packages(json: &[u8]) -> Vec<FoundPackage> {
    let Ok(info) = serde_json::from_slice::<VersionInfo>(json) else {
        return Vec::new();
    };
    let runtime = info.packages.iter().filter(|found| found.kind != "build");
    runtime
        .map(|found| FoundPackage::new(ComponentType::Cargo, &found.name, &found.version))
        .collect()
}
