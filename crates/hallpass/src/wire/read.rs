//! Reading what a client sent into types, with the wire's exact words for what is wrong (CONTRACT §2.2).

use std::borrow::Cow;

use http::StatusCode;
use indexmap::IndexMap;
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
        let query = Fields { label: "query".into(), root: None, object: Some(query.as_map()), problems: Vec::new() };
        Self { body: Fields { label: "body".into(), root: body, object: None, problems: Vec::new() }, query, params }
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
/// #[derive(serde::Serialize, schemars::JsonSchema)]
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
    label: Cow<'static, str>,
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

    /// A number, or nothing.
    pub fn optional_number(&mut self, name: &str) -> Option<Option<f64>> {
        match self.optional(name) {
            None => Some(None),
            Some(Value::Number(number)) => Some(number.as_f64()),
            other => self.wrong(name, "number", other),
        }
    }

    /// A list of texts, or nothing.
    pub fn optional_strings(&mut self, name: &str) -> Option<Option<Vec<String>>> {
        let items = match self.optional(name) {
            None => return Some(None),
            Some(Value::Array(items)) => items,
            other => return self.wrong(name, "array", other),
        };
        let keyed = items.iter().enumerate().map(|(index, item)| (format!("{name}.{index}"), item));
        self.texts(keyed).map(|texts| Some(texts.into_iter().map(|(_, text)| text).collect()))
    }

    /// A map from texts to texts, or nothing.
    pub fn optional_texts_by_name(&mut self, name: &str) -> Option<Option<IndexMap<String, String>>> {
        let Some(entries) = self.optional_record(name)? else { return Some(None) };
        let texts = self.texts(entries.iter().map(|(key, value)| (format!("{name}.{key}"), value)))?;
        let names = entries.keys().cloned();
        Some(Some(names.zip(texts.into_iter().map(|(_, text)| text)).collect()))
    }

    /// A map of anything, or nothing.
    pub fn optional_record(&mut self, name: &str) -> Option<Option<&'a Map<String, Value>>> {
        match self.optional(name) {
            None => Some(None),
            Some(Value::Object(entries)) => Some(Some(entries)),
            other => self.wrong(name, "record", other),
        }
    }

    /// A text where one of several kinds of text was expected: what is wrong is then not said.
    pub fn string_of_some_kind(&mut self, name: &str) -> Option<String> {
        match self.object?.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            _ => self.refuse(name, "Invalid input"),
        }
    }

    /// An object within this one, or nothing. Its problems are told with their path.
    pub fn optional_nested<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        let Some(root) = self.optional(name) else { return Some(None) };
        let label = format!("{}.{name}", self.label).into();
        let mut nested = Self { label, root: Some(root), object: None, problems: Vec::new() };
        let found = read(nested.object());
        self.problems.append(&mut nested.problems);
        found.map(Some)
    }

    /// The first of several forms that the whole fits, none of which may have further keys. Of forms that fit but for such keys, a
    /// single one is taken for what was meant, and the keys are told.
    pub fn one_of<T>(&mut self, forms: &[Form<T>]) -> Option<T> {
        let whole = self.object.or_else(|| self.root.and_then(Value::as_object));
        let fitting: Vec<(&Form<T>, Vec<&str>)> = forms
            .iter()
            .filter(|form| whole.is_some_and(|whole| form.fits(whole)))
            .map(|form| (form, whole.map(|whole| form.unknown(whole)).unwrap_or_default()))
            .collect();
        let problem = match (fitting.iter().find(|(_, unknown)| unknown.is_empty()), &*fitting) {
            (Some((form, _)), _) => return whole.and_then(form.read),
            (None, [(_, unknown)]) => {
                let quoted: Vec<String> = unknown.iter().map(|key| format!("\"{key}\"")).collect();
                format!("Unrecognized key{}: {}", if quoted.len() == 1 { "" } else { "s" }, quoted.join(", "))
            }
            _ => "Invalid input".into(),
        };
        self.problems.push(format!("[{}] {problem}", self.label));
        None
    }

    /// Notes what an endpoint itself finds wrong with a field.
    pub fn refuse<T>(&mut self, name: &str, problem: &str) -> Option<T> {
        self.note(name, problem);
        None
    }

    fn texts<'v>(&mut self, items: impl Iterator<Item = (String, &'v Value)>) -> Option<Vec<(String, String)>> {
        let mut texts = Some(Vec::new());
        for (path, item) in items {
            match item {
                Value::String(text) => texts.iter_mut().for_each(|texts| texts.push((path.clone(), text.clone()))),
                other => texts = self.wrong(&path, "string", Some(other)),
            }
        }
        texts
    }

    /// The first value of a field of a query, for endpoints that take whatever comes.
    pub fn first(&mut self, name: &str) -> Option<String> {
        match self.optional(name)? {
            Value::Array(values) => values.first()?.as_str().map(Into::into),
            single => single.as_str().map(Into::into),
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

/// One of the forms that an object may have, see [`Fields::one_of`].
#[derive(Debug, Clone, Copy)]
pub struct Form<T> {
    /// Every key it may have.
    pub keys: &'static [&'static str],
    /// Reads it; `None` when a key has the wrong kind of value. Keys it does not know are none of its business.
    pub read: fn(&Map<String, Value>) -> Option<T>,
}

impl<T> Form<T> {
    fn fits(&self, whole: &Map<String, Value>) -> bool {
        (self.read)(whole).is_some()
    }

    fn unknown<'v>(&self, whole: &'v Map<String, Value>) -> Vec<&'v str> {
        whole.keys().map(String::as_str).filter(|key| !self.keys.contains(key)).collect()
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

    #[test]
    fn nested_objects_lists_and_maps_tell_the_whole_path() {
        let body = json!({"provider": 5, "idToken": {"token": 1, "expiresAt": "x", "user": {"name": 5}},
            "scopes": [1, "a", null], "params": {"a": 1, "b": "c"}, "data": []});
        let text = refused(Some(&body), |body| {
            body.object();
            let _ = body.string_of_some_kind("provider");
            let _ = body.optional_nested("idToken", |token| {
                let _ = (token.string("token"), token.optional_number("expiresAt"));
                token.optional_nested("user", |user| user.optional_nested("name", |name| name.optional_string("x")))
            });
            let _ = (body.optional_strings("scopes"), body.optional_texts_by_name("params"));
            let _ = body.optional_record("data");
        });
        assert_eq!(
            text,
            "[body.provider] Invalid input; [body.idToken.token] Invalid input: expected string, received number; \
             [body.idToken.expiresAt] Invalid input: expected number, received string; \
             [body.idToken.user.name] Invalid input: expected object, received number; \
             [body.scopes.0] Invalid input: expected string, received number; \
             [body.scopes.2] Invalid input: expected string, received null; \
             [body.params.a] Invalid input: expected string, received number; \
             [body.data] Invalid input: expected record, received array"
        );
    }

    #[test]
    fn of_strict_forms_the_only_one_that_fits_is_meant() {
        let forms = [
            Form { keys: &["a", "c"], read: |whole| whole.get("a")?.as_str().map(|_| 1) },
            Form { keys: &["b", "c"], read: |whole| whole.get("b")?.as_bool().map(|_| 2) },
        ];
        for (body, expected) in [
            (json!({"a": "x", "c": 1}), ""),
            (json!({"b": true}), ""),
            (json!({"a": "x", "d": 1}), "[body] Unrecognized key: \"d\""),
            (json!({"a": "x", "d": 1, "e": 2}), "[body] Unrecognized keys: \"d\", \"e\""),
            (json!({"a": "x", "b": true}), "[body] Invalid input"),
            (json!({}), "[body] Invalid input"),
            (json!([]), "[body] Invalid input"),
        ] {
            assert_eq!(refused(Some(&body), |body| _ = body.one_of(&forms)), expected, "{body}");
        }
        assert_eq!(refused(None, |body| _ = body.one_of(&forms)), "[body] Invalid input");
    }
}
