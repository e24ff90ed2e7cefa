// What a provider's tokens are kept for: handed out, refreshed, used to ask the provider, and given back at sign-out.
import { encode } from "../providers/faults.mjs";
import { accounts, back, explicit, fabricate, faulty, idp, signIn, start, stored } from "../lib/oauth.mjs";

const OWN = "http://127.0.0.1:3000";
const OFFLINE = { scopes: ["email", "profile", "offline_access"], prompt: "consent" };
const PERSON = { id: "person-1", sub: "person-1", email: "pat@example.com", email_verified: true, name: "Pat" };
const withProvider = (more = {}, options = {}) => (at) => ({ options, plugins: { genericOAuth: { config: [idp(at.claims, more)] } } });
const withFaults = (more = {}, options = {}) => (at) => ({ options, plugins: { genericOAuth: { config: [explicit(at.faults, more), faulty(at.faults, more)] } } });
const cookie = (as) => ($) => ({ cookie: $[as].cookie, origin: OWN });
const bearer = (as) => ($) => ({ authorization: `Bearer ${$[as].signed}` });

/** Asks all three endpoints for an account of this person. */
async function all(t, as, id = ($) => Object.values($[as].accounts)[0], extra = bearer(as)) {
  await t.post("/get-access-token", ($) => ({ accountId: id($) }), extra);
  await t.get("", ($) => ({ path: `/account-info?accountId=${encodeURIComponent(id($))}`, ...extra($) }));
  await t.post("/refresh-token", ($) => ({ accountId: id($) }), extra);
}

const change = (t, columns) => t.database((database) => {
  for (const [column, value] of Object.entries(columns)) database.prepare(`update account set "${column}" = ? where providerId <> 'credential'`).run(value);
});
// Written dates must not look like one that a step made: hence nothing near the lifetimes, and the past where it will do.
const PAST = -1_000_000;
const soon = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

async function fabricated(t, as, provider, told) {
  await start(t, as, { provider, errorCallbackURL: "/failed" });
  await fabricate(t, as, provider, told);
  await back(t, as);
  await accounts(t, as);
}

/** The life of tokens at the real provider. */
const life = (name, more, options) => ({
  name: `oauth tokens: ${name}`,
  scenario: withProvider({ ...OFFLINE, ...more }, options),
  lifetimes: [3600],
  async run(t) {
    await signIn(t, "ann");
    await accounts(t, "ann");
    await stored(t);
    await all(t, "ann");
    await stored(t);
    await all(t, "ann", undefined, cookie("ann"));
    change(t, { accessTokenExpiresAt: soon(3) });
    await all(t, "ann");
    change(t, { accessTokenExpiresAt: soon(PAST) });
    await all(t, "ann");
    await stored(t);
    change(t, { accessTokenExpiresAt: null });
    await all(t, "ann");
    // The provider does not know the refresh token, then there is none.
    change(t, { refreshToken: "unknown", accessTokenExpiresAt: soon(PAST) });
    await all(t, "ann");
    change(t, { refreshToken: null });
    await all(t, "ann");
    change(t, { refreshToken: "" });
    await all(t, "ann");
    change(t, { accessToken: null });
    await all(t, "ann");
    change(t, { accessToken: "", idToken: null });
    await all(t, "ann");
    await stored(t);
  },
});

/** Rows of [what it is, what the provider answers to the refresh]. */
const refreshed = (name, rows, more, options) => ({
  name: `oauth tokens: ${name}`,
  scenario: withFaults(more, options),
  lifetimes: [3600, 7200],
  async run(t) {
    await fabricated(t, "pat", "explicit", { user: PERSON, answer: { refresh_token: encode({}), expires_in: 3600, refresh_token_expires_in: 3600, scope: "a b", id_token: "first" } });
    for (const [what, told] of rows) {
      // No date: other databases refuse it when the package writes it, and MariaDB stores null. hallpass refuses it itself.
      if (t.store === "mariadb" && what === "a lifetime that is nonsense") continue;
      change(t, { refreshToken: encode(told), accessTokenExpiresAt: soon(PAST) });
      await t.post("/get-access-token", ($) => ({ accountId: $.pat.accounts.explicit }), bearer("pat"));
      change(t, { refreshToken: encode(told) });
      await t.post("/refresh-token", ($) => ({ accountId: $.pat.accounts.explicit }), bearer("pat"));
      await stored(t);
    }
  },
});

