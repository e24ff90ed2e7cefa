// Where a sign-in may lead: every URL that a client can name, with what has been used to leave the house.
import { back, fabricate, explicit, idp, start } from "../lib/oauth.mjs";

const OWN = "http://127.0.0.1:3000";
const TRUSTED = ["https://app.example.com", "https://*.wild.example", "myapp://", "exp://**"];
const scenario = (at) => ({ options: { trustedOrigins: TRUSTED }, plugins: { genericOAuth: { config: [explicit(at.faults)] } } });

const URLS = [
  "/", "/welcome", "/welcome?a=b&c=/d", "/welcome#part", "/a/../b", "/a/./b", "/a//b", "/a%20b", "/-_.~!$&'()*+,;=:@", "/a?b=https://evil.example", "/a?b=//evil.example", "/?", "/#",
  "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\\/evil.example", "/%2Fevil.example", "/%2fevil.example", "/%5Cevil.example", "/%5cevil.example", "/a/%2e%2e/%2f/evil.example", "/%252Fevil.example", "/a\\b", "/a?b=\\c", "/a?b=%2F", "/a#%2F",
  "/\tevil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/a\r\nlocation: x", "/a\u0000b", "/a\u007fb", "/a\u0085b", "\t/welcome", " /welcome", "/welcome ", "/a b", "/%00", "/%0d%0aset-cookie:x", "/%09/evil.example",
  "/ä", "/€", "/😀", "/a?b=ä€", "/\u2028", "/\u3002evil.example", "/／evil.example", "/<script>", "/\"quoted\"", "/{a}", "/a|b", "/a^b", "/`a`", "/@evil.example", "/:80", "/.", "/..",
  "welcome", "?a=b", "#part", "./welcome", "../welcome", "evil.example", "@evil.example", ":", "", " ", ".",
  `${OWN}`, `${OWN}/`, `${OWN}/welcome?a#b`, `${OWN}//evil.example`, `${OWN}/%2Fevil.example`, `${OWN}@evil.example`, `${OWN}:80@evil.example/`, `${OWN}.evil.example`, `${OWN}\\@evil.example`, `${OWN}/\\evil.example`, `${OWN}#@evil.example`, `${OWN}?@evil.example`, `${OWN}/ä€`, `${OWN}/a b`, `${OWN}/\t`, `${OWN}/a\u0000`,
  "http://127.0.0.1", "http://127.0.0.1:3001", "https://127.0.0.1:3000", "http://localhost:3000", "http://0x7f000001:3000/", "http://127.1:3000/", "http://user@127.0.0.1:3000/", "http://user:pass@127.0.0.1:3000/x", "http:/127.0.0.1:3000/x", "http:127.0.0.1:3000/x", "HTTP://127.0.0.1:3000/X", " http://127.0.0.1:3000/",
  "https://app.example.com", "https://app.example.com/x?y#z", "https://APP.example.com/x", "https://app.example.com:443/x", "https://app.example.com:444/x", "http://app.example.com/x", "https://app.example.com.evil.example/", "https://app.example.com@evil.example/", "https://user@app.example.com/", "https://app.example.com./", "https://sub.app.example.com/", "https://evil.example/https://app.example.com",
  "https://a.wild.example/x", "https://a.b.wild.example/x", "https://wild.example/x", "https://evil.example/.wild.example", "https://evil.example#.wild.example", "https://evil.example?.wild.example", "https://evil.example\\.wild.example", "https://a.wild.example@evil.example",
  "myapp://home", "myapp:home", "myapp:///x", "MYAPP://home", "myapp2://home", "exp://192.168.0.1:8081/--/x",
  "javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x", "blob:http://127.0.0.1:3000/x", "file:///etc/passwd", "about:blank", "ftp://127.0.0.1:3000/", "ws://127.0.0.1:3000/", "mailto:a@b.example", "http://", "https://", "http:///x", "http://[::1]:3000/", "http://[", "%",
  `/${"x".repeat(3000)}`,
];

const name = (index) => `p${index}`;

