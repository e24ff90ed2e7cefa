//! The hallway every call walks through, over HTTP and in process alike.
//!
//! The order of CONTRACT §1.3: stages 1 to 6 are the front door's, in `admit` and `enter` of [`crate::service`]; from stage 7 on it is
//! written down here.
//!
//! | Stage | What | Where |
//! |---|---|---|
//! | 7 | before-hooks: the user's own, then each plugin's | [`before`] |
//! | 8 | validation of body, then query | `Mounted::call` in [`crate::endpoint`] |
//! | 9 | the endpoint's own requirements: form check, session | the same |
//! | 10 | the endpoint | the same |
//! | 11 | after-hooks: the user's own, then each plugin's | [`after`] |
//!
//! After-hooks also run when stages 8 to 10 refused. They do not when a before-hook refused or answered, nor after
//! something nobody expected.

use crate::{
    context::{Context, Returned},
    endpoint::AnyEndpoint,
    error::ApiError,
    plugin::Flow,
};

/// Walks a request through stages 7 to 11. What it came to is in `cx.returned`, headers in `cx.out`.
pub(crate) async fn run(cx: &mut Context, endpoint: &dyn AnyEndpoint) {
    match before(cx).await {
        Ok(Flow::Continue) => {}
        Ok(Flow::Respond(json)) => return cx.returned = Returned::Json(json),
        Err(error) => return settle(cx, Err(error)),
    }
    let result = endpoint.call(cx).await.map(Returned::Output);
    let concerns_hooks = result.as_ref().err().is_none_or(ApiError::concerns_hooks);
    settle(cx, result);
    if concerns_hooks {
        after(cx).await;
    }
}

async fn before(cx: &mut Context) -> Result<Flow, ApiError> {
    let engine = cx.engine.clone();
    for (matches, hook) in &engine.before {
        if matches(cx) {
            match hook(cx).await? {
                Flow::Continue => {}
                respond @ Flow::Respond(_) => return Ok(respond),
            }
        }
    }
    Ok(Flow::Continue)
}

async fn after(cx: &mut Context) {
    let engine = cx.engine.clone();
    for (matches, hook) in &engine.after {
        if matches(cx)
            && let Err(error) = hook(cx).await
        {
            settle(cx, Err(error));
        }
    }
}

/// Notes what a stage came to. Headers that an error brought along join those set before it.
fn settle(cx: &mut Context, result: Result<Returned, ApiError>) {
    cx.returned = match result {
        Ok(returned) => returned,
        Err(mut error) => {
            cx.out.merge(error.take_headers());
            Returned::Error(error)
        }
    };
}
