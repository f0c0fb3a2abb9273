//! The name of the merged image, from `--name`, `--tag` and the reference in `--output`.

use polyarch::oci::ImageName;

/// Returns the name of the image from `--name`, `--tag` and the reference in `--output`.
pub fn image_name(
    name: Option<&str>,
    tag: Option<&str>,
    reference: Option<&str>,
) -> Result<Option<ImageName>, String> {
    // A tag comes after the last slash, unlike the port of a registry.
    let split = |text: &str| match text.rsplit_once(':') {
        // What follows the colon in a digest is not a tag.
        Some((name, tag)) if !tag.contains('/') && !name.contains('@') => {
            (name.to_owned(), Some(tag.to_owned()))
        }
        _ => (text.to_owned(), None),
    };
    let (name, of_name) = match (name, tag, reference) {
        (Some(_), _, Some(reference)) if reference.contains([':', '/']) => {
            return Err(format!(
                "--name and --output …:{reference} both name the image; give one of them"
            ));
        }
        (Some(name), ..) => split(name),
        // `-t` of docker.
        (None, Some(tag), None) if tag.contains([':', '/']) => return named(split(tag), None),
        (None, Some(tag), None) => {
            return Err(format!(
                "--tag {tag}: the name is missing; give --name NAME --tag {tag}, or --tag {tag}:latest if it is the name"
            ));
        }
        (None, Some(tag), Some(reference)) => {
            return Err(format!(
                "--tag {tag} and --output …:{reference} both name the image; give one of them"
            ));
        }
        (None, None, Some(reference)) if reference.contains([':', '/']) => split(reference),
        (None, None, _) => return Ok(None),
    };
    let of_output = reference.map(|reference| split(reference).1.unwrap_or(reference.to_owned()));
    let of_output = of_output.filter(|tag| of_name.as_ref() != Some(tag));
    match (tag, of_output) {
        (Some(_), Some(_)) => Err("the tag is given twice: with --tag and with --output".into()),
        (tag, of_output) => named(
            (name, of_name),
            tag.map(str::to_owned).or(of_output).as_deref(),
        ),
    }
}

/// Returns a name whose tag is given with it or on its own.
fn named(
    (name, tag): (String, Option<String>),
    other: Option<&str>,
) -> Result<Option<ImageName>, String> {
    let tag = match (tag.as_deref(), other) {
        (Some(tag), Some(other)) if tag != other => {
            return Err(format!("two tags are given, {tag} and {other}"));
        }
        (tag, other) => tag.or(other).unwrap_or("latest"),
    };
    ImageName::new(&name, tag).map(Some)
}
