//! The book beside the code it is made from.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::Path};

use hallpass_book::reference;

fn chapter(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../src").join(file)).unwrap()
}

#[test]
fn the_generated_pages_are_what_would_be_generated() {
    for page in reference::PAGES {
        let is_current = chapter(page.file) == (page.write)().unwrap();
        assert!(
            is_current,
            "{} is out of date: run `cargo run -p hallpass-book`, and commit what it writes",
            page.file
        );
    }
}

/// The runner of the book's shell lines starts this program where the chapter says `cargo run`.
#[test]
fn the_program_on_the_axum_page_is_the_one_that_is_run() {
    let program = include_str!("../examples/add-to-axum.rs");
    let (_, shown) = program.split_once("\n\n").unwrap();
    assert!(
        chapter("axum.md").contains(&format!("\n{shown}```\n")),
        "axum.md shows another program than examples/add-to-axum.rs"
    );
}

#[test]
fn every_chapter_is_in_the_summary_and_compiled() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    let (summary, compiled) = (chapter("SUMMARY.md"), include_str!("../src/lib.rs"));
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "SUMMARY.md" {
            continue;
        }
        assert!(summary.contains(&format!("({name})")), "{name} is not in SUMMARY.md");
        let has_rust = chapter(&name).contains("```rust");
        assert!(!has_rust || compiled.contains(&format!("\"{name}\"")), "{name} is not in snippets/src/lib.rs");
    }
}
