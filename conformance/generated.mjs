// Requests drawn from a seed, sent to both servers in lock-step:
// credential × cookie × endpoint × method × body × origin × content type.
//
// They come in rounds. Each starts by writing the same users, sessions and tokens into both databases, and has a
// generator of its own, seeded by the seed and the round's number. So request N is the same in every run, but for times
// and for what mails of its round held, and can be replayed from the start of its round.
import { TARGETS } from "./flows/origin.mjs";
import { signature, signed, signedCookie } from "./lib/cookies.mjs";
import { jwt } from "./lib/jwt.mjs";
import { explain, pair } from "./lib/pair.mjs";
import { ORIGIN, scenario } from "./lib/scenario.mjs";
import { generator } from "./lib/random.mjs";

const ROUND = 50;
// How long mails may be late at the end of a round, in ms. Later ones would show in the next.
const SETTLING = 50;
const PASSWORD = "correct horse battery";
const EVIL = "https://evil.example";
const UNKNOWN = "abcdefghijklmnopqrstuvwxyzABCDEF";

// name: [user, created, expires], in seconds from the start of the round; `dead` has no row.
const SESSIONS = {
  ann: ["ann", 0, 604_800],
  ann2: ["ann", 0, 604_800],
  bob: ["bob", 0, 604_800],
  due: ["ann", -86_500, 518_000],
  stale: ["bob", -172_000, 604_000],
  short: ["ann", 0, 86_400],
  expired: ["ann", -700_000, -100_000],
  dead: null,
};
const ALIVE = ["ann", "ann2", "bob", "due", "short"];

// identifier: [user, expires], likewise.
const VERIFICATIONS = {
  "reset-password:annRESETannannannannannan": ["ann", 3600],
  "reset-password:bobRESETbobbobbobbobbobbo": ["bob", 3600],
  "reset-password:oldRESETannannannannannan": ["ann", -10],
  "delete-account-anndelannannannannannannannannan": ["ann", 86_400],
  "delete-account-bobdelbobbobbobbobbobbobbobbobbo": ["bob", 86_400],
  "delete-account-olddelannannannannannannannannan": ["ann", -10],
};
const STORED_TOKENS = Object.keys(VERIFICATIONS).map((identifier) => identifier.slice("reset-password:".length));

const SHARED = {
  trustedOrigins: ["https://app.example.com", "myapp://"],
  session: { additionalFields: { theme: { type: "string", required: false } } },
};
const USER = { additionalFields: { nickname: { type: "string", required: false } } };

// A provider that is away: what is drawn here never comes so far as to need it.
const PROVIDER = { providerId: "idp", clientId: "us", clientSecret: "hush", authorizationUrl: "https://idp.example.com/authorize", tokenUrl: "http://127.0.0.1:1/token" };

// Three pairs take turns, because `requireSignature` changes what most credentials are worth, the senders what is said, and
// copies of sessions what is looked up.
const SCENARIOS = [
  {
    options: {
      ...SHARED,
      emailAndPassword: { sendResetPassword: true },
      emailVerification: { sendVerificationEmail: true, sendOnSignUp: true, autoSignInAfterVerification: true },
      user: {
        ...USER,
        changeEmail: { enabled: true, updateEmailWithoutVerification: true, sendChangeEmailConfirmation: true },
        deleteUser: { enabled: true, sendDeleteAccountVerification: true },
      },
    },
  },
  {
    bearer: { requireSignature: true },
    options: {
      ...SHARED,
      emailAndPassword: { requireEmailVerification: true, sendResetPassword: true, revokeSessionsOnPasswordReset: true },
      emailVerification: { sendVerificationEmail: true, sendOnSignIn: true },
      user: { ...USER, changeEmail: { enabled: true }, deleteUser: { enabled: true } },
    },
  },
  {
    plugins: { genericOAuth: { config: [PROVIDER, { ...PROVIDER, providerId: "closed", disableImplicitSignUp: true, pkce: false, scopes: ["a b", "c"] }] } },
    options: {
      ...SHARED,
      session: { ...SHARED.session, cookieCache: { enabled: true } },
      user: { ...USER, deleteUser: { enabled: true } },
    },
  },
];

