//! From what a provider says of somebody to fields of a user.

use hallpass_store::json;
use serde_json::{Map, Value};

use crate::gate::origin::is_truthy;

/// What a provider says of somebody, as it says it.
pub type Profile = Map<String, Value>;

/// A profile out of an ID token, if that says enough.
pub(super) fn from_claims(claims: Profile) -> Option<Profile> {
    let says = |name: &str| claims.get(name).is_some_and(is_truthy);
    if !says("sub") || !says("email") {
        return None;
    }
    let mut profile = Map::new();
    profile.extend(claims.get("picture").map(|picture| ("image".to_owned(), picture.clone())));
    profile.extend(claims);
    // Claims of these names are not what they would pass for: some providers let people choose them (COMPATIBILITY D74).
    profile.insert("id".into(), profile.get("sub").cloned().unwrap_or_default());
    profile.insert("emailVerified".into(), is_true(profile.get("email_verified")).into());
    Some(profile)
}

/// A profile out of what a userinfo endpoint answered.
pub(super) fn from_user_info(answer: Value) -> Option<Profile> {
    let mut profile = match answer {
        Value::Object(profile) => profile,
        other if is_truthy(&other) => Map::new(),
        _ => return None,
    };
    profile.insert("emailVerified".into(), is_true(profile.get("email_verified")).into());
    match profile.get("picture").cloned() {
        Some(picture) => drop(profile.insert("image".into(), picture)),
        None => drop(profile.shift_remove("image")),
    }
    Some(profile)
}

/// The fields of a user that profiles have.
pub(super) fn user(profile: &Profile) -> Map<String, Value> {
    let mut user = Map::new();
    let mut set = |name: &str, value: Option<Value>| user.extend(value.map(|value| (name.to_owned(), value)));
    set("email", profile.get("email").cloned());
    set("emailVerified", Some(is_true(profile.get("emailVerified")).into()));
    set("image", profile.get("image").cloned());
    set("name", profile.get("name").cloned());
    user
}

/// Some write it as a text.
pub(crate) fn is_true(value: Option<&Value>) -> bool {
    value.is_some_and(|value| *value == true || *value == "true")
}

/// What an account is known by: a text, or a whole number that a double holds exactly. Anything else could be the same text for two
/// people (COMPATIBILITY D74).
pub(super) fn subject(value: &Value) -> Option<String> {
    const EXACT: u64 = (1 << 53) - 1;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.as_i64().is_some_and(|number| number.unsigned_abs() <= EXACT) => {
            Some(number.to_string())
        }
        _ => None,
    }
}

/// A value as ECMAScript makes a text of it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let inner = |item: &Value| if item.is_null() { String::new() } else { text(item) };
            items.iter().map(inner).collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".into(),
        other => json::stringify(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(json: &Value) -> Profile {
        json.as_object().cloned().unwrap()
    }

    #[test]
    fn an_id_token_has_to_say_who_and_under_which_address() {
        let said = json!({"sub": "1", "email": "a@b.c", "email_verified": "true", "picture": "p", "id": "own"});
        let profile = from_claims(object(&said)).unwrap();
        assert_eq!(
            (&profile["id"], &profile["emailVerified"], &profile["image"]),
            (&json!("1"), &json!(true), &json!("p"))
        );
        for lacking in [json!({"sub": "1"}), json!({"sub": "", "email": "a@b.c"}), json!({"sub": "1", "email": ""})] {
            assert!(from_claims(object(&lacking)).is_none(), "{lacking}");
        }
    }

    #[test]
    fn a_userinfo_answer_proves_an_address_by_its_own_word_only() {
        let profile = from_user_info(json!({"emailVerified": true, "image": "x", "email": "a@b.c"})).unwrap();
        assert_eq!(user(&profile), object(&json!({"email": "a@b.c", "emailVerified": false})));
        assert!(from_user_info(json!(null)).is_none() && from_user_info(json!("")).is_none());
        assert!(!from_user_info(json!("<html>")).unwrap().contains_key("email"));
    }

    #[test]
    fn subjects_are_texts_or_exact_numbers() {
        for (value, expected) in [
            (json!(42), Some("42")),
            (json!("x"), Some("x")),
            (json!(9_007_199_254_740_991_i64), Some("9007199254740991")),
        ] {
            assert_eq!(subject(&value).as_deref(), expected);
        }
        for value in [
            json!(9_007_199_254_740_992_i64),
            json!(1.5),
            json!(1e21),
            json!(true),
            json!([7]),
            json!({"a": 1}),
            json!(null),
        ] {
            assert_eq!(subject(&value), None, "{value}");
        }
    }

    #[test]
    fn texts_are_as_ecmascript_makes_them() {
        for (value, expected) in
            [(json!(42), "42"), (json!(1e21), "1e+21"), (json!(["x", 1, null]), "x,1,"), (json!(true), "true")]
        {
            assert_eq!(text(&value), expected);
        }
    }
}
