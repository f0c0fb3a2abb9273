//! The result of `polyarch merge`: the digest on standard output; on standard error a line for each image,
//! what was written, and how to push it.

use std::io::{self, Write};
use std::path::PathBuf;

use polyarch::internals::sink::{may_write_digest, replace};
use polyarch::internals::text::{bytes, clean, message, quoted, tls_option};
use polyarch::merge::{Format, MergeReport, MergedImage};
use polyarch::oci::ImageName;

use super::progress::is_nix_build;
use super::{Failure, count, warning};

#[derive(Debug)]
pub struct MergeView {
    /// Print the whole descriptor and the warnings as JSON.
    pub json: bool,
    /// Print neither warnings nor images.
    pub quiet: bool,
    /// The output, its format and the name of the image, for the command that pushes it.
    pub output: PathBuf,
    /// Whether the output is standard output, where nothing else is printed.
    pub is_stdout: bool,
    /// The file that gets the digest.
    pub digest_file: Option<PathBuf>,
    pub format: Format,
    pub name: Option<ImageName>,
}

impl MergeView {
    /// Fails if the digest cannot be written, before the merge does its work.
    pub fn check_digest_file(&self) -> Result<(), Failure> {
        let file = self.digest_file.as_ref();
        file.map_or(Ok(()), |file| may_write_digest(file, &self.output))?;
        Ok(())
    }

    pub fn print(&self, merged: &MergeReport) -> Result<(), Failure> {
        if !self.quiet {
            for one in &merged.warnings {
                warning(one);
            }
            for line in self.lines(merged) {
                // A closed standard error is not a reason to fail.
                let _ = writeln!(io::stderr(), "{line}");
            }
        }
        if let Some(file) = &self.digest_file {
            let digest = format!("{}\n", merged.descriptor.digest);
            replace(file, digest.as_bytes())?;
        }
        if self.is_stdout {
            return Ok(());
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

    fn lines(&self, merged: &MergeReport) -> Vec<String> {
        let mut lines: Vec<String> = merged.images.iter().map(line).collect();
        let format = match self.format {
            Format::Layout => "oci-layout",
            Format::Archive => "oci-archive",
        };
        lines.push(format!(
            "wrote {}: {format}, {}, {}",
            match self.is_stdout {
                true => "to standard output".to_owned(),
                false => clean(&self.output.to_string_lossy()),
            },
            count(merged.images.len(), "platform"),
            bytes(merged.size)
        ));
        if self.is_stdout {
            lines.push(merged.descriptor.digest.to_string());
            return lines;
        }
        lines.extend(
            self.push(merged)
                .map(|command| format!("push it: {command}")),
        );
        lines
    }

    /// The command that pushes the output; none if the program cannot name its path. In a Nix build it is not
    /// the user's: the result of the build has a script for that.
    fn push(&self, merged: &MergeReport) -> Option<String> {
        if is_nix_build() {
            return None;
        }
        let path = self.output.to_str().filter(|path| !path.contains(':'))?;
        let transport = match self.format {
            Format::Layout => "oci",
            Format::Archive => "oci-archive",
        };
        let name = self.name.as_ref().map(ToString::to_string);
        // Only Docker itself pushes to docker.io/library, which is where a name without a registry leads.
        let name = match name.as_deref() {
            None => "REGISTRY/NAME:TAG".to_owned(),
            Some(name) => match name.strip_prefix("docker.io/library/") {
                Some(short) => format!("REGISTRY/{short}"),
                None => name.to_owned(),
            },
        };
        if merged.referrers > 0 {
            // skopeo copies no referrers.
            let source = format!("{path}@{}", merged.descriptor.digest);
            let option = match tls_option("to", &name).is_empty() {
                true => "",
                false => " --to-plain-http",
            };
            return Some(format!(
                "oras cp --recursive --from-oci-layout{option} {} {}",
                quoted(&source),
                clean(&name)
            ));
        }
        Some(format!(
            "skopeo copy --all --preserve-digests{} {} docker://{}",
            tls_option("dest", &name),
            quoted(&format!("{transport}:{path}")),
            clean(&name)
        ))
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
