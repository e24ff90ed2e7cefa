// The bearer plugin, on the request side and on the response side.
import { signature, signed } from "../lib/cookies.mjs";

const bearer = (text) => `Bearer ${text}`;
const UNKNOWN = "0123456789abcdefghijklmnopqrstuv";

// The token of a session of ann's that is made by hand: its signature has a plus and a slash, the two characters in
// which the base64 alphabets differ.
const FIXED = "abcdefghijklmnopqrstuvwxyzABCDEF";
const otherAlphabet = signed(FIXED).replaceAll("+", "-").replaceAll("/", "_");
const wrongSignature = ($) => `${$.ann.token}.${signature("something else")}`;

// What is asked of /get-session: [what it is, authorization, cookie, what comes of it, the same with requireSignature].
// `ann` is the user of the token, `bob` another user, `dead` a session that is gone.
const SHAPES = [
  ["a raw token", ($) => bearer($.ann.token), null, "session", "null"],
  ["lower case", ($) => `bearer ${$.ann.token}`, null, "session", "null"],
  ["upper case", ($) => `BEARER ${$.ann.token}`, null, "session", "null"],
  ["mixed case", ($) => `bEaReR ${$.ann.token}`, null, "session", "null"],
  ["two spaces", ($) => `Bearer  ${$.ann.token}`, null, "session", "null"],
  ["a space and a tab", ($) => `Bearer \t${$.ann.token}`, null, "session", "null"],
  ["trailing blanks", ($) => `Bearer ${$.ann.token}  \t`, null, "session", "null"],
  ["a signed token", ($) => bearer($.ann.signed), null, "session", "session"],
  ["a signed token in lower-case scheme", ($) => `bearer ${$.ann.signed}`, null, "session", "session"],
  ["a signed token, encoded", ($) => bearer(encodeURIComponent($.ann.signed)), null, "session", "session"],
  ["a signed token, trailing blanks", ($) => `Bearer   ${$.ann.signed} `, null, "session", "session"],
  ["a signed token, the dot encoded too", ($) => bearer($.ann.signed.replace(".", "%2E")), null, "clears", "null"],
  ["a tab instead of the space", ($) => `Bearer\t${$.ann.token}`, null, "null", "null"],
  ["no space", ($) => `Bearer${$.ann.token}`, null, "null", "null"],
  ["no scheme", ($) => $.ann.token, null, "null", "null"],
  ["no scheme, signed", ($) => $.ann.signed, null, "null", "null"],
  ["another scheme", ($) => `Token ${$.ann.token}`, null, "null", "null"],
  ["Basic", () => `Basic ${Buffer.from("a:b").toString("base64")}`, null, "null", "null"],
  ["the scheme alone", () => "Bearer", null, "null", "null"],
  ["the scheme and blanks", () => "Bearer    ", null, "null", "null"],
  ["nothing", () => "", null, "null", "null"],
  ["a leading blank", ($) => `  Bearer ${$.ann.token}`, null, "session", "null"],
  ["a comma after the scheme", ($) => `Bearer, ${$.ann.token}`, null, "null", "null"],
  ["a tab instead of the space, with a cookie", ($) => `Bearer\t${$.ann.token}`, ($) => $.bob.cookie, "session", "session"],
  ["no scheme, with a cookie", ($) => $.ann.token, ($) => $.bob.cookie, "session", "session"],
  ["Basic, with a cookie", () => "Basic YTpi", ($) => $.bob.cookie, "session", "session"],
  ["the scheme alone, with a cookie", () => "Bearer", ($) => $.bob.cookie, "session", "session"],
  ["nothing, with a cookie", () => "", ($) => $.bob.cookie, "session", "session"],
  ["a wrong signature", ($) => bearer(wrongSignature($)), null, "null", "null"],
  ["an empty signature", ($) => bearer(`${$.ann.token}.`), null, "null", "null"],
  ["a signature alone", ($) => bearer(`.${$.ann.signed.split(".")[1]}`), null, "null", "null"],
  ["the empty text, rightly signed", () => bearer(signed("")), null, "null", "null"],
  ["a dot alone", () => "Bearer .", null, "null", "null"],
  ["two dots", () => "Bearer ..", null, "null", "null"],
  ["a signature that cannot be decoded", ($) => bearer(`${$.ann.token}.%zz`), null, "null", "null"],
  ["a signature of illegal characters", ($) => bearer(`${$.ann.token}.!!!!`), null, "null", "null"],
  ["a signature cut short", ($) => bearer($.ann.signed.slice(0, -5)), null, "null", "null"],
  ["a signature of another token", ($) => bearer(`${$.ann.token}.${$.bob.signed.split(".")[1]}`), null, "null", "null"],
  ["a signature with another secret", ($) => bearer(signed($.ann.token, "another secret of some length ..")), null, "null", "null"],
  ["a wrong signature, with a cookie", ($) => bearer(wrongSignature($)), ($) => $.bob.cookie, "session", "session"],
  ["an empty signature, with a cookie", ($) => bearer(`${$.ann.token}.`), ($) => $.bob.cookie, "session", "session"],
  ["a dot alone, with a cookie", () => "Bearer .", ($) => $.bob.cookie, "session", "session"],
  ["an unknown raw token", () => bearer(UNKNOWN), null, "clears", "null"],
  ["an unknown short token", () => "Bearer x", null, "clears", "null"],
  ["a token and a comma", ($) => bearer(`${$.ann.token},`), null, "clears", "null"],
  ["a token and an equals sign", ($) => bearer(`${$.ann.token}=`), null, "clears", "null"],
  ["a token and a semicolon", ($) => bearer(`${$.ann.token};x`), null, "clears", "null"],
  ["a token with a blank inside", () => "Bearer a b", null, "clears", "null"],
  ["two tokens", ($) => bearer(`${$.ann.token} ${$.bob.token}`), null, "clears", "null"],
  ["two credentials in one line", ($) => `Bearer ${$.ann.token}, Bearer ${$.bob.token}`, null, "clears", "null"],
  ["a broken percent sequence", () => "Bearer %zzabc", null, "clears", "null"],
  ["a raw token, one letter encoded", ($) => bearer(`%${$.ann.token.charCodeAt(0).toString(16)}${$.ann.token.slice(1)}`), null, "clears", "null"],
  ["a raw token in the wrong case", ($) => bearer($.ann.token.toUpperCase()), null, "clears", "null"],
  ["a raw token in quotes", ($) => bearer(`"${$.ann.token}"`), null, "clears", "null"],
  ["a raw token with a plus", ($) => bearer(`${$.ann.token}+`), null, "clears", "null"],
  ["an umlaut in latin-1", () => "Bearer t\xf6ken", null, "clears", "null"],
  ["control characters of latin-1", () => "Bearer a\x85b", null, "clears", "null"],
  ["a no-break space around the token", ($) => `Bearer \xa0${$.ann.token}\xa0`, null, "session", "null"],
  ["a next-line character after the token", ($) => bearer(`${$.ann.token}\x85`), null, "clears", "null"],
  ["a no-break space instead of the space", ($) => `Bearer\xa0${$.ann.token}`, null, "null", "null"],
  ["a very long token", () => bearer("x".repeat(4000)), null, "clears", "null"],
  ["an unknown raw token, with a cookie", () => bearer(UNKNOWN), ($) => $.bob.cookie, "clears", "session"],
  ["a raw token, with another's cookie", ($) => bearer($.ann.token), ($) => $.bob.cookie, "session", "session"],
  ["a signed token, with another's cookie", ($) => bearer($.ann.signed), ($) => $.bob.cookie, "session", "session"],
  ["a signed token, with one's own cookie", ($) => bearer($.ann.signed), ($) => $.ann.cookie, "session", "session"],
  ["a raw token, with a garbage cookie", ($) => bearer($.ann.token), () => "better-auth.session_token=garbage", "session", "null"],
  ["a signed token, with a garbage cookie", ($) => bearer($.ann.signed), () => "better-auth.session_token=garbage", "session", "session"],
  ["a signed token, with two session cookies", ($) => bearer($.ann.signed), ($) => `${$.bob.cookie}; ${$.bob.cookie}`, "session", "session"],
  ["a signed token, with foreign cookies", ($) => bearer($.ann.signed), () => "theme=dark; x=%zz; bad name=1; =2; novalue; q=\"a b\"", "session", "session"],
  ["a signed token, with an empty cookie header", ($) => bearer($.ann.signed), () => "", "session", "session"],
  ["a further part after the signature", ($) => bearer(`${$.ann.signed}.extra`), null, "null", "null"],
  ["a signature without padding", ($) => bearer($.ann.signed.replace(/=+$/, "")), null, "null", "null"],
  ["a signature with a plus and a slash", () => bearer(signed(FIXED)), null, "session", "session"],
  ["the same, encoded", () => bearer(encodeURIComponent(signed(FIXED))), null, "session", "session"],
  ["the same in the other alphabet", () => bearer(otherAlphabet), null, "null", "null"],
  ["text after the padding", ($) => bearer(`${$.ann.signed}xyz`), null, "null", "null"],
  ["more padding", ($) => bearer(`${$.ann.signed}=`), null, "null", "null"],
  ["a further part, with a cookie", ($) => bearer(`${$.ann.signed}.extra`), ($) => $.bob.cookie, "null", "null"],
  ["no padding, with a cookie", ($) => bearer($.ann.signed.replace(/=+$/, "")), ($) => $.bob.cookie, "null", "null"],
  ["the other alphabet, with a cookie", () => bearer(otherAlphabet), ($) => $.bob.cookie, "null", "null"],
  ["encoded twice", ($) => bearer(encodeURIComponent(encodeURIComponent($.ann.signed))), null],
  ["a percent sign in the middle of a signed token", ($) => bearer(`${$.ann.signed}%`), null],
  ["a dead raw token", ($) => bearer($.dead.token), null, "clears", "null"],
  ["a dead signed token", ($) => bearer($.dead.signed), null, "clears", "clears"],
  ["a dead signed token, with a live cookie", ($) => bearer($.dead.signed), ($) => $.bob.cookie, "clears", "clears"],
  ["a live token, with a dead cookie", ($) => bearer($.ann.signed), ($) => $.dead.cookie, "session", "session"],
  ["a short value, rightly signed", () => bearer(signed("tok1")), null, "clears", "clears"],
  ["a value with blanks, rightly signed", () => bearer(signed("to k")), null],
  ["a first line that is good, then junk", ($) => [bearer($.ann.signed), "Bearer junk"], null, "session", "session"],
  ["a first line that is junk, then good", ($) => ["Bearer junk", bearer($.ann.signed)], null, "clears", "null"],
  ["Basic in the first line, then good", ($) => ["Basic YTpi", bearer($.ann.signed)], null, "null", "null"],
];

