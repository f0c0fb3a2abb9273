//! Documents of SPDX 2.3 in JSON.
//!
//! ```text
//! document DESCRIBES index or image; image VARIANT_OF index; image CONTAINS layer; layer CONTAINS component;
//! component DEPENDS_ON component
//! ```

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{Ids, TOOL, TOOL_VERSION, id_text, image_name, image_purl, uuid};
use super::license;
use super::report::{Component, ComponentType, SbomPlatform, SbomReport};
use crate::oci::{Algorithm, Digest};

const NOASSERTION: &str = "NOASSERTION";

/// Returns the components as a document of SPDX 2.3.
pub fn document(report: &SbomReport) -> Value {
    let name = image_name(report);
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": null,
        "creationInfo": {
            "created": report.created,
            "creators": [format!("Tool: {TOOL}-{TOOL_VERSION}")],
        },
    });
    let mut writer = Writer::default();
    writer.images(report, &name);
    writer.components(report);
    let licenses = report.components.iter();
    let licenses = licenses.filter_map(|component| component.metadata.license.as_deref());
    let others = license::others(licenses);
    if !others.is_empty() {
        document["hasExtractedLicensingInfos"] = others.into();
    }
    document["packages"] = writer.packages.into();
    document["relationships"] = writer.relationships.into();
    let namespace = Ids::default().of(&name);
    document["documentNamespace"] =
        format!("https://spdx.org/spdxdocs/{namespace}-{}", uuid(&document)).into();
    document
}

#[derive(Default)]
struct Writer {
    ids: Ids,
    packages: Vec<Value>,
    relationships: Vec<Value>,
    /// The ids of layers by digest.
    layers: BTreeMap<Digest, String>,
}

impl Writer {
    fn id(&mut self, text: &str) -> String {
        format!("SPDXRef-{}", self.ids.of(text))
    }

    fn relate(&mut self, from: &str, kind: &str, to: &str) {
        self.relationships.push(json!({
            "spdxElementId": from,
            "relationshipType": kind,
            "relatedSpdxElement": to,
        }));
    }

    fn images(&mut self, report: &SbomReport, name: &str) {
        let index = (report.platforms.len() != 1).then(|| {
            let id = self.id("Index");
            let purl = image_purl(report, None);
            let digest = report.index.as_ref();
            let package = image(&id, name, digest, purl, "The image of all platforms below");
            self.packages.push(package);
            self.relate("SPDXRef-DOCUMENT", "DESCRIBES", &id);
            id
        });
        for platform in &report.platforms {
            let id = self.id(&format!("Image-{}", platform.platform));
            let digest = platform.manifest.as_ref().unwrap_or(&platform.image_id);
            let purl = image_purl(report, Some(platform));
            let comment = comment(platform);
            self.packages
                .push(image(&id, name, Some(digest), purl, &comment));
            match &index {
                Some(index) => self.relate(&id, "VARIANT_OF", index),
                None => self.relate("SPDXRef-DOCUMENT", "DESCRIBES", &id),
            }
            for layer in &platform.layers {
                let layer_id = self.layer(&layer.digest);
                self.relate(&id, "CONTAINS", &layer_id);
            }
        }
    }

    /// Returns the id of a layer, which several images may have.
    fn layer(&mut self, digest: &Digest) -> String {
        if let Some(id) = self.layers.get(digest) {
            return id.clone();
        }
        let id = self.id(&format!("Layer-{digest}"));
        let mut package = package(&id, &digest.to_string());
        package["versionInfo"] = digest.to_string().into();
        package["checksums"] = json!([checksum(digest)]);
        package["comment"] = "A layer of the image".into();
        self.packages.push(package);
        self.layers.insert(digest.clone(), id.clone());
        id
    }

    fn components(&mut self, report: &SbomReport) {
        let components = &report.components;
        let ids: Vec<String> = components.iter().map(|c| self.id(&id_of(c))).collect();
        for (component, id) in components.iter().zip(&ids) {
            self.packages.push(describe(component, id));
            let mut layers = Vec::new();
            for place in &component.places {
                let all = &report.platforms[place.platform].layers;
                layers.extend(
                    place
                        .layers
                        .iter()
                        .map(|i| self.layers[&all[*i].digest].clone()),
                );
            }
            layers.sort_unstable();
            layers.dedup();
            for layer in &layers {
                self.relate(layer, "CONTAINS", id);
            }
            for other in &component.depends_on {
                self.relate(id, "DEPENDS_ON", &ids[*other]);
            }
        }
    }
}

