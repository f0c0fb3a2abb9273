//! The report of `polyarch sbom`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use polyarch::internals::sink;
use polyarch::internals::text::{bytes, quoted};
use polyarch::sbom::{ClosureState, Component, SbomReport};
use polyarch::{Input, SbomRequest};

use super::inspect::short;
use super::terminal::{Align, Page};
use super::{Failure, count, warning};

#[derive(Debug)]
pub struct SbomView {
    pub format: SbomFormat,
    /// `-` is standard output.
    pub output: PathBuf,
}

#[derive(Debug)]
pub enum SbomFormat {
    /// A table of the components that have a text.
    Text {
        filter: Option<String>,
    },
    Spdx,
    CycloneDx,
}

impl SbomView {
    /// Fails if the output would replace an input or a file that is not an SBOM, before any work is done.
    pub fn check_output(&self, request: &SbomRequest) -> Result<(), Failure> {
        let Some(file) = self.file() else {
            return Ok(());
        };
        let image = Some(&request.input).filter(|input| !input.is_stdin());
        let mut inputs: Vec<&Path> = image.map(|input| &*input.path).into_iter().collect();
        inputs.extend(request.closures.iter().map(|closure| &*closure.path));
        inputs.extend(request.metadata.iter().map(|file| &**file));
        Ok(sink::may_replace_sbom(file, &inputs)?)
    }

    /// Fails if the image and the text were given in the order of grep.
    pub fn check_order(&self, image: &Input) -> Result<(), Failure> {
        let SbomFormat::Text { filter: Some(text) } = &self.format else {
            return Ok(());
        };
        if image.is_stdin() || image.path.exists() || !Path::new(text).exists() {
            return Ok(());
        }
        let path = image.path.to_string_lossy();
        Err(Failure::Hinted {
            problem: format!("{path}: no such file or directory"),
            hint: format!(
                "the image comes first: polyarch sbom {} {}",
                quoted(text),
                quoted(&path)
            ),
        })
    }

    pub fn print(&self, report: &SbomReport) -> Result<(), Failure> {
        let document = match &self.format {
            SbomFormat::Spdx => report.spdx(),
            SbomFormat::CycloneDx => report.cyclonedx(),
            SbomFormat::Text { filter } => return self.table(report, filter.as_deref()),
        };
        for problem in &report.warnings {
            warning(problem);
        }
        let Some(file) = self.file() else {
            return super::json(&document);
        };
        let mut text = Vec::new();
        super::json::write(&mut text, &document)
            .map_err(|e| Failure::Print(format!("cannot write JSON: {e}")))?;
        Ok(sink::replace(file, &text)?)
    }

    fn table(&self, report: &SbomReport, filter: Option<&str>) -> Result<(), Failure> {
        let Some(file) = self.file() else {
            return super::text(|page| fill(page, report, filter));
        };
        let mut page = Page::plain();
        fill(&mut page, report, filter);
        let text = anstream::adapter::strip_str(page.text()).to_string();
        Ok(sink::replace(file, text.as_bytes())?)
    }

    fn file(&self) -> Option<&Path> {
        (self.output != Path::new("-")).then_some(&*self.output)
    }
}

/// The first column of a table, by which [`sink::may_replace_sbom`] recognises one.
const FIRST_COLUMN: &str = sink::SBOM_TABLE;

fn fill(page: &mut Page, report: &SbomReport, filter: Option<&str>) {
    let head = [
        (FIRST_COLUMN, Align::Left),
        ("VERSION", Align::Left),
        ("TYPE", Align::Left),
        ("SIZE", Align::Right),
        ("LAYER", Align::Left),
        ("PLATFORM", Align::Left),
        ("PATH", Align::Left),
    ];
    let mut rows = Vec::new();
    for component in &report.components {
        if filter.is_none_or(|text| has(component, text)) {
            rows.extend(rows_of(component, report));
        }
    }
    if filter.is_some() {
        rows.extend(rows_of_files(report));
    }
    page.table(&head, &rows, &[], 0);
    match filter {
        None => others(page, report),
        Some(text) if rows.is_empty() => {
            page.line(&format!(
                "no component has {text:?} in its name, path or package URL, and no other file in its path"
            ));
            if report.platforms.iter().any(|p| p.platform == text) {
                page.line(&format!(
                    "to read only the image for this platform, use --platform {text}"
                ));
            }
        }
        Some(_) => more_files(page, report),
    }
    for warning in &report.warnings {
        page.note(&warning.to_string());
    }
}

