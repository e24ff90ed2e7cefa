use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    ApiError, Context, Endpoint, Input, Route,
    verification::values,
    wire::{Reader, redirect},
};

/// `GET /reset-password/:token`: sends a browser from the link in a mail to the page that asks for the new password. The token is not
/// used up (CONTRACT §11.8).
pub(crate) struct ResetPasswordCallbackEndpoint;

/// The token, and where the page is.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ResetPasswordCallback {
    /// The token, which stands in the path.
    #[serde(skip)]
    pub token: String,
    /// Its address; may be empty, and then the browser goes to the error page.
    #[serde(rename = "callbackURL")]
    pub callback_url: String,
}

impl std::fmt::Debug for ResetPasswordCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResetPasswordCallback").field("callback_url", &self.callback_url).finish_non_exhaustive()
    }
}

impl Input for ResetPasswordCallback {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let token = from.param("token").to_owned();
        from.query().string("callbackURL").map(|callback_url| Self { token, callback_url })
    }
}

impl Endpoint for ResetPasswordCallbackEndpoint {
    type Input = ResetPasswordCallback;
    type Output = ();

    fn route(&self) -> Route {
        Route::get("/reset-password/{token}")
            .summary("Leads from the link in a mail to the page that asks for the new password")
            .checks_callback_url()
    }

    async fn handle(&self, cx: &mut Context, input: ResetPasswordCallback) -> Result<(), ApiError> {
        let base = cx.base_url();
        let to = |url: &str, name: &str, value: &str| match redirect::set(url, &base, name, value) {
            Some(location) => ApiError::redirect(&location),
            None => ApiError::unexpected("callbackURL is no URL"),
        };
        if input.callback_url.is_empty() {
            return Err(to(&format!("{base}/error"), "error", "INVALID_TOKEN"));
        }
        Err(match values::find_live(cx, &format!("reset-password:{}", input.token)).await? {
            Some(_) => to(&input.callback_url, "token", &input.token),
            None => to(&input.callback_url, "error", "INVALID_TOKEN"),
        })
    }
}
