//! Patterns with wildcards, as the npm package reads them: `*` is any run of characters but slashes, `?` is one, `**` between
//! slashes is anything, a backslash takes the next character as it is.

use regex_lite::Regex;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Glob(Regex);

impl Glob {
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        Regex::new(&format!("^{}$", translate(pattern))).ok().map(Self)
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// One character that is no slash, and one that is.
const ANY: &str = r"[^/\\]";
const SLASH: &str = r"[/\\]";

fn translate(pattern: &str) -> String {
    let segments: Vec<&str> = pattern.split('/').collect();
    let last = segments.len() - 1;
    let mut regex = String::new();
    for (index, segment) in segments.iter().enumerate() {
        if segment.is_empty() && index > 0 {
            continue;
        }
        let separator = match segments.get(index + 1) {
            _ if index == last => format!("{SLASH}*?"),
            Some(&"**") => String::new(),
            _ => format!("{SLASH}+?"),
        };
        if *segment == "**" {
            if !separator.is_empty() {
                if index > 0 {
                    regex.push_str(&separator);
                }
                regex.extend(["(?:", ANY, "*?", &separator, ")*?"]);
            }
            continue;
        }
        translate_segment(segment, &mut regex);
        regex.push_str(&separator);
    }
    regex
}

fn translate_segment(segment: &str, regex: &mut String) {
    let mut characters = segment.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' => regex.extend([ANY, "*?"]),
            '?' => regex.push_str(ANY),
            '\\' => characters.next().into_iter().for_each(|literal| push_literal(literal, regex)),
            literal => push_literal(literal, regex),
        }
    }
}

fn push_literal(literal: char, regex: &mut String) {
    regex.push_str(&regex_lite::escape(literal.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stops_at_slashes_and_two_do_not() {
        for (pattern, text, expected) in [
            ("/sign-in/*", "/sign-in/email", true),
            ("/sign-in/*", "/sign-in/a/b", false),
            ("/sign-in/**", "/sign-in/a/b", true),
            ("/**", "/sign-in/a/b", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("h?st", "host", true),
            ("h?st", "hst", false),
            ("a.c", "abc", false),
            ("https://*.wild.example", "https://a.b.wild.example", true),
            ("https://*.wild.example", "http://a.wild.example", false),
        ] {
            assert_eq!(Glob::new(pattern).unwrap().matches(text), expected, "{pattern} {text}");
        }
    }
}
