//! Tips for arguments that a command does not have.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// An argument that is wrong, and what to write instead.
struct Correction {
    wrong: String,
    tip: String,
}

/// Replaces the tips of clap where they do not fit the command line.
pub fn corrected(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    remove_value_tip(&mut error);
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let (Some(ContextValue::String(unknown)), [_, command, words @ ..]) =
        (error.get(ContextKind::InvalidArg), &words[..])
    else {
        return error;
    };
    if let Some(Correction { wrong, tip }) = correction(command, unknown, words) {
        error.insert(ContextKind::InvalidArg, ContextValue::String(wrong));
        // With a suggested option, the usage has only that one.
        if error.remove(ContextKind::SuggestedArg).is_some() {
            error.remove(ContextKind::Usage);
        }
        let tips = vec![StyledStr::from(tip)];
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// Removes "to pass '--json' as a value, use '-- --json'": images are not named like options.
fn remove_value_tip(error: &mut clap::Error) {
    if let Some(ContextValue::StyledStrs(tips)) = error.remove(ContextKind::Suggested) {
        let is_other = |tip: &StyledStr| !tip.to_string().contains("as a value");
        let tips: Vec<StyledStr> = tips.into_iter().filter(is_other).collect();
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
}

fn correction(command: &str, unknown: &str, words: &[&str]) -> Option<Correction> {
    let option = unknown.split('=').next()?;
    let tip = match (command, option) {
        ("sbom", "--json") => "use --format spdx or --format cyclonedx, which are JSON".to_owned(),
        ("analyze", "-o" | "--output") => {
            let file = value(option, words).map_or("FILE", |(file, _)| file);
            format!("write a page with --html {file}, or redirect standard output")
        }
        ("verify", "--platform") => {
            let (platform, rest) = value(option, words).unwrap_or(("PLATFORM", &[]));
            let image = rest.iter().find(|word| !word.starts_with('-'));
            let image = image.copied().unwrap_or("IMAGE");
            format!("write the platform before the image: {platform}={image}")
        }
        _ => return split_value(command, words),
    };
    let wrong = unknown.to_owned();
    Some(Correction { wrong, tip })
}

/// Returns the value of an option, and the words after it.
fn value<'a>(option: &str, words: &'a [&'a str]) -> Option<(&'a str, &'a [&'a str])> {
    let is_it = |word: &&str| word.split('=').next() == Some(option);
    let at = words.iter().position(is_it)?;
    let rest = &words[at + 1..];
    match words[at].split_once('=') {
        Some((_, value)) => Some((value, rest)),
        None => rest.split_first().map(|(value, rest)| (*value, rest)),
    }
}

/// A value that is not one word with its option or its number.
fn split_value(command: &str, words: &[&str]) -> Option<Correction> {
    let option = match command {
        "inspect" => "--raw",
        "diff" => "--max-push",
        _ => return None,
    };
    let at = words.iter().position(|word| *word == option)?;
    let (wrong, right) = match words[at + 1..] {
        [document @ ("index" | "manifest" | "config"), ..] if command == "inspect" => {
            (document, format!("{option}={document}"))
        }
        [number, unit, ..] if command == "diff" && is_unit(unit) => {
            (unit, format!("{option} {number}{unit}"))
        }
        _ => return None,
    };
    Some(Correction {
        wrong: wrong.to_owned(),
        tip: format!("write it as one word: {right}"),
    })
}

/// Whether a word is a unit of sizes, such as `MB` or `GiB`.
fn is_unit(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let prefix = word.strip_suffix('b').unwrap_or(&word);
    let prefix = prefix.strip_suffix('i').unwrap_or(prefix);
    matches!(prefix, "" | "k" | "m" | "g" | "t") && !word.is_empty()
}