// MariaDB finds texts in other capitals too, and hallpass does not (COMPATIBILITY D81).
const shapes = (t) => SHAPES.filter(([name]) => t.store !== "mariadb" || name !== "a raw token in the wrong case");

async function twoUsersAndADeadSession(t) {
  await t.signUp("ann");
  await t.signUp("bob");
  await t.signIn("ann", "dead");
  await t.post("/sign-out", undefined, ($) => ({ authorization: bearer($.dead.signed) }), 200);
  await t.signIn("ann", "fixed");
  t.database((database, $) => database.alter($.fixed.token, { token: FIXED }));
}

const table = (name, options, expected) => ({
  name,
  scenario: { bearer: options },
  async run(t) {
    await twoUsersAndADeadSession(t);
    for (const [, authorization, cookie, ...outcomes] of shapes(t)) {
      const request = ($) => ({ authorization: authorization($), cookie: cookie?.($) });
      await t.get("/get-session", request, outcomes[expected]);
    }
  },
});

// The same credentials where a session is required: what is null above is a 401 here, with or without clearing.
const required = (name, path, method) => ({
  name,
  async run(t) {
    await twoUsersAndADeadSession(t);
    for (const [, authorization, cookie] of shapes(t)) {
      await t.send(($) => ({
        method,
        path,
        authorization: authorization($),
        cookie: cookie?.($),
        origin: cookie ? "http://127.0.0.1:3000" : undefined,
      }));
    }
  },
});

