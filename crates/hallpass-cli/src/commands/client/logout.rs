use super::{
    member::Member,
    profile::{Keep, Profiles},
};
use crate::{cli, commands::Failure, output};

/// `hallpass logout`
pub(super) async fn run(arguments: &cli::Logout) -> Result<(), Failure> {
    if !arguments.all {
        return one(&Member::known(&arguments.name)?, arguments.forget).await;
    }
    let profiles = Profiles::load()?;
    let mut failed = 0;
    for (name, profile) in profiles.all() {
        let done = match Member::new(name, profile.clone()) {
            Ok(member) => one(&member, arguments.forget).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = done {
            failed += 1;
            output::say(&format!("profile {name}: {failure}"));
        }
    }
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of the profiles could not be signed out").into()) }
}

async fn one(member: &Member, forget: bool) -> Result<(), Failure> {
    let server = &member.profile.server;
    if forget {
        member.client.forget_token().await.map_err(|error| member.failed(&error))?;
        Profiles::forget(&member.name)?;
        output::say(&format!("forgot the profile `{}` and its token; {server} was not told", member.name));
        return Ok(());
    }
    if member.token().await?.is_none() {
        output::say(&format!("nobody was signed in to {server}"));
        return Ok(());
    }
    member.client.sign_out().await.map_err(|error| {
        let failure = member.failed(&error);
        format!(
            "{failure}. You are still signed in; `hallpass logout --forget` drops the token without telling the server"
        )
    })?;
    let place = match member.profile.keep {
        Keep::File => "the file",
        Keep::Keyring => "the keyring",
    };
    output::say(&format!("signed out of {server}; the token is gone from {place}"));
    Ok(())
}
