//! Users and their passwords.

use serde_json::json;

use super::{PASSWORD, ada, again, is_signed_in, token};
use crate::server::Server;

pub(crate) async fn users_and_sessions_are_changed(server: &Server) {
    let client = ada(server).await;
    let kept = token(&client).await;
    client.update_user().name("Ada L.").image("https://a.example/l.png").field("plan", "gold").await.unwrap();
    let user = client.get_session().await.unwrap().unwrap().user;
    assert_eq!((user.name.as_str(), user.image.as_deref()), ("Ada L.", Some("https://a.example/l.png")));
    assert_eq!(user.extra.get("plan"), Some(&json!("gold")));
    client.update_user().without_image().await.unwrap();
    let session = client.update_session().field("theme", "dark").await.unwrap().session;
    assert_eq!(session.extra.get("theme"), Some(&json!("dark")));
    let current = client.get_session().disable_cookie_cache().disable_refresh().await.unwrap().unwrap();
    assert_eq!((current.user.image, current.session.extra.get("theme")), (None, Some(&json!("dark"))));
    assert_eq!(token(&client).await, kept);
    let accounts = client.list_accounts().await.unwrap();
    assert_eq!((accounts.len(), accounts[0].provider_id.as_str()), (1, "credential"));
    let error = client.unlink_account(&accounts[0].id).await.unwrap_err();
    assert_eq!(error.code(), Some("FAILED_TO_UNLINK_LAST_ACCOUNT"));
    for error in [
        client.get_access_token(&accounts[0].id).await.unwrap_err(),
        client.refresh_token(&accounts[0].id).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), Some("PROVIDER_NOT_SUPPORTED"));
    }
    assert_eq!(client.account_info(&accounts[0].id).await.unwrap_err().code(), Some("PROVIDER_NOT_CONFIGURED"));
}

pub(crate) async fn the_password_is_changed(server: &Server) {
    let (client, phone) = (ada(server).await, again(server).await);
    let before = token(&client).await.unwrap();
    assert!(client.verify_password(PASSWORD).await.unwrap().status);
    assert_eq!(client.verify_password("wrong horse").await.unwrap_err().code(), Some("INVALID_PASSWORD"));
    let changed = client.change_password(PASSWORD, "another horse").await.unwrap();
    assert_eq!((changed.token, changed.user.name.as_str()), (None, "Ada"));
    assert_eq!(token(&client).await, Some(before.clone()));

    let changed = client.change_password("another horse", PASSWORD).revoke_other_sessions(true).await.unwrap();
    let now = token(&client).await.unwrap();
    assert!(now.same_session(&changed.token.unwrap()) && !now.same_session(&before));
    assert!(is_signed_in(&client).await);
    assert_eq!(client.get_session().bearer(before).await.unwrap(), None);
    assert!(!is_signed_in(&phone).await);
    assert_eq!(token(&client).await, Some(now));
}
