# skopeo for every script that runs it on the user's machine: push, login, copyToDocker.
{
  coreutils,
  jq,
  skopeo,
  toml2json,
  writeShellApplication,
}:

/**
  skopeo that also works on a machine whose `registries.conf` has the v1 format. skopeo 1.23 and later fail there, with
  every command that names a registry: `registries.conf must be in v2 format but is in v1`.

  If a file that skopeo would read has the v1 format, this command gives skopeo a v2 file with the same settings, in a
  temporary directory that `CONTAINERS_REGISTRIES_CONF` names: search registries, insecure and blocked registries, and
  the mirrors and everything else of the drop-in files in `registries.conf.d`. The files of the machine do not change.
  Otherwise, and if `CONTAINERS_REGISTRIES_CONF` is set already, it starts skopeo with nothing changed.

  All scripts of an image use it. CI can run it instead of `nixpkgs#skopeo`.

  # Type

  ```
  skopeo :: Derivation
  ```

  # Examples

  ```console
  $ nix run github:polyarch/polyarch#skopeo -- inspect --raw docker://ghcr.io/me/app
  ```
*/
writeShellApplication {
  name = "skopeo";
  # toml2json, because TOML needs a parser, and jq cannot read it. Both together are some megabytes beside skopeo; with
  # Python they would be a hundred.
  runtimeInputs = [
    coreutils
    jq
    toml2json
  ];
  text = ''
    skopeo=${skopeo}/bin/skopeo
    merge_registries=${./registries.jq}

    ${builtins.readFile ./skopeo.sh}
  '';
}
