//! Reading what a client sent into types, with the wire's exact words for what is wrong (CONTRACT §2.2).

use http::StatusCode;
use serde_json::{Map, Value};

use super::{email::EmailAddress, query::Query};
use crate::error::ApiError;

/// What an endpoint's input is read from: the body, the query, and the parameters of the path.
#[derive(Debug)]
pub struct Reader<'a> {
    body: Fields<'a>,
    query: Fields<'a>,
    params: &'a [(String, String)],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: Option<&'a Value>, query: &'a Query, params: &'a [(String, String)]) -> Self {
        let query = Fields { label: "query", root: None, object: Some(query.as_map()), problems: Vec::new() };
        Self { body: Fields { label: "body", root: body, object: None, problems: Vec::new() }, query, params }
    }

    /// A parameter of the path, as it stands there: nothing is decoded. Empty when the path has no such parameter.
    pub fn param(&self, name: &str) -> &'a str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body.
    pub fn body(&mut self) -> &mut Fields<'a> {
        &mut self.body
    }

    /// The query.
    pub fn query(&mut self) -> &mut Fields<'a> {
        &mut self.query
    }

    /// The answer to what was wrong, if anything was. The body's problems hide the query's.
    pub(crate) fn refusal(self) -> Option<ApiError> {
        let problems = [self.body.problems, self.query.problems].into_iter().find(|problems| !problems.is_empty())?;
        Some(ApiError::coded(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", problems.join("; ")))
    }
}

/// The fields of a body or query. Every method notes what is wrong and returns `None` for it, so that a reader goes on to the
/// next field and all problems are told at once, in the order of the calls.
///
/// ```
/// use hallpass::{Input, wire::Reader};
/// #[derive(serde::Serialize)]
/// struct Greeting { name: String, loud: Option<bool> }
/// impl Input for Greeting {
///     fn read(from: &mut Reader<'_>) -> Option<Self> {
///         let body = from.body().object();
///         let (name, loud) = (body.string("name"), body.optional_boolean("loud"));
///         Some(Self { name: name?, loud: loud? })
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Fields<'a> {
    label: &'static str,
    root: Option<&'a Value>,
    object: Option<&'a Map<String, Value>>,
    problems: Vec<String>,
}

impl<'a> Fields<'a> {
    /// Expects an object. Keys nobody reads are ignored.
    pub fn object(&mut self) -> &mut Self {
        self.expect(&["object"]);
        self
    }

    /// Expects an object that may hold any further keys: what the wire calls an object and a record at once.
    pub fn open_object(&mut self) -> &mut Self {
        self.expect(&["object", "record"]);
        self
    }

    /// Expects an object, or nothing at all.
    pub fn optional_object(&mut self) -> &mut Self {
        if self.root.is_some() {
            self.expect(&["object"]);
        } else {
            self.object = None;
        }
        self
    }

