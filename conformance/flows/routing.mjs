// Which paths and methods reach an endpoint, and what the others get.

const ENDPOINTS = {
  "/ok": ["GET"],
  "/error": ["GET"],
  "/sign-up/email": ["POST"],
  "/sign-in/email": ["POST"],
  "/sign-out": ["POST"],
  "/get-session": ["GET", "POST"],
  "/list-sessions": ["GET"],
  "/revoke-session": ["POST"],
  "/revoke-sessions": ["POST"],
  "/revoke-other-sessions": ["POST"],
  "/update-session": ["POST"],
  "/update-user": ["POST"],
  "/change-password": ["POST"],
  "/verify-password": ["POST"],
  "/list-accounts": ["GET"],
};

const UNKNOWN_TARGETS = [
  "/api", "/api/auth", "/api/auth/", "/api/authx/ok", "/api/auth/nothing", "/api/auth/ok/", "/api/auth/ok/more",
  "/api/auth//ok", "//api/auth/ok", "/api//auth/ok", "/api/auth/ok//", "/api/auth/sign-in", "/api/auth/sign-in/",
  "/api/auth/sign-in//email", "/api/auth/sign-in/email/", "/api/auth/OK", "/API/AUTH/OK", "/api/auth/%6fk", "/api/auth/Get-Session",
  "/ok", "/api/auth/api/auth/ok", "/api/auth/set-password", "/api/auth/forget-password", "/api/auth/ok;x=1", "/api/auth/ok%00",
  "/api/auth/ok%20", "/api/auth/%", "/api/auth/%zz", "/api/auth/*", "/api/auth/:id", "/api/auth/sign-in%2Femail",
];

// Targets that a URL parser changes before the path is looked at.
const NORMALISED_TARGETS = [
  "/x/../api/auth/ok", "/api/auth/../auth/ok", "/api/auth/x/../ok", "/api/auth/./ok", "/api/auth/x/%2e%2e/ok", "/api/auth/x/%2E%2E/ok",
  "/api/auth/x/.%2e/ok", "/api/auth/%2e/ok", "/api\\auth\\ok", "/api/auth\\ok", "/api/auth/x\\..\\ok", "/../../api/auth/ok", "/api/auth/ok/..",
  "/api/auth/ok/.", "/api/auth/ok?", "/api/auth/ok?x", "/api/auth/ok#part", "/api/auth/ok?x=1#y", "/api/auth/ok?a=/../b", "/api/auth/o\tk",
];

