//! The report of `polyarch verify`.

use std::fmt::{self, Write};

use polyarch::internals::text::{self, clean, message};
use polyarch::verify::{Severity, VerifiedInput, VerifyReport};

use super::{Failure, bytes, count, json};

#[derive(Debug)]
pub struct VerifyView {
    pub json: bool,
    /// Print errors only. JSON still has everything.
    pub quiet: bool,
}

impl VerifyView {
    pub fn print(&self, report: &VerifyReport) -> Result<(), Failure> {
        if self.json {
            json(report)?;
        } else {
            let text = self.text(report);
            let text = text.unwrap_or_else(|e| unreachable!("memory takes all: {e}"));
            bytes(text.as_bytes())?;
        }
        match report.errors {
            0 => Ok(()),
            _ => Err(Failure::Findings),
        }
    }

    fn text(&self, report: &VerifyReport) -> Result<String, fmt::Error> {
        let mut page = String::new();
        for input in &report.inputs {
            let findings = report.findings.iter().filter(|f| f.input == input.input);
            let is_shown = |severity| !self.quiet || severity == Severity::Error;
            let mut findings = findings.filter(|f| is_shown(f.severity)).peekable();
            if self.quiet && findings.peek().is_none() {
                continue;
            }
            writeln!(page, "{}: {}", clean(&input.input), content(input))?;
            for finding in findings {
                let severity = finding.severity.name();
                let text = message(&finding.message).replace('\n', "\n      ");
                writeln!(page, "  {severity}: {text} [{}]", finding.id)?;
                if let Some(hint) = &finding.hint {
                    writeln!(page, "    hint: {}", clean(hint))?;
                }
            }
        }
        if !self.quiet {
            writeln!(
                page,
                "{}, {}, {} in {}",
                count(report.errors, "error"),
                count(report.warnings, "warning"),
                count(report.notes, "note"),
                count(report.inputs.len(), "input")
            )?;
        }
        Ok(page)
    }
}

/// What an input holds.
fn content(input: &VerifiedInput) -> String {
    let Some(format) = input.format else {
        return "cannot be read".to_owned();
    };
    let platforms = input.images.iter().map(|image| clean(&image.platform));
    let platforms = match platforms.collect::<Vec<_>>() {
        none if none.is_empty() => "no image".to_owned(),
        platforms => platforms.join(", "),
    };
    let (layers, bytes) = (count(input.blobs, "layer"), text::bytes(input.bytes));
    format!("{format}, {platforms}; {layers}, {bytes}")
}
