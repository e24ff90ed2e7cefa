use hallpass_store::{Account, Filter, Record, Row, SessionToken, StoreError, User, UserId};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::credential::Password;
use crate::{
    ApiError, Context, EmailAddress, Endpoint, ErrorCode, Input, Route,
    fields::{self, Action},
    mail::MailKind,
    session::{
        SessionAndUser,
        cookies::{self, Remember},
        issue::issue,
    },
    verification::email_token,
    wire::Reader,
};

/// `POST /sign-up/email` (CONTRACT §11.3).
pub(crate) struct SignUpEmailEndpoint;

/// Who signs up.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignUpEmail {
    /// Their name; may be empty.
    pub name: String,
    /// Their address.
    pub email: EmailAddress,
    /// Their password.
    pub password: Password,
    /// Address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Where the verification mail's link leads.
    #[serde(rename = "callbackURL", skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Whether the session outlives the browser; true when not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remember_me: Option<bool>,
    /// Values for configured additional fields; anything else in it is ignored.
    #[serde(flatten)]
    pub additional: Map<String, Value>,
}

impl SignUpEmail {
    /// With nothing but what is required.
    pub fn new(name: impl Into<String>, email: EmailAddress, password: impl Into<Password>) -> Self {
        Self {
            name: name.into(),
            email,
            password: password.into(),
            image: None,
            callback_url: None,
            remember_me: None,
            additional: Map::new(),
        }
    }
}

impl Input for SignUpEmail {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let body = from.body().open_object();
        let (name, email, password) = (body.string("name"), body.email("email"), body.non_empty_string("password"));
        let (image, callback_url) = (body.optional_string("image"), body.optional_string("callbackURL"));
        let remember_me = body.optional_boolean("rememberMe");
        let mut additional = body.entries()?.clone();
        for known in ["name", "email", "password", "image", "callbackURL", "rememberMe"] {
            additional.remove(known);
        }
        Some(Self {
            name: name?,
            email: email?,
            password: password?.into(),
            image: image?,
            callback_url: callback_url?,
            remember_me: remember_me?,
            additional,
        })
    }
}

/// What a sign-up came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SignedUp {
    /// The new session's unsigned token; none when the user is not signed in yet.
    pub token: Option<SessionToken>,
    /// The user.
    pub user: User,
}

impl Endpoint for SignUpEmailEndpoint {
    type Input = SignUpEmail;
    type Output = SignedUp;

    fn route(&self) -> Route {
        Route::post("/sign-up/email")
            .summary("Signs somebody up with address and password")
            .accepts_forms()
            .signs_in_by_form()
    }

    async fn handle(&self, cx: &mut Context, input: SignUpEmail) -> Result<SignedUp, ApiError> {
        let engine = cx.engine.clone();
        let options = &engine.email_and_password;
        if !options.enabled || options.disable_sign_up {
            return Err(ErrorCode::EmailPasswordSignUpDisabled.into());
        }
        input.password.check_min(cx)?;
        input.password.check_max(cx)?;
        let given = fields::read(&engine.user_fields, &input.additional, Action::Create)?;
        let user = draft(cx, &input, given);
        // Strangers must not learn who has an account, unless signing up tells them anyway.
        let hides_taken = options.require_email_verification || !options.auto_sign_in;
        let remembered = input.remember_me != Some(false);

        let taken = cx.find::<User>(Filter::eq("email", input.email.as_str())).await?.into_iter().next();
        if taken.is_some() && !hides_taken {
            return Err(ErrorCode::UserAlreadyExistsUseAnotherEmail.into());
        }
        let hash = engine.hash_password(input.password.into_inner()).await?;
        if let Some(owner) = taken {
            tell_owner(cx, owner);
            return Ok(pretend(cx, user));
        }
        let signs_in = !hides_taken;
        let made = match create(cx, user.clone(), hash, signs_in.then_some(remembered)).await {
            // A database hook that forbids an address must not tell strangers which.
            Err(error) if hides_taken && error.status() == StatusCode::FORBIDDEN => return Ok(pretend(cx, user)),
            made => made?,
        };
        if sends_mail(cx) {
            email_token::send_verification(cx, made.user().clone(), input.callback_url.as_deref())?;
        }
        Ok(match made {
            Made::User(user) => SignedUp { token: None, user: engine.visible_user(user) },
            Made::Session(made) => {
                let (shown, user) = engine.visible(made.clone()).into_parts();
                cookies::set(cx, made, if remembered { Remember::Yes } else { Remember::No });
                SignedUp { token: Some(shown.token), user }
            }
        })
    }
}

/// Whether a new user is asked to prove their address.
fn sends_mail(cx: &Context) -> bool {
    let options = &cx.engine.email_verification;
    let wanted = options.send_on_sign_up.unwrap_or(cx.engine.email_and_password.require_email_verification);
    wanted && cx.engine.outbox.sends(&MailKind::VERIFY_EMAIL)
}

/// What somebody who must not learn that an address is taken is shown.
fn pretend(cx: &Context, mut invented: User) -> SignedUp {
    if let Some(id) = cx.row_id(User::TABLE).as_text() {
        invented.id = UserId::new(id);
    }
    let invented = cx.engine.callbacks.synthetic_user(invented);
    SignedUp { token: None, user: cx.engine.visible_user(invented) }
}

/// The owner of a taken address may want to know that somebody tried to sign up with it.
fn tell_owner(cx: &Context, owner: User) {
    let told = cx.engine.callbacks.on_existing_user_sign_up(owner);
    cx.engine.background.spawn(async move {
        if let Err(error) = told.await {
            let cause: &dyn std::error::Error = &error;
            tracing::error!(error = cause, "a callback about a sign-up with a taken address failed");
        }
    });
}

fn draft(cx: &Context, input: &SignUpEmail, given: Row) -> User {
    let mut user = User::new(UserId::new(cx.draw_id()), &*input.name, input.email.as_str(), cx.now());
    user.image.clone_from(&input.image);
    user.extra = fields::completed(&cx.engine.user_fields, given);
    user
}

enum Made {
    User(User),
    Session(SessionAndUser),
}

impl Made {
    fn user(&self) -> &User {
        match self {
            Self::User(user) => user,
            Self::Session(made) => &made.user,
        }
    }
}

/// User, password and session come into being together, or not at all.
async fn create(cx: &mut Context, user: User, hash: String, sign_in: Option<bool>) -> Result<Made, ApiError> {
    let account = Account::credential(cx.draw_id(), user.id.clone(), hash, cx.now());
    let mut tx = cx.transaction();
    let user = tx
        .create(user)
        .await?
        .ok_or_else(|| ApiError::from(ErrorCode::FailedToCreateUser).with_status(StatusCode::BAD_REQUEST))?;
    tx.create(account).await?;
    let session = match sign_in {
        None => None,
        Some(remembered) => Some(issue(&mut tx, &user.id, remembered).await?.ok_or(ErrorCode::FailedToCreateSession)?),
    };
    tx.commit().await.map_err(not_created)?;
    let user = cx.as_stored(cx.settled(user)?).await;
    Ok(match session {
        None => Made::User(user),
        Some(session) => Made::Session(SessionAndUser::new(cx.settled(session)?, user)),
    })
}

/// What the database refuses, such as an address taken a moment ago, is one answer; a database that is away is another.
fn not_created(error: StoreError) -> ApiError {
    if error.is_unavailable() { error.into() } else { ApiError::from(ErrorCode::FailedToCreateUser).because(error) }
}
