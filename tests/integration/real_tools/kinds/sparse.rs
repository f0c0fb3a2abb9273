//! Kind B: Archives that name more than they have (containerd/containerd#11344, kubernetes-sigs/kind#3795).

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    let attested = |s: &Scratch| sparse(s, &["linux/amd64"], &["linux/arm64"], true);
    let unattested = |s: &Scratch| sparse(s, &["linux/amd64"], &["linux/arm64"], false);
    vec![
        merged(
            "a platform that is there is taken without its attestation, with a warning",
            attested,
            &["--platform", "linux/amd64", "saved.tar"],
            "linux/amd64",
        )
        .says("(?m)^warning.*attestation")
        .todo(),
        merged(
            "a platform in front narrows what is read",
            unattested,
            &["linux/amd64=saved.tar"],
            "linux/amd64",
        )
        .quiet()
        .todo(),
        merged(
            "a platform in front narrows what is read of an attested image",
            attested,
            &["linux/amd64=saved.tar"],
            "linux/amd64",
        )
        .says("(?m)^warning.*attestation")
        .todo(),
        merged(
            "each input is narrowed by what is in front of it",
            |s| {
                sparse(s, &["linux/amd64"], &["linux/arm64"], false);
                save(s, "arm64.tar", "linux/arm64");
            },
            &["linux/amd64=saved.tar", "linux/arm64=arm64.tar"],
            "linux/amd64,linux/arm64",
        )
        .quiet()
        .todo(),
        passed(
            "inspect narrows",
            attested,
            &["inspect", "--platform", "linux/amd64", "saved.tar"],
        )
        .todo(),
        passed(
            "inspect narrows by what is in front",
            unattested,
            &["inspect", "linux/amd64=saved.tar"],
        )
        .todo(),
        refused(
            "without a selection the error lists what can be taken",
            unattested,
            &["saved.tar"],
        )
        .says("for some of its platforms")
        .leads("--platform linux/amd64")
        .todo(),
        refused(
            "two of three platforms are listed",
            |s| sparse(s, &["linux/amd64", "linux/arm/v7"], &["linux/arm64"], true),
            &["saved.tar"],
        )
        .says("--platform linux/amd64")
        .says("--platform linux/arm/v7")
        .never("--platform linux/arm64")
        .todo(),
        refused(
            "a platform that is not there is not offered",
            unattested,
            &["--platform", "linux/arm64", "saved.tar"],
        )
        .says("linux/amd64")
        .todo(),
        merged(
            "an attestation that is not there of an image that is",
            |s| sparse(s, &["linux/amd64", "linux/arm64"], &[], true),
            &["saved.tar"],
            "linux/amd64,linux/arm64",
        )
        .says("(?m)^warning.*attestation")
        .todo(),
        merged(
            "an image without its layers is left aside",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let kept = layout.blobs.len();
                let arm64 = image_as(
                    &mut layout,
                    Spec::of("linux/arm64").layers(vec![tar(&[("only", b"arm64")])]),
                );
                // Config and layer go; the manifest stays.
                layout.blobs.drain(kept..layout.blobs.len() - 1);
                let index = index(&mut layout, &[&amd64, &arm64]);
                s.write("saved.tar", &with_roots(layout, &[&index]).archive());
            },
            &["linux/amd64=saved.tar"],
            "linux/amd64",
        )
        .quiet()
        .todo(),
        merged(
            "a compressed archive is narrowed too",
            |s| {
                sparse(s, &["linux/amd64"], &["linux/arm64"], false);
                let bytes = std::fs::read(s.path("saved.tar")).unwrap();
                s.write("saved.tar.gz", &gzip(&bytes));
            },
            &["linux/amd64=saved.tar.gz"],
            "linux/amd64",
        )
        .quiet()
        .todo(),
        refused(
            "a layer that is missing of the image that is wanted",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                layout.blobs.remove(1);
                s.write("saved.tar", &with_roots(layout, &[&amd64]).archive());
            },
            &["linux/amd64=saved.tar"],
        )
        .says("incomplete"),
    ]
}

/// What `docker save` of a pulled image writes with the containerd store, `saved.tar`: the index names all
/// platforms, and some are there.
fn sparse(scratch: &Scratch, present: &[&'static str], absent: &[&'static str], is_attested: bool) {
    let mut layout = Layout::default();
    let present: Vec<Value> = present.iter().map(|p| image(&mut layout, p)).collect();
    let mut absent: Vec<Value> = absent.iter().map(|p| image(&mut layout, p)).collect();
    let mut all: Vec<Value> = present.iter().chain(&absent).cloned().collect();
    if is_attested {
        let attestations = all.iter().map(|image| attestation(&mut layout, image));
        let attestations: Vec<Value> = attestations.collect();
        absent.extend(attestations.clone());
        all.extend(attestations);
    }
    let all: Vec<&Value> = all.iter().collect();
    let index = named(index(&mut layout, &all), "1");
    for descriptor in &absent {
        drop_blob(&mut layout, descriptor);
    }
    scratch.write("saved.tar", &with_roots(layout, &[&index]).archive());
}
