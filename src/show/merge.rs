//! The result of `polyarch merge`: the digest on standard output, a line for each image on standard
//! error.

use std::io::{self, Write};

use polyarch::internals::text::{bytes, clean, message};
use polyarch::merge::{MergeReport, MergedImage};

use super::{Failure, count, warning};

#[derive(Debug)]
pub struct MergeView {
    /// Print the whole descriptor and the warnings as JSON.
    pub json: bool,
    /// Print neither warnings nor images.
    pub quiet: bool,
}

impl MergeView {
    pub fn print(&self, merged: &MergeReport) -> Result<(), Failure> {
        if !self.quiet {
            for one in &merged.warnings {
                warning(one);
            }
            for image in &merged.images {
                // A closed standard error is not a reason to fail.
                let _ = writeln!(io::stderr(), "{}", line(image));
            }
        }
        self.print_descriptor(merged).map_err(|e| {
            let problem = format!("the output is complete, but its digest cannot be printed: {e}");
            Failure::Print(problem)
        })
    }

    fn print_descriptor(&self, merged: &MergeReport) -> io::Result<()> {
        let mut stdout = io::stdout();
        if self.json {
            serde_json::to_writer(&mut stdout, merged)?;
            writeln!(stdout)?;
        } else {
            writeln!(stdout, "{}", merged.descriptor.digest)?;
        }
        stdout.flush()
    }
}

fn line(image: &MergedImage) -> String {
    format!(
        "{:<16} {:>11} {:>8}  {}",
        clean(&image.platform.to_string()),
        count(image.layers, "layer"),
        bytes(image.size),
        message(&image.origin)
    )
}