/** Resolves to { steps, different: [text] }. With `only`, replays that request and what came before it in its round. */
export async function runGenerated({ startPair, kind, seed, count, only, print = console.log }) {
  const total = { steps: 0, different: [] };
  const pairs = await Promise.all(SCENARIOS.map((given) => startPair(scenario(given))));
  const play = (round, size, skip) => playRound({ servers: pairs[round % pairs.length], kind, seed, round, size, skip });
  const report = async (found) => {
    const [round, skip] = [Math.floor(found.index / ROUND), found.index % ROUND];
    const alone = (await play(round, 1, skip)).length > 0;
    const replay = `    replay: node run.mjs generated --seed ${seed} --only ${found.index}` +
      ` (it ${alone ? "also differs" : "does not differ"} without the ${skip} requests before it in its round)`;
    total.different.push(`  seed ${seed}, request ${found.index}\n${found.text}\n${replay}`);
    print(total.different.at(-1));
  };
  try {
    await Promise.all(pairs.map(signUp));
    if (only !== undefined) {
      const found = await play(Math.floor(only / ROUND), (only % ROUND) + 1);
      total.steps = 1;
      for (const one of found.filter(({ index }) => index === only)) await report(one);
      return total;
    }
    for (let round = 0; total.steps < count; round += 1) {
      const size = Math.min(ROUND, count - total.steps);
      for (const found of await play(round, size)) await report(found);
      total.steps += size;
      if (total.steps % 1000 === 0) print(`  ${total.steps} requests, ${total.different.length} different`);
    }
    return total;
  } finally {
    await Promise.all(pairs.flat().map((server) => server.stop()));
  }
}

/** Plays requests `skip` to `skip + size` of a round; those before are drawn, to have the same numbers, but not sent. */
async function playRound({ servers, kind, seed, round, size, skip = 0 }) {
  const both = pair(...servers, { lifetimes: [86_400_000, 604_800_000] });
  const names = servers.map((server) => server.name);
  const different = [];
  try {
    restore(both, round);
    const random = { ...generator(seed, round), values: valuesFor(kind) };
    for (let n = 0; n < skip + size; n += 1) {
      const request = drawRequest(random);
      if (n < skip) continue;
      const told = await both.ask(request);
      if (!told.equal) different.push({ index: round * ROUND + n, text: explain(told, names) });
    }
    const stray = await both.strayMails(SETTLING);
    if (!stray.equal) different.push({ index: round * ROUND + skip + size - 1, text: `after it, or before:\n${explain(stray, names)}` });
    return different;
  } finally {
    both.close();
  }
}

/** The rows of ann and bob as each server has made them, by its database. */
const made = new Map();

async function signUp(servers) {
  const both = pair(...servers);
  for (const name of ["ann", "bob"]) {
    const told = await both.ask({ method: "POST", path: "/sign-up/email", json: { name, email: `${name}@example.com`, password: PASSWORD } });
    if (told.answers.some(({ status }) => status !== 200)) throw new Error(`${name} cannot be signed up\n${explain(told, ["one", "other"])}`);
  }
  both.database((database) => {
    const users = database.prepare("select * from user").all();
    const accounts = users.map(({ id }) => database.prepare("select * from account where userId = ?").get(id));
    made.set(database.name, { users, accounts });
  });
  both.close();
}

const userId = (name) => `${name}USER`.padEnd(32, name);

const accountId = (name, provider) => `${name}${provider}`.padEnd(32, "A");

