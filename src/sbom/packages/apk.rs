//! The database of apk.
//!
//! Source: the wiki of Alpine Linux, "Apk spec", "Installed Database V2".

use super::{Claim, FileFindings, FoundPackage, blocks, claim_directory};
use crate::sbom::report::ComponentType;

/// Reads the installed packages and their files.
pub fn read(path: &[u8], text: &str, findings: &mut FileFindings) {
    claim_directory(path, findings);
    for block in blocks(text) {
        let of = |letter: &str| {
            let mut lines = block.lines();
            lines.find_map(|line| line.strip_prefix(letter)?.strip_prefix(':'))
        };
        let (Some(name), Some(version)) = (of("P"), of("V")) else {
            continue;
        };
        let mut package = FoundPackage::new(ComponentType::Apk, name, version);
        package.qualify("arch", of("A"));
        let origin = of("o").filter(|origin| *origin != name);
        package.qualify("upstream", origin);
        package.license = of("L").map(str::to_owned);
        if !findings.add(package) {
            return;
        }
        let mut directory = "";
        for line in block.lines() {
            match line.split_once(':') {
                Some(("F", path)) => directory = path,
                Some(("R", name)) => {
                    let path = format!("{directory}/{name}");
                    let path = path.trim_start_matches('/').as_bytes().to_vec();
                    if !findings.claim(Claim::File(path)) {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}
