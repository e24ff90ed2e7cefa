//! The endpoints, called in process.
//!
//! A call enters the same hallway as an HTTP request, at the before-hooks: the same plugins, checks and database hooks. What the front
//! door does, such as limiting rates and checking origins, it does not do: no browser stands behind such a call.

use std::{
    ops::{Deref, DerefMut},
    sync::OnceLock,
};

use hallpass_store::{Session, SessionToken};
use http::{HeaderMap, Method};

use crate::{
    auth::Hallpass,
    context::{Context, Returned},
    endpoint::{AnyEndpoint, Endpoint, Mounted, NoInput},
    endpoints::{
        self, AccessToken, AccountInfo, AccountInfoOf, AccountSelection, Alive, ChangeEmail, ChangePassword,
        CurrentSession, DeleteUser, DeleteUserCallback, EmailVerified, ErrorPage, GetSession, LinkSocial,
        LinkedAccount, OAuthCallback, PasswordChanged, PasswordResetRequested, RefreshedTokens, RequestPasswordReset,
        ResetPassword, ResetPasswordCallback, RevokeSession, SendVerificationEmail, SessionUpdated, SetPassword,
        SignInEmail, SignInSocial, SignOut, SignUpEmail, SignedIn, SignedOut, SignedUp, SocialLink, SocialSignIn,
        Status, UnlinkAccount, UpdateSession, UpdateUser, UserDeleted, VerifyEmail, VerifyPassword,
    },
    error::ApiError,
    pipeline,
    request::{Body, Door, Request},
    wire::Query,
};

/// The endpoints of a [`Hallpass`], as methods. Each takes the caller's headers, of which the `authorization` and `cookie` ones say
/// who that is.
///
/// | | Methods |
/// |---|---|
/// | Signing up, in and out | [`sign_up_email`](Self::sign_up_email), [`sign_in_email`](Self::sign_in_email), [`sign_in_social`](Self::sign_in_social), [`oauth_callback`](Self::oauth_callback), [`sign_out`](Self::sign_out) |
/// | Sessions | [`get_session`](Self::get_session), [`list_sessions`](Self::list_sessions), [`revoke_session`](Self::revoke_session), [`revoke_sessions`](Self::revoke_sessions), [`revoke_other_sessions`](Self::revoke_other_sessions), [`update_session`](Self::update_session) |
/// | The user | [`update_user`](Self::update_user), [`change_email`](Self::change_email), [`delete_user`](Self::delete_user), [`delete_user_callback`](Self::delete_user_callback) |
/// | Passwords | [`change_password`](Self::change_password), [`set_password`](Self::set_password), [`verify_password`](Self::verify_password), [`request_password_reset`](Self::request_password_reset), [`reset_password_callback`](Self::reset_password_callback), [`reset_password`](Self::reset_password) |
/// | Proving addresses | [`send_verification_email`](Self::send_verification_email), [`verify_email`](Self::verify_email) |
/// | Accounts at providers | [`list_accounts`](Self::list_accounts), [`link_social`](Self::link_social), [`unlink_account`](Self::unlink_account), [`get_access_token`](Self::get_access_token), [`refresh_token`](Self::refresh_token), [`account_info`](Self::account_info) |
/// | The rest | [`ok`](Self::ok), [`error`](Self::error), and [`call`](Self::call) for endpoints of plugins |
///
/// What an endpoint answers with a redirect over HTTP is an [`ApiError`] here, with the `location` among its headers.
///
/// ```
/// # use hallpass::{Bearer, EmailAndPassword, Hallpass, endpoints::SignUpEmail, store::MemoryStore};
/// # use http::{HeaderMap, HeaderValue};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// # let auth = Hallpass::builder().secret("a secret of at least thirty-two characters").store(MemoryStore::new())
/// #     .email_and_password(EmailAndPassword::default()).plugin(Bearer::new()).build().unwrap();
/// let ann = SignUpEmail::new("Ann", "ann@example.com".parse().unwrap(), "correct horse");
/// let signed_up = auth.api().sign_up_email(ann, &HeaderMap::new()).await.unwrap();
///
/// // The answer's headers hold what an HTTP client would have got.
/// let token = signed_up.headers["set-auth-token"].to_str().unwrap();
/// let mut headers = HeaderMap::new();
/// headers.insert("authorization", HeaderValue::try_from(format!("Bearer {token}")).unwrap());
/// let found = auth.api().get_session(&headers).await.unwrap();
/// assert_eq!(found.as_ref().unwrap().user.email, "ann@example.com");
/// # });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Api<'a> {
    auth: &'a Hallpass,
}

/// What an endpoint answered, and the headers an HTTP client would have got with it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer<T> {
    /// What it answered.
    pub value: T,
    /// The headers: `set-cookie`, `set-auth-token` and others. Pass them on where a client is to keep its session.
    pub headers: HeaderMap,
}

impl<T> Deref for Answer<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Answer<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

