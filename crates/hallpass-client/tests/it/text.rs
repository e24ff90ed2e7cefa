//! What has to be true of the client, whichever server it talks to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use hallpass_client::{AuthClient, LinkOutcome, Method, StatusCode, Token, model::IdToken};
use serde_json::{Value, json};

use crate::server::Server;

const PASSWORD: &str = "correct horse battery";

/// A client that is signed up and in.
async fn ada(server: &Server) -> AuthClient {
    let client = server.client();
    client.sign_up().email("Ada", "ada@example.com", PASSWORD).await.unwrap();
    client
}

/// Another one of the same user.
async fn again(server: &Server) -> AuthClient {
    let client = server.client();
    client.sign_in().email("ada@example.com", PASSWORD).await.unwrap();
    client
}

async fn token(client: &AuthClient) -> Option<Token> {
    client.token().await.unwrap()
}

async fn is_signed_in(client: &AuthClient) -> bool {
    client.get_session().await.unwrap().is_some()
}

pub(crate) async fn a_token_is_obtained_kept_and_sent(server: &Server) {
    assert!(server.client().ok().await.unwrap().ok);
    let client = server.client();
    let signed_up =
        client.sign_up().email("Ada", "ada@example.com", PASSWORD).image("https://a.example/a.png").await.unwrap();
    assert_eq!((signed_up.user.name.as_str(), signed_up.user.email_verified), ("Ada", false));
    assert_eq!(signed_up.user.image.as_deref(), Some("https://a.example/a.png"));

    let kept = token(&client).await.unwrap();
    assert!(kept.same_session(&signed_up.token.unwrap()));
    assert!(kept.expose().contains('.'), "the signed one is kept");

    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let look = client.get_session().on_success(move |seen| {
        assert_eq!((seen.path(), seen.status(), seen.new_token()), ("/get-session", StatusCode::OK, None));
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let current = look.await.unwrap().unwrap();
    assert_eq!(looks.load(Ordering::SeqCst), 1);
    assert_eq!((current.user, current.session.token.same_session(&kept)), (signed_up.user, true));
    assert!(current.session.expires_at > current.session.created_at);
    assert!(current.session.user_agent.unwrap().starts_with("hallpass-client/"));

    let signed_in = client.sign_in().email("ada@example.com", PASSWORD).callback_url("/app").await.unwrap();
    assert_eq!((signed_in.redirect, signed_in.url.as_deref()), (true, Some("/app")));
    let now = token(&client).await.unwrap();
    assert!(now.same_session(&signed_in.token.unwrap()) && !now.same_session(&kept));
    assert_eq!(client.clone().list_sessions().await.unwrap().len(), 2, "a clone is the same client");
}

pub(crate) async fn nobody_is_not_signed_in(server: &Server) {
    let client = server.client();
    assert_eq!(client.get_session().await.unwrap(), None);
    let error = client.list_sessions().await.unwrap_err();
    assert!(error.is_unauthorized() && !error.is_unavailable());
    assert_eq!((error.code(), error.message()), (Some("UNAUTHORIZED"), Some("Unauthorized")));
    assert!(client.sign_out().await.unwrap().success);
    client.set_token("").await.unwrap();
    assert!(!is_signed_in(&client).await, "an empty token is none");
}

pub(crate) async fn a_call_can_be_made_with_another_token_or_none(server: &Server) {
    let client = ada(server).await;
    let kept = token(&client).await.unwrap();
    let bob = server.client();
    bob.sign_up().email("Bob", "bob@example.com", PASSWORD).await.unwrap();
    let bobs = token(&bob).await.unwrap();
    let raw = bobs.expose().split('.').next().unwrap();

    for other in [bobs.expose(), raw] {
        let seen = client.get_session().bearer(other).await.unwrap().unwrap();
        assert_eq!(seen.user.name, "Bob");
    }
    assert_eq!(client.get_session().bearer("").await.unwrap(), None);
    assert_eq!(client.get_session().anonymous().await.unwrap(), None);
    assert_eq!(client.get_session().bearer("unknown").await.unwrap(), None);
    assert!(client.list_sessions().bearer("unknown").await.unwrap_err().is_unauthorized());
    client.update_user().name("Robert").bearer(bobs.clone()).await.unwrap();
    assert!(client.sign_out().bearer(bobs.clone()).await.unwrap().success);
    assert_eq!(token(&client).await, Some(kept.clone()), "none of it is about the client's own");
    assert!(!is_signed_in(&bob).await);

    let other = client.sign_in().email("bob@example.com", PASSWORD).bearer(kept.clone()).await.unwrap();
    assert_eq!(other.user.unwrap().name, "Robert");
    assert!(!token(&client).await.unwrap().same_session(&kept), "but this one was the client's own");
    client.sign_in().email("ada@example.com", PASSWORD).anonymous().await.unwrap();
    assert_eq!(client.get_session().await.unwrap().unwrap().user.name, "Ada", "and a sign-in is kept");
}

pub(crate) async fn a_function_can_give_the_token(server: &Server) {
    let device: Arc<Mutex<Option<Token>>> = Arc::default();
    let (asked, kept, cleared) = (Arc::clone(&device), Arc::clone(&device), Arc::clone(&device));
    let client = server
        .builder()
        .token(move || asked.lock().unwrap().clone())
        .on_success(move |seen| {
            if let Some(token) = seen.new_token() {
                *kept.lock().unwrap() = Some(token);
            }
        })
        .on_error(move |seen| {
            if seen.status() == StatusCode::UNAUTHORIZED {
                *cleared.lock().unwrap() = None;
            }
        })
        .build()
        .unwrap();
    client.sign_up().email("Ada", "ada@example.com", PASSWORD).await.unwrap();
    assert!(device.lock().unwrap().is_some());
    let known = device.lock().unwrap().clone();
    let waiting = server.builder().token_async(move || {
        let known = known.clone();
        async move {
            tokio::task::yield_now().await;
            Ok::<_, std::io::Error>(known)
        }
    });
    assert_eq!(waiting.build().unwrap().get_session().await.unwrap().unwrap().user.name, "Ada");
    client.sign_out().await.unwrap();
    assert!(device.lock().unwrap().is_some(), "it is the program's business");
    assert!(client.list_sessions().await.unwrap_err().is_unauthorized());
    assert!(device.lock().unwrap().is_none());

    let failing = server.builder().token_async(async || Err("the safe is locked")).build().unwrap();
    let error = failing.get_session().await.unwrap_err();
    assert!(error.is_store() && error.status().is_none());
}

pub(crate) async fn refusals_have_status_and_code(server: &Server) {
    let client = ada(server).await;
    let kept = token(&client).await;
    let error = client.sign_in().email("ada@example.com", "wrong horse battery").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(StatusCode::UNAUTHORIZED), Some("INVALID_EMAIL_OR_PASSWORD")));
    assert_eq!(error.to_string(), "the server refused: Invalid email or password (401 INVALID_EMAIL_OR_PASSWORD)");
    let error = client.sign_in().email("not an address", PASSWORD).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(StatusCode::BAD_REQUEST), Some("INVALID_EMAIL")));
    let error = client.sign_up().email("Ada", "ada@example.com", PASSWORD).await.unwrap_err();
    let taken = (Some(StatusCode::UNPROCESSABLE_ENTITY), Some("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"));
    assert_eq!((error.status(), error.code()), taken);
    let error = client.sign_up().email("Bob", "bob@example.com", "short").await.unwrap_err();
    assert_eq!(error.code(), Some("PASSWORD_TOO_SHORT"));
    let error = client.sign_in().social("nowhere").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(StatusCode::NOT_FOUND), Some("PROVIDER_NOT_FOUND")));
    let error = client.extend_session().await.unwrap_err();
    assert_eq!(error.code(), Some("METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED"));
    let error = client.update_session().await.unwrap_err();
    assert_eq!((error.code(), error.message()), (None, Some("No fields to update")));
    let error = client.delete_user().await.unwrap_err();
    assert_eq!((error.status(), error.code(), error.message()), (Some(StatusCode::NOT_FOUND), None, None));
    let error = client.request_password_reset("ada@example.com").await.unwrap_err();
    assert_eq!(error.code(), Some("RESET_PASSWORD_DISABLED"));
    assert_eq!(token(&client).await, kept, "none of it was about the session");
}

