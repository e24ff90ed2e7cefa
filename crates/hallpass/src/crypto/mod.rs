//! Passwords, secrets, what is signed and encrypted with them, and the drawing of ids. Signing of cookies lives in `hallpass-verify`.

pub(crate) mod hex;
pub(crate) mod ids;
pub(crate) mod jwe;
pub(crate) mod jws;
pub(crate) mod password;
pub(crate) mod pool;
pub(crate) mod random;
pub(crate) mod secrets;
pub(crate) mod symmetric;
