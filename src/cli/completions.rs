//! `polyarch completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Invocation};

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
    pub fn invocation(self) -> Invocation {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "polyarch", &mut script);
        Invocation::Completions(script)
    }
}
