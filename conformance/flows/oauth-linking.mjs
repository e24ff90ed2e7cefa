// One person, several accounts: linked on the way in, linked on request, and unlinked.
import { accounts, back, fabricate, faulty, idp, known, seen, signIn, start, states, stored, visit } from "../lib/oauth.mjs";

const OWN = "http://127.0.0.1:3000";
const FAILED = { errorCallbackURL: "/failed" };
const withProvider = (accountLinking, more = {}, options = {}) => (at) => ({
  options: { ...options, account: { accountLinking, ...options.account } },
  plugins: { genericOAuth: { config: [idp(at.claims, more), idp(at.plain, { providerId: "second", clientId: "basic", authentication: "basic" }), faulty(at.faults)] } },
});
const cookie = (as) => ($) => ({ cookie: $[as].cookie, origin: OWN });
const bearer = (as) => ($) => ({ authorization: `Bearer ${$[as].signed}` });

/** Begins to link, as the person `as`, with the cookies of their browser. */
const link = (t, as, json = {}, is = 200) => t.post("/link-social", { provider: "idp", callbackURL: "/linked", ...FAILED, ...json }, ($) => ({ ...cookie(as)($), keep: as }), is);

async function linked(t, as, { login = as, ...json } = {}, is = 302) {
  await link(t, as, { loginHint: login, ...json });
  await visit(t, as, login);
  return back(t, as, {}, is);
}

const verify = (t, email) => t.database((database) => database.prepare("update user set emailVerified = true where email = ?").run(email));

/** Somebody who is known here by address and password comes from the provider: four times, verified here or there or not. */
const implicit = (name, accountLinking) => ({
  name: `oauth linking: on the way in, ${name}`,
  scenario: withProvider(accountLinking),
  async run(t) {
    for (const [as, here, there] of [["neither", false, false], ["there", false, true], ["here", true, false], ["both", true, true]]) {
      const email = `${as}@example.com`;
      await t.signUp(as);
      if (here) verify(t, email);
      await start(t, `${as} 2`, { provider: "faulty", newUserCallbackURL: "/new", ...FAILED });
      await fabricate(t, `${as} 2`, "faulty", (nonce) => ({ idToken: { claims: { nonce, sub: as, email: as === "both" ? email.toUpperCase() : email, email_verified: there, name: "From There", picture: "there.png" } }, answer: { scope: "openid email" } }));
      await back(t, `${as} 2`);
      await t.get("/get-session", ($) => ({ cookie: $[`${as} 2`].cookie }));
      // Once more: now they are known by their account.
      await start(t, `${as} 2`, { provider: "faulty", ...FAILED });
      await fabricate(t, `${as} 2`, "faulty", (nonce) => ({ idToken: { claims: { nonce, sub: as, email, email_verified: there, name: "Later" } }, answer: { scope: "other" } }));
      await back(t, `${as} 2`);
    }
    await known(t);
    await stored(t);
  },
});

/** What comes of linking at the end of the dance, for every kind of profile. */
const explicitly = (name, accountLinking, options) => ({
  name: `oauth linking: on request, ${name}`,
  scenario: withProvider(accountLinking, {}, options),
  async run(t) {
    await t.signUp("ann");
    await t.signUp("bob");
    for (const [as, login] of [["ann", "ann"], ["ann", "twin"], ["ann", "doubtful"], ["ann", "loud"], ["ann", "stranger"], ["ann", "nomail"], ["bob", "bob"], ["bob", "ann"]]) await linked(t, as, { login });
    await known(t);
    await stored(t);
    await accounts(t, "ann");
    await accounts(t, "bob");
  },
});