fn id_of(component: &Component) -> String {
    let kind = match component.kind {
        ComponentType::StorePath => "StorePath",
        // Trivy knows a distribution by this word.
        ComponentType::OperatingSystem => "OperatingSystem",
        _ => "Package",
    };
    format!("{kind}-{}", id_text(component))
}

fn package(id: &str, name: &str) -> Value {
    json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": NOASSERTION,
        "filesAnalyzed": false,
        "supplier": NOASSERTION,
        "licenseConcluded": NOASSERTION,
        "licenseDeclared": NOASSERTION,
        "copyrightText": NOASSERTION,
    })
}

fn image(
    id: &str,
    name: &str,
    digest: Option<&Digest>,
    purl: Option<String>,
    comment: &str,
) -> Value {
    let mut package = package(id, name);
    package["primaryPackagePurpose"] = "CONTAINER".into();
    if let Some(digest) = digest {
        package["versionInfo"] = digest.to_string().into();
        package["checksums"] = json!([checksum(digest)]);
    }
    if let Some(purl) = purl {
        package["externalRefs"] = json!([purl_reference(&purl)]);
    }
    package["comment"] = comment.into();
    package
}

/// What the image of a platform has besides components.
fn comment(platform: &SbomPlatform) -> String {
    let what = match platform.manifest {
        Some(_) => "manifest",
        None => "config (the input has no manifests)",
    };
    let others = match platform.others.count {
        0 => "every file belongs to a component".to_owned(),
        1 => "1 file belongs to no component".to_owned(),
        n => format!("{n} files belong to no component"),
    };
    let listed = match platform.others.first.is_empty() {
        true => String::new(),
        false => format!(": {}", platform.others.first.join(", ")),
    };
    format!(
        "The image for {}, by the digest of its {what}; {others}{listed}",
        platform.platform
    )
}

fn describe(component: &Component, id: &str) -> Value {
    let mut package = package(id, &component.name);
    if !component.version.is_empty() {
        package["versionInfo"] = component.version.as_str().into();
    }
    let metadata = &component.metadata;
    if let Some(license) = &metadata.license {
        package["licenseDeclared"] = license::expression(license).into();
    }
    if let Some(homepage) = &metadata.homepage {
        package["homepage"] = homepage.as_str().into();
    }
    if let Some(description) = &metadata.description {
        package["summary"] = description.as_str().into();
    }
    if component.kind == ComponentType::OperatingSystem {
        package["primaryPackagePurpose"] = "OPERATING-SYSTEM".into();
    } else if metadata.main_program.is_some() {
        package["primaryPackagePurpose"] = "APPLICATION".into();
    }
    if let Some(source) = &component.source {
        // Trivy looks for these words.
        let (name, version) = (&source.name, &source.version);
        package["sourceInfo"] = format!("built package from: {name} {version}").into();
    }
    let mut references = Vec::new();
    if let Some(cpe) = &metadata.cpe {
        references.push(json!({
            "referenceCategory": "SECURITY",
            "referenceType": "cpe23Type",
            "referenceLocator": cpe,
        }));
    }
    if let Some(purl) = &component.purl {
        references.push(purl_reference(purl));
    }
    for (name, value) in component.properties() {
        references.push(json!({
            "referenceCategory": "OTHER",
            "referenceType": name,
            "referenceLocator": value,
        }));
    }
    package["externalRefs"] = references.into();
    package
}

fn purl_reference(purl: &str) -> Value {
    json!({
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl,
    })
}

fn checksum(digest: &Digest) -> Value {
    let algorithm = match digest.algorithm() {
        Algorithm::Sha256 => "SHA256",
        Algorithm::Sha512 => "SHA512",
    };
    json!({ "algorithm": algorithm, "checksumValue": digest.hex() })
}
