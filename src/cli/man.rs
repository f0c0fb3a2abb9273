//! `polyarch man`: the manual pages, made from the definition of the command line.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;
use roff::{Roff, roman};

use super::Invocation;
use crate::show::ManPage;

/// Write the manual pages, one for each command, into a directory
///
/// The Nix package installs them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polyarch man ~/.local/share/man/man1 && man polyarch-merge")]
pub struct ManArgs {
    /// The directory; it is created if it does not exist
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

impl ManArgs {
    /// `cli` is the definition of the whole command line.
    pub fn invocation(self, cli: Command) -> Invocation {
        Invocation::Man(self.directory, pages(cli))
    }
}

fn pages(cli: Command) -> Vec<ManPage> {
    let mut command = cli.disable_help_subcommand(true);
    command.build();
    let mut pages = vec![("polyarch".to_owned(), command.clone())];
    pages.extend(command.get_subcommands().map(|command| {
        // `polyarch merge` is the name of a command, `polyarch-merge` that of its page.
        let name = format!("polyarch-{}", command.get_name());
        (name, command.clone())
    }));
    let pages = pages.into_iter().map(|(name, command)| {
        let page = page(command, &name).unwrap_or_else(|e| unreachable!("memory takes all: {e}"));
        (format!("{name}.1"), page)
    });
    pages.collect()
}

/// A manual page. Usage and examples are not those of clap_mangen, which fills lines: they could not be
/// pasted into a shell.
fn page(mut command: Command, name: &str) -> io::Result<Vec<u8>> {
    let usage = command.render_usage().to_string();
    let after = command.get_after_long_help().map(ToString::to_string);
    let has_commands = command.has_subcommands();
    let page = Man::new(command)
        .title(name.to_uppercase())
        .source(concat!("polyarch ", env!("CARGO_PKG_VERSION")))
        .manual("polyarch");

    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    let mut synopsis = Roff::new();
    synopsis.control("SH", ["SYNOPSIS"]);
    verbatim(
        &mut synopsis,
        usage.trim_start_matches("Usage: ").trim_end(),
    );
    text.extend(synopsis.to_roff().bytes());
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if has_commands {
        page.render_subcommands_section(&mut text)?;
    }
    let mut rest = Roff::new();
    for paragraph in after.iter().flat_map(|text| text.split("\n\n")) {
        let mut paragraph = paragraph;
        if let Some(examples) = paragraph.strip_prefix("Examples:\n") {
            rest.control("SH", ["EXAMPLES"]);
            paragraph = examples;
        } else if let Some(codes) = paragraph.strip_prefix("Exit code: ") {
            rest.control("SH", ["EXIT STATUS"]);
            paragraph = codes;
        } else {
            rest.control("PP", []);
        }
        match paragraph.starts_with(' ') {
            true => verbatim(&mut rest, paragraph),
            false => drop(rest.text([roman(paragraph)])),
        }
    }
    text.extend(rest.to_roff().bytes());
    Ok(text)
}

fn verbatim(page: &mut Roff, lines: &str) {
    page.control("nf", []);
    for line in lines.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}
