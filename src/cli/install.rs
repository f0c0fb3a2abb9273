//! `polyarch completions` and `polyarch man`: what goes beside the program where it is installed.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

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
        let mut command = Cli::command();
        command.build();
        let mut pages = vec![command.clone()];
        let commands = command.get_subcommands().filter(|c| c.get_name() != "help");
        // `polyarch merge` is the name of a command, `polyarch-merge` that of its page.
        pages.extend(commands.map(|c| c.clone().disable_help_subcommand(true)));
        for (i, page) in pages.into_iter().enumerate() {
            let name = match i {
                0 => "polyarch".to_owned(),
                _ => format!("polyarch-{}", page.get_name()),
            };
            let mut text = Vec::new();
            let page = clap_mangen::Man::new(page).title(name.to_uppercase());
            page.render(&mut text).map_err(Failure::Print)?;
            let path = self.directory.join(format!("{name}.1"));
            polyarch::sink::replace(&path, &text)?;
        }
        Ok(())
    }
}
