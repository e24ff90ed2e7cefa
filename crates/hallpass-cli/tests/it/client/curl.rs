//! The token in the hands of curl, by way of a shell.

use std::process::Command;

use crate::support::{Server, err, out};

use super::home::Home;

#[test]
fn curl_takes_the_token_in_three_ways() {
    let server = Server::start("");
    server.sign_up("ada");
    let home = Home::new();
    home.login(&server, "ada", &[]);
    for line in [
        r#"curl -sS -H "authorization: Bearer $($HALLPASS token)" "$URL""#,
        r#"curl -sS -H "$($HALLPASS token --header)" "$URL""#,
        r#"$HALLPASS token --header | curl -sS -H @- "$URL""#,
    ] {
        let mut shell = Command::new("sh");
        home.settle(shell.args(["-euc", line]));
        shell.env("HALLPASS", env!("CARGO_BIN_EXE_hallpass"));
        shell.env("URL", format!("{}/api/auth/get-session", server.url())).env("no_proxy", "*");
        let output = shell.output().unwrap();
        assert!(output.status.success() && err(&output).is_empty(), "{line}: {}", err(&output));
        assert!(out(&output).contains(r#""email":"ada@example.com""#), "{line}: {}", out(&output));
    }
}
