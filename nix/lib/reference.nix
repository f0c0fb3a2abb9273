# Image names and tags, in the reference grammar that Docker, podman and skopeo share:
# github.com/distribution/reference.
{ }:

let
  domainComponent = "([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
  domain = "(${domainComponent}(\\.${domainComponent})*|\\[[a-fA-F0-9:]+])(:[0-9]+)?";
  pathComponent = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*";
in
{
  /**
    Whether a value is an image name: with or without a registry, without tag and digest.

    # Type

    ```
    isName :: Any -> Bool
    ```

    # Examples

    ```nix
    isName "ghcr.io/me/app"
    => true
    isName "ghcr.io/me/app:v1"
    => false
    ```
  */
  isName =
    name:
    builtins.isString name
    && builtins.match "(${domain}/)?${pathComponent}(/${pathComponent})*" name != null;

  /**
    Whether a value is an image tag.

    # Type

    ```
    isTag :: Any -> Bool
    ```
  */
  isTag =
    tag: builtins.isString tag && builtins.match "[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}" tag != null;
}
