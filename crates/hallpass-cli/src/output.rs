//! The two ways out: data on standard output, words on standard error.

use std::io::{self, Write};

/// Prints data. A reader that went away (`| head`) is no error.
pub(crate) fn data(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Says something to the person at the terminal.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// What a stranger chose, with nothing in it that a terminal would obey.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// JSON for people and programs. What a terminal would obey is escaped; below U+0020 the writer of JSON has done that.
pub(crate) fn json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    let shown = text.chars().map(|character| match character {
        '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(character)),
        _ => character.to_string(),
    });
    Ok(shown.collect())
}

/// Rows in columns, as wide as they need to be.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |row: &[String], column: usize| row.get(column).map(|text| harmless(text)).unwrap_or_default();
    let width = |column: usize| {
        let widest = rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0);
        widest.max(head.get(column).map_or(0, |title| title.len()))
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<String>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let titles = line(head.iter().map(|title| title.to_uppercase()).collect());
    let body = rows.iter().map(|row| line((0..head.len()).map(|column| cell(row, column)).collect()));
    std::iter::once(titles).chain(body).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_nothing_that_a_terminal_obeys() {
        let name = "Ann\u{9b}2J\u{7f}\u{1b}\u{e9}";
        let shown = json(&name).unwrap();
        assert_eq!(shown, "\"Ann\\u009b2J\\u007f\\u001b\u{e9}\"");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), name);
    }

    #[test]
    fn a_name_cannot_draw_a_row_of_its_own() {
        let rows = [vec!["1".to_owned(), "Ann\n2  admin\u{1b}[2J".to_owned()]];
        let shown = table(&["id", "name"], &rows);
        assert_eq!(shown.lines().count(), 2);
        assert!(!shown.contains('\u{1b}'));
    }
}
