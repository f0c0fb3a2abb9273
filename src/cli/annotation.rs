//! The arguments of `--annotation`.

use clap::ValueEnum;
use polyarch::merge::Annotations;

/// What an annotation is added to.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AnnotationLevel {
    Index,
    Manifest,
    ManifestDescriptor,
    IndexDescriptor,
}

/// An argument of `--annotation`.
#[derive(Clone, Debug)]
pub struct AnnotationArg {
    levels: Vec<AnnotationLevel>,
    key: String,
    value: String,
}

/// Parses an argument of `--annotation`.
pub fn annotation(text: &str) -> Result<AnnotationArg, String> {
    let (key, value) = text.split_once('=').ok_or("expected [LEVEL:]KEY=VALUE")?;
    let levels = |text: &str| -> Option<Vec<AnnotationLevel>> {
        text.split(',')
            .map(|level| AnnotationLevel::from_str(level, false).ok())
            .collect()
    };
    let (levels, key) = match key.split_once(':') {
        Some((before, after)) if levels(before).is_some() => (levels(before), after),
        Some((before, _)) if before.split(',').all(is_level_in_capitals) => {
            let lower = before.to_ascii_lowercase();
            return Err(format!(
                "{before:?} is not a level; levels are written in lower case: {lower}:{after}",
                after = &text[before.len() + 1..]
            ));
        }
        // As in buildx, nothing else that looks like a level is the start of a key.
        Some((before, _))
            if before
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b"-,".contains(&b)) =>
        {
            return Err(format!(
                "{before:?} is not a level, expected index, manifest, manifest-descriptor or index-descriptor; a key with a colon needs a level before it: index:{key}"
            ));
        }
        _ => (None, key),
    };
    if key.is_empty() {
        return Err("expected [LEVEL:]KEY=VALUE".to_owned());
    }
    Ok(AnnotationArg {
        levels: levels.unwrap_or_else(|| vec![AnnotationLevel::Index]),
        key: key.to_owned(),
        value: value.to_owned(),
    })
}

fn is_level_in_capitals(level: &str) -> bool {
    AnnotationLevel::from_str(level, true).is_ok()
}

/// Returns the annotations of each level.
pub fn annotations_by_level(arguments: Vec<AnnotationArg>) -> Result<Annotations, String> {
    let mut annotations = Annotations::default();
    for AnnotationArg { levels, key, value } in arguments {
        for level in levels {
            let of_level = match level {
                AnnotationLevel::Index => &mut annotations.index,
                AnnotationLevel::Manifest => &mut annotations.manifest,
                AnnotationLevel::ManifestDescriptor => &mut annotations.manifest_descriptor,
                AnnotationLevel::IndexDescriptor => &mut annotations.index_descriptor,
            };
            if of_level.insert(key.clone(), value.clone()).is_some() {
                return Err(format!("--annotation {key} is given twice"));
            }
        }
    }
    Ok(annotations)
}
