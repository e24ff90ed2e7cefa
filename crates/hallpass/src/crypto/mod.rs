//! Passwords, signed tokens, secrets, and the drawing of ids. Signing of cookies lives in `hallpass-verify`.

pub(crate) mod ids;
pub(crate) mod jws;
pub(crate) mod password;
pub(crate) mod pool;
pub(crate) mod random;
pub(crate) mod secrets;
