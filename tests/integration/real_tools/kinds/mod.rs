//! Images rebuilt from public bug reports, and variations of them, sorted by the kinds of fault that
//! readers had. Each row names an input, a command and the expected result.

mod annotations;
mod companions;
mod inputs;
mod json;
mod messages;
mod programs;
mod set_platform;
mod sparse;
mod twins;
mod two_truths;
mod variants;
mod zstd;

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Value, json};

use crate::real_tools::audit::Audit;
use crate::real_tools::corpus::{pushed, unnoted};
use crate::real_tools::writer::*;
use crate::support::*;

/// The expected result.
enum Right {
    /// A merge with these platforms, sorted.
    Merged(&'static str),
    /// Exit code 1.
    Refused,
    /// Exit code 2: the arguments are wrong.
    Misused,
    /// Exit code 0, of another command than `merge`.
    Passed,
}

/// Writes the inputs of a row.
type Write = fn(&Scratch);

/// A row of the table.
struct Row {
    name: &'static str,
    write: Write,
    /// The arguments of `merge`, or another command and its arguments.
    arguments: Vec<&'static str>,
    right: Right,
    /// Patterns that must be printed, and patterns that must not.
    says: Vec<&'static str>,
    never: Vec<&'static str>,
    /// Arguments that a message proposes: a merge with them must succeed.
    leads: Option<&'static str>,
    /// Whether skopeo pushes the result.
    push: bool,
    /// Further conditions on what was merged.
    also: fn(&Merged) -> bool,
}

impl Row {
    fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }
    fn leads(mut self, arguments: &'static str) -> Self {
        self.leads = Some(arguments);
        self
    }
    fn never(mut self, text: &'static str) -> Self {
        self.never.push(text);
        self
    }
    fn quiet(self) -> Self {
        self.never("(?m)^(warning|note)")
    }
    fn push(mut self) -> Self {
        self.push = true;
        self
    }
    fn also(mut self, holds: fn(&Merged) -> bool) -> Self {
        self.also = holds;
        self
    }
}

fn row(name: &'static str, write: Write, arguments: &[&'static str], right: Right) -> Row {
    Row {
        name,
        write,
        arguments: arguments.to_vec(),
        right,
        says: Vec::new(),
        never: Vec::new(),
        leads: None,
        push: false,
        also: |_| true,
    }
}

fn merged(
    name: &'static str,
    write: Write,
    arguments: &[&'static str],
    platforms: &'static str,
) -> Row {
    row(name, write, arguments, Right::Merged(platforms))
}

fn refused(name: &'static str, write: Write, arguments: &[&'static str]) -> Row {
    row(name, write, arguments, Right::Refused)
}

fn passed(name: &'static str, write: Write, arguments: &[&'static str]) -> Row {
    row(name, write, arguments, Right::Passed)
}

/// The inputs among arguments that must not lose anything, and whether only some of each is picked.
/// Where a config is changed, nothing is compared.
fn inputs<'a>(arguments: &[&'a str]) -> (Vec<&'a str>, bool) {
    const WITH_VALUE: [&str; 5] = [
        "--platform",
        "--compression",
        "--referrers",
        "--platform-check",
        "--name",
    ];
    if arguments.contains(&"--set-platform") {
        return (Vec::new(), false);
    }
    let mut picked = arguments.contains(&"--platform");
    let mut inputs = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if WITH_VALUE.contains(argument) {
            arguments.next();
        } else if !argument.starts_with('-') {
            picked |= argument.contains(['=', '#']);
            let path = argument.rsplit('=').next().unwrap_or(argument);
            inputs.extend(path.split('#').next());
        }
    }
    (inputs, picked)
}