export default [
  ...[
    ["no options", {}],
    ["a trusted provider", { trustedProviders: ["faulty"] }],
    ["another provider is trusted", { trustedProviders: ["idp", "Faulty"] }],
    ["no verification required here", { requireLocalEmailVerified: false }],
    ["a trusted provider and no verification required here", { trustedProviders: ["faulty"], requireLocalEmailVerified: false }],
    ["switched off", { enabled: false }],
    ["switched off, a trusted provider", { enabled: false, trustedProviders: ["faulty"], requireLocalEmailVerified: false }],
    ["not implicitly", { disableImplicitLinking: true, trustedProviders: ["faulty"], requireLocalEmailVerified: false }],
    ["what the provider says is taken over", { updateUserInfoOnLink: true, trustedProviders: ["faulty"], requireLocalEmailVerified: false }],
    ["different addresses allowed", { allowDifferentEmails: true }],
  ].map(([name, accountLinking]) => implicit(name, accountLinking)),
  ...[
    ["no options", {}],
    ["a trusted provider", { trustedProviders: ["idp"] }],
    ["different addresses allowed", { allowDifferentEmails: true }],
    ["different addresses and a trusted provider", { allowDifferentEmails: true, trustedProviders: ["idp"] }],
    ["switched off", { enabled: false, trustedProviders: ["idp"] }],
    ["not implicitly", { disableImplicitLinking: true }],
    ["what the provider says is taken over", { updateUserInfoOnLink: true, allowDifferentEmails: true, trustedProviders: ["idp"] }],
  ].map(([name, accountLinking]) => explicitly(name, accountLinking)),
  explicitly("encrypted tokens", {}, { account: { encryptOAuthTokens: true } }),
  explicitly("the state in a cookie", {}, { account: { storeStateStrategy: "cookie" } }),
  explicitly("the account in a cookie", {}, { account: { storeAccountCookie: true } }),
  {
    name: "oauth linking: the whole way, and again",
    scenario: withProvider({}),
    lifetimes: [3600, 600],
    async run(t) {
      await t.signUp("ann");
      await link(t, "ann", { loginHint: "ann", additionalData: { plan: "pro", link: { userId: "x" } }, requestSignUp: true, newUserCallbackURL: "/new" });
      await states(t);
      await visit(t, "ann");
      await back(t, "ann");
      await seen(t, "ann");
      await stored(t);
      // Again: the account is the same, the tokens are new, the scopes come together.
      await linked(t, "ann", { scopes: ["offline_access"], additionalParams: { prompt: "consent" } });
      await linked(t, "ann", { scopes: ["openid"] });
      await stored(t);
      await linked(t, "ann", { provider: "second" });
      await accounts(t, "ann");
      // As a bearer, with nothing but the state cookie.
      await t.post("/link-social", { provider: "idp", callbackURL: "/linked", disableRedirect: true }, ($) => ({ ...bearer("ann")($), keep: "link" }), 200);
      await visit(t, "link", "ann");
      await back(t, "link", ($) => ({ cookie: $.link.cookie.split("; ").filter((pair) => pair.startsWith("better-auth.state")).join("; ") }));
      await t.get("/get-session", ($) => ({ cookie: $.link.cookie }));
      // Signing in with the linked account is being the same person.
      verify(t, "ann@example.com");
      await signIn(t, "again", { login: "ann", ...FAILED });
      await seen(t, "again");
      await stored(t);
    },
  },
  {
    name: "oauth linking: the account belongs to somebody else",
    scenario: withProvider({ allowDifferentEmails: true }),
    async run(t) {
      await signIn(t, "stranger");
      await t.signUp("ann");
      await linked(t, "ann", { login: "stranger" });
      await linked(t, "ann", { login: "stranger", errorCallbackURL: undefined });
      await linked(t, "ann", { login: "deny" });
      await stored(t);
      await accounts(t, "ann");
    },
  },
  {
    name: "oauth linking: the session that asked is over",
    scenario: withProvider({ allowDifferentEmails: true }),
    async run(t) {
      const begin = async (as) => {
        await t.signIn(as, as);
        await link(t, as, { loginHint: "ann" });
        await visit(t, as, "ann");
      };
      await t.signUp("ann");
      await t.signUp("bob");
      await begin("ann");
      await t.post("/sign-out", {}, ($) => ({ ...cookie("ann")($) }), 200);
      await back(t, "ann");
      await begin("ann");
      t.age("ann", { expiresAt: -5 });
      await back(t, "ann");
      // Somebody else is signed in by now, in the same browser.
      await begin("ann");
      await back(t, "ann", ($) => ({ cookie: `${$.ann.cookie.split("; ").filter((pair) => !pair.includes("session_token")).join("; ")}; ${$.bob.cookie}`, keep: undefined }));
      await stored(t);
      const spoil = (change) => t.database((database, $) => {
        const identifier = `auth-state:${$.ann.state}`;
        const value = JSON.parse(database.prepare("select value from verification where identifier = ?").get(identifier).value);
        change(value.link, $);
        database.prepare("update verification set value = ? where identifier = ?").run(JSON.stringify(value), identifier);
      });
      for (const change of [
        (to) => { delete to.encryptedSessionToken; },
        (to) => { to.encryptedSessionToken = "junk"; },
        (to) => { to.encryptedSessionToken = ""; },
        (to, $) => { to.userId = $.bob.user.id; },
        (to, $) => { to.userId = $.bob.user.id; delete to.encryptedSessionToken; },
        (to) => { to.email = "ANN@example.com"; },
        (to) => { delete to.email; },
        (to) => { to.userId = 5; delete to.encryptedSessionToken; },
      ]) {
        await begin("ann");
        spoil(change);
        await back(t, "ann", {}, null);
      }
      await stored(t);
      // The user is gone, and with the user the sessions; left over in Redis they make the package fail (COMPATIBILITY D95).
      await begin("ann");
      t.database((database, $) => {
        database.prepare("delete from user where id = ?").run($.ann.user.id);
        if (t.store === "redis") database.alter($.ann.token, null);
      });
      await back(t, "ann", {}, null);
      await stored(t);
    },
  },
  {
    name: "oauth linking: requests that do not get that far",
    scenario: withProvider({}),
    async run(t) {
      await t.signUp("ann");
      const body = { provider: "idp", callbackURL: "/linked" };
      await t.post("/link-social", body, {}, 401);
      await t.post("/link-social", body, { authorization: "Bearer unknown" }, 401);
      await t.post("/link-social", body, ($) => ({ cookie: $.ann.cookie }), 403);
      await t.post("/link-social", body, ($) => ({ cookie: $.ann.cookie, origin: "https://evil.example" }), 403);
      for (const json of [{}, { provider: 5 }, { provider: "unknown" }, { provider: "" }, { provider: "credential" }, { callbackURL: 5, provider: "idp" }, { provider: "idp", idToken: "x", scopes: "y", additionalParams: { nonce: "z" }, disableRedirect: 1, requestSignUp: 1, errorCallbackURL: 1, loginHint: 1, additionalData: 1 },
        { provider: "idp", idToken: { token: "x", expiresAt: "ignored", user: "ignored" } }, { provider: "idp", newUserCallbackURL: "https://evil.example" }, { provider: "idp", newUserCallbackURL: 5 }, { provider: "idp" }, { provider: "idp", callbackURL: "" }, { provider: "idp", callbackURL: "https://evil.example" }]) {
        await t.post("/link-social", json, bearer("ann"));
      }
      for (const raw of ["null", "[]", "", "{broken"]) await t.send(($) => ({ method: "POST", path: "/link-social", body: raw, type: "application/json", ...bearer("ann")($) }));
      await t.get("/link-social", bearer("ann"));
      // An old session may link: what it needs is to be in the database.
      t.age("ann", { createdAt: -3 * 86_400, updatedAt: -3 * 86_400 });
      await t.post("/link-social", body, bearer("ann"), 200);
      t.age("ann", { expiresAt: -5 });
      await t.post("/link-social", body, bearer("ann"), 401);
    },
  },
  ...[["", {}], [", the last one too", { allowUnlinkingAll: true }]].map(([name, accountLinking]) => ({
    name: `oauth linking: unlinked${name}`,
    scenario: withProvider({ allowDifferentEmails: true, ...accountLinking }),
    async run(t) {
      const unlink = (as, accountId, extra = bearer(as)) => t.post("/unlink-account", ($) => ({ accountId: typeof accountId === "function" ? accountId($) : accountId }), extra);
      await t.signUp("ann");
      await signIn(t, "stranger");
      await accounts(t, "ann");
      await accounts(t, "stranger");
      for (const accountId of [($) => $.ann.accounts.credential, "unknown", "", ($) => $.stranger.accounts.idp]) await unlink("ann", accountId);
      // After this, Ann may have no account left.
      await t.signUp("bob");
      await linked(t, "bob", { login: "ann" });
      await accounts(t, "bob");
      for (const accountId of ["unknown", "", "ann", "idp", 5, null, undefined, ["x"], ($) => $.stranger.accounts.idp, ($) => ` ${$.bob.accounts.idp}`]) await unlink("bob", accountId);
      await unlink("bob", ($) => $.bob.accounts.idp, {});
      await unlink("bob", ($) => $.bob.accounts.idp, ($) => ({ cookie: $.bob.cookie }));
      t.age("bob", { createdAt: -2 * 86_400 });
      await unlink("bob", ($) => $.bob.accounts.idp);
      t.age("bob", { createdAt: 0 });
      await t.post("/unlink-account", ($) => ({ accountId: $.bob.accounts.idp, providerId: "idp" }), cookie("bob"), 200);
      await accounts(t, "bob");
      await unlink("bob", ($) => $.bob.accounts.credential);
      await t.signIn("bob", "later");
      // What was unlinked signs in as somebody new, or is linked again.
      await linked(t, "bob", { login: "ann" }, null);
      await accounts(t, "bob");
      await unlink("bob", ($) => $.bob.accounts.credential);
      await t.signIn("bob", "later");
      await signIn(t, "as ann", { login: "ann", ...FAILED });
      await stored(t);
      await known(t);
      await t.post("/unlink-account", {}, bearer("bob"), 400);
      for (const raw of ["null", "[]", "", "{broken"]) await t.send(($) => ({ method: "POST", path: "/unlink-account", body: raw, type: "application/json", ...bearer("bob")($) }));
    },
  })),
];
