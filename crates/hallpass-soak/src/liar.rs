//! A judge that finds nothing wrong is worth something only if it finds what is wrong: here a server lies, and everything it says is known.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::sleep,
};

use crate::{
    http::Client,
    judge::Judge,
    people::{Token, Worth},
    readers::{Question, Said, ask},
    run::Run,
};

/// Answers every request with these words, after a while.
async fn liar(answer: String, after: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    sleep(after).await;
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    address
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn session_of(user: &str) -> String {
    answer("200 OK", "", &format!(r#"{{"session":{{}},"user":{{"id":"{user}"}}}}"#))
}

/// What the judge has to say of a server that answers like this to a token that is worth so much.
async fn judged(answer: String, worth: Worth) -> (Said, Vec<String>) {
    judged_in(answer, worth, Duration::ZERO, |_| {}).await
}

async fn judged_in(answer: String, worth: Worth, after: Duration, store: fn(&Judge)) -> (Said, Vec<String>) {
    let server = liar(answer, after).await;
    let run = Run::new(server, Judge::new(Duration::from_millis(500), false), "outbox".into(), true, false);
    store(&run.judge);
    let token: Arc<Token> = Token::new("abc.def", "ann");
    token.set(worth);
    let said = ask(&run, &mut Client::new(server), &token, Question::Session).await;
    (said, run.judge.all_wrong())
}

#[tokio::test]
async fn the_truth_is_not_wrong() {
    let null = || answer("200 OK", "", "null");
    assert_eq!(judged(session_of("ann"), Worth::Live).await, (Said::Valid, vec![]));
    assert_eq!(judged(null(), Worth::Dead).await, (Said::Invalid, vec![]));
    for either in [session_of("ann"), null()] {
        assert!(judged(either, Worth::Doubtful).await.1.is_empty());
    }
}

#[tokio::test]
async fn each_lie_is_found() {
    for (answer, worth, found) in [
        (session_of("ann"), Worth::Dead, "a dead token was good"),
        (answer("200 OK", "", "null"), Worth::Live, "a live token was refused"),
        (session_of("bob"), Worth::Live, "a token was somebody else's"),
        (answer("401 Unauthorized", "", "{}"), Worth::Live, "a live token was refused"),
        (answer("404 Not Found", "", "{}"), Worth::Live, "404"),
        (answer("500 Internal Server Error", "", "{}"), Worth::Doubtful, "500"),
        (answer("200 OK", "", "{}"), Worth::Live, "200"),
        (answer("503 Service Unavailable", "", "{}"), Worth::Live, "503 without retry-after"),
        (String::new(), Worth::Live, "no answer at all"),
    ] {
        // What is nothing at all ends the connection.
        let answer = if answer.is_empty() { "nonsense\r\n\r\n".to_owned() } else { answer };
        let wrong = judged(answer, worth).await.1;
        assert!(wrong.iter().any(|wrong| wrong.contains(found)), "{found}: {wrong:?}");
    }
    let late = judged_in(session_of("ann"), Worth::Live, Duration::from_millis(700), |_| {}).await.1;
    assert!(late.len() == 1 && late[0].contains("an answer after"), "{late:?}");
}

#[tokio::test]
async fn a_store_that_is_away_excuses_503_and_nothing_else() {
    let unavailable = || answer("503 Service Unavailable", "retry-after: 1\r\n", "{}");
    let away = |judge: &Judge| judge.fault_begins("killed");
    assert_eq!(judged_in(unavailable(), Worth::Live, Duration::ZERO, away).await, (Said::Unknown, vec![]));
    let dead = judged_in(session_of("ann"), Worth::Dead, Duration::ZERO, away).await.1;
    assert!(dead.len() == 1 && dead[0].contains("[killed]") && dead[0].contains("a dead token was good"), "{dead:?}");
    // While it is there, and has been for long.
    let calm = judged(unavailable(), Worth::Live).await.1;
    assert!(calm.len() == 1 && calm[0].contains("of no use"), "{calm:?}");
}
