// Proves that the comparison notices what it should: two instances of the original, one of whose answers is falsified
// on the way, must be found different; unfalsified they must be found equal.
import { runFlow } from "./lib/flow.mjs";
import { altered } from "./lib/copies.mjs";
import { jwt, readJwt } from "./lib/jwt.mjs";
import { accounts, idp, signIn } from "./lib/oauth.mjs";
import { startOracle } from "./lib/servers.mjs";
import { flipped } from "./lib/scenario.mjs";

const FLOW = {
  name: "self-test",
  async run(t) {
    const as = ($) => ({ authorization: `Bearer ${$.ann.token}` });
    await t.signUp("ann", { rememberMe: false });
    await t.signIn("ann", "two");
    await t.get("/get-session", as);
    await t.get("/list-sessions", as);
    await t.get("/list-accounts", as);
    await t.post("/update-user", { name: "Anna" }, as);
    await t.get("/get-session", as);
    await t.get("/get-session", { authorization: "Bearer unknown" });
    await t.get("/list-sessions", {});
    await t.get("/nothing");
  },
};

const OAUTH_FLOW = {
  name: "self-test of OAuth",
  scenario: (at) => ({ options: { account: { storeAccountCookie: true, encryptOAuthTokens: true } }, plugins: { genericOAuth: { config: [idp(at.claims)] } } }),
  lifetimes: [3600],
  async run(t) {
    await signIn(t, "ann");
    await accounts(t, "ann");
    await t.post("/get-access-token", ($) => ({ accountId: $.ann.accounts.idp }), ($) => ({ authorization: `Bearer ${$.ann.signed}` }));
    await t.get("/callback/idp?state=unknown");
  },
};

const header = (name, change) => (answer) => ({
  ...answer,
  headers: answer.headers.flatMap(([key, value]) => {
    const changed = key === name ? change(value) : value;
    return changed === undefined ? [] : [[key, changed]];
  }),
});
const body = (change) => (answer) => ({ ...answer, body: change(answer.body) });
const shift = (date, seconds) => new Date(Date.parse(date) + seconds * 1000).toISOString();

