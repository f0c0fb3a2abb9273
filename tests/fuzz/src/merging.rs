//! Merges and verifies the same images in different ways, and compares the results.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use polyarch::merge::{Compression, DockerManifest, Format, Level};
use polyarch::oci::{Digest, ImageName, Platform};
use polyarch::verify::{Finding, Severity, VerifyReport};
use polyarch::{CheckLevel, Error, Input, MergeRequest, Select, VerifyRequest};

use super::readback::read_back;
use super::scratch::{Given, Parcel, Scratch, Way};

/// The options of a merge.
pub struct Asked {
    pub select: Select,
    pub platform: Option<Platform>,
    pub set_platform: Option<Platform>,
    pub platforms: Vec<Platform>,
    pub compression: Compression,
    pub name: Option<ImageName>,
    pub annotations: BTreeMap<String, String>,
    pub docker_manifest: bool,
    pub link: bool,
    pub platform_check: CheckLevel,
    pub consistency: CheckLevel,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            select: Select::All,
            platform: None,
            set_platform: None,
            platforms: Vec::new(),
            compression: Compression::Gzip(Level::gzip(1).unwrap()),
            name: None,
            annotations: BTreeMap::new(),
            docker_manifest: false,
            link: false,
            platform_check: CheckLevel::Warn,
            consistency: CheckLevel::Off,
        }
    }
}

/// Settings that must not change the result.
struct Manner {
    way: Way,
    jobs: usize,
    format: Format,
    reversed: bool,
}

/// Merges parcels twice, with different settings, and merges the output again.
pub fn hold(parcels: &[Parcel], asked: &Asked, ways: [Way; 2]) {
    let scratch = Scratch::new();
    for (i, parcel) in parcels.iter().enumerate() {
        scratch.put(i, parcel);
    }
    let one = Manner {
        way: ways[0],
        jobs: 1,
        format: Format::Archive,
        reversed: false,
    };
    let two = Manner {
        way: ways[1],
        jobs: 2,
        format: Format::Layout,
        reversed: true,
    };
    let one = attempt(&scratch, parcels, asked, &one);
    if asked.link && one.is_err() {
        // Linked blobs must have been verified when they were written, and these were not.
        return;
    }
    let two = attempt(&scratch, parcels, asked, &two);
    match (&one, &two) {
        (Ok(one), Ok(two)) => assert_eq!(one, two, "not the same bytes"),
        (Err(_), Err(_)) => return,
        // A stream is read before its documents are known, so damage of unused entries is reported too.
        (Ok(_), Err(error)) | (Err(error), Ok(_)) if error.contains("cannot read the entry") => {
            return;
        }
        // A blob of two streams is staged once; a blob with the name of another one and other bytes is found
        // late (`Stager::resolve`).
        (Ok(_), Err(error)) | (Err(error), Ok(_))
            if error.contains("its name is not its digest") =>
        {
            return;
        }
        _ => panic!("{ways:?}: {one:?}, but {two:?}"),
    }
    // The output of a merge needs no change, so merging it again changes nothing.
    let again = Asked {
        compression: asked.compression,
        ..Asked::default()
    };
    let inputs = vec![Input::new(scratch.path("kept"))];
    let request = request(inputs, &again, scratch.path("again"), 2, Format::Layout);
    let again = polyarch::merge(&request).unwrap_or_else(|e| panic!("merged again: {e}"));
    assert_eq!(Ok(again.descriptor.digest), one);
}

/// Verifies a parcel twice, with different settings. A merge refuses every image with an error.
pub fn report(parcel: &Parcel, ways: [Way; 2]) {
    let scratch = Scratch::new();
    scratch.put(0, parcel);
    let before = scratch.everything();
    let mut reports = [1, 2].map(|jobs| {
        let given = scratch.give(0, parcel, ways[jobs - 1]);
        let report = verify(&given.path, CheckLevel::Error, jobs);
        if parcel.is_archive() {
            let _ = fs::remove_file(&given.path);
        }
        report
    });
    assert!(scratch.everything() == before, "verifying wrote something");
    for report in &mut reports {
        serde_json::to_string(&report).unwrap();
        assert_eq!(errors(report).count(), report.errors);
        assert!(report.findings.iter().all(|f| !f.message.is_empty()));
    }
    // Damage of unused entries is reported only for a stream.
    let is_of_stream = |f: &Finding| f.subject.starts_with("entry ");
    if !reports.iter().flat_map(|r| &r.findings).any(is_of_stream) {
        let [one, two] = reports.map(|report| report.errors > 0);
        assert_eq!(one, two, "{ways:?}");
    }
}

