// The same requests under other configurations: names of cookies, the base path, disabled paths, production.

const OWN = "http://127.0.0.1:3000";
const as = (name) => ($) => ({ authorization: `Bearer ${$[name].token}` });
const asSigned = (name) => ($) => ({ authorization: `Bearer ${$[name].signed}` });

/** One short life of two sessions, through everything that sets, reads or clears a cookie. */
async function life(t) {
  await t.signUp("ann");
  await t.get("/get-session", as("ann"), "session");
  await t.get("/get-session", asSigned("ann"), "session");
  await t.get("/get-session", ($) => ({ cookie: $.ann.cookie }));
  await t.get("/get-session", ($) => ({ cookie: `better-auth.session_token=${encodeURIComponent($.ann.signed)}` }));
  await t.get("/get-session", ($) => ({ cookie: `__Secure-better-auth.session_token=${encodeURIComponent($.ann.signed)}` }));
  await t.get("/get-session", { authorization: "Bearer unknown" }, "clears");
  await t.get("/get-session", ($) => ({ cookie: `${$.ann.cookie}; better-auth.session_data=x; better-auth.session_data.0=y; __Secure-better-auth.session_data=z; custom.session_data=z` }));
  await t.signIn("ann", "short", { rememberMe: false });
  await t.get("/get-session", ($) => ({ cookie: $.short.cookie }));
  await t.post("/update-user", { name: "Anna" }, ($) => ({ cookie: $.short.cookie, origin: OWN, keep: "short" }));
  await t.post("/sign-out", {}, ($) => ({ cookie: $.short.cookie, origin: OWN }));
  await t.post("/update-user", { name: "Anna" }, as("ann"), 200);
  await t.age("ann", { expiresAt: 86_400 });
  await t.get("/get-session", as("ann"), "session");
  await t.post("/revoke-sessions", {}, as("ann"), 200);
}

const lives = (title, options, environment) => ({ name: `configuration: ${title}`, scenario: { environment, options }, run: life });
const cookies = (title, advanced, more) => lives(title, { advanced, ...more });

