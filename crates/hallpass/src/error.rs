//! How a request fails: what the client is told, and what the operator is told.
//!
//! The wire's vocabulary is one table, [`ErrorCode`] (CONTRACT §12). An [`ApiError`] is an answer: a status, a body of one of
//! the wire's few shapes, and headers. What went wrong underneath travels beside it for the log alone.

use std::{borrow::Cow, error::Error, fmt};

use bytes::Bytes;
use hallpass_store::StoreError;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{crypto::pool::Overloaded, outgoing::Outgoing, wire::header_value};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:ident, $message:literal;)*) => {
        /// The error codes of the wire, each with its text and the status it usually comes with (CONTRACT §12).
        ///
        /// ```
        /// use hallpass::ErrorCode;
        /// assert_eq!(ErrorCode::SessionNotFresh.code(), "SESSION_NOT_FRESH");
        /// assert_eq!(ErrorCode::SessionNotFresh.status().as_u16(), 403);
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $(#[doc = $message] $(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The `code` of the answer's body.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The `message` of the answer's body.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }

            /// The status it usually comes with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    Unauthorized = "UNAUTHORIZED", UNAUTHORIZED, "Unauthorized";
    MethodNotAllowedDeferSessionRequired = "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED", METHOD_NOT_ALLOWED,
        "POST method requires deferSessionRefresh to be enabled in session config";
    InvalidEmail = "INVALID_EMAIL", BAD_REQUEST, "Invalid email";
    InvalidEmailOrPassword = "INVALID_EMAIL_OR_PASSWORD", UNAUTHORIZED, "Invalid email or password";
    InvalidPassword = "INVALID_PASSWORD", BAD_REQUEST, "Invalid password";
    PasswordTooShort = "PASSWORD_TOO_SHORT", BAD_REQUEST, "Password too short";
    PasswordTooLong = "PASSWORD_TOO_LONG", BAD_REQUEST, "Password too long";
    EmailPasswordDisabled = "EMAIL_PASSWORD_DISABLED", BAD_REQUEST, "Email and password is not enabled";
    EmailPasswordSignUpDisabled = "EMAIL_PASSWORD_SIGN_UP_DISABLED", BAD_REQUEST,
        "Email and password sign up is not enabled";
    EmailNotVerified = "EMAIL_NOT_VERIFIED", FORBIDDEN, "Email not verified";
    UserAlreadyExistsUseAnotherEmail = "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", UNPROCESSABLE_ENTITY,
        "User already exists. Use another email.";
    FailedToCreateUser = "FAILED_TO_CREATE_USER", UNPROCESSABLE_ENTITY, "Failed to create user";
    FailedToCreateSession = "FAILED_TO_CREATE_SESSION", BAD_REQUEST, "Failed to create session";
    FailedToGetSession = "FAILED_TO_GET_SESSION", UNAUTHORIZED, "Failed to get session";
    CredentialAccountNotFound = "CREDENTIAL_ACCOUNT_NOT_FOUND", BAD_REQUEST, "Credential account not found";
    SessionNotFresh = "SESSION_NOT_FRESH", FORBIDDEN, "Session is not fresh";
    EmailCanNotBeUpdated = "EMAIL_CAN_NOT_BE_UPDATED", BAD_REQUEST, "Email can not be updated";
    InvalidOrigin = "INVALID_ORIGIN", FORBIDDEN, "Invalid origin";
    MissingOrNullOrigin = "MISSING_OR_NULL_ORIGIN", FORBIDDEN, "Missing or null Origin";
    InvalidCallbackUrl = "INVALID_CALLBACK_URL", FORBIDDEN, "Invalid callbackURL";
    InvalidRedirectUrl = "INVALID_REDIRECT_URL", FORBIDDEN, "Invalid redirectURL";
    InvalidErrorCallbackUrl = "INVALID_ERROR_CALLBACK_URL", FORBIDDEN, "Invalid errorCallbackURL";
    InvalidNewUserCallbackUrl = "INVALID_NEW_USER_CALLBACK_URL", FORBIDDEN, "Invalid newUserCallbackURL";
    CrossSiteNavigationLoginBlocked = "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED", FORBIDDEN,
        "Cross-site navigation login blocked. This request appears to be a CSRF attack.";
    EmailAlreadyVerified = "EMAIL_ALREADY_VERIFIED", BAD_REQUEST, "Email is already verified";
    EmailMismatch = "EMAIL_MISMATCH", BAD_REQUEST, "Email mismatch";
    VerificationEmailNotEnabled = "VERIFICATION_EMAIL_NOT_ENABLED", BAD_REQUEST, "Verification email isn't enabled";
    ResetPasswordDisabled = "RESET_PASSWORD_DISABLED", BAD_REQUEST, "Reset password isn't enabled";
    ChangeEmailDisabled = "CHANGE_EMAIL_DISABLED", BAD_REQUEST, "Change email is disabled";
    InvalidToken = "INVALID_TOKEN", BAD_REQUEST, "Invalid token";
    TokenExpired = "TOKEN_EXPIRED", UNAUTHORIZED, "Token expired";
    InvalidUser = "INVALID_USER", UNAUTHORIZED, "Invalid user";
    UserNotFound = "USER_NOT_FOUND", BAD_REQUEST, "User not found";
    SessionExpired = "SESSION_EXPIRED", BAD_REQUEST, "Session expired. Re-authenticate to perform this action.";
    FailedToGetUserInfo = "FAILED_TO_GET_USER_INFO", UNAUTHORIZED, "Failed to get user info";
    NotFound = "NOT_FOUND", NOT_FOUND, "Not found";
    PasswordAlreadySet = "PASSWORD_ALREADY_SET", BAD_REQUEST, "User already has a password set";
    InternalServerError = "INTERNAL_SERVER_ERROR", INTERNAL_SERVER_ERROR, "Internal Server Error";
    /// Not in the npm package: the store is away, or too much is waiting; the request may be sent again.
    ServiceUnavailable = "SERVICE_UNAVAILABLE", SERVICE_UNAVAILABLE,
        "The service is temporarily unavailable. Please try again.";
    /// Not in the npm package: the body did not arrive in time.
    RequestTimeout = "REQUEST_TIMEOUT", REQUEST_TIMEOUT, "Request body did not arrive";
    /// Not in the npm package, which reads bodies of any size.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", PAYLOAD_TOO_LARGE, "Request body is too large";
}

/// An answer that is not the endpoint's own: an error, or a redirect.
///
/// ```
/// use hallpass::{ApiError, ErrorCode};
/// let error = ApiError::from(ErrorCode::InvalidEmail);
/// assert_eq!((error.status().as_u16(), error.code()), (400, Some("INVALID_EMAIL")));
/// ```
pub struct ApiError(Box<Inner>);

struct Inner {
    status: StatusCode,
    body: Body,
    headers: Outgoing,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Clone)]
