//! What is known of everybody: what was answered decides what has to be answered.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::dice::Dice;

/// What a token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    Live,
    /// Something is under way that ends it, or it is not known whether that has happened.
    Doubtful,
    Dead,
}

/// A session token that the server has handed out.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) user: String,
    /// The worth, and how often it was set: who reads it twice knows whether it was the same all the while.
    state: AtomicU64,
}

/// What a token was worth at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glance(u64);

impl Token {
    pub(crate) fn new(text: &str, user: &str) -> Arc<Self> {
        Arc::new(Self { text: text.to_owned(), user: user.to_owned(), state: AtomicU64::new(0) })
    }

    pub(crate) fn glance(&self) -> Glance {
        Glance(self.state.load(Ordering::SeqCst))
    }

    pub(crate) fn worth(&self) -> Worth {
        self.glance().worth()
    }

    pub(crate) fn set(&self, worth: Worth) {
        let low = match worth {
            Worth::Live => 0,
            Worth::Doubtful => 1,
            Worth::Dead => 2,
        };
        // Each token has one who sets it.
        let count = self.state.load(Ordering::SeqCst) >> 2;
        self.state.store(((count + 1) << 2) | low, Ordering::SeqCst);
    }
}

impl Glance {
    pub(crate) fn worth(self) -> Worth {
        match self.0 & 3 {
            0 => Worth::Live,
            1 => Worth::Doubtful,
            _ => Worth::Dead,
        }
    }
}

/// How many tokens readers choose from.
const KEPT: usize = 3000;

/// The tokens that everybody may look at.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Vec<Arc<Token>>>);

impl Tokens {
    fn held(&self) -> MutexGuard<'_, Vec<Arc<Token>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, token: &Arc<Token>, dice: &mut Dice) {
        let mut tokens = self.held();
        tokens.push(Arc::clone(token));
        if tokens.len() > KEPT {
            let index = dice.within(0..tokens.len() as u64);
            tokens.swap_remove(usize::try_from(index).unwrap_or(0));
        }
    }

    /// One of them; a dead one about as often as the dice want it.
    pub(crate) fn any(&self, dice: &mut Dice) -> Option<Arc<Token>> {
        let tokens = self.held();
        let wanted = if dice.percent(25) { Worth::Dead } else { Worth::Live };
        let mut found = None;
        for _ in 0..8 {
            found = dice.pick(&tokens).cloned();
            if found.as_ref().is_some_and(|token| token.worth() == wanted) {
                break;
            }
        }
        found
    }

    pub(crate) fn all(&self) -> Vec<Arc<Token>> {
        self.held().clone()
    }
}

/// Whether somebody is in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    /// A sign-up was not answered.
    PerhapsMade,
    /// A deletion was not answered.
    PerhapsGone,
}

/// A way to the mailed token of a reset, whose use was not answered.
#[derive(Clone, Debug)]
pub(crate) struct UsedPerhaps {
    pub(crate) token: String,
    /// The passwords that it was to set; one at most may have been.
    pub(crate) passwords: Vec<String>,
}

/// Somebody who uses the server. Of what is not known, everything that may be is kept.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) email: String,
    /// Known once a sign-up was answered.
    pub(crate) id: Option<String>,
    pub(crate) presence: Presence,
    /// The last known password first, then those that may have been set since.
    pub(crate) passwords: Vec<String>,
    pub(crate) names: Vec<String>,
    /// Names that the database may have and that sessions in a storage of their own do not show yet: of a change that was not answered. Whoever signs in
    /// next shows it.
    pub(crate) late_names: Vec<String>,
    pub(crate) tokens: Vec<Arc<Token>>,
    pub(crate) reset: Option<UsedPerhaps>,
    /// Whether a change of the password that ends all other sessions was not answered.
    pub(crate) ends_with_password: bool,
}

impl Person {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self {
            email: format!("{}@example.com", dice.word()),
            id: None,
            presence: Presence::PerhapsMade,
            passwords: vec![format!("password {}", dice.word())],
            names: vec![dice.word()],
            late_names: Vec::new(),
            tokens: Vec::new(),
            reset: None,
            ends_with_password: false,
        }
    }

    /// Whether nothing is in doubt.
    pub(crate) fn is_clear(&self) -> bool {
        self.presence == Presence::There
            && self.passwords.len() == 1
            && self.names.len() == 1
            && self.reset.is_none()
            && self.tokens.iter().all(|token| token.worth() != Worth::Doubtful)
    }

    pub(crate) fn password(&self) -> &str {
        self.passwords.first().map_or("", String::as_str)
    }

    /// A token that is good for sure.
    pub(crate) fn live(&self) -> Option<Arc<Token>> {
        self.tokens.iter().find(|token| token.worth() == Worth::Live).cloned()
    }

    pub(crate) fn set_all(&self, worth: Worth) {
        for token in self.tokens.iter().filter(|token| token.worth() != Worth::Dead) {
            token.set(worth);
        }
    }

    /// Forgets tokens that are dead; readers remember them.
    pub(crate) fn bury(&mut self) {
        self.tokens.retain(|token| token.worth() != Worth::Dead);
    }
}
