//! Documents of CycloneDX 1.6 in JSON.

use serde_json::{Value, json};

use super::document::{Ids, TOOL, TOOL_VERSION, id_text, image_name, image_purl, uuid};
use super::license;
use super::report::{Component, ComponentType, SbomPlatform, SbomReport};
use crate::oci::{Algorithm, Digest};

/// Returns the components as a document of CycloneDX 1.6.
pub fn document(report: &SbomReport) -> Value {
    let name = image_name(report);
    let mut ids = Ids::default();
    let images: Vec<String> = (report.platforms.iter())
        .map(|platform| ids.of(&format!("image-{}", platform.platform)))
        .collect();
    let refs: Vec<String> = report
        .components
        .iter()
        .map(|c| ids.of(&id_text(c)))
        .collect();

    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    let subject = match (&report.platforms[..], &images[..]) {
        ([platform], [id]) => of_platform(report, platform, id, &name),
        _ => {
            let index = ids.of("index");
            dependencies.push(json!({ "ref": index, "dependsOn": images }));
            let platforms = report.platforms.iter().zip(&images);
            components
                .extend(platforms.map(|(platform, id)| of_platform(report, platform, id, &name)));
            let purl = image_purl(report, None);
            image(&index, &name, report.index.as_ref(), purl, Vec::new())
        }
    };
    for (i, id) in images.iter().enumerate() {
        let has = |component: &Component| component.places.iter().any(|place| place.platform == i);
        let of_image = report
            .components
            .iter()
            .zip(&refs)
            .filter(|(component, _)| has(component));
        let of_image: Vec<&String> = of_image.map(|(_, id)| id).collect();
        dependencies.push(json!({ "ref": id, "dependsOn": of_image }));
    }
    for (component, id) in report.components.iter().zip(&refs) {
        components.push(describe(report, component, id));
        let others: Vec<&String> = component.depends_on.iter().map(|i| &refs[*i]).collect();
        dependencies.push(json!({ "ref": id, "dependsOn": others }));
    }
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": null,
        "version": 1,
        "metadata": {
            "timestamp": report.created,
            "tools": {
                "components": [{ "type": "application", "name": TOOL, "version": TOOL_VERSION }],
            },
            "component": subject,
        },
        "components": components,
        "dependencies": dependencies,
    });
    document["serialNumber"] = format!("urn:uuid:{}", uuid(&document)).into();
    document
}

fn of_platform(report: &SbomReport, platform: &SbomPlatform, id: &str, name: &str) -> Value {
    let mut properties = vec![
        property("polyarch:platform", &platform.platform),
        property("polyarch:image_id", &platform.image_id.to_string()),
        property("polyarch:other_files", &platform.others.count.to_string()),
    ];
    let others = platform.others.first.iter();
    properties.extend(others.map(|path| property("polyarch:other_file", path)));
    let layers = platform.layers.iter();
    properties.extend(layers.map(|layer| property("polyarch:layer", &layer.digest.to_string())));
    let digest = platform.manifest.as_ref().unwrap_or(&platform.image_id);
    image(
        id,
        name,
        Some(digest),
        image_purl(report, Some(platform)),
        properties,
    )
}

fn image(
    id: &str,
    name: &str,
    digest: Option<&Digest>,
    purl: Option<String>,
    properties: Vec<Value>,
) -> Value {
    let mut component = json!({ "type": "container", "bom-ref": id, "name": name });
    if let Some(digest) = digest {
        component["version"] = digest.to_string().into();
        component["hashes"] = json!([hash(digest)]);
    }
    if let Some(purl) = purl {
        component["purl"] = purl.into();
    }
    if !properties.is_empty() {
        component["properties"] = properties.into();
    }
    component
}

fn describe(report: &SbomReport, component: &Component, id: &str) -> Value {
    let mut described = json!({ "type": "library", "bom-ref": id, "name": component.name });
    if !component.version.is_empty() {
        described["version"] = component.version.as_str().into();
    }
    let metadata = &component.metadata;
    if component.kind == ComponentType::OperatingSystem {
        described["type"] = "operating-system".into();
    } else if metadata.main_program.is_some() {
        described["type"] = "application".into();
    }
    if let Some(description) = &metadata.description {
        described["description"] = description.as_str().into();
    }
    if let Some(license) = &metadata.license {
        described["licenses"] = match license::is_expression(license) {
            true => json!([{ "expression": license }]),
            false => json!([{ "license": { "name": license } }]),
        };
    }
    if let Some(cpe) = &metadata.cpe {
        described["cpe"] = cpe.as_str().into();
    }
    if let Some(homepage) = &metadata.homepage {
        described["externalReferences"] = json!([{ "type": "website", "url": homepage }]);
    }
    if let Some(purl) = &component.purl {
        described["purl"] = purl.as_str().into();
    }
    let properties = component.properties().into_iter();
    let mut properties: Vec<Value> = properties
        .map(|(name, value)| property(name, &value))
        .collect();
    properties.extend(of_source(component));
    for place in &component.places {
        let platform = &report.platforms[place.platform];
        let name = format!("polyarch:layer:{}", platform.platform);
        for layer in &place.layers {
            properties.push(property(&name, &platform.layers[*layer].digest.to_string()));
        }
    }
    described["properties"] = properties.into();
    described
}

/// The source package, as Trivy reads it: advisories of Debian and others name source packages. Grype reads the
/// `upstream` of the package URL.
fn of_source(component: &Component) -> Vec<Value> {
    let Some(source) = &component.source else {
        return Vec::new();
    };
    let property = |name: &str, value: &str| property(&format!("aquasecurity:trivy:{name}"), value);
    let mut properties = vec![property("SrcName", &source.name)];
    if source.version != component.version {
        let (epoch, rest) = match source.version.split_once(':') {
            Some((epoch, rest)) => (Some(epoch), rest),
            None => (None, &*source.version),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release)),
            None => (rest, None),
        };
        properties.push(property("SrcVersion", version));
        properties.extend(release.map(|release| property("SrcRelease", release)));
        // It fails if this is not a number.
        let epoch = epoch.filter(|epoch| epoch.parse::<u32>().is_ok());
        properties.extend(epoch.map(|epoch| property("SrcEpoch", epoch)));
    }
    properties
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn hash(digest: &Digest) -> Value {
    let algorithm = match digest.algorithm() {
        Algorithm::Sha256 => "SHA-256",
        Algorithm::Sha512 => "SHA-512",
    };
    json!({ "alg": algorithm, "content": digest.hex() })
}