pub(crate) async fn sessions_are_listed_and_revoked(server: &Server) {
    let (here, phone, tablet) = (ada(server).await, again(server).await, again(server).await);
    assert_eq!(here.list_sessions().await.unwrap().len(), 3);
    let phones = token(&phone).await.unwrap();
    assert!(here.revoke_session(&phones).await.unwrap().status);
    assert!(!is_signed_in(&phone).await);
    assert_eq!(token(&phone).await, None, "what `null` was said to is dropped");
    assert!(is_signed_in(&here).await);

    let own = here.get_session().await.unwrap().unwrap().session.token;
    let laptop = again(server).await;
    assert!(here.revoke_other_sessions().await.unwrap().status);
    assert!(is_signed_in(&here).await);
    assert!(tablet.list_sessions().await.unwrap_err().is_unauthorized());
    assert_eq!((token(&tablet).await, is_signed_in(&laptop).await), (None, false));

    assert!(here.revoke_session(&own).await.unwrap().status);
    assert_eq!(token(&here).await, None, "its own");

    let (one, other) = (again(server).await, again(server).await);
    assert!(one.revoke_sessions().await.unwrap().status);
    assert_eq!((token(&one).await, is_signed_in(&other).await), (None, false));
}

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

pub(crate) async fn signing_out_drops_the_token(server: &Server) {
    let client = ada(server).await;
    let dead = token(&client).await.unwrap();
    assert!(client.sign_out().await.unwrap().success);
    assert_eq!(token(&client).await, None);
    assert_eq!(client.get_session().bearer(dead).await.unwrap(), None);
    client.sign_in().email("ada@example.com", PASSWORD).remember_me(false).await.unwrap();
    assert!(is_signed_in(&client).await);
    client.forget_token().await.unwrap();
    assert!(!is_signed_in(&client).await);
}

