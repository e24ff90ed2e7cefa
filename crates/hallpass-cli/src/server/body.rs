//! Bodies that have to arrive in time.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// A body and the time until which it has to be there.
#[derive(Debug)]
pub(crate) struct InTime<B> {
    body: B,
    deadline: Instant,
    /// What wakes at the deadline: made when the body is first waited for, which few requests are.
    sleep: Option<Pin<Box<Sleep>>>,
    /// How much more time each piece buys, if any.
    pause: Option<Duration>,
}

impl<B> InTime<B> {
    /// All of it has to be there by then. For bodies that are gathered: a limit on pauses alone would let a client hold a body's memory
    /// for as long as it likes.
    pub(crate) fn whole(body: B, limit: Duration) -> Self {
        Self { body, deadline: Instant::now() + limit, sleep: None, pause: None }
    }

    /// The next piece has to be there by then. For bodies that are passed on, and may be as long as they like.
    pub(crate) fn piece_by_piece(body: B, pause: Duration) -> Self {
        Self { body, deadline: Instant::now() + pause, sleep: None, pause: Some(pause) }
    }
}

/// The time is over.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

impl<B> Body for InTime<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            if let Some(pause) = self.pause {
                self.deadline = Instant::now() + pause;
                self.sleep = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = self.deadline;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        sleep.as_mut().poll(cx).map(|()| Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
