//! What links in mails stand on: how mail goes out, the values that are kept until a link is followed, and the callbacks that
//! are told.

mod callbacks;
mod delivery;
mod on_sign_in;
mod on_sign_up;
mod values;
