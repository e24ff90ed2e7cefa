//! The endpoints, one file a route, named as its path says (CONTRACT §11).
//!
//! To add one: write its file with an [`Endpoint`](crate::Endpoint), and add it to the list below; for calls in process, give it a
//! method in `api`.

mod account_info;
mod account_tokens;
mod change_email;
mod change_password;
mod credential;
mod delete_user;
mod delete_user_callback;
mod error_page;
mod get_access_token;
mod get_session;
mod link_social;
mod list_accounts;
mod list_sessions;
mod oauth_callback;
mod ok;
mod pace;
mod provider_request;
mod refresh_token;
mod request_password_reset;
mod reset_password;
mod reset_password_callback;
mod revoke_other_sessions;
mod revoke_session;
mod revoke_sessions;
mod send_verification_email;
mod set_password;
mod sign_in_email;
mod sign_in_social;
mod sign_out;
mod sign_up_email;
mod unlink_account;
mod update_session;
mod update_user;
mod verify_email;
mod verify_password;

use schemars::JsonSchema;
use serde::Serialize;

pub use account_info::{AccountInfo, AccountInfoOf, AccountNames};
pub use account_tokens::{AccessToken, AccountSelection};
pub use change_email::ChangeEmail;
pub use change_password::{ChangePassword, PasswordChanged};
pub use credential::Password;
pub use delete_user::{DeleteUser, UserDeleted};
pub use delete_user_callback::DeleteUserCallback;
pub use error_page::ErrorPage;
pub use get_session::{CurrentSession, GetSession};
pub use link_social::{LinkSocial, SocialLink};
pub use list_accounts::LinkedAccount;
pub use oauth_callback::OAuthCallback;
pub use ok::Alive;
pub use provider_request::IdToken;
pub use refresh_token::RefreshedTokens;
pub use request_password_reset::{PasswordResetRequested, RequestPasswordReset};
pub use reset_password::ResetPassword;
pub use reset_password_callback::ResetPasswordCallback;
pub use revoke_session::RevokeSession;
pub use send_verification_email::SendVerificationEmail;
pub use set_password::SetPassword;
pub use sign_in_email::{SignInEmail, SignedIn};
pub use sign_in_social::{SignInSocial, SocialSignIn};
pub use sign_out::{SignOut, SignedOut};
pub use sign_up_email::{SignUpEmail, SignedUp};
pub use unlink_account::UnlinkAccount;
pub use update_session::{SessionUpdated, UpdateSession};
pub use update_user::UpdateUser;
pub use verify_email::{EmailVerified, VerifyEmail};
pub use verify_password::VerifyPassword;

pub(crate) use account_info::AccountInfoEndpoint;
pub(crate) use change_email::ChangeEmailEndpoint;
pub(crate) use change_password::ChangePasswordEndpoint;
pub(crate) use delete_user::DeleteUserEndpoint;
pub(crate) use delete_user_callback::DeleteUserCallbackEndpoint;
pub(crate) use error_page::ErrorEndpoint;
pub(crate) use get_access_token::GetAccessTokenEndpoint;
pub(crate) use get_session::GetSessionEndpoint;
pub(crate) use link_social::LinkSocialEndpoint;
pub(crate) use list_accounts::ListAccountsEndpoint;
pub(crate) use list_sessions::ListSessionsEndpoint;
pub(crate) use oauth_callback::OAuthCallbackEndpoint;
pub(crate) use ok::OkEndpoint;
pub(crate) use refresh_token::RefreshTokenEndpoint;
pub(crate) use request_password_reset::RequestPasswordResetEndpoint;
pub(crate) use reset_password::ResetPasswordEndpoint;
pub(crate) use reset_password_callback::ResetPasswordCallbackEndpoint;
pub(crate) use revoke_other_sessions::RevokeOtherSessionsEndpoint;
pub(crate) use revoke_session::RevokeSessionEndpoint;
pub(crate) use revoke_sessions::RevokeSessionsEndpoint;
pub(crate) use send_verification_email::SendVerificationEmailEndpoint;
pub(crate) use set_password::SetPasswordEndpoint;
pub(crate) use sign_in_email::SignInEmailEndpoint;
pub(crate) use sign_in_social::SignInSocialEndpoint;
pub(crate) use sign_out::SignOutEndpoint;
pub(crate) use sign_up_email::SignUpEmailEndpoint;
pub(crate) use unlink_account::UnlinkAccountEndpoint;
pub(crate) use update_session::UpdateSessionEndpoint;
pub(crate) use update_user::UpdateUserEndpoint;
pub(crate) use verify_email::VerifyEmailEndpoint;
pub(crate) use verify_password::VerifyPasswordEndpoint;

use crate::plugin::Registrar;

/// Mounts what is reachable over HTTP. `set_password` is not: it is for servers that know what they do.
pub(crate) fn mount(registrar: &mut Registrar) {
    registrar.endpoint(OkEndpoint);
    registrar.endpoint(ErrorEndpoint);
    registrar.endpoint(SignUpEmailEndpoint);
    registrar.endpoint(SignInEmailEndpoint);
    registrar.endpoint(SignOutEndpoint);
    registrar.endpoint(GetSessionEndpoint);
    registrar.endpoint(ListSessionsEndpoint);
    registrar.endpoint(RevokeSessionEndpoint);
    registrar.endpoint(RevokeSessionsEndpoint);
    registrar.endpoint(RevokeOtherSessionsEndpoint);
    registrar.endpoint(UpdateSessionEndpoint);
    registrar.endpoint(UpdateUserEndpoint);
    registrar.endpoint(ChangePasswordEndpoint);
    registrar.endpoint(VerifyPasswordEndpoint);
    registrar.endpoint(ChangeEmailEndpoint);
    registrar.endpoint(DeleteUserEndpoint);
    registrar.endpoint(DeleteUserCallbackEndpoint);
    registrar.endpoint(SendVerificationEmailEndpoint);
    registrar.endpoint(VerifyEmailEndpoint);
    registrar.endpoint(RequestPasswordResetEndpoint);
    registrar.endpoint(ResetPasswordCallbackEndpoint);
    registrar.endpoint(ResetPasswordEndpoint);
    registrar.endpoint(ListAccountsEndpoint);
    registrar.endpoint(SignInSocialEndpoint);
    registrar.endpoint(OAuthCallbackEndpoint);
    registrar.endpoint(LinkSocialEndpoint);
    registrar.endpoint(UnlinkAccountEndpoint);
    registrar.endpoint(GetAccessTokenEndpoint);
    registrar.endpoint(RefreshTokenEndpoint);
    registrar.endpoint(AccountInfoEndpoint);
}

/// `{"status":true}`: what was asked for is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Status {
    /// Always true.
    pub status: bool,
}

impl Status {
    pub(crate) const DONE: Self = Self { status: true };
}
