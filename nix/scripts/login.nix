# The script `passthru.login`.
{
  lib,
  skopeo,
  writeShellApplication,
}:

/**
  Makes a script that logs in to the registry of an image, for `push`. It takes the options of `skopeo login`, and another
  registry if one is given: `login-NAME [OPTION…] [REGISTRY]`. It also works on a machine whose `registries.conf` has the
  v1 format, see `skopeo`.

  skopeo asks for what is missing of user name and password. In CI, pass the password through a pipe with
  `--password-stdin`: options of a command are visible in the list of processes. skopeo writes the credentials to
  `$REGISTRY_AUTH_FILE` or to its default file, where `push`, podman and buildah find them.

  # Type

  ```
  mkLoginScript :: { imageName :: String } -> Derivation
  ```

  # Examples

  ```console
  $ echo "$TOKEN" | nix run .#image.login -- --username me --password-stdin
  Login Succeeded!
  ```
*/
{
  imageName,
}:
let
  first = lib.head (lib.splitString "/" imageName);
  # The rule of Docker's reference grammar: a first component with a dot or a port, or `localhost`, is a registry.
  registry =
    if first != imageName && (first == "localhost" || builtins.match ".*[.:].*" first != null) then
      first
    else
      "docker.io";
in
writeShellApplication {
  name = "login-${baseNameOf imageName}";
  runtimeInputs = [ skopeo ];
  text = ''
    registry=(${lib.escapeShellArg registry})
    value=
    for argument in "$@"; do
      if [ -n "$value" ]; then
        value=
        continue
      fi
      case $argument in
        --help | -h) registry=() ;;
        --username | -u | --password | -p | --authfile | --compat-auth-file | --cert-dir) value=yes ;;
        -*) ;;
        *) registry=() ;;
      esac
    done
    exec skopeo login "$@" "''${registry[@]}"
  '';
}
