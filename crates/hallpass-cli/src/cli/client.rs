//! The words of the client side: what is said to an auth server somewhere.

use clap::{Args, Subcommand};

/// Commands that talk to an auth server somewhere. They read no configuration.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Sign in to a server, and keep the token for the commands below.
    ///
    /// What is missing is asked for, and the password is not shown. There is no option for the password itself, because everybody
    /// on this machine can read the options of a running program; --password-stdin is for scripts.
    Login(Login),
    /// Say who is signed in.
    Whoami(Whoami),
    /// Print the token.
    ///
    /// `curl -H "authorization: Bearer $(hallpass token)" URL` sends it, and so does `hallpass token --header | curl -H @- URL`,
    /// which keeps it out of the list of running programs.
    Token(Token),
    /// List one's own sessions, or end some of them. Tokens are not shown.
    Sessions(Sessions),
    /// End the session, and drop the token.
    Logout(Logout),
    /// List the profiles of this machine.
    Profiles(Profiles),
}

/// Which of several servers, or of several users at one.
#[derive(Debug, Args)]
pub struct ProfileName {
    /// The profile: a server, and who is signed in there.
    #[arg(
        long,
        env = "HALLPASS_PROFILE",
        hide_env_values = true,
        value_name = "NAME",
        default_value = "default",
        value_parser = profile_name
    )]
    pub profile: String,
}

/// Said, but empty, is not said.
fn profile_name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Ok("default".into()),
        name if name.contains(char::is_control) => Err("a profile's name is one line of text".into()),
        name => Ok(name.into()),
    }
}

/// `login`.
#[derive(Debug, Args)]
pub struct Login {
    /// The server, such as `https://api.example.com`; the profile's when not said. A path takes the place of /api/auth.
    #[arg(long)]
    pub url: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its type says it, and a comment would be taken for help")]
    pub name: ProfileName,
    /// The e-mail address to sign in with.
    #[arg(long)]
    pub email: Option<String>,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    pub password_stdin: bool,
    /// Keep the token in the operating system's keyring rather than in a file that only you can read. The profile remembers it until
    /// --keyring=false.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub keyring: Option<bool>,
    /// Take a server on another machine without TLS, where everybody on the way can read password and token.
    #[arg(long)]
    pub insecure_http: bool,
}

/// `whoami`.
#[derive(Debug, Args)]
pub struct Whoami {
    #[command(flatten)]
    #[expect(missing_docs, reason = "its type says it, and a comment would be taken for help")]
    pub name: ProfileName,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `token`.
#[derive(Debug, Args)]
pub struct Token {
    #[command(flatten)]
    #[expect(missing_docs, reason = "its type says it, and a comment would be taken for help")]
    pub name: ProfileName,
    /// Print the whole header, `authorization: Bearer …`.
    #[arg(long)]
    pub header: bool,
}

/// `sessions`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Sessions {
    /// What to do but list them.
    #[command(subcommand)]
    pub command: Option<SessionsCommand>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its type says it, and a comment would be taken for help")]
    pub name: ProfileName,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `sessions …`.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// End one session, or all but this one.
    Revoke {
        /// The session's id, from the list.
        #[arg(required_unless_present = "others", conflicts_with = "others")]
        session: Option<String>,
        /// End all sessions but this one.
        #[arg(long)]
        others: bool,
        #[command(flatten)]
        #[expect(missing_docs, reason = "its type says it, and a comment would be taken for help")]
        name: ProfileName,
    },
}

/// `logout`.
#[derive(Debug, Args)]
pub struct Logout {
    #[command(flatten)]
    #[expect(missing_docs, reason = "its type says it, and a comment would be taken for help")]
    pub name: ProfileName,
    /// Sign out of every profile.
    #[arg(long)]
    pub all: bool,
    /// Forget the profile and its token without telling the server. A session that is still alive there stays so.
    #[arg(long)]
    pub forget: bool,
}

/// `profiles`.
#[derive(Debug, Args)]
pub struct Profiles {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
