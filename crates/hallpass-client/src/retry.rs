//! Trying again.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use http::StatusCode;

use crate::{Error, answer::Answer, error::retry_after};

/// The first pause. Each is twice the one before, give or take.
const PAUSE: Duration = Duration::from_millis(100);
/// No pause is longer, whoever asks for it.
const LONGEST: Duration = Duration::from_secs(10);

/// How many times more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retries(pub(crate) usize);

/// Why a try was not the last one.
enum Setback {
    Busy(Answer),
    Failed(Error),
}

impl Retries {
    /// Tries until there is an answer, as [`Builder::retries`](crate::Builder::retries) has it. `safe` is what changes nothing.
    pub(crate) async fn run<F>(self, safe: bool, attempt: impl FnMut() -> F) -> Result<Answer, Error>
    where
        F: Future<Output = Result<Answer, Error>>,
    {
        let mut attempt = attempt;
        let pauses = ExponentialBuilder::default()
            .with_min_delay(PAUSE)
            .with_max_delay(LONGEST)
            .with_max_times(self.0)
            .with_jitter();
        let tried = (|| {
            let attempted = attempt();
            async move {
                match attempted.await {
                    Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => Err(Setback::Busy(answer)),
                    Ok(answer) => Ok(answer),
                    Err(error) => Err(Setback::Failed(error)),
                }
            }
        })
        .retry(pauses)
        .when(|setback| setback.allows_another(safe))
        .adjust(|setback, pause| pause.map(|pause| setback.pause().unwrap_or(pause)))
        .await;
        match tried {
            Err(Setback::Failed(error)) => Err(error),
            Ok(answer) | Err(Setback::Busy(answer)) => Ok(answer),
        }
    }
}

impl Setback {
    fn allows_another(&self, safe: bool) -> bool {
        match self {
            Self::Busy(_) => safe && self.pause().is_none_or(|pause| pause <= LONGEST),
            Self::Failed(error) => error.is_connect() || (safe && error.is_broken()),
        }
    }

    /// What the server asked for.
    fn pause(&self) -> Option<Duration> {
        match self {
            Self::Busy(answer) => retry_after(answer.headers()),
            Self::Failed(_) => None,
        }
    }
}
