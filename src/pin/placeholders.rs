//! Placeholders, which work in any file of text: `@app@`, `@app.name@`, `@app.tag@` and `@app.digest@`.

use super::Edit;
use super::pins::Pins;
use super::text::Text;
use crate::error::PinProblem;

/// Returns the edits of the placeholders of the images.
pub fn edits(pins: &Pins<'_>, text: &Text<'_>) -> Result<Vec<Edit>, PinProblem> {
    let (lines, text) = (text, text.text);
    let mut edits: Vec<Edit> = Vec::new();
    for (start, _) in text.match_indices('@') {
        let is_inside = edits
            .last()
            .is_some_and(|edit| start < edit.start + edit.old.len());
        if is_inside {
            continue;
        }
        for (i, image) in pins.images() {
            let rest = &text[start + 1..];
            let rest = image.key.as_ref().and_then(|key| rest.strip_prefix(&**key));
            let Some((field, _)) = rest.and_then(|rest| rest.split_once('@')) else {
                continue;
            };
            let new = match field {
                "" => image.reference(),
                ".name" => image.name.clone(),
                ".digest" => image.digest.to_string(),
                ".tag" => image.tags.first().cloned().unwrap_or_default(),
                _ if is_field(field) => {
                    return Err(PinProblem::UnknownPlaceholder {
                        line: lines.line(start),
                        placeholder: format!(
                            "@{}{field}@",
                            image.key.as_deref().unwrap_or_default()
                        ),
                    });
                }
                _ => continue,
            };
            pins.found(i);
            let end = text.len() - rest.map_or(0, str::len) + field.len() + 1;
            edits.push(Edit {
                start,
                old: text[start..end].to_owned(),
                new,
            });
            break;
        }
    }
    Ok(edits)
}

/// Whether it looks like a misspelt field, not like a longer key or an address.
fn is_field(field: &str) -> bool {
    let name = field.strip_prefix('.');
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase()))
}
