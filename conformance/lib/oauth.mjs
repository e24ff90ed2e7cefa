// The redirect dance of OAuth, for both servers: each with its own state, cookies and code.
import { CLIENT_SECRET } from "../providers/accounts.mjs";
import { FAULTY_CLIENT, FAULTY_SECRET, encode } from "../providers/faults.mjs";
import { cookieHeader, jar } from "./cookies.mjs";
import { ORIGIN } from "./scenario.mjs";
import { connection } from "./wire.mjs";

/** A client of the real provider as a configuration of the plugin, under the name `idp`. */
export function idp(issuer, more = {}) {
  return {
    providerId: "idp",
    clientId: "post",
    clientSecret: CLIENT_SECRET,
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    scopes: ["email", "profile"],
    ...more,
  };
}

/** The fabricated provider under the name `faulty`, found by discovery. `query` is that of its discovery document. */
export function faulty({ url }, more = {}, query = {}) {
  const search = new URLSearchParams(query).toString();
  return {
    providerId: "faulty",
    clientId: FAULTY_CLIENT,
    clientSecret: FAULTY_SECRET,
    discoveryUrl: `${url}/.well-known/openid-configuration${search && `?${search}`}`,
    ...more,
  };
}

/** The fabricated provider under the name `explicit`: plain OAuth 2, every endpoint written down, no discovery. */
export function explicit({ url }, more = {}) {
  return {
    providerId: "explicit",
    clientId: FAULTY_CLIENT,
    clientSecret: FAULTY_SECRET,
    authorizationUrl: `${url}/authorize`,
    tokenUrl: `${url}/token`,
    userInfoUrl: `${url}/userinfo`,
    ...more,
  };
}

/**
 * Makes up what the fabricated provider sends back: a code that says what its endpoints shall answer (providers/faults.mjs).
 * `told` may be a function of the nonce that the server asked for. `more` is added to the query.
 */
export function fabricate(t, as, provider, told, more = {}) {
  return t.each(($) => {
    const asked = new URL($[as].url).searchParams;
    const code = encode(typeof told === "function" ? told(asked.get("nonce") ?? undefined, $) : told);
    $[as].state = asked.get("state");
    $[as].callback = `/api/auth/callback/${provider}?${new URLSearchParams({ code, state: $[as].state, ...more })}`;
  });
}

/** Asks for the authorization URL and keeps it, with the state cookie, under `as`. A null for `is` expects nothing. */
export function start(t, as, json = {}, extra = {}, is = 200) {
  const more = typeof extra === "function" ? extra : () => extra;
  return t.post("/sign-in/social", { provider: "idp", callbackURL: "/welcome", ...json }, ($) => ({ keep: as, ...more($) }), is);
}

/** Goes to the provider as a browser would and logs in. What it sends back to the server is kept as `callback`. */
export async function visit(t, as, login = as) {
  await t.each(async ($) => {
    $[as].callback = await walk($[as].url, login);
    $[as].state = new URL($[as].callback, ORIGIN).searchParams.get("state");
  });
}

/** Comes back from the provider with what it gave. `change` may alter the callback. */
export function back(t, as, extra = {}, is = 302) {
  const more = typeof extra === "function" ? extra : () => extra;
  return t.send(($) => ({ target: $[as].callback, cookie: $[as].cookie, keep: as, ...more($) }), is);
}

/** The whole way round: from the sign-in to the session. */
export async function signIn(t, as, { login = as, ...json } = {}, extra = {}) {
  await start(t, as, { loginHint: login, ...json }, extra);
  await visit(t, as, login);
  return back(t, as);
}

/** What a person who came back can see: who they are, with the cookie and as a bearer, and their accounts. */
export async function seen(t, as) {
  await t.get("/get-session", ($) => ({ cookie: $[as].cookie, keep: as }), "session");
  await t.get("/get-session", ($) => ({ authorization: `Bearer ${$[as].signed}` }), "session");
  await accounts(t, as);
}

/** Lists the accounts and keeps their row ids as `accounts`, by provider. */
export async function accounts(t, as) {
  const { answers } = await t.get("/list-accounts", ($) => ({ cookie: $[as].cookie }), 200);
  await t.each(($, index) => {
    $[as].accounts = Object.fromEntries(JSON.parse(answers[index].body).map(({ providerId, id }) => [providerId, id]));
  });
}

/** The columns of all accounts as the database has them. */
export const stored = (t) =>
  t.look((database) => database.prepare("select accountId, providerId, accessToken, refreshToken, idToken, accessTokenExpiresAt, refreshTokenExpiresAt, scope, createdAt, updatedAt from account order by createdAt").all());

/** Who is known, as the database has it. */
export const known = (t) => t.look((database) => database.prepare("select id, name, email, emailVerified, image, updatedAt from user order by createdAt").all());

/** What is remembered of those who are on their way, as the database has it. */
export const states = (t) =>
  t.look((database) => database.prepare("select identifier, value, expiresAt from verification order by createdAt").all().map((row) => ({ ...row, value: JSON.parse(row.value) })));

async function walk(from, login) {
  const wires = new Map();
  let cookies = new Map();
  let url = new URL(from);
  let form;
  try {
    for (let hop = 0; hop < 12; hop += 1) {
      if (url.origin === ORIGIN) return `${url.pathname}${url.search}`;
      if (!wires.has(url.port)) wires.set(url.port, connection(Number(url.port)));
      const headers = [["Host", url.host], ["Cookie", cookieHeader(cookies)]];
      if (form) headers.push(["Content-Type", "application/x-www-form-urlencoded"], ["Content-Length", String(form.length)]);
      const answer = await wires.get(url.port).send({ method: form ? "POST" : "GET", target: `${url.pathname}${url.search}`, headers, body: form });
      // The provider drops a cookie by emptying it.
      cookies = new Map([...jar(cookies, answer)].filter(([, value]) => value));
      const location = answer.headers.find(([name]) => name === "location")?.[1];
      if (location) {
        url = new URL(location, url);
        form = undefined;
      } else if (answer.status === 200 && !form) form = `login=${encodeURIComponent(login)}`;
      else throw new Error(`the provider answered ${answer.status} at ${url}: ${answer.body.replace(/<[^>]*>/g, " ").slice(-600)}`);
    }
  } finally {
    for (const wire of wires.values()) wire.close();
  }
  throw new Error(`the provider does not come to an end at ${url}`);
}
