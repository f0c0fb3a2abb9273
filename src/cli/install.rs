//! `polyarch completions` and `polyarch man`: what goes beside the program where it is installed.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use roff::{Roff, roman};

use super::Cli;
use crate::show::{self, Failure};

/// Print the completions for a shell
///
/// The Nix package installs those of bash, fish and zsh.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polyarch completions bash > ~/.local/share/bash-completion/completions/polyarch
  polyarch completions fish > ~/.config/fish/completions/polyarch.fish
  polyarch completions zsh > ~/.zfunc/_polyarch")]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    /// Does it.
    pub fn run(&self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "polyarch", &mut script);
        show::bytes(&script)
    }
}

/// Write the manual pages, one for each command, into a directory
///
/// The Nix package installs them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polyarch man ~/.local/share/man/man1 && man polyarch-merge")]
pub struct ManArgs {
    /// The directory; it must be there
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

impl ManArgs {
    /// Does it.
    pub fn run(&self) -> Result<(), Failure> {
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let mut pages = vec![command.clone()];
        // `polyarch merge` is the name of a command, `polyarch-merge` that of its page.
        pages.extend(command.get_subcommands().cloned());
        for (i, page) in pages.into_iter().enumerate() {
            let name = match i {
                0 => "polyarch".to_owned(),
                _ => format!("polyarch-{}", page.get_name()),
            };
            let text = manual(page, &name).map_err(Failure::Print)?;
            let path = self.directory.join(format!("{name}.1"));
            polyarch::sink::replace(&path, &text)?;
        }
        Ok(())
    }
}

/// A manual page. What clap_mangen makes of the usage and of the examples cannot be pasted: it fills
/// lines.
fn manual(mut command: Command, name: &str) -> io::Result<Vec<u8>> {
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
    as_it_stands(
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
            true => as_it_stands(&mut rest, paragraph),
            false => drop(rest.text([roman(paragraph)])),
        }
    }
    text.extend(rest.to_roff().bytes());
    Ok(text)
}

fn as_it_stands(page: &mut Roff, lines: &str) {
    page.control("nf", []);
    for line in lines.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}