const SESSION_ENDPOINTS = [
  ["GET", "/get-session"],
  ["GET", "/list-sessions"],
  ["GET", "/list-accounts"],
  ["POST", "/update-user", { name: "Ann the second" }],
  ["POST", "/update-session", { note: "x" }],
  ["POST", "/change-password", { currentPassword: "not it at all", newPassword: "correct horse battery 2" }],
  ["POST", "/verify-password", { password: "not it at all" }],
  ["POST", "/revoke-session", { token: UNKNOWN }],
  ["POST", "/revoke-other-sessions", {}],
  ["POST", "/revoke-sessions", {}],
  ["POST", "/sign-out", {}],
];

const CREDENTIALS = [
  () => undefined,
  ($) => bearer(wrongSignature($)),
  () => bearer(UNKNOWN),
  () => bearer(signed(UNKNOWN)),
  ($) => bearer($.ann.token),
  ($) => bearer($.ann.signed),
  ($) => bearer(encodeURIComponent($.ann.signed)),
];

const everywhere = (name, options) => ({
  name,
  scenario: { bearer: options, options: { session: { additionalFields: { note: { type: "string", required: false } } } } },
  async run(t) {
    await t.signUp("ann");
    for (const credential of CREDENTIALS) {
      for (const [method, path, json] of SESSION_ENDPOINTS) {
        const extra = ($) => ({ authorization: credential($) });
        if (method === "GET") await t.get(path, extra);
        else await t.post(path, json, extra);
        // The last two end the session; when they had the right credential, the next one needs another.
        if (path === "/revoke-sessions" || path === "/sign-out") await t.signIn("ann");
      }
    }
  },
});

