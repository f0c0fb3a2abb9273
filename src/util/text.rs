//! Numbers and names for people.

/// The longest message; a name in an input can have millions of letters.
const MAX_MESSAGE: usize = 16 << 10;

/// Returns the sum of sizes. An image can claim sizes whose sum does not fit into a number.
pub fn sum(sizes: impl IntoIterator<Item = u64>) -> u64 {
    sizes.into_iter().fold(0, u64::saturating_add)
}

/// Returns a share as `12.3%`.
pub fn percent(value: u64, total: u64) -> String {
    let permille = (u128::from(value) * 1000 + u128::from(total) / 2) / u128::from(total.max(1));
    format!("{}.{}%", permille / 10, permille % 10)
}

/// Returns the bytes that are left, and those before if they read differently.
pub fn instead_of(left: u64, all: u64) -> String {
    let (left, all) = (bytes(left), bytes(all));
    match left == all {
        true => left,
        false => format!("{left} instead of {all}"),
    }
}

/// Returns a number of bytes in the units of registries and docker.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let (mut value, mut unit) = (n as f64 / 1000.0, 0);
    // 999.5 would be rounded to 1000, which is 1 of the next unit.
    while value >= 999.5 {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// Whether a character moves the cursor, changes the direction of reading, or is invisible.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Returns a number of bytes with their exact number, if the units hide it.
pub fn exact_bytes(n: u64) -> String {
    match n {
        0..1000 => bytes(n),
        _ => format!("{} ({n} bytes)", bytes(n)),
    }
}

/// Returns two numbers of bytes that a reader compares: with their exact numbers, if they read alike otherwise.
pub fn different_bytes(one: u64, other: u64) -> [String; 2] {
    let both = [one, other];
    match one != other && bytes(one) == bytes(other) {
        true => both.map(exact_bytes),
        false => both.map(bytes),
    }
}

/// Returns `1 byte`, or another number.
pub fn byte_count(n: u64) -> String {
    match n {
        1 => "1 byte".to_owned(),
        _ => format!("{n} bytes"),
    }
}

/// Returns text that can be printed: characters that move the cursor or change the direction of reading
/// are escaped.
pub fn clean(text: &str) -> String {
    if !text.contains(is_harmful) {
        return text.to_owned();
    }
    text.chars()
        .flat_map(|c| {
            let escaped = is_harmful(c).then(|| c.escape_unicode().to_string());
            escaped
                .unwrap_or_else(|| c.to_string())
                .chars()
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Returns the start of a text that may be very long.
pub fn shortened(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Returns a message that can be printed, which may have a list of indented lines. Whatever it quotes is
/// escaped, does not look like a line of ours, and is not endless.
pub fn message(text: &str) -> String {
    let mut end = text.len().min(MAX_MESSAGE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let lines: Vec<String> = text[..end].split("\n  ").map(clean).collect();
    let more = if end < text.len() { " …" } else { "" };
    lines.join("\n  ") + more
}

/// Returns a word as a shell reads it: in quotes, unless it is plain.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-+=/.,:@%#".contains(c);
    match !word.is_empty() && !word.starts_with('#') && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Returns the name of an archive for an image: the last part of the image's name.
pub fn archive_name(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    match last.split([':', '@']).next() {
        None | Some("") => "image.tar".to_owned(),
        Some(name) => format!("{name}.tar"),
    }
}

/// Returns the option of skopeo for a registry on a port of this machine, with a space before it: such a
/// registry rarely has TLS, and with the option skopeo tries both. `side` is `src` or `dest`.
pub fn tls_option(side: &str, reference: &str) -> String {
    let host = reference.split_once('/').map(|(host, _)| host);
    match host.and_then(|host| host.rsplit_once(':')) {
        Some(("localhost" | "127.0.0.1" | "[::1]", _)) => format!(" --{side}-tls-verify=false"),
        _ => String::new(),
    }
}

/// Leaves out the middle of a text that is longer than `max` bytes.
pub fn elided(text: String, max: usize) -> String {
    if text.len() <= max {
        return text;
    }
    let start: String = text.chars().take(max / 2).collect();
    let end: Vec<char> = text.chars().rev().take(max / 4).collect();
    format!("{start} … {}", end.into_iter().rev().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (n, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (9_994, "9.99 kB"),
            (9_996, "10.0 kB"),
            (123_456, "123 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (1_234_567_890, "1.23 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn sizes_that_read_alike_have_their_bytes() {
        assert_eq!(different_bytes(1, 2), ["1 B", "2 B"]);
        assert_eq!(different_bytes(5_000_000, 5_000_000), ["5.00 MB"; 2]);
        assert_eq!(
            different_bytes(41_943_041, 41_943_040),
            ["41.9 MB (41943041 bytes)", "41.9 MB (41943040 bytes)"]
        );
        assert_eq!(exact_bytes(999), "999 B");
        assert_eq!([0, 1, 2].map(byte_count), ["0 bytes", "1 byte", "2 bytes"]);
    }

    #[test]
    fn characters_that_move_the_cursor_are_escaped() {
        assert_eq!(
            clean("a\u{1b}[2Jb\n\u{202e}ü"),
            "a\\u{1b}[2Jb\\u{a}\\u{202e}ü"
        );
    }

    #[test]
    fn a_message_keeps_its_lines_and_is_bounded() {
        assert_eq!(message("a\n  b\r\u{7}"), "a\n  b\\u{d}\\u{7}");
        assert!(message(&"ä".repeat(MAX_MESSAGE)).len() < MAX_MESSAGE + 10);
    }
}
