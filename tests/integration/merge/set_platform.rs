//! `--set-platform`, which changes the platform in a config.

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn set_platform_changes_only_the_platform_fields_of_the_config() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/aarch64/v9");
    image.config["config"] = json!({ "Cmd": ["x"], "Healthcheck": { "Interval": 1e10 } });
    scratch.write("a.tar", &image.docker_archive());
    for (i, (new, variant)) in [("linux/arm64", Value::Null), ("linux/arm/v7", "v7".into())]
        .iter()
        .enumerate()
    {
        let output = format!("out{i}");
        let set = format!("a.tar={new}");
        let merged = scratch.merge_to(&output, &["--set-platform", &set, &format!("{new}=a.tar")]);
        assert_eq!(merged.platforms(), [*new]);
        let mut expected: Value = serde_json::from_slice(&image.config_bytes()).unwrap();
        expected["architecture"] = new.split('/').nth(1).unwrap().into();
        match variant {
            Value::Null => drop(expected.as_object_mut().unwrap().shift_remove("variant")),
            variant => expected["variant"] = variant.clone(),
        }
        assert_eq!(merged.configs[0].to_string(), expected.to_string());
    }
    let output = scratch
        .command(&[
            "merge",
            "-o",
            "x",
            "--set-platform",
            "b.tar=linux/arm64",
            "a.tar",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--set-platform b.tar: no IMAGE has this name"));
}

#[test]
fn set_platform_to_the_platform_of_the_config_changes_nothing() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/arm64");
    scratch.write("a.tar", &image.docker_archive());
    let expected = scratch.run(&["merge", "-o", "o1", "a.tar"]);
    let set = ["--set-platform", "a.tar=linux/arm64"];
    assert_eq!(
        scratch.run(&[&["merge", "-o", "o2"], &set[..], &["a.tar"]].concat()),
        expected
    );
}

#[test]
fn set_platform_may_name_one_of_two_assertions_on_a_file() {
    let scratch = Scratch::new();
    scratch.write("arm.tar", &TestImage::new("linux/arm").docker_archive());
    let v6 = "linux/arm/v6=arm.tar=linux/arm/v6";
    for inputs in [
        ["linux/arm/v6=arm.tar", "linux/arm/v7=arm.tar"],
        ["linux/arm/v7=arm.tar", "linux/arm/v6=arm.tar"],
    ] {
        let merged = scratch.merge(&["-f", "--set-platform", v6, inputs[0], inputs[1]]);
        assert_eq!(merged.platforms(), ["linux/arm/v7", "linux/arm/v6"]);
    }
}

#[test]
fn set_platform_for_no_input_or_several_is_refused() {
    let scratch = Scratch::new();
    let arm = TestImage::new("linux/arm");
    scratch.write("arm.tar", &arm.docker_archive());
    scratch.write("x=arm.tar", &arm.docker_archive());
    for (sets, inputs, problem) in [
        (
            &["arm.tar=linux/arm/v6"][..],
            &["linux/arm/v6=arm.tar", "linux/arm/v7=arm.tar"][..],
            "several arguments have this name",
        ),
        (
            &["arm.tar=linux/arm/v6"],
            &["./x=arm.tar"],
            "no IMAGE has this name",
        ),
        (
            &["arm.tar=linux/arm/v6", "arm.tar=linux/arm/v7"],
            &["arm.tar"],
            "it is given twice",
        ),
    ] {
        let sets: Vec<&str> = sets
            .iter()
            .flat_map(|set| ["--set-platform", *set])
            .collect();
        let output = scratch
            .command(&[&["merge", "-o", "x"], &sets[..], inputs].concat())
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(problem), "{}", stderr(&output));
    }
    scratch.write("a.tar", &TestImage::new("linux/arm64").docker_archive());
    scratch.run(&["merge", "-o", "two", "a.tar", "arm.tar"]);
    let set = ["--set-platform", "two=linux/arm64"];
    let message = scratch.fail(&[&["merge", "-o", "x"], &set[..], &["two"]].concat());
    assert!(
        message.contains("two: 2 images, but the platform of one is to be set"),
        "{message}"
    );
}
