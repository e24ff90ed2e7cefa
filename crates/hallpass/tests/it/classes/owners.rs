//! What a request names must be its caller's, and a stranger's is answered as what never was.

use serde_json::json;

use super::{
    stage,
    table::{ENDPOINTS, Nature},
    tickets::Ticket,
};
use crate::support::{Answer, Stage};

fn shape(answer: &Answer) -> (u16, Vec<u8>, Vec<String>) {
    (answer.status, answer.body.to_vec(), answer.traces())
}

#[tokio::test]
async fn somebody_elses_session_is_as_good_as_none() {
    let mut routes = 0;
    for known in ENDPOINTS {
        for parameter in known.parameters.iter().filter(|parameter| parameter.nature == Nature::Session) {
            routes += 1;
            let stage = stage();
            let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
            let before = stage.snapshot().await;
            let unknown = known.call_with(&stage, &[(parameter, "unknown")], &json!({})).by(&ann).await;
            for foreign in [&*bob.token, &bob.signed(), &bob.id, "bob-session"] {
                let answer = known.call_with(&stage, &[(parameter, foreign)], &json!({})).by(&ann).await;
                assert_eq!(shape(&answer), shape(&unknown), "{} {foreign}", known.path);
            }
            assert_eq!(stage.snapshot().await, before, "{}", known.path);
            known.call_with(&stage, &[(parameter, &ann.token)], &json!({})).by(&ann).await;
            assert_ne!(stage.snapshot().await, before, "{}: one's own is found", known.path);
        }
    }
    assert_eq!(routes, 1);
}

/// What Bob gets for a ticket, as himself.
async fn of_bob(stage: &Stage, ticket: Ticket) -> String {
    let bob = stage.caller("bob").await;
    ticket.of(stage, &bob).await
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_stands_for_its_owner_does_nothing_in_another_ones_session() {
    for known in ENDPOINTS {
        for parameter in known.parameters {
            let Nature::Ticket(tickets) = parameter.nature else { continue };
            for ticket in tickets {
                let stage = stage();
                let ann = stage.caller("ann").await;
                let token = of_bob(&stage, *ticket).await;
                let (anns, bobs) = (stage.snapshot_of(&ann.id).await, stage.snapshot_of("bob-id").await);
                let answer = known.call_with(&stage, &[(parameter, &token)], &json!({})).by(&ann).await;
                assert_eq!(stage.snapshot_of(&ann.id).await, anns, "{} {ticket:?}", known.path);
                match ticket {
                    // Whoever reads Bob's mail may choose his password and prove his address; who they are signed in as is nothing to it.
                    Ticket::ResetPassword | Ticket::ProveEmail => assert!(matches!(answer.status, 200 | 302)),
                    Ticket::DeleteAccount => {
                        assert_eq!(answer.code(), (404, "INVALID_TOKEN".into()));
                        let left = stage.snapshot_of("bob-id").await;
                        assert_eq!(left[..3], bobs[..3], "but for the token, which is used up");
                    }
                    _ => {
                        assert_eq!(answer.header("location"), Some("/next?error=INVALID_USER"), "{ticket:?}");
                        assert_eq!(stage.snapshot_of("bob-id").await, bobs, "{ticket:?}");
                    }
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lists_hold_what_is_the_callers() {
    for known in ENDPOINTS.iter().filter(|known| known.path.starts_with("/list-") || known.path == "/get-session") {
        let stage = stage();
        let (ann, bob) = (stage.caller("ann").await, stage.caller("bob").await);
        stage.session(&bob.id, "bobs-other").await;
        let answer = known.call(&stage).by(&ann).await;
        assert!(!answer.text().contains("bob"), "{}: {}", known.path, answer.text());
    }
}
