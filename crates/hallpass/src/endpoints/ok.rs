use schemars::JsonSchema;
use serde::Serialize;

use crate::{ApiError, Context, Endpoint, NoInput, Route};

/// `GET /ok`: the server is there.
pub(crate) struct OkEndpoint;

/// `{"ok":true}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Alive {
    /// Always true.
    pub ok: bool,
}

impl Endpoint for OkEndpoint {
    type Input = NoInput;
    type Output = Alive;

    fn route(&self) -> Route {
        Route::get("/ok").summary("Says that the server is up")
    }

    async fn handle(&self, _: &mut Context, _: NoInput) -> Result<Alive, ApiError> {
        Ok(Alive { ok: true })
    }
}
