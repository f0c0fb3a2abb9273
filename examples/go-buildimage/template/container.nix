# One image, for whatever package set calls this.
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
  # /bin is a link into the store, where the program is once. With `copyToRoot = [ hello ]` it would be copied to the
  # root, too.
  copyToRoot = buildEnv {
    name = "image-root";
    paths = [ hello ];
    pathsToLink = [ "/bin" ];
  };
  config.Cmd = [ "${hello}/bin/hello" ];
}
