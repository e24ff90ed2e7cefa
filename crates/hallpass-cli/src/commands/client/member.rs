//! A profile at work: what is known of it, and the client that goes with it.

use std::sync::Arc;

use hallpass_client::{
    AuthClient, Error, Token,
    store::{FileTokenStore, TokenStore},
};

use super::{
    Ended,
    profile::{Keep, Profile, Profiles},
    words,
};
use crate::{
    cli::ProfileName,
    commands::{Failure, chain},
};

/// How this program shows up in lists of sessions.
const USER_AGENT: &str = concat!("hallpass/", env!("CARGO_PKG_VERSION"));

pub(super) struct Member {
    pub(super) name: String,
    pub(super) profile: Profile,
    pub(super) client: AuthClient,
}

impl Member {
    /// The profile of this name, if there is one.
    pub(super) fn known(name: &ProfileName) -> Result<Self, Failure> {
        let name = &name.profile;
        match Profiles::load()?.get(name) {
            Some(profile) => Self::new(name, profile.clone()),
            None => Err(Ended::not_signed_in(format!(
                "there is no profile `{name}` yet; run `hallpass login --url https://…{}`",
                option(name)
            ))),
        }
    }

    /// Any profile. Its server is written as it is known from here on.
    pub(super) fn new(name: &str, mut profile: Profile) -> Result<Self, Failure> {
        let client = client(name, &profile)?;
        client.server().clone_into(&mut profile.server);
        Ok(Self { name: name.to_owned(), profile, client })
    }

    /// The token, if there is one.
    pub(super) async fn token(&self) -> Result<Option<Token>, Failure> {
        self.client.token().await.map_err(|error| self.failed(&error))
    }

    /// The token; without one there is nothing to do.
    pub(super) async fn needed_token(&self) -> Result<Token, Failure> {
        let token = self.token().await?;
        token.ok_or_else(|| {
            let (server, login) = (&self.profile.server, self.login());
            Ended::not_signed_in(format!("you are not signed in to {server}; run `{login}`"))
        })
    }

    /// What to say when a call failed.
    pub(super) fn failed(&self, error: &Error) -> Failure {
        words::of(self, error)
    }

    /// The session is over, and its token gone by now.
    pub(super) fn session_over(&self) -> Failure {
        let (server, login) = (&self.profile.server, self.login());
        Ended::not_signed_in(format!(
            "your session at {server} has expired or was ended elsewhere; its token was dropped. Run `{login}`"
        ))
    }

    /// How to sign in again.
    pub(super) fn login(&self) -> String {
        format!("hallpass login{}", option(&self.name))
    }
}

/// What to add to a command so that it is about this profile.
fn option(name: &str) -> String {
    let plain = name.chars().all(|character| character.is_alphanumeric() || "-_.@".contains(character));
    match name {
        "default" => String::new(),
        name if plain => format!(" --profile {name}"),
        name => format!(" --profile '{}'", name.replace('\'', r"'\''")),
    }
}

fn client(name: &str, profile: &Profile) -> Result<AuthClient, Failure> {
    let store = store(profile.keep)?;
    let builder = |insecure: bool| {
        let client = AuthClient::builder(&profile.server).profile(name).user_agent(USER_AGENT);
        let client = client.shared_token_store(Arc::clone(&store));
        if insecure { client.dangerously_allow_plain_http() } else { client }
    };
    builder(profile.insecure_http).build().map_err(|error| {
        if builder(true).build().is_ok() {
            return "over http:// everybody on the way can read the password and the token; use https://. If this network is \
                    trusted entirely, sign in with --insecure-http"
                .into();
        }
        chain(error)
    })
}

fn store(keep: Keep) -> Result<Arc<dyn TokenStore>, Failure> {
    match keep {
        Keep::File => Ok(Arc::new(FileTokenStore::new(FileTokenStore::default_path().map_err(chain)?))),
        #[cfg(feature = "keyring")]
        Keep::Keyring => Ok(Arc::new(hallpass_client::store::KeyringTokenStore::new("hallpass").map_err(chain)?)),
        #[cfg(not(feature = "keyring"))]
        Keep::Keyring => {
            Err("this hallpass was built without the keyring; build it with `--features keyring`, or sign in \
                              with --keyring=false, so that the token is kept in a file that only you can read"
                .into())
        }
    }
}
