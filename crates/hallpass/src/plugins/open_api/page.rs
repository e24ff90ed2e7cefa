//! The page that shows the document. It needs nothing from elsewhere.

use serde_json::Value;

/// What the page may load: nothing but itself.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
     connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("reference.html");

/// The page with the document in it.
pub(super) fn render(document: &Value) -> String {
    // Inside a script element only `<` could end it.
    let json = document.to_string().replace('<', "\\u003c");
    PAGE.replace("{{document}}", &json)
}
