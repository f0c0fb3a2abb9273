//! The image arguments: `[PLATFORM=]IMAGE[#WHICH]`, where IMAGE may have a transport of skopeo.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use polyarch::oci::Platform;
use polyarch::{Input, Select};

use super::transport;

/// Parses `linux/arm64=image.tar#v1`. A path that has a `=` starts with `./` or `/`, or with
/// something that is not a platform; a path that has a `#` has a further `#` at its end.
pub fn parse(argument: &OsStr) -> Input {
    let Some(text) = argument.to_str() else {
        return Input::new(argument);
    };
    let (platform, text) = split_platform(text);
    let (path, select) = match text.rsplit_once('#') {
        None | Some((_, "")) => (text.strip_suffix('#').unwrap_or(text), Select::All),
        Some((path, which)) => (path, select(which)),
    };
    let (path, select) = match transport::split(path) {
        Some((transport, path)) if select == Select::All => {
            let (path, reference) = transport.split_reference(path);
            (path, reference.map_or(select, transport::select))
        }
        Some((_, path)) => (path, select),
        None => (path, select),
    };
    let mut input = Input::new(path);
    input.platform = platform;
    input.select = select;
    input
}

/// Parses what follows the `#`: `@2`, `@sha256:0123`, `me/x:v1`.
fn select(which: &str) -> Select {
    let Some(place) = which.strip_prefix('@') else {
        return Select::Name(which.to_owned());
    };
    match place.parse() {
        Ok(position) => Select::Position(position),
        Err(_) if place.starts_with("sha256:") || place.starts_with("sha512:") => {
            Select::Digest(place.to_ascii_lowercase())
        }
        Err(_) => Select::Name(which.to_owned()),
    }
}

/// Parses several images. Each has a path, and only one can be standard input.
pub fn parse_all(arguments: &[OsString]) -> Result<Vec<Input>, String> {
    let inputs: Vec<Input> = arguments.iter().map(|argument| parse(argument)).collect();
    for input in &inputs {
        require_path("IMAGE", input.platform.as_ref(), &input.path)?;
    }
    match inputs.iter().filter(|input| input.is_stdin()).count() {
        0 | 1 => Ok(inputs),
        _ => Err("two images are \"-\": standard input is read only once".to_owned()),
    }
}

/// Fails for an argument that has no path after its platform.
pub fn require_path(what: &str, platform: Option<&Platform>, path: &Path) -> Result<(), String> {
    let before = platform.map_or_else(String::new, |platform| format!(" after {platform}="));
    match path.as_os_str().is_empty() {
        true => Err(format!("the {what}{before} is missing")),
        false => Ok(()),
    }
}

/// Splits the platform off an argument, if it starts with one.
pub fn split_platform(text: &str) -> (Option<Platform>, &str) {
    let split = text.split_once('=');
    let platform = split.and_then(|(platform, rest)| Some((platform.parse().ok()?, rest)));
    match platform {
        Some((platform, rest)) => (Some(platform), rest),
        None => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn a_platform_before_the_path_differs_from_an_equals_sign_in_it() {
        for (argument, platform, path) in [
            ("linux/arm64=a.tar", Some("linux/arm64"), "a.tar"),
            ("linux/arm/v7=a=b.tar", Some("linux/arm/v7"), "a=b.tar"),
            ("a=b.tar", None, "a=b.tar"),
            ("./linux/arm64=a.tar", None, "./linux/arm64=a.tar"),
            ("/linux/arm64=a.tar", None, "/linux/arm64=a.tar"),
            ("a.tar", None, "a.tar"),
        ] {
            let found = parse(OsStr::new(argument));
            assert_eq!(found.platform.map(|p| p.to_string()).as_deref(), platform);
            assert_eq!(found.path, Path::new(path));
        }
    }

    #[test]
    fn the_part_after_a_hash_selects_an_image() {
        for (argument, path, select) in [
            ("a.tar", "a.tar", Select::All),
            ("a.tar#v1", "a.tar", Select::Name("v1".into())),
            ("a.tar#me/x:v1", "a.tar", Select::Name("me/x:v1".into())),
            ("linux/arm64=a.tar#@2", "a.tar", Select::Position(2)),
            (
                "a.tar#@sha256:93D6",
                "a.tar",
                Select::Digest("sha256:93d6".into()),
            ),
            ("a.tar#@93d6", "a.tar", Select::Name("@93d6".into())),
            ("a#b.tar#", "a#b.tar", Select::All),
            ("a#b.tar#@0", "a#b.tar", Select::Position(0)),
            ("oci:d", "d", Select::All),
            ("oci:d:v1", "d", Select::Name("v1".into())),
            (
                "oci-archive:a.tar:me/x:v1",
                "a.tar",
                Select::Name("me/x:v1".into()),
            ),
            ("docker-archive:a.tar:@1", "a.tar", Select::Position(1)),
            ("linux/arm64=oci:d#v1", "d", Select::Name("v1".into())),
            ("dir:a:b", "a:b", Select::All),
            ("./oci:d:v1", "./oci:d:v1", Select::All),
        ] {
            let found = parse(OsStr::new(argument));
            assert_eq!((found.path, found.select), (PathBuf::from(path), select));
        }
    }
}
