//! A page of text: headings, tables, bars, as wide as the terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use anstyle::{AnsiColor, Style};
use polyarch::internals::text::{bytes, clean, percent};
use polyarch::oci::Digest;
use unicode_width::UnicodeWidthStr;

const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const BAR: Style = AnsiColor::Cyan.on_default();
const NOTE: Style = AnsiColor::Yellow.on_default().bold();

/// In a narrower page, rows cannot be distinguished.
const MIN_WIDTH: usize = 40;
/// What fits where the width is not known.
const USUAL_WIDTH: usize = 80;
/// The widest page: longer lines are hard to read.
const MAX_WIDTH: usize = 160;

/// Text with styles, which [`AutoStream`](anstream::AutoStream) removes if the output has no colours.
pub struct Page {
    text: String,
    /// None if standard output is not a terminal: then no line is cut off.
    width: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

#[derive(Clone, Copy, Debug)]
pub enum Sign {
    Added,
    Removed,
    Changed,
}

impl Page {
    /// A page as wide as standard output.
    pub fn for_stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        let columns = terminal_size::terminal_size_of(io::stdout());
        let columns = columns.map_or(USUAL_WIDTH, |(width, _)| usize::from(width.0));
        Self {
            text: String::new(),
            width: terminal.then(|| columns.clamp(MIN_WIDTH, MAX_WIDTH)),
        }
    }

    /// A page for a file: no line is cut off.
    pub fn plain() -> Self {
        Self {
            text: String::new(),
            width: None,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a bold line, broken where the page ends.
    pub fn heading(&mut self, text: &str) {
        for line in wrapped(&clean(text), self.width.unwrap_or(usize::MAX)) {
            let _ = writeln!(self.text, "{HEADING}{line}{HEADING:#}");
        }
    }

    /// Adds a line, cut off where the page ends.
    pub fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{}", self.cut(&clean(text), 0));
    }

    /// Adds a dimmed line, which explains others.
    pub fn faint(&mut self, text: &str) {
        let _ = writeln!(self.text, "{FAINT}{}{FAINT:#}", clean(text));
    }

    /// Adds a dimmed text, broken where the page ends.
    pub fn faint_lines(&mut self, text: &str) {
        for line in wrapped(&clean(text), self.width.unwrap_or(USUAL_WIDTH)) {
            let _ = writeln!(self.text, "{FAINT}{line}{FAINT:#}");
        }
    }

    /// Adds an empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Adds a warning, which is never cut off.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(self.text, "{NOTE}note:{NOTE:#} {}", clean(text));
    }

    /// Adds an advice about the lines above, broken where the page ends.
    pub fn advice(&mut self, text: &str) {
        let room = self.width.unwrap_or(100).saturating_sub(2);
        for (i, line) in wrapped(&clean(text), room).iter().enumerate() {
            let lead = if i == 0 { "→ " } else { "  " };
            let _ = writeln!(self.text, "{lead}{line}");
        }
    }

    /// Adds a line about a difference.
    pub fn change(&mut self, sign: Sign, text: &str) {
        let (sign, style) = match sign {
            Sign::Added => ('+', AnsiColor::Green.on_default()),
            Sign::Removed => ('-', AnsiColor::Red.on_default()),
            Sign::Changed => ('~', AnsiColor::Yellow.on_default()),
        };
        let text = self.cut(&clean(text), 4);
        let _ = writeln!(self.text, "  {style}{sign} {text}{style:#}");
    }

    /// Adds a line for each name and value, the values in a column. A digest is never cut: where it does
    /// not fit beside its name, it has its own line.
    pub fn facts(&mut self, facts: &[(&str, String)]) {
        let wide = facts.iter().map(|(name, _)| name.width()).max();
        let wide = wide.unwrap_or(0);
        for (name, value) in facts {
            if value.parse::<Digest>().is_ok() {
                let room = self
                    .width
                    .unwrap_or(USUAL_WIDTH)
                    .saturating_sub(value.width());
                let gap = match name.width() {
                    _ if wide + 2 <= room => " ".repeat(wide - name.width() + 2),
                    name if name < room => " ".to_owned(),
                    _ => "\n  ".to_owned(),
                };
                let _ = writeln!(self.text, "{FAINT}{name}{FAINT:#}{gap}{value}");
                continue;
            }
            let value = self.cut(&clean(value), wide + 2);
            let _ = writeln!(self.text, "{FAINT}{name:<wide$}{FAINT:#}  {value}");
        }
    }

