//! Kind E: `--set-platform` corrects configs.

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    let set: &[&str] = &["--set-platform", "image.tar=linux/amd64", "image.tar"];
    fn says_nothing(s: &Scratch) {
        let mut layout = Layout::default();
        let nothing = || json!({ "os": "", "architecture": "" });
        let amd64 = image_as(&mut layout, Spec::default().config(nothing()));
        let arm64 = image_as(&mut layout, Spec::of("linux/arm64").config(nothing()));
        let index = index(&mut layout, &[&amd64, &arm64]);
        with_roots(layout, &[&index]).directory(s, "image");
    }
    fn contradicts(s: &Scratch) {
        let mut layout = Layout::default();
        let amd64 = image_as(
            &mut layout,
            Spec::default().config(json!({ "os": "linux", "architecture": "arm64" })),
        );
        let index = index(&mut layout, &[&amd64]);
        with_roots(layout, &[&index]).directory(s, "image");
    }
    fn half_silent(s: &Scratch) {
        let mut layout = Layout::default();
        let amd64 = image_as(&mut layout, Spec::default().config(json!({})));
        let arm64 = image(&mut layout, "linux/arm64");
        let index = index(&mut layout, &[&amd64, &arm64]);
        with_roots(layout, &[&index]).directory(s, "image");
    }
    vec![
        refused(
            "one config of an index that names no platform is corrected",
            half_silent,
            &["image"],
        )
        .says("no platform")
        .leads("--set-platform image#@sha256:[0-9a-f]+=linux/amd64"),
        merged(
            "an image of an index that is picked, and corrected",
            half_silent,
            &[
                "--set-platform",
                "image#@sha256:9e87443c=linux/amd64",
                "image#@sha256:9e87443c",
            ],
            "linux/amd64",
        ),
        refused(
            "no image of the input has that digest",
            half_silent,
            &["--set-platform", "image#@sha256:00=linux/amd64", "image"],
        ),
        refused(
            "index and config contradict each other: the config counts if the caller asserts it",
            contradicts,
            &["image"],
        )
        .leads("linux/arm64=image#@sha256:[0-9a-f]+"),
        // grafana/alloy#5378
        merged(
            "a config with an empty platform",
            |s| with_platform(s, json!({ "os": "", "architecture": "" })),
            set,
            "linux/amd64",
        )
        .quiet(),
        merged(
            "a config without a platform",
            |s| with_platform(s, json!({})),
            set,
            "linux/amd64",
        )
        .quiet(),
        merged(
            "a config whose platform is null",
            |s| with_platform(s, json!({ "os": null, "architecture": null })),
            set,
            "linux/amd64",
        )
        .quiet(),
        merged(
            "a config that says its system alone",
            |s| with_platform(s, json!({ "os": "linux" })),
            set,
            "linux/amd64",
        )
        .quiet(),
        merged(
            "a config that says something else",
            |s| save(s, "image.tar", "linux/arm64"),
            set,
            "linux/amd64",
        )
        .quiet(),
        refused(
            "without a platform the error names the option",
            |s| with_platform(s, json!({ "os": "", "architecture": "" })),
            &["image.tar"],
        )
        .says("no platform")
        .says("--set-platform image.tar="),
        refused(
            "an absent platform is the same error",
            |s| with_platform(s, json!({})),
            &["image.tar"],
        )
        .says("no platform")
        .says("--set-platform image.tar="),
        merged(
            "the config of a layout that says nothing",
            |s| {
                let mut layout = Layout::default();
                let image = image_as(&mut layout, Spec::default().config(json!({})));
                let mut image = image;
                image.as_object_mut().unwrap().remove("platform");
                with_roots(layout, &[&image]).directory(s, "image");
            },
            &["--set-platform", "image=linux/amd64", "image"],
            "linux/amd64",
        )
        .quiet(),
        refused(
            "configs that say nothing in an index: the error names the fix",
            says_nothing,
            &["image"],
        )
        .says("--set-platform"),
        refused(
            "index and config contradict each other: both ways out",
            contradicts,
            &["image"],
        )
        .says("linux/arm64 by its config")
        .leads("--set-platform image#@sha256:[0-9a-f]+=linux/amd64")
        .says("--set-platform image.*=linux/amd64")
        .says("linux/arm64=|index"),
        merged(
            "the config is corrected where the index contradicts it",
            contradicts,
            &["--set-platform", "image=linux/amd64", "image"],
            "linux/amd64",
        ),
        refused(
            "several images: the error says how to pick one",
            |s| both(s, |_| ()),
            &["--set-platform", "image=linux/amd64", "image"],
        )
        .says("image#@sha256:[0-9a-f]{8,}")
        .leads("--set-platform image#@sha256:[0-9a-f]+=linux/amd64"),
    ]
}

/// A docker-archive, `image.tar`, whose config says this of its platform.
fn with_platform(scratch: &Scratch, platform: Value) {
    let mut image = TestImage::new("linux/amd64");
    let config = image.config.as_object_mut().unwrap();
    config.retain(|key, _| key != "os" && key != "architecture");
    config.extend(platform.as_object().unwrap().clone());
    scratch.write("image.tar", &image.docker_archive());
}
