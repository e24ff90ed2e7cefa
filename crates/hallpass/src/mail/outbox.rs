//! Mail on its way out.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use tokio::sync::Semaphore;

use super::{Mail, MailError, MailKind, Mailer};
use crate::{
    background::Background,
    crypto::random::{ALPHANUMERIC, ID_LEN, Randomness, draw},
};

/// How many mails may be on their way at once, those that wait for another try included.
const QUEUE: usize = 1024;

/// How many may be on their way to one address: one that takes no mail must not fill the queue for all others.
const PER_ADDRESS: usize = 5;

/// How many are being carried at any moment.
const AT_ONCE: usize = 8;

/// The longest pause between two tries, whatever the other side asks for: links in mails do not live long.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Who carries which mail.
#[derive(Clone, Default)]
pub(crate) struct Senders {
    pub(crate) every: Option<Arc<dyn Mailer>>,
    pub(crate) single: HashMap<MailKind, Arc<dyn Mailer>>,
    /// Kinds that are switched on or off by an option; the others are on if somebody carries them.
    pub(crate) switches: HashMap<MailKind, bool>,
}

impl Senders {
    fn find(&self, kind: &MailKind) -> Option<&Arc<dyn Mailer>> {
        match (self.single.get(kind), self.switches.get(kind)) {
            (Some(own), _) => Some(own),
            (None, Some(false)) => None,
            (None, _) => self.every.as_ref(),
        }
    }
}

/// Hands mail to whoever carries it, in the background, and tries again what failed.
pub(crate) struct Outbox {
    senders: Senders,
    background: Background,
    randomness: Arc<dyn Randomness>,
    room: Arc<Semaphore>,
    addressees: Arc<Mutex<HashMap<String, usize>>>,
    carrying: Arc<Semaphore>,
    backoff: ExponentialBuilder,
}

impl Outbox {
    pub(crate) fn new(senders: Senders, background: Background, randomness: Arc<dyn Randomness>) -> Self {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_factor(4.0)
            .with_max_delay(Duration::from_mins(5))
            .with_max_times(5)
            .with_jitter();
        let (room, carrying) = (Arc::new(Semaphore::new(QUEUE)), Arc::new(Semaphore::new(AT_ONCE)));
        let addressees = Arc::default();
        Self { senders, background, randomness, room, addressees, carrying, backoff }
    }

    /// Whether mail of a kind is sent at all. Where it is not, endpoints answer as the npm package does without the sender.
    pub(crate) fn sends(&self, kind: &MailKind) -> bool {
        self.senders.find(kind).is_some()
    }

    /// Sends a mail, if its kind is sent. Never waits and never fails: what goes wrong is logged.
    pub(crate) fn post(&self, mut mail: Mail) {
        let Some(mailer) = self.senders.find(&mail.kind).cloned() else { return };
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::error!(kind = mail.kind.as_str(), "a mail was dropped: {QUEUE} others are still on their way");
            return;
        };
        let Some(addressee) = Addressee::admit(&self.addressees, &mail.to) else {
            tracing::warn!(
                kind = mail.kind.as_str(),
                "a mail was dropped: {PER_ADDRESS} others are on their way to its address"
            );
            return;
        };
        mail.id = draw(&*self.randomness, ID_LEN, ALPHANUMERIC);
        let (carrying, backoff) = (Arc::clone(&self.carrying), self.backoff);
        self.background.spawn(async move {
            let attempt = || async {
                // Only the sending itself counts against the limit: a mail that waits for its next try keeps nobody off.
                let _turn = carrying.acquire().await;
                mailer.send(mail.clone()).await
            };
            let tried = attempt
                .retry(backoff)
                .when(|error| !error.is_permanent())
                .adjust(|error, pause| pause.map(|pause| patience(error, pause)))
                .notify(|error, pause| {
                    tracing::warn!(kind = mail.kind.as_str(), %error, "a mail failed and is tried again in {pause:?}");
                });
            if let Err(error) = tried.await {
                let cause: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(kind = mail.kind.as_str(), user = %mail.user.id, error = cause, "a mail was given up");
            }
            drop((place, addressee));
        });
    }
}

/// One of the mails on their way to an address.
struct Addressee {
    all: Arc<Mutex<HashMap<String, usize>>>,
    address: String,
}

impl Addressee {
    /// Counts a mail, unless there are too many on their way there already.
    fn admit(all: &Arc<Mutex<HashMap<String, usize>>>, address: &str) -> Option<Self> {
        let mut counts = all.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address.to_owned()).or_default();
        if *count >= PER_ADDRESS {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Self { all: Arc::clone(all), address: address.to_owned() })
    }
}

