// The way back from the provider when something is wrong with it: the state, the browser, the code, the tokens, the profile.
import { encode } from "../providers/faults.mjs";
import { back, explicit, fabricate, faulty, idp, known, seen, signIn, start, states, stored, visit } from "../lib/oauth.mjs";

const OWN = "http://127.0.0.1:3000";
const FAILED = { errorCallbackURL: "/failed" };
const withProvider = (more = {}, options = {}) => (at) => ({ options, plugins: { genericOAuth: { config: [idp(at.claims, more), idp(at.plain, { providerId: "second", clientId: "public", clientSecret: undefined })] } } });
const withFaults = (more = {}, options = {}, query = {}) => (at) => ({ options, plugins: { genericOAuth: { config: [faulty(at.faults, more, query), explicit(at.faults, more)] } } });
const PERSON = { id: "person-1", sub: "person-1", email: "pat@example.com", email_verified: true, name: "Pat", picture: "https://img.example.com/pat.png" };

/** One dance with the fabricated provider: what its endpoints answer is `told`. */
async function fabricated(t, as, provider, told, { more, is = null, ...json } = {}) {
  await start(t, as, { provider, ...FAILED, ...json });
  await fabricate(t, as, provider, told, more);
  return back(t, as, {}, is);
}

/** Rows of [what it is, told], each for a person of its own. */
const table = (name, rows, { provider = "faulty", more, options, query } = {}) => ({
  name: `oauth callback: ${name}`,
  scenario: withFaults(more, options, query),
  lifetimes: [3600, 7200, 600],
  async run(t) {
    for (const [index, [, told, extra]] of rows.entries()) {
      await fabricated(t, `p${index}`, provider, told, { ...extra });
      await t.get("/get-session", ($) => ({ cookie: $[`p${index}`].cookie }));
    }
    await stored(t);
    await known(t);
  },
});

const token = (claims, more) => (nonce) => ({ idToken: { claims: { nonce, ...claims }, ...more } });
const now = Math.floor(Date.now() / 1000);