    /// Expects an object of any keys and returns it whole.
    pub fn record(&mut self) -> Option<&'a Map<String, Value>> {
        self.expect(&["record"]);
        self.object
    }

    /// The keys and values, once an object was found.
    pub fn entries(&self) -> Option<&'a Map<String, Value>> {
        self.object
    }

    /// A text.
    pub fn string(&mut self, name: &str) -> Option<String> {
        // Without an object the root is what is wrong, which has been noted already.
        match self.object?.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            other => self.wrong(name, "string", other),
        }
    }

    /// A text that is not empty.
    pub fn non_empty_string(&mut self, name: &str) -> Option<String> {
        let text = self.string(name);
        match (&text, self.optional(name)) {
            (Some(text), _) if text.is_empty() => {
                self.note(name, "Too small: expected string to have >=1 characters");
                return None;
            }
            // Whatever has a length is measured, also when it is no text.
            (None, Some(Value::Array(items))) if items.is_empty() => {
                self.note(name, "Too small: expected array to have >=1 items");
            }
            _ => {}
        }
        text
    }

    /// An e-mail address.
    pub fn email(&mut self, name: &str) -> Option<EmailAddress> {
        let text = self.string(name)?;
        let email = text.parse().ok();
        if email.is_none() {
            self.note(name, "Invalid email address");
        }
        email
    }

    /// A text, or nothing; `null` is not nothing.
    pub fn optional_string(&mut self, name: &str) -> Option<Option<String>> {
        match self.optional(name) {
            None => Some(None),
            Some(Value::String(text)) => Some(Some(text.clone())),
            other => self.wrong(name, "string", other),
        }
    }

    /// True, false, or nothing.
    pub fn optional_boolean(&mut self, name: &str) -> Option<Option<bool>> {
        match self.optional(name) {
            None => Some(None),
            Some(Value::Bool(flag)) => Some(Some(*flag)),
            other => self.wrong(name, "boolean", other),
        }
    }

    /// Whether ECMAScript would take the field of a query for true: present and not an empty text.
    pub fn is_truthy(&mut self, name: &str) -> bool {
        self.optional(name).is_some_and(|value| value.as_str() != Some(""))
    }

    fn optional(&self, name: &str) -> Option<&'a Value> {
        self.object.and_then(|object| object.get(name))
    }

    fn expect(&mut self, kinds: &[&str]) {
        self.object = self.root.and_then(Value::as_object);
        if self.object.is_none() {
            for kind in kinds {
                self.problems.push(format!("[{}] {}", self.label, mismatch(kind, self.root)));
            }
        }
    }

    fn wrong<T>(&mut self, name: &str, expected: &str, found: Option<&Value>) -> Option<T> {
        self.note(name, &mismatch(expected, found));
        None
    }

    fn note(&mut self, name: &str, problem: &str) {
        self.problems.push(format!("[{}.{name}] {problem}", self.label));
    }
}

fn mismatch(expected: &str, found: Option<&Value>) -> String {
    let received = match found {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    };
    format!("Invalid input: expected {expected}, received {received}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(body: Option<&Value>, read: impl FnOnce(&mut Fields<'_>)) -> String {
        let query = Query::default();
        let mut reader = Reader::new(body, &query, &[]);
        read(reader.body());
        reader.refusal().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn every_failing_field_is_listed_in_order() {
        let body = json!({"name": 1, "email": "x", "password": "", "rememberMe": "yes", "image": null});
        let text = refused(Some(&body), |body| {
            body.open_object();
            let _ = (body.string("name"), body.email("email"), body.non_empty_string("password"));
            let _ = (body.optional_string("image"), body.optional_boolean("rememberMe"), body.string("absent"));
        });
        assert_eq!(
            text,
            "[body.name] Invalid input: expected string, received number; [body.email] Invalid email address; \
             [body.password] Too small: expected string to have >=1 characters; \
             [body.image] Invalid input: expected string, received null; \
             [body.rememberMe] Invalid input: expected boolean, received string; \
             [body.absent] Invalid input: expected string, received undefined"
        );
    }

    #[test]
    fn a_wrong_root_is_told_once_and_its_fields_not_at_all() {
        let text = refused(Some(&json!([])), |body| drop(body.object().string("name")));
        assert_eq!(text, "[body] Invalid input: expected object, received array");
        let text = refused(Some(&json!([])), |body| drop(body.open_object().string("name")));
        assert_eq!(
            text,
            "[body] Invalid input: expected object, received array; [body] Invalid input: expected record, received array"
        );
        let text = refused(None, |body| drop(body.object().optional_string("name")));
        assert_eq!(text, "[body] Invalid input: expected object, received undefined");
    }

    #[test]
    fn an_optional_object_may_be_absent_but_not_null() {
        assert_eq!(refused(None, |body| _ = body.optional_object()), "");
        let text = refused(Some(&Value::Null), |body| _ = body.optional_object());
        assert_eq!(text, "[body] Invalid input: expected object, received null");
    }
}
