//! Sessions and users as JSON.
//!
//! Every session check that is not answered from memory writes one of each. Most of what it writes are ids, dates and names without anything to
//! escape, which a general writer looks for byte by byte: here a whole text is looked at in a few steps, and copied.

use serde::{Serialize, Serializer};

use crate::{
    timestamp::Timestamp,
    value::{Row, Value},
};

/// A value, as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown<'a> {
    Text(&'a str),
    Optional(Option<&'a str>),
    Flag(bool),
    Date(Timestamp),
    Other(&'a Value),
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Optional(text) => text.serialize(serializer),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Date(moment) => moment.serialize(serializer),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

/// Additional fields.
pub(crate) fn shown(row: &Row) -> impl Iterator<Item = (&str, Shown<'_>)> {
    row.iter().map(|(name, value)| (name, Shown::Other(value)))
}

/// Writes what `serde_json` writes of these fields.
pub(crate) fn write<'a>(
    fields: impl Iterator<Item = (&'a str, Shown<'a>)>,
    json: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let mut before = b'{';
    for (name, value) in fields {
        json.push(before);
        before = b',';
        write_text(name, json)?;
        json.push(b':');
        match value {
            Shown::Text(text) | Shown::Optional(Some(text)) => write_text(text, json)?,
            Shown::Optional(None) => json.extend_from_slice(b"null"),
            Shown::Flag(flag) => json.extend_from_slice(if flag { b"true" } else { b"false" }),
            Shown::Date(moment) => match moment.canonical() {
                Some(text) => quote(&text, json),
                None => serde_json::to_writer(&mut *json, &moment)?,
            },
            Shown::Other(value) => serde_json::to_writer(&mut *json, value)?,
        }
    }
    // Neither a session nor a user is without fields.
    json.push(b'}');
    Ok(())
}

fn write_text(text: &str, json: &mut Vec<u8>) -> serde_json::Result<()> {
    if is_plain(text) {
        quote(text.as_bytes(), json);
        return Ok(());
    }
    serde_json::to_writer(json, text)
}

fn quote(text: &[u8], json: &mut Vec<u8>) {
    json.push(b'"');
    json.extend_from_slice(text);
    json.push(b'"');
}

/// Whether nothing in it has to be escaped. It does not stop at the first byte that has, so that several can be looked at in one step.
fn is_plain(text: &str) -> bool {
    let is_escaped = |byte| u8::from(matches!(byte, 0..b' ' | b'"' | b'\\'));
    text.bytes().map(is_escaped).fold(0, |found, one| found | one) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Session, SessionId, SessionToken, User, UserId};

    proptest::proptest! {
        #[test]
        fn it_is_what_serde_json_writes(
            texts in proptest::array::uniform5("\\PC{0,20}|[\\x00-\\x7f]{0,20}"),
            image in proptest::option::of("[ -~]{0,30}"),
            millis in -100_000_000_000_000_i64..300_000_000_000_000,
            flag: bool,
        ) {
            let [name, email, token, agent, field] = texts;
            let moment = Timestamp::from_millis(millis);
            let mut user = User::new(UserId::new("u1"), name, email, moment);
            (user.image, user.email_verified) = (image.clone(), flag);
            user.extra = Row::new().with(&*field, 7_i64).with("nick", field.clone()).with("none", Value::Null);
            let mut session = Session::new(SessionId::new("s1"), SessionToken::new(token), UserId::new("u1"), moment, moment);
            (session.user_agent, session.ip_address) = (Some(agent), image);
            let mut json = Vec::new();
            write(session.shown(), &mut json).unwrap();
            proptest::prop_assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(&session).unwrap());
            let mut json = Vec::new();
            write(user.shown(), &mut json).unwrap();
            proptest::prop_assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(&user).unwrap());
        }
    }
}
