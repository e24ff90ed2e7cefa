//! `/ok` (CONTRACT §11.1).

use http::Method;

use crate::support::{Fault, stage};

#[tokio::test]
async fn it_answers_whoever_asks_and_needs_no_store() {
    let stage = stage();
    stage.faults.set(Fault::Away);
    let answer = stage.get("/ok?any=query").bearer("unknown").await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"ok":true}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(stage.calls.take(), []);
    assert_eq!(stage.call(Method::POST, "/ok").await.status, 404);
}