export default [
  {
    name: "routing: every endpoint with every method",
    async run(t) {
      for (const path of Object.keys(ENDPOINTS)) {
        for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]) {
          const known = ENDPOINTS[path].includes(method);
          await t.send({ method, path }, known ? undefined : 404);
        }
      }
    },
  },
  {
    name: "routing: paths that lead nowhere",
    async run(t) {
      for (const target of UNKNOWN_TARGETS) {
        await t.send({ target }, 404);
        await t.send({ method: "POST", target, json: {} }, 404);
      }
    },
  },
  {
    name: "routing: paths that are normalised first",
    async run(t) {
      for (const target of NORMALISED_TARGETS) await t.send({ target });
    },
  },
  {
    name: "routing: the root of the site and foreign methods",
    async run(t) {
      // hallpass shows a page of its own at the root in development, so this asks beside it.
      await t.send({ target: "/robots.txt" }, 404);
      for (const method of ["PROPFIND", "PURGE", "LINK"]) await t.send({ method, path: "/ok" });
      await t.send({ target: "/api/auth/ok", host: "elsewhere.example" }, 200);
      await t.send({ target: "/api/auth/get-session", host: "elsewhere.example:99" }, "null");
    },
  },
  {
    name: "routing: query strings",
    async run(t) {
      await t.signUp("ann");
      const as = ($) => ({ authorization: `Bearer ${$.ann.token}` });
      for (const query of ["", "?", "?&&", "?x", "?x=", "?=x", "?x=1&x=2", "?x=%zz", "?x=%F6", "?disableRefresh", "?disableRefresh=1&disableRefresh=0",
        "?disableCookieCache=1&disableCookieCache=2", "?disableRefresh=false", "?disableRefresh[]=1", "?unknown=1;b=2", "?a=b?c=d", "?callbackURL=http://evil.example"]) {
        await t.get(`/get-session${query}`, as);
        await t.get(`/list-sessions${query}`, as);
        await t.get(`/ok${query}`, as, 200);
      }
    },
  },
  {
    name: "routing: the order of processing",
    async run(t) {
      await t.signUp("ann");
      const evil = ($) => ({ cookie: $.ann.cookie, origin: "https://evil.example" });
      const post = (path, request, is) => t.send(($) => ({ method: "POST", path, ...evil($), ...request }), is);
      await post("/nothing", { json: {} }, 404);
      await post("/sign-in/email", { body: "{", type: "application/json" }, 400);
      await post("/sign-in/email", { body: "{}", type: "text/plain" }, 415);
      await post("/sign-in/email", { json: {} }, 403);
      await post("/update-user", { json: {} }, 403);
      await post("/get-session", { body: "{", type: "application/json" }, 403);
      await post("/get-session", { body: "x", type: "text/plain" }, 403);
      await t.post("/sign-in/email", {}, { origin: "https://evil.example" }, 400);
      await t.post("/sign-up/email", {}, { origin: "https://evil.example" }, 400);
      await t.post("/revoke-session", {}, {}, 400);
      await t.post("/change-password", {}, {}, 400);
      await t.post("/verify-password", {}, {}, 400);
      await t.post("/update-user", {}, {}, 401);
      await t.post("/update-session", {}, {}, 401);
      await t.post("/revoke-session", {}, { authorization: "Bearer unknown" }, 400);
      await t.post("/revoke-session", { callbackURL: "https://evil.example" }, {}, 403);
      await t.post("/update-user", [], { authorization: "Bearer unknown" }, 400);
    },
  },
  {
    name: "routing: repeated header lines",
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      const good = ($) => `Bearer ${$.ann.token}`;
      await t.get("/get-session", ($) => ({ authorization: [good($), `Bearer ${$.bob.token}`] }), "session");
      await t.get("/get-session", ($) => ({ authorization: ["Bearer junk", good($)] }), "clears");
      await t.get("/get-session", ($) => ({ authorization: ["", good($)] }));
      await t.get("/get-session", ($) => ({ cookie: ["a=b", $.ann.cookie] }), "session");
      await t.get("/get-session", ($) => ({ cookie: [$.ann.cookie, $.bob.cookie] }), "session");
      await t.get("/get-session", ($) => ({ cookie: ["", $.ann.cookie] }), "session");
      await t.get("/get-session", ($) => ({ headers: [["AUTHORIZATION", good($)]] }), "session");
      await t.get("/get-session", ($) => ({ headers: [["cOOKIE", $.ann.cookie]] }), "session");
      const post = (extra, is) => t.post("/update-user", { name: "Ann" }, ($) => ({ cookie: $.ann.cookie, ...extra }), is);
      await post({ origin: ["http://127.0.0.1:3000", "http://127.0.0.1:3000"] }, 403);
      await post({ origin: ["http://127.0.0.1:3000", "https://evil.example"] }, 403);
      await post({ headers: [["Referer", "http://127.0.0.1:3000/x"], ["Referer", "https://evil.example"]] }, 200);
      await post({ headers: [["Referer", "https://evil.example"], ["Referer", "http://127.0.0.1:3000/x"]] }, 403);
      await post({ origin: "http://127.0.0.1:3000", type: ["application/json", "text/plain"] }, 200);
      await post({ origin: "http://127.0.0.1:3000", type: ["text/plain", "application/json"] }, 415);
      await t.post("/sign-in/email", { email: "ann@example.com", password: t.PASSWORD }, {
        keep: "again",
        headers: [["User-Agent", "one"], ["User-Agent", "two"], ["X-Forwarded-For", "9.9.9.9"], ["X-Forwarded-For", "8.8.8.8"]],
      }, 200);
      await t.get("/get-session", ($) => ({ authorization: `Bearer ${$.again.token}` }), "session");
    },
  },
];