type Answered<T> = Result<Answer<T>, ApiError>;

impl<'a> Api<'a> {
    pub(crate) fn new(auth: &'a Hallpass) -> Self {
        Self { auth }
    }

    /// Signs somebody up with address and password.
    pub async fn sign_up_email(&self, input: SignUpEmail, headers: &HeaderMap) -> Answered<SignedUp> {
        self.call(endpoints::SignUpEmailEndpoint, input, headers).await
    }

    /// Signs somebody in with address and password.
    pub async fn sign_in_email(&self, input: SignInEmail, headers: &HeaderMap) -> Answered<SignedIn> {
        self.call(endpoints::SignInEmailEndpoint, input, headers).await
    }

    /// Ends the caller's session.
    pub async fn sign_out(&self, input: SignOut, headers: &HeaderMap) -> Answered<SignedOut> {
        self.call(endpoints::SignOutEndpoint, input, headers).await
    }

    /// The caller's session, if there is one.
    pub async fn get_session(&self, headers: &HeaderMap) -> Answered<Option<CurrentSession>> {
        self.get_session_with(GetSession::default(), headers).await
    }

    /// The caller's session, looked up in a particular way.
    pub async fn get_session_with(&self, input: GetSession, headers: &HeaderMap) -> Answered<Option<CurrentSession>> {
        self.call(endpoints::GetSessionEndpoint, input, headers).await
    }

    /// The caller's live sessions.
    pub async fn list_sessions(&self, headers: &HeaderMap) -> Answered<Vec<Session>> {
        self.call(endpoints::ListSessionsEndpoint, NoInput, headers).await
    }

