//! Points in time in configs: RFC 3339.

/// Returns a time as Go writes it, without zeros at the end of its fraction; none if Go refuses it: because
/// of its form, or because the day, time or zone does not exist. Go knows no leap seconds.
///
/// Source: `parseStrictRFC3339` of Go's package `time`, which its JSON decoder uses.
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
        zone if has_form(&zone[1..], "00:00") && is_time_of_day(&zone[1..]) => zone,
        _ => return None,
    };
    if !has_form(seconds, "0000-00-00T00:00:00") {
        return None;
    }
    let (date, time) = seconds.split_once('T')?;
    if !(is_date(date) && is_time_of_day(time)) {
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

/// Whether a date of this form, `YYYY-MM-DD`, is in the Gregorian calendar.
fn is_date(date: &str) -> bool {
    let mut numbers = date.split('-').map(|text| text.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0_u16);
    let (year, month, day) = (next(), next(), next());
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Whether a time of this form, `HH:MM` or `HH:MM:SS`, is one of a day.
fn is_time_of_day(time: &str) -> bool {
    let is_below = |(text, end): (&str, u8)| text.parse().is_ok_and(|number: u8| number < end);
    time.split(':').zip([24, 60, 60]).all(is_below)
}

#[cfg(test)]
mod tests {
    use super::normal_time;

    #[test]
    fn times_that_go_refuses_are_refused() {
        for good in [
            "2024-02-29T23:59:59Z",
            "2000-02-29T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "2024-12-31T00:00:00.123456789-23:59",
        ] {
            assert_eq!(normal_time(good).as_deref(), Some(good));
        }
        for bad in [
            "2024-02-31T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2016-12-31T23:59:60Z",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+01:60",
            "2024-01-01T00:00:00,5Z",
        ] {
            assert_eq!(normal_time(bad), None, "{bad}");
        }
    }
}
