//! The findings of one input, in bounded memory.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

use super::finding::Finding;
use crate::error::{Code, Error, Severity};
use crate::util::lock::{lock, unpoisoned};
use crate::util::text::elided;

/// A limit, because a hostile image can break a rule with every few of its bytes.
const MAX_FINDINGS: usize = 10_000;

/// The longest text of a finding, in bytes; an input can have names of megabytes.
const MAX_TEXT: usize = 2_000;

/// Collects findings from several threads.
pub struct Findings {
    input: String,
    list: Mutex<FindingList>,
}

/// All findings of an input.
#[derive(Default)]
pub struct FindingList {
    /// In the order in which they were found.
    pub findings: Vec<Finding>,
    /// The severities of those that are not listed.
    pub left_out: Vec<Severity>,
    known: HashSet<u64>,
}

impl Findings {
    /// Starts the findings of `input`.
    pub fn new(input: String) -> Self {
        let list = Mutex::default();
        Self { input, list }
    }

    /// Adds a finding about `subject`.
    pub fn add(&self, code: Code, subject: &str, message: String) {
        self.push(Finding::new(&self.input, code, subject, message));
    }

    /// Adds the finding for an error of a reader.
    pub fn add_error(&self, error: &Error) {
        self.push(Finding::of(&self.input, error));
    }

    /// Adds the finding for an error that the user wants to be a warning; its id stays.
    pub fn add_as_warning(&self, error: &Error) {
        self.push(Finding {
            severity: Severity::Warning,
            ..Finding::of(&self.input, error)
        });
    }

    /// Whether there is an error among the findings, also among those that are not listed.
    pub fn has_errors(&self) -> bool {
        let list = lock(&self.list);
        let listed = list.findings.iter().map(|finding| &finding.severity);
        listed
            .chain(&list.left_out)
            .any(|severity| *severity == Severity::Error)
    }

    fn push(&self, finding: Finding) {
        let finding = Finding {
            subject: elided(finding.subject, MAX_TEXT),
            message: elided(finding.message, MAX_TEXT),
            ..finding
        };
        let mut list = lock(&self.list);
        // Several documents can name the one that is wrong: it is reported once.
        if !list.known.insert(hash(&finding)) {
            return;
        }
        if list.findings.len() < MAX_FINDINGS {
            list.findings.push(finding);
        } else {
            list.left_out.push(finding.severity);
        }
    }

    /// Returns all findings; the last one has the number of those that are not listed.
    pub fn finish(self) -> FindingList {
        let mut list = unpoisoned(self.list.into_inner());
        if !list.left_out.is_empty() {
            let message = format!("{} more findings are not listed", list.left_out.len());
            let finding = Finding::new(&self.input, Code::TooManyFindings, "", message);
            list.findings.push(finding);
        }
        list
    }
}

fn hash(finding: &Finding) -> u64 {
    let mut hasher = DefaultHasher::new();
    finding.hash(&mut hasher);
    hasher.finish()
}
