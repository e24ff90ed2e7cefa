// The life of a session: issued, refreshed, expired, revoked.
import { signed } from "../lib/cookies.mjs";

const DAY = 86_400;
const ORIGIN = "http://127.0.0.1:3000";
const as = (name) => ($) => ({ authorization: `Bearer ${$[name].token}` });
const asSigned = (name) => ($) => ({ authorization: `Bearer ${$[name].signed}` });
const withCookie = (name) => ($) => ({ cookie: $[name].cookie, origin: ORIGIN });
const FORGET = `better-auth.dont_remember=${encodeURIComponent(signed("true"))}`;

async function lookups(t, name) {
  await t.get("/get-session", as(name));
  await t.get("/get-session", asSigned(name));
  await t.get("/get-session", withCookie(name));
  await t.get("/list-sessions", as(name));
  await t.get("/list-accounts", withCookie(name));
}

// [how old the session is, where expiresAt stands, in seconds from now; options of the session]
const AGES = [
  ["just made", 0, 7 * DAY, {}],
  ["nearly due", -DAY + 60, 6 * DAY + 60, {}],
  ["just due", -DAY - 5, 6 * DAY - 5, {}],
  ["long due", -3 * DAY, 4 * DAY, {}],
  ["nearly expired", -7 * DAY + 30, 30, {}],
  ["expired", -7 * DAY - 30, -30, {}],
  ["expired long ago", -90 * DAY, -83 * DAY, {}],
  ["expiring later than it can", 0, 30 * DAY, {}],
  ["due, refresh disabled", -3 * DAY, 4 * DAY, { disableSessionRefresh: true }],
  ["expired, refresh disabled", -8 * DAY, -DAY, { disableSessionRefresh: true }],
  ["not due with a long update age", -3 * DAY, 4 * DAY, { updateAge: 5 * DAY }],
  ["always due", 0, 7 * DAY, { updateAge: 0 }],
  ["short sessions", 0, 60, { expiresIn: 60, updateAge: 10 }],
  ["short sessions, due", -30, 30, { expiresIn: 60, updateAge: 10 }],
  ["an update age longer than the session", -30, 30, { expiresIn: 60, updateAge: 600 }],
  ["zero for the default", -3 * DAY, 4 * DAY, { expiresIn: 0 }],
  ["not fresh for a short fresh age", -120, 7 * DAY, { freshAge: 60 }],
  ["fresh for a long fresh age", -3 * DAY, 7 * DAY, { freshAge: 10 * DAY }],
  ["never asked to be fresh", -30 * DAY, 7 * DAY, { freshAge: 0 }],
];

const aged = AGES.map(([title, created, expires, session]) => ({
  name: `sessions: ${title}`,
  scenario: { options: { session } },
  async run(t) {
    await t.signUp("ann");
    const age = { createdAt: created, updatedAt: created, expiresAt: expires };
    for (const look of [
      () => t.get("/get-session", as("ann")),
      () => t.get("/get-session", withCookie("ann")),
      () => t.get("/get-session", ($) => ({ authorization: `Bearer ${$.ann.token}`, cookie: FORGET })),
      () => t.get("/get-session?disableRefresh=true", as("ann")),
      () => t.get("/get-session?disableRefresh=", as("ann")),
      () => t.get("/list-sessions", asSigned("ann")),
      () => t.get("/list-accounts", as("ann")),
      () => t.get("/list-accounts?disableRefresh=1", as("ann")),
      () => t.post("/update-user", { name: "Anna" }, as("ann")),
      () => t.post("/revoke-other-sessions", {}, withCookie("ann")),
      () => t.post("/sign-out", {}, as("ann")),
      () => t.get("/get-session", as("ann")),
    ]) {
      t.age("ann", age);
      await look();
    }
  },
}));