impl Drop for Addressee {
    fn drop(&mut self) {
        let mut counts = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// How long to wait before the next try.
fn patience(error: &MailError, pause: Duration) -> Duration {
    error.retry_after.map_or(pause, |asked| pause.max(asked.min(LONGEST_PAUSE)))
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("on_their_way", &(QUEUE - self.room.available_permits())).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hallpass_store::{Timestamp, User, UserId};

    use super::*;
    use crate::SystemRandomness;

    fn mail() -> Mail {
        let ann = User::new(UserId::new("u1"), "Ann", "ann@example.com", Timestamp::from_millis(0));
        Mail::new(MailKind::RESET_PASSWORD, ann, "Reset", "https://h/r".into(), "t".into())
    }

    fn outbox(mailer: impl Mailer) -> (Outbox, Background) {
        let background = Background::default();
        let senders = Senders { every: Some(Arc::new(mailer)), ..Senders::default() };
        (Outbox::new(senders, background.clone(), Arc::new(SystemRandomness)), background)
    }

    /// Fails as often as told, then succeeds; counts its calls.
    fn failing(times: usize, error: fn() -> MailError) -> (impl Mailer, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let mailer = move |_: Mail| {
            let fails = counted.fetch_add(1, Ordering::SeqCst) < times;
            async move { if fails { Err(error()) } else { Ok(()) } }
        };
        (mailer, calls)
    }

    #[tokio::test(start_paused = true)]
    async fn a_mail_that_fails_for_now_is_tried_again() {
        let (mailer, calls) = failing(2, || MailError::temporary("the line is busy"));
        let (outbox, background) = outbox(mailer);
        outbox.post(mail());
        background.finish().await;
        assert_eq!(calls.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_mail_that_fails_for_good_is_given_up_at_once_and_any_other_after_six_tries() {
        for (error, tries) in [
            ((|| MailError::permanent("no such mailbox")) as fn() -> MailError, 1),
            (|| MailError::temporary("busy"), 6),
        ] {
            let (mailer, calls) = failing(100, error);
            let (outbox, background) = outbox(mailer);
            outbox.post(mail());
            background.finish().await;
            assert_eq!(calls.load(Ordering::SeqCst), tries);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn mail_past_the_queue_is_dropped_and_nobody_waits() {
        let (mailer, calls) = failing(0, || MailError::temporary(""));
        let (outbox, background) = outbox(mailer);
        for number in 0..QUEUE + 5 {
            outbox.post(Mail { to: format!("{number}@example.com"), ..mail() });
        }
        background.finish().await;
        assert_eq!(calls.load(Ordering::SeqCst), QUEUE);
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_takes_no_more_than_its_share_of_the_queue() {
        let (mailer, calls) = failing(0, || MailError::temporary(""));
        let (outbox, background) = outbox(mailer);
        for _ in 0..PER_ADDRESS + 5 {
            outbox.post(mail());
        }
        background.finish().await;
        assert_eq!(calls.load(Ordering::SeqCst), PER_ADDRESS);
        outbox.post(mail());
        background.finish().await;
        assert_eq!(calls.load(Ordering::SeqCst), PER_ADDRESS + 1, "once they are gone there is room again");
    }

    #[tokio::test(start_paused = true)]
    async fn every_try_bears_the_same_id_and_every_mail_its_own() {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let ids = Arc::clone(&seen);
        let (outbox, background) = outbox(move |mail: Mail| {
            ids.lock().unwrap().push(mail.id);
            async { Err(MailError::temporary("busy")) }
        });
        for _ in 0..2 {
            outbox.post(mail());
        }
        background.finish().await;
        let mut ids = std::mem::take(&mut *seen.lock().unwrap());
        assert!(ids.iter().all(|id| id.len() == ID_LEN));
        ids.sort();
        assert!(ids[..6].iter().all(|id| *id == ids[0]) && ids[6..].iter().all(|id| *id == ids[6]) && ids[0] != ids[6]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_patience_is_left_alone_for_so_long_within_reason() {
        for (asked, waits) in [(60, 60..90), (24 * 3600, 900..930)] {
            let calls = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&calls);
            let mailer = move |_: Mail| {
                let is_first = counted.fetch_add(1, Ordering::SeqCst) == 0;
                async move {
                    let later = MailError::temporary("later").retry_after(Duration::from_secs(asked));
                    if is_first { Err(later) } else { Ok(()) }
                }
            };
            let (outbox, background) = outbox(mailer);
            let begun = tokio::time::Instant::now();
            outbox.post(mail());
            background.finish().await;
            assert_eq!(calls.load(Ordering::SeqCst), 2);
            assert!(waits.contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        }
    }

    #[test]
    fn a_switch_turns_the_general_mailer_off_but_not_a_mailer_of_the_kind_itself() {
        let (mailer, _) = failing(0, || MailError::temporary(""));
        let mailer: Arc<dyn Mailer> = Arc::new(mailer);
        let mut senders = Senders { every: Some(Arc::clone(&mailer)), ..Senders::default() };
        assert!(senders.find(&MailKind::DELETE_ACCOUNT).is_some());
        senders.switches.insert(MailKind::DELETE_ACCOUNT, false);
        assert!(senders.find(&MailKind::DELETE_ACCOUNT).is_none());
        senders.single.insert(MailKind::DELETE_ACCOUNT, mailer);
        assert!(senders.find(&MailKind::DELETE_ACCOUNT).is_some());
    }
}
