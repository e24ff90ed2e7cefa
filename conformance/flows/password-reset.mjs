// Resetting a password: the request, the link of the mail, the new password, and what it does to what was before.
import { jwt } from "../lib/jwt.mjs";
import { TARGETS, TRUSTED } from "./origin.mjs";

const OWN = "http://127.0.0.1:3000";
const SENDER = { sendResetPassword: true };
const NEW = "a new password";
const as = (name) => ($) => ({ authorization: `Bearer ${$[name].token}` });
const withCookie = (name) => ($) => ({ cookie: $[name].cookie, origin: OWN });

const ann = "ann@example.com";

/** Asks for a mail and keeps it under `as`. */
async function request(t, as, more = {}) {
  await t.post("/request-password-reset", { email: ann, ...more }, {}, 200);
  t.mail(as, "reset-password");
}

const reset = (t, token, is, more = {}, extra = {}) => t.post("/reset-password", ($) => ({ newPassword: NEW, token: token($), ...more }), extra, is);
const from = (name) => ($) => $[name].token;
const linkPath = (token, callbackURL) => `/reset-password/${token}?callbackURL=${encodeURIComponent(callbackURL)}`;

/** From forgetting the password to the new one, with sessions that were there before. */
async function life(t) {
  await t.signUp("ann", { nickname: "N" });
  await t.signIn("ann", "two", { rememberMe: false });
  await request(t, "first", { redirectTo: "/reset?a=b#c" });
  await request(t, "second");
  await t.send(($) => ({ target: $.first.target }), 302);
  await t.send(($) => ({ target: $.second.target }), 302);
  await reset(t, from("first"), 200, {}, withCookie("two"));
  await reset(t, from("first"), 400);
  await t.send(($) => ({ target: $.first.target }), 302);
  await t.get("/get-session", withCookie("ann"));
  await t.get("/get-session", withCookie("two"));
  await t.signIn("ann", "old");
  await t.signIn("ann", "new", { password: NEW });
  await t.get("/get-session", withCookie("new"), "session");
  await t.get("/list-accounts", withCookie("new"), 200);
  await reset(t, from("second"), 200, { newPassword: "the second token" });
  await t.signIn("ann", "old", { password: NEW });
  await t.signIn("ann", "newer", { password: "the second token" });
  await t.get("/list-sessions", withCookie("newer"), 200);
}

const lives = (title, options = {}, { environment, bearer } = {}) => ({
  name: `password-reset: a life with ${title}`,
  scenario: { environment, bearer, options: { ...options, emailAndPassword: { ...SENDER, ...options.emailAndPassword } } },
  run: life,
});

