use hallpass_store::{Filter, Row, Value};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::Status;
use crate::{
    ApiError, Context, Endpoint, ErrorCode, Input, Requirement, Route,
    fields::{self, Action},
    gate::origin::is_truthy,
    session::{
        SessionAndUser,
        cookies::{self, Remember},
        requirement,
    },
    wire::Reader,
};

/// `POST /update-user` (CONTRACT §11.6).
pub(crate) struct UpdateUserEndpoint;

/// What to set: `name`, `image` and configured additional fields; anything else is ignored.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(with = "Fields")]
pub struct UpdateUser(pub Map<String, Json>);

/// What of it every server knows, for the OpenAPI document.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a schema is made of it, never a value")]
struct Fields {
    /// The name.
    name: Option<String>,
    /// Address of a picture; `null` takes it away.
    image: Option<String>,
}

impl Input for UpdateUser {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.body().record().map(|record| Self(record.clone()))
    }
}

impl Endpoint for UpdateUserEndpoint {
    type Input = UpdateUser;
    type Output = Status;

    fn route(&self) -> Route {
        Route::post("/update-user").summary("Sets fields of the caller").requires(Requirement::Session)
    }

    async fn handle(&self, cx: &mut Context, UpdateUser(mut input): UpdateUser) -> Result<Status, ApiError> {
        let confirmed = requirement::confirmed(cx).await?;
        let (session, mut user) = confirmed.ok_or(ErrorCode::Unauthorized)?.into_parts();
        if input.get("email").is_some_and(is_truthy) {
            return Err(ErrorCode::EmailCanNotBeUpdated.into());
        }
        let mut set = Row::new();
        for field in ["name", "image"] {
            // As it came: the database decides what a name can be, and refuses `null` (CONTRACT §19 trap 7).
            if let Some(value) = input.remove(field) {
                set.set(field, Value::from(value));
            }
        }
        let additional = fields::read(&cx.engine.user_fields, &input, Action::Update)?;
        user.extra.merge(additional.clone());
        set.merge(additional);
        if set.is_empty() {
            return Err(ApiError::message(StatusCode::BAD_REQUEST, "No fields to update"));
        }
        if let Some(Value::Text(name)) = set.get("name") {
            user.name.clone_from(name);
        }
        user.image = set.get("image").map_or(user.image, |image| image.as_text().map(Into::into));
        user.updated_at = cx.now();
        set.set("updatedAt", user.updated_at);
        let mut tx = cx.transaction();
        tx.update("user", Filter::eq("id", &user.id), set).await?;
        tx.commit().await?;
        // What browsers keep a copy of must be what the store has.
        let user = if cx.engine.cookie_cache.is_some() { cx.as_stored(user).await } else { user };
        cookies::set(cx, SessionAndUser::new(session, user), Remember::AsBefore);
        Ok(Status::DONE)
    }
}
