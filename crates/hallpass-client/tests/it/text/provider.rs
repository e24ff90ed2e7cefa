//! Accounts at providers.

use hallpass_client::model::IdToken;
use serde_json::json;

use super::token;
use crate::server::Server;

pub(crate) async fn accounts_at_providers_are_used(server: &Server) {
    let Some(provider) = &server.provider else { return };
    let given = provider.lock().await.tokens("subject-1", "ada@example.com").await;
    let id_token = || {
        let text = |name: &str| given[name].as_str().unwrap();
        IdToken::new(text("token")).access_token(text("accessToken")).refresh_token(text("refreshToken"))
    };
    let client = server.client();
    let away = client.sign_in().social("idp").callback_url("/in").scopes(["email"]).login_hint("ada").await.unwrap();
    let url = url::Url::parse(&away.url.unwrap()).unwrap();
    assert!(url.query_pairs().any(|(name, value)| (&*name, &*value) == ("login_hint", "ada")));
    assert_eq!((away.redirect, away.token, token(&client).await), (true, None, None));

    let signed_in = client.sign_in().social("idp").id_token(id_token()).await.unwrap();
    assert_eq!((signed_in.redirect, signed_in.user.unwrap().email.as_str()), (false, "ada@example.com"));
    assert!(token(&client).await.unwrap().same_session(&signed_in.token.unwrap()));

    let accounts = client.list_accounts().await.unwrap();
    let account = &accounts[0];
    assert_eq!((account.provider_id.as_str(), account.account_id.as_str()), ("idp", "subject-1"));
    let access = client.get_access_token(&account.id).await.unwrap();
    assert_eq!(access.access_token.expose(), given["accessToken"].as_str().unwrap());
    let info = client.account_info(&account.id).await.unwrap();
    assert_eq!((info.account.account_id.as_str(), &info.user["email"]), ("subject-1", &json!("ada@example.com")));
    // What a sign-in with an ID token brings is not kept whole; linking keeps all of it.
    assert_eq!(client.refresh_token(&account.id).await.unwrap_err().code(), Some("REFRESH_TOKEN_NOT_FOUND"));

    let linked = client.link_social("idp").callback_url("/linked").disable_redirect(true).await.unwrap();
    assert!(!linked.url.is_empty() && !linked.status && !linked.redirect);
    let linked = client.link_social("idp").id_token(id_token()).await.unwrap();
    assert!(linked.status && linked.url.is_empty());
    let refreshed = client.refresh_token(&account.id).await.unwrap();
    assert_eq!((refreshed.provider_id.as_str(), refreshed.access_token.is_some()), ("idp", true));
    assert!(!format!("{refreshed:?}").contains(given["accessToken"].as_str().unwrap()));
    let kept = token(&client).await;
    let error = client.link_social("idp").id_token(IdToken::new("nonsense")).await.unwrap_err();
    assert!(error.is_unauthorized());
    assert_eq!(token(&client).await, kept, "a 401 about the provider's token is not about ours");
}
