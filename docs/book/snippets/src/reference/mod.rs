//! The pages that are made from the code: every configuration key, and every endpoint.

mod endpoints;
mod keys;

/// What a page fails with.
pub type Failure = Box<dyn std::error::Error>;

/// A page that is generated.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Its file in the book.
    pub file: &'static str,
    /// Its text.
    pub write: fn() -> Result<String, Failure>,
}

/// All of them.
pub const PAGES: &[Page] = &[
    Page { file: "configuration-reference.md", write: keys::page },
    Page { file: "endpoints.md", write: endpoints::page },
];

/// Text as a cell of a table: on one line, without a bar of its own, and without links into the code.
fn cell(text: &str) -> String {
    without_links(&text.split_whitespace().collect::<Vec<_>>().join(" ")).replace('|', "\\|")
}

/// `[text](crate::Place)` as `text`.
fn without_links(text: &str) -> String {
    let found = text.split_once("](").and_then(|(before, after)| {
        let ((before, shown), (target, after)) = (before.rsplit_once('[')?, after.split_once(')')?);
        target.contains("::").then(|| format!("{before}{shown}{}", without_links(after)))
    });
    found.unwrap_or_else(|| text.to_owned())
}