export default [
  table("bearer: every shape of credential", {}, 0),
  table("bearer: every shape of credential, signatures required", { requireSignature: true }, 1),
  required("bearer: every shape where a session is required", "/list-sessions", "GET"),
  required("bearer: every shape where the session is read again", "/revoke-other-sessions", "POST"),
  everywhere("bearer: every endpoint", {}),
  everywhere("bearer: every endpoint, signatures required", { requireSignature: true }),
  {
    name: "bearer: without the plugin",
    scenario: { bearer: false },
    async run(t) {
      await t.signUp("ann");
      await t.get("/get-session", ($) => ({ authorization: bearer($.ann.token) }), "null");
      await t.get("/get-session", ($) => ({ cookie: $.ann.cookie }), "session");
      await t.get("/get-session", ($) => ({ cookie: $.ann.cookie, authorization: bearer("junk") }), "session");
    },
  },
  {
    name: "bearer: where set-auth-token is sent",
    scenario: { options: { session: { additionalFields: { note: { type: "string", required: false } } } } },
    async run(t) {
      const as = ($) => ({ authorization: bearer($.ann.signed) });
      await t.signUp("ann");
      await t.signIn("ann");
      await t.signIn("ann", "ann", { rememberMe: false });
      await t.get("/get-session", as, "session");
      await t.get("/list-sessions", as, 200);
      await t.get("/list-accounts", as, 200);
      await t.post("/update-user", { name: "Anna" }, as, 200);
      await t.post("/update-session", { note: "n" }, as, 200);
      await t.post("/verify-password", { password: t.PASSWORD }, as, 200);
      await t.post("/change-password", { currentPassword: t.PASSWORD, newPassword: "another password" }, as, 200);
      await t.post("/change-password", { currentPassword: "another password", newPassword: t.PASSWORD, revokeOtherSessions: true },
        ($) => ({ ...as($), keep: "ann" }), 200);
      await t.get("/get-session", as, "session");
      await t.post("/revoke-other-sessions", {}, as, 200);
      await t.post("/sign-in/email", { email: "ann@example.com", password: "wrong password" }, as, 401);
      await t.post("/sign-out", {}, as, 200);
    },
  },
  {
    name: "bearer: set-auth-token when the session is refreshed",
    scenario: { options: { session: { updateAge: 0 } } },
    async run(t) {
      await t.signUp("ann");
      for (const credential of [($) => $.ann.token, ($) => $.ann.signed, ($) => encodeURIComponent($.ann.signed)]) {
        await t.get("/get-session", ($) => ({ authorization: bearer(credential($)) }), "session");
        await t.get("/list-sessions", ($) => ({ authorization: bearer(credential($)) }), 200);
        await t.get("/list-accounts", ($) => ({ authorization: bearer(credential($)) }), 200);
        await t.post("/update-user", { name: "A" }, ($) => ({ authorization: bearer(credential($)) }), 200);
        await t.post("/revoke-other-sessions", {}, ($) => ({ authorization: bearer(credential($)) }), 200);
        await t.post("/revoke-session", { token: UNKNOWN }, ($) => ({ authorization: bearer(credential($)) }), 200);
        await t.post("/verify-password", { password: "not it at all" }, ($) => ({ authorization: bearer(credential($)) }), 400);
      }
      await t.get("/get-session", ($) => ({ cookie: $.ann.cookie }), "session");
      await t.get("/get-session?disableRefresh=1", ($) => ({ authorization: bearer($.ann.token) }), "session");
      await t.post("/sign-out", {}, ($) => ({ authorization: bearer($.ann.token) }), 200);
    },
  },
  {
    name: "bearer: other cookies stay in force beside it",
    scenario: { options: { session: { updateAge: 0 } } },
    async run(t) {
      await t.signUp("ann", { rememberMe: false });
      await t.signUp("bob");
      const withCookie = (cookie) => ($) => ({ authorization: bearer($.bob.token), cookie: cookie($) });
      const forget = ($) => `better-auth.dont_remember=${encodeURIComponent(signed("true"))}`;
      await t.get("/get-session", withCookie(forget), "session");
      await t.get("/get-session", withCookie(() => "better-auth.session_data=abc"), "session");
      await t.get("/get-session", withCookie(() => "better-auth.session_data.0=abc; better-auth.session_data.1=def"), "session");
      await t.get("/get-session", withCookie(($) => `${$.ann.cookie}; better-auth.session_data=abc`), "session");
      await t.get("/get-session", withCookie(() => "better-auth.dont_remember=true.forged"), "session");
      const post = (cookie) => ($) => ({ ...withCookie(cookie)($), origin: "http://127.0.0.1:3000" });
      await t.post("/update-user", { name: "Bob" }, post(forget), 200);
      await t.post("/update-user", { name: "Bob" }, post(($) => $.ann.cookie), 200);
      await t.post("/update-user", { name: "Bob" }, post(() => "a=b"), 200);
      await t.get("/get-session", ($) => ({ authorization: bearer("unknown"), cookie: `better-auth.session_data=abc; ${$.bob.cookie}` }), "clears");
      await t.get("/get-session", ($) => ({ authorization: bearer("unknown.signature"), cookie: "better-auth.session_data=abc" }));
    },
  },
];
