//! Records out of JSON. Every session check that is not answered from memory comes by here, so fields go straight to their places.

use std::{borrow::Cow, fmt, sync::Arc};

use hallpass_store::{
    Column, ColumnKind, Record as _, Row, Schema, Session, SessionId, SessionToken, StoreError, Table, Timestamp, User,
    UserId, Value,
};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::Value as Json;

use crate::layout::corrupt;

/// A session and its user out of an entry.
pub(crate) fn session_and_user(text: &str, schema: &Schema) -> Result<(Session, User), StoreError> {
    let both = Both { session: table(schema, Session::TABLE)?, user: table(schema, User::TABLE)? };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = both.deserialize(&mut json).and_then(|read| json.end().map(|()| read));
    let (of_session, of_user) = read.map_err(|_| corrupt("session", "no JSON with a session and its user"))?;
    Ok((session_of(of_session)?, user_of(of_user)?))
}

/// A session out of its document.
pub(crate) fn session(document: &Json, schema: &Schema) -> Result<Session, StoreError> {
    let fields = Object(table(schema, Session::TABLE)?).deserialize(document);
    session_of(fields.map_err(|_| corrupt("session", "not an object"))?)
}

/// The numbers say where in its table a column most likely is.
fn session_of(mut fields: Fields<'_>) -> Result<Session, StoreError> {
    let mut session = Session::new(
        SessionId::new(fields.id()?),
        SessionToken::new(fields.text(2, "token")?),
        UserId::new(fields.text(7, "userId")?),
        fields.date(3, "createdAt")?,
        fields.date(1, "expiresAt")?,
    );
    session.updated_at = fields.date(4, "updatedAt")?;
    session.ip_address = fields.optional_text(5, "ipAddress")?;
    session.user_agent = fields.optional_text(6, "userAgent")?;
    session.extra = fields.others()?;
    Ok(session)
}

fn user_of(mut fields: Fields<'_>) -> Result<User, StoreError> {
    let id = UserId::new(fields.id()?);
    let mut user = User::new(id, fields.text(1, "name")?, fields.text(2, "email")?, fields.date(5, "createdAt")?);
    user.email_verified = fields.boolean(3, "emailVerified")?;
    user.image = fields.optional_text(4, "image")?;
    user.updated_at = fields.date(6, "updatedAt")?;
    user.extra = fields.others()?;
    Ok(user)
}

fn table<'s>(schema: &'s Schema, name: &str) -> Result<&'s Table, StoreError> {
    schema.table(name).ok_or_else(|| StoreError::misuse(format!("there is no table `{name}`")))
}

/// The object that has the two.
struct Both<'s> {
    session: &'s Table,
    user: &'s Table,
}

impl<'de, 's> DeserializeSeed<'de> for Both<'s> {
    type Value = (Fields<'s>, Fields<'s>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, 's> Visitor<'de> for Both<'s> {
    type Value = (Fields<'s>, Fields<'s>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a session and its user")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut session, mut user) = (None, None);
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "session" => session = Some(map.next_value_seed(Object(self.session))?),
                "user" => user = Some(map.next_value_seed(Object(self.user))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        session.zip(user).ok_or_else(|| A::Error::custom("one of them is missing"))
    }
}

/// A key, borrowed where it can be.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// An object, of whose fields those count that are columns of this table.
struct Object<'s>(&'s Table);

impl<'de, 's> DeserializeSeed<'de> for Object<'s> {
    type Value = Fields<'s>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, 's> Visitor<'de> for Object<'s> {
    type Value = Fields<'s>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let columns = &self.0.columns;
        let mut cells = vec![None; columns.len()];
        while let Some(Name(name)) = map.next_key()? {
            match columns.iter().zip(&mut cells).find(|(column, _)| *column.name == name) {
                // Of several with one name the last counts, as in JavaScript.
                Some((column, cell)) => *cell = Some(map.next_value_seed(Cell(column))?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Fields { table: self.0, cells })
    }
}

/// What an object has for the columns of a table, in their order.
struct Fields<'s> {
    table: &'s Table,
    cells: Vec<Option<Result<Value, Wrong>>>,
}

impl Fields<'_> {
    fn id(&self) -> Result<String, StoreError> {
        self.known_id().map(ToOwned::to_owned).ok_or_else(|| self.wrong("id"))
    }

