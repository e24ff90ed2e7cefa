//! Plays the window: each line of standard input is a command as JSON, each line of output what a window would get. With a server at its
//! place (`hallpass serve`):
//!
//! ```sh
//! cargo run -q -p example-native-client <<'END'
//! {"command":"sign_up","name":"Ada","email":"ada.native@example.com","password":"correct horse"}
//! {"command":"me"}
//! {"command":"sign_out"}
//! {"command":"me"}
//! END
//! ```
//!
//! With `--features keyring` the token is in the keyring of the operating system, and in a file of the user's otherwise. `AUTH_URL` names
//! another server than `http://127.0.0.1:3000`.

use std::{env, error::Error};

use example_native_client::{Backend, Problem};
#[cfg(not(feature = "keyring"))]
use hallpass_client::store::FileTokenStore;
#[cfg(feature = "keyring")]
use hallpass_client::store::KeyringTokenStore;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it plays a window")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("AUTH_URL").unwrap_or_else(|_| "http://127.0.0.1:3000".into());
    #[cfg(feature = "keyring")]
    let store = KeyringTokenStore::new("example-native-client")?;
    #[cfg(not(feature = "keyring"))]
    let store = FileTokenStore::new(FileTokenStore::default_path()?.with_file_name("native-client.json"));
    let backend = Backend::new(&url, store)?;
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = match serde_json::from_str(&line) {
            Ok(command) => backend.invoke(command).await,
            Err(error) => Err(Problem { code: "BAD_COMMAND".into(), message: error.to_string() }),
        };
        println!("{}", answer.map_or_else(|problem| json!({ "problem": problem }), |user| json!({ "user": user })));
    }
    Ok(())
}
