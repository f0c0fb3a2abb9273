//! The result of parsing a command line.

use std::path::PathBuf;

use polyarch::inspect::RawDocument;
use polyarch::{
    AnalyzeRequest, DiffRequest, InspectRequest, MergeRequest, PinRequest, SbomRequest,
    VerifyRequest,
};

use crate::show::{
    AnalyzeView, DiffView, InspectView, ManPage, MergeView, PinView, SbomView, VerifyView,
};

/// A command: its request, and how the result is shown.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a process has one")]
pub enum Invocation {
    Merge(MergeRequest, MergeView),
    Verify(VerifyRequest, VerifyView),
    Inspect(InspectRequest, InspectView),
    InspectRaw(InspectRequest, RawDocument),
    Analyze(AnalyzeRequest, AnalyzeView),
    Diff(DiffRequest, DiffView),
    Sbom(SbomRequest, SbomView),
    Pin(PinRequest, PinView),
    /// The script.
    Completions(Vec<u8>),
    /// The directory of the pages.
    Man(PathBuf, Vec<ManPage>),
}