export default [
  lives("production", { rateLimit: { enabled: false } }, "production"),
  lives("production without a base URL", { baseURL: null, rateLimit: { enabled: false } }, "production"),
  lives("production on https", { baseURL: "https://auth.example.com", trustedOrigins: [OWN], rateLimit: { enabled: false } }, "production"),
  lives("no base URL", { baseURL: null }),
  lives("a base URL with https", { baseURL: "https://auth.example.com", trustedOrigins: [OWN] }),
  lives("another base path", { basePath: "/auth" }),
  lives("a deep base path", { basePath: "/a/b/c" }),
  lives("another secret", { secret: "a second secret of sufficient length, 0123456789" }),
  cookies("secure cookies", { useSecureCookies: true }),
  cookies("no secure cookies on https", { useSecureCookies: false }, { baseURL: "https://auth.example.com", trustedOrigins: [OWN] }),
  cookies("a cookie prefix", { cookiePrefix: "custom" }),
  cookies("a cookie prefix, secure", { cookiePrefix: "my-app", useSecureCookies: true }),
  cookies("cookie names", { cookies: { session_token: { name: "sid" }, session_data: { name: "sdata" }, dont_remember: { name: "forget" } } }),
  cookies("cookie names, secure", { useSecureCookies: true, cookies: { session_token: { name: "sid" } } }),
  cookies("cookie attributes", { cookies: { session_token: { attributes: { sameSite: "strict", path: "/app", httpOnly: false } }, dont_remember: { attributes: { maxAge: 60 } } } }),
  cookies("default cookie attributes", { defaultCookieAttributes: { sameSite: "none", secure: true, partitioned: true, path: "/x" } }),
  cookies("default and own cookie attributes", { defaultCookieAttributes: { sameSite: "Lax", domain: "example.com" }, cookies: { session_token: { attributes: { sameSite: "Strict", domain: "sub.example.com" } } } }),
  cookies("a fixed maximum age", { cookies: { session_token: { attributes: { maxAge: 120 } } } }),
  cookies("cookies across subdomains", { crossSubDomainCookies: { enabled: true } }),
  cookies("cookies across subdomains of a domain", { crossSubDomainCookies: { enabled: true, domain: ".example.com" } }),
  lives("another life time", { session: { expiresIn: 3600, updateAge: 60 } }),
  {
    name: "configuration: the base URL has a path",
    scenario: { options: { baseURL: `${OWN}/inner/path`, basePath: "/ignored" } },
    async run(t) {
      for (const base of ["/inner/path", "/ignored", "/api/auth", "/inner/path/ignored", "/inner", "/inner/path/"]) {
        await t.send({ target: `${base}/ok` });
        await t.send({ target: `${base}/get-session` });
      }
      await t.send({ method: "POST", target: "/inner/path/sign-out", json: { callbackURL: `${OWN}/x` } }, 200);
    },
  },
  {
    name: "configuration: the base URL ends in a slash",
    scenario: { options: { baseURL: `${OWN}/` } },
    async run(t) {
      await t.get("/ok", {}, 200);
      await t.post("/sign-out", {}, { cookie: "a=b", origin: OWN }, 200);
      await t.post("/sign-out", { callbackURL: `${OWN}/x` }, {}, 200);
    },
  },
  ...["/", "/auth/", "auth"].map((basePath) => ({
    name: `configuration: the base path is ${JSON.stringify(basePath)}`,
    scenario: { options: { basePath } },
    async run(t) {
      for (const target of ["/ok", "/auth/ok", "/api/auth/ok", "//ok", "/auth//ok", "/auth/ok/"]) await t.send({ target });
    },
  })),
  {
    name: "configuration: disabled paths",
    scenario: { options: { disabledPaths: ["/sign-up/email", "/get-session", "/nothing", "/sign-out"] } },
    async run(t) {
      for (const path of ["/sign-up/email", "/get-session", "/error", "/error/", "/list-accounts", "/nothing", "/sign-out", "/sign-in/email", "/ok", "/get-session/", "/get-session?x=y", "/Get-Session", "//get-session", "/%67et-session", "/sign-out/x"]) {
        for (const method of ["GET", "POST", "PUT", "HEAD", "OPTIONS"]) await t.send({ method, path });
        await t.send({ method: "POST", path, body: "{", type: "application/json", cookie: "a=b", origin: "https://evil.example" });
      }
    },
  },
  {
    name: "configuration: disabled paths are not counted",
    scenario: { options: { disabledPaths: ["/ok"], rateLimit: { enabled: true, window: 60, max: 2 } } },
    async run(t) {
      for (let n = 0; n < 4; n += 1) await t.get("/ok", {}, 404);
      for (let n = 0; n < 4; n += 1) await t.get("/error");
    },
  },
  {
    name: "configuration: trailing slashes skipped",
    scenario: { options: { advanced: { skipTrailingSlashes: true } } },
    async run(t) {
      for (const path of ["/ok/", "/ok//", "/ok", "//ok/", "/get-session/?x=1", "/nothing/", "/", ""]) await t.get(path);
      await t.post("/sign-out/", {}, { cookie: "a=b", origin: "https://evil.example" });
    },
  },
  {
    name: "configuration: the error page in production",
    scenario: { environment: "production", options: { rateLimit: { enabled: false } } },
    async run(t) {
      for (const query of ["", "?error=SHOWN_CODE", "?error=SHOWN_%27", "?error=SHOWN_x%20y", "?error=%3Cforeign%3E", "?error=", "?error=A&error_description=some%20words%20%26%20%3Csigns%3E", "?error_description=only",
        "?error=A&error_description=", "?error=A&error=B", "?error=A&error_description=a%0d%0ab", "?error=A&error_description=%C3%A4%E2%82%AC", "?error=A&error_description=a+b%2Bc", "?error=A&error_description=*'()!~"]) {
        await t.get(`/error${query}`);
      }
    },
  },
  {
    name: "configuration: an error page elsewhere",
    scenario: { options: { onAPIError: { errorURL: "https://app.example.com/oops?from=auth#part" } } },
    async run(t) {
      for (const query of ["", "?error=SHOWN_CODE", "?error=A&error_description=some%20words", "?error=%3Cx%3E"]) await t.get(`/error${query}`);
    },
  },
];
