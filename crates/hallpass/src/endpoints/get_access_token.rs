use super::account_tokens::{self, AccessToken, AccountSelection};
use crate::{ApiError, Context, Endpoint, Input, Route, wire::Reader};

/// `POST /get-access-token` (CONTRACT §11.9).
pub(crate) struct GetAccessTokenEndpoint;

impl Input for AccountSelection {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.body().one_of(&Self::FORMS)
    }
}

impl Endpoint for GetAccessTokenEndpoint {
    type Input = AccountSelection;
    type Output = AccessToken;

    fn route(&self) -> Route {
        Route::post("/get-access-token")
            .finds_session()
            .summary("An access token of one of the caller's accounts, refreshed if need be")
    }

    async fn handle(&self, cx: &mut Context, input: AccountSelection) -> Result<AccessToken, ApiError> {
        let selected = account_tokens::select(cx, &input).await?;
        let provider = account_tokens::provider(cx, &selected.account).await?;
        account_tokens::access_token(cx, &provider, &selected).await
    }
}
