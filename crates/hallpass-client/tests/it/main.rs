//! The client against real servers, real files and raw sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod complete;
mod files;
#[cfg(all(feature = "keyring", target_os = "linux"))]
mod keyring;
mod npm;
mod order;
mod origins;
mod provider;
mod retries;
mod secrets;
mod server;
mod text;
mod tree;
mod wire;

/// Names each claim of the text as a test of both servers.
macro_rules! on_both_servers {
    ($($given:ident: $($claim:ident)*;)*) => {
        mod hallpass {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $claim() {
                    crate::text::$claim(&crate::server::Server::hallpass(crate::server::Given::$given).await).await;
                }
            )*)*
        }
        mod better_auth {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $claim() {
                    if let Some(server) = crate::server::Server::npm(crate::server::Given::$given).await {
                        crate::text::$claim(&server).await;
                    }
                }
            )*)*
        }
    };
}

on_both_servers! {
    Plain:
        a_token_is_obtained_kept_and_sent
        nobody_is_not_signed_in
        a_call_can_be_made_with_another_token_or_none
        a_function_can_give_the_token
        refusals_have_status_and_code
        sessions_are_listed_and_revoked
        users_and_sessions_are_changed
        the_password_is_changed
        signing_out_drops_the_token
        dead_tokens_are_dropped_and_no_others
        any_endpoint_can_be_called;
    Refreshing:
        a_session_is_extended_at_every_look
        many_tasks_share_one_client;
    Deferring:
        a_session_is_extended_when_asked_to;
    Mails:
        a_forgotten_password_is_replaced
        an_address_is_proven
        an_address_is_changed
        an_account_is_deleted;
    Provider:
        accounts_at_providers_are_used;
}
