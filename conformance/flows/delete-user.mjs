// Deleting one's own user: with the password, with a fresh session, or through a mail.
import { TARGETS, TRUSTED } from "./origin.mjs";

const OWN = "http://127.0.0.1:3000";
const MAILS = { enabled: true, sendDeleteAccountVerification: true };
const as = (name) => ($) => ({ authorization: `Bearer ${$[name].token}` });
const asSigned = (name) => ($) => ({ authorization: `Bearer ${$[name].signed}` });
const withCookie = (name) => ($) => ({ cookie: $[name].cookie, origin: OWN });

const remove = (t, json, extra, is) => t.post("/delete-user", json, extra, is);
const callback = (token, callbackURL) => `/delete-user/callback?token=${token}${callbackURL === undefined ? "" : `&callbackURL=${encodeURIComponent(callbackURL)}`}`;

/** How many rows there are of everything that belongs to users. */
const rows = (t) => t.same("rows", (database) => database.tables.map((table) => database.prepare(`select count(*) as count from ${table}`).get().count));

/** Writes the row of a token, without a mail. */
function handmade(t, token, { name = "ann", seconds = 60, identifier = `delete-account-${token}` } = {}) {
  t.database((database, $) => {
    const now = new Date().toISOString();
    const insert = database.prepare("insert into verification (id, identifier, value, expiresAt, createdAt, updatedAt) values (?, ?, ?, ?, ?, ?)");
    insert.run(`${token}row`.padEnd(32, "x"), identifier, $[name].user.id, new Date(Date.now() + seconds * 1000).toISOString(), now, now);
  });
}

/** Two users, each deleted in another way, with sessions beside the one that asks. */
async function life(t) {
  for (const name of ["ann", "bob"]) {
    await t.signUp(name, { nickname: "N" });
    await t.signIn(name, `${name}2`, { rememberMe: false });
  }
  await remove(t, { password: "wrong password" }, withCookie("ann2"));
  await remove(t, { password: t.PASSWORD, callbackURL: "/bye?a=b#c" }, ($) => ({ ...withCookie("ann2")($), keep: "ann2" }));
  if (t.kept().mails.length > 0) {
    t.mail("mail", "delete-account");
    await t.send(($) => ({ target: $.mail.target }), 404);
    await t.send(($) => ({ target: $.mail.target, ...withCookie("bob")($) }), 404);
    await remove(t, { password: t.PASSWORD, callbackURL: "/bye?a=b#c" }, withCookie("ann2"));
    t.mail("second", "delete-account");
    await t.send(($) => ({ target: $.second.target, cookie: $.ann2.cookie, keep: "ann2" }), 302);
  }
  for (const name of ["ann", "ann2"]) await t.get("/get-session", ($) => ({ cookie: $[name].cookie }));
  await t.get("/get-session", as("ann"));
  await t.get("/get-session", asSigned("ann"));
  rows(t);
  await t.signIn("ann", "again");
  await t.signUp("ann");
  await remove(t, {}, ($) => ({ ...asSigned("bob")($), keep: "bob" }));
  rows(t);
}

const lives = (title, options = {}, { environment, bearer } = {}) =>
  [{ enabled: true }, MAILS].map((deleteUser) => ({
    name: `delete-user: a life ${deleteUser === MAILS ? "and mails" : "without mails"}, with ${title}`,
    scenario: { environment, bearer, options: { ...options, user: { ...options.user, deleteUser } } },
    run: life,
  }));

