use super::JwtSource;
use crate::{
    source::{SessionSource, SourceFuture},
    token::BearerToken,
};

/// JSON Web Tokens and session tokens, whichever a request brings. Made by [`JwtSource::beside`].
#[derive(Debug, Clone)]
pub struct BesideSessions<S> {
    jwt: JwtSource,
    sessions: S,
}

impl JwtSource {
    /// Accepts session tokens as well, which another source knows. They are told apart by their shape: a JSON Web Token has two dots, a session
    /// token one or none. Neither source is asked about a token of the other's.
    ///
    /// ```
    /// # #[cfg(feature = "remote")]
    /// # fn source() -> Result<(), hallpass_verify::SetupError> {
    /// use hallpass_verify::{JwtSource, RemoteSource};
    /// let base = "https://auth.example.com/api/auth";
    /// let either = JwtSource::new(base)?.beside(RemoteSource::new(base)?);
    /// # Ok(()) }
    /// ```
    pub fn beside<S: SessionSource>(self, sessions: S) -> BesideSessions<S> {
        BesideSessions { jwt: self, sessions }
    }
}

impl<S: SessionSource> SessionSource for BesideSessions<S> {
    fn verify<'a>(&'a self, token: &'a BearerToken) -> SourceFuture<'a> {
        let is_jwt = token.expose().matches('.').count() == 2;
        if is_jwt { self.jwt.verify(token) } else { self.sessions.verify(token) }
    }
}
