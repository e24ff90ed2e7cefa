use hallpass::mail::Mailer;
use hallpass_mail::FileMailer;
use serde_json::Value;

use crate::mail_to;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lines_of_many_writers_stay_whole_in_a_file_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.jsonl");
    // Each opens the file for itself every time, as another process would.
    let writers = (0..8).map(|writer| {
        let mailer = FileMailer::new(&path);
        tokio::spawn(async move {
            for number in 0..25 {
                let mut mail = mail_to(&format!("{writer}.{number}@example.com"));
                mail.url = format!("https://h/{}", "x".repeat(50_000 * (number % 3)));
                mailer.send(mail).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let mut addresses: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["to"].as_str().unwrap().to_owned())
        .collect();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 8 * 25);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_line_has_what_the_mail_has_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.jsonl");
    let mut mail = mail_to("ada@example.com");
    FileMailer::new(&path).send(mail.clone()).await.unwrap();
    mail.new_email = Some("ada@example.org".into());
    FileMailer::new(&path).send(mail.clone()).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let expected = format!(
        r#"{{"kind":"reset-password","to":"ada@example.com","subject":"Choose a new password","url":"{}","token":"s3cret""#,
        mail.url
    );
    assert_eq!(text, format!("{expected}}}\n{expected},\"newEmail\":\"ada@example.org\"}}\n"));
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = vec![folder.path().join("missing/outbox.jsonl")];
    if cfg!(target_os = "linux") {
        paths.push("/dev/full".into());
    }
    for path in paths {
        let error = FileMailer::new(&path).send(mail_to("ada@example.com")).await.unwrap_err();
        assert!(!error.is_permanent() && error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}