/// Whether a component has a text in its name, path or package URL, in any case.
fn has(component: &Component, text: &str) -> bool {
    let text = text.to_lowercase();
    let purl = component.purl.as_deref().unwrap_or_default();
    let texts = [&*component.name, &*component.path, purl];
    texts
        .iter()
        .any(|other| other.to_lowercase().contains(&text))
}

/// Returns a row for each group of platforms that have a component in the same layers.
fn rows_of(component: &Component, report: &SbomReport) -> Vec<Vec<String>> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for place in &component.places {
        let platform = &report.platforms[place.platform];
        let layers = place.layers.iter();
        let layers = layers.map(|i| format!("{} {}", i + 1, short(&platform.layers[*i].digest)));
        let layers = layers.collect::<Vec<_>>().join(", ");
        match groups.iter_mut().find(|(known, _)| *known == layers) {
            Some((_, platforms)) => platforms.push(&platform.platform),
            None => groups.push((layers, vec![&platform.platform])),
        }
    }
    let row = |(layers, platforms): (String, Vec<&str>)| {
        let version = match component.version.is_empty() {
            true => "-".to_owned(),
            false => component.version.clone(),
        };
        vec![
            component.name.clone(),
            version,
            component.kind.name().to_owned(),
            component.size.map_or_else(|| "-".to_owned(), bytes),
            layers,
            platforms.join(", "),
            match component.store.as_ref().and_then(|store| store.closure) {
                Some(state @ (ClosureState::Changed | ClosureState::Unchecked)) => {
                    format!("{} ({})", component.path, state.name())
                }
                _ => component.path.clone(),
            },
        ]
    };
    groups.into_iter().map(row).collect()
}

/// Returns a row for each file in no component that has the text, by layer.
fn rows_of_files(report: &SbomReport) -> Vec<Vec<String>> {
    let mut rows: BTreeMap<(&str, String, String), Vec<&str>> = BTreeMap::new();
    for platform in &report.platforms {
        for file in &platform.others.matching {
            let layer = short(&platform.layers[file.layer].digest);
            let layer = format!("{} {layer}", file.layer + 1);
            let size = file.size.map_or_else(|| "-".to_owned(), bytes);
            let same = rows.entry((&file.path, layer, size)).or_default();
            same.push(&platform.platform);
        }
    }
    let row = |((path, layer, size), platforms): ((&str, String, String), Vec<&str>)| {
        let (none, kind) = ("-".to_owned(), "file".to_owned());
        let platforms = platforms.join(", ");
        vec![
            none.clone(),
            none,
            kind,
            size,
            layer,
            platforms,
            path.to_owned(),
        ]
    };
    rows.into_iter().map(row).collect()
}

/// Adds the number of files that have the text and are not in the table.
fn more_files(page: &mut Page, report: &SbomReport) {
    for platform in &report.platforms {
        let others = &platform.others;
        let more = others.matches.saturating_sub(others.matching.len() as u64);
        if more > 0 {
            page.faint(&format!(
                "{}: and {} in no component",
                platform.platform,
                count(usize::try_from(more).unwrap_or(usize::MAX), "more file")
            ));
        }
    }
}

/// Adds the files that belong to no component.
fn others(page: &mut Page, report: &SbomReport) {
    const SHOWN: usize = 10;
    for platform in &report.platforms {
        let others = &platform.others;
        if others.count == 0 {
            continue;
        }
        let number = usize::try_from(others.count).unwrap_or(usize::MAX);
        page.gap();
        page.line(&format!(
            "{}: {} ({}) in no component",
            platform.platform,
            count(number, "file"),
            bytes(others.size)
        ));
        for path in others.first.iter().take(SHOWN) {
            page.line(&format!("  {path}"));
        }
        if number > SHOWN {
            page.faint(&format!("  and {} more", number - SHOWN));
        }
    }
}
