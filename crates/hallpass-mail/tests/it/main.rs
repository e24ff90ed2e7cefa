//! Mailers against the real thing: a mail server, a web server, files that several processes write to.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod file;
mod mail_server;
mod smtp;
mod webhook;

use hallpass::{
    mail::{Mail, MailKind},
    store::{Timestamp, User, UserId},
};

/// A mail to choose a new password, as the engine hands it over.
fn mail_to(address: &str) -> Mail {
    let ada = User::new(UserId::new("u1"), "Ada", address, Timestamp::from_millis(0));
    let url = "https://api.example.com/api/auth/reset-password/s3cret?callbackURL=%2Fnew&x=1";
    let mut mail = Mail::new(MailKind::RESET_PASSWORD, ada, "Choose a new password", url.into(), "s3cret".into());
    mail.id = "MBJ7KpYV0EUCJBFDQCu2gBdUqXkT4qpl".into();
    mail
}
