// Signing in at a provider and coming back: the authorization URL, new and known users, what is stored and shown.
import { ACCOUNTS } from "../providers/accounts.mjs";
import { back, idp, known, seen, signIn, start, states, stored, visit } from "../lib/oauth.mjs";

const OWN = "http://127.0.0.1:3000";
const withProvider = (more = {}, options = {}, issuer = "claims") => (at) => ({ options, plugins: { genericOAuth: { config: [idp(at[issuer], more)] } } });

/** One person's first and second sign-in, and what is known of them then. */
const twice = (name, more, options, { issuer, login = "ann" } = {}) => ({
  name: `oauth sign-in: ${name}`,
  scenario: withProvider(more, options, issuer),
  lifetimes: [3600, 600],
  async run(t) {
    await signIn(t, "one", { login, newUserCallbackURL: "/new", errorCallbackURL: "/failed" });
    await known(t);
    await stored(t);
    await signIn(t, "two", { login, newUserCallbackURL: "/new", errorCallbackURL: "/failed", requestSignUp: true });
    await known(t);
    await stored(t);
    await t.get("/get-session", ($) => ({ cookie: $.two.cookie }));
    await t.get("/get-session", ($) => ({ authorization: `Bearer ${$.two.signed}` }));
  },
});

/** What comes of a body of /sign-in/social, and what is remembered until the callback. */
const asked = (name, more, bodies, options, extra) => ({
  name: `oauth sign-in: ${name}`,
  scenario: withProvider(more, options),
  lifetimes: [600],
  async run(t) {
    for (const body of bodies) await start(t, "ann", body, extra, null);
    await states(t);
  },
});

