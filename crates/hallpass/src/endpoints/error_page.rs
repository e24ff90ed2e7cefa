use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    ApiError, Context, Endpoint, Input, Route,
    options::Environment,
    wire::{Reader, redirect::append},
};

/// `GET /error`: where a browser lands when a redirect went wrong (CONTRACT §11.1).
pub(crate) struct ErrorEndpoint;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct ErrorPage {
    /// The code; one that is no code is shown as `UNKNOWN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

impl Input for ErrorPage {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let query = from.query();
        Some(Self { error: query.first("error"), error_description: query.first("error_description") })
    }
}

impl Endpoint for ErrorEndpoint {
    type Input = ErrorPage;
    type Output = ();

    fn route(&self) -> Route {
        Route::get("/error").summary("Where a browser lands when a redirect went wrong")
    }

    async fn handle(&self, cx: &mut Context, input: ErrorPage) -> Result<(), ApiError> {
        let given = input.error.as_deref().filter(|text| !text.is_empty()).unwrap_or("UNKNOWN");
        let code = if is_code(given) { given } else { "UNKNOWN" };
        let description = input.error_description.as_deref().filter(|text| !text.is_empty());
        let mut params = vec![("error", code)];
        params.extend(description.map(|text| ("error_description", text)));
        let with_params = |url: &str| append(url, &params).unwrap_or_else(|| url.to_owned());
        Err(ApiError::respond(match &cx.engine.error_url {
            Some(url) => redirect(&with_params(url)),
            None if cx.engine.environment == Environment::Production => redirect(&with_params("/")),
            None => page(code, description),
        }))
    }
}

fn is_code(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"'_-".contains(&byte))
}

fn redirect(location: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::FOUND;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn page(code: &str, description: Option<&str>) -> Response<Bytes> {
    let told = description.unwrap_or("Something went wrong on the way. Please go back and try again.");
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Error</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>body{{font:1rem/1.5 system-ui,sans-serif;\
         max-width:32rem;margin:20vh auto;padding:0 1rem}}code{{background:#8883;padding:.1em .4em}}</style></head>\
         <body><h1>Something went wrong</h1><p>{}</p><p>Code: <code>{}</code></p><p><a href=\"/\">Go home</a></p>\
         </body></html>",
        escape(told),
        escape(code)
    );
    let mut response = Response::new(Bytes::from(html));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
