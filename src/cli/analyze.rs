//! `polyarch analyze`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use polyarch::analyze::{self, html};
use polyarch::sink;

use super::load::LoadArgs;
use crate::show::{self, Failure};

/// Show where the bytes of an image go, which need not be there, and what the platforms share
///
/// Each layer is read and verified once. Bytes of files are counted without
/// compression, as nobody can say what one file is in a compressed layer.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Where the bytes go, and what to do about it:
    polyarch analyze hello.tar

  The image of one platform, with the 50 largest of everything:
    polyarch analyze --platform linux/amd64 --top 50 hello.tar

  The same to click on, as one file:
    polyarch analyze --html hello.html hello.tar

  The bytes of files that are in the store and copied out of it, for scripts:
    polyarch analyze --json hello.tar | jq '.platforms[].waste[] | select(.kind == \"copied-from-store\").bytes'

Exit code: 0 done, 1 failed, 2 wrong usage.")]
pub struct AnalyzeArgs {
    /// The image, as for `polyarch merge`
    #[arg(value_name = "IMAGE[#WHICH]")]
    image: OsString,

    #[command(flatten)]
    look: LoadArgs,

    /// Write one page for a browser into FILE (`-`: standard output): treemaps, tables and a filter, in
    /// a file that needs no other and no network; a page that is there is replaced
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,

    /// How much of each list to show: text shows the 10 largest by default; JSON has 1000 items of each
    /// kind of waste, a page 200, and both have all of everything else
    #[arg(long, value_name = "N")]
    top: Option<usize>,
}

impl AnalyzeArgs {
    /// Does it.
    pub fn run(&self, default_jobs: usize) -> Result<(), Failure> {
        let look = self.look.look(&self.image, default_jobs);
        let analyze = |top| show::while_working(&look, || analyze::analyze(&look, top));
        if self.look.json {
            let analysis = analyze(self.top.unwrap_or(analyze::TOP))?;
            return show::json(&analysis);
        }
        if let Some(file) = &self.html {
            // Before the work is done.
            sink::may_replace_page(file)?;
            let analysis = analyze(self.top.unwrap_or(html::TOP))?;
            let page = html::page(&analysis);
            return match file == Path::new("-") {
                true => show::bytes(page.as_bytes()),
                false => Ok(sink::replace(file, page.as_bytes())?),
            };
        }
        let top = self.top.unwrap_or(10);
        let analysis = analyze(top)?;
        show::text(|page| show::analyze::report(page, &analysis, top))
    }
}
