//! Consumers of a merged image, each of which must take it with the same digest.

use fastrand::Rng;

use super::Tally;
use crate::support::*;

/// Gives an output to all consumers that are installed.
pub fn take(scratch: &Scratch, output: &str, merged: &Merged, rng: &mut Rng, tally: &mut Tally) {
    let transport = if output.ends_with(".tar") {
        "oci-archive"
    } else {
        "oci"
    };
    let source = format!("{transport}:{output}");
    let skopeos = [(
        "skopeo of this machine",
        have(&["skopeo"]).then(|| "skopeo".to_owned()),
    )];
    for (what, skopeo) in skopeos
        .into_iter()
        .chain([("the newest skopeo", newer("skopeo"))])
    {
        let Some(skopeo) = skopeo else { continue };
        copy(scratch, &skopeo, &source, merged);
        tally.add(what);
    }
    // skopeo of this machine, again: the code of podman unpacks one platform into its storage.
    if have(&["skopeo"]) && is_root() {
        let architecture = rng.choice(&merged.configs).unwrap()["architecture"].as_str();
        let storage = "containers-storage:[vfs@$PWD/storage+$PWD/run]localhost/x:latest";
        let arch = architecture.unwrap();
        let variant = merged
            .configs
            .iter()
            .find(|config| config["architecture"] == arch);
        let variant = variant.unwrap()["variant"].as_str().unwrap_or_default();
        sh(
            scratch,
            &format!(
                "skopeo --insecure-policy --override-arch {arch} --override-variant '{variant}' copy -q {source} \"{storage}\"; rm -rf storage run"
            ),
        );
        tally.add("podman's storage");
    }
    if let Some(oras) = newer("oras").filter(|_| transport == "oci") {
        let tag = &merged.root["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"];
        if let Some(tag) = tag.as_str() {
            let digest = sh(
                scratch,
                &format!(
                    "{oras} cp --recursive --from-oci-layout {output}:{tag} --to-oci-layout oras:x >&2; {oras} resolve --oci-layout oras:x"
                ),
            );
            assert_eq!(digest, merged.digest);
            tally.add("oras");
        }
    }
    umoci(scratch, output, merged, rng, tally);
}

/// Copies an output into a `dir:` and into a layout, with the digest of the index.
fn copy(scratch: &Scratch, skopeo: &str, source: &str, merged: &Merged) {
    let copy = format!("{skopeo} --insecure-policy copy -q --all --preserve-digests {source}");
    sh(
        scratch,
        &format!("rm -rf dir copy; {copy} dir:dir; {copy} oci:copy:x"),
    );
    let manifest = std::fs::read(scratch.path("dir/manifest.json")).unwrap();
    assert_eq!(digest(&manifest), merged.digest, "{skopeo}");
    let index = sh(scratch, &format!("{skopeo} inspect --raw oci:copy:x"));
    assert_eq!(digest(index.as_bytes()), merged.digest, "{skopeo}");
}

/// Unpacks one platform, taken out of the output.
fn umoci(scratch: &Scratch, output: &str, merged: &Merged, rng: &mut Rng, tally: &mut Tally) {
    let platform = rng.choice(merged.platforms()).unwrap();
    scratch.run(&[
        "merge",
        "-q",
        "--platform",
        &platform,
        "--name",
        "x",
        "-o",
        "one",
        output,
    ]);
    let has_zstd = merged.layer_types().contains("tar+zstd");
    // umoci before 0.5 reads no layers in zstd.
    let old = (have(&["umoci"]) && !has_zstd).then(|| "umoci".to_owned());
    let rootless = if is_root() { "" } else { "--rootless" };
    for (what, umoci) in [
        ("umoci of this machine", old),
        ("the newest umoci", newer("umoci")),
    ] {
        let Some(umoci) = umoci else { continue };
        sh(
            scratch,
            &format!("{umoci} unpack {rootless} --image one:latest bundle; rm -rf bundle"),
        );
        tally.add(what);
    }
}
