{
  lib,
  fetchFromGitHub,
  installShellFiles,
  nix-update-script,
  nixosTests,
  rustPlatform,
  stdenv,
  versionCheckHook,
}:

rustPlatform.buildRustPackage (finalAttrs: {
  pname = "polyarch";
  version = "0.1.0";

  __structuredAttrs = true;

  src = fetchFromGitHub {
    owner = "polyarch";
    repo = "polyarch";
    tag = "v${finalAttrs.version}";
    hash = lib.fakeHash;
  };

  cargoHash = "sha256-vDjvSDjVSydj8RUvYk1NWgE4u1Qli3d/mXgUozBg1Lg=";

  nativeBuildInputs = [ installShellFiles ];

  postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    mkdir manual
    $out/bin/polyarch man manual
    installManPage manual/*.1
    installShellCompletion --cmd polyarch \
      --bash <($out/bin/polyarch completions bash) \
      --fish <($out/bin/polyarch completions fish) \
      --zsh <($out/bin/polyarch completions zsh)
  '';

  nativeInstallCheckInputs = [ versionCheckHook ];
  doInstallCheck = true;

  passthru = {
    tests = { inherit (nixosTests) docker-tools-multi-arch; };
    updateScript = nix-update-script { };
  };

  meta = {
    description = "Merge single-platform container images into one multi-platform OCI image";
    longDescription = ''
      Reads docker-archives, OCI image layouts and archives, and images of nix2container, and writes one OCI image layout
      or archive with all of them. It needs no registry, daemon, network or privileges. The same inputs give the same
      bytes. It checks that the programs in each image are built for the platform of the image.
    '';
    homepage = "https://github.com/polyarch/polyarch";
    changelog = "https://github.com/polyarch/polyarch/blob/${finalAttrs.src.tag}/CHANGELOG.md";
    license = lib.licenses.OR [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    maintainers = [ ];
    mainProgram = "polyarch";
    platforms = lib.platforms.unix;
  };
})
