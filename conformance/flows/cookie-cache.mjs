// The copy of a session in a cookie: how it is written, when it is believed, and that it is forgotten.
import { altered } from "../lib/copies.mjs";
import { signed, signedCookie } from "../lib/cookies.mjs";

const ORIGIN = "http://127.0.0.1:3000";
const MINUTE = 60_000;
const as = (name) => ($) => ({ authorization: `Bearer ${$[name].signed}` });
const withCookies = (name, more = {}) => ($) => ({ cookie: $[name].cookie, origin: ORIGIN, ...more });

/** The cookies of a name in the jar, those whose name holds `part` given another value, or left out. */
function replaced($, name, part, change) {
  const cookies = [...$[name].cookies].map(([cookie, value]) => [cookie, cookie.includes(part) ? change(value, cookie) : value]);
  return { cookie: cookies.filter(([, value]) => value !== undefined).map((pair) => pair.join("=")).join("; "), origin: ORIGIN };
}
const withCopy = (name, change) => ($) => replaced($, name, "session_data", change);
const withoutCopy = (name) => withCopy(name, () => undefined);
const flipped = (value) => value.slice(0, 30) + (value[30] === "A" ? "B" : "A") + value.slice(31);

/** Two sessions of a user, through everything that writes, reads or clears a copy. */
async function life(t, more = {}) {
  await t.signUp("ann", more);
  await t.signUp("ben", more);
  for (const query of ["", "?disableCookieCache=true", "?disableCookieCache=false", "?disableCookieCache=0", "?disableCookieCache=", "?disableRefresh=1", "?disableCookieCache=1&disableRefresh=1"]) {
    await t.get(`/get-session${query}`, withCookies("ann"));
    await t.get(`/list-sessions${query}`, withCookies("ann"), 200);
  }
  await t.get("/get-session", as("ann"), "session");
  await t.get("/list-accounts", as("ann"), 200);
  for (const header of [
    withoutCopy("ann"),
    withCopy("ann", flipped),
    withCopy("ann", (value) => value.slice(0, -3)),
    withCopy("ann", () => "x"),
    ($) => replaced($, "ann", "session_data", (value, cookie) => $.ben.cookies.get(cookie)),
    ($) => ({ authorization: `Bearer ${$.ben.signed}`, cookie: $.ann.cookie }),
    ($) => replaced($, "ann", "session_token", () => undefined),
    ($) => replaced($, "ann", "session_token", flipped),
    ($) => replaced($, "ann", "session_token", () => encodeURIComponent(signed("nobody"))),
    ($) => ({ cookie: `${$.ann.cookie}; better-auth.session_data.7=left; better-auth.session_data.x=y` }),
  ]) {
    await t.get("/get-session", header);
    await t.get("/list-accounts", header);
  }
  await t.post("/update-user", { name: "Ann \u2028\u0001\"\\/ é \u{1F600}" }, withCookies("ann", { keep: "ann" }), 200);
  await t.get("/get-session", withCookies("ann"), "session");
  await t.post("/update-user", { name: 5 }, as("ann"));
  await t.get("/get-session", withCookies("ann"), "session");
  await t.post("/verify-password", { password: t.PASSWORD }, withCookies("ann"), 200);
  await t.signIn("ann", "short", { rememberMe: false });
  await t.get("/get-session", withCookies("short"), "session");
  await t.get("/get-session?disableCookieCache=1", withCookies("short"), "session");
  await t.get("/get-session", withoutCopy("short"), "session");
  await t.post("/update-user", { image: "https://example.com/a.png" }, withCookies("short", { keep: "short" }), 200);
  await t.signIn("ann", "short", {}, ($) => ({ cookie: $.short.cookie, origin: ORIGIN }));
  // Ended elsewhere: the copy goes on answering, and nothing sensitive heeds it.
  await t.post("/revoke-other-sessions", {}, as("ann"), 200);
  await t.get("/get-session", withCookies("short"), "session");
  await t.post("/verify-password", { password: t.PASSWORD }, withCookies("short"), 401);
  await t.get("/get-session?disableCookieCache=1", withCookies("short"));
  // Due to be extended: not by way of a copy.
  await t.age("ann", { expiresAt: 86_400 });
  await t.get("/get-session", withCookies("ann"), "session");
  await t.get("/list-accounts?disableCookieCache=1", withCookies("ann"), 200);
  await t.age("ann", { expiresAt: 86_400 });
  await t.post("/update-user", { name: "Annie" }, withoutCopy("ann"), 200);
  await t.age("ann", { expiresAt: 86_400 });
  await t.get("/get-session?disableCookieCache=1", withCookies("ann", { keep: "ann" }), "session");
  await t.post("/get-session", {}, withoutCopy("ann"));
  await t.post("/change-password", { currentPassword: t.PASSWORD, newPassword: "another password", revokeOtherSessions: true }, withCookies("ann", { keep: "ann" }), 200);
  await t.get("/get-session", withCookies("ann"), "session");
  await t.age("ann", { expiresAt: -60 });
  await t.get("/get-session?disableCookieCache=1", withCookies("ann"));
  await t.post("/sign-out", {}, withCookies("ben"), 200);
  await t.get("/get-session", withCookies("ben"));
}