    /// Of the first column. It is left where it is, so that errors can name the row.
    fn known_id(&self) -> Option<&str> {
        self.cells.first()?.as_ref()?.as_ref().ok()?.as_text()
    }

    fn take(&mut self, likely: usize, name: &str) -> Result<Option<Value>, StoreError> {
        let columns = &self.table.columns;
        let is_there = columns.get(likely).is_some_and(|column| &*column.name == name);
        let at = if is_there { Some(likely) } else { columns.iter().position(|column| &*column.name == name) };
        let cell = at.and_then(|at| self.cells.get_mut(at)).and_then(Option::take);
        cell.transpose().map_err(|Wrong| self.wrong(name))
    }

    fn text(&mut self, likely: usize, name: &str) -> Result<String, StoreError> {
        self.optional_text(likely, name)?.ok_or_else(|| self.wrong(name))
    }

    fn optional_text(&mut self, likely: usize, name: &str) -> Result<Option<String>, StoreError> {
        match self.take(likely, name)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name)),
        }
    }

    fn date(&mut self, likely: usize, name: &str) -> Result<Timestamp, StoreError> {
        match self.take(likely, name)? {
            Some(Value::Date(moment)) => Ok(moment),
            _ => Err(self.wrong(name)),
        }
    }

    fn boolean(&mut self, likely: usize, name: &str) -> Result<bool, StoreError> {
        match self.take(likely, name)? {
            Some(Value::Boolean(flag)) => Ok(flag),
            _ => Err(self.wrong(name)),
        }
    }

    /// What nobody has taken. What the document does not have is not there either, not even as empty: the npm package shows the document as it is.
    fn others(&mut self) -> Result<Row, StoreError> {
        let mut row = Row::new();
        for (column, cell) in self.table.columns.iter().zip(&mut self.cells).skip(1) {
            match cell.take() {
                Some(Ok(value)) => row.push(Arc::clone(&column.name), value),
                Some(Err(Wrong)) => return Err(self.wrong(&column.name)),
                None => {}
            }
        }
        Ok(row)
    }

    fn wrong(&self, name: &str) -> StoreError {
        let id = self.known_id().unwrap_or_default();
        StoreError::corrupt(&self.table.name, name, id, "missing, or a value of another kind")
    }
}

/// A value that the column cannot have.
#[derive(Clone)]
struct Wrong;

/// The value of a column.
struct Cell<'s>(&'s Column);

