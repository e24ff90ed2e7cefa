use hallpass_client::{Token, model::SignedIn};

use super::{
    member::Member,
    profile::{Keep, Profile, Profiles},
    prompt, words,
};
use crate::{cli, commands::Failure, output};

/// `hallpass login`
pub(super) async fn run(arguments: cli::Login) -> Result<(), Failure> {
    let name = arguments.name.profile.clone();
    let known = Profiles::load()?.get(&name).cloned();
    let mut member = Member::new(&name, wanted(&arguments, known.as_ref()).await?)?;
    // A place that cannot be used is better known before a session begins than after.
    member.token().await?;
    let before = Before::look(&member, known).await?;

    // No password goes to a server that is none, and nobody types one for it.
    member.client.ok().await.map_err(|error| words::of_greeting(&member, &error))?;
    let email = email(arguments.email, before.profile.as_ref()).await?;
    let password = prompt::password(arguments.password_stdin).await?;
    let signed_in = member.client.sign_in().email(&email, password).await.map_err(|error| member.failed(&error))?;
    is_complete(&member, &signed_in).await?;

    member.profile.email = signed_in.user.map_or(email, |user| user.email);
    if let Err(failure) = Profiles::remember(&name, member.profile.clone()) {
        // Nobody would find the token.
        let _ = member.client.sign_out().await;
        return Err(failure);
    }
    before.end(&member).await;
    let Profile { server, email, keep, .. } = &member.profile;
    let place = match keep {
        Keep::File => "in a file that only you can read",
        Keep::Keyring => "in the keyring",
    };
    output::say(&output::harmless(&format!("signed in to {server} as {email}; the token is kept {place}")));
    Ok(())
}

/// What options, the profile and the person at the terminal say.
async fn wanted(arguments: &cli::Login, before: Option<&Profile>) -> Result<Profile, Failure> {
    let (server, remembered) = match (&arguments.url, before) {
        (Some(url), _) => (url.clone(), false),
        (None, Some(profile)) => (profile.server.clone(), profile.insecure_http),
        (None, None) => (prompt::line("URL of the server, such as https://api.example.com", "", "--url").await?, false),
    };
    let keep = match arguments.keyring {
        Some(true) => Keep::Keyring,
        Some(false) => Keep::File,
        None => before.map_or(Keep::File, |profile| profile.keep),
    };
    Ok(Profile { server, email: String::new(), keep, insecure_http: arguments.insecure_http || remembered })
}

async fn email(given: Option<String>, before: Option<&Profile>) -> Result<String, Failure> {
    match given {
        Some(email) => Ok(email),
        None => prompt::line("E-mail", before.map_or("", |profile| &profile.email), "--email").await,
    }
}

/// Whether the sign-in has brought a token that can be sent from now on.
async fn is_complete(member: &Member, signed_in: &SignedIn) -> Result<(), Failure> {
    let server = &member.profile.server;
    let Some(raw) = &signed_in.token else {
        return Err(format!(
            "the password is right, but {server} wants more than that (a second factor, perhaps), which this command cannot give; \
             sign in with a browser"
        )
        .into());
    };
    let kept = member.token().await?;
    if kept.is_some_and(|kept| kept.same_session(raw)) {
        return Ok(());
    }
    Err(format!(
        "{server} takes the password, but gives no bearer token; its Bearer plugin has to be on (`plugins.bearer.enabled`)"
    )
    .into())
}

/// What the profile was until now.
#[derive(Default)]
struct Before {
    profile: Option<Profile>,
    /// Who would lose their token.
    signed_in: Option<(Member, Token)>,
}

impl Before {
    /// Looks, and makes sure that another server does not take the profile over: the session there would live on without anybody to
    /// end it.
    async fn look(new: &Member, profile: Option<Profile>) -> Result<Self, Failure> {
        let Some(known) = profile.clone() else { return Ok(Self::default()) };
        let keep = known.keep;
        let signed_in = match Self::token(&new.name, known).await {
            // Out of a keyring that is not there, one can still move away.
            Err(_) if keep != new.profile.keep => None,
            found => found?,
        };
        match signed_in {
            Some((old, _)) if old.profile.server != new.profile.server => Err(format!(
                "the profile `{}` is signed in to {}; sign out there with `hallpass logout`, or give this server a profile of \
                 its own with --profile NAME",
                old.name, old.profile.server
            )
            .into()),
            signed_in => Ok(Self { profile, signed_in }),
        }
    }

    async fn token(name: &str, profile: Profile) -> Result<Option<(Member, Token)>, Failure> {
        let member = Member::new(name, profile)?;
        Ok(member.token().await?.map(|token| (member, token)))
    }

    /// Ends the session that the new one has taken the place of.
    async fn end(self, new: &Member) {
        let Some((old, token)) = self.signed_in else { return };
        let ended = old.client.sign_out().bearer(token).await;
        if old.profile.keep != new.profile.keep {
            let _ = old.client.forget_token().await;
        }
        if ended.is_err() {
            output::say("note: the session of before could not be ended; see `hallpass sessions`");
        }
    }
}