    /// Ends one of the caller's sessions.
    pub async fn revoke_session(&self, token: SessionToken, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::RevokeSessionEndpoint, RevokeSession { token }, headers).await
    }

    /// Ends all of the caller's sessions.
    pub async fn revoke_sessions(&self, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::RevokeSessionsEndpoint, NoInput, headers).await
    }

    /// Ends the caller's other sessions.
    pub async fn revoke_other_sessions(&self, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::RevokeOtherSessionsEndpoint, NoInput, headers).await
    }

    /// Sets additional fields of the caller's session.
    pub async fn update_session(&self, input: UpdateSession, headers: &HeaderMap) -> Answered<SessionUpdated> {
        self.call(endpoints::UpdateSessionEndpoint, input, headers).await
    }

    /// Sets fields of the caller.
    pub async fn update_user(&self, input: UpdateUser, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::UpdateUserEndpoint, input, headers).await
    }

    /// Changes the caller's password.
    pub async fn change_password(&self, input: ChangePassword, headers: &HeaderMap) -> Answered<PasswordChanged> {
        self.call(endpoints::ChangePasswordEndpoint, input, headers).await
    }

    /// Gives the caller a password if they have none. Not reachable over HTTP.
    pub async fn set_password(&self, input: SetPassword, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::SetPasswordEndpoint, input, headers).await
    }

    /// Whether a password is the caller's.
    pub async fn verify_password(&self, input: VerifyPassword, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::VerifyPasswordEndpoint, input, headers).await
    }

    /// Changes the caller's address, or sends the mail that has to be answered first.
    pub async fn change_email(&self, input: ChangeEmail, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::ChangeEmailEndpoint, input, headers).await
    }

    /// Deletes the caller, or sends the mail that has to be answered first.
    pub async fn delete_user(&self, input: DeleteUser, headers: &HeaderMap) -> Answered<UserDeleted> {
        self.call(endpoints::DeleteUserEndpoint, input, headers).await
    }

    /// Deletes the caller by the token of a mail. With a `callback_url` the answer is a redirect, which is an [`ApiError`].
    pub async fn delete_user_callback(&self, input: DeleteUserCallback, headers: &HeaderMap) -> Answered<UserDeleted> {
        self.call(endpoints::DeleteUserCallbackEndpoint, input, headers).await
    }

    /// Sends a mail whose link proves an address.
    pub async fn send_verification_email(&self, input: SendVerificationEmail, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::SendVerificationEmailEndpoint, input, headers).await
    }

    /// Does what a link in a mail says: proves an address, or changes it. With a `callback_url` the answer is a redirect, which is
    /// an [`ApiError`].
    pub async fn verify_email(&self, input: VerifyEmail, headers: &HeaderMap) -> Answered<EmailVerified> {
        self.call(endpoints::VerifyEmailEndpoint, input, headers).await
    }

    /// Sends a mail whose link lets somebody choose a new password.
    pub async fn request_password_reset(
        &self,
        input: RequestPasswordReset,
        headers: &HeaderMap,
    ) -> Answered<PasswordResetRequested> {
        self.call(endpoints::RequestPasswordResetEndpoint, input, headers).await
    }

    /// Checks the token of such a link. The answer is always a redirect, which is an [`ApiError`].
    pub async fn reset_password_callback(&self, input: ResetPasswordCallback, headers: &HeaderMap) -> Answered<()> {
        self.call(endpoints::ResetPasswordCallbackEndpoint, input, headers).await
    }

    /// Uses such a token up and sets the password.
    pub async fn reset_password(&self, input: ResetPassword, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::ResetPasswordEndpoint, input, headers).await
    }

    /// The ways in which the caller can sign in.
    pub async fn list_accounts(&self, headers: &HeaderMap) -> Answered<Vec<LinkedAccount>> {
        self.call(endpoints::ListAccountsEndpoint, NoInput, headers).await
    }

    /// Where somebody is to go to sign in at a provider, or, with an ID token, signs them in.
    pub async fn sign_in_social(&self, input: SignInSocial, headers: &HeaderMap) -> Answered<SocialSignIn> {
        self.call(endpoints::SignInSocialEndpoint, input, headers).await
    }

    /// Where the caller is to go to link an account at a provider, or, with an ID token, links it.
    pub async fn link_social(&self, input: LinkSocial, headers: &HeaderMap) -> Answered<SocialLink> {
        self.call(endpoints::LinkSocialEndpoint, input, headers).await
    }

    /// Takes one of the caller's accounts away.
    pub async fn unlink_account(&self, input: UnlinkAccount, headers: &HeaderMap) -> Answered<Status> {
        self.call(endpoints::UnlinkAccountEndpoint, input, headers).await
    }

    /// An access token of one of the caller's accounts, refreshed if need be. Without any headers the selection says whose.
    pub async fn get_access_token(&self, input: AccountSelection, headers: &HeaderMap) -> Answered<AccessToken> {
        self.call(endpoints::GetAccessTokenEndpoint, input, headers).await
    }

    /// Gets new tokens for one of the caller's accounts. Without any headers the selection says whose.
    pub async fn refresh_token(&self, input: AccountSelection, headers: &HeaderMap) -> Answered<RefreshedTokens> {
        self.call(endpoints::RefreshTokenEndpoint, input, headers).await
    }

    /// What the provider of one of the caller's accounts says of them. Without any headers the selection says whose.
    pub async fn account_info(&self, input: AccountSelection, headers: &HeaderMap) -> Answered<AccountInfo> {
        self.call(endpoints::AccountInfoEndpoint, AccountInfoOf(input), headers).await
    }

    /// Takes in somebody whom a provider sent back. The answer is always a redirect, which is an [`ApiError`].
    pub async fn oauth_callback(&self, input: OAuthCallback, headers: &HeaderMap) -> Answered<()> {
        self.call(endpoints::OAuthCallbackEndpoint, input, headers).await
    }

    /// The page at `/error`. It is a finished answer, which is an [`ApiError`].
    pub async fn error(&self, input: ErrorPage, headers: &HeaderMap) -> Answered<()> {
        self.call(endpoints::ErrorEndpoint, input, headers).await
    }

    /// Whether endpoints and hooks answer at all.
    pub async fn ok(&self, headers: &HeaderMap) -> Answered<Alive> {
        self.call(endpoints::OkEndpoint, NoInput, headers).await
    }

    /// Calls any endpoint, a plugin's for instance. What it reads of query and path is in its input.
    ///
    /// # Errors
    /// What the endpoint or a hook refused with. Its headers are in [`ApiError::headers`].
    pub async fn call<E: Endpoint>(&self, endpoint: E, input: E::Input, headers: &HeaderMap) -> Answered<E::Output> {
        let endpoint = Mounted::new(endpoint);
        let route = endpoint.route();
        let request = Request {
            door: Door::InProcess,
            method: route.methods().first().cloned().unwrap_or(Method::GET),
            path: route.path(),
            headers: headers.clone(),
            original: None,
            cookies: OnceLock::new(),
            query: Query::default(),
            params: Vec::new(),
            body: Body::Typed(Box::new(input)),
            peer: None,
            trusts_proxy: self.auth.engine.trusted_proxy_headers,
        };
        let mut cx = Context::new(self.auth.engine.clone(), request);
        if let Some(hosts) = &self.auth.engine.hosts {
            cx.site = hosts.resolve(headers, Door::InProcess);
            if cx.site.is_none() {
                return Err(ApiError::unexpected(crate::service::NOT_ALLOWED));
            }
        }
        pipeline::run(&mut cx, &endpoint).await;
        conclude(cx)
    }
}

fn conclude<T: 'static>(cx: Context) -> Answered<T> {
    let mut headers = HeaderMap::new();
    let output = match cx.returned {
        Returned::Error(error) => return Err(error.with_headers(cx.out)),
        Returned::Output(output) => output.into_any().downcast::<T>().ok(),
        Returned::Json(_) | Returned::Nothing => None,
    };
    cx.out.write_to(&mut headers);
    match output {
        Some(value) => Ok(Answer { value: *value, headers }),
        None => {
            Err(ApiError::unexpected("a hook answered in place of the endpoint, in JSON; call it over HTTP instead"))
        }
    }
}