/** Brings both databases into the state in which a round starts. */
function restore(both, round) {
  const now = Date.now();
  const date = (seconds) => new Date(now + seconds * 1000).toISOString();
  const dates = { createdAt: date(0), updatedAt: date(0) };
  // Every other turn of a pair finds the addresses verified.
  const emailVerified = Math.floor(round / SCENARIOS.length) % 2;
  // Not both an account at a provider and a reset link: hallpass puts such accounts out on purpose (COMPATIBILITY D62).
  const withProvider = SCENARIOS[round % SCENARIOS.length].plugins !== undefined;
  both.database((database, $) => {
    for (const table of ["session", "account", "verification", "user"]) database.exec(`delete from ${table}`);
    const insert = (table, row) => {
      const columns = Object.keys(row);
      database.prepare(`insert into ${table} (${columns.map((name) => `"${name}"`)}) values (${columns.map(() => "?")})`).run(Object.values(row));
    };
    const { users, accounts } = made.get(database.name);
    for (const [index, user] of users.entries()) {
      const id = userId(user.name);
      insert("user", { ...user, ...dates, id, emailVerified });
      insert("account", { ...accounts[index], ...dates, userId: id, accountId: id, id: accountId(user.name, "credential") });
      if (user.name !== "ann" || !withProvider) continue;
      const tokens = { accessToken: "at", refreshToken: "rt", idToken: null, accessTokenExpiresAt: date(3600), scope: "a,b" };
      insert("account", { ...accounts[index], ...dates, ...tokens, password: null, userId: id, accountId: "subject", providerId: "idp", id: accountId(user.name, "idp") });
    }
    for (const [name, row] of Object.entries(SESSIONS)) {
      const token = `${name}TOKEN`.padEnd(32, name);
      $[name] = { token, signed: signed(token), cookie: signedCookie("better-auth.session_token", token) };
      if (name === "short") $[name].cookie += `; ${signedCookie("better-auth.dont_remember", "true")}`;
      if (!row) continue;
      const [user, created, expires] = row;
      insert("session", { id: `${name}ROW`.padEnd(32, name), token, userId: userId(user), expiresAt: date(expires), createdAt: date(created), updatedAt: date(created), ipAddress: "", userAgent: "" });
    }
    for (const [index, [identifier, [user, expires]]] of Object.entries(VERIFICATIONS).entries()) {
      if (withProvider && identifier.startsWith("reset-password:")) continue;
      insert("verification", { id: `VERIFICATION${index}`.padEnd(32, "x"), identifier, value: userId(user), expiresAt: date(expires), ...dates });
    }
  });
}

// Everything random is drawn here, before either server's values are known, so that both get the same request.
function drawRequest(random) {
  const credential = random.chance(0.75) ? drawCredential(random) : () => undefined;
  const cookie = random.chance(0.5) ? drawCookie(random) : () => undefined;
  if (random.chance(0.3)) return drawMailRequest(random, { credential, cookie });
  if (random.chance(0.15)) return drawAccountRequest(random, { credential, cookie });
  const [path, method] = drawEndpoint(random);
  const body = method === "GET" && random.chance(0.9) ? () => ({}) : drawBody(random, path);
  const origin = drawOrigin(random);
  const query = random.chance(0.85) ? "" : random.pick(["?", "?disableRefresh=1", "?disableRefresh=", "?disableCookieCache=true", "?x=1&x=2", "?callbackURL=/x", `?callbackURL=${EVIL}`, "?disableRefresh=0&disableCookieCache=", "?%zz"]);
  const agent = random.chance(0.8) ? [] : [["User-Agent", random.pick(["one/1", "", "\xe9"])]];
  return ($) => ({ method, path: path + query, authorization: credential($), cookie: cookie($), ...origin, headers: [...(origin.headers ?? []), ...agent], ...body($) });
}

function drawEndpoint(random) {
  const usual = random.pick([
    ["/get-session", "GET"], ["/get-session", "GET"], ["/get-session", "GET"], ["/get-session", "POST"], ["/list-sessions", "GET"], ["/list-sessions", "GET"], ["/list-accounts", "GET"],
    ["/update-user", "POST"], ["/update-user", "POST"], ["/update-session", "POST"], ["/update-session", "POST"], ["/revoke-session", "POST"], ["/revoke-session", "POST"],
    ["/sign-in/email", "POST"], ["/sign-up/email", "POST"], ["/change-password", "POST"], ["/verify-password", "POST"], ["/ok", "GET"], ["/error", "GET"],
    ...(random.chance(0.3) ? [["/sign-out", "POST"], ["/revoke-sessions", "POST"], ["/revoke-other-sessions", "POST"]] : []),
  ]);
  if (random.chance(0.9)) return usual;
  const path = random.chance(0.5) ? usual[0] : `${usual[0]}${random.pick(["/", "//", "/x", "%20", "/../get-session", "/.", ";a"])}`;
  return [path, random.pick(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])];
}