enum Body {
    /// `{"message","code"}`
    Coded { code: Cow<'static, str>, message: Cow<'static, str> },
    /// `{"message"}`
    Message(Cow<'static, str>),
    /// No bytes, but `content-type: application/json`.
    Empty,
    /// No bytes and no content type: an unexpected failure, on which after-hooks do not run.
    Unexpected,
    /// An answer that is sent as it is; after-hooks do not run.
    Whole(http::Response<Bytes>),
}

/// The JSON of an error.
#[derive(Serialize)]
struct Described<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

impl ApiError {
    /// An error with a code and a text of one's own.
    pub fn coded(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::with(status, Body::Coded { code: code.into(), message: message.into() })
    }

    /// An error with a text and no code.
    pub fn message(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::with(status, Body::Message(message.into()))
    }

    /// An error with an empty body.
    pub fn empty(status: StatusCode) -> Self {
        Self::with(status, Body::Empty)
    }

    /// Sends the client to `location` with a 302. Whether it may go there must have been checked. A location that fits no header, for it
    /// holds a line end or letters past Latin-1, is an unexpected failure.
    pub fn redirect(location: &str) -> Self {
        let Some(location) = header_value(location) else {
            return Self::unexpected("a redirect target fits no header");
        };
        let mut error = Self::empty(StatusCode::FOUND);
        error.0.headers.set_header(header::LOCATION, location);
        error
    }