/// Returns how the result of a row differs from the expected one.
fn check(row: &Row) -> Vec<String> {
    let scratch = Scratch::new();
    (row.write)(&scratch);
    let is_merge = !matches!(row.arguments[0], "verify" | "inspect" | "analyze" | "diff");
    let mut command = match is_merge {
        true => vec!["merge", "--no-sync", "--output", "merged"],
        false => Vec::new(),
    };
    command.extend(&row.arguments);
    let output = scratch.command(&command).output().unwrap();
    let message = stderr(&output);
    let printed = format!("{}{message}", String::from_utf8_lossy(&output.stdout));
    let mut wrong = Vec::new();
    let expected = match row.right {
        Right::Refused => 1,
        Right::Misused => 2,
        Right::Merged(_) | Right::Passed => 0,
    };
    if message.contains("panicked") || output.status.code() != Some(expected) {
        wrong.push(format!(
            "exit code {:?}: {}",
            output.status.code(),
            printed.trim()
        ));
    } else {
        for text in &row.says {
            if !Regex::new(text).unwrap().is_match(&printed) {
                wrong.push(format!("/{text}/ is not in: {}", printed.trim()));
            }
        }
        for text in &row.never {
            if Regex::new(text).unwrap().is_match(&printed) {
                wrong.push(format!("/{text}/ is in: {}", printed.trim()));
            }
        }
    }
    wrong.extend(row.leads.and_then(|way| lead(&scratch, row, way, &printed)));
    let path = scratch.path("merged");
    match row.right {
        Right::Merged(platforms) if output.status.success() => {
            let result = Audit::of(&path);
            if result.platforms() != platforms {
                wrong.push(format!(
                    "platforms {}, expected {platforms}",
                    result.platforms()
                ));
            }
            let (inputs, picked) = inputs(&row.arguments);
            let mut lost = BTreeSet::new();
            for input in inputs {
                // Inputs that are broken on purpose are not read here.
                let audit = std::panic::catch_unwind(|| Audit::of(&scratch.path(input)));
                lost.extend(audit.unwrap_or_default().lost(&result, picked));
            }
            let silent = unnoted(lost, &message);
            if !silent.is_empty() {
                wrong.push(format!("lost without a word: {}", silent.join("; ")));
            }
            for unmarked in result.wrongly_marked() {
                wrong.push(format!(
                    "{unmarked} is of zstd and not marked, or the reverse"
                ));
            }
            if row.push {
                let digest = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                wrong.extend(pushed(&scratch, "merged", &digest));
            }
            // Reads everything again, and runs `verify`.
            let merged = std::panic::catch_unwind(|| Merged::directory(&path));
            match merged {
                Ok(merged) if !(row.also)(&merged) => {
                    wrong.push(format!(
                        "another result: {:#}\n{:#?}",
                        merged.index, merged.manifests
                    ));
                }
                Ok(_) => {}
                Err(_) => wrong.push("the result is broken".to_owned()),
            }
        }
        Right::Refused if path.exists() => wrong.push("something was written".to_owned()),
        _ => {}
    }
    wrong
}

/// Returns the error of a command that a message proposes.
fn lead(scratch: &Scratch, row: &Row, way: &str, printed: &str) -> Option<String> {
    let Some(found) = Regex::new(way).unwrap().find(printed) else {
        return Some(format!("/{way}/ is not in: {}", printed.trim()));
    };
    let mut arguments = vec!["merge", "--no-sync", "--output", "way"];
    arguments.extend(found.as_str().split(' '));
    let input = row.arguments.last().unwrap();
    let is_an_option = found.as_str().starts_with("--");
    if is_an_option || !found.as_str().contains(input) {
        arguments.push(input);
    }
    let output = scratch.command(&arguments).output().unwrap();
    let failed = !output.status.success();
    failed.then(|| {
        format!(
            "the proposed command {arguments:?} fails: {}",
            stderr(&output)
        )
    })
}

fn run(kind: char, rows: Vec<Row>) {
    let mut bad = String::new();
    for row in rows {
        let (name, wrong) = (row.name, check(&row));
        if !wrong.is_empty() {
            bad += &format!("{kind}: {name} is wrong:\n  {}\n", wrong.join("\n  "));
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn a_zstd_marks_that_a_push_needs() {
    run('A', zstd::rows());
}

#[test]
fn b_sparse_archives() {
    run('B', sparse::rows());
}

#[test]
fn c_companions() {
    run('C', companions::rows());
}

#[test]
fn d_twins_of_one_platform() {
    run('D', twins::rows());
}

#[test]
fn e_configs_corrected_with_set_platform() {
    run('E', set_platform::rows());
}

#[test]
fn f_contradictory_documents_in_one_file() {
    run('F', two_truths::rows());
}

#[test]
fn g_platforms_that_do_not_exist() {
    run('G', variants::rows());
}

#[test]
fn h_json_that_go_writes() {
    run('H', json::rows());
}

#[test]
fn i_programs() {
    run('I', programs::rows());
}

#[test]
fn j_annotations_that_a_change_makes_false() {
    run('J', annotations::rows());
}

#[test]
fn k_messages() {
    run('K', messages::rows());
}
