//! Ids and tokens (CONTRACT §6).

/// Fills memory with bytes nobody can guess. Handed to the engine so that tests can repeat themselves.
pub trait Randomness: Send + Sync + 'static {
    /// Fills `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator; the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness there are no secrets; going on would hand out guessable sessions.
        #[expect(clippy::expect_used, reason = "no safe way to go on without randomness")]
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// The alphabet of ids and session tokens.
pub(crate) const ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// The alphabet of tokens that delete an account.
pub(crate) const DIGITS_AND_LOWER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Length of ids and session tokens.
pub(crate) const ID_LEN: usize = 32;

/// Draws `length` letters uniformly: bytes past the last whole multiple of the alphabet are drawn again.
pub(crate) fn draw(source: &dyn Randomness, length: usize, alphabet: &[u8]) -> String {
    let accepted = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    loop {
        source.fill(&mut bytes);
        for byte in bytes.map(usize::from) {
            if text.len() == length {
                return text;
            }
            if let Some(letter) = alphabet.get(byte % alphabet.len()).filter(|_| byte < accepted) {
                text.push(char::from(*letter));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_length_and_use_the_whole_alphabet() {
        let drawn: String = (0..200).map(|_| draw(&SystemRandomness, ID_LEN, ALPHANUMERIC)).collect();
        assert_eq!(drawn.len(), 200 * ID_LEN);
        assert!(ALPHANUMERIC.iter().all(|letter| drawn.as_bytes().contains(letter)));
        assert!(drawn.bytes().all(|letter| ALPHANUMERIC.contains(&letter)));
    }

    #[test]
    fn bytes_that_would_favour_some_letters_are_drawn_again() {
        struct Rising(std::sync::atomic::AtomicU8);
        impl Randomness for Rising {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill_with(|| self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            }
        }
        let drawn = draw(&Rising(0.into()), 248, ALPHANUMERIC);
        for letter in ALPHANUMERIC {
            assert_eq!(drawn.bytes().filter(|drawn| drawn == letter).count(), 4);
        }
    }
}
