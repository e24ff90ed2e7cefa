//! Mail that is collected instead of sent, and the tokens in it.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hallpass::{
    Bearer, Builder,
    mail::{Mail, MailError, MailKind, Mailer},
    store::{Batch, Filter, Row},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

use super::{Caller, ORIGIN, SECRET, Stage, stage_with};

/// Where mail arrives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mails(Arc<Mutex<Vec<Mail>>>);

impl Mails {
    /// Carries mail here.
    pub(crate) fn mailer(&self) -> impl Mailer + use<> {
        let arrived = Arc::clone(&self.0);
        move |mail: Mail| {
            arrived.lock().unwrap().push(mail);
            std::future::ready(Ok::<(), MailError>(()))
        }
    }
}

/// A stage with bearer whose mail is collected, then configured by `configure`.
pub(crate) fn stage_with_mail(configure: impl FnOnce(Builder) -> Builder) -> Stage {
    let mails = Mails::default();
    let carried = mails.clone();
    let mut stage = stage_with(|builder| configure(builder.plugin(Bearer::new()).mailer(mails.mailer())));
    stage.mails = carried;
    stage
}

impl Stage {
    /// The mail that was sent since the last time this was called, once all of it has arrived.
    pub(crate) async fn mail(&self) -> Vec<Mail> {
        self.auth.finish_background_work().await;
        std::mem::take(&mut self.mails.0.lock().unwrap())
    }

    /// The only mail that was sent since, which is of this kind.
    pub(crate) async fn the_mail(&self, kind: MailKind) -> Mail {
        let mut mails = self.mail().await;
        assert_eq!(mails.iter().map(|mail| mail.kind.as_str()).collect::<Vec<_>>(), [kind.as_str()]);
        mails.remove(0)
    }

    /// Makes a caller's address a proven one.
    pub(crate) async fn prove(&self, caller: &Caller) {
        let proven = Row::new().with("emailVerified", true);
        self.write(Batch::new().update("user", Filter::eq("id", &*caller.id), proven)).await;
    }

    /// A cell of a caller's user row.
    pub(crate) async fn cell(&self, caller: &Caller, column: &str) -> hallpass::store::Value {
        let rows = self.rows("user").await;
        let mut row = rows.into_iter().find(|row| row.get("id") == Some(&caller.id.as_str().into())).unwrap();
        row.take(column).unwrap()
    }
}

/// Where a mail's link leads, from the path on.
pub(crate) fn link(mail: &Mail) -> &str {
    mail.url.strip_prefix(ORIGIN).unwrap()
}

/// The same, without the `callbackURL` at its end.
pub(crate) fn bare_link(mail: &Mail) -> &str {
    link(mail).split("&callbackURL=").next().unwrap()
}

/// A token as the server signs them (CONTRACT §6).
pub(crate) fn jwt(claims: &Value) -> String {
    jwt_by(SECRET, claims)
}

/// A token by whoever knows this secret.
pub(crate) fn jwt_by(secret: &str, claims: &Value) -> String {
    let header = Header { typ: None, ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// Header and claims of a token, as texts.
pub(crate) fn jwt_parts(token: &str) -> [String; 2] {
    let mut parts =
        token.split('.').map(|part| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default()));
    [parts.next().unwrap().unwrap(), parts.next().unwrap().unwrap()]
}
