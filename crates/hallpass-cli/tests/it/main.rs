//! The binary as its operators and clients meet it: started as a process, spoken to over sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod doctor;
mod hostile;
mod mail;
mod postgres;
mod proxy;
mod serve;
mod statements;
mod support;
mod tools;
