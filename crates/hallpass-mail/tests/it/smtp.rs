use std::time::Duration;

use hallpass::{
    EmailAndPassword, Hallpass, SystemClock,
    mail::{MailError, Mailer},
    store::MemoryStore,
};
use hallpass_mail::SmtpMailer;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{mail_server::MailServer, mail_to};

fn mailer(url: &str) -> SmtpMailer {
    SmtpMailer::new(url, "Example <no-reply@example.com>", SystemClock).unwrap()
}

fn mailer_to(server: &MailServer) -> SmtpMailer {
    mailer(&format!("smtp://127.0.0.1:{}", server.port))
}

#[tokio::test]
async fn a_mail_arrives_with_its_link_in_both_parts() {
    let Some(mut server) = MailServer::plain().await else { return };
    mailer(&format!("smtp://127.0.0.1:{}/auth.example.com", server.port))
        .send(mail_to("ada@example.com"))
        .await
        .unwrap();
    let (mail, _) = server.mail().await;
    assert_eq!((&mail["from"], &mail["to"]), (&json!("no-reply@example.com"), &json!(["ada@example.com"])));
    assert_eq!(mail["name"], "auth.example.com");
    let text = mail["text"].as_str().unwrap();
    for part in [
        "From: Example <no-reply@example.com>\r\n",
        "To: ada@example.com\r\n",
        "Subject: Choose a new password\r\n",
        "Message-ID: <MBJ7KpYV0EUCJBFDQCu2gBdUqXkT4qpl@example.com>\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: multipart/alternative",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "\r\nhttps://api.example.com/api/auth/reset-password/s3cret?callbackURL=%2Fnew&x=1\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
        "<a href=\"https://api.example.com/api/auth/reset-password/s3cret?callbackURL=%2Fnew&amp;x=1\">",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(mail["raw"].as_str().unwrap().lines().all(|line| line.len() <= 78), "{}", mail["raw"]);
}

#[tokio::test]
async fn one_connection_carries_many_mails() {
    let Some(mut server) = MailServer::plain().await else { return };
    let mailer = mailer_to(&server);
    let mut connections = 0;
    for _ in 0..3 {
        mailer.send(mail_to("ada@example.com")).await.unwrap();
        connections += server.mail().await.1;
        // The connection is put back a moment after the mail is gone.
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(connections, 1);
}

#[tokio::test]
async fn who_is_refused_is_refused_for_good_or_for_now_and_the_address_is_not_told() {
    let Some(mut server) = MailServer::plain().await else { return };
    let mailer = mailer_to(&server);
    for (address, is_final) in [("refused@example.com", true), ("busy@example.com", false)] {
        let error = mailer.send(mail_to(address)).await.unwrap_err();
        assert_eq!(error.is_permanent(), is_final, "{error}");
        assert!(error.to_string().contains("mailbox") && !error.to_string().contains(address), "{error}");
    }
    assert!(mailer.send(mail_to("no address")).await.unwrap_err().is_permanent());
    assert!(mailer.send(mail_to("a@example.com\r\nBcc: b@example.com")).await.unwrap_err().is_permanent());
    mailer.send(mail_to("ada@example.com")).await.unwrap();
    assert_eq!(server.mail().await.0["to"], json!(["ada@example.com"]));
}

#[tokio::test]
async fn user_and_password_are_shown_to_the_server_and_to_nobody_else() {
    let options = json!({ "plain": true, "user": "ada@example.com", "password": "p/w" });
    let Some(mut server) = MailServer::start(options).await else { return };
    let with = |password| mailer(&format!("smtp://ada%40example.com:{password}@127.0.0.1:{}", server.port));
    let error = with("wr%2Fong").send(mail_to("ada@example.com")).await.unwrap_err();
    assert!(error.is_permanent() && !format!("{error} {error:?}").contains("wr/ong"), "{error:?}");
    let right = with("p%2Fw");
    assert!(!format!("{right:?}").contains("p/w") && !format!("{right:?}").contains("p%2Fw"));
    right.send(mail_to("ada@example.com")).await.unwrap();
    assert_eq!(server.mail().await.0["user"], "ada@example.com");
}

#[tokio::test]
async fn tls_is_checked_and_not_given_up_where_it_is_required() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    for (options, scheme, query) in [
        (json!({ "secure": true, "key": key, "cert": cert }), "smtps", ""),
        (json!({ "key": key, "cert": cert }), "smtp", "?tls=required"),
        (json!({ "key": key, "cert": cert }), "smtp", "?tls=opportunistic"),
    ] {
        let Some(mut server) = MailServer::start(options).await else { return };
        let url = format!("{scheme}://localhost:{}{query}", server.port);
        let error = mailer(&url).send(mail_to("ada@example.com")).await.unwrap_err();
        assert!(error.to_string().contains("certificate") && !error.is_permanent(), "{url}: {error}");
        mailer(&url).trust(cert.as_bytes()).unwrap().send(mail_to("ada@example.com")).await.unwrap();
        assert_eq!(server.mail().await.0["secure"], true, "{url}");
    }
    let Some(mut server) = MailServer::plain().await else { return };
    let url = |tls| format!("smtp://localhost:{}?tls={tls}", server.port);
    let (required, opportunistic) = (url("required"), url("opportunistic"));
    let error = mailer(&required).send(mail_to("bob@example.com")).await.unwrap_err();
    assert!(error.to_string().contains("STARTTLS"), "{error}");
    mailer(&opportunistic).send(mail_to("ada@example.com")).await.unwrap();
    assert_eq!(server.mail().await.0["to"], json!(["ada@example.com"]));
}

#[test]
fn what_is_no_certificate_is_not_trusted() {
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
        mailer("smtps://localhost").trust(pem.as_bytes()).unwrap_err();
    }
}

