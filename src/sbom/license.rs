//! Licenses: expressions of SPDX, and others under a name of ours.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spdx::Expression;

/// Whether a license is an expression of SPDX.
pub fn is_expression(license: &str) -> bool {
    Expression::parse(license).is_ok()
}

/// Returns a license as an expression of SPDX; another license gets an id like its name.
pub fn expression(license: &str) -> String {
    match is_expression(license) {
        true => license.to_owned(),
        false => reference(license),
    }
}

/// Returns the texts of the licenses that are not in the list of SPDX.
pub fn others<'a>(licenses: impl Iterator<Item = &'a str>) -> Vec<Value> {
    let mut others = BTreeMap::new();
    for license in licenses {
        match Expression::parse(license) {
            Err(_) => drop(others.insert(reference(license), license.to_owned())),
            // Its text is not known.
            Ok(expression) => {
                let required = expression
                    .requirements()
                    .map(|found| found.req.license.to_string());
                let references = required.filter(|id| id.starts_with("LicenseRef-"));
                others.extend(references.map(|id| (id.clone(), id)));
            }
        }
    }
    others
        .into_iter()
        .map(|(id, text)| json!({ "licenseId": id, "extractedText": text, "name": text }))
        .collect()
}

fn reference(license: &str) -> String {
    let letter = |c: char| match c.is_ascii_alphanumeric() || c == '.' {
        true => c,
        false => '-',
    };
    let id: String = license.chars().map(letter).collect();
    format!("LicenseRef-{id}")
}
