use serde_json::{Map, Value};
use url::form_urlencoded;

/// A request's query, as the endpoints see it: a key that comes more than once holds a list (CONTRACT §1.2).
///
/// ```
/// use hallpass::wire::Query;
/// let query = Query::parse("a=1&b=x%20y&a=2");
/// assert_eq!(query.text("b"), Some("x y"));
/// assert_eq!(query.text("a"), None);
/// assert!(query.is_truthy("a"));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query(Map<String, Value>);

impl Query {
    /// Reads what follows the `?`.
    pub fn parse(text: &str) -> Self {
        let mut map = Map::new();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = Value::String(value.into_owned());
            match map.get_mut(&*key) {
                None => drop(map.insert(key.into_owned(), value)),
                Some(Value::Array(values)) => values.push(value),
                Some(single) => *single = Value::Array(vec![single.take(), value]),
            }
        }
        Self(map)
    }

    /// The value of a key that comes once.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    /// The first value of a key.
    pub fn first(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            Value::Array(values) => values.first()?.as_str(),
            single => single.as_str(),
        }
    }

    /// Whether ECMAScript would take the value for true: present and not empty (`false` and `0` are true).
    pub fn is_truthy(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| value.as_str() != Some(""))
    }

    /// All of it.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}