#[tokio::test]
async fn a_server_that_comes_up_later_gets_the_mail() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let auth = Hallpass::builder()
        .secret("a secret of at least thirty-two characters")
        .base_url("https://api.example.com")
        .store(MemoryStore::new())
        .email_and_password(EmailAndPassword::default())
        .mailer(mailer(&format!("smtp://127.0.0.1:{port}")))
        .build()
        .unwrap();
    let post = |path: &str, body: serde_json::Value| {
        let request = axum::http::Request::post(format!("https://api.example.com/api/auth{path}"));
        request.header("content-type", "application/json").body(body.to_string()).unwrap()
    };
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "correct horse" });
    assert_eq!(auth.handle(post("/sign-up/email", body)).await.status(), 200);
    let asked = auth.handle(post("/request-password-reset", json!({ "email": "ada@example.com" }))).await;
    assert_eq!(asked.status(), 200);
    // The first try has failed by now: nobody listens yet.
    let Some(mut server) = MailServer::start(json!({ "plain": true, "port": port })).await else { return };
    auth.finish_background_work().await;
    let (mail, _) = server.mail().await;
    assert!(mail["text"].as_str().unwrap().contains("\r\nhttps://api.example.com/api/auth/reset-password/"));
}

/// A server that is silent after the first mail and says yes to all that follow.
#[tokio::test]
async fn a_connection_that_fell_silent_is_not_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (silent, _) = listener.accept().await.unwrap();
        let silent = tokio::spawn(converse(silent, false));
        let (other, _) = listener.accept().await.unwrap();
        let seen = converse(other, true).await;
        silent.abort();
        seen
    });
    let mailer = mailer(&format!("smtp://127.0.0.1:{port}")).timeout(Duration::from_millis(300));
    let error: MailError = mailer.send(mail_to("ada@example.com")).await.unwrap_err();
    assert!(error.to_string().contains("too long") && !error.is_permanent(), "{error}");
    // Time for the connection to be put back, if it were.
    sleep(Duration::from_millis(50)).await;
    mailer.send(mail_to("bob@example.com")).await.unwrap();
    assert!(server.await.unwrap().iter().any(|line| line == "RCPT TO:<bob@example.com>"));
}

/// Talks SMTP to the end of a mail, and answers to it or not. Returns what was said.
async fn converse(stream: TcpStream, answers: bool) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    let (mut seen, mut is_content) = (Vec::new(), false);
    stream.write_all(b"220 here\r\n").await.unwrap();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let line = line.trim_end().to_owned();
        let answer: &[u8] = match &*line {
            "." if answers => {
                stream.write_all(b"250 thanks\r\n").await.unwrap();
                return seen;
            }
            "." => {
                std::future::pending::<()>().await;
                return seen;
            }
            "DATA" => b"354 go on\r\n",
            _ if is_content => b"",
            _ => b"250 fine\r\n",
        };
        is_content |= line == "DATA";
        seen.push(line);
        stream.write_all(answer).await.unwrap();
    }
}
