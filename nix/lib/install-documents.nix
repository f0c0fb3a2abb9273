# Shell commands that install the manual pages and completions of `$out/bin/polyarch`, with `installShellFiles`. The
# program prints them, so a build for a machine that this one cannot execute has no such commands.
{ lib, stdenv }:

lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
  mkdir manual
  "$out/bin/polyarch" man manual
  installManPage manual/*.1
  installShellCompletion --cmd polyarch \
    --bash <("$out/bin/polyarch" completions bash) \
    --fish <("$out/bin/polyarch" completions fish) \
    --zsh <("$out/bin/polyarch" completions zsh)
''