export default [
  {
    name: "oauth sign-in: a new user and the same one again",
    scenario: withProvider(),
    lifetimes: [3600, 600],
    async run(t) {
      await start(t, "ann", { loginHint: "ann" });
      await states(t);
      await visit(t, "ann");
      await back(t, "ann");
      await seen(t, "ann");
      await stored(t);
      await known(t);
      await states(t);
      await signIn(t, "ann");
      await seen(t, "ann");
      await stored(t);
      await t.get("/list-sessions", ($) => ({ cookie: $.ann.cookie }));
    },
  },
  {
    name: "oauth sign-in: a bearer client, which keeps nothing but the state cookie",
    scenario: withProvider({}, { session: { updateAge: 0 } }),
    lifetimes: [3600],
    async run(t) {
      await start(t, "ann", { loginHint: "ann", disableRedirect: true });
      await visit(t, "ann");
      await back(t, "ann");
      const bearer = ($) => ({ authorization: `Bearer ${$.ann.signed}` });
      await t.get("/get-session", bearer, "session");
      const { answers } = await t.get("/list-accounts", bearer, 200);
      await t.each(($, side) => {
        $.ann.account = JSON.parse(answers[side].body)[0].id;
      });
      await t.post("/get-access-token", ($) => ({ accountId: $.ann.account }), bearer, 200);
      await t.get("", ($) => ({ ...bearer($), path: `/account-info?accountId=${$.ann.account}` }), 200);
      await t.post("/link-social", { provider: "idp", callbackURL: "/linked" }, ($) => ({ ...bearer($), keep: "link" }), 200);
      await t.post("/sign-out", {}, bearer, 200);
      await t.get("/get-session", bearer, "clears");
      // Signed in already, as a bearer, while the way to the provider begins and ends.
      await t.signUp("bob");
      await start(t, "bob", { loginHint: "stranger" }, ($) => ({ authorization: `Bearer ${$.bob.signed}` }));
      await visit(t, "bob", "stranger");
      await back(t, "bob", ($) => ({ authorization: `Bearer ${$.bob.signed}` }));
      await t.get("/get-session", ($) => ({ authorization: `Bearer ${$.bob.signed}` }), "session");
      // No state cookie at all: the session is not given.
      await start(t, "ann", { loginHint: "ann" });
      await visit(t, "ann");
      await back(t, "ann", ($) => ({ cookie: undefined, authorization: `Bearer ${$.ann.signed}` }));
    },
  },
  ...["plain", "claims"].map((issuer) => ({
    name: `oauth sign-in: every kind of profile, ${issuer === "plain" ? "from the userinfo endpoint" : "in the ID token"}`,
    scenario: withProvider({}, {}, issuer),
    lifetimes: [3600],
    async run(t) {
      for (const login of Object.keys(ACCOUNTS)) {
        await signIn(t, login, { errorCallbackURL: "/failed?from=here" });
        await t.get("/get-session", ($) => ({ cookie: $[login].cookie }));
      }
      await known(t);
      await stored(t);
    },
  })),
  {
    name: "oauth sign-in: scopes that leave the provider little to say",
    scenario: withProvider({ scopes: undefined }, {}, "plain"),
    async run(t) {
      await signIn(t, "ann");
      await signIn(t, "bob", { scopes: ["email"] });
      await seen(t, "bob");
      await signIn(t, "carl", { scopes: ["openid", "profile", "email", "email"] });
      await stored(t);
    },
  },
  {
    name: "oauth sign-in: the form of the provider, and a refusal there",
    scenario: withProvider(),
    async run(t) {
      await start(t, "ann");
      await visit(t, "ann");
      await back(t, "ann");
      await seen(t, "ann");
      for (const body of [{}, { errorCallbackURL: "/failed" }, { errorCallbackURL: `${OWN}/failed?a=b#c` }, { errorCallbackURL: "/failed?error=mine" }, { callbackURL: undefined }]) {
        await start(t, "bob", { loginHint: "deny", ...body });
        await visit(t, "bob", "deny");
        await back(t, "bob");
      }
    },
  },
  {
    name: "oauth sign-in: where it leads",
    scenario: withProvider({}, { trustedOrigins: ["https://app.example.com", "myapp://"] }),
    async run(t) {
      const targets = ["/welcome?a=b#c", `${OWN}/x`, "https://app.example.com/deep?x=%20y#z", "https://app.example.com", "myapp://home", "/", "/a b", "/ä", ""];
      for (const callbackURL of targets) await signIn(t, "ann", { callbackURL });
      await signIn(t, "ann", { callbackURL: undefined });
      await signIn(t, "ann", { newUserCallbackURL: "/new" });
      await signIn(t, "stranger", { newUserCallbackURL: "https://app.example.com/new?a#b" });
      await signIn(t, "carl", { newUserCallbackURL: "" });
    },
  },
  ...[
    ["the Basic header", { clientId: "basic", authentication: "basic" }],
    ["the Basic header, named by method", { clientId: "basic", tokenEndpointAuth: { method: "client_secret_basic" } }],
    ["the secret in the body, named by method", { tokenEndpointAuth: { method: "client_secret_post" } }],
    ["a public client", { clientId: "public", clientSecret: undefined }],
    ["a public client, named by method", { clientId: "public", clientSecret: undefined, tokenEndpointAuth: { method: "none" } }],
    ["the secret in the body where the Basic header is registered", { clientId: "basic" }],
    ["a wrong secret", { clientSecret: "wrong" }],
    ["no PKCE", { pkce: false }],
    ["no PKCE where the provider requires it", { clientId: "public", clientSecret: undefined, pkce: false }],
    ["no nonce", { disableIdTokenNonceBinding: true }],
    ["verified ID tokens required", { requireIdTokenVerification: true }],
    ["a refresh token", { scopes: ["email", "profile", "offline_access"], prompt: "consent", accessType: "offline" }],
    ["parameters that the provider does not know", { authorizationUrlParams: { resource_hint: "x" }, tokenUrlParams: { own: "y", code: "z" } }],
    ["sign-up disabled", { disableSignUp: true }],
    ["implicit sign-up disabled", { disableImplicitSignUp: true }],
    ["both kinds of sign-up disabled", { disableSignUp: true, disableImplicitSignUp: true }],
    ["tokens kept as they were", {}, { account: { updateAccountOnSignIn: false } }],
    ["e-mail and password off", {}, { emailAndPassword: { enabled: false } }],
    ["the state check left to others", {}, { account: { skipStateCookieCheck: true } }],
    ["the state in a cookie", {}, { account: { storeStateStrategy: "cookie" } }],
    ["the account in a cookie", {}, { account: { storeAccountCookie: true } }],
    ["the account in a cookie, encrypted tokens", {}, { account: { storeAccountCookie: true, encryptOAuthTokens: true } }],
    ["encrypted tokens", {}, { account: { encryptOAuthTokens: true } }],
    ["an additional field with a default", {}, { user: { additionalFields: { plan: { type: "string", defaultValue: "free" } } } }],
    ["an additional field that nobody gives", {}, { user: { additionalFields: { plan: { type: "string", required: true } } } }],
    ["an additional field the client may not set", {}, { user: { additionalFields: { plan: { type: "string", required: true, input: false } } } }],
    ["the state under a hashed name", {}, { verification: { storeIdentifier: "hashed" } }],
    ["cookies with a prefix", {}, { advanced: { cookiePrefix: "own", useSecureCookies: true } }],
    ["a state cookie with a name", {}, { advanced: { cookies: { state: { name: "my-state", attributes: { sameSite: "none", path: "/api" } } } } }],
  ].map(([name, more, options]) => twice(name, more, options)),
  ...["bob", "carl"].map((login) => twice(`a verified address required, ${login}`, { requireEmailVerification: true }, {}, { login })),
  ...[
    ["a sender alone", {}, {}],
    ["mails at sign-up", {}, { sendOnSignUp: true }],
    ["mails at sign-in", {}, { sendOnSignIn: true }],
    ["a verified address required", { requireEmailVerification: true }, {}],
    ["a verified address required, no mails at sign-up", { requireEmailVerification: true }, { sendOnSignUp: false }],
    ["a verified address required, mails at sign-in", { requireEmailVerification: true }, { sendOnSignIn: true, expiresIn: 120 }],
  ].map(([name, more, emailVerification]) => ({
    name: `oauth sign-in: mails, ${name}`,
    scenario: withProvider(more, { emailVerification: { sendVerificationEmail: true, ...emailVerification } }),
    async run(t) {
      // The address of Bob is not verified by the provider, that of Ann is.
      for (const login of ["ann", "bob", "bob"]) await signIn(t, login, { callbackURL: "/welcome?a=b&c#d", errorCallbackURL: "/failed" });
      await known(t);
    },
  })),
  {
    name: "oauth sign-in: a verified address required, which it is here",
    scenario: withProvider({ requireEmailVerification: true }),
    async run(t) {
      await signIn(t, "bob", { errorCallbackURL: "/failed" });
      t.database((database) => database.prepare("update user set emailVerified = true").run());
      await signIn(t, "bob", { errorCallbackURL: "/failed" });
      await seen(t, "bob");
    },
  },
  {
    name: "oauth sign-in: what the provider says over what is known",
    scenario: withProvider({ overrideUserInfo: true }, { user: { additionalFields: { plan: { type: "string", defaultValue: "free" } } } }),
    async run(t) {
      for (const login of ["ann", "bob", "carl"]) {
        await signIn(t, login);
        t.database((database) => database.prepare("update user set name = 'Changed', image = 'changed', plan = 'paid'").run());
        await signIn(t, login);
        await seen(t, login);
        // An address of one's own, verified here.
        t.database((database) => database.prepare("update user set email = 'own@example.com', emailVerified = true").run());
        await signIn(t, login);
        await seen(t, login);
        t.database((database) => database.prepare("update user set emailVerified = false").run());
        await signIn(t, login);
        await known(t);
        t.database((database) => database.forget());
      }
      // The provider's address belongs to somebody else here.
      await signIn(t, "ann");
      t.database((database) => database.prepare("update user set email = 'own@example.com'").run());
      await t.signUp("other", { email: "ann@example.com" });
      await start(t, "ann", { loginHint: "ann", errorCallbackURL: "/failed" });
      await visit(t, "ann");
      await back(t, "ann", {}, 500);
      await known(t);
    },
  },
  {
    name: "oauth sign-in: what is known over what the provider says",
    scenario: withProvider(),
    async run(t) {
      for (const login of ["ann", "bob"]) {
        await signIn(t, login);
        t.database((database) => database.prepare("update user set name = 'Changed', image = null, emailVerified = false").run());
        await signIn(t, login);
        await seen(t, login);
        t.database((database) => {
          const ids = database.prepare("select id from user order by createdAt").pluck().all();
          for (const [at, id] of ids.entries()) database.prepare("update user set email = ?, emailVerified = false where id = ?").run(`${at}@example.com`, id);
        });
        await signIn(t, login);
        await known(t);
      }
    },
  },
  {
    name: "oauth sign-in: implicit sign-up disabled, and asked for",
    scenario: withProvider({ disableImplicitSignUp: true }),
    async run(t) {
      for (const requestSignUp of [false, undefined, true, false]) {
        await signIn(t, "ann", { requestSignUp, newUserCallbackURL: "/new" });
        await known(t);
      }
      await signIn(t, "bob", { requestSignUp: true, newUserCallbackURL: "/new", errorCallbackURL: "/failed" });
    },
  },
  {
    name: "oauth sign-in: an account whose user is gone",
    scenario: withProvider(),
    async run(t) {
      await signIn(t, "ann");
      t.database((database) => database.orphaning(() => database.prepare("delete from user").run()));
      await signIn(t, "ann", { errorCallbackURL: "/failed" });
      await known(t);
    },
  },
  {
    name: "oauth sign-in: several providers, one person at each",
    scenario: (at) => ({ plugins: { genericOAuth: { config: [idp(at.claims), idp(at.plain, { providerId: "second", clientId: "basic", authentication: "basic" }), idp(at.plain, { providerId: "third", clientId: "public", clientSecret: undefined })] } } }),
    async run(t) {
      await signIn(t, "ann");
      await signIn(t, "carl", { provider: "second" });
      await signIn(t, "stranger", { provider: "third" });
      for (const login of ["ann", "carl", "stranger"]) await seen(t, login);
      // The same subject and a verified address at another provider: the same person.
      await signIn(t, "ann", { provider: "third" });
      await signIn(t, "ann", { provider: "second" });
      await seen(t, "ann");
      await known(t);
    },
  },
  {
    name: "oauth sign-in: a provider id used twice",
    scenario: (at) => ({ plugins: { genericOAuth: { config: [idp(at.claims, { scopes: ["email"] }), idp(at.plain, { clientId: "public", clientSecret: undefined })] } } }),
    async run(t) {
      await start(t, "ann");
    },
  },
  asked("what the body adds to the URL", {}, [
    {},
    { disableRedirect: true },
    { disableRedirect: false },
    { scopes: [] },
    { scopes: ["offline_access"] },
    { scopes: ["openid"] },
    { scopes: ["a b", "c&d", "é", ""] },
    { loginHint: "" },
    { loginHint: "ann & bob+c@example.com" },
    { requestSignUp: true },
    { callbackURL: "/x", errorCallbackURL: "/y", newUserCallbackURL: "/z" },
    { callbackURL: "" },
    { errorCallbackURL: "", newUserCallbackURL: "" },
    { additionalParams: {} },
    { additionalParams: { hd: "example.com", "login hint": "x y", prompt: "none", empty: "" } },
    { additionalParams: { login_hint: "from-params" }, loginHint: "from-body" },
    { additionalParams: { State: "x", "client_id ": "y", resource: "z" } },
    { additionalParams: { __proto__x: "a", constructor: "b", response_mode: "form_post" } },
    { unknown: 1 },
  ]),
  asked("additional data", {}, [
    { additionalData: {} },
    { additionalData: { plan: "pro", nested: { a: [1, null, true] }, "": "empty" } },
    { additionalData: { callbackURL: "https://evil.example", codeVerifier: "mine", errorURL: "https://evil.example", newUserURL: "https://evil.example" } },
    { additionalData: { link: { userId: "x", email: "y" }, expiresAt: 1, oauthState: "mine", requestSignUp: true, idTokenNonce: "mine", serverContext: { a: 1 } } },
    { additionalData: { constructor: "a", toString: "b", plan: "ä€😀\u0000" } },
    { additionalData: JSON.parse('{"__proto__": {"link": {"userId": "x", "email": "y"}}}') },
  ]),
  {
    name: "oauth sign-in: additional data that names what the server keeps itself",
    scenario: withProvider(),
    async run(t) {
      const additionalData = { errorURL: "https://evil.example/", newUserURL: "https://evil.example/", link: { userId: "x", email: "ann@example.com" }, requestSignUp: "no", serverContext: { x: 1 }, expiresAt: 5, idTokenNonce: "x" };
      await signIn(t, "ann", { additionalData });
      await signIn(t, "ann", { additionalData, login: "deny" });
      await signIn(t, "bob", { additionalData: { link: 5 } });
      await signIn(t, "carl", { additionalData: { newUserURL: 5, errorURL: 7 } });
      await signIn(t, "stranger", { additionalData: { serverContext: "x" } });
    },
  },
  asked("names that additional parameters may not have", {},
    ["state", "client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "nonce", "scope"].map((name) => ({ additionalParams: { [name]: "x" } })), {}),
  asked("bodies that are refused", {}, [
    { provider: 5 },
    { provider: null },
    { provider: undefined },
    { provider: "" },
    { provider: "Idp" },
    { provider: "github" },
    { provider: "__proto__" },
    { provider: ["idp"] },
    { callbackURL: 5 },
    { errorCallbackURL: 5 },
    { newUserCallbackURL: {} },
    { callbackURL: null },
    { disableRedirect: "true" },
    { scopes: "email" },
    { scopes: [1] },
    { scopes: null },
    { requestSignUp: "yes" },
    { loginHint: 1 },
    { additionalParams: { a: 1 } },
    { additionalParams: [] },
    { additionalParams: "a=b" },
    { additionalParams: { state: 1 } },
    { additionalData: [] },
    { additionalData: "x" },
    { additionalData: null },
    { idToken: "x" },
    { idToken: {} },
    { idToken: { token: 5, nonce: 6, accessToken: 7, refreshToken: 8, expiresAt: "9", user: 10 } },
    { idToken: { token: "x", user: { name: "x", email: 5 } } },
    { provider: 5, callbackURL: 5, scopes: 5, loginHint: 5, disableRedirect: 5, requestSignUp: 5, additionalParams: 5, additionalData: 5, idToken: 5, newUserCallbackURL: 5, errorCallbackURL: 5 },
  ]),
  ...[
    ["a prompt", { prompt: "select_account consent" }],
    ["the access type", { accessType: "offline" }],
    ["the response type", { responseType: "code id_token" }],
    ["the response mode", { responseMode: "form_post" }],
    ["parameters", { authorizationUrlParams: { audience: "api", ownCase: "x", prompt: "login" }, prompt: "consent" }],
    ["parameters with reserved names", { authorizationUrlParams: { state: "x", client_id: "y", redirect_uri: "z", scope: "w", nonce: "v", response_type: "u" } }],
    ["a redirect URI", { redirectURI: `${OWN}/api/auth/callback/second` }],
    ["an endpoint with a query of its own", { authorizationUrl: "http://127.0.0.1:1/auth?tenant=a%20b&state=fixed&scope=x&&empty=&tenant=c#part" }],
    ["no PKCE in the URL", { pkce: false }],
    ["no nonce in the URL", { disableIdTokenNonceBinding: true }],
    ["no scopes", { scopes: undefined }],
    ["scopes with openid among them", { scopes: ["email", "openid"] }],
    ["a name", { name: "The Provider" }],
  ].map(([name, more]) => asked(`the configuration adds ${name}`, more, [{}, { scopes: ["x"], additionalParams: { prompt: "none", audience: "body" } }])),
  ...[
    ["another base path", { basePath: "/auth" }],
    ["a base URL with https", { baseURL: "https://auth.example.com", trustedOrigins: [OWN] }],
    ["a base URL with a path", { baseURL: `${OWN}/inner` }],
    ["no base URL", { baseURL: null }],
  ].map(([name, options]) => ({
    name: `oauth sign-in: the URL under ${name}`,
    scenario: withProvider({}, options),
    lifetimes: [600],
    async run(t) {
      const target = options.baseURL?.endsWith("/inner") ? "/inner/sign-in/social" : undefined;
      await start(t, "ann", {}, { target }, 200);
      await start(t, "ann", { callbackURL: undefined }, { target }, null);
      await start(t, "ann", { callbackURL: "https://auth.example.com/x" }, { target }, null);
      await states(t);
    },
  })),
  {
    name: "oauth sign-in: under another base path, the whole way",
    scenario: withProvider({}, { basePath: "/auth" }),
    async run(t) {
      await signIn(t, "ann");
      await seen(t, "ann");
    },
  },
  {
    name: "oauth sign-in: the checks of origin and form",
    scenario: withProvider(),
    async run(t) {
      await t.signUp("zoe");
      const body = { provider: "idp", callbackURL: "/welcome" };
      for (const extra of [
        ($) => ({ cookie: $.zoe.cookie }),
        ($) => ({ cookie: $.zoe.cookie, origin: OWN }),
        ($) => ({ cookie: $.zoe.cookie, origin: "https://evil.example" }),
        () => ({ origin: "https://evil.example" }),
        () => ({ headers: [["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "navigate"], ["Sec-Fetch-Dest", "document"]] }),
        () => ({ headers: [["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "cors"]], origin: "https://evil.example" }),
      ]) await t.post("/sign-in/social", body, extra);
      await t.send({ method: "POST", path: "/sign-in/social", body: "provider=idp&callbackURL=/x", type: "application/x-www-form-urlencoded" });
      await t.send({ method: "POST", path: "/sign-in/social", body: "null", type: "application/json" });
      await t.send({ method: "POST", path: "/sign-in/social" });
      await t.get("/sign-in/social?provider=idp");
    },
  },
];