fn verify(path: &Path, platform_check: CheckLevel, jobs: usize) -> VerifyReport {
    let mut request = VerifyRequest::new([Input::new(path)]);
    request.platform_check = platform_check;
    request.jobs = jobs;
    polyarch::verify(&request)
}

/// Returns the rules that are broken.
fn errors(report: &VerifyReport) -> impl Iterator<Item = &'static str> {
    let errors = report.findings.iter();
    errors
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.id)
}

/// Merges a file into a layout, without comparing anything.
pub fn try_once(bytes: &[u8], output: &Path) -> Result<(), Error> {
    let input = output.with_extension("json");
    fs::write(&input, bytes).unwrap();
    let asked = Asked {
        compression: Compression::None,
        ..Asked::default()
    };
    let inputs = vec![Input::new(input.clone())];
    let request = request(inputs, &asked, output.to_owned(), 1, Format::Layout);
    let merged = polyarch::merge(&request).map(drop);
    fs::remove_file(&input).unwrap();
    merged
}

/// Merges once and returns the digest or the message. An output that is a directory is kept.
fn attempt(
    scratch: &Scratch,
    parcels: &[Parcel],
    asked: &Asked,
    manner: &Manner,
) -> Result<Digest, String> {
    let numbered = parcels.iter().enumerate();
    let given: Vec<Given> = numbered
        .map(|(i, parcel)| scratch.give(i, parcel, manner.way))
        .collect();
    let mut inputs: Vec<Input> = given
        .iter()
        .map(|given| {
            let mut input = Input::new(given.path.clone());
            input.select = asked.select.clone();
            input.platform = asked.platform.clone();
            input.set_platform = asked.set_platform.clone();
            input
        })
        .collect();
    if manner.reversed {
        inputs.reverse();
    }
    let before = scratch.everything();
    let output = scratch.path("output");
    let request = request(inputs, asked, output.clone(), manner.jobs, manner.format);
    match polyarch::merge(&request) {
        Err(error) => {
            assert!(scratch.everything() == before, "left behind: {error}");
            let (message, hint) = (error.to_string(), error.hint());
            assert!(!message.is_empty() && hint.is_none_or(|hint| !hint.is_empty()));
            Err(message)
        }
        Ok(outcome) => {
            let after = scratch.everything();
            assert!(after.is_superset(&before), "an input has changed");
            let mut made = after.difference(&before).map(|(path, _)| path);
            assert!(
                made.all(|path| path.starts_with(&output)),
                "written elsewhere"
            );
            assert_eq!(read_back(&output), outcome.descriptor.digest);
            let found = verify(&output, CheckLevel::Off, manner.jobs);
            let added = errors(&found).find(|id| {
                // Many errors of an image are copied with it, above all those within layers.
                let mut inputs = parcels.iter().enumerate();
                *id != "layer-tar"
                    && !inputs.any(|(i, parcel)| {
                        let given = scratch.give(i, parcel, Way::File);
                        let found = verify(&given.path, CheckLevel::Off, 1);
                        errors(&found).any(|other| other == *id)
                    })
            });
            assert_eq!(added, None, "{:#?}", found.findings);
            match manner.format {
                Format::Archive => fs::remove_file(&output).unwrap(),
                Format::Layout => fs::rename(&output, scratch.path("kept")).unwrap(),
            }
            Ok(outcome.descriptor.digest)
        }
    }
}

fn request(
    inputs: Vec<Input>,
    asked: &Asked,
    output: PathBuf,
    jobs: usize,
    format: Format,
) -> MergeRequest {
    let mut request = MergeRequest::new(inputs, output);
    request.output.format = format;
    request.output.link = asked.link && format == Format::Layout;
    request.output.sync = false;
    request.platforms = asked.platforms.clone();
    request.compression = asked.compression;
    request.checks.platform = asked.platform_check;
    request.checks.consistency = asked.consistency;
    request.name = asked.name.clone();
    request.annotations.index = asked.annotations.clone();
    request.annotations.manifest = asked.annotations.clone();
    request.annotations.manifest_descriptor = asked.annotations.clone();
    request.annotations.index_descriptor = asked.annotations.clone();
    if asked.docker_manifest {
        request.docker_manifest = DockerManifest::First;
    }
    request.jobs = jobs;
    request
}
