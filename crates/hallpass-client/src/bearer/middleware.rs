//! For `reqwest-middleware`.

use async_trait::async_trait;
use http::{Extensions, header::AUTHORIZATION};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use super::Bearer;
use crate::answer::new_token;

/// Puts the token on requests to listed origins. (Feature `middleware`.)
///
/// The client below may follow redirects: reqwest takes the header away when scheme, host or port change. A token that comes back from
/// another origin is not taken.
///
/// ```
/// use hallpass_client::AuthClient;
/// use reqwest_middleware::ClientBuilder;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = AuthClient::builder("https://auth.example.com").build()?;
/// let bearer = client.bearer_for(["https://api.example.com"])?;
/// let http = ClientBuilder::new(reqwest::Client::new()).with(bearer).build();
/// let request = http.get("https://api.example.com/orders");
/// # Ok(()) }
/// ```
#[async_trait]
impl Middleware for Bearer {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let mut sent = None;
        if !request.headers().contains_key(AUTHORIZATION)
            && let Some((token, header)) = self.credential(request.url().as_str()).await.map_err(told)?
        {
            request.headers_mut().insert(AUTHORIZATION, header);
            sent = Some(token);
        }
        let answer = next.run(request, extensions).await?;
        if let Some(sent) = sent.filter(|_| self.may_see(answer.url().as_str())) {
            self.obtain(&sent, new_token(answer.headers())).await.map_err(told)?;
        }
        Ok(answer)
    }
}

fn told(error: crate::Error) -> reqwest_middleware::Error {
    reqwest_middleware::Error::middleware(error)
}
