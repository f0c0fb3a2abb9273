//! The report of `polyarch pin`: a line for each reference.

use polyarch::pin::PinReport;

use super::{Failure, text, warning};

#[derive(Debug)]
pub struct PinView {
    /// Print warnings only.
    pub quiet: bool,
}

impl PinView {
    pub fn print(&self, report: &PinReport) -> Result<(), Failure> {
        for one in &report.warnings {
            warning(one);
        }
        if self.quiet {
            return Ok(());
        }
        text(|page| {
            for replaced in &report.replaced {
                let (file, line) = (replaced.file.display(), replaced.line);
                // A tag or digest that is to be filled in.
                let old = match &*replaced.old {
                    "" => "\"\"",
                    old => old,
                };
                page.line(&format!("{file}:{line}: {old} → {}", replaced.new));
            }
        })
    }
}
