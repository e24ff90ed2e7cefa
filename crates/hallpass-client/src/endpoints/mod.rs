//! The inputs of the core endpoints. They are made by methods of [`AuthClient`](crate::AuthClient), and changed by methods of the
//! [`Call`](crate::Call) that those return.

mod account;
mod custom;
mod email;
mod password;
mod session;
mod sign_in;
mod sign_up;
mod social;
mod user;

pub use account::{AccountInfoOf, GetAccessToken, ListAccounts, RefreshToken, UnlinkAccount};
pub use custom::Custom;
pub use email::{ChangeEmail, SendVerificationEmail, VerifyEmail};
pub use password::{ChangePassword, RequestPasswordReset, ResetPassword, ResetPasswordCallback, VerifyPassword};
pub use session::{
    ExtendSession, GetSession, ListSessions, Ok, RevokeOtherSessions, RevokeSession, RevokeSessions, SignOut,
    UpdateSession,
};
pub use sign_in::{SignIn, SignInEmail};
pub use sign_up::{SignUp, SignUpEmail};
pub use social::{LinkSocial, SignInSocial};
pub use user::{DeleteUser, DeleteUserCallback, UpdateUser};
