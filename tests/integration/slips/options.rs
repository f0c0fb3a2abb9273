//! Options that a command does not have, and values in two words.

use super::*;

#[test]
fn an_option_of_another_command_gets_the_one_that_works() {
    let scratch = images();
    for (arguments, tip) in [
        (
            &["sbom", "--json", "a.tar"][..],
            "tip: use --format spdx or --format cyclonedx",
        ),
        (
            &["analyze", "-o", "a.html", "a.tar"],
            "tip: write a page with --html a.html,",
        ),
        (
            &["verify", "--platform", "linux/arm64", "a.tar"],
            "tip: write the platform before the image: linux/arm64=a.tar\n",
        ),
        (
            &["verify", "-q", "--platform=linux/arm64", "--json", "a.tar"],
            "tip: write the platform before the image: linux/arm64=a.tar\n",
        ),
    ] {
        let message = misused(&scratch, arguments);
        assert!(message.contains(tip), "{tip:?} is not in:\n{message}");
        assert_eq!(message.matches("tip:").count(), 1, "{message}");
        assert!(!message.contains("--platform-check"), "{message}");
    }
}

#[test]
fn no_option_is_offered_as_a_value() {
    let scratch = images();
    for arguments in [
        &["inspect", "-o", "x", "a.tar"][..],
        &["pin", "--dry-run", "deploy"],
        &["diff", "--quiet", "a.tar", "b.tar"],
    ] {
        let message = misused(&scratch, arguments);
        assert!(message.contains("unexpected argument"), "{message}");
        assert!(!message.contains("as a value"), "{message}");
    }
    let message = misused(&scratch, &["merge", "--outptu", "x", "a.tar"]);
    assert!(message.contains("'--output'"), "{message}");
}

#[test]
fn a_value_in_two_words_is_joined() {
    let scratch = images();
    for (arguments, wrong, tip) in [
        (
            &["inspect", "--raw", "manifest", "a.tar"][..],
            "unexpected argument 'manifest'",
            "tip: write it as one word: --raw=manifest\n",
        ),
        (
            &["diff", "--max-push", "50", "MB", "a.tar", "b.tar"],
            "unexpected argument 'MB'",
            "tip: write it as one word: --max-push 50MB\n",
        ),
    ] {
        let message = misused(&scratch, arguments);
        assert!(message.contains(wrong), "{wrong:?} is not in:\n{message}");
        assert!(message.contains(tip), "{tip:?} is not in:\n{message}");
    }
    let message = misused(&scratch, &["diff", "a.tar", "b.tar", "c.tar"]);
    assert!(message.contains("unexpected argument 'c.tar'"), "{message}");
}

#[test]
fn a_name_that_is_not_valid_is_quoted_as_it_was_typed() {
    let scratch = images();
    let wrong = |name: &str| misused(&scratch, &["merge", "-o", "no", "--name", name, "a.tar"]);
    let message = wrong("hello@sha256:abc");
    assert!(message.contains("\"hello@sha256:abc\" has"), "{message}");
    let message = wrong("Hello");
    assert!(message.contains("\"Hello\" is not a valid"), "{message}");
    assert!(!message.contains("latest"), "{message}");
}

#[test]
fn a_platform_that_is_not_there_is_named_with_the_file() {
    let scratch = images();
    for arguments in [
        &["diff", "--platform", "linux/arm64", "a.tar", "b.tar"][..],
        &["inspect", "--platform", "linux/arm64", "a.tar"],
        &["sbom", "--platform", "linux/arm64", "a.tar"],
        &["merge", "-o", "no", "--platform", "linux/arm64", "a.tar"],
    ] {
        let output = scratch.command(arguments).output().unwrap();
        assert_eq!(
            stderr(&output),
            "error: a.tar: no image for the platform linux/arm64; there are linux/amd64\n"
        );
    }
    let message = scratch.fail(&["inspect", "--platform", "linux/amd46", "a.tar"]);
    assert!(message.contains("did you mean linux/amd64?"), "{message}");
}