/** For each URL: whether it is taken at the beginning, and where it leads in the end. */
const each = (title, urls, begin, told = { user: { id: "1", email: "pat@example.com", email_verified: true } }, more = {}) => ({
  name: `oauth URLs: ${title}`,
  scenario,
  async run(t) {
    for (const [index, url] of urls.entries()) {
      const { answers } = await start(t, name(index), { provider: "explicit", ...begin(url) }, {}, null);
      if (answers[0].status !== 200) continue;
      await fabricate(t, name(index), "explicit", told, more);
      await back(t, name(index), {}, null);
      // Whoever comes next is new again.
      t.database((database) => database.forget());
    }
  },
});

export default [
  each("callbackURL", URLS, (callbackURL) => ({ callbackURL })),
  each("newUserCallbackURL", URLS, (newUserCallbackURL) => ({ callbackURL: "/welcome", newUserCallbackURL })),
  each("errorCallbackURL", URLS, (errorCallbackURL) => ({ callbackURL: "/welcome", errorCallbackURL }), {}, { error: "denied", error_description: "by them" }),
  {
    name: "oauth URLs: linking",
    scenario,
    async run(t) {
      await t.signUp("ann", { email: "pat@example.com" });
      const bearer = ($) => ({ authorization: `Bearer ${$.ann.signed}` });
      for (const url of URLS.filter((_, index) => index % 3 === 0)) {
        for (const json of [{ callbackURL: url }, { errorCallbackURL: url }, { newUserCallbackURL: url }]) {
          await t.post("/link-social", { provider: "explicit", callbackURL: "/linked", ...json }, bearer);
        }
      }
      for (const url of URLS) {
        const { answers } = await t.post("/link-social", { provider: "explicit", callbackURL: url }, ($) => ({ ...bearer($), keep: "link" }));
        if (answers[0].status !== 200) continue;
        await fabricate(t, "link", "explicit", { user: { id: "1", email: "pat@example.com", email_verified: true } });
        await back(t, "link", {}, null);
      }
    },
  },
  {
    name: "oauth URLs: sign-out at the provider",
    scenario: (at) => ({ options: { trustedOrigins: TRUSTED }, plugins: { genericOAuth: { config: [explicit(at.faults, { endSessionEndpoint: "https://idp.example/logout" })] } } }),
    async run(t) {
      for (const callbackURL of URLS) {
        await t.post("/sign-out", { callbackURL }, ($) => ({ authorization: $.pat ? `Bearer ${$.pat.signed}` : undefined }));
        await start(t, "pat", { provider: "explicit" });
        await fabricate(t, "pat", "explicit", { user: { id: "1", email: "pat@example.com", email_verified: true } });
        await back(t, "pat");
      }
    },
  },
  {
    name: "oauth URLs: the checks switched off",
    scenario: (at) => ({ options: { advanced: { disableOriginCheck: true } }, plugins: { genericOAuth: { config: [explicit(at.faults)] } } }),
    async run(t) {
      for (const url of ["https://evil.example/x", "//evil.example", "/\\evil.example", "/ä", "/€", "nonsense", "/a\r\nb"]) {
        for (const json of [{ callbackURL: url }, { callbackURL: "/x", errorCallbackURL: url }]) {
          await start(t, "pat", { provider: "explicit", ...json }, {}, null);
          await fabricate(t, "pat", "explicit", { user: { id: "1", email: "pat@example.com" } }, json.errorCallbackURL && { error: "denied" });
          await back(t, "pat", {}, null);
        }
      }
    },
  },
  ...["https://app.example.com/oops", "/oops?x=y#z", "//evil.example/oops", "nonsense", "myapp://oops"].map((errorURL) => ({
    name: `oauth URLs: an error page at ${errorURL}`,
    scenario: (at) => ({ options: { onAPIError: { errorURL } }, plugins: { genericOAuth: { config: [idp(at.claims)] } } }),
    async run(t) {
      await t.get("/callback/idp");
      await t.get("/callback/idp?state=unknown");
      await start(t, "ann");
      await t.get("", ($) => ({ cookie: $.ann.cookie, path: `/callback/idp?error=denied&state=${new URL($.ann.url).searchParams.get("state")}` }));
    },
  })),
];
