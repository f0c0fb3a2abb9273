//! What platforms share, and what they could share.

use serde_json::json;

use super::*;
use crate::support::*;

#[test]
fn a_layer_compressed_in_two_ways_is_waste_of_both_platforms() {
    let scratch = Scratch::new();
    let shared = noise(1, 5000);
    let layers: [&[(&str, &[u8])]; 1] =
        [&[("nix/store/0123456789abcdfghijklmnpqrsvwxyz-data/x", &shared)]];
    for (name, platform) in [("a.tar", "linux/amd64"), ("b.tar", "linux/arm64")] {
        image(&scratch, name, platform, &layers);
    }
    scratch.run(&["merge", "-o", "a", "--compression-level", "1", "a.tar"]);
    scratch.run(&["merge", "-o", "b", "--compression-level", "9", "b.tar"]);
    scratch.run(&["merge", "-o", "both", "a", "b"]);
    let found = analyze(&scratch, "both");
    let sizes: Vec<u64> = ["a", "b"]
        .map(|name| {
            Merged::directory(&scratch.path(name)).manifests[0]["layers"][0]["size"]
                .as_u64()
                .unwrap()
        })
        .to_vec();
    let waste = &found["waste"][0];
    assert_eq!(waste["kind"], "recompressed-layers");
    assert_eq!(waste["bytes"], *sizes.iter().max().unwrap());
    assert_eq!(
        waste["items"][0]["platforms"],
        json!(["linux/amd64", "linux/arm64"])
    );

    let sharing = &found["sharing"];
    assert_eq!(sharing["registry"]["saved"], 0);
    assert_eq!(
        sharing["client"]["saved"],
        found["platforms"][0]["uncompressed"]
    );
    let path = &sharing["storePaths"][0];
    assert_eq!(
        (&path["sameFiles"], &path["sameLayer"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn store_paths_are_compared_across_platforms() {
    let scratch = Scratch::new();
    let path = |c: char, name: &str| format!("nix/store/{}-{name}/x", c.to_string().repeat(32));
    let (same, data) = (path('0', "data"), noise(1, 1000));
    let (native, cross) = (
        path('1', "hello-1.0"),
        path('2', "hello-aarch64-unknown-linux-gnu-1.0"),
    );
    let impure = path('3', "impure");
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[&[(&same, &data), (&native, &noise(2, 300)), (&impure, b"one")]],
    );
    image(
        &scratch,
        "b.tar",
        "linux/arm64",
        &[&[(&same, &data), (&cross, &noise(3, 200)), (&impure, b"two")]],
    );
    scratch.run(&["merge", "-o", "both", "a.tar", "b.tar"]);
    let found = analyze(&scratch, "both");
    let sharing = &found["sharing"];
    let parent = |path: &str| format!("/{}", path.trim_end_matches("/x"));
    let both = ["linux/amd64", "linux/arm64"];
    assert_eq!(
        sharing["storePaths"],
        json!([
            { "path": parent(&same), "size": 1000, "platforms": both, "sameFiles": true, "sameLayer": false },
            { "path": parent(&impure), "size": 3, "platforms": both, "sameFiles": false, "sameLayer": false },
        ])
    );
    assert_eq!(
        sharing["sameName"],
        json!([{ "name": "hello-1.0", "paths": [
            { "platform": "linux/amd64", "path": parent(&native), "size": 300 },
            { "platform": "linux/arm64", "path": parent(&cross), "size": 200 },
        ] }])
    );
    assert_eq!(found["waste"][0]["kind"], "unshared-store-paths");
    assert_eq!(found["waste"][0]["bytes"], 1000);
}