/** A request to one of the endpoints that send mails or redeem what mails hold. */
function drawMailRequest(random, { credential, cookie }) {
  const [path, method] = random.pick([
    ["/verify-email", "GET"], ["/verify-email", "GET"], ["/verify-email", "GET"], ["/reset-password/", "GET"], ["/reset-password", "POST"], ["/request-password-reset", "POST"],
    ["/change-email", "POST"], ["/change-email", "POST"], ["/delete-user", "POST"], ["/delete-user/callback", "GET"],
    // Without a session it takes half a second.
    ...(random.chance(0.3) ? [["/send-verification-email", "POST"]] : []),
  ]);
  const token = drawMailToken(random, path);
  const target = drawTarget(random);
  const origin = random.chance(0.7) ? { origin: ORIGIN } : drawOrigin(random);
  const body = random.chance(0.8) ? drawMailBody(random, path, token, target) : drawBody(random, path);
  const inQuery = method === "GET" || random.chance(0.1);
  const named = random.chance(0.9);
  const query = ($) => {
    const pairs = [["token", path.endsWith("/") || !named ? undefined : token($)], ["callbackURL", target]];
    const text = pairs.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
    return inQuery && text ? `?${text}` : "";
  };
  const whole = ($) => path + (path.endsWith("/") ? encodeURIComponent(token($)) : "") + query($);
  return ($) => ({ method, path: whole($), authorization: credential($), cookie: cookie($), ...origin, ...(method === "GET" ? {} : body($)) });
}

