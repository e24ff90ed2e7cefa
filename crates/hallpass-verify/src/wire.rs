//! Sessions and users as JSON has them: in answers of an auth server, in Redis, and in the claims of a token.

use hallpass_store::{Record, Row, Timestamp, User, Value};
#[cfg(any(feature = "remote", feature = "redis"))]
use hallpass_store::{Session, SessionToken, StoreError};
use serde_json::{Map, Value as Json};

/// A session and its user from `{"session":{…},"user":{…}}`. The session gets the token that was asked about if it names none.
///
/// # Errors
/// When it is anything else; the text says where, and repeats nothing of it.
#[cfg(any(feature = "remote", feature = "redis"))]
pub(crate) fn session_and_user(document: Json, token: &SessionToken) -> Result<(Session, User), StoreError> {
    let Json::Object(mut document) = document else { return Err(not_an_object("session")) };
    let mut part = |name: &'static str| match document.remove(name) {
        Some(Json::Object(fields)) => Ok(fields),
        _ => Err(not_an_object(name)),
    };
    let (mut session, user) = (part("session")?, part("user")?);
    session.entry("token").or_insert_with(|| token.expose().into());
    Ok((Session::from_row(row(session))?, User::from_row(row(user))?))
}

/// A user from fields that may make one.
#[cfg(feature = "jwt")]
pub(crate) fn user(fields: Map<String, Json>) -> Option<User> {
    User::from_row(row(fields)).ok()
}

#[cfg(any(feature = "remote", feature = "redis"))]
fn not_an_object(name: &str) -> StoreError {
    StoreError::corrupt(name, "", "", "not an object")
}

/// In JSON a date is a text like any other; the columns say which ones are.
fn row(fields: Map<String, Json>) -> Row {
    let is_date = |name: &str| matches!(name, "createdAt" | "updatedAt" | "expiresAt");
    let cell = |(name, value): (String, Json)| {
        let date = value.as_str().filter(|_| is_date(&name)).and_then(|text| text.parse::<Timestamp>().ok());
        (name.into(), date.map_or_else(|| Value::from(value), Value::Date))
    };
    fields.into_iter().map(cell).collect()
}

#[cfg(all(test, any(feature = "remote", feature = "redis")))]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Json {
        json!({
            "session": {"id": "s1", "expiresAt": "2030-01-01T00:00:00.000Z", "token": "t", "createdAt": "2026-01-01T00:00:00.000Z",
                "updatedAt": "2026-01-01T00:00:00.000Z", "ipAddress": "", "userAgent": null, "userId": "u1", "activeTeam": 7},
            "user": {"id": "u1", "name": "Ann", "email": "ann@example.com", "emailVerified": true, "image": null,
                "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z", "role": "admin"},
            "needsRefresh": false,
        })
    }

    #[test]
    fn an_answer_becomes_records_and_keeps_what_is_not_known() {
        let (session, user) = session_and_user(document(), &SessionToken::new("t")).unwrap();
        assert_eq!(session.expires_at.to_string(), "2030-01-01T00:00:00.000Z");
        assert_eq!(session.extra.get("activeTeam"), Some(&Value::Integer(7)));
        assert_eq!(user.extra.get("role"), Some(&Value::from("admin")));
    }

    #[test]
    fn a_session_that_hides_its_token_has_the_one_that_was_asked_about() {
        let mut document = document();
        document["session"].as_object_mut().unwrap().remove("token");
        let (session, _) = session_and_user(document, &SessionToken::new("asked")).unwrap();
        assert_eq!(session.token.expose(), "asked");
    }

    #[test]
    fn anything_else_is_an_error_and_repeats_nothing() {
        let mut no_date = document();
        no_date["session"]["expiresAt"] = json!("secret");
        for odd in [json!(null), json!([]), json!({}), json!({"session": {}, "user": {}}), no_date] {
            let error = session_and_user(odd, &SessionToken::new("t")).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
