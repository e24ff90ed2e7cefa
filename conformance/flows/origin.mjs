// The origin check, the form check of sign-in and sign-up, and the redirect targets in bodies.

const OWN = "http://127.0.0.1:3000";
const EVIL = "https://evil.example";
/** Trusted origins of every kind of pattern, for `TARGETS`. */
export const TRUSTED = ["https://app.example.com", "https://*.wild.example", "*.host.example", "myapp://", "deep://app/cb", "http://localhost:*", "192.168.*.*",
  "exp://10.0.0.*:*/**", "https://*.q?.example:8443"];

const ORIGINS = [
  OWN, "HTTP://127.0.0.1:3000", `${OWN}/`, `${OWN}/x?y#z`, "http://127.0.0.1", "http://127.0.0.1:3001", "https://127.0.0.1:3000", "http://localhost:3000",
  "http://user:pw@127.0.0.1:3000", "http://127.1:3000", "http://0x7f.1:3000", "http://127.0.0.1:03000", "http:127.0.0.1:3000", "http:\\\\127.0.0.1:3000", "http:///127.0.0.1:3000",
  "//127.0.0.1:3000", "/", "/x", "127.0.0.1:3000", "null", "NULL", "", " ", "undefined", "*", "http://", "http://[::1]:3000", "http://127.0.0.1:3000.evil.example",
  "http://127.0.0.1:3000@evil.example", EVIL, "javascript:alert(1)", "data:text/html,x", "file:///x", "about:blank", "blob:http://127.0.0.1:3000/x",
  "https://app.example.com", "https://APP.example.com", "https://APP.example.com:443/x?y", "https://app.example.com.", "https://app.example.com:8443", "http://app.example.com",
  "https://xapp.example.com", "https://app.example.com.evil.example", "https://app.example.com%2eevil.example", "https://\xe4pp.example.com",
  "https://a.wild.example", "https://a.b.wild.example", "https://wild.example", "https://a.wild.example:8443", "http://a.wild.example", "https://.wild.example", "https://a.wild.example/p",
  "https://evil.example/a.wild.example", "https://evil.example?a.wild.example", "https://evil.example#a.wild.example",
  "http://x.host.example", "https://x.host.example", "http://x.host.example:99", "ftp://x.host.example", "x.host.example", "http://host.example",
  "myapp:x", "myapp:/", "myapp://", "myapp://anything/at/all", "MYAPP://x", "myappx://", "my-app://x",
  "deep://app/cb", "deep://APP/cb/more", "deep://app/%63b", "deep://app/cbx", "deep://app/cb/../other", "deep://app/x/../cb", "deep://app", "deep://app/cb?x=/..", "deep://other/cb", "deep:app/cb",
  "http://localhost", "http://localhost:1", "http://localhost:99999", "https://localhost:1", "http://localhost:1/x",
  "https://192.168.0.9/x", "http://192.168.1.1:8080", "http://192.168.evil.test", "http://192.168.1", "http://192.168.1.256", "http://0xc0.168.1.1",
  "exp://10.0.0.7:8081", "exp://10.0.0.7:8081/--/x", "exp://10.0.0.7", "exp://10.0.0.evil.example:1/", "exp://a@10.0.0.7:8081",
  "https://x.qa.example:8443", "https://x.q.example:8443", "https://x.qab.example:8443",
];

/** What a parameter that holds a redirect target may be given: good ones, and every known way to smuggle in a bad one. */
export const TARGETS = [...ORIGINS, "dash", "/dash", "/x?y=1#z", "//evil.example", "/\\evil.example", "/%2Fevil", "/%2fevil", "/%5Cevil", "/x%2Fy", "/x?to=%2Fy", "/x#%2F", "/x\n", "/x\ty", "/\u0085", "/x\u007f",
  "/..", "/ä", "/ x", "/x\\y", "./x", "../x", "?x", "#x", "http:/evil.example", "https:evil.example", " /x", " https://app.example.com",
  "https://app.example.com\n", "\nhttps://app.example.com", "ht\ntps://app.example.com", "https://app.example.com\\@evil.example", "https://evil.example\\@app.example.com", "x".repeat(3000), `/${"x".repeat(3000)}`];

