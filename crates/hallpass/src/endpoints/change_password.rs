use hallpass_store::{Filter, Row, SessionToken, User};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::credential::{self, Password};
use crate::{
    ApiError, Context, Endpoint, ErrorCode, Input, Requirement, Route,
    session::{
        SessionAndUser,
        cookies::{self, Remember},
        issue::issue,
        revoke,
    },
    wire::Reader,
};

/// `POST /change-password` (CONTRACT §11.6).
pub(crate) struct ChangePasswordEndpoint;

/// The old and the new password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangePassword {
    /// What it is to be.
    pub new_password: Password,
    /// What it is.
    pub current_password: Password,
    /// Ends all sessions of the user and begins a new one for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke_other_sessions: Option<bool>,
}

impl Input for ChangePassword {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().object();
        let (new_password, current_password) = (body.string("newPassword"), body.string("currentPassword"));
        let revoke_other_sessions = body.optional_boolean("revokeOtherSessions");
        Some(Self {
            new_password: new_password?.into(),
            current_password: current_password?.into(),
            revoke_other_sessions: revoke_other_sessions?,
        })
    }
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct PasswordChanged {
    /// The new session's unsigned token, when one was begun.
    pub token: Option<SessionToken>,
    /// The user.
    pub user: User,
}

impl Endpoint for ChangePasswordEndpoint {
    type Input = ChangePassword;
    type Output = PasswordChanged;

    fn route(&self) -> Route {
        Route::post("/change-password").summary("Changes the caller's password").requires(Requirement::Sensitive)
    }

    async fn handle(&self, cx: &mut Context, input: ChangePassword) -> Result<PasswordChanged, ApiError> {
        let (_, user) = cx.required_session()?.into_parts();
        input.new_password.check_min(cx)?;
        input.new_password.check_max(cx)?;
        input.current_password.check_max(cx)?;
        let account = credential::find(cx, &user.id).await?.and_then(credential::with_password);
        let (account, stored) = account.ok_or(ErrorCode::CredentialAccountNotFound)?;
        if !cx.engine.verify_password(input.current_password.into_inner(), stored.clone()).await? {
            return Err(ErrorCode::InvalidPassword.into());
        }
        let hash = cx.engine.hash_password(input.new_password.into_inner()).await?;
        let set = Row::new().with("password", hash).with("updatedAt", cx.now());
        let revokes = input.revoke_other_sessions == Some(true);

        let mut tx = cx.transaction();
        if revokes {
            revoke::all_of(&mut tx, &user.id).await?;
        }
        // Of two changes at once the second finds that the current password is no longer what it checked.
        let unchanged = Filter::eq("id", account.id).and(Filter::eq("password", stored));
        tx.update_guarded("account", unchanged, set).await?;
        let session = if revokes {
            Some(issue(&mut tx, &user.id, true).await?.ok_or_else(|| {
                ApiError::from(ErrorCode::FailedToGetSession).with_status(StatusCode::INTERNAL_SERVER_ERROR)
            })?)
        } else {
            None
        };
        tx.commit_unless(ErrorCode::InvalidPassword).await?;
        let token = session.as_ref().map(|session| session.token.clone());
        if let Some(session) = session {
            let session = cx.settled(session)?;
            cookies::set(cx, SessionAndUser::new(session, user.clone()), Remember::AsBefore);
        }
        Ok(PasswordChanged { token, user })
    }
}