const lives = (title, cookieCache, { options = {}, more, ...scenario } = {}) => ({
  name: `cookie-cache: ${title}`,
  scenario: { ...scenario, options: { ...options, session: { cookieCache: { enabled: true, ...cookieCache }, ...options.session } } },
  run: (t) => life(t, typeof more === "function" ? more(t.store) : more),
});
const STRATEGIES = ["compact", "jwt", "jwe"];
const FIELDS = {
  user: { additionalFields: { bio: { type: "string", required: false }, age: { type: "number", required: false }, secretive: { type: "string", required: false, returned: false, defaultValue: "hidden" }, settings: { type: "json", required: false }, born: { type: "date", required: false } } },
  session: { additionalFields: { theme: { type: "string", required: false, defaultValue: "dark" } } },
};
/** An integer of Postgres and MariaDB has no room for 1e21. */
const given = (store) => ({ bio: "short", age: ["postgres", "mariadb"].includes(store) ? 21 : 1e21, settings: { b: 1.5, 10: [1e-7, -0], 9: null, a: "\u2028" }, born: "2000-02-29T00:00:00.000Z" });
const ROTATED = [{ version: 2, value: "the second secret, which is the current one now" }, { version: 1, value: "the first secret, which was current long before" }];

export default [
  ...STRATEGIES.flatMap((strategy) => [
    lives(strategy, { strategy }),
    lives(`${strategy} with fields`, { strategy }, { options: FIELDS, more: given }),
    lives(`${strategy} in pieces`, { strategy }, { options: FIELDS, more: { bio: "é".repeat(1200) + "x".repeat(2600) } }),
    lives(`${strategy} with versioned secrets`, { strategy, maxAge: 60 }, { options: { secrets: ROTATED } }),
    lives(`${strategy} with secure cookies`, { strategy, version: "2" }, { options: { advanced: { useSecureCookies: true } } }),
    lives(`${strategy} with deferred refresh`, { strategy }, { options: { session: { deferSessionRefresh: true } } }),
  ]),
  lives("a version", { version: "v2" }),
  lives("an empty version", { version: "" }),
  lives("signed bearer tokens alone", {}, { bearer: { requireSignature: true } }),
  lives("refresh disabled", {}, { options: { session: { disableSessionRefresh: true } } }),
  lives("always due", {}, { options: { session: { updateAge: 0 } } }),
  lives("zero for the default", { maxAge: 0 }),
  lives("a refresh that there is not with a database", { refreshCache: true }),
  lives("cookie attributes", {}, { options: { advanced: { cookiePrefix: "my", cookies: { session_data: { attributes: { maxAge: 120, sameSite: "strict" } } }, defaultCookieAttributes: { path: "/x" } } } }),
  lives("a cookie name", {}, { options: { advanced: { cookies: { session_data: { name: "sdata" } } } } }),
  lives("production", {}, { environment: "production", options: { rateLimit: { enabled: false } } }),
  lives("an account cookie that nobody has", {}, { options: { account: { storeAccountCookie: true } } }),
  {
    name: "cookie-cache: copies that were signed, and are not believed",
    scenario: { options: { session: { cookieCache: { enabled: true, version: "2" } } } },
    async run(t) {
      await t.signUp("ann");
      const copies = {
        unchanged: () => {},
        "another name": (copy) => { copy.user.name = "of the copy"; },
        "another token": (copy) => { copy.session.token = "x".repeat(32); },
        "another version": (copy) => { copy.version = "1"; },
        "no version": (copy) => { delete copy.version; },
        "a number for the version": (copy) => { copy.version = 2; },
        expired: (copy) => { copy.expiresAt = Date.now() - MINUTE; },
        "good for long": (copy) => { copy.expiresAt = Date.now() + 1e12; },
        "expiring as text": (copy) => { copy.expiresAt = String(copy.expiresAt); },
        "an expired session": (copy) => { copy.session.expiresAt = new Date(Date.now() - MINUTE).toISOString(); },
        "a session that expires never": (copy) => { delete copy.session.expiresAt; },
        "no user": (copy) => { delete copy.user; },
        "a user without a name": (copy) => { delete copy.user.name; },
        "a user who is none": (copy) => { copy.user = "ann"; },
        "no session": (copy) => { delete copy.session; },
        "more keys": (copy) => { copy.more = { 2: 1.0, 1: "x" }; copy.user.more = true; },
      };
      for (const change of Object.values(copies)) {
        const header = withCopy("ann", (value) => altered(value, change));
        await t.get("/get-session", header, "session");
        await t.get("/list-accounts", header, 200);
        await t.post("/update-user", { image: null }, header, 200);
      }
      for (const secret of ["another secret, which is none of this server's"]) {
        await t.get("/get-session", withCopy("ann", (value) => altered(value, () => {}, secret)), "session");
      }
    },
  },
  {
    name: "cookie-cache: copies that come while it is off",
    scenario: {},
    async run(t) {
      await t.signUp("ann");
      await t.get("/get-session", ($) => ({ cookie: `better-auth.session_data=x; better-auth.session_data.1=y; ${$.ann.cookie}` }), "session");
      await t.get("/get-session", { cookie: `better-auth.session_data.3=y; ${signedCookie("better-auth.session_token", "nobody")}` });
    },
  },
];
