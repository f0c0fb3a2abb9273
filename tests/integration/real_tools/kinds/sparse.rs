//! Kind B: Archives that name more than they have (containerd/containerd#11344, kubernetes-sigs/kind#3795).

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    let attested = |s: &Scratch| sparse(s, &["linux/amd64"], &["linux/arm64"], true);
    let unattested = |s: &Scratch| sparse(s, &["linux/amd64"], &["linux/arm64"], false);
    vec![
        merged(
            "a complete platform is taken without its missing attestation, with a warning",
            attested,
            &["--platform", "linux/amd64", "saved.tar"],
            "linux/amd64",
        )
        .says("(?m)^warning.*attestation"),
        merged(
            "a platform in front narrows what is read",
            unattested,
            &["linux/amd64=saved.tar"],
            "linux/amd64",
        )
        .quiet(),
        merged(
            "a platform in front narrows what is read of an attested image",
            attested,
            &["linux/amd64=saved.tar"],
            "linux/amd64",
        )
        .says("(?m)^warning.*attestation"),
        merged(
            "each input is narrowed by the platform before it",
            |s| {
                sparse(s, &["linux/amd64"], &["linux/arm64"], false);
                save(s, "arm64.tar", "linux/arm64");
            },
            &["linux/amd64=saved.tar", "linux/arm64=arm64.tar"],
            "linux/amd64,linux/arm64",
        )
        .quiet(),
        passed(
            "inspect narrows",
            attested,
            &["inspect", "--platform", "linux/amd64", "saved.tar"],
        ),
        passed(
            "inspect narrows by the platform before it",
            unattested,
            &["inspect", "linux/amd64=saved.tar"],
        ),
        refused(
            "without a selection the error lists what can be taken",
            unattested,
            &["saved.tar"],
        )
        .says("for some of its platforms")
        .leads("--platform linux/amd64"),
        refused(
            "two of three platforms are listed",
            |s| sparse(s, &["linux/amd64", "linux/arm/v7"], &["linux/arm64"], true),
            &["saved.tar"],
        )
        .says("--platform linux/amd64")
        .says("--platform linux/arm/v7")
        .never("--platform linux/arm64"),
        refused(
            "a missing platform is not offered",
            unattested,
            &["--platform", "linux/arm64", "saved.tar"],
        )
        .says("linux/amd64"),
        merged(
            "a missing attestation of a complete image",
            |s| sparse(s, &["linux/amd64", "linux/arm64"], &[], true),
            &["saved.tar"],
            "linux/amd64,linux/arm64",
        )
        .says("(?m)^warning.*attestation"),
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
        .quiet(),
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
        .quiet(),
        passed(
            "verify reads what the platform in front selects",
            unattested,
            &["verify", "linux/amd64=saved.tar"],
        )
        .says("linux/amd64; 2 layers")
        .says("0 errors"),
        refused(
            "verify reports what is missing without a selection",
            unattested,
            &["verify", "saved.tar"],
        )
        .says(r"error: .*no such file in it \[missing\]"),
        passed(
            "analyze narrows",
            attested,
            &["analyze", "--platform", "linux/amd64", "saved.tar"],
        ),
        passed(
            "analyze narrows by the platform before it",
            attested,
            &["analyze", "linux/amd64=saved.tar"],
        ),
        passed(
            "diff narrows both sides",
            attested,
            &[
                "diff",
                "--platform",
                "linux/amd64",
                "saved.tar",
                "saved.tar",
            ],
        ),
        passed(
            "diff narrows by the platform before it",
            attested,
            &["diff", "linux/amd64=saved.tar", "linux/amd64=saved.tar"],
        ),
        refused("the fix for one input alone", unattested, &["saved.tar"])
            .leads("linux/amd64=saved.tar"),
        refused(
            "the fix for one input alone with two platforms",
            |s| sparse(s, &["linux/amd64", "linux/arm/v7"], &["linux/arm64"], true),
            &["saved.tar"],
        )
        .leads("linux/amd64=saved.tar linux/arm/v7=saved.tar"),
        refused(
            "the fix for one of several images",
            two_names,
            &["saved.tar#2"],
        )
        .says("--platform linux/amd64")
        .leads("linux/amd64=saved.tar#2"),
        merged(
            "another image that is incomplete does not matter",
            two_names,
            &["saved.tar#1"],
            "linux/amd64,linux/arm64",
        )
        .quiet(),
        refused(
            "only complete platforms are offered for one that is not in the index",
            |s| sparse(s, &["linux/amd64", "linux/arm/v7"], &["linux/arm64"], false),
            &["--platform", "linux/s390x", "saved.tar"],
        )
        .says("there are linux/amd64, linux/arm/v7\n"),
        refused(
            "only complete platforms are offered for one in front",
            |s| sparse(s, &["linux/amd64", "linux/arm/v7"], &["linux/arm64"], false),
            &["linux/s390x=saved.tar"],
        )
        .says("there are linux/amd64, linux/arm/v7\n"),
        refused(
            "nothing is offered where nothing is complete",
            |s| sparse(s, &[], &["linux/amd64", "linux/arm64"], false),
            &["saved.tar"],
        )
        .says("incomplete")
        .never("--platform"),
        refused(
            "one image of another platform than the one in front",
            |s| sparse(s, &["linux/amd64"], &[], false),
            &["linux/arm64=saved.tar"],
        )
        .says("its platform is linux/amd64 by its config, but it was given as linux/arm64")
        .says("give it as linux/amd64=IMAGE"),
        // The Docker index that `ctr` exports names no platforms.
        merged(
            "a missing image without a platform",
            unnamed_platforms,
            &["--platform", "linux/amd64", "saved.tar"],
            "linux/amd64",
        )
        .says("(?m)^warning.*an image .*was left out"),
        refused(
            "a missing image without a platform may be the wanted one",
            unnamed_platforms,
            &["--platform", "linux/arm64", "saved.tar"],
        )
        .says("incomplete.*--platform linux/amd64"),
        merged(
            "the variant is in the config only",
            |s| {
                let mut layout = Layout::default();
                let mut v3 = image(&mut layout, "linux/amd64/v3");
                v3["platform"].as_object_mut().unwrap().remove("variant");
                let arm64 = image(&mut layout, "linux/arm64");
                let index = index(&mut layout, &[&v3, &arm64]);
                drop_blob(&mut layout, &arm64);
                s.write("saved.tar", &with_roots(layout, &[&index]).archive());
            },
            &["linux/amd64/v3=saved.tar"],
            "linux/amd64/v3",
        ),
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

/// An archive of two images, `1` and `2`, the second of which is sparse.
fn two_names(scratch: &Scratch) {
    let mut layout = Layout::default();
    let amd64 = image(&mut layout, "linux/amd64");
    let arm64 = image(&mut layout, "linux/arm64");
    let other = image_as(
        &mut layout,
        Spec::of("linux/arm64").layers(vec![tar(&[("only", b"here")])]),
    );
    let one = index(&mut layout, &[&amd64, &arm64]);
    let two = index(&mut layout, &[&amd64, &other]);
    drop_blob(&mut layout, &other);
    let roots = [&named(one, "1"), &named(two, "2")];
    scratch.write("saved.tar", &with_roots(layout, &roots).archive());
}

/// A sparse archive whose index does not say the platforms of its images.
fn unnamed_platforms(scratch: &Scratch) {
    let mut layout = Layout::default();
    let [amd64, arm64] = ["linux/amd64", "linux/arm64"].map(|platform| {
        let mut descriptor = image(&mut layout, platform);
        descriptor.as_object_mut().unwrap().remove("platform");
        descriptor
    });
    let index = index(&mut layout, &[&amd64, &arm64]);
    drop_blob(&mut layout, &arm64);
    scratch.write("saved.tar", &with_roots(layout, &[&index]).archive());
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