export default [
  {
    name: "password-reset: no sender",
    async run(t) {
      await t.signUp("ann");
      await t.post("/request-password-reset", { email: ann }, {}, 400);
      await t.post("/request-password-reset", { email: "x" }, {}, 400);
      await t.post("/request-password-reset", { email: ann, redirectTo: "//evil.example" }, {}, 403);
      await t.post("/reset-password", { newPassword: NEW, token: "x" }, {}, 400);
      await t.get(linkPath("x", "/x"), {}, 302);
      t.database((database, $) => {
        const now = new Date().toISOString();
        const insert = database.prepare("insert into verification (id, identifier, value, expiresAt, createdAt, updatedAt) values (?, ?, ?, ?, ?, ?)");
        insert.run("byhandbyhandbyhandbyhandbyhandby", "reset-password:byhand", $.ann.user.id, new Date(Date.now() + 60_000).toISOString(), now, now);
      });
      await t.get(linkPath("byhand", "/x"), {}, 302);
      await t.post("/reset-password", { newPassword: NEW, token: "byhand" }, {}, 200);
      await t.signIn("ann", "new", { password: NEW });
    },
  },
  {
    name: "password-reset: the request",
    scenario: { options: { trustedOrigins: TRUSTED, emailAndPassword: SENDER } },
    async run(t) {
      const ask = (json, is, extra = {}) => t.post("/request-password-reset", json, extra, is);
      await t.signUp("ann");
      for (const json of [undefined, {}, null, [], "x", { email: null }, { email: 5 }, { email: "" }, { email: "ann" }, { email: [] }, { email: ann, redirectTo: null }, { email: ann, redirectTo: 5 }, { email: 5, redirectTo: [] }, { email: ann, redirectTo: {} }]) await ask(json);
      await t.noMail(await ask({ email: "nobody@example.com" }, 200));
      await ask({ email: "nobody@example.com", redirectTo: "//evil.example" }, 403);
      await ask({ email: ann }, 200);
      await ask({ email: "ANN@Example.COM" }, 200);
      await ask({ email: ann, redirectTo: "" }, 200);
      await ask({ email: ann, extra: true, callbackURL: "/ignored" }, 200);
      await ask({ email: ann, callbackURL: "//evil.example" }, 403);
      await ask({ email: ann }, 200, as("ann"));
      await ask({ email: ann }, 200, withCookie("ann"));
      await ask({ email: ann }, 403, ($) => ({ cookie: $.ann.cookie }));
      await ask({ email: ann }, 403, { cookie: "a=b", origin: "https://evil.example" });
      await ask({ email: ann }, 200, { origin: "https://evil.example" });
      for (const target of TARGETS) await ask({ email: ann, redirectTo: target });
      await t.get("/request-password-reset", {}, 404);
      await t.post("/forget-password", { email: ann }, {}, 404);
    },
  },
  {
    name: "password-reset: users without a password",
    scenario: { options: { emailAndPassword: SENDER } },
    async run(t) {
      await t.signUp("ann");
      t.database((database) => database.exec("delete from account"));
      await t.signIn("ann");
      await request(t, "first", { redirectTo: "/x" });
      await reset(t, from("first"), 200);
      await t.get("/list-accounts", as("ann"), 200);
      await t.signIn("ann", "new", { password: NEW });
      t.database((database) => database.exec("update account set password = null"));
      await request(t, "second");
      await reset(t, from("second"), 200, { newPassword: "another password" });
      await t.signIn("ann", "new", { password: "another password" });
      t.database((database) => database.exec("update account set providerId = 'github'; update user set emailVerified = true"));
      await request(t, "third");
      await reset(t, from("third"), 200);
      await t.get("/list-accounts", as("ann"), 200);
      await t.signIn("ann", "new", { password: NEW });
      await request(t, "fourth");
      t.database((database) => database.forget());
      await reset(t, from("fourth"), 400);
      await t.send(($) => ({ target: $.fourth.target }), 302);
      await t.noMail(await t.post("/request-password-reset", { email: ann }, {}, 200));
    },
  },
  {
    name: "password-reset: the link",
    scenario: { options: { trustedOrigins: TRUSTED, emailAndPassword: SENDER } },
    async run(t) {
      await t.signUp("ann");
      await request(t, "mail", { redirectTo: "/x" });
      for (const query of ["", "?", "?callbackURL", "?callbackURL=", "?callbackURL=%20", "?callbackURL=/a&callbackURL=/b", "?callbackURL[]=/a", "?callbackURL=//evil.example", "?CallbackURL=/x", "?callbackURL=/x&token=y", "?callbackURL=/x&error=y"]) {
        await t.get(`/reset-password/unknown${query}`);
        await t.get(($) => `/reset-password/${$.mail.token}${query}`);
      }
      for (const token of ["x", "%20", "%00", "a%2Fb", "a.b", "..", "%2e%2e", "%zz", "%F0%9F%98%80", "%C3%A4", "reset-password:x", "*", "'", "%25", "a+b", "a;b", "x".repeat(2000)]) {
        await t.get(`/reset-password/${token}?callbackURL=/x`);
        await t.get(`/reset-password/${token}?callbackURL=`);
      }
      // On MariaDB the package does not tell small letters from capitals (COMPATIBILITY D81).
      const small = t.store === "mariadb" ? (token) => `x${token}` : (token) => token.toLowerCase();
      for (const change of [small, (token) => `${token}%20`, (token) => `%20${token}`, (token) => token.slice(1), (token) => `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`, (token) => `${token}/`, (token) => `${token}/x`, (token) => `reset-password:${token}`, (token) => `${token}%00`]) {
        await t.get(($) => `/reset-password/${change($.mail.token)}?callbackURL=/x`);
      }
      for (const method of ["POST", "HEAD", "OPTIONS", "PUT"]) await t.send(($) => ({ method, path: linkPath($.mail.token, "/x") }));
      await t.get("/reset-password/?callbackURL=/x", {}, 404);
      await t.get("/reset-password?callbackURL=/x", {}, 404);
      await t.get(($) => linkPath($.mail.token, "/x"), as("ann"), 302);
      await t.get(($) => linkPath($.mail.token, "/x"), { cookie: "a=b", origin: "https://evil.example" }, 302);
      await reset(t, from("mail"), 200);
    },
  },
  {
    name: "password-reset: where the link leads",
    scenario: { options: { trustedOrigins: TRUSTED, emailAndPassword: SENDER } },
    async run(t) {
      await t.signUp("ann");
      await request(t, "mail");
      const more = ["/日本", "/\u{1F600}", "https://app.example.com/日本?ä=ö", "/x?", "/x?a&", "/x?a=b&&c", "/x?error=y&token=z&token=u", "/x?a=%zz", "/x#y?z", "/x?a#b?c#d", "/x?a=b c+d%20e'\"<>~*()", "/a/../b?c", "/%2e%2e/b", "https://app.example.com", "https://app.example.com?x", "https://app.example.com#x",
        "HTTPS://APP.example.com:443/a/../b?c d#e f", "myapp:opaque", "myapp:opaque?x", "myapp://host?x#y", "myapp://", "myapp:/path/../x", "exp://10.0.0.7:8081/--/a b?c", "https://user:pw@app.example.com/x", "/x?ä=ö", "/x?%C3%A4"];
      for (const target of [...TARGETS, ...more]) {
        await t.get(linkPath("unknown", target));
        await t.get(($) => linkPath($.mail.token, target));
      }
    },
  },
  {
    name: "password-reset: where the link leads on a host with a path",
    scenario: { options: { baseURL: "http://127.0.0.1:3000/deep/auth", emailAndPassword: SENDER }, },
    async run(t) {
      const at = (path) => ({ target: `/deep/auth${path}` });
      const post = (path, json) => ({ method: "POST", ...at(path), json });
      await t.send(post("/sign-up/email", { name: "ann", email: ann, password: t.PASSWORD }), 200);
      await t.send(post("/request-password-reset", { email: ann, redirectTo: "/x" }), 200);
      t.mail("mail", "reset-password");
      await t.send(($) => ({ target: $.mail.target }), 302);
      await t.send(at("/reset-password/x?callbackURL="), 302);
      await t.send(at("/reset-password/x?callbackURL=/y"), 302);
    },
  },
  {
    name: "password-reset: the new password",
    scenario: { options: { emailAndPassword: SENDER } },
    async run(t) {
      const post = (json, is, path = "/reset-password") => t.post(path, json, {}, is);
      await t.signUp("ann");
      await request(t, "mail");
      for (const json of [undefined, null, [], {}, { newPassword: NEW }, { newPassword: NEW, token: "" }, { newPassword: NEW, token: null }, { newPassword: NEW, token: 5 }, { newPassword: 5, token: "x" }, { newPassword: null, token: {} }, { token: "x" }, { newPassword: NEW, token: "x" }, { newPassword: "short" }]) await post(json);
      await post({ newPassword: "short", token: "x" }, 400);
      await post({ newPassword: "x".repeat(129), token: "x" }, 400);
      for (const newPassword of ["", "seven77", "x".repeat(129), "😀😀😀", "😀".repeat(65)]) await reset(t, from("mail"), 400, { newPassword });
      await t.signIn("ann");
      for (const query of ["?token=x", "?token=", "?token", "?token=x&token=y", "?token[]=x", "?other=1"]) await post({ newPassword: NEW }, undefined, `/reset-password${query}`);
      await t.post(($) => `/reset-password?token=${$.mail.token}`, { newPassword: NEW, token: "x" }, {}, 400);
      await t.post(($) => `/reset-password?token=${$.mail.token}`, { newPassword: NEW, token: "" }, {}, 200);
      await t.signIn("ann", "new", { password: NEW });
      await request(t, "second");
      await t.post("/reset-password?token=x", ($) => ({ newPassword: "😀😀😀😀", token: $.second.token }), {}, 200);
      await t.signIn("ann", "new", { password: "😀😀😀😀" });
      await request(t, "third");
      await t.post(($) => `/reset-password?token=${$.third.token}`, { newPassword: "x".repeat(128) }, {}, 200);
      await t.signIn("ann", "new", { password: "x".repeat(128) });
      await request(t, "fourth");
      await reset(t, from("fourth"), 403, { callbackURL: "//evil.example" });
      await reset(t, from("fourth"), 403, { redirectTo: "https://evil.example" });
      await reset(t, from("fourth"), 403, {}, ($) => ({ cookie: $.new.cookie }));
      await reset(t, from("fourth"), 403, {}, ($) => ({ cookie: $.new.cookie, origin: "https://evil.example" }));
      await reset(t, from("fourth"), 200, { newPassword: "ﬁancé Ⅷ①" }, as("new"));
      await t.signIn("ann", "new", { password: "fiancé VIII1" });
      // Postgres has no NUL, which the package answers with 500; MariaDB finds other capitals and
      // blanks at the end, and hallpass does not (COMPATIBILITY D81).
      const isPrecise = t.store !== "mariadb";
      const [nul, blank] = [t.store === "postgres" ? "x" : "\u0000", isPrecise ? " " : "x"];
      const small = (token) => (isPrecise ? token.toLowerCase() : `x${token}`);
      for (const [index, change] of [(token) => ` ${token}`, (token) => `${token}${blank}`, small, (token) => `reset-password:${token}`, (token) => `${token}${nul}`, (token) => `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`, (token) => token.slice(1)].entries()) {
        await request(t, `changed${index}`);
        await reset(t, ($) => change($[`changed${index}`].token), 400);
      }
    },
  },
  {
    name: "password-reset: tokens that expired",
    scenario: { options: { emailAndPassword: { resetPasswordTokenExpiresIn: 60, ...SENDER } } },
    async run(t) {
      await t.signUp("ann");
      await request(t, "mail", { redirectTo: "/x" });
      const at = (seconds) => t.database((database) => database.prepare("update verification set expiresAt = ?").run(new Date(Date.now() + seconds * 1000).toISOString()));
      // Both look into the table now, where rows that expired are removed at the first look and not again for a minute.
      at(60);
      await t.send(($) => ({ target: $.mail.target }), 302);
      at(-1);
      await t.send(($) => ({ target: $.mail.target }), 302);
      await reset(t, from("mail"), 400);
      await t.signIn("ann");
      at(60);
      await reset(t, from("mail"));
      await t.signIn("ann", "new", { password: NEW });
    },
  },
  {
    name: "password-reset: tokens live as long as configured",
    scenario: { options: { emailAndPassword: { resetPasswordTokenExpiresIn: 2, ...SENDER } } },
    async run(t) {
      await t.signUp("ann");
      await request(t, "early");
      await reset(t, from("early"), 200);
      await request(t, "late", { redirectTo: "/x" });
      await t.sleep(2100);
      await t.send(($) => ({ target: $.late.target }), 302);
      await reset(t, from("late"), 400);
      await t.signIn("ann", "new", { password: NEW });
    },
  },
  {
    name: "password-reset: rows with the same identifier",
    scenario: { options: { emailAndPassword: SENDER, verification: { disableCleanup: true } } },
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      await request(t, "mail", { redirectTo: "/x" });
      const copy = (name, created, expires, value = ($) => $.ann.user.id) => t.database((database, $) => {
        const date = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
        database.prepare("insert into verification (id, identifier, value, expiresAt, createdAt, updatedAt) values (?, ?, ?, ?, ?, ?)").run(name, `reset-password:${$.mail.token}`, value($), date(expires), date(created), date(created));
      });
      // The newest counts, also if it has expired.
      copy("newer", 10, -5);
      await t.send(($) => ({ target: $.mail.target }), 302);
      await reset(t, from("mail"), 400);
      copy("newest", 20, 60, ($) => $.bob.user.id);
      await t.send(($) => ({ target: $.mail.target }), 302);
      await reset(t, from("mail"), 200);
      await t.signIn("bob", "new", { password: NEW });
      await t.signIn("ann");
      await reset(t, from("mail"), 400);
    },
  },
  ...["plain", "hashed", { default: "hashed" }, { default: "plain", overrides: { "reset-password": "hashed" } }, { default: "hashed", overrides: { "reset-password": "plain" } }].map((storeIdentifier) => ({
    name: `password-reset: identifiers stored as ${JSON.stringify(storeIdentifier)}`,
    scenario: { options: { emailAndPassword: SENDER, verification: { storeIdentifier } } },
    async run(t) {
      await t.signUp("ann");
      await request(t, "mail", { redirectTo: "/x" });
      await request(t, "other", { redirectTo: "/x" });
      t.same("stored identifiers", (database, $) =>
        database.prepare("select identifier from verification order by createdAt").all().map(({ identifier }, at) => identifier.replace($[["mail", "other"][at]].token, "TOKEN").replace(/^[A-Za-z0-9_-]{43}$/, "HASH")));
      await t.send(($) => ({ target: $.mail.target }), 302);
      // What another configuration has stored plainly is found too.
      t.database((database, $) => {
        const first = database.prepare("select id from verification order by createdAt").pluck().get();
        database.prepare("update verification set identifier = ? where id = ?").run(`reset-password:${$.mail.token}`, first);
      });
      await t.send(($) => ({ target: $.mail.target }), 302);
      await reset(t, from("mail"), 200);
      await reset(t, from("mail"), 400);
      await reset(t, from("other"), 200);
      await reset(t, from("other"), 400);
      t.same("verification rows", (database) => database.prepare("select count(*) as count from verification").get());
    },
  })),
  ...[undefined, true].map((disableCleanup) => ({
    name: `password-reset: rows that expired, with disableCleanup ${disableCleanup}`,
    scenario: { options: { emailAndPassword: SENDER, verification: { disableCleanup } } },
    async run(t) {
      const rows = () => t.same("verification rows", (database) => database.prepare("select count(*) as count from verification").get());
      await t.signUp("ann");
      await request(t, "one");
      await request(t, "two", { redirectTo: "/x" });
      rows();
      t.database((database, $) => database.prepare("update verification set expiresAt = ? where identifier like ?").run(new Date(Date.now() - 1000).toISOString(), `%${$.one.token}`));
      await t.send(($) => ({ target: $.two.target }), 302);
      rows();
      await reset(t, from("two"), 200);
      rows();
    },
  })),
  {
    name: "password-reset: what it leaves alone, and what it ends",
    scenario: { options: { emailAndPassword: { revokeSessionsOnPasswordReset: true, ...SENDER } } },
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      await t.signIn("ann", "two");
      await request(t, "mail");
      await reset(t, from("mail"), 400, { newPassword: "short" });
      await reset(t, () => "x", 400);
      await t.get("/get-session", as("ann"), "session");
      await reset(t, from("mail"), 200, {}, as("bob"));
      for (const name of ["ann", "two"]) await t.get("/get-session", as(name), "clears");
      await t.get("/get-session", as("bob"), "session");
      await t.signIn("bob", "again");
      await t.signIn("ann", "new", { password: NEW });
      await t.get("/get-session", as("new"), "session");
      await t.get("/list-sessions", as("new"), 200);
    },
  },
  {
    name: "password-reset: it verifies no address",
    scenario: { options: { emailAndPassword: { requireEmailVerification: true, ...SENDER }, emailVerification: { sendVerificationEmail: true } } },
    async run(t) {
      await t.signUp("ann");
      await request(t, "mail");
      await reset(t, from("mail"), 200);
      await t.signIn("ann", "new", { password: NEW });
      await t.get(() => `/verify-email?token=${jwt({ email: ann })}`, {}, 200);
      await t.signIn("ann", "new", { password: NEW });
      await t.get("/get-session", as("new"), "session");
    },
  },
  {
    name: "password-reset: sign-in by password switched off",
    scenario: { options: { emailAndPassword: { enabled: false, ...SENDER } } },
    async run(t) {
      await t.signUp("ann");
      t.database((database) => {
        const now = new Date().toISOString();
        database.prepare("insert into user (id, name, email, emailVerified, createdAt, updatedAt) values ('handmadehandmadehandmadehandmade', 'ann', ?, false, ?, ?)").run(ann, now, now);
      });
      await request(t, "mail", { redirectTo: "/x" });
      await t.send(($) => ({ target: $.mail.target }), 302);
      await reset(t, from("mail"), 200);
      await t.signIn("ann", "ann", { password: NEW });
    },
  },
  lives("nothing else"),
  lives("sessions revoked", { emailAndPassword: { revokeSessionsOnPasswordReset: true } }),
  lives("secure cookies", { advanced: { useSecureCookies: true } }),
  lives("another base path", { basePath: "/a/b" }),
  lives("https behind a proxy", { baseURL: "https://auth.example.com", trustedOrigins: [OWN] }),
  lives("signatures required", {}, { bearer: { requireSignature: true } }),
  lives("no bearer plugin", {}, { bearer: false }),
  lives("additional fields", { user: { additionalFields: { nickname: { type: "string", required: false } } } }),
  lives("hashed identifiers", { verification: { storeIdentifier: "hashed" } }),
  lives("production", { rateLimit: { enabled: false } }, { environment: "production" }),
  lives("other lengths", { emailAndPassword: { minPasswordLength: 4, maxPasswordLength: 40 } }),
];
