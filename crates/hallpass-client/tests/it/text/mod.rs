//! What has to be true of the client, whichever server it talks to.

mod mail;
mod many;
mod provider;
mod session;
mod token;
mod user;

pub(crate) use self::{mail::*, many::*, provider::*, session::*, token::*, user::*};

use hallpass_client::{AuthClient, Token};

use crate::server::Server;

const PASSWORD: &str = "correct horse battery";

/// A client that is signed up and in.
async fn ada(server: &Server) -> AuthClient {
    let client = server.client();
    client.sign_up().email("Ada", "ada@example.com", PASSWORD).await.unwrap();
    client
}

/// Another one of the same user.
async fn again(server: &Server) -> AuthClient {
    let client = server.client();
    client.sign_in().email("ada@example.com", PASSWORD).await.unwrap();
    client
}

async fn token(client: &AuthClient) -> Option<Token> {
    client.token().await.unwrap()
}

async fn is_signed_in(client: &AuthClient) -> bool {
    client.get_session().await.unwrap().is_some()
}
