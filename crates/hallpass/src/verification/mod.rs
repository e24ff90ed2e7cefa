//! Proofs that somebody reads the mail of an address: stored values that are used up, and signed tokens that are not.
//!
//! | File | What |
//! |---|---|
//! | `values` | rows of the table `verification`: made, found, and used up by exactly one of any number of callers |
//! | `email_token` | the signed token in links that prove or change an address, and those links |

pub(crate) mod email_token;
pub(crate) mod values;
