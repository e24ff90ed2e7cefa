// Who has an account at the OpenID provider, and which applications it knows. `login_hint` names one of the accounts.
import { ORIGIN } from "../lib/scenario.mjs";

export const ACCOUNTS = {
  ann: { email: "ann@example.com", email_verified: true, name: "Ann Example", picture: "https://img.example.com/ann.png" },
  bob: { email: "bob@example.com", email_verified: false, name: "Bob Example" },
  carl: { email: "carl@example.com", email_verified: true },
  nomail: { name: "Without Mail", picture: "https://img.example.com/nomail.png" },
  twin: { email: "ann@example.com", email_verified: true, name: "Another Ann", picture: "https://img.example.com/twin.png" },
  doubtful: { email: "ann@example.com", email_verified: false, name: "Doubtful Ann" },
  loud: { email: "Ann@EXAMPLE.com", email_verified: true, name: "LOUD ANN" },
  stranger: { email: "stranger@example.com", email_verified: true, name: "A Stranger" },
};

/** The names under which the flows register this provider: each needs its own redirect URI. */
const PROVIDER_IDS = ["idp", "second", "third"];
const redirect_uris = ["/api/auth", "/auth"].flatMap((base) => PROVIDER_IDS.map((id) => `${ORIGIN}${base}/callback/${id}`));

const client = (client_id, more) => ({
  client_id,
  redirect_uris,
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  post_logout_redirect_uris: [`${ORIGIN}/bye`, `${ORIGIN}/`],
  ...more,
});

/** The secret needs form encoding before it can go into a Basic header. */
export const CLIENT_SECRET = "s3cret: with+signs&more%41/~*";

export const CLIENTS = [
  client("basic", { client_secret: CLIENT_SECRET, token_endpoint_auth_method: "client_secret_basic", id_token_signed_response_alg: "RS256" }),
  client("post", { client_secret: CLIENT_SECRET, token_endpoint_auth_method: "client_secret_post", id_token_signed_response_alg: "ES256" }),
  client("public", { token_endpoint_auth_method: "none", id_token_signed_response_alg: "RS256" }),
  // Its access tokens are as good as expired when they are issued, by the five seconds that the package allows itself.
  client("brief", { client_secret: CLIENT_SECRET, token_endpoint_auth_method: "client_secret_post", id_token_signed_response_alg: "RS256" }),
];

export const LIFETIMES = { access: 3600, brief: 4 };