const FALSIFICATIONS = {
  "a status": (answer) => ({ ...answer, status: answer.status === 401 ? 403 : answer.status }),
  "a reason phrase": (answer) => ({ ...answer, reason: answer.reason === "Unauthorized" ? "" : answer.reason }),
  "a missing content type": header("content-type", () => undefined),
  "a charset": header("content-type", (value) => `${value}; charset=utf-8`),
  "a header that nobody asked for": (answer) => ({ ...answer, headers: [...answer.headers, ["www-authenticate", "Bearer"]] }),
  "a missing set-auth-token": header("set-auth-token", () => undefined),
  "an encoded set-auth-token": header("set-auth-token", encodeURIComponent),
  "an unsigned set-auth-token": header("set-auth-token", (value) => value.split(".")[0]),
  "a missing expose header": header("access-control-expose-headers", () => undefined),
  "a missing cache-control": header("cache-control", () => undefined),
  "cookies in another order": (answer) => ({ ...answer, headers: [...answer.headers].reverse() }),
  "a missing HttpOnly": header("set-cookie", (value) => value.replace("; HttpOnly", "")),
  "attributes in another order": header("set-cookie", (value) => value.replace("Path=/; HttpOnly", "HttpOnly; Path=/")),
  "a cookie that is not encoded": header("set-cookie", (value) => decodeURIComponent(value)),
  "a signature of another secret": header("set-cookie", (value) => value.replace(/\.[A-Za-z0-9]/, (text) => (text === ".A" ? ".B" : ".A"))),
  "a cookie that is not dropped": header("set-cookie", (value) => (value.includes("Max-Age=0") ? undefined : value)),
  "another token in the body": body((text) => text.replace(/"token":"(.)(.)/, (_, a, b) => `"token":"${b}${a}`)),
  "the user's id for the session's": body((text) => text.replace(/"userId":"[^"]*","id":"([^"]*)"/, '"userId":"$1","id":"$1"')),
  "another name": body((text) => text.replace('"Anna"', '"ann"')),
  "null for an empty text": body((text) => text.replace('"userAgent":""', '"userAgent":null')),
  "a number for a boolean": body((text) => text.replace('"emailVerified":false', '"emailVerified":0')),
  "a missing field": body((text) => text.replace('"image":null,', "")),
  "an empty object for null": body((text) => (text === "null" ? "{}" : text)),
  "no body for null": body((text) => (text === "null" ? "" : text)),
  "a date without milliseconds": body((text) => text.replaceAll(/\.\d{3}Z/g, "Z")),
  "an expiry five seconds late": body((text) => text.replace(/("expiresAt":")([^"]*)/, (_, key, date) => key + shift(date, 5))),
  "an updatedAt that was not touched": body((text) => text.replace(/("user":.*"createdAt":")([^"]*)(","updatedAt":")[^"]*/, "$1$2$3$2")),
  "a list the other way round": body((text) => (text.startsWith("[{") ? JSON.stringify(JSON.parse(text).reverse()) : text)),
};

const renamed = (claims) => Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(claims, "base64url")), name: "Another" })).toString("base64url");

// What is changed in the URL is changed in the header alone, so that the way to the provider still leads there.
const OAUTH_FALSIFICATIONS = {
  "another scope": header("location", (value) => value.replace("scope=openid+email", "scope=openid+mail")),
  "parameters in another order": header("location", (value) => value.replace(/(response_type=code)&(client_id=post)/, "$2&$1")),
  "a state that is not the cookie's": header("location", (value) => value.replace(/state=(.)(.)/, "state=$2$1")),
  "no nonce": header("location", (value) => value.replace(/&nonce=[^&]*/, "")),
  "a nonce for the state": header("location", (value) => value.replace(/(state=)([^&]*)(.*nonce=)([^&]*)/, "$1$4$3$2")),
  "a shorter code challenge": header("location", (value) => value.replace(/(code_challenge=.{42}).(?=&|$)/, "$1")),
  "another error": header("location", (value) => value.replace("error=state_mismatch", "error=state_not_found")),
  "an account cookie that was tampered with": header("set-cookie", (value) => value.replace(/(account_data=.{400})(.)/, (_, head, one) => `${head}${one === "A" ? "B" : "A"}`)),
  "a state cookie that is kept": header("set-cookie", (value) => (value.startsWith("better-auth.state=;") ? undefined : value)),
  "an ID token with another name in it": body((text) => text.replace(/("idToken":"[^.]*\.)([^.]*)/, (_, head, claims) => head + renamed(claims))),
  "an ID token without its signature": body((text) => text.replace(/("idToken":"[^.]*\.[^.]*\.)[^"]*/, "$1")),
  "a token that lives an hour longer": body((text) => text.replace(/("accessTokenExpiresAt":")([^"]*)/, (_, key, date) => key + shift(date, 3600))),
  "scopes as text": body((text) => text.replace(/"scopes":\[([^\]]*)\]/, (_, list) => `"scopes":"${list.replaceAll('"', "")}"`)),
};

// The same for mails: each kind of them is sent once.
const MAIL_FLOW = {
  name: "self-test of mails",
  scenario: {
    options: {
      emailAndPassword: { sendResetPassword: true },
      emailVerification: { sendVerificationEmail: true, sendOnSignUp: true },
      user: { changeEmail: { enabled: true, sendChangeEmailConfirmation: true }, deleteUser: { enabled: true, sendDeleteAccountVerification: true } },
    },
  },
  async run(t) {
    const as = ($) => ({ authorization: `Bearer ${$.ann.token}` });
    await t.signUp("ann", { callbackURL: "/in" });
    await t.post("/request-password-reset", { email: "ann@example.com", redirectTo: "/reset" });
    t.database((database) => database.exec("update user set emailVerified = true"));
    await t.post("/change-email", { newEmail: "new@example.com" }, as);
    await t.post("/delete-user", {}, as);
    await t.get("/get-session", as);
  },
};

const mail = (kind, change) => (mails) => mails.flatMap((one) => (one.kind === kind ? change(one) : [one]));
/** Says other claims, or another header, under a right signature. */
const claims = (change) => mail("verify-email", (one) => {
  const { header, claims } = readJwt(one.token);
  const [newClaims, newHeader = header] = change(claims, header);
  const token = jwt(newClaims, { header: newHeader });
  return [{ ...one, token, url: one.url.replace(one.token, token) }];
});

const MAIL_FALSIFICATIONS = {
  "a mail that was not sent": mail("reset-password", () => []),
  "a mail sent twice": mail("reset-password", (one) => [one, one]),
  "a mail of another kind": mail("change-email-confirmation", (one) => [{ ...one, kind: "verify-email" }]),
  "a mail to another address": mail("change-email-confirmation", (one) => [{ ...one, to: one.newEmail }]),
  "a mail without the new address": mail("change-email-confirmation", ({ newEmail, ...one }) => [one]),
  "a link with another token": mail("reset-password", (one) => [{ ...one, url: one.url.replace(one.token, one.token.split("").reverse().join("")) }]),
  "a link to another place": mail("reset-password", (one) => [{ ...one, url: one.url.replace("callbackURL=%2Freset", "callbackURL=/reset") }]),
  "a token that is too long": mail("reset-password", (one) => [{ ...one, token: `${one.token}a`, url: one.url.replace(one.token, `${one.token}a`) }]),
  "a token of another alphabet": mail("delete-account", (one) => [{ ...one, token: `A${one.token.slice(1)}`, url: one.url.replace(one.token, `A${one.token.slice(1)}`) }]),
  "a verification token of another secret": mail("verify-email", (one) => [{ ...one, token: `${one.token.slice(0, -4)}AAAA` }]),
  "claims in another order": claims(({ email, ...more }) => [{ ...more, email }]),
  "a claim too many": claims((all) => [{ ...all, updateTo: "x" }]),
  "another lifetime": claims((all) => [{ ...all, exp: all.exp + 60 }]),
  "a token issued earlier": claims((all) => [{ ...all, iat: all.iat - 60, exp: all.exp - 60 }]),
  "the id of another": claims((all) => [{ ...all, userId: all.userId.split("").reverse().join("") }]),
  "another header": claims((all, header) => [all, { ...header, typ: "JWT" }]),
};

// And for copies of sessions, which are opened before they are compared.
const COPY_FLOW = {
  name: "self-test of copies",
  scenario: { options: { session: { cookieCache: { enabled: true } } } },
  run: (t) => t.signUp("ann"),
};
const copy = (change, secret) =>
  header("set-cookie", (line) => line.replace(/(session_data=)([^;]+)/, (_, name, value) => name + altered(value, change, secret)));

const COPY_FALSIFICATIONS = {
  "a copy of another secret": copy(() => {}, "another secret"),
  "a copy of another version": copy((all) => { all.version = "2"; }),
  "a copy good for longer": copy((all) => { all.expiresAt += 5000; }),
  "a copy made earlier": copy((all) => { all.updatedAt -= 60_000; all.expiresAt -= 60_000; }),
  "a copy of another user": copy((all) => { all.user.name = "Ben"; }),
  "a copy with a key too many": copy((all) => { all.session.more = null; }),
  "a copy whose records have their keys in another order": copy((all) => { const { name, ...more } = all.user; all.user = { ...more, name }; }),
  "a copy with its keys in another order": copy((all) => { const { session } = all; delete all.session; all.session = session; }),
  "a copy that is not signed": header("set-cookie", (line) => line.replace(/(session_data=.{40})./, "$1_")),
};

/** Resolves to { steps, different: [text] }, where "different" means that the comparison failed its test. */
export async function runSelfTest({ print = console.log }) {
  const total = { steps: 0, different: [] };
  const expect = async (title, noticed, play) => {
    total.steps += 1;
    const { different } = await play();
    if (different.length > 0 === noticed) print(`  ${noticed ? "noticed" : "equal  "}  ${title}`);
    else {
      total.different.push(`  ${noticed ? "NOT NOTICED" : "NOT EQUAL"}  ${title}\n${different.join("\n")}`);
      print(total.different.at(-1));
    }
  };
  const pairOf = (change) => (given) => Promise.all([startOracle(given), startOracle(change(given), { name: "second oracle" })]);
  await expect("nothing changed", false, () => runFlow(FLOW, pairOf((given) => given)));
  await expect("requireSignature on one side only", true, () => runFlow(FLOW, pairOf(flipped)));
  for (const [title, mutate] of Object.entries(FALSIFICATIONS)) {
    await expect(title, true, () => runFlow(FLOW, pairOf((given) => given), { mutate }));
  }
  await expect("nothing changed in OAuth", false, () => runFlow(OAUTH_FLOW, pairOf((given) => given)));
  for (const [title, mutate] of Object.entries(OAUTH_FALSIFICATIONS)) {
    await expect(title, true, () => runFlow(OAUTH_FLOW, pairOf((given) => given), { mutate }));
  }
  await expect("no mail changed", false, () => runFlow(MAIL_FLOW, pairOf((given) => given)));
  for (const [title, mutateMails] of Object.entries(MAIL_FALSIFICATIONS)) {
    await expect(title, true, () => runFlow(MAIL_FLOW, pairOf((given) => given), { mutateMails }));
  }
  await expect("no copy changed", false, () => runFlow(COPY_FLOW, pairOf((given) => given)));
  for (const [title, mutate] of Object.entries(COPY_FALSIFICATIONS)) {
    await expect(title, true, () => runFlow(COPY_FLOW, pairOf((given) => given), { mutate }));
  }
  return total;
}