const WRONG_TYPES = [null, 0, 1, true, false, [], ["/x"], {}, { a: 1 }, ""];

export default [
  {
    name: "origin: every origin, with a cookie",
    scenario: { options: { trustedOrigins: TRUSTED } },
    async run(t) {
      for (const origin of ORIGINS) {
        await t.post("/revoke-other-sessions", undefined, { cookie: "a=b", origin });
        await t.post("/revoke-other-sessions", undefined, { cookie: "a=b", headers: [["Referer", origin]] });
      }
      await t.post("/revoke-other-sessions", undefined, { cookie: "a=b" }, 403);
      await t.post("/revoke-other-sessions", undefined, { cookie: "", origin: EVIL });
    },
  },
  {
    name: "origin: every redirect target",
    scenario: { options: { trustedOrigins: TRUSTED } },
    async run(t) {
      for (const callbackURL of TARGETS) await t.post("/sign-out", { callbackURL });
      for (const target of TARGETS) {
        await t.send({ method: "POST", path: `/sign-out?callbackURL=${encodeURIComponent(target)}` });
      }
    },
  },
  {
    name: "origin: the fields that hold redirect targets",
    async run(t) {
      for (const field of ["callbackURL", "redirectTo", "errorCallbackURL", "newUserCallbackURL"]) {
        for (const value of [...WRONG_TYPES, "/x", EVIL, `${OWN}/x`]) {
          await t.post("/sign-out", { [field]: value });
          await t.post("/revoke-session", { [field]: value });
          await t.post("/update-user", { [field]: value });
        }
      }
      await t.post("/sign-out", { redirectTo: EVIL, callbackURL: EVIL }, {}, 403);
      await t.post("/sign-out", { newUserCallbackURL: EVIL, errorCallbackURL: 5 });
      await t.post("/sign-out?callbackURL=https://evil.example", { callbackURL: "" });
      await t.post("/sign-out?callbackURL=https://evil.example", { callbackURL: "/fine" });
      await t.post("/sign-out?callbackURL=/fine", { callbackURL: EVIL });
      await t.post("/sign-out?callbackURL=/fine&callbackURL=/also", {});
      await t.post("/sign-out?redirectTo=https://evil.example", {});
      await t.get("/get-session?callbackURL=https://evil.example");
      await t.post("/sign-out", [{ callbackURL: EVIL }]);
      await t.post("/sign-out", "callbackURL");
      await t.send({ method: "POST", path: "/sign-in/email", type: "application/x-www-form-urlencoded", body: "callbackURL=https%3A%2F%2Fevil.example" }, 403);
    },
  },
  {
    name: "origin: sign-in and sign-up without a cookie",
    async run(t) {
      const origins = [undefined, OWN, EVIL, "null", ""];
      const fetches = [
        [], [["Sec-Fetch-Site", "same-origin"]], [["Sec-Fetch-Site", "cross-site"]], [["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "navigate"]],
        [["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "cors"]], [["Sec-Fetch-Mode", "navigate"]], [["Sec-Fetch-Mode", "cors"]], [["Sec-Fetch-Dest", "document"]],
        [["Sec-Fetch-Site", " "]], [["Sec-Fetch-Site", "Cross-Site"], ["Sec-Fetch-Mode", "Navigate"]], [["Sec-Fetch-Site", "none"], ["Sec-Fetch-Mode", "navigate"], ["Sec-Fetch-Dest", "document"]],
      ];
      const good = { email: "nobody", password: "short", name: "x" };
      for (const origin of origins) {
        for (const headers of fetches) {
          await t.post("/sign-in/email", good, { origin, headers });
          await t.post("/sign-up/email", { ...good, email: "nobody@example.com" }, { origin, headers });
          await t.post("/sign-in/email", good, { origin, headers, cookie: "a=b" });
          await t.post("/sign-out", {}, { origin, headers });
          await t.post("/sign-out", {}, { origin, headers, cookie: "a=b" });
        }
      }
      for (const referer of [`${OWN}/page?x`, `${EVIL}/page`, "about:client", "nonsense", "/page"]) {
        await t.post("/sign-in/email", good, { headers: [["Referer", referer]] });
        await t.post("/sign-in/email", good, { headers: [["Referer", referer]], origin: OWN });
        await t.post("/sign-in/email", good, { headers: [["Referer", referer]], origin: "" });
        await t.post("/sign-out", {}, { headers: [["Referer", referer]], cookie: "a=b" });
      }
    },
  },
  {
    name: "origin: a bearer needs none",
    async run(t) {
      await t.signUp("ann");
      for (const origin of [undefined, OWN, EVIL, "null", "nonsense"]) {
        const bearer = ($) => ({ authorization: `Bearer ${$.ann.token}`, origin });
        await t.post("/update-user", { name: "Ann" }, bearer, 200);
        await t.post("/revoke-other-sessions", {}, bearer, 200);
        await t.get("/get-session", bearer, "session");
        await t.get("/get-session", ($) => ({ cookie: $.ann.cookie, origin }), "session");
        await t.get("/list-sessions", ($) => ({ cookie: $.ann.cookie, origin }), 200);
        await t.post("/update-user", { name: "Ann" }, ($) => ({ ...bearer($), cookie: "a=b" }));
        await t.post("/update-user", { name: "Ann" }, ($) => ({ cookie: $.ann.cookie, origin }));
      }
    },
  },
  {
    name: "origin: a null origin from the same site",
    async run(t) {
      for (const site of ["same-origin", "same-site", "none", "Same-Origin", ""]) {
        for (const host of ["127.0.0.1:3000", "evil.example"]) {
          const headers = [["Sec-Fetch-Site", site]];
          await t.post("/sign-out", {}, { origin: "null", cookie: "a=b", headers, host });
          await t.post("/sign-in/email", { email: "x", password: "y" }, { origin: "null", headers, host });
        }
      }
    },
  },
  ...[
    ["the CSRF check off", { disableCSRFCheck: true }],
    ["the origin check off", { disableOriginCheck: true }],
    ["the origin check off, the CSRF check on", { disableOriginCheck: true, disableCSRFCheck: false }],
    ["both checks off", { disableOriginCheck: true, disableCSRFCheck: true }],
    ["the origin check off for some paths", { disableOriginCheck: ["/sign-out", "/sign-in/"] }],
  ].map(([title, advanced]) => ({
    name: `origin: ${title}`,
    scenario: { options: { advanced } },
    async run(t) {
      for (const origin of [undefined, OWN, EVIL, "null"]) {
        for (const cookie of [undefined, "a=b"]) {
          for (const path of ["/sign-out", "/sign-in/email", "/revoke-other-sessions"]) {
            const body = { email: "nobody", password: "short" };
            await t.post(path, body, { origin, cookie });
            await t.post(path, { ...body, callbackURL: EVIL }, { origin, cookie });
            await t.post(path, { ...body, callbackURL: 5 }, { origin, cookie });
            await t.post(path, body, { origin, cookie, headers: [["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "navigate"]] });
          }
        }
      }
    },
  })),
  {
    name: "origin: no base URL",
    scenario: { options: { baseURL: null, trustedOrigins: ["https://app.example.com"] } },
    async run(t) {
      for (const host of ["127.0.0.1:3000", "localhost:3000", "auth.example", "auth.example:8443"]) {
        for (const origin of [undefined, `http://${host}`, `https://${host}`, "https://app.example.com", EVIL, "null"]) {
          await t.post("/sign-out", {}, { host, origin, cookie: "a=b" });
          await t.post("/sign-out", {}, { host, origin, cookie: "a=b", headers: [["X-Forwarded-Host", "proxy.example"], ["X-Forwarded-Proto", "https"]] });
        }
        await t.post("/sign-out", { callbackURL: `http://${host}/x` }, { host });
      }
    },
  },
];
