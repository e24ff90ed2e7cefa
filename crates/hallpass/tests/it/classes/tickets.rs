//! What opens something to whoever brings it.

use hallpass::mail::MailKind;
use serde_json::json;

use crate::support::{Caller, START, Stage, jwt};

/// The kinds of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ticket {
    ResetPassword,
    DeleteAccount,
    ProveEmail,
    ConfirmChange,
    VerifyChange,
    Session,
    SignedSession,
}

impl Ticket {
    pub(super) const ALL: [Self; 7] = [
        Self::ResetPassword,
        Self::DeleteAccount,
        Self::ProveEmail,
        Self::ConfirmChange,
        Self::VerifyChange,
        Self::Session,
        Self::SignedSession,
    ];

    /// Whether it opens its door once only.
    pub(super) fn is_single_use(self) -> bool {
        matches!(self, Self::ResetPassword | Self::DeleteAccount | Self::VerifyChange)
    }

    /// Gets one for a caller, the way they would.
    pub(super) async fn of(self, stage: &Stage, caller: &Caller) -> String {
        match self {
            Self::ResetPassword => {
                stage.post("/request-password-reset").json(json!({"email": caller.email})).await;
                stage.the_mail(MailKind::RESET_PASSWORD).await.token
            }
            Self::DeleteAccount => {
                stage.post("/delete-user").by(caller).json(json!({})).await;
                stage.the_mail(MailKind::DELETE_ACCOUNT).await.token
            }
            Self::ProveEmail => {
                stage.post("/send-verification-email").by(caller).json(json!({"email": caller.email})).await;
                stage.the_mail(MailKind::VERIFY_EMAIL).await.token
            }
            Self::ConfirmChange => signed(caller, "change-email-confirmation"),
            Self::VerifyChange => signed(caller, "change-email-verification"),
            Self::Session => caller.token.clone(),
            Self::SignedSession => caller.signed(),
        }
    }

    /// Whether it still opens its own door. Uses it up.
    pub(super) async fn still_works(self, stage: &Stage, caller: &Caller, ticket: &str) -> bool {
        let answer = match self {
            Self::ResetPassword => {
                stage.post("/reset-password").json(json!({"newPassword": "another password", "token": ticket})).await
            }
            Self::DeleteAccount => stage.post("/delete-user").by(caller).json(json!({"token": ticket})).await,
            Self::ProveEmail | Self::ConfirmChange | Self::VerifyChange => {
                stage.get(&format!("/verify-email?token={ticket}")).await
            }
            Self::Session | Self::SignedSession => stage.get("/list-sessions").bearer(ticket).await,
        };
        answer.status == 200
    }
}

fn signed(caller: &Caller, step: &str) -> String {
    let (iat, exp) = (START / 1000, START / 1000 + 3600);
    let new_email = format!("new-{}", caller.email);
    jwt(
        &json!({"email": caller.email, "updateTo": new_email, "requestType": step, "userId": caller.id, "iat": iat, "exp": exp}),
    )
}
