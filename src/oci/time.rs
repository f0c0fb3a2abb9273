//! Points in time in configs: RFC 3339.

/// Returns a time as Go writes it, without zeros at the end of its fraction; none if it has another form.
/// The calendar is not checked: times are written by programs.
pub fn normal_time(text: &str) -> Option<String> {
    let has_form = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(found, form)| match form {
                    b'0' => found.is_ascii_digit(),
                    _ => found == form,
                })
    };
    let (seconds, rest) = text.split_at_checked("0000-00-00T00:00:00".len())?;
    let zone_at = rest.find(['Z', '+', '-'])?;
    let (fraction, zone) = rest.split_at(zone_at);
    let zone = match zone {
        "Z" | "+00:00" | "-00:00" => "Z",
        zone if has_form(&zone[1..], "00:00") => zone,
        _ => return None,
    };
    if !has_form(seconds, "0000-00-00T00:00:00") {
        return None;
    }
    let digits = match fraction.strip_prefix('.') {
        Some(digits) if !digits.is_empty() => digits,
        None if fraction.is_empty() => "",
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Go's times have nanoseconds.
    let digits = digits[..digits.len().min(9)].trim_end_matches('0');
    let dot = if digits.is_empty() { "" } else { "." };
    Some(format!("{seconds}{dot}{digits}{zone}"))
}
