//! Writes the pages of the book that are generated.

use std::path::Path;

use hallpass_book::reference;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    for page in reference::PAGES {
        std::fs::write(folder.join(page.file), (page.write)()?)?;
    }
    Ok(())
}