export default [
  ...[undefined, { enabled: false }, { sendDeleteAccountVerification: true }].map((deleteUser) => ({
    name: `delete-user: switched off by ${JSON.stringify(deleteUser) ?? "nothing said"}`,
    scenario: { options: { user: { deleteUser } } },
    async run(t) {
      await t.signUp("ann");
      await remove(t, {}, as("ann"), 404);
      await remove(t, { password: t.PASSWORD }, as("ann"), 404);
      await remove(t, { password: 5 }, as("ann"), 400);
      await remove(t, undefined, as("ann"), 400);
      await remove(t, {}, {}, 401);
      await remove(t, { callbackURL: "//evil.example" }, as("ann"), 403);
      handmade(t, "token");
      await remove(t, { token: "token" }, as("ann"), 404);
      await t.get(callback("token"), as("ann"), 404);
      await t.get(callback("token", "/x"), {}, 404);
      await t.get(callback("token", "//evil.example"), {}, 403);
      await t.get("/delete-user/callback", {}, 400);
      await t.get("/get-session", as("ann"), "session");
    },
  })),
  {
    name: "delete-user: the request",
    scenario: { options: { trustedOrigins: TRUSTED, user: { deleteUser: { enabled: true } } } },
    async run(t) {
      await t.signUp("ann");
      const wrong = "wrong password";
      for (const json of [undefined, null, [], "x", 5, { password: null }, { password: 5 }, { token: null }, { token: 5 }, { callbackURL: null }, { callbackURL: 5 }, { password: [], token: {}, callbackURL: true }]) {
        await remove(t, json, as("ann"));
        await remove(t, json, {});
      }
      await remove(t, {}, {}, 401);
      await remove(t, {}, { authorization: "Bearer unknown" }, 401);
      await remove(t, {}, ($) => ({ cookie: $.ann.cookie }), 403);
      await remove(t, {}, ($) => ({ cookie: $.ann.cookie, origin: "https://evil.example" }), 403);
      await remove(t, { password: wrong }, as("ann"), 400);
      await remove(t, { password: "x".repeat(129) }, as("ann"), 400);
      await remove(t, { password: "x".repeat(128) }, as("ann"), 400);
      await remove(t, { password: wrong, token: "x" }, as("ann"), 400);
      await remove(t, { token: "x" }, as("ann"), 404);
      await remove(t, { token: "x", password: t.PASSWORD }, as("ann"), 404);
      for (const callbackURL of TARGETS) await remove(t, { callbackURL, token: "x" }, as("ann"));
      await t.get("/delete-user", {}, 404);
      await t.post("/delete-user/callback?token=x", {}, as("ann"), 404);
      // Emptiness is as good as absence.
      await remove(t, { password: "", token: "", callbackURL: "" }, ($) => ({ ...as("ann")($), keep: "ann" }), 200);
      await t.get("/get-session", as("ann"), "clears");
      rows(t);
    },
  },
  ...[undefined, 0, 60, 86_400].map((freshAge) => ({
    name: `delete-user: with a freshAge of ${freshAge ?? "nothing said"}`,
    scenario: { options: { session: { freshAge }, user: { deleteUser: { enabled: true } } } },
    async run(t) {
      for (const name of ["ann", "bob", "carl"]) await t.signUp(name);
      t.age("ann", { createdAt: -100_000, updatedAt: -10 });
      await remove(t, {}, as("ann"));
      await remove(t, { password: "wrong password" }, as("ann"));
      await remove(t, { password: t.PASSWORD }, as("ann"));
      await t.get("/get-session", as("ann"), "clears");
      t.age("bob", { createdAt: -70 });
      await remove(t, {}, withCookie("bob"));
      t.age("carl", { expiresAt: 86_400 });
      await remove(t, {}, withCookie("carl"), 200);
      rows(t);
    },
  })),
  {
    name: "delete-user: users without a password",
    scenario: { options: { user: { deleteUser: { enabled: true } } } },
    async run(t) {
      for (const name of ["ann", "bob", "carl"]) await t.signUp(name);
      t.database((database, $) => {
        database.prepare("delete from account where userId = ?").run($.ann.user.id);
        database.prepare("update account set password = null where userId = ?").run($.bob.user.id);
        database.prepare("update account set providerId = 'github' where userId = ?").run($.carl.user.id);
      });
      for (const name of ["ann", "bob", "carl"]) await remove(t, { password: t.PASSWORD }, as(name), 400);
      t.age("ann", { createdAt: -100_000 });
      await remove(t, {}, as("ann"), 400);
      await remove(t, {}, as("bob"), 200);
      rows(t);
    },
  },
  {
    name: "delete-user: the mail",
    scenario: { options: { trustedOrigins: TRUSTED, user: { deleteUser: MAILS } } },
    async run(t) {
      await t.signUp("ann");
      t.age("ann", { createdAt: -1_000_000 });
      await remove(t, {}, as("ann"), 200);
      await remove(t, { password: t.PASSWORD }, as("ann"), 200);
      await t.noMail(await remove(t, { password: "wrong password" }, as("ann"), 400));
      await t.noMail(await remove(t, { token: "x" }, as("ann"), 404));
      await remove(t, { callbackURL: "" }, as("ann"), 200);
      for (const callbackURL of TARGETS) await remove(t, { callbackURL }, as("ann"));
      await remove(t, { redirectTo: "//evil.example" }, as("ann"), 403);
      await t.get("/get-session", as("ann"), "session");
      rows(t);
    },
  },
  {
    name: "delete-user: the link",
    scenario: { options: { trustedOrigins: TRUSTED, user: { deleteUser: MAILS } } },
    async run(t) {
      for (const name of ["ann", "bob", "carl", "dora", "emil"]) await t.signUp(name);
      await t.signIn("ann", "two");
      const mail = async (name, callbackURL) => {
        await remove(t, { callbackURL }, as(name), 200);
        t.mail("mail", "delete-account");
      };
      for (const query of ["", "?", "?token", "?token=", "?token=x&token=y", "?token[]=x", "?callbackURL=/x", "?token=x&callbackURL=/x&callbackURL=/y", "?token=x&callbackURL=//evil.example", "?token=x&callbackURL="]) {
        await t.get(`/delete-user/callback${query}`, as("ann"));
        await t.get(`/delete-user/callback${query}`);
      }
      for (const target of TARGETS) await t.get(callback("x", target), as("ann"));
      await mail("ann", "/bye?x=y#z");
      await t.send(($) => ({ target: $.mail.target }), 404);
      await t.send(($) => ({ target: $.mail.target, authorization: "Bearer unknown" }), 404);
      // Somebody else's attempt spends the token.
      await t.send(($) => ({ target: $.mail.target, ...as("bob")($) }), 404);
      await t.send(($) => ({ target: $.mail.target, ...as("ann")($) }), 404);
      await mail("ann");
      await t.send(($) => ({ target: $.mail.target, cookie: $.ann.cookie, origin: "https://evil.example", keep: "ann" }), 302);
      await t.send(($) => ({ target: $.mail.target, ...as("ann")($) }), 404);
      for (const name of ["ann", "two"]) await t.get("/get-session", as(name), "clears");
      await t.signIn("ann");
      await mail("bob", "/x");
      await t.get(($) => callback($.mail.token), ($) => ({ ...asSigned("bob")($), keep: "bob" }), 200);
      rows(t);
      await mail("carl");
      await remove(t, ($) => ({ token: $.mail.token }), as("dora"), 404);
      await remove(t, ($) => ({ token: $.mail.token }), as("carl"), 404);
      await mail("carl");
      await remove(t, ($) => ({ token: $.mail.token, password: "wrong password" }), as("carl"), 400);
      // MariaDB finds texts in other capitals too, and hallpass does not (COMPATIBILITY D81).
      if (t.store !== "mariadb") await remove(t, ($) => ({ token: $.mail.token.toUpperCase() }), as("carl"), 404);
      await remove(t, ($) => ({ token: ` ${$.mail.token}` }), as("carl"), 404);
      await remove(t, ($) => ({ token: $.mail.token, callbackURL: "/x" }), withCookie("carl"), 200);
      rows(t);
      // An old session will do, and so will a token beside a right password.
      t.age("dora", { createdAt: -1_000_000, expiresAt: 86_400 });
      await mail("dora", "myapp://bye");
      await t.send(($) => ({ target: $.mail.target, ...as("dora")($) }), 302);
      await mail("emil");
      await remove(t, ($) => ({ token: $.mail.token, password: t.PASSWORD }), as("emil"), 200);
      rows(t);
    },
  },
  {
    name: "delete-user: where the link leads",
    scenario: { options: { trustedOrigins: TRUSTED, user: { deleteUser: { enabled: true } } } },
    async run(t) {
      const targets = ["", "/x", "/x?y#z", "https://app.example.com/x", "https://APP.example.com:443/a/../b", "myapp:x", "myapp://x?y", "/ä", "/日本", "/ x", "https://app.example.com\n", "https://a.wild.example#x"];
      for (const [index, target] of targets.entries()) {
        const name = `user${index}`;
        await t.signUp(name);
        handmade(t, `token${index}`, { name });
        await t.get(callback(`token${index}`, target), as(name));
        await t.get("/get-session", as(name));
        rows(t);
      }
    },
  },
  {
    name: "delete-user: tokens that expired",
    scenario: { options: { user: { deleteUser: { deleteTokenExpiresIn: 60, ...MAILS } }, verification: { disableCleanup: true } } },
    async run(t) {
      await t.signUp("ann");
      const expire = (seconds) => t.database((database) => database.prepare("update verification set expiresAt = ?").run(new Date(Date.now() + seconds * 1000).toISOString()));
      for (const redeem of [() => t.send(($) => ({ target: $.mail.target, ...as("ann")($) }), 404), () => remove(t, ($) => ({ token: $.mail.token }), as("ann"), 404)]) {
        await remove(t, {}, as("ann"), 200);
        t.mail("mail", "delete-account");
        expire(-1);
        await redeem();
        rows(t);
        expire(60);
        await redeem();
      }
      await remove(t, {}, as("ann"), 200);
      t.same("lifetimes", (database) => database.prepare("select expiresAt, createdAt from verification").all().map(({ expiresAt, createdAt }) => Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / 1000)));
    },
  },
  ...["hashed", "plain"].map((storeIdentifier) => ({
    name: `delete-user: identifiers stored ${storeIdentifier}`,
    scenario: { options: { user: { deleteUser: MAILS }, verification: { storeIdentifier } } },
    async run(t) {
      for (const name of ["ann", "bob"]) await t.signUp(name);
      await remove(t, {}, as("ann"), 200);
      t.mail("mail", "delete-account");
      await t.send(($) => ({ target: $.mail.target, ...as("ann")($) }), 302);
      handmade(t, "plain", { name: "bob" });
      await t.get(callback("plain"), as("bob"));
      rows(t);
    },
  })),
  ...lives("nothing else"),
  ...lives("secure cookies", { advanced: { useSecureCookies: true } }),
  ...lives("another base path", { basePath: "/a/b" }),
  ...lives("https behind a proxy", { baseURL: "https://auth.example.com", trustedOrigins: [OWN] }),
  ...lives("signatures required", {}, { bearer: { requireSignature: true } }),
  ...lives("no bearer plugin", {}, { bearer: false }),
  ...lives("additional fields", { user: { additionalFields: { nickname: { type: "string", required: false } } } }),
  ...lives("production", { rateLimit: { enabled: false } }, { environment: "production" }),
];