pub(crate) async fn dead_tokens_are_dropped_and_no_others(server: &Server) {
    let (client, phone) = (ada(server).await, again(server).await);
    let phones = token(&phone).await.unwrap();
    client.revoke_session(&phones).await.unwrap();
    assert!(phone.list_sessions().await.unwrap_err().is_unauthorized());
    assert_eq!(token(&phone).await, None);

    phone.set_token(phones.clone()).await.unwrap();
    assert!(phone.sign_in().email("ada@example.com", "wrong horse battery").await.unwrap_err().is_unauthorized());
    assert_eq!(token(&phone).await, Some(phones.clone()), "a wrong password says nothing about it");
    for forged in ["0123456789abcdefghijklmnopqrstuv", "abc.def", "nonsense"] {
        phone.set_token(forged).await.unwrap();
        assert!(!is_signed_in(&phone).await);
        assert_eq!(token(&phone).await, None);
    }

    let never = server.builder().drop_policy(hallpass_client::DropPolicy::never()).build().unwrap();
    never.set_token(phones.clone()).await.unwrap();
    assert!(never.list_sessions().await.unwrap_err().is_unauthorized());
    assert!(never.get_session().await.unwrap().is_none());
    assert!(never.sign_out().await.unwrap().success);
    assert_eq!(token(&never).await, Some(phones.clone()));

    let policy = hallpass_client::DropPolicy::never().on_code("INVALID_EMAIL_OR_PASSWORD");
    let own = server.builder().drop_policy(policy).build().unwrap();
    own.set_token(phones).await.unwrap();
    own.list_sessions().await.unwrap_err();
    assert!(token(&own).await.is_some());
    own.sign_in().email("ada@example.com", "wrong horse battery").await.unwrap_err();
    assert!(token(&own).await.is_none());
}

pub(crate) async fn any_endpoint_can_be_called(server: &Server) {
    let client = ada(server).await;
    let answer = client.call(Method::GET, "/ok").public().await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!({ "ok": true }));
    client.call(Method::POST, "/update-user").json(json!({ "name": "Countess" })).await.unwrap();
    let answer = client.call(Method::GET, "/get-session").json(json!({ "disableRefresh": true })).await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap()["user"]["name"], "Countess");
    let error = client.call(Method::POST, "/no/such").await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    let sign_in = json!({ "email": "ada@example.com", "password": PASSWORD });
    let before = token(&client).await.unwrap();
    client.call(Method::POST, "/sign-in/email").json(sign_in).begins_session().await.unwrap();
    assert!(!token(&client).await.unwrap().same_session(&before));
    client.sign_out().await.unwrap();
    client.set_token(before).await.unwrap();
    client.revoke_sessions().await.unwrap();
    client.set_token("dead").await.unwrap();
    assert!(client.call(Method::GET, "/list-accounts").await.unwrap_err().is_unauthorized());
    assert_eq!(token(&client).await, None);
}

