# One image, for the package set that calls this function.
{
  buildEnv,
  buildGoModule,
  dockerTools,
}:

let
  hello = buildGoModule {
    pname = "hello";
    version = "1.0.0";
    src = ./.;
    vendorHash = null;
    env.CGO_ENABLED = 0;
  };
in
dockerTools.buildImage {
  name = "go-buildimage";
  tag = "latest";
  # /bin is a link into the store, so the image contains the program once. `copyToRoot = [ hello ]` would copy it to the
  # root as well.
  copyToRoot = buildEnv {
    name = "image-root";
    paths = [ hello ];
    pathsToLink = [ "/bin" ];
  };
  config.Cmd = [ "${hello}/bin/hello" ];
}
