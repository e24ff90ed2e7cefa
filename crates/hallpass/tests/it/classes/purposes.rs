//! What was made for one purpose opens no other door, and is not used up by the attempt.

use serde_json::json;

use super::{
    stage,
    table::{ENDPOINTS, Nature},
    tickets::Ticket,
};

#[tokio::test(start_paused = true)]
async fn a_ticket_of_one_kind_opens_nothing_that_wants_another() {
    let mut tried = 0;
    for ticket in Ticket::ALL {
        for known in ENDPOINTS {
            for parameter in known.parameters {
                let accepted: &[Ticket] = match parameter.nature {
                    Nature::Ticket(accepted) => accepted,
                    Nature::Session => &[Ticket::Session],
                    Nature::Plain | Nature::Url => continue,
                };
                if accepted.contains(&ticket) {
                    continue;
                }
                for signed_in in [false, true] {
                    tried += 1;
                    let stage = stage();
                    let ann = stage.caller("ann").await;
                    let token = ticket.of(&stage, &ann).await;
                    let before = stage.snapshot().await;
                    let call = known.call_with(&stage, &[(parameter, &token)], &json!({}));
                    let answer = if signed_in { call.by(&ann).await } else { call.await };
                    let of = format!("{ticket:?} at {}: {answer:?}", known.path);
                    let is_refused = answer.status >= 400
                        || answer.header("location").is_some_and(|location| location.contains("error=INVALID_TOKEN"))
                        // Every token is a session that is not the caller's.
                        || parameter.nature == Nature::Session && answer.json() == json!({"status": true});
                    assert!(is_refused && answer.cookies().is_empty(), "{of}");
                    assert!(stage.mail().await.is_empty(), "{of}");
                    assert_eq!(stage.snapshot().await, before, "{of}");
                    assert!(ticket.still_works(&stage, &ann, &token).await, "{of}");
                }
            }
        }
    }
    assert!(tried >= 7 * 6, "{tried}");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_no_credential_unless_it_is_a_session() {
    for ticket in Ticket::ALL.into_iter().filter(|it| !matches!(it, Ticket::Session | Ticket::SignedSession)) {
        let stage = stage();
        let ann = stage.caller("ann").await;
        let token = ticket.of(&stage, &ann).await;
        let signed = crate::support::sign(&token);
        for known in ENDPOINTS.iter().filter(|known| known.needs_session) {
            for call in [
                known.call(&stage).bearer(&token),
                known.call(&stage).cookie(crate::support::cookie(&token)),
                // Even if somebody could have it signed.
                known.call(&stage).bearer(&signed),
                known.call(&stage).cookie(crate::support::cookie(&signed)),
            ] {
                assert_eq!(call.await.code().0, 401, "{ticket:?} at {}", known.path);
            }
        }
        assert!(ticket.still_works(&stage, &ann, &token).await, "{ticket:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_prefix_of_another_purpose_in_a_token_finds_nothing() {
    let stage = stage();
    let ann = stage.caller("ann").await;
    let reset = Ticket::ResetPassword.of(&stage, &ann).await;
    let delete = Ticket::DeleteAccount.of(&stage, &ann).await;
    let before = stage.snapshot().await;
    for token in [
        format!("reset-password:{reset}"),
        format!("delete-account-{delete}"),
        format!("../delete-account-{delete}"),
        "%".into(),
        "*".into(),
        format!("{}%", &reset[..8]),
        format!("{reset} "),
        format!("{reset}\0"),
        reset.to_uppercase(),
    ] {
        for known in ENDPOINTS {
            for parameter in known.parameters.iter().filter(|it| matches!(it.nature, Nature::Ticket(_))) {
                let answer = known.call_with(&stage, &[(parameter, &token)], &json!({})).by(&ann).await;
                let error = answer.header("location").is_some_and(|location| location.contains("error="));
                assert!(answer.status >= 400 || error, "{} {token:?}: {answer:?}", known.path);
            }
        }
    }
    assert_eq!(stage.snapshot().await, before);
}