    /// Sends this answer as it is. After-hooks do not see it.
    pub fn respond(response: http::Response<Bytes>) -> Self {
        Self::with(response.status(), Body::Whole(response))
    }

    /// Something went wrong that the client can do nothing about: 500 without a word.
    pub fn unexpected(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::with(StatusCode::INTERNAL_SERVER_ERROR, Body::Unexpected).because(cause)
    }

    /// 503 with `retry-after`: the request may be sent again.
    pub fn unavailable(code: ErrorCode, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut error = Self::coded(StatusCode::SERVICE_UNAVAILABLE, code.code(), code.message()).because(cause);
        error.0.headers.set_header(header::RETRY_AFTER, HeaderValue::from_static("1"));
        error
    }

    /// Notes what went wrong underneath, for the log.
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Uses another status than the code's usual one.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code in the answer's body, if it has one.
    pub fn code(&self) -> Option<&str> {
        match &self.0.body {
            Body::Coded { code, .. } => Some(code),
            _ => None,
        }
    }

    /// What went wrong underneath.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.0.cause.as_deref()
    }

    /// The headers that come with the answer, such as cookies that end a session.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        self.0.headers.clone().write_to(&mut headers);
        headers
    }

    /// Puts the headers gathered on the way before the error's own.
    pub(crate) fn with_headers(mut self, gathered: Outgoing) -> Self {
        let own = std::mem::replace(&mut self.0.headers, gathered);
        self.0.headers.merge(own);
        self
    }

    /// Whether after-hooks get to see this answer: they do not see what nobody expected, nor finished answers.
    pub(crate) fn concerns_hooks(&self) -> bool {
        !matches!(self.0.body, Body::Unexpected | Body::Whole(_))
    }

    /// Takes out the headers that come with the error itself.
    pub(crate) fn take_headers(&mut self) -> Outgoing {
        std::mem::take(&mut self.0.headers)
    }

    /// The answer, without the headers.
    pub(crate) fn into_response(self) -> http::Response<Bytes> {
        let json = |described: Described<'_>| Bytes::from(serde_json::to_vec(&described).unwrap_or_default());
        let (body, typed) = match self.0.body {
            Body::Whole(response) => return response,
            Body::Coded { code, message } => (json(Described { message: &message, code: Some(&code) }), true),
            Body::Message(message) => (json(Described { message: &message, code: None }), true),
            Body::Empty => (Bytes::new(), true),
            Body::Unexpected => (Bytes::new(), false),
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = self.0.status;
        if typed {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        response
    }

    fn with(status: StatusCode, body: Body) -> Self {
        Self(Box::new(Inner { status, body, headers: Outgoing::default(), cause: None }))
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::coded(code.status(), code.code(), code.message())
    }
}

impl From<StoreError> for ApiError {
    /// A store that is away is 503; data that makes no sense is nobody's request's fault and nobody's business: 500.
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            Self::unavailable(ErrorCode::ServiceUnavailable, error)
        } else {
            Self::unexpected(error)
        }
    }
}

impl From<Overloaded> for ApiError {
    fn from(error: Overloaded) -> Self {
        Self::unavailable(ErrorCode::ServiceUnavailable, error)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.0.status)
            .field("code", &self.code())
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.body {
            Body::Coded { message, .. } | Body::Message(message) => f.write_str(message),
            _ => write!(f, "{}", self.0.status),
        }
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause.as_ref() as _)
    }
}

/// Why a [`Hallpass`](crate::Hallpass) could not be built. The text says what to change.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub(crate) String);

impl BuildError {
    /// Refuses to build, with a sentence that says what to change; for plugins.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}