export default [
  {
    name: "oauth callback: no state, no code, no sense",
    scenario: withProvider(),
    async run(t) {
      // A state that Postgres cannot look for is unknown to hallpass, and an error to the package (COMPATIBILITY D93).
      const nul = t.store === "postgres" ? "%01" : "%00";
      for (const query of ["", "?", "?code=x", "?state=", "?state=&code=x", "?error=access_denied", "?error=access_denied&error_description=no", "?state=unknown", "?state=unknown&code=x", "?state=unknown&error=x",
        "?state=a&state=b", "?code=a&code=b", "?code=x&state[]=y", "?iss=x", "?foo=bar", `?state=${nul}`, "?state=%ff", "?state=a%27--", "?device_id=x&user=y"]) {
        for (const id of ["idp", "unknown"]) await t.get(`/callback/${id}${query}`, {}, null);
      }
      for (const path of ["/callback", "/callback/", "/callback/idp/", "/callback/idp/more", "/callback/%69dp?code=x", "/callback/a%2fb?state=x", "/callback/..?state=x"]) await t.get(path);
      for (const method of ["PUT", "HEAD", "OPTIONS", "DELETE"]) await t.send({ method, path: "/callback/idp?code=x" });
    },
  },
  ...[
    ["in the configuration", { onAPIError: { errorURL: "https://app.example.com/oops?from=auth#part" } }],
    ["in production", { rateLimit: { enabled: false } }, "production"],
  ].map(([name, options, environment]) => ({
    name: `oauth callback: the error page ${name}`,
    scenario: (at) => ({ ...withProvider({}, options)(at), environment }),
    async run(t) {
      for (const query of ["", "?state=unknown&code=x", "?code=a&code=b", "?error=x"]) await t.get(`/callback/idp${query}`);
      await start(t, "ann");
      await t.get("/callback/idp?error=E&error_description=D", ($) => ({ cookie: $.ann.cookie, path: `/callback/idp?error=E&error_description=D&state=${new URL($.ann.url).searchParams.get("state")}` }), 302);
      await start(t, "ann", FAILED);
      await t.get("/callback/idp", ($) => ({ path: `/callback/idp?code=x&state=${new URL($.ann.url).searchParams.get("state")}` }), 302);
    },
  })),
  {
    name: "oauth callback: what the provider gives as an error",
    scenario: withProvider(),
    async run(t) {
      for (const query of ["error=access_denied", "error=a%20b&error_description=c%26d%3De%23f", "error=%3Cscript%3E", "error=%0d%0aX-A:b", "error=%C3%A4%E2%82%AC&error_description=%F0%9F%98%80", "error=&code=", "error=", "error=x&error_description=", "error=x&error_uri=y", "error=x&code=y", "", "code=", "iss=x", "error=x&error=y"]) {
        for (const errorCallbackURL of [undefined, "/failed?a=%20b&c#d"]) {
          await start(t, "ann", { errorCallbackURL });
          await t.get("", ($) => ({ cookie: $.ann.cookie, path: `/callback/idp?state=${new URL($.ann.url).searchParams.get("state")}&${query}` }), null);
        }
      }
      await states(t);
    },
  },
  {
    name: "oauth callback: the state and the browser",
    scenario: withProvider(),
    lifetimes: [600, 3600],
    async run(t) {
      // Replayed: the state is used up, with the cookie or without.
      await signIn(t, "ann", FAILED);
      await back(t, "ann");
      await back(t, "ann", { cookie: undefined });
      // Without the cookie, and then with it: the failed attempt has not used the state up, nor has it the code.
      await start(t, "bob", { loginHint: "bob", ...FAILED });
      await t.each(($) => {
        $.before = $.bob.cookie;
      });
      await visit(t, "bob");
      await back(t, "bob", { cookie: undefined });
      await back(t, "bob", { cookie: "better-auth.state=forged.value" });
      await back(t, "bob", ($) => ({ cookie: `better-auth.state=${$.bob.state}` }));
      await states(t);
      await back(t, "bob", ($) => ({ cookie: $.before }));
      // Of another browser: that one has a state cookie too, but for its own state.
      await start(t, "mallory", { loginHint: "stranger", ...FAILED });
      await start(t, "ann", { loginHint: "ann", ...FAILED });
      await visit(t, "ann");
      await back(t, "ann", ($) => ({ cookie: $.mallory.cookie }));
      // Two at once in one browser: the second cookie replaces the first.
      await start(t, "carl", { loginHint: "carl", ...FAILED });
      await visit(t, "carl");
      await t.each(($) => {
        $.first = $.carl.callback;
      });
      await start(t, "carl", { loginHint: "carl", ...FAILED }, ($) => ({ cookie: $.carl.cookie, origin: OWN }));
      await visit(t, "carl");
      await t.send(($) => ({ target: $.first, cookie: $.carl.cookie }), 302);
      await back(t, "carl");
      await states(t);
    },
  },
  {
    name: "oauth callback: a state that is too old, or spoilt",
    scenario: withProvider(),
    async run(t) {
      const spoil = async (change, body = FAILED) => {
        await start(t, "ann", { loginHint: "ann", ...body });
        await visit(t, "ann");
        t.database((database, $) => change(database, `auth-state:${$.ann.state}`));
        await back(t, "ann", {}, null);
        await t.look((database) => database.prepare("select count(*) as number from verification").get());
      };
      const value = (change) => (database, identifier) => {
        const row = database.prepare("select value from verification where identifier = ?").get(identifier);
        database.prepare("update verification set value = ? where identifier = ?").run(change(JSON.parse(row.value)), identifier);
      };
      const past = new Date(Date.now() - 1000).toISOString();
      await spoil((database, identifier) => database.prepare("update verification set expiresAt = ? where identifier = ?").run(past, identifier));
      await spoil(value((state) => JSON.stringify({ ...state, expiresAt: Date.now() - 1000 })));
      await spoil(value((state) => JSON.stringify({ ...state, expiresAt: "soon" })));
      await spoil(value((state) => JSON.stringify({ ...state, oauthState: "other" })));
      await spoil(value(({ oauthState, ...state }) => JSON.stringify(state)));
      await spoil(value(({ callbackURL, ...state }) => JSON.stringify(state)));
      await spoil(value((state) => JSON.stringify({ ...state, callbackURL: "" })));
      await spoil(value(({ codeVerifier, ...state }) => JSON.stringify(state)));
      await spoil(value((state) => JSON.stringify({ ...state, codeVerifier: "wrong" })));
      await spoil(value(({ idTokenNonce, ...state }) => JSON.stringify(state)));
      await spoil(value((state) => JSON.stringify({ ...state, idTokenNonce: "wrong" })));
      await spoil(value(() => "{broken"));
      await spoil(value(() => "null"));
      await spoil((database, identifier) => database.prepare("delete from verification where identifier = ?").run(identifier));
    },
  },
  {
    name: "oauth callback: at another provider than the one that was asked",
    scenario: withProvider(),
    async run(t) {
      for (const id of ["second", "unknown", "IDP", "credential"]) {
        await start(t, "ann", { loginHint: "ann", ...FAILED });
        await visit(t, "ann");
        await back(t, "ann", ($) => ({ target: $.ann.callback.replace("/callback/idp", `/callback/${id}`) }));
        await back(t, "ann");
      }
    },
  },
  {
    name: "oauth callback: the issuer",
    scenario: withProvider(),
    async run(t) {
      const other = t.providers.plain;
      for (const change of [
        (callback) => callback.replace(/&iss=[^&]*/, ""),
        (callback) => callback.replace(/&iss=[^&]*/, `&iss=${encodeURIComponent(other)}`),
        (callback) => callback.replace(/(&iss=[^&]*)/, "$1%2F"),
        (callback) => callback.replace(/&iss=[^&]*/, "&iss="),
        (callback) => callback.replace(/&iss=[^&]*/, "&iss=x"),
        (callback) => `${callback}&iss=x`,
      ]) {
        await start(t, "ann", { loginHint: "ann", ...FAILED });
        await visit(t, "ann");
        await back(t, "ann", ($) => ({ target: change($.ann.callback) }), null);
      }
    },
  },
  {
    name: "oauth callback: the code",
    scenario: withProvider(),
    async run(t) {
      for (const change of [
        (callback) => callback.replace(/code=[^&]*/, "code=unknown"),
        (callback) => callback.replace(/code=[^&]*&/, ""),
        (callback) => callback.replace(/code=[^&]*/, "code="),
        (callback) => callback.replace(/code=([^&]*)/, "code=$1x"),
        (callback) => callback.replace(/code=([^&]*)/, "code=%20$1"),
        (callback) => `${callback}&error=denied`,
        (callback) => `${callback}&user=${encodeURIComponent('{"name":{"firstName":"Form"},"email":"form@example.com"}')}&device_id=d`,
        (callback) => `${callback}&user={broken`,
      ]) {
        await start(t, "ann", { loginHint: "ann", ...FAILED });
        await visit(t, "ann");
        await back(t, "ann", ($) => ({ target: change($.ann.callback) }));
      }
      // A code that was used: the state of a second dance, the code of the first.
      await start(t, "bob", { loginHint: "bob" });
      await visit(t, "bob");
      await t.each(($) => {
        $.used = $.bob.callback.match(/code=([^&]*)/)[1];
      });
      await back(t, "bob");
      await start(t, "bob", { loginHint: "bob", ...FAILED });
      await visit(t, "bob");
      await back(t, "bob", ($) => ({ target: $.bob.callback.replace(/code=[^&]*/, `code=${$.used}`) }));
    },
  },
  {
    name: "oauth callback: as a posted form",
    scenario: withProvider(),
    async run(t) {
      const form = "application/x-www-form-urlencoded";
      for (const [path, body, type] of [
        ["/callback/idp", "code=a&state=b&iss=c&user=d&error=e&error_description=f&device_id=g", form],
        ["/callback/idp", "state=b&code=a%20b%26&unknown=x", form],
        ["/callback/idp?code=query&iss=q", "code=body&state=body", form],
        ["/callback/idp?code=query&unknown=x", undefined, undefined],
        ["/callback/idp", undefined, undefined],
        ["/callback/idp", "", form],
        ["/callback/idp", '{"code":"a","state":"b"}', "application/json"],
        ["/callback/idp", '{"code":5}', "application/json"],
        ["/callback/idp", "{}", "application/json"],
        ["/callback/idp", "null", "application/json"],
        ["/callback/idp", "[]", "application/json"],
        ["/callback/idp", "{broken", "application/json"],
        ["/callback/idp", "code=a", "text/plain"],
        ["/callback/idp", "code=a&code=b", form],
        ["/callback/idp?state=a&state=b", "code=a", form],
        ["/callback/idp", "code=%C3%A4%E2%82%AC%00*'()!~", form],
        ["/callback/unknown", "code=a&state=b", form],
        ["/callback/a%2Fb", "code=a&state=b", form],
        ["/callback/%C3%A4", "code=a&state=b", form],
        ["/callback/idp", "callbackURL=https://evil.example&code=a", form],
        ["/callback/idp?callbackURL=https://evil.example", "code=a", form],
        ["/callback/idp", "errorCallbackURL=//evil.example&code=a", form],
      ]) await t.send({ method: "POST", path, body, type });
      // The provider's page posts the form from its own origin, without cookies, and with them.
      const body = "code=a&state=b";
      for (const extra of [{ origin: "https://idp.example" }, { origin: "null" }, { cookie: "better-auth.state=x.y", origin: "https://idp.example" }, { cookie: "better-auth.state=x.y" }, { cookie: "a=b", origin: OWN },
        { origin: "https://idp.example", headers: [["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "navigate"]] }]) {
        await t.send({ method: "POST", path: "/callback/idp", body, type: form, ...extra });
      }
      // The whole way.
      await start(t, "ann", { loginHint: "ann" });
      await visit(t, "ann");
      const { answers } = await t.send(($) => ({ method: "POST", path: "/callback/idp", body: $.ann.callback.split("?")[1], type: form }), 302);
      await t.each(($, side) => {
        $.ann.callback = answers[side].headers.find(([name]) => name === "location")[1].slice(OWN.length);
      });
      await back(t, "ann");
      await seen(t, "ann");
    },
  },
  {
    name: "oauth callback: a provider that begins by itself",
    scenario: withProvider({ allowIdpInitiated: true }),
    lifetimes: [600],
    async run(t) {
      await t.get("/callback/idp?code=x", { keep: "x" }, 302);
      await t.get("/callback/second?code=x", {}, 302);
      await t.get("/callback/idp?code=", {}, 302);
      await t.get("/callback/idp?code=x&state=", {}, 302);
      await t.get("/callback/idp?code=x&error=y&iss=z", {}, 302);
      await t.get("/callback/idp?error=y", {}, 302);
      await states(t);
      const { answers } = await t.get("/callback/idp?code=x", { keep: "ann" }, 302);
      await t.each(($, side) => {
        $.ann.url = answers[side].headers.find(([name]) => name === "location")[1];
      });
      await visit(t, "ann");
      await back(t, "ann");
      await seen(t, "ann");
    },
  },
  ...[
    ["the state in a cookie", { storeStateStrategy: "cookie" }],
    ["the state in a cookie, not checked", { storeStateStrategy: "cookie", skipStateCookieCheck: true }],
    ["the state cookie not checked", { skipStateCookieCheck: true }],
  ].map(([name, account]) => ({
    name: `oauth callback: ${name}`,
    scenario: withProvider({}, { account }),
    lifetimes: [600],
    async run(t) {
      const begin = async (as, login = as) => {
        await start(t, as, { loginHint: login, ...FAILED, additionalData: { plan: "pro" } });
        await visit(t, as, login);
      };
      await begin("ann");
      await t.each(($) => {
        $.before = $.ann.cookie;
      });
      await states(t);
      await back(t, "ann", { cookie: undefined });
      await begin("bob");
      await back(t, "bob", ($) => ({ cookie: $.before, keep: undefined }));
      await back(t, "bob", ($) => ({ cookie: $.bob.cookie.replace(/(state=.{40})(.)/, (_, start, one) => `${start}${one === "0" ? "1" : "0"}`), keep: undefined }));
      await back(t, "bob", { cookie: "better-auth.oauth_state=junk; better-auth.state=junk", keep: undefined });
      await back(t, "bob", { cookie: `better-auth.oauth_state=${"ab".repeat(60)}`, keep: undefined });
      await back(t, "bob", ($) => ({ target: $.bob.callback.replace(/state=[^&]*/, "state=other"), keep: undefined }));
      await back(t, "bob");
      // Replayed, with the cookie of before, by another browser.
      await back(t, "bob", ($) => ({ cookie: $.before, keep: undefined }));
      await begin("carl");
      await t.each(($) => {
        $.before = $.carl.cookie;
      });
      await back(t, "carl");
      await back(t, "carl", ($) => ({ cookie: $.before, keep: undefined }));
      await t.post("/sign-out", {}, ($) => ({ cookie: $.carl.cookie, origin: OWN }), 200);
      await t.get("/get-session", { authorization: "Bearer unknown" }, "clears");
    },
  })),
  table("ID tokens", [
    ["good", token({})],
    ["another person", token({ sub: "subject-2", email: "two@example.com" })],
    ["ES256", token({ sub: "subject-3", email: "three@example.com" }, { alg: "ES256" })],
    ["a wrong nonce", token({ nonce: "wrong" })],
    ["no nonce", token({ nonce: null })],
    ["a nonce that is a number", token({ nonce: 5 })],
    ["a wrong issuer", token({ iss: "https://evil.example" })],
    ["no issuer", token({ iss: null })],
    ["a wrong audience", token({ aud: "another client" })],
    ["several audiences", token({ aud: ["another client", "faulty client/ö"] })],
    ["several audiences and an authorized party", token({ aud: ["another client", "faulty client/ö"], azp: "another client" })],
    ["no audience", token({ aud: null })],
    ["expired", token({ exp: now - 100 })],
    ["expired a moment ago", token({ exp: now - 5 })],
    ["no expiry", token({ exp: null })],
    ["issued in the future", token({ iat: now + 3600 })],
    ["no issuing time", token({ iat: null })],
    ["issued long ago", token({ iat: 5 })],
    ["not yet valid", token({ nbf: now + 3600 })],
    ["nearly valid", token({ nbf: now + 20 })],
    ["no subject", token({ sub: null })],
    ["an empty subject", token({ sub: "" })],
    ["a subject of blanks", token({ sub: "  " })],
    ["a subject that is a number", token({ sub: 42, email: "number@example.com" })],
    ["a subject that says null", token({ sub: "null", email: "null@example.com" })],
    ["a foreign signature", token({}, { key: "foreign" })],
    ["an unknown key", token({}, { header: { kid: "unknown" } })],
    ["no key id", token({ sub: "subject-4", email: "four@example.com" }, { header: { kid: null } })],
    ["not signed", token({}, { alg: "none" })],
    ["signed with the public key", token({}, { alg: "HS256" })],
    ["a critical header", token({}, { header: { crit: ["x"], x: 1 } })],
    ["no JWT", () => ({ idToken: "opaque" })],
    ["three parts of nothing", () => ({ idToken: "a.b.c" })],
    ["none at all", () => ({ user: { ...PERSON } })],
    ["none, and no subject at the userinfo endpoint", () => ({ user: { ...PERSON, sub: undefined } })],
    ["no address in it, one at the userinfo endpoint", (nonce) => ({ idToken: { claims: { nonce, sub: "person-1", email: null, name: null } }, user: PERSON })],
    ["no address in it, another subject at the userinfo endpoint", (nonce) => ({ idToken: { claims: { nonce, sub: "person-2", email: null } }, user: PERSON })],
    ["no address in it, no subject at the userinfo endpoint", (nonce) => ({ idToken: { claims: { nonce, sub: "person-2", email: null } }, user: { ...PERSON, sub: undefined } })],
    ["no address anywhere", (nonce) => ({ idToken: { claims: { nonce, email: null } }, user: { sub: "subject-1" } })],
    ["no address in it, and the userinfo endpoint fails", (nonce) => ({ idToken: { claims: { nonce, email: null } }, userStatus: 500, user: {} })],
    ["an address in capitals", token({ sub: "s6", email: "LOUD@Example.COM" })],
    ["an address that is none", token({ sub: "s7", email: "nonsense" })],
    ["verified as text", token({ sub: "s8", email: "eight@example.com", email_verified: "true" })],
    ["not verified as text", token({ sub: "s9", email: "nine@example.com", email_verified: "false" })],
    ["verified as a number", token({ sub: "s10", email: "ten@example.com", email_verified: 1 })],
    ["nothing said about it", token({ sub: "s11", email: "eleven@example.com", email_verified: null })],
    ["no name", token({ sub: "s14", email: "fourteen@example.com", name: null })],
  ]),
  table("ID tokens without a nonce of ours", [
    ["no nonce", token({ nonce: null })],
    ["a nonce", token({ nonce: "anything", sub: "two", email: "two@example.com" })],
    ["a wrong issuer", token({ iss: "https://evil.example" })],
  ], { more: { disableIdTokenNonceBinding: true } }),
  table("ID tokens that cannot be verified, as no keys are known", [
    ["good", token({})],
    ["a foreign signature and a wrong issuer", token({ sub: "two", email: "two@example.com", iss: "https://evil.example" }, { key: "foreign" })],
    ["expired", token({ sub: "three", email: "three@example.com", exp: 5 })],
    ["no JWT", () => ({ idToken: "opaque", user: PERSON })],
    ["no subject", token({ sub: null })],
    ["none", () => ({ user: PERSON })],
  ], { query: { without: "jwks_uri" } }),
  table("ID tokens where no algorithms are announced", [
    ["RS256", token({})],
    ["ES256", token({ sub: "two", email: "two@example.com" }, { alg: "ES256" })],
    ["a profile", () => ({ user: PERSON })],
    ["not signed", token({}, { alg: "none" })],
  ], { query: { without: "id_token_signing_alg_values_supported" } }),
  table("ID tokens with an algorithm that was not announced", [
    ["RS256", token({})],
    ["ES256", token({ sub: "two", email: "two@example.com" }, { alg: "ES256" })],
  ], { query: { set: '{"id_token_signing_alg_values_supported":["ES256"]}' } }),
  table("token answers", [
    ["good", () => ({ user: PERSON })],
    ["everything", () => ({ user: PERSON, answer: { refresh_token: "refresh", expires_in: 3600, refresh_token_expires_in: 7200, scope: "a b  c", extra: "x" } })],
    ["a list of scopes", () => ({ user: PERSON, answer: { scope: ["a", " b ", "", 5] } })],
    ["scopes with commas", () => ({ user: PERSON, answer: { scope: "a,b c" } })],
    ["a lifetime of zero", () => ({ user: PERSON, answer: { expires_in: 0 } })],
    ["a lifetime as text", () => ({ user: PERSON, answer: { expires_in: "3600" } })],
    ["no access token", () => ({ user: PERSON, answer: { access_token: null } })],
    ["an empty access token", () => ({ user: PERSON, answer: { access_token: "" } })],
    ["a number for an access token", () => ({ user: PERSON, answer: { access_token: 5 } })],
    ["an error with status 400", () => ({ status: 400, raw: '{"error":"invalid_grant"}' })],
    ["an error with status 200", () => ({ raw: '{"error":"invalid_grant"}' })],
    ["status 500", () => ({ status: 500, raw: "oops" })],
    ["status 201", () => ({ status: 201, user: { ...PERSON, id: "created", email: "created@example.com" } })],
    ["no JSON", () => ({ raw: "access_token=x&token_type=bearer" })],
    ["null", () => ({ raw: "null" })],
    ["a list", () => ({ raw: "[]" })],
    ["text", () => ({ raw: '"x"' })],
    ["nothing", () => ({ raw: "" })],
  ], { provider: "explicit" }),
  table("profiles", [
    ["no id", () => ({ user: { ...PERSON, id: undefined } })],
    ["an id that is a number", () => ({ user: { ...PERSON, id: 42, email: "a@example.com" } })],
    ["an id of zero", () => ({ user: { ...PERSON, id: 0, email: "b@example.com" } })],
    ["an id of null", () => ({ user: { ...PERSON, id: null } })],
    ["an empty id", () => ({ user: { ...PERSON, id: "" } })],
    ["an id of blanks", () => ({ user: { ...PERSON, id: " " } })],
    ["an id that says undefined", () => ({ user: { ...PERSON, id: "undefined" } })],
    ["an id with blanks around it", () => ({ user: { ...PERSON, id: " x ", email: "c@example.com" } })],
    ["no address", () => ({ user: { ...PERSON, email: undefined } })],
    ["an empty address", () => ({ user: { ...PERSON, email: "" } })],
    ["a name of null", () => ({ user: { ...PERSON, id: "h", email: "h@example.com", name: null, picture: null } })],
    ["no picture, but an image", () => ({ user: { ...PERSON, id: "i", email: "i@example.com", picture: undefined, image: "img" } })],
    ["verified under another name", () => ({ user: { ...PERSON, id: "j", email: "j@example.com", email_verified: undefined, emailVerified: true, verified_email: true } })],
    ["unverified", () => ({ user: { ...PERSON, id: "k", email: "k@example.com", email_verified: false } })],
    ["a long name", () => ({ user: { ...PERSON, id: "l", email: "l@example.com", name: "x".repeat(500) } })],
    ["an address with blanks around it", () => ({ user: { ...PERSON, id: "m", email: " m@example.com " } })],
    ["an empty profile", () => ({ user: {} })],
    ["no JSON", () => ({ userRaw: "<html>" })],
    ["null", () => ({ userRaw: "null" })],
    ["a list", () => ({ userRaw: "[]" })],
    ["status 401", () => ({ userStatus: 401, user: PERSON })],
    ["status 500", () => ({ userStatus: 500, userRaw: "" })],
    ["an ID token too, which is not verified", () => ({ idToken: { claims: { sub: "n", email: "n@example.com" } }, user: PERSON })],
  ], { provider: "explicit" }),
  ...[
    ["no userinfo endpoint", { userInfoUrl: undefined }],
    ["a token endpoint that is down", { tokenUrl: "http://127.0.0.1:1/token" }],
    ["no token endpoint", { tokenUrl: undefined }],
    ["no authorization endpoint", { authorizationUrl: undefined }],
    ["an authorization endpoint that is no URL", { authorizationUrl: "nonsense" }],
    ["a lifetime for access tokens", { accessTokenExpiresIn: 7200 }],
  ].map(([name, more]) => ({
    name: `oauth callback: ${name}`,
    scenario: (at) => ({ plugins: { genericOAuth: { config: [explicit(at.faults, more)] } } }),
    lifetimes: [7200, 3600],
    async run(t) {
      for (const told of [{ user: PERSON }, { user: { ...PERSON, id: "2", email: "two@example.com" }, answer: { expires_in: 3600 } }, { idToken: { claims: { sub: "3", email: "three@example.com" } } }]) {
        const { answers } = await start(t, "pat", { provider: "explicit", ...FAILED }, {}, null);
        if (answers[0].status !== 200) continue;
        await fabricate(t, "pat", "explicit", told);
        await back(t, "pat", {}, null);
      }
      await stored(t);
    },
  })),
  {
    name: "oauth callback: endpoints that redirect",
    scenario: (at) => {
      const to = (path) => `${at.faults.url}/redirect?to=${encodeURIComponent(`${at.faults.url}/${path}`)}`;
      return { plugins: { genericOAuth: { config: [
        explicit(at.faults, { providerId: "token", tokenUrl: to("token") }),
        explicit(at.faults, { providerId: "userinfo", userInfoUrl: to("userinfo") }),
        faulty(at.faults, { providerId: "discovery", discoveryUrl: to(".well-known/openid-configuration") }),
        faulty(at.faults, { providerId: "jwks" }, { set: JSON.stringify({ jwks_uri: to("jwks") }) }),
      ] } } };
    },
    async run(t) {
      await fabricated(t, "one", "token", { user: PERSON });
      await fabricated(t, "two", "userinfo", { user: PERSON });
      await fabricated(t, "three", "discovery", token({ sub: "x", email: "x@example.com" }));
      await fabricated(t, "four", "jwks", token({ sub: "y", email: "y@example.com" }));
      await known(t);
    },
  },
  {
    name: "oauth callback: the requests to the token endpoint",
    scenario: (at) => ({ plugins: { genericOAuth: { config: [
      explicit(at.faults),
      explicit(at.faults, { providerId: "basic", authentication: "basic" }),
      explicit(at.faults, { providerId: "basic-method", tokenEndpointAuth: { method: "client_secret_basic" } }),
      explicit(at.faults, { providerId: "public", clientSecret: undefined }),
      explicit(at.faults, { providerId: "none", clientSecret: undefined, tokenEndpointAuth: { method: "none" } }),
      explicit(at.faults, { providerId: "no-pkce", pkce: false }),
      explicit(at.faults, { providerId: "params", tokenUrlParams: { audience: "api", grant_type: "mine", code: "mine", redirect_uri: "mine", client_id: "mine", ownName: "x y&z" } }),
      explicit(at.faults, { providerId: "secret-param", authentication: "basic", tokenUrlParams: { client_secret: "x" } }),
      explicit(at.faults, { providerId: "headers", authorizationHeaders: { "X-Own": "value", Accept: "application/xml", "Content-Type": "text/plain", Authorization: "mine" } }),
      explicit(at.faults, { providerId: "headers-basic", authentication: "basic", authorizationHeaders: { authorization: "mine" } }),
      explicit(at.faults, { providerId: "redirect", redirectURI: "https://app.example.com/own" }),
      faulty(at.faults),
    ] } } }),
    async run(t) {
      for (const provider of ["explicit", "basic", "basic-method", "public", "none", "no-pkce", "params", "secret-param", "headers", "headers-basic", "redirect", "faulty"]) {
        await fabricated(t, provider, provider, (nonce, $) => ({ note: $[provider].state ?? new URL($[provider].url).searchParams.get("state"), user: { ...PERSON, id: provider }, idToken: nonce && { claims: { nonce, email: "pat@example.com" } } }));
        await t.look((_, $) => t.providers.faults.received($[provider].state));
      }
      await fabricated(t, "device", "explicit", (_, $) => ({ note: new URL($.device.url).searchParams.get("state"), user: PERSON }), { more: { device_id: "device 1", user: '{"name":"x"}' } });
      await t.look((_, $) => t.providers.faults.received($.device.state));
    },
  },
  {
    name: "oauth callback: discovery documents",
    scenario: (at) => {
      const provider = (providerId, query, more) => faulty(at.faults, { providerId, ...more }, query);
      const set = (value) => ({ set: JSON.stringify(value) });
      return { plugins: { genericOAuth: { config: [
        provider("whole", {}),
        provider("no-issuer", { without: "issuer" }),
        provider("no-authorization", { without: "authorization_endpoint" }),
        provider("own-authorization", { without: "authorization_endpoint" }, { authorizationUrl: `${at.faults.url}/own` }),
        provider("no-token", { without: "token_endpoint" }),
        provider("no-userinfo", { without: "userinfo_endpoint" }),
        provider("no-jwks", { without: "jwks_uri" }),
        provider("no-jwks-required", { without: "jwks_uri" }, { requireIdTokenVerification: true }),
        provider("no-algorithms", { without: "id_token_signing_alg_values_supported" }),
        provider("empty-algorithms", set({ id_token_signing_alg_values_supported: [] })),
        provider("text-algorithms", set({ id_token_signing_alg_values_supported: "RS256" })),
        provider("odd-issuer", set({ issuer: "not a URL" })),
        provider("other-issuer", set({ issuer: "https://other.example" })),
        provider("relative-jwks", set({ jwks_uri: "/jwks" })),
        provider("odd-jwks", set({ jwks_uri: "http://[" })),
        provider("all-own", {}, { authorizationUrl: `${at.faults.url}/own`, tokenUrl: `${at.faults.url}/token?own`, userInfoUrl: `${at.faults.url}/userinfo?own`, endSessionEndpoint: `${at.faults.url}/own-logout` }),
        provider("missing", {}, { discoveryUrl: `${at.faults.url}/nothing` }),
        provider("down", {}, { discoveryUrl: "http://127.0.0.1:1/x" }),
        provider("guarded", { require: "x-key" }),
        provider("guarded-with-key", { require: "x-key", ...set({ jwks_uri: "/jwks?require=x-key" }) }, { discoveryHeaders: { "X-Key": "1" } }),
      ] } } };
    },
    async run(t) {
      for (const id of ["whole", "no-issuer", "no-authorization", "own-authorization", "no-token", "no-userinfo", "no-jwks", "no-jwks-required", "no-algorithms", "empty-algorithms", "text-algorithms", "odd-issuer", "other-issuer",
        "relative-jwks", "odd-jwks", "all-own", "missing", "down", "guarded", "guarded-with-key"]) {
        const { answers } = await start(t, id, { provider: id, ...FAILED }, {}, null);
        if (answers[0].status !== 200) continue;
        await fabricate(t, id, id, (nonce) => ({ idToken: { claims: { nonce, sub: id, id, email: `${id}@example.com` } }, user: { ...PERSON, id } }), { iss: t.providers.faults.url });
        await back(t, id, {}, null);
        await start(t, id, { provider: id, ...FAILED }, {}, 200);
        await fabricate(t, id, id, { user: { ...PERSON, id, sub: id, email: `${id}-2@example.com` } });
        await back(t, id, {}, null);
      }
      await stored(t);
    },
  },
  {
    name: "oauth callback: discovery with headers, and redirects",
    scenario: (at) => {
      const document = `${at.faults.url}/.well-known/openid-configuration`;
      const to = (target) => `${at.faults.url}/redirect?to=${encodeURIComponent(target)}`;
      const provider = (providerId, discoveryUrl) => faulty(at.faults, { providerId, discoveryUrl, discoveryHeaders: { "x-key": "1" } });
      return { plugins: { genericOAuth: { config: [
        provider("same-origin", to(`${document}?require=x-key`)),
        provider("relative", to("/.well-known/openid-configuration?require=x-key")),
        provider("other-origin", to(document.replace("127.0.0.1", "localhost"))),
        provider("twice", to(to(document))),
        provider("six-times", to(to(to(to(to(to(document))))))),
        provider("five-times", to(to(to(to(to(document)))))),
      ] } } };
    },
    async run(t) {
      for (const provider of ["same-origin", "relative", "other-origin", "twice", "five-times", "six-times"]) await start(t, "pat", { provider }, {}, null);
    },
  },
  {
    name: "oauth callback: a discovery document that comes late",
    scenario: (at) => {
      // Each flow run has servers of its own, which must not find the document of an earlier run.
      const name = `late-${process.hrtime.bigint()}`;
      return { plugins: { genericOAuth: { config: [faulty(at.faults, { providerId: "late", discoveryUrl: `${at.faults.url}/late/${name}/.well-known/openid-configuration` })] } } };
    },
    async run(t) {
      await start(t, "pat", { provider: "late" }, {}, 404);
      await t.get("/callback/late?code=x", {}, 302);
      await t.post("/sign-in/social", { provider: "late", idToken: { token: "x" } }, {}, 404);
      t.providers.faults.up();
      await start(t, "pat", { provider: "other" }, {}, 404);
      await start(t, "pat", { provider: "late", ...FAILED }, {}, 200);
      await fabricate(t, "pat", "late", token({}));
      await back(t, "pat");
      await seen(t, "pat");
    },
  },
  {
    name: "oauth callback: the key set is gone",
    scenario: (at) => ({ plugins: { genericOAuth: { config: [
      faulty(at.faults, {}, { set: JSON.stringify({ jwks_uri: `${at.faults.url}/nothing` }) }),
      faulty(at.faults, { providerId: "down" }, { set: JSON.stringify({ jwks_uri: "http://127.0.0.1:1/jwks" }) }),
      faulty(at.faults, { providerId: "no-keys" }, { set: JSON.stringify({ jwks_uri: `${at.faults.url}/userinfo` }) }),
    ] } } }),
    async run(t) {
      for (const provider of ["faulty", "down", "no-keys"]) await fabricated(t, "pat", provider, token({}));
      // A provider that gives no ID token needs no keys.
      await fabricated(t, "pat", "faulty", { user: PERSON });
    },
  },
  {
    name: "oauth callback: a code that is no business of the provider's",
    scenario: withFaults(),
    async run(t) {
      for (const code of ["x", encode(null), "%FF", "a".repeat(9000)]) {
        await start(t, "pat", { provider: "explicit", ...FAILED });
        await t.get("", ($) => ({ cookie: $.pat.cookie, path: `/callback/explicit?code=${code}&state=${new URL($.pat.url).searchParams.get("state")}` }), 302);
      }
    },
  },
];
