//! `polyarch analyze`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use polyarch::AnalyzeRequest;

use super::arguments::LoadArgs;
use super::{Invocation, input};
use crate::show::AnalyzeView;

/// Show where the bytes of an image go, which bytes it does not need, and what the platforms share
///
/// Each layer is read and verified once. Sizes of files are those without compression, because a layer is
/// compressed as a whole and not file by file.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Where the bytes go, and what to do about it:
    polyarch analyze hello.tar

  The image of one platform, with the 50 largest of everything:
    polyarch analyze --platform linux/amd64 --top 50 hello.tar

  The same as an interactive page:
    polyarch analyze --html hello.html hello.tar

  The bytes of files that are copied out of the store, for scripts:
    polyarch analyze --json hello.tar | jq '.platforms[].waste[] | select(.kind == \"copied-from-store\").bytes'

Exit code: 0 done, 1 failed, 2 wrong usage.")]
pub struct AnalyzeArgs {
    /// The image, as for `polyarch merge`
    #[arg(value_name = "IMAGE[#WHICH]")]
    image: OsString,

    #[command(flatten)]
    load: LoadArgs,

    /// Write a self-contained HTML page with treemaps, tables and a filter into FILE (`-`: standard
    /// output); an existing page is replaced
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,

    /// How many rows of each list to show in text (default: 10), and how many items of each kind of waste
    /// in JSON (default: 1000) and HTML (default: 200)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
}

impl AnalyzeArgs {
    pub fn invocation(self, default_jobs: usize) -> Invocation {
        let mut request = AnalyzeRequest::new(input::parse(&self.image));
        request.platforms = self.load.platforms;
        request.jobs = self.load.jobs.or(default_jobs);
        let (view, top) = match (self.load.json, self.html) {
            (true, _) => (AnalyzeView::Json, request.top),
            (false, Some(file)) => (AnalyzeView::Html(file), 200),
            (false, None) => {
                let top = self.top.unwrap_or(10);
                (AnalyzeView::Text { top }, top)
            }
        };
        request.top = self.top.unwrap_or(top);
        Invocation::Analyze(request, view)
    }
}
