//! Kind G: Variants that an architecture does not have (containers/podman#22730, #26295, containers/buildah#6185).

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    let v8 = |s: &Scratch| {
        for architecture in ["amd64", "s390x", "ppc64le"] {
            save(
                s,
                &format!("{architecture}.tar"),
                &format!("linux/{architecture}/v8"),
            );
        }
    };
    fn of_a_mac(s: &Scratch) {
        let mut layout = Layout::default();
        let amd64 = image(&mut layout, "linux/amd64/v8");
        let arm64 = image(&mut layout, "linux/arm64/v8");
        let index = index(&mut layout, &[&amd64, &arm64]);
        with_roots(layout, &[&index]).directory(s, "image");
    }
    let real = |s: &Scratch| {
        for platform in [
            "amd64/v1",
            "amd64/v2",
            "amd64/v3",
            "amd64/v4",
            "arm64/v8",
            "arm64/v8.1",
            "arm64/v9",
            "arm/v5",
            "arm/v6",
            "arm/v7",
            "arm/v8",
            "ppc64le/power9",
            "riscv64/rva22u64",
        ] {
            save(
                s,
                &format!("{}.tar", platform.replace('/', "-")),
                &format!("linux/{platform}"),
            );
        }
    };
    let mut rows = vec![
        refused(
            "amd64 with v8, asserted without",
            v8,
            &["linux/amd64=amd64.tar"],
        )
        .says("v8")
        .says("--set-platform amd64.tar=linux/amd64"),
        refused(
            "s390x with v8, asserted without",
            v8,
            &["linux/s390x=s390x.tar"],
        )
        .says("v8")
        .says("--set-platform s390x.tar=linux/s390x"),
        refused(
            "ppc64le with v8, asserted without",
            v8,
            &["linux/ppc64le=ppc64le.tar"],
        )
        .says("v8")
        .says("--set-platform ppc64le.tar=linux/ppc64le"),
        merged(
            "amd64 with v8, not asserted",
            v8,
            &["amd64.tar"],
            "linux/amd64/v8",
        )
        .says("(?m)^warning.*v8.*--set-platform"),
        merged(
            "s390x with v8, not asserted",
            v8,
            &["s390x.tar"],
            "linux/s390x/v8",
        )
        .says("(?m)^warning.*v8.*--set-platform"),
        merged(
            "amd64 with v8, corrected",
            v8,
            &[
                "--set-platform",
                "amd64.tar=linux/amd64",
                "linux/amd64=amd64.tar",
            ],
            "linux/amd64",
        )
        .quiet(),
        merged(
            "an index that says v8 of amd64, as its config does",
            of_a_mac,
            &["image"],
            "linux/amd64/v8,linux/arm64/v8",
        )
        .says("(?m)^warning.*v8.*--set-platform")
        .never("(?m)^warning.*arm64/v8"),
        refused(
            "amd64 with v8 beside amd64",
            |s| {
                save(s, "wrong.tar", "linux/amd64/v8");
                save(s, "right.tar", "linux/amd64");
            },
            &["wrong.tar", "right.tar"],
        )
        .says("two images for the platform linux/amd64"),
        merged(
            "amd64 with v8, asserted with it",
            v8,
            &["linux/amd64/v8=amd64.tar"],
            "linux/amd64/v8",
        )
        .says("(?m)^warning.*v8.*--set-platform"),
        merged(
            "amd64 with v8 of an index, corrected",
            of_a_mac,
            &[
                "--set-platform",
                "image#@sha256:2fec0824=linux/amd64",
                "image",
            ],
            "linux/amd64,linux/arm64/v8",
        )
        .quiet(),
        refused(
            "an index that says v8 of amd64, and its config does not",
            |s| {
                let mut layout = Layout::default();
                let config = json!({ "os": "linux", "architecture": "amd64" });
                let amd64 = image_as(&mut layout, Spec::of("linux/amd64/v8").config(config));
                let index = index(&mut layout, &[&amd64]);
                with_roots(layout, &[&index]).directory(s, "image");
            },
            &["image"],
        )
        .never("--set-platform")
        .leads("linux/amd64=image#@sha256:[0-9a-f]+"),
        passed("verify warns of v8 of amd64", v8, &["verify", "amd64.tar"])
            .says("(?m)^ *warning.*v8.*--set-platform amd64.tar=linux/amd64"),
        merged(
            "arm64/v8 asserted as arm64",
            real,
            &["linux/arm64=arm64-v8.tar"],
            "linux/arm64/v8",
        )
        .quiet(),
        merged(
            "amd64/v1 asserted as amd64",
            real,
            &["linux/amd64=amd64-v1.tar"],
            "linux/amd64/v1",
        )
        .quiet(),
        merged(
            "all levels of amd64",
            real,
            &[
                "amd64-v1.tar",
                "amd64-v2.tar",
                "amd64-v3.tar",
                "amd64-v4.tar",
            ],
            "linux/amd64/v1,linux/amd64/v2,linux/amd64/v3,linux/amd64/v4",
        )
        .quiet(),
    ];
    for (file, platform) in [
        ("arm64-v8.1.tar", "linux/arm64/v8.1"),
        ("arm64-v9.tar", "linux/arm64/v9"),
        ("arm-v5.tar", "linux/arm/v5"),
        ("arm-v6.tar", "linux/arm/v6"),
        ("arm-v7.tar", "linux/arm/v7"),
        ("arm-v8.tar", "linux/arm/v8"),
        ("ppc64le-power9.tar", "linux/ppc64le/power9"),
        ("riscv64-rva22u64.tar", "linux/riscv64/rva22u64"),
    ] {
        rows.push(merged("a variant that exists", real, &[file], platform).quiet());
    }
    rows
}