/** Sign-outs with these bodies, each of somebody who is signed in at the provider. */
const signedOut = (name, more, bodies, options) => ({
  name: `oauth tokens: sign-out, ${name}`,
  scenario: withProvider(more, options),
  async run(t) {
    for (const body of bodies) {
      await signIn(t, "ann");
      await t.post("/sign-out", body, ($) => ({ ...cookie("ann")($), keep: "ann" }));
      await t.get("/get-session", bearer("ann"));
    }
  },
});

export default [
  {
    name: "oauth tokens: requests that do not get that far",
    scenario: withProvider(),
    async run(t) {
      await t.signUp("bob");
      await signIn(t, "ann");
      await accounts(t, "ann");
      await accounts(t, "bob");
      for (const extra of [() => ({}), () => ({ authorization: "Bearer unknown" }), ($) => ({ cookie: $.ann.cookie }), ($) => ({ cookie: $.ann.cookie, origin: "https://evil.example" })]) await all(t, "ann", undefined, extra);
      for (const id of [() => "unknown", () => "", () => "ann", () => "idp", ($) => $.bob.accounts.credential, ($) => `${$.ann.accounts.idp} `]) await all(t, "ann", id);
      await all(t, "bob", ($) => $.ann.accounts.idp);
      await all(t, "bob", ($) => $.bob.accounts.credential);
      for (const path of ["/get-access-token", "/refresh-token"]) {
        for (const json of [{}, { accountId: 5 }, { accountId: null }, { accountId: "x", foo: 1 }, { accountId: "x", foo: 1, bar: 2 }, { accountId: "x", userId: 5 }, { accountId: "x", userId: null }, { accountId: "x", useAccountCookie: true }, { accountId: "x", useAccountCookie: false },
          { useAccountCookie: true }, { useAccountCookie: false }, { useAccountCookie: "true" }, { useAccountCookie: true, userId: "x" }, { useAccountCookie: true, userId: 5 }, { useAccountCookie: true, foo: 1 }, { providerId: "idp" }, { providerId: "idp", accountId: "x" }, [], "x", null]) {
          await t.post(path, json, bearer("ann"));
        }
        for (const raw of ["", "{broken"]) await t.send(($) => ({ method: "POST", path, body: raw, type: "application/json", ...bearer("ann")($) }));
        await t.send(($) => ({ method: "POST", path, ...bearer("ann")($) }));
        await t.get(path, bearer("ann"));
        // Validation comes before the session.
        await t.post(path, {}, {});
      }
      for (const query of ["", "?", "?accountId=", "?accountId=x&foo=1", "?accountId=a&accountId=b", "?useAccountCookie=true", "?useAccountCookie=1", "?accountId=x&userId=y", "?accountId=x&userId=y&userId=z", "?providerId=idp", "?userId=x"]) {
        await t.get(`/account-info${query}`, bearer("ann"));
        await t.get(`/account-info${query}`);
      }
      await t.post("/account-info", {}, bearer("ann"));
      // Who asks is who the session says.
      await t.post("/get-access-token", ($) => ({ accountId: $.ann.accounts.idp, userId: $.ann.user?.id ?? "x" }), bearer("bob"));
      await t.post("/get-access-token", ($) => ({ accountId: $.ann.accounts.idp, userId: $.bob.user.id }), bearer("ann"));
      await t.post("/refresh-token", ($) => ({ accountId: $.ann.accounts.idp, userId: $.bob.user.id }), bearer("ann"));
      await t.get("", ($) => ({ path: `/account-info?accountId=${$.ann.accounts.idp}&userId=${$.bob.user.id}`, ...bearer("ann")($) }));
      // An old session is good enough, an expired one is not.
      t.age("ann", { createdAt: -3 * 86_400, updatedAt: -3 * 86_400 });
      await all(t, "ann");
      t.age("ann", { expiresAt: -5 });
      await all(t, "ann");
    },
  },
  life("kept for long", {}),
  life("short-lived", { clientId: "brief" }),
  life("short-lived and encrypted", { clientId: "brief" }, { account: { encryptOAuthTokens: true } }),
  life("with the Basic header", { clientId: "basic", authentication: "basic" }),
  life("of a public client", { clientId: "public", clientSecret: undefined }),
  {
    name: "oauth tokens: encrypted, and as they were before",
    scenario: withProvider(OFFLINE, { account: { encryptOAuthTokens: true } }),
    lifetimes: [3600],
    async run(t) {
      await signIn(t, "ann");
      await accounts(t, "ann");
      const start = (database) => database.prepare("select accessToken, refreshToken from account").get();
      await t.look((database) => Object.values(start(database)).map((token) => [/^[0-9a-f]+$/.test(token), token.length]));
      // What was written before the option was set is not encrypted, and is taken as it is, unless it looks like hex.
      for (const token of ["plain-token", "abcdef", "abcde", "ABCDEF0123456789", "$ba$1$abcdef", "$ba$", "ab".repeat(60), "é"]) {
        change(t, { accessToken: token, accessTokenExpiresAt: soon(9000) });
        await t.post("/get-access-token", ($) => ({ accountId: $.ann.accounts.idp }), bearer("ann"));
        change(t, { refreshToken: token });
        await t.post("/refresh-token", ($) => ({ accountId: $.ann.accounts.idp }), bearer("ann"));
      }
      await stored(t);
    },
  },
  {
    name: "oauth tokens: the account in a cookie",
    scenario: withProvider(OFFLINE, { account: { storeAccountCookie: true } }),
    lifetimes: [3600],
    async run(t) {
      await t.signUp("bob");
      await signIn(t, "ann");
      await accounts(t, "ann");
      const both = async (as, extra = cookie(as), json = { useAccountCookie: true }) => {
        await t.post("/get-access-token", json, ($) => ({ ...extra($), keep: as }));
        await t.post("/refresh-token", json, ($) => ({ ...extra($), keep: as }));
      };
      await both("ann");
      await both("ann", bearer("ann"));
      await both("ann", ($) => ({ ...bearer("ann")($), cookie: $.ann.cookie.split("; ").filter((pair) => pair.includes("account_data")).join("; "), origin: OWN }));
      // Somebody else with this cookie, and a cookie that is none.
      const data = ($) => $.ann.cookie.split("; ").find((pair) => pair.includes("account_data"));
      await both("bob");
      await both("bob", ($) => ({ cookie: `${$.bob.cookie}; ${data($)}`, origin: OWN }));
      await both("ann", ($) => ({ cookie: `${$.ann.cookie.split("; ").filter((pair) => !pair.includes("account_data")).join("; ")}; better-auth.account_data=junk`, origin: OWN }));
      await both("ann", ($) => ({ cookie: $.ann.cookie.replace(/(account_data=[^;]{300})(.)/, (_, head, one) => `${head}${one === "A" ? "B" : "A"}`), origin: OWN }));
      // Chunks of it.
      await both("ann", ($) => {
        const value = data($).split("=")[1];
        const rest = $.ann.cookie.split("; ").filter((pair) => !pair.includes("account_data"));
        return { cookie: [...rest, `better-auth.account_data.1=${value.slice(500)}`, `better-auth.account_data.0=${value.slice(0, 500)}`].join("; "), origin: OWN };
      });
      // The row says something else by now: the cookie counts, and what is refreshed goes into both.
      change(t, { accessToken: "of the row", accessTokenExpiresAt: soon(PAST) });
      await both("ann");
      await stored(t);
      await all(t, "ann", undefined, cookie("ann"));
      await t.get("/account-info?useAccountCookie=true", cookie("ann"));
      t.database((database) => database.prepare("delete from account").run());
      await both("ann");
      await t.post("/sign-out", {}, ($) => ({ ...cookie("ann")($), keep: "ann" }), 200);
      await both("ann");
      await t.get("/get-session", { authorization: "Bearer unknown" });
    },
  },
  {
    name: "oauth tokens: the account in a cookie, which is nearly expired",
    scenario: withProvider({ ...OFFLINE, clientId: "brief" }, { account: { storeAccountCookie: true, encryptOAuthTokens: true } }),
    async run(t) {
      await signIn(t, "ann");
      await t.post("/get-access-token", { useAccountCookie: true }, ($) => ({ ...cookie("ann")($), keep: "ann" }), 200);
      await t.post("/refresh-token", { useAccountCookie: true }, ($) => ({ ...cookie("ann")($), keep: "ann" }), 200);
      await accounts(t, "ann");
      await t.post("/get-access-token", ($) => ({ accountId: $.ann.accounts.idp }), ($) => ({ ...cookie("ann")($), keep: "ann" }), 200);
      await t.post("/refresh-token", ($) => ({ accountId: $.ann.accounts.idp }), ($) => ({ ...cookie("ann")($), keep: "ann" }), 200);
      await stored(t);
    },
  },
  {
    name: "oauth tokens: an account too large for one cookie",
    scenario: withFaults({}, { account: { storeAccountCookie: true } }),
    lifetimes: [3600],
    async run(t) {
      // Another length each time: the chunks of before must go.
      for (const length of [5000, 8000, 100]) {
        await fabricated(t, "pat", "explicit", { user: PERSON, fill: length, answer: { expires_in: 3600 } });
        await t.each(($) => {
          $.pat.names = $.pat.cookie.split("; ").map((pair) => pair.split("=")[0]);
        });
        await t.look((_, $) => $.pat.names);
        await t.post("/get-access-token", { useAccountCookie: true }, cookie("pat"), 200);
      }
      await t.post("/sign-out", {}, cookie("pat"), 200);
    },
  },
  refreshed("what the provider answers to a refresh", [
    ["new tokens", { answer: { refresh_token: "next", expires_in: 3600, refresh_token_expires_in: 7200, scope: "a", id_token: "second" } }],
    ["only an access token", {}],
    ["a lifetime of zero", { answer: { expires_in: 0 } }],
    ["an empty refresh token", { answer: { refresh_token: "", id_token: "" } }],
    ["no access token", { answer: { access_token: null } }],
    ["an empty access token", { answer: { access_token: "" } }],
    ["a number for an access token", { answer: { access_token: 5 } }],
    ["an error", { status: 400, raw: '{"error":"invalid_grant"}' }],
    ["an error with status 200", { raw: '{"error":"invalid_grant"}' }],
    ["status 500", { status: 500, raw: "" }],
    ["status 201", { status: 201 }],
    ["no JSON", { raw: "<html>" }],
    ["null", { raw: "null" }],
    ["a lifetime that is nonsense", { answer: { expires_in: "soon" } }],
  ]),
  refreshed("a lifetime for access tokens", [
    ["none given", {}],
    ["one given", { answer: { expires_in: 7200 } }],
  ], { accessTokenExpiresIn: 3600 }),
  {
    name: "oauth tokens: the requests for a refresh",
    scenario: (at) => ({ plugins: { genericOAuth: { config: [
      explicit(at.faults),
      explicit(at.faults, { providerId: "basic", authentication: "basic" }),
      explicit(at.faults, { providerId: "public", clientSecret: undefined }),
      explicit(at.faults, { providerId: "params", refreshTokenParams: { audience: "api", scope: "own", grant_type: "mine", refresh_token: "mine", client_id: "mine", ownName: "x y" }, tokenUrlParams: { not: "here" } }),
      explicit(at.faults, { providerId: "headers", authorizationHeaders: { "X-Own": "value", Accept: "application/xml" } }),
    ] } } }),
    async run(t) {
      for (const provider of ["explicit", "basic", "public", "params", "headers"]) {
        await fabricated(t, provider, provider, (_, $) => ({ user: { ...PERSON, id: provider, email: `${provider}@example.com` }, answer: { expires_in: 1, refresh_token: encode({ note: `refresh ${new URL($[provider].url).searchParams.get("state")}`, answer: { expires_in: 3600 } }) } }));
        await t.post("/get-access-token", ($) => ({ accountId: $[provider].accounts[provider] }), bearer(provider), 200);
        await t.look((_, $) => t.providers.faults.received(`refresh ${$[provider].state}`));
      }
    },
  },
  {
    name: "oauth tokens: an account whose provider is gone",
    scenario: withProvider(),
    async run(t) {
      await signIn(t, "ann");
      await accounts(t, "ann");
      change(t, { providerId: "gone" });
      await all(t, "ann", ($) => $.ann.accounts.idp);
      change(t, { providerId: "github" });
      await all(t, "ann", ($) => $.ann.accounts.idp);
      await t.post("/sign-out", {}, bearer("ann"), 200);
    },
  },
  {
    name: "oauth tokens: what the provider says about the account",
    scenario: withFaults(),
    async run(t) {
      await fabricated(t, "pat", "explicit", { user: PERSON });
      const info = (as, provider, is) => t.get("", ($) => ({ path: `/account-info?accountId=${$[as].accounts[provider]}`, ...bearer(as)($) }), is);
      for (const told of [{ user: PERSON }, { user: { ...PERSON, picture: "p", extra: { a: [1] }, name: 5 } }, { user: { email: "only@example.com" } }, { user: {} }, { userStatus: 401 }, { userStatus: 500, userRaw: "" }, { userRaw: "null" }]) {
        change(t, { accessToken: encode(told) });
        await info("pat", "explicit");
      }
      change(t, { accessToken: encode({ user: PERSON }), idToken: "no JWT" });
      await info("pat", "explicit");
      // Where ID tokens are verified, the one that is kept must still be good; its nonce is not asked for again.
      await fabricated(t, "sue", "faulty", (nonce) => ({ idToken: { claims: { nonce, email: "sue@example.com" } }, user: { ...PERSON, sub: "subject-1" } }));
      await info("sue", "faulty", 200);
      const now = Math.floor(Date.now() / 1000);
      for (const given of [{ claims: { nonce: "another", email: "sue@example.com" } }, { claims: { exp: now - 100 } }, { claims: { exp: now - 10 } }, { claims: { aud: "x" } }, { key: "foreign" }, { claims: { email: null } }, { claims: { email: null, sub: "another" } }, { alg: "none" }]) {
        const token = await t.providers.faults.mint(given);
        t.database((database) => database.prepare("update account set idToken = ? where providerId = 'faulty'").run(token));
        await info("sue", "faulty");
      }
      t.database((database) => database.prepare("update account set idToken = null where providerId = 'faulty'").run());
      await info("sue", "faulty");
    },
  },
  signedOut("with a provider that can end its session", {}, [
    {}, undefined, { disableRedirect: true }, { disableRedirect: false }, { callbackURL: "/bye" }, { callbackURL: `${OWN}/bye?a=b#c` }, { callbackURL: "/bye", state: "s t&a", disableRedirect: true }, { state: "only" }, { callbackURL: "" }, { callbackURL: "bye" },
    { callbackURL: "https://evil.example" }, { callbackURL: "//evil.example" }, { callbackURL: 5 }, { disableRedirect: "yes" }, { state: 5 }, null, [], { unknown: 1 },
  ]),
  signedOut("with a place to go afterwards", { postLogoutRedirectURI: "/bye" }, [{}, { callbackURL: "/" }, { state: "s" }]),
  signedOut("with a place elsewhere to go afterwards", { postLogoutRedirectURI: "https://app.example.com/bye?x#y" }, [{}, { state: "s" }]),
  signedOut("not at the provider", { disableProviderLogout: true }, [{}, { callbackURL: "/bye" }]),
  signedOut("at an endpoint of one's own", { endSessionEndpoint: "https://idp.example/logout?tenant=a%20b&client_id=x&state=y#part" }, [{}, { callbackURL: "/bye", state: "s" }]),
  signedOut("at an endpoint that is no URL", { endSessionEndpoint: "nonsense" }, [{}]),
  signedOut("under another base path", { redirectURI: undefined }, [{ callbackURL: "bye" }], { basePath: "/auth" }),
  {
    name: "oauth tokens: sign-out at the provider, which understands it",
    scenario: withProvider(),
    async run(t) {
      await signIn(t, "ann");
      await t.post("/sign-out", { callbackURL: "/bye" }, ($) => ({ ...cookie("ann")($), keep: "ann" }), 200);
      const answers = await t.each(async ($) => {
        const answer = await fetch($.ann.url);
        return [answer.status, (await answer.text()).includes("<form")];
      });
      if (!answers.every(([status, form]) => status === 200 && form)) throw new Error(`the provider does not take the address: ${answers.join("; ")}`);
    },
  },
  {
    name: "oauth tokens: sign-out with several accounts, and without",
    scenario: (at) => ({ options: { account: { accountLinking: { allowDifferentEmails: true } } }, plugins: { genericOAuth: { config: [idp(at.claims), idp(at.plain, { providerId: "second", clientId: "public", clientSecret: undefined }), explicit(at.faults), faulty(at.faults)] } } }),
    async run(t) {
      const again = async (update, ...values) => {
        await signIn(t, "ann", { provider: "idp" });
        if (update) t.database((database) => database.prepare(update).run(...values));
        await t.post("/sign-out", {}, cookie("ann"), 200);
      };
      await t.signUp("bob");
      await t.post("/sign-out", { callbackURL: "/bye" }, cookie("bob"), 200);
      await again();
      await signIn(t, "ann", { provider: "second", login: "ann" });
      await again();
      await again("update account set updatedAt = ? where providerId = 'idp'", "2020-01-01T00:00:00.000Z");
      await again("update account set idToken = null");
      await again("update account set idToken = ''");
      await again("update account set idToken = 'not a token & more'");
      await again("update account set providerId = 'explicit' where providerId = 'second'");
      await again("update account set updatedAt = ? where providerId = 'idp'", "2020-01-01T00:00:00.000Z");
      await again("update account set providerId = 'faulty', updatedAt = ? where providerId = 'explicit'", "2037-01-01T00:00:00.000Z");
      // As a bearer; a session that is over; a session that nobody knows.
      await signIn(t, "ann");
      await t.post("/sign-out", {}, bearer("ann"), 200);
      await t.post("/sign-out", {}, bearer("ann"), 200);
      await signIn(t, "ann");
      t.age("ann", { expiresAt: -5 });
      await t.post("/sign-out", {}, bearer("ann"), 200);
      await t.post("/sign-out", {}, { authorization: "Bearer unknown" }, 200);
    },
  },
];
