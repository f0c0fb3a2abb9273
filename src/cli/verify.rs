//! `polyarch verify`: its arguments, and its report as text.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Args;
use polyarch::Input;
use polyarch::check::programs::Check;
use polyarch::util::text::{clean, message};
use polyarch::verify::{Report, Severity};

use super::merge::CheckArg;
use super::{MAX_JOBS, input};

/// Read images again, every byte of them, and say all that is wrong
///
/// Looks at digests and sizes, at layers against the diff IDs of their configs, at platforms, media
/// types, names, and at what only some consumers stumble over. Nothing is written.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  An image before it is pushed:
    polyarch verify hello.tar

  Archives of dockerTools, each held to its platform:
    polyarch verify linux/amd64=hello-amd64.tar.gz linux/arm64=hello-arm64.tar.gz

  What comes through a pipe; only errors:
    ./stream-hello | polyarch verify --quiet -

  The ids of all warnings:
    polyarch verify --json hello.tar | jq -r '.findings[] | select(.severity == \"warning\") | .id'

docs/verify.md lists what can be found, and the fields of --json.

Exit code: 0 no errors (there may be warnings and notes), 1 errors, 2 wrong usage.")]
pub struct VerifyArgs {
    /// The images, as for `polyarch merge`; all of what is in them is read
    ///
    /// `PLATFORM=` in front asserts the platform of an image. `#NAME:TAG`, `#TAG` or `#@POSITION` behind
    /// it picks one of several images. `-` comes through standard input.
    #[arg(required = true, value_name = "[PLATFORM=]IMAGE[#WHICH]")]
    images: Vec<OsString>,

    /// What to do about an image that starts a program for another platform
    #[arg(long, value_name = "HOW", default_value = "error")]
    platform_check: CheckArg,

    /// How many threads to use [default: NIX_BUILD_CORES if it is set and not 0, else all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_JOBS as i64))]
    jobs: Option<u16>,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    /// Print errors only, and nothing where there are none; --json prints everything all the same
    #[arg(short, long)]
    quiet: bool,
}

impl VerifyArgs {
    /// The images, or what is wrong with the arguments.
    pub fn inputs(&self) -> Result<Vec<Input>, String> {
        let inputs: Vec<Input> = self.images.iter().map(|image| input(image)).collect();
        super::check_inputs(&inputs)?;
        Ok(inputs)
    }

    /// How many threads may work.
    pub fn jobs(&self, default_jobs: usize) -> usize {
        self.jobs.map_or(default_jobs, usize::from)
    }

    /// How programs for other platforms are taken.
    pub fn platform_check(&self) -> Check {
        self.platform_check.into()
    }

    /// Prints the report.
    pub fn print(&self, report: &Report) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let printed = match self.json {
            true => serde_json::to_writer_pretty(&mut stdout, report)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(stdout)),
            false => self.print_text(report, &mut stdout),
        };
        match printed.and_then(|()| stdout.flush()) {
            // Who has seen enough.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            printed => printed,
        }
    }

    fn print_text(&self, report: &Report, out: &mut impl Write) -> io::Result<()> {
        for checked in &report.inputs {
            let findings = report.findings.iter().filter(|f| f.input == checked.input);
            let shown = |severity| !self.quiet || severity == Severity::Error;
            let findings: Vec<_> = findings.filter(|f| shown(f.severity)).collect();
            if self.quiet && findings.is_empty() {
                continue;
            }
            write!(out, "{}: ", clean(&checked.input))?;
            match checked.format {
                None => writeln!(out, "cannot be read")?,
                Some(format) => {
                    let images = checked.images.iter().map(|image| image.platform.as_str());
                    let images = images.collect::<Vec<_>>().join(", ");
                    let (blobs, bytes) = (checked.blobs, checked.bytes);
                    let images = match &*images {
                        "" => "no image",
                        images => images,
                    };
                    let images = clean(images);
                    writeln!(out, "{format}, {images}; {blobs} layers, {bytes} bytes")?;
                }
            }
            for finding in findings {
                let severity = finding.severity.name();
                let text = message(&finding.message).replace('\n', "\n      ");
                writeln!(out, "  {severity}: {text} [{}]", finding.id)?;
                if let Some(hint) = &finding.hint {
                    writeln!(out, "    hint: {}", clean(hint))?;
                }
            }
        }
        if self.quiet {
            return Ok(());
        }
        let count = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        writeln!(
            out,
            "{}, {}, {} in {}",
            count(report.errors, "error"),
            count(report.warnings, "warning"),
            count(report.notes, "note"),
            count(report.inputs.len(), "input")
        )
    }
}