    /// Adds a table, with more lines below each row, indented by `indent`. The last column and these
    /// lines are cut off where the page ends, except for digests.
    pub fn table(
        &mut self,
        head: &[(&str, Align)],
        rows: &[Vec<String>],
        details: &[Vec<String>],
        indent: usize,
    ) {
        let rows: Vec<Vec<String>> = (rows.iter())
            .map(|row| row.iter().map(|cell| clean(cell)).collect())
            .collect();
        let mut widths: Vec<usize> = head.iter().map(|(name, _)| name.width()).collect();
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let names: Vec<String> = head.iter().map(|(name, _)| (*name).to_owned()).collect();
        let aligns: Vec<Align> = head.iter().map(|(_, align)| *align).collect();
        let head = self.row(&names, &aligns, &widths);
        if names.iter().any(|name| !name.is_empty()) {
            let _ = writeln!(self.text, "{FAINT}{head}{FAINT:#}");
        }
        for (i, row) in rows.iter().enumerate() {
            let line = self.row(row, &aligns, &widths);
            let _ = writeln!(self.text, "{line}");
            for detail in details.get(i).into_iter().flatten() {
                let detail = clean(detail);
                let detail = match detail.parse::<Digest>() {
                    Ok(_) => detail,
                    Err(_) => self.cut(&detail, indent),
                };
                let _ = writeln!(self.text, "{:indent$}{detail}", "");
            }
        }
    }

    fn row(&self, cells: &[String], aligns: &[Align], widths: &[usize]) -> String {
        let mut line = String::new();
        let mut used = 0;
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                line.push_str("  ");
                used += 2;
            }
            let is_last = i + 1 == cells.len();
            let cell = if is_last {
                self.cut(cell, used)
            } else {
                cell.clone()
            };
            let pad = widths[i].saturating_sub(cell.width());
            match aligns[i] {
                Align::Right => line.extend(std::iter::repeat_n(' ', pad).chain(cell.chars())),
                Align::Left if is_last => line.push_str(&cell),
                Align::Left => line.extend(cell.chars().chain(std::iter::repeat_n(' ', pad))),
            }
            used += widths[i];
        }
        line.trim_end().to_owned()
    }

    /// The part of `text` that fits on the page after `used` columns.
    fn cut(&self, text: &str, used: usize) -> String {
        let Some(width) = self.width else {
            return text.to_owned();
        };
        let room = width.saturating_sub(used).max(MIN_WIDTH / 2);
        if text.width() <= room {
            return text.to_owned();
        }
        let mut kept = String::new();
        for c in text.chars() {
            if kept.width() + 2 > room {
                break;
            }
            kept.push(c);
        }
        kept + "…"
    }

    /// Adds a row with a bar, the share and the size of each item; `largest` has the whole bar.
    pub fn bars(&mut self, rows: &[(u64, String)], largest: u64, total: u64) {
        let sizes: Vec<String> = rows.iter().map(|(size, _)| bytes(*size)).collect();
        let wide = sizes.iter().map(|size| size.width()).max().unwrap_or(0);
        for ((value, what), size) in rows.iter().zip(&sizes) {
            let bar = self.bar(*value, largest);
            let percent = percent(*value, total);
            let used = BAR_WIDTH + 2 + 5 + 1 + wide + 2;
            let what = self.cut(&clean(what), used);
            let _ = writeln!(
                self.text,
                "{BAR}{bar}{BAR:#} {percent:>5} {size:>wide$}  {what}"
            );
        }
    }

    /// A bar, on a terminal in eighths of a character.
    fn bar(&self, value: u64, largest: u64) -> String {
        const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let steps = (BAR_WIDTH * 8) as u128;
        let eighths = u128::from(value) * steps / u128::from(largest.max(1));
        // At most `steps`, which fits.
        let eighths = usize::try_from(eighths.min(steps)).unwrap_or(0);
        let bar = match self.width {
            Some(_) => "█".repeat(eighths / 8) + EIGHTHS[eighths % 8],
            None => "#".repeat(eighths.div_ceil(8)),
        };
        let pad = BAR_WIDTH - bar.width();
        bar + &" ".repeat(pad)
    }
}

/// Breaks a text into lines of at most `room` columns, except for longer words.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.len() - 1;
        match lines[line].is_empty() {
            true => lines[line].push_str(word),
            false if lines[line].width() + 1 + word.width() > room => lines.push(word.to_owned()),
            false => {
                lines[line].push(' ');
                lines[line].push_str(word);
            }
        }
    }
    lines
}

/// The columns of a whole bar.
const BAR_WIDTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let mut page = Page {
            text: String::new(),
            width: None,
        };
        page.bars(&[(50, "half".into()), (100, "all".into())], 100, 200);
        assert_eq!(
            page.text(),
            "\u{1b}[36m########        \u{1b}[39m 25.0%  50 B  half\n\u{1b}[36m################\u{1b}[39m 50.0% 100 B  all\n"
                .replace("\u{1b}[39m", &format!("{BAR:#}"))
        );
    }
}
