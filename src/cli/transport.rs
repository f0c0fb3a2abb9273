//! Paths with a transport in front, as skopeo and podman write them.
//!
//! Source: containers-transports(5). A file whose name starts like that is given as `./oci:…`.

use polyarch::Select;
use polyarch::internals::text::{archive_name, tls_option};
use polyarch::merge::Format;

/// A transport of a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Oci,
    OciArchive,
    DockerArchive,
    Dir,
}

const TRANSPORTS: [(&str, Transport); 4] = [
    ("oci:", Transport::Oci),
    ("oci-archive:", Transport::OciArchive),
    ("docker-archive:", Transport::DockerArchive),
    ("dir:", Transport::Dir),
];

/// Splits off a transport that means a file, if the text starts with one.
pub fn split(text: &str) -> Option<(Transport, &str)> {
    let found =
        |(prefix, transport): &(&str, Transport)| Some((*transport, text.strip_prefix(prefix)?));
    TRANSPORTS.iter().find_map(found)
}

impl Transport {
    /// Splits `PATH[:REFERENCE]`: the reference starts after the first colon.
    pub fn split_reference(self, text: &str) -> (&str, Option<&str>) {
        match text.split_once(':') {
            Some((path, reference)) if self != Self::Dir => {
                (path, Some(reference).filter(|text| !text.is_empty()))
            }
            _ => (text, None),
        }
    }
}

/// Returns the images that a reference means: a name and tag, a tag, or `@POSITION`.
pub fn select(reference: &str) -> Select {
    match reference.strip_prefix('@').map(str::parse) {
        Some(Ok(position)) => Select::Position(position),
        _ => Select::Name(reference.to_owned()),
    }
}

/// Where an output goes.
#[derive(Debug, PartialEq, Eq)]
pub struct OutputPlace<'a> {
    pub path: &'a str,
    pub format: Option<Format>,
    /// `NAME:TAG` or `TAG`.
    pub reference: Option<&'a str>,
}

/// Parses the value of `--output`.
pub fn output(text: &str) -> Result<OutputPlace<'_>, String> {
    for (prefix, load) in [
        ("docker-daemon:", "docker"),
        ("containers-storage:", "podman"),
    ] {
        if let Some(reference) = text.strip_prefix(prefix) {
            let file = archive_name(reference);
            let name = reference.rsplit(']').next().unwrap_or(reference);
            return Err(format!(
                "--output {text}: loading comes after the merge: give --name {name} --output {file}, then run: {load} load --input {file}"
            ));
        }
    }
    let found = split(text);
    let pushed = match text.strip_prefix("docker://") {
        None if found.is_none() => in_a_registry(text),
        reference => reference,
    };
    if let Some(reference) = pushed {
        let (file, tls) = (archive_name(reference), tls_option("dest", reference));
        return Err(format!(
            "--output {text}: pushing comes after the merge, which has no network: give --output {file}, then run: skopeo copy --all --preserve-digests{tls} oci-archive:{file} docker://{reference}"
        ));
    }
    let Some((transport, rest)) = found else {
        return Ok(OutputPlace {
            path: text,
            format: None,
            reference: None,
        });
    };
    let (path, reference) = transport.split_reference(rest);
    let format = match transport {
        _ if path.is_empty() => return Err(format!("--output {text}: the path is missing")),
        Transport::Oci => Format::Layout,
        Transport::OciArchive => Format::Archive,
        Transport::DockerArchive => {
            return Err(format!(
                "--output {text}: a docker-archive has no image index; expected oci-archive:{path}, to which --docker-manifest adds what `docker load` reads"
            ));
        }
        Transport::Dir => {
            return Err(format!(
                "--output {text}: polyarch writes image layouts and archives of them; expected oci:{path} or oci-archive:{path}.tar"
            ));
        }
    };
    Ok(OutputPlace {
        path,
        format: Some(format),
        reference,
    })
}

/// Returns the reference, if a path is certainly none: its first part is a host, and it ends in a tag.
fn in_a_registry(text: &str) -> Option<&str> {
    let (host, rest) = text.split_once('/')?;
    let is_host = host.contains('.') && !host.starts_with('.') || host.starts_with("localhost:");
    let last = rest.rsplit('/').next()?;
    let is_file = [".tar", ".ociarchive"]
        .iter()
        .any(|end| last.ends_with(end));
    (is_host && last.contains(':') && !is_file).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_the_format_of_their_transport() {
        let place = |path, format, reference| OutputPlace {
            path,
            format,
            reference,
        };
        for (text, expected) in [
            ("x.tar", place("x.tar", None, None)),
            ("./oci:x", place("./oci:x", None, None)),
            ("oci:d", place("d", Some(Format::Layout), None)),
            ("oci:d:v1", place("d", Some(Format::Layout), Some("v1"))),
            (
                "oci-archive:/a/x.tar:me/x:v1",
                place("/a/x.tar", Some(Format::Archive), Some("me/x:v1")),
            ),
        ] {
            assert_eq!(output(text).unwrap(), expected, "{text}");
        }
    }
}
