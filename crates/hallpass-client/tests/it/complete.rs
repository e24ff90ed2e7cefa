//! Nothing is missing.

use std::collections::BTreeSet;

use hallpass::{Bearer, EmailAndPassword, Hallpass, store::MemoryStore};
use hallpass_client::{AuthClient, Call, Token, endpoint::Endpoint};

/// As the description of the server has it.
fn named<E: Endpoint>(call: &Call<E>) -> String {
    let route = call.route();
    format!("{} {}", route.method(), route.path().replace("/reset-password/t", "/reset-password/{token}"))
}

#[tokio::test]
async fn every_endpoint_of_the_core_has_a_call() {
    let auth = Hallpass::builder()
        .secret("a secret that only these tests know")
        .base_url("https://a.example")
        .store(MemoryStore::new())
        .email_and_password(EmailAndPassword::default())
        .plugin(Bearer::new())
        .build()
        .unwrap();
    let document = auth.open_api();
    let paths = document["paths"].as_object().unwrap().iter();
    let server: BTreeSet<String> = paths
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().unwrap().keys();
            methods
                .filter(|method| *method != "parameters")
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        // A page for people, and where providers send browsers.
        .filter(|route| !route.ends_with(" /error") && !route.contains(" /callback/"))
        .collect();

    let client = AuthClient::builder("https://a.example").build().unwrap();
    let calls = BTreeSet::from([
        named(&client.ok()),
        named(&client.sign_up().email("n", "e", "p")),
        named(&client.sign_in().email("e", "p")),
        named(&client.sign_in().social("p")),
        named(&client.sign_out()),
        named(&client.get_session()),
        named(&client.extend_session()),
        named(&client.list_sessions()),
        named(&client.revoke_session(&Token::from("t"))),
        named(&client.revoke_sessions()),
        named(&client.revoke_other_sessions()),
        named(&client.update_session()),
        named(&client.update_user()),
        named(&client.delete_user()),
        named(&client.delete_user_callback("t")),
        named(&client.change_password("p", "q")),
        named(&client.verify_password("p")),
        named(&client.request_password_reset("e")),
        named(&client.reset_password("p", "t")),
        named(&client.reset_password_callback("t", "/")),
        named(&client.change_email("e")),
        named(&client.send_verification_email("e")),
        named(&client.verify_email("t")),
        named(&client.list_accounts()),
        named(&client.link_social("p")),
        named(&client.unlink_account("i")),
        named(&client.get_access_token("i")),
        named(&client.refresh_token("i")),
        named(&client.account_info("i")),
    ]);
    assert_eq!(calls, server);
}

#[test]
fn clients_and_errors_go_between_threads() {
    fn goes<T: Send + Sync + 'static>() {}
    goes::<AuthClient>();
    goes::<hallpass_client::Error>();
    goes::<hallpass_client::Bearer>();
    goes::<hallpass_client::store::TokenStoreError>();
    goes::<hallpass_client::BuildError>();
}
