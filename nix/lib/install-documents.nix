# Shell commands that install the manual pages and completions of `$out/bin/polyarch`. The program itself writes them, so
# the machine that builds must be able to run it; otherwise there are no commands. They need `installShellFiles`.
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
