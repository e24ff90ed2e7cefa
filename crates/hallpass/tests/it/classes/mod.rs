//! Classes of faults that servers like this one have had, one file a class, each tested on every endpoint and every parameter
//! that it could concern.
//!
//! `table` says what there is. A test there reads the sources of the endpoints and fails when one of them, or a parameter, is missing.

mod host;
mod identity;
mod limiter;
mod markup;
mod origins;
mod owners;
mod paths;
mod purposes;
mod redirects;
mod single_use;
mod table;
mod tickets;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hallpass::{
    Builder, OpenApi,
    oauth::{GenericOAuth, HttpClient, HttpError, ProviderOptions},
    options::{AdditionalField, ChangeEmailOptions, DeleteUserOptions, EmailVerification, SessionOptions, UserOptions},
    store::Value,
};

use http::{Request, Response};

use crate::support::{Stage, stage_with_mail};

/// Everything that can be on is on.
fn everything(builder: Builder) -> Builder {
    let theme = AdditionalField { required: Some(false), ..AdditionalField::default() };
    let session = SessionOptions {
        additional_fields: [("theme".to_owned(), theme)].into_iter().collect(),
        ..SessionOptions::default()
    };
    let user = UserOptions {
        change_email: ChangeEmailOptions { enabled: true, ..ChangeEmailOptions::default() },
        delete_user: DeleteUserOptions {
            enabled: true,
            send_delete_account_verification: Some(true),
            ..DeleteUserOptions::default()
        },
        ..UserOptions::default()
    };
    let verification = EmailVerification {
        send_on_sign_up: Some(true),
        auto_sign_in_after_verification: true,
        ..EmailVerification::default()
    };
    let builder = builder.session(session).user(user).email_verification(verification).plugin(OpenApi::new());
    builder.plugin(GenericOAuth::new([provider()])).http_client(Unreachable)
}

/// A provider that browsers can be sent to, and that can be asked for nothing.
fn provider() -> ProviderOptions {
    ProviderOptions {
        provider_id: "idp".into(),
        authorization_url: Some("https://idp.example/authorize".into()),
        token_url: Some("https://idp.example/token".into()),
        client_id: "us".into(),
        ..ProviderOptions::default()
    }
}

struct Unreachable;

impl HttpClient for Unreachable {
    fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>> {
        Box::pin(async { Err(HttpError::new("there is no network here")) })
    }
}

/// A stage with bearer and mail on which everything is on.
fn stage() -> Stage {
    stage_with(|builder| builder)
}

/// The same, configured further.
fn stage_with(configure: impl FnOnce(Builder) -> Builder) -> Stage {
    stage_with_mail(|builder| configure(everything(builder)))
}

impl Stage {
    /// All that is stored, by table.
    async fn snapshot(&self) -> Vec<String> {
        let mut all = Vec::new();
        for table in ["user", "account", "session", "verification"] {
            all.push(format!("{table}: {:?}", self.rows(table).await));
        }
        all
    }

    /// All that is stored of one user, by table.
    async fn snapshot_of(&self, user_id: &str) -> Vec<String> {
        let mut all = Vec::new();
        for (table, column) in [("user", "id"), ("account", "userId"), ("session", "userId"), ("verification", "value")]
        {
            let mut rows = self.rows(table).await;
            rows.retain(|row| row.get(column) == Some(&Value::from(user_id)));
            all.push(format!("{table}: {rows:?}"));
        }
        all
    }
}