/** A request to one of the endpoints about accounts at providers. */
function drawAccountRequest(random, { credential, cookie }) {
  const [path, method] = random.pick([
    ["/sign-in/social", "POST"], ["/sign-in/social", "POST"], ["/link-social", "POST"], ["/callback/", "GET"], ["/callback/", "POST"], ["/unlink-account", "POST"],
    ["/get-access-token", "POST"], ["/refresh-token", "POST"], ["/account-info", "GET"], ["/list-accounts", "GET"],
  ]);
  const provider = random.pick(["idp", "idp", "idp", "closed", "credential", "nobody", "IDP", ""]);
  const account = random.pick([accountId("ann", "idp"), accountId("ann", "idp"), accountId("ann", "credential"), accountId("bob", "credential"), "nobody", ""]);
  const origin = random.chance(0.7) ? { origin: ORIGIN } : drawOrigin(random);
  const spoilt = (value) => (random.chance(0.06) ? random.pick(random.values) : value);
  const maybe = (value) => (random.chance(0.3) ? spoilt(value) : undefined);
  const social = () => ({
    provider: spoilt(provider), callbackURL: maybe(drawTarget(random)), newUserCallbackURL: maybe(drawTarget(random)), errorCallbackURL: maybe(drawTarget(random)),
    disableRedirect: maybe(true), scopes: maybe(["x", "y z"]), requestSignUp: maybe(true), loginHint: maybe("ann@example.com"),
    additionalParams: maybe(random.pick([{ prompt: "none" }, { a: "ä b" }, { state: "x" }, { scope: "x" }, { a: 5 }])), additionalData: maybe({ a: 1 }),
    idToken: random.chance(0.1) ? random.pick([{ token: "a.b.c" }, { token: 5 }, { nonce: "x" }, {}, "x"]) : undefined,
  });
  const selection = () => random.pick([{ accountId: account }, { accountId: account }, { accountId: account, userId: userId("ann") }, { accountId: account, foo: 1 }, { useAccountCookie: true }, { useAccountCookie: false }, {}, { accountId: 5 }, { accountId: account, useAccountCookie: true }]);
  const drawn = path.endsWith("social") ? social() : path === "/unlink-account" ? { accountId: spoilt(account) } : selection();
  const answer = { code: random.pick([undefined, "c", ""]), state: random.pick([undefined, UNKNOWN, "", "x"]), error: random.pick([undefined, undefined, "access_denied", "<b>"]), error_description: random.pick([undefined, "no & no"]), iss: random.pick([undefined, "https://idp.example.com"]) };
  const pairs = (values) => Object.entries(values).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${encodeURIComponent(typeof value === "object" ? JSON.stringify(value) : value)}`).join("&");
  const query = path === "/callback/" ? `?${pairs(answer)}` : method === "GET" ? `?${pairs(drawn)}` : "";
  const whole = path + (path === "/callback/" ? provider : "") + (query === "?" ? "" : query);
  const body = method === "GET" ? {} : path === "/callback/" ? random.pick([{}, { type: "application/x-www-form-urlencoded", body: pairs(answer) }, { json: {} }]) : random.chance(0.9) ? { json: drawn } : drawBody(random, path)();
  return ($) => ({ method, path: whole, authorization: credential($), cookie: cookie($), ...origin, ...body });
}

function drawMailBody(random, path, token, target) {
  const email = random.pick(["ann@example.com", "ANN@example.com", "bob@example.com", "new@example.com", "third@example.com", "nobody@example.com", "x"]);
  // Many are too short, because a hash takes time.
  const password = random.pick(["short", "short", "a new password", "a new password", PASSWORD]);
  const withToken = random.chance(0.5);
  return ($) => {
    const json = {
      "/request-password-reset": { email, redirectTo: target },
      "/reset-password": { newPassword: password, token: token($) },
      "/change-email": { newEmail: email, callbackURL: target },
      "/delete-user": { callbackURL: target, token: withToken ? token($) : undefined, password: password === PASSWORD ? password : undefined },
      "/send-verification-email": { email, callbackURL: target },
    }[path];
    return { json };
  };
}

function drawTarget(random) {
  const usual = random.pick([undefined, undefined, "/x", "/x?y=z#w", "https://app.example.com/x", "myapp://x"]);
  return random.chance(0.75) ? usual : random.pick(TARGETS);
}

/** A token as mails hold them: one that is stored, made here, or was sent in this round; now and then changed. */
function drawMailToken(random, path) {
  // Mostly of the kind that the endpoint redeems.
  const right = random.chance(0.6);
  const ofReset = path.startsWith("/reset");
  const user = random.pick(["ann", "bob"]);
  const other = random.pick(["ann", "ann", "bob"]);
  const claims = {
    email: random.pick([...Array(12).fill(`${user}@example.com`), `${user}@example.com`.toUpperCase(), "nobody@example.com", "x", undefined]),
    updateTo: random.pick([undefined, undefined, "new@example.com", "New2@example.com", "bob@example.com", ""]),
    requestType: random.pick([undefined, "change-email-confirmation", "change-email-verification", "x"]),
    userId: random.chance(0.7) ? userId(user) : random.pick([undefined, userId(other), "x", ""]),
  };
  const age = random.chance(0.9) ? 3600 : -10;
  const secret = random.chance(0.95) ? undefined : "another secret of some length ..";
  const kind = random.pick(["verify-email", "verify-email", "reset-password", "change-email-confirmation", "delete-account"]);
  const stored = random.pick(right ? STORED_TOKENS.filter((token) => (token.length === 24) === ofReset) : STORED_TOKENS);
  const session = drawSession(random);
  const made = () => jwt({ ...claims, exp: Math.floor(Date.now() / 1000) + age }, { secret });
  const sent = ($) => $.mails.findLast((mail) => mail.kind === kind)?.token ?? stored;
  if (right) return random.pick(path === "/verify-email" ? [made, made, sent] : [() => stored, () => stored, sent]);
  const form = random.pick([made, made, made, made, () => stored, () => stored, () => stored, sent, sent, sent, ($) => $[session].token, ($) => $[session].signed, () => UNKNOWN, () => ""]);
  const change = drawChange(random);
  return ($) => change(form($));
}

/** A session's name: mostly one that is alive. */
function drawSession(random) {
  return random.pick(random.chance(0.75) ? ALIVE : Object.keys(SESSIONS));
}

function drawCredential(random) {
  const name = drawSession(random);
  const other = drawSession(random);
  if (random.chance(0.4)) return random.pick([($) => `Bearer ${$[name].token}`, ($) => `Bearer ${$[name].signed}`]);
  const form = random.pick([
    ($) => $[name].token, ($) => $[name].signed, ($) => encodeURIComponent($[name].signed),
    ($) => `${$[name].token}.${signature("else")}`, ($) => `${$[name].token}.`, ($) => `${$[name].signed}.x`, ($) => $[name].signed.replace("=", ""),
    ($) => $[name].signed.replaceAll("+", "-").replaceAll("/", "_"), ($) => `${$[name].token}.${$[other].signed.split(".")[1]}`, () => UNKNOWN, () => signed(UNKNOWN),
    ($) => `${$[name].token} ${$[other].token}`, ($) => `${$[name].token}, Bearer ${$[other].signed}`, () => "", () => ".", () => "a.b.c", () => "%", ($) => `${$[name].token}%20`,
    ($) => encodeURIComponent(encodeURIComponent($[name].signed)), ($) => $[name].signed.toLowerCase(), ($) => `"${$[name].signed}"`, () => signed("true"),
  ]);
  const change = drawChange(random);
  const scheme = random.pick([...Array(10).fill("Bearer "), "bearer ", "BEARER ", "Bearer  ", "Bearer\t", "Bearer", "Basic ", "Token ", "", "Bearer \xa0", "Bearer: "]);
  const credential = ($) => scheme + change(form($));
  if (random.chance(0.95)) return credential;
  return random.chance(0.5) ? ($) => [credential($), `Bearer ${$[other].signed}`] : ($) => [`Bearer ${$[other].token}`, credential($)];
}

/** Mostly leaves a text alone; else drops, doubles or replaces one character. */
function drawChange(random) {
  if (random.chance(0.85)) return (text) => text;
  const where = random.below(1000) / 1000;
  const put = random.pick(["", "x", ".", "%", "=", "+", " ", "-", "_", "/", "%3D", "\xff", ";", ",", "\"", "\t"]);
  const kept = random.below(2);
  return (text) => {
    const at = Math.floor(where * text.length);
    return text.slice(0, at + kept) + put + text.slice(at + 1);
  };
}

function drawCookie(random) {
  const SESSION = "better-auth.session_token";
  const one = () => {
    const name = drawSession(random);
    const change = drawChange(random);
    return random.pick([
      ...Array(10).fill(($) => $[name].cookie), ($) => `${SESSION}=${$[name].signed}`, ($) => `${SESSION}="${encodeURIComponent($[name].signed)}"`,
      ($) => `${SESSION}=${change(encodeURIComponent($[name].signed))}`, ($) => `${SESSION}=${change($[name].signed)}`, ($) => `${SESSION}=${$[name].token}`, () => `${SESSION}=`, () => `${SESSION}=${signed(UNKNOWN)}`,
      ($) => `__Secure-${$[name].cookie}`, ($) => ` ${SESSION} = ${encodeURIComponent($[name].signed)} `, () => "better-auth.session_data=abc", () => "better-auth.session_data.0=abc", () => "better-auth.session_data.1=",
      () => `better-auth.dont_remember=${encodeURIComponent(signed("true"))}`, () => "better-auth.dont_remember=true", () => `better-auth.dont_remember=${encodeURIComponent(signed("false"))}`,
      () => "theme=dark", () => "novalue", () => "=x", () => "a=%zz", () => "a=\xe4", () => "", () => "a=\"b;c\"", () => "a b=c", () => "x=y=z", () => "__proto__=1",
    ]);
  };
  const parts = Array.from({ length: random.pick([1, 1, 1, 2, 2, 3, 5]) }, one);
  const joint = random.pick(["; ", "; ", "; ", ";", " ; ", ";; "]);
  if (random.chance(0.05)) return ($) => parts.map((part) => part($));
  return ($) => parts.map((part) => part($)).join(joint);
}

function drawOrigin(random) {
  const origin = random.pick([...Array(12).fill(ORIGIN), undefined, undefined, EVIL, "null", "", "https://app.example.com", "https://app.example.com:443/x", "nonsense", `${ORIGIN}/`, "/x", [ORIGIN, EVIL]]);
  const headers = [];
  if (random.chance(0.1)) headers.push(["Referer", random.pick([`${ORIGIN}/page`, `${EVIL}/page`, "", "nonsense"])]);
  if (random.chance(0.1)) headers.push(["Sec-Fetch-Site", random.pick(["same-origin", "cross-site", "none", " "])]);
  if (random.chance(0.1)) headers.push(["Sec-Fetch-Mode", random.pick(["navigate", "cors", ""])]);
  if (random.chance(0.1)) headers.push(["X-Forwarded-For", random.pick(["9.9.9.9", "9.9.9.9, 8.8.8.8", "::1", "x"])]);
  return { origin, headers };
}

const VALUES = [null, true, false, 0, 1, -1.5, "", "text", "tëxt\u0000", "x".repeat(200), [], ["a"], {}, { a: 1 }];
// Postgres has no text with a NUL in it, which the npm package answers with 500 (differences.mjs).
const valuesFor = (kind) => (kind === "postgres" ? VALUES.map((value) => (value === "tëxt\u0000" ? "tëxt" : value)) : VALUES);
const FIELDS = {
  "/sign-up/email": ["name", "email", "password", "image", "callbackURL", "rememberMe", "nickname"],
  "/sign-in/email": ["email", "password", "callbackURL", "rememberMe"],
  "/update-user": ["name", "image", "email", "nickname", "emailVerified"],
  "/update-session": ["theme", "token", "expiresAt"],
  "/change-password": ["newPassword", "currentPassword", "revokeOtherSessions"],
  "/verify-password": ["password"],
  "/revoke-session": ["token"],
};

// What is valid in every field but costs no password hash, where there is such a thing.
const CHEAP = {
  "/sign-up/email": { name: "New", email: "new@example.com", password: "short" },
  "/sign-in/email": { email: "no address", password: PASSWORD },
  "/update-user": { name: "Other" },
  "/update-session": { theme: "dark" },
  "/change-password": { newPassword: "short", currentPassword: PASSWORD },
  "/verify-password": { password: "x".repeat(129) },
};

function drawBody(random, path) {
  const type = random.chance(0.9) ? "application/json" : random.pick([undefined, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "APPLICATION/JSON", "", "application/jsonx"]);
  const shape = random.below(100);
  if (shape < 5) return () => ({});
  if (shape < 9) return fixed({ type, body: random.pick(["", "{", "null", "[]", "5", "\"x\"", "{}", " ", "true", "{\"a\":1}{}", "\ufeff{}", "email=a&password=b", "{\"name\":\"a\",\"name\":5}"]) });
  if (path === "/revoke-session" && shape < 70) {
    const name = drawSession(random);
    const form = random.pick(["token", "token", "signed"]);
    return ($) => ({ type, body: JSON.stringify({ token: $[name][form] }) });
  }
  if (shape < 16 && path === "/sign-in/email") {
    const email = random.pick(["ann@example.com", "BOB@example.com", "nobody@example.com"]);
    return fixed({ type, body: JSON.stringify({ email, password: random.pick([PASSWORD, "wrong"]), rememberMe: random.pick([undefined, true, false]) }) });
  }
  const value = { ...CHEAP[path] };
  for (const field of FIELDS[path] ?? []) if (random.chance(0.15)) value[field] = random.pick(field.endsWith("assword") ? ["short", 5, null, undefined, "x".repeat(129)] : random.values);
  if (random.chance(0.1)) value[random.pick(["extra", "id", "__proto__", "callbackURL", "redirectTo"])] = random.pick([...random.values, "/x", EVIL, "https://app.example.com/y"]);
  if (random.chance(0.1)) for (const key of Object.keys(value)) if (random.chance(0.4)) delete value[key];
  return fixed({ type, body: JSON.stringify(value) });
}

function fixed(part) {
  return () => part;
}