const deferred = (title, session, created, expires) => ({
  name: `sessions: deferred refresh, ${title}`,
  scenario: { options: { session: { deferSessionRefresh: true, ...session } } },
  async run(t) {
    await t.signUp("ann");
    const age = { createdAt: created, updatedAt: created, expiresAt: expires };
    for (const credentials of [as("ann"), asSigned("ann"), withCookie("ann")]) {
      t.age("ann", age);
      await t.get("/get-session", credentials);
      await t.get("/get-session?disableRefresh=1", credentials);
      await t.get("/list-accounts", credentials);
      await t.post("/get-session?disableRefresh=1", {}, credentials);
      await t.post("/get-session", {}, credentials);
      await t.post("/get-session", undefined, credentials);
      await t.get("/get-session", credentials);
    }
    await t.send({ method: "POST", path: "/get-session", body: "{broken", type: "application/json", authorization: "Bearer x" });
    await t.post("/get-session", { callbackURL: "https://evil.example" }, as("ann"));
    await t.post("/get-session", {}, ($) => ({ cookie: $.ann.cookie }), 403);
    await t.post("/get-session", {}, {});
  },
});

export default [
  ...aged,
  deferred("not due", {}, 0, 7 * DAY),
  deferred("due", {}, -3 * DAY, 4 * DAY),
  deferred("expired", {}, -8 * DAY, -DAY),
  deferred("due, refresh disabled", { disableSessionRefresh: true }, -3 * DAY, 4 * DAY),
  {
    name: "sessions: an expired row is deleted, but not by a deferred GET",
    scenario: { options: { session: { deferSessionRefresh: true } } },
    async run(t) {
      await t.signUp("ann");
      t.age("ann", { expiresAt: -60 });
      await t.get("/get-session", as("ann"), "clears");
      t.age("ann", { expiresAt: 6 * DAY });
      await t.get("/get-session", as("ann"), "session");
      t.age("ann", { expiresAt: -60 });
      await t.post("/get-session", undefined, as("ann"), "clears");
      t.age("ann", { expiresAt: 6 * DAY });
      await t.get("/get-session", as("ann"), "clears");
    },
  },
  {
    name: "sessions: an expired row is deleted by a look-up",
    async run(t) {
      await t.signUp("ann");
      t.age("ann", { expiresAt: -1 });
      await t.get("/list-accounts", as("ann"), 401);
      t.age("ann", { expiresAt: 6 * DAY });
      await t.get("/get-session", as("ann"), "clears");
    },
  },
  {
    name: "sessions: they really expire",
    scenario: { options: { session: { expiresIn: 10, updateAge: 60 } } },
    async run(t) {
      await t.signUp("ann");
      await t.signIn("ann", "short", { rememberMe: false });
      await t.get("/get-session?disableRefresh=1", as("ann"), "session");
      await t.sleep(10_200);
      await t.get("/get-session", as("ann"), "clears");
      await t.get("/get-session", withCookie("short"), "session");
      await t.get("/get-session", as("short"), "session");
    },
  },
  {
    name: "sessions: listed and revoked one by one",
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      for (const name of ["one", "two", "three"]) await t.signIn("ann", name);
      await t.get("/list-sessions", as("ann"), 200);
      const revoke = (token, by = "ann", is = 200) => t.post("/revoke-session", ($) => ({ token: token($) }), as(by), is);
      await revoke(() => "abcdefghijklmnopqrstuvwxyzABCDEF");
      await revoke(() => "");
      await revoke(($) => $.bob.token);
      await revoke(($) => $.one.signed);
      await revoke(($) => $.one.token);
      await t.get("/get-session", as("bob"), "session");
      await t.get("/get-session", as("one"), "clears");
      await t.get("/get-session", asSigned("one"), "clears");
      await t.get("/list-sessions", as("two"), 200);
      await revoke(($) => $.two.token, "two");
      await t.get("/list-sessions", as("two"), 401);
      await t.post("/revoke-session", ($) => ({ token: $.three.token }), withCookie("three"), 200);
      await t.get("/list-sessions", as("ann"), 200);
      await revoke(($) => $.ann.token, "three", 401);
      await lookups(t, "ann");
    },
  },
  {
    name: "sessions: all others revoked, all revoked",
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      for (const name of ["one", "two", "old"]) await t.signIn("ann", name);
      t.age("old", { expiresAt: -60 });
      await t.get("/list-sessions", as("ann"), 200);
      await t.post("/revoke-other-sessions", {}, as("one"), 200);
      for (const name of ["ann", "one", "two", "bob"]) await t.get("/get-session", as(name));
      t.age("old", { expiresAt: 6 * DAY });
      await t.get("/get-session", as("old"));
      await t.signIn("ann", "three");
      await t.post("/revoke-sessions", undefined, as("one"), 200);
      for (const name of ["one", "three", "old", "bob"]) await t.get("/get-session", as(name));
      await t.post("/revoke-sessions", { any: ["thing"] }, as("bob"), 200);
      await t.post("/revoke-sessions", undefined, as("bob"), 401);
      await t.post("/revoke-other-sessions", undefined, as("bob"), 401);
    },
  },
  {
    name: "sessions: signed out",
    async run(t) {
      await t.signUp("ann");
      await t.signIn("ann", "one");
      await t.signIn("ann", "two", { rememberMe: false });
      await t.post("/sign-out", undefined, {}, 200);
      await t.post("/sign-out", undefined, { authorization: "Bearer unknown" }, 200);
      await t.post("/sign-out", undefined, { authorization: "Bearer unknown.forged" }, 200);
      await t.get("/get-session", as("ann"), "session");
      await t.post("/sign-out", {}, as("ann"), 200);
      await t.get("/get-session", as("ann"), "clears");
      await t.post("/sign-out", {}, as("ann"), 200);
      await t.post("/sign-out", { callbackURL: "/x", disableRedirect: true, state: "s", more: 1 }, asSigned("one"), 200);
      await t.get("/get-session", as("one"), "clears");
      await t.post("/sign-out", undefined, withCookie("two"), 200);
      await t.get("/get-session", withCookie("two"));
      await t.post("/sign-out", { callbackURL: "https://evil.example" }, {}, 403);
      // A bearer takes the place of the cookie here as everywhere: the cookie's session lives on.
      await t.signIn("ann", "one");
      await t.signIn("ann", "two");
      await t.post("/sign-out", undefined, ($) => ({ authorization: `Bearer ${$.one.token}`, cookie: $.two.cookie, origin: ORIGIN }), 200);
      await t.get("/get-session", withCookie("two"), "session");
      await t.get("/get-session", as("one"), "clears");
    },
  },
  {
    name: "sessions: the row vanishes, the user vanishes",
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      t.database((database, $) => database.alter($.ann.token, null));
      await lookups(t, "ann");
      await t.post("/update-user", { name: "x" }, as("ann"), 401);
      t.database((database) => database.orphaning(() => database.prepare("delete from user where email = 'bob@example.com'").run()));
      await lookups(t, "bob");
    },
  },
  {
    name: "sessions: what is recorded of the client",
    async run(t) {
      await t.signUp("ann");
      const from = async (headers) => {
        await t.signIn("ann", "now", {}, { headers });
        await t.get("/get-session", as("now"), "session");
      };
      await from([["User-Agent", "Conformance/1.0 (x; y)"]]);
      await from([["User-Agent", "  blanks  "]]);
      await from([["User-Agent", ""]]);
      await from([["User-Agent", "\xe4\xf6"]]);
      await from([["X-Forwarded-For", "9.9.9.9"]]);
      await from([["x-forwarded-for", "2001:db8:abcd:12:ffff::7"]]);
      await from([["X-Forwarded-For", "9.9.9.9, 8.8.8.8"]]);
    },
  },
];
