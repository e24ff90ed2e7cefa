//! What an application wants to be told, or asked, about its users (the callbacks among the npm package's options).

use futures_util::future::BoxFuture;
use hallpass_store::User;

use crate::{context::Context, error::ApiError, plugin::HookFuture};

/// Is told what happens to users. Every method does nothing unless it is written.
///
/// An error from a method that is called before something refuses it; from one that is called after, it becomes the answer although
/// the thing was done. These are the npm package's `beforeEmailVerification`, `afterEmailVerification`, `onPasswordReset`, `beforeDelete`,
/// `afterDelete`, `onExistingUserSignUp` and `customSyntheticUser`.
///
/// ```
/// use hallpass::{ApiError, Callbacks, Context, plugin::HookFuture, store::User};
/// use http::StatusCode;
///
/// /// The owner's account stays.
/// struct KeepTheOwner;
/// impl Callbacks for KeepTheOwner {
///     fn before_delete<'a>(&'a self, _: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
///         Box::pin(async move {
///             if user.email == "owner@example.com" {
///                 return Err(ApiError::coded(StatusCode::CONFLICT, "OWNER", "The owner cannot be deleted"));
///             }
///             Ok(())
///         })
///     }
/// }
/// ```
#[expect(unused_variables, reason = "the defaults do nothing")]
pub trait Callbacks: Send + Sync + 'static {
    /// An address is about to count as verified.
    fn before_email_verification<'a>(&'a self, cx: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// An address counts as verified; also after a verified one was replaced by another.
    fn after_email_verification<'a>(&'a self, cx: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// A user has chosen a new password by a link.
    fn on_password_reset<'a>(&'a self, cx: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// A user is about to delete themselves.
    fn before_delete<'a>(&'a self, cx: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// A user has deleted themselves.
    fn after_delete<'a>(&'a self, cx: &'a Context, user: &'a User) -> HookFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// Somebody signed up with an address that is taken, and was not told so. Runs beside the request; a failure is logged.
    fn on_existing_user_sign_up(&self, user: User) -> BoxFuture<'static, Result<(), ApiError>> {
        Box::pin(async { Ok(()) })
    }
    /// The invented user that somebody who signs up with a taken address is shown. It must look like a real one, fields of plugins
    /// included, or strangers can tell the difference.
    fn synthetic_user(&self, invented: User) -> User {
        invented
    }
}

/// Nobody to tell.
pub(crate) struct Nobody;

impl Callbacks for Nobody {}