pub(crate) async fn a_session_is_extended_at_every_look(server: &Server) {
    let client = ada(server).await;
    let kept = token(&client).await;
    let seen: Arc<Mutex<Vec<Option<Token>>>> = Arc::default();
    for _ in 0..2 {
        let noted = Arc::clone(&seen);
        client
            .get_session()
            .on_success(move |seen| noted.lock().unwrap().push(seen.new_token()))
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(*seen.lock().unwrap(), [kept.clone(), kept.clone()]);
    assert_eq!(token(&client).await, kept);
    // A raw token is good as well, and is replaced by the signed one when that comes.
    let raw = kept.as_ref().unwrap().expose().split('.').next().unwrap();
    client.set_token(raw).await.unwrap();
    assert!(is_signed_in(&client).await);
    assert_eq!(token(&client).await, kept);
}

pub(crate) async fn a_session_is_extended_when_asked_to(server: &Server) {
    let client = ada(server).await;
    let looked = client.get_session().on_success(|seen| assert_eq!(seen.new_token(), None)).await.unwrap().unwrap();
    assert!(looked.needs_refresh);
    let brought = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&brought);
    let count = move |seen: &hallpass_client::Seen<'_>| {
        counted.fetch_add(usize::from(seen.new_token().is_some()), Ordering::SeqCst);
    };
    let extended = client.extend_session().on_success(count).await.unwrap().unwrap();
    assert_eq!(brought.load(Ordering::SeqCst), 1);
    assert!(extended.session.expires_at >= looked.session.expires_at);
    client.sign_out().await.unwrap();
    assert_eq!(client.extend_session().await.unwrap(), None);
}

pub(crate) async fn a_forgotten_password_is_replaced(server: &Server) {
    ada(server).await;
    let client = server.client();
    let asked = client.request_password_reset("ada@example.com").redirect_to("/reset").await.unwrap();
    assert!(asked.status && !asked.message.is_empty());
    let mail = server.mail(1).await;
    let given = mail["token"].as_str().unwrap();

    let redirect = client.reset_password_callback(given, "/reset").await.unwrap();
    assert_eq!((redirect.query("token").as_deref(), redirect.error()), (Some(given), None));
    assert!(!format!("{redirect:?}").contains(given));
    let redirect = client.reset_password_callback("no such token", "/reset").await.unwrap();
    assert_eq!(redirect.error().as_deref(), Some("INVALID_TOKEN"));

    assert!(client.reset_password("a new horse", given).await.unwrap().status);
    assert_eq!(client.reset_password("a newer horse", given).await.unwrap_err().code(), Some("INVALID_TOKEN"));
    assert!(client.sign_in().email("ada@example.com", "a new horse").await.is_ok());
}

pub(crate) async fn an_address_is_proven(server: &Server) {
    ada(server).await;
    let client = server.client();
    assert!(client.send_verification_email("ada@example.com").callback_url("/in").await.unwrap().status);
    let mail = server.mail(1).await;
    let given = mail["token"].as_str().unwrap();

    let error = client.verify_email("nonsense").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(StatusCode::UNAUTHORIZED), Some("INVALID_TOKEN")));
    let LinkOutcome::Redirect(redirect) = client.verify_email("nonsense").callback_url("/in").await.unwrap() else {
        panic!("a callback URL is gone to")
    };
    assert_eq!(redirect.error().as_deref(), Some("INVALID_TOKEN"));

    let LinkOutcome::Redirect(redirect) = client.verify_email(given).callback_url("/in").await.unwrap() else {
        panic!("a callback URL is gone to")
    };
    assert_eq!((redirect.location(), redirect.error()), ("/in", None));
    let user = client.get_session().await.unwrap().expect("the redirect's token is kept").user;
    assert!(user.email_verified);
    let LinkOutcome::Done(again) = client.verify_email(given).await.unwrap() else { panic!("there is nowhere to go") };
    assert!(again.status && again.user.is_none());
}

