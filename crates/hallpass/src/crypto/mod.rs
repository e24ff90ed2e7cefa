//! Passwords, and the drawing of ids and tokens. Signing lives in `hallpass-verify`.

pub(crate) mod password;
pub(crate) mod pool;
pub(crate) mod random;