impl Cell<'_> {
    fn of(&self, json: Json) -> Result<Value, Wrong> {
        Ok(match (self.0.kind, json) {
            (_, Json::Null) => Value::Null,
            (ColumnKind::Date, Json::String(text)) => Value::Date(text.parse().map_err(|_| Wrong)?),
            (ColumnKind::Date, Json::Number(number)) => {
                Value::Date(Timestamp::from_millis(number.as_i64().ok_or(Wrong)?))
            }
            (ColumnKind::Date, _) => return Err(Wrong),
            // Who wrote the user may have had it from a database that has no truth values. What clients give for fields of their own stays as it is.
            (ColumnKind::Boolean, Json::Number(number)) if &*self.0.name == "emailVerified" => {
                Value::Boolean(number.as_i64() != Some(0))
            }
            (ColumnKind::RowNumber, Json::Number(number)) => Value::Text(number.to_string()),
            (ColumnKind::Json | ColumnKind::TextList | ColumnKind::NumberList, json) => Value::Json(json),
            (_, json) => Value::from(json),
        })
    }
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = Result<Value, Wrong>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = Result<Value, Wrong>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.of(Json::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(self.of(flag.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.of(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.of(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.of(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        match self.0.kind {
            // The most frequent of all, and without a copy too many.
            ColumnKind::Text => Ok(Ok(Value::Text(text.to_owned()))),
            ColumnKind::Date => Ok(text.parse().map(Value::Date).map_err(|_| Wrong)),
            _ => Ok(self.of(text.into())),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Ok(self.of(Json::deserialize(SeqAccessDeserializer::new(list))?))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(self.of(Json::deserialize(MapAccessDeserializer::new(map))?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry() -> Json {
        json!({
            "session": {
                "id": "s1", "ipAddress": null, "userAgent": "curl", "expiresAt": "2030-01-01T00:00:00.000Z", "userId": "u1",
                "token": "abcdefghijklmnopqrstuvwxyzABCDEF", "createdAt": 0, "updatedAt": "1970-01-01T00:00:00.001Z", "device": [1, {"a": 2}],
            },
            "user": {
                "name": "Ann", "email": "ann@example.com", "emailVerified": 1, "image": null, "createdAt": "1970-01-01T00:00:00.000Z",
                "updatedAt": "1970-01-01T00:00:00.000Z", "id": "u1", "unknown": {"x": [null]}, "news": 1,
            },
            "more": [1],
        })
    }

    fn schema() -> Schema {
        Schema::core()
            .with_column("session", Column::new("device", ColumnKind::Json))
            .with_column("session", Column::new("place", ColumnKind::Text))
            .with_column("user", Column::new("news", ColumnKind::Boolean))
    }

    #[test]
    fn every_field_comes_to_its_place() {
        let (session, user) = session_and_user(&entry().to_string(), &schema()).unwrap();
        assert_eq!((session.id.as_str(), session.user_id.as_str(), user.id.as_str()), ("s1", "u1", "u1"));
        assert_eq!((session.created_at.as_millis(), session.updated_at.as_millis()), (0, 1));
        assert_eq!(session.expires_at.to_string(), "2030-01-01T00:00:00.000Z");
        assert_eq!((session.ip_address.as_deref(), session.user_agent.as_deref()), (None, Some("curl")));
        assert_eq!((&*user.name, &*user.email, user.email_verified), ("Ann", "ann@example.com", true));
        // What is not there is not there, and what has no column is passed over.
        assert_eq!(session.extra, Row::new().with("device", Value::Json(json!([1, {"a": 2}]))));
        assert_eq!(user.extra, Row::new().with("news", 1));
        assert_eq!(super::session(&entry()["session"], &schema()).unwrap(), session);
    }

    #[test]
    fn columns_are_found_in_whatever_order_a_table_has_them() {
        let columns = ["image", "email", "updatedAt", "name", "createdAt", "emailVerified"];
        let core = Schema::core();
        let user = core.table("user").unwrap();
        let other =
            columns.iter().fold(Table::new("user"), |table, name| table.column(user.get(name).unwrap().clone()));
        let other = Schema::core().without_table("user").with_table(other);
        let text = entry().to_string();
        assert_eq!(session_and_user(&text, &other).unwrap(), session_and_user(&text, &core).unwrap());
    }

    #[test]
    fn of_several_fields_with_one_name_the_last_counts() {
        let text = entry().to_string();
        let text = text.replacen("\"user\":{", "\"user\":{\"name\":5,", 1).replacen('{', "{\"user\":{},", 1);
        assert_eq!(session_and_user(&text, &schema()).unwrap().1.name, "Ann");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |part: &str, field: &str, value: Json| {
            let mut entry = entry();
            entry[part][field] = value;
            session_and_user(&entry.to_string(), &schema()).unwrap_err().to_string()
        };
        let soon = error("session", "expiresAt", "soon".into());
        assert!(soon.contains("`session`") && soon.contains("`expiresAt`") && soon.contains("`s1`"), "{soon}");
        assert!(!soon.contains("soon"), "{soon}");
        for (field, value) in
            [("name", json!(5)), ("email", Json::Null), ("emailVerified", json!("yes")), ("id", json!([]))]
        {
            let error = error("user", field, value);
            assert!(error.contains("`user`") && error.contains(&format!("`{field}`")), "{error}");
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let whole = entry().to_string();
        let list = json!([entry()["session"], entry()["user"]]);
        let lists = json!({"session": ["s1"], "user": entry()["user"]});
        for text in ["", "null", "5", "{}", &whole[1..], &format!("{whole}x"), &list.to_string(), &lists.to_string()] {
            assert!(session_and_user(text, &schema()).is_err(), "{text}");
        }
    }
}
