//! A provider of the folder `conformance`, where users have accounts.

use serde_json::{Value, json};

use crate::npm::Node;

/// Starts it, tells where it is, and mints ID tokens.
const PROGRAM: &str = r#"
import { createInterface } from "node:readline";
import { FAULTY_CLIENT, FAULTY_SECRET, encode, startFaults } from "./providers/faults.mjs";
const { url, mint } = await startFaults();
console.log(JSON.stringify({ url, clientId: FAULTY_CLIENT, clientSecret: FAULTY_SECRET }));
const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
    const { sub, email } = JSON.parse(line);
    const user = { sub, email, email_verified: true, name: "Ada" };
    const accessToken = encode({ user });
    const refreshToken = encode({ user, idToken: { claims: { sub, email } }, answer: { expires_in: 3600, scope: "email profile" } });
    console.log(JSON.stringify({ token: await mint({ claims: { sub, email } }), accessToken, refreshToken }));
});
lines.on("close", () => process.exit(0));
"#;

pub(crate) struct Provider {
    node: Node,
    pub(crate) url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

impl Provider {
    pub(crate) async fn start() -> Option<Self> {
        let mut node = Node::start(&["--input-type=module", "--eval", PROGRAM])?;
        let said = node.hear().await;
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        Some(Self { url: text("url"), client_id: text("clientId"), client_secret: text("clientSecret"), node })
    }

    pub(crate) fn discovery_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.url)
    }

    /// What its own library would bring a native client: an ID token, an access token and a refresh token.
    pub(crate) async fn tokens(&mut self, sub: &str, email: &str) -> Value {
        self.node.tell(&json!({ "sub": sub, "email": email })).await;
        self.node.hear().await
    }
}
