// A base URL that depends on the host. Requests whose host is not allowed, without a fallback, end the original's process.

const HOSTS = ["app.example.com", "a.b.example.com", "APP.example.com", "example.com", "other.test", "other.test:81", "local.test:3000", "127.0.0.1:3000"];
const ALLOWED = ["*.example.com", "example.com", "https://other.test", "local.test:*", "127.0.0.1:3000"];
const ORIGINS = ["https://app.example.com", "http://app.example.com", "https://a.b.example.com", "http://example.com", "https://example.com", "https://other.test", "http://other.test", "https://local.test:3000", "http://127.0.0.1:3000", "https://back.test", "http://back.test", "https://evil.test"];
const FORWARDED = [
  [],
  [["X-Forwarded-Proto", "https"]],
  [["X-Forwarded-Host", "b.example.com"]],
  [["X-Forwarded-Host", "b.example.com"], ["X-Forwarded-Proto", "https"]],
  [["X-Forwarded-Host", "evil.test"], ["X-Forwarded-Proto", "https"]],
  [["X-Forwarded-Host", "b.example.com, c.example.com"]],
  [["X-Forwarded-Host", "b.example.com/x"]],
];

const dynamic = (title, baseURL, advanced, environment) => ({
  name: `base URL: ${title}`,
  scenario: { environment, options: { baseURL: { allowedHosts: ALLOWED, fallback: "https://back.test", ...baseURL }, advanced, rateLimit: { enabled: false } } },
  async run(t) {
    await t.signUp("ann", {}, { keep: "ann", host: "app.example.com" });
    for (const host of HOSTS) {
      await t.signIn("ann", "now", {}, { host });
      await t.get("/get-session", ($) => ({ host, cookie: $.now.cookie }));
    }
    for (const headers of FORWARDED) await t.signIn("ann", "now", {}, { host: "app.example.com", headers });
    for (const origin of ORIGINS) await t.post("/sign-out", {}, { host: "app.example.com", cookie: "a=b", origin });
    for (const callbackURL of ["https://app.example.com/x", "https://back.test/x", "https://evil.test", "/x", "//evil.test"]) await t.post("/sign-out", { callbackURL }, { host: "app.example.com" });
    await t.post("/sign-out", {}, ($) => ({ host: "app.example.com", cookie: $.now.cookie, origin: "https://app.example.com" }));
  },
});

const cross = (more) => ({ crossSubDomainCookies: { enabled: true, ...more } });

export default [
  dynamic("as each request says"),
  dynamic("as each request says, in production", {}, undefined, "production"),
  dynamic("auto", { protocol: "auto" }),
  dynamic("https", { protocol: "https" }),
  dynamic("http", { protocol: "http" }, undefined, "production"),
  dynamic("behind a trusted proxy", {}, { trustedProxyHeaders: true }),
  dynamic("secure cookies whatever it is", { protocol: "http" }, { useSecureCookies: true }),
  dynamic("cookies shared with subdomains", {}, cross()),
  dynamic("cookies shared with subdomains of one domain, behind a trusted proxy", { protocol: "auto" }, { ...cross({ domain: "example.com" }), trustedProxyHeaders: true }),
  dynamic("cookies shared with subdomains, secure or not as said", {}, { ...cross(), useSecureCookies: false }),
];