pub(crate) async fn an_address_is_changed(server: &Server) {
    let client = ada(server).await;
    assert!(client.change_email("new@example.com").callback_url("/in").await.unwrap().status);
    let mail = server.mail(1).await;
    let LinkOutcome::Done(changed) = client.verify_email(mail["token"].as_str().unwrap()).await.unwrap() else {
        panic!("there is nowhere to go")
    };
    assert_eq!(changed.user.unwrap().email, "new@example.com");
    assert_eq!(client.get_session().await.unwrap().unwrap().user.email, "new@example.com");
}

pub(crate) async fn an_account_is_deleted(server: &Server) {
    let client = ada(server).await;
    assert!(!client.delete_user().callback_url("/bye").await.unwrap().is_done());
    let mail = server.mail(1).await;
    let given = mail["token"].as_str().unwrap();
    assert!(is_signed_in(&client).await, "a mail is not the deed");
    let stranger = server.client().delete_user_callback(given).await.unwrap_err();
    assert_eq!(stranger.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(client.delete_user().token("wrong").await.unwrap_err().code(), Some("INVALID_TOKEN"));
    assert!(client.delete_user().token(given).await.unwrap().is_done());
    assert_eq!(token(&client).await, None);

    let client = ada(server).await;
    assert!(!client.delete_user().password(PASSWORD).await.unwrap().is_done());
    let mail = server.mail(2).await;
    let followed = client.delete_user_callback(mail["token"].as_str().unwrap()).callback_url("/bye").await.unwrap();
    let LinkOutcome::Redirect(redirect) = followed else { panic!("a callback URL is gone to") };
    assert_eq!((redirect.location(), token(&client).await), ("/bye", None));
    assert!(client.sign_in().email("ada@example.com", PASSWORD).await.unwrap_err().is_unauthorized());
}

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

/// Tasks at once, and how often.
const TASKS: usize = 32;
const ROUNDS: usize = 20;

pub(crate) async fn many_tasks_share_one_client(server: &Server) {
    ada(server).await;
    // Hooks of calls that begin, change or end the session run in its turn, so what they note is in the right order.
    let stored: Arc<Mutex<Option<Token>>> = Arc::default();
    let noted = Arc::clone(&stored);
    let client = server
        .builder()
        .on_success(move |seen| match seen.path() {
            "/sign-in/email" | "/change-password" => *noted.lock().unwrap() = seen.new_token(),
            "/sign-out" | "/revoke-sessions" => *noted.lock().unwrap() = None,
            _ => {}
        })
        .build()
        .unwrap();
    for round in 0..ROUNDS {
        client.sign_in().email("ada@example.com", PASSWORD).await.unwrap();
        let tasks: Vec<_> =
            (0..TASKS).map(|number| tokio::spawn(one_of_many(client.clone(), number + round))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let now = token(&client).await;
        assert_eq!(now, *stored.lock().unwrap(), "round {round}");
        assert_eq!(is_signed_in(&client).await, now.is_some(), "round {round}: what is kept is alive");
        assert_eq!(token(&client).await, now);
    }
    client.sign_out().await.unwrap();
    assert_eq!(token(&client).await, None);
}

/// Whether the session is there when its turn comes is chance. That the server says anything else than 401 is not.
async fn one_of_many(client: AuthClient, number: usize) {
    let done = match number % TASKS {
        0 | 16 => client.sign_in().email("ada@example.com", PASSWORD).await.map(drop),
        8 | 24 => client.sign_out().await.map(drop),
        4 => client.revoke_sessions().await.map(drop),
        12 => client.change_password(PASSWORD, PASSWORD).revoke_other_sessions(true).await.map(drop),
        20 => client.revoke_other_sessions().await.map(drop),
        number if number % 3 == 0 => client.list_sessions().await.map(drop),
        number if number % 3 == 1 => client.update_user().name(format!("Ada {number}")).await.map(drop),
        _ => client.get_session().await.map(drop),
    };
    if let Err(error) = done {
        assert!(error.is_unauthorized(), "{error}");
    }
}
