//! How parallel calls go together, for one client, for its clones, and for processes that share a store.
//!
//! A token can be obtained by one call while another call, sent with the token of before, is still on its way. Then it must not happen
//! that
//!
//! * a late 401 about the old token drops the new one,
//! * a late `set-auth-token` brings back what was signed out,
//! * an answer about somebody else's token (given with [`bearer`](crate::Call::bearer)) touches the client's.
//!
//! # The rules
//!
//! Each call remembers the token that it sent.
//!
//! 1. **An answer speaks of the token that was sent, and of no other.** What it brings takes the place of exactly that token, and what
//!    it drops is exactly that token. If something else is stored by then, nothing happens. The store compares and writes in one step
//!    ([`TokenStore::replace`](crate::store::TokenStore::replace)), so this holds between processes as well. (A session's raw and its
//!    signed token count as one where another session begins in its place, or it was ended. A refusal is about the very token.)
//! 2. **A token that comes back unchanged is no news.** When a session is extended, the server sends the same token again. Either it is
//!    still stored, and there is nothing to do, or it was dropped meanwhile, and has to stay so.
//! 3. **A sign-in or sign-up is news in any case.** Its token takes the place of whatever is stored. (Not so if it was called with
//!    [`bearer`](crate::Call::bearer); then rule 1 holds.)
//! 4. **Who begins, changes or ends the session takes turns** with the others of this client and its clones: signing up, in and out,
//!    changing the password, verifying an address, revoking sessions, deleting the account, and every drop. The token is read after
//!    the turn has come. So there is always one of two orders, never a mixture:
//!
//!    | at the same time | either | or |
//!    |---|---|---|
//!    | signing in, signing out | the new session is ended, too | the old one is ended, the new one stays |
//!    | signing in, revoking all other sessions | the others are those of before, the new one stays | the new one revokes them |
//!    | changing the password, signing out | the session that the change began is ended | the change is refused with 401 |
//!    | changing the password, a 401 about the token of before | the change's token is stored; the 401 is late, and drops nothing | the 401 is about a dead token, drops it, and the change is refused |
//!
//! Calls that only read, or change something else, wait for nobody.
//!
//! # What this cannot do
//!
//! * Turns are taken within a client and its clones. Between two processes that share a store, rules 1 to 3 remain. If one of them
//!   changes the password while the other signs out, the change's session can survive at the server without anybody holding its token;
//!   [`revoke_sessions`](crate::AuthClient::revoke_sessions) ends it.
//! * A call that was sent before another token was stored, and is answered 401 after that, reports the 401. Only the token is safe; the
//!   call can be made again.
//! * Who stops waiting for a sign-in (drops its future, or runs into the timeout) may have begun a session that nobody knows of.
//! * A call holds its turn while it waits for the server, all its tries included. Signing out behind a sign-in that hangs waits until
//!   that one times out.
