//! What happens when a call is awaited: *send*, and then *obtain*, *keep* and *drop*. The rules are in [`order`](crate::order).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE},
};
use serde_json::Value;
use url::Url;

use crate::{
    Error, Token,
    answer::{Answer, FromAnswer, Seen},
    call::{Call, Credential, Options},
    client::Inner,
    endpoint::{Effect, Endpoint, Route},
    policy::Verdict,
    store::{Expect, TokenStoreError},
};

/// No answer of an auth server is so large.
const LARGEST: usize = 8 * 1024 * 1024;

/// Makes a call.
pub(crate) async fn perform<E: Endpoint>(call: Call<E>) -> Result<E::Output, Error> {
    let Call { client, endpoint, options } = call;
    let client = &*client.0;
    let route = endpoint.route();
    let request = Prepared::new(client, &route, &endpoint, &options)?;

    let mut turn = None;
    if route.effect != Effect::None && !matches!(options.credential, Credential::Given(_)) {
        turn = Some(client.turn.lock().await);
    }
    let sent = match &options.credential {
        Credential::Kept => client.load().await?,
        Credential::Given(token) => Some(token.clone()).filter(|token| !token.is_empty()),
        Credential::Nobody => None,
    };
    let request = request.bearing(sent.as_ref())?;
    let answer = client.retries.run(route.safe, || request.send(client)).await?;

    let kept = client.keep(&route, &options.credential, sent.as_ref(), &answer).await;
    let seen = Seen { path: &route.path, answer: &answer, needs_session: route.needs_session };
    client.hooks.show(&seen);
    options.hooks.show(&seen);

    let output = read::<E::Output>(&answer, sent.as_ref());
    let verdict = output.as_ref().map_or(Verdict::Silent, |output| endpoint.verdict(output, sent.as_ref()));
    let mut dropped = Ok(());
    if let Some(sent) = sent.as_ref().filter(|_| client.policy.drops(&seen, verdict)) {
        if turn.is_none() {
            turn = Some(client.turn.lock().await);
        }
        dropped = client.drop_token(&options.credential, sent, verdict).await;
    }
    drop(turn);

    let output = output?;
    kept.and(dropped).map_err(Error::not_kept)?;
    Ok(output)
}

fn read<T: FromAnswer>(answer: &Answer, sent: Option<&Token>) -> Result<T, Error> {
    let refused = answer.status().is_client_error() || answer.status().is_server_error();
    if refused { Err(Error::refused(answer, sent)) } else { T::from_answer(answer.clone()) }
}

impl Inner {
    /// *Obtain* and *keep*: what an answer brings, if it is news.
    async fn keep(
        &self,
        route: &Route,
        credential: &Credential,
        sent: Option<&Token>,
        answer: &Answer,
    ) -> Result<(), TokenStoreError> {
        let Some(new) = answer.new_token().filter(|new| Some(new) != sent) else { return Ok(()) };
        if route.effect == Effect::Begins && !matches!(credential, Credential::Given(_)) {
            return self.store.replace(&self.slot, Expect::Anything, Some(&new)).await.map(drop);
        }
        self.replace_session(credential, sent, Some(&new)).await
    }

    /// *Drop*: the token that was sent, if it is still stored.
    async fn drop_token(&self, credential: &Credential, sent: &Token, verdict: Verdict) -> Result<(), TokenStoreError> {
        if verdict == Verdict::Ended {
            return self.replace_session(credential, Some(sent), None).await;
        }
        self.store.replace(&self.slot, Expect::Token(sent), None).await.map(drop)
    }

    /// What is true of the client's session is true of its other token as well, if that was stored meanwhile. Of a token that was
    /// given for one call nobody knows whether its signature is right.
    async fn replace_session(
        &self,
        credential: &Credential,
        sent: Option<&Token>,
        new: Option<&Token>,
    ) -> Result<(), TokenStoreError> {
        let done = self.store.replace(&self.slot, Expect::sent(sent), new).await?;
        if done || !matches!(credential, Credential::Kept) {
            return Ok(());
        }
        let there = self.store.load(&self.slot).await?;
        if let (Some(there), Some(sent)) = (there, sent)
            && there.same_session(sent)
        {
            self.store.replace(&self.slot, Expect::Token(&there), new).await?;
        }
        Ok(())
    }
}

/// A request that can be sent any number of times.
struct Prepared {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
    timeout: Duration,
}

impl Prepared {
    fn new<E: Endpoint>(client: &Inner, route: &Route, endpoint: &E, options: &Options) -> Result<Self, Error> {
        let mut url = client.server.url(&route.path)?;
        let input =
            serde_json::to_value(endpoint).map_err(|_| Error::request("the input cannot be written as JSON"))?;
        let mut headers = options.headers.clone();
        if headers.contains_key(AUTHORIZATION) || headers.contains_key(COOKIE) {
            return Err(Error::request("a call is told whose it is with `bearer`, not with a header"));
        }
        headers.insert(ACCEPT, http::HeaderValue::from_static("application/json"));
        let mut body = None;
        if route.method.is_safe() {
            add_query(&mut url, &input);
        } else {
            headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
            body = Some(input.to_string().into());
        }
        let timeout = options.timeout.unwrap_or(client.timeout);
        Ok(Self { method: route.method.clone(), url, headers, body, timeout })
    }

    /// *Send*: an empty token or none means no header.
    fn bearing(mut self, token: Option<&Token>) -> Result<Self, Error> {
        if let Some(token) = token {
            self.headers.insert(AUTHORIZATION, token.header()?);
        }
        Ok(self)
    }

    async fn send(&self, client: &Inner) -> Result<Answer, Error> {
        let request = client.http.request(self.method.clone(), self.url.clone());
        let mut request = request.headers(self.headers.clone()).timeout(self.timeout);
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(Error::transport)?;
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(Error::transport)? {
            if body.len() + piece.len() > LARGEST {
                return Err(Error::answer(response.status(), "it is too large"));
            }
            body.extend_from_slice(&piece);
        }
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Answer::new(status, headers, body.freeze()))
    }
}

/// Adds the members of an object; texts as they are, everything else as JSON.
fn add_query(url: &mut Url, input: &Value) {
    let Some(members) = input.as_object().filter(|members| !members.is_empty()) else { return };
    let mut query = url.query_pairs_mut();
    for (name, value) in members {
        match value {
            Value::Null => {}
            Value::String(text) => drop(query.append_pair(name, text)),
            other => drop(query.append_pair(name, &other.to_string())),
        }
    }
}
