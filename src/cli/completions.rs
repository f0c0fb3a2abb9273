//! `polyarch completions`.

use clap::{Args, Command};
use clap_complete::Shell;

use super::Invocation;

/// Print the completions for a shell
///
/// The Nix package installs the completions for bash, fish and zsh.
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
    /// `cli` is the definition of the whole command line.
    pub fn invocation(self, mut cli: Command) -> Invocation {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli, "polyarch", &mut script);
        Invocation::Completions(script)
    }
}
