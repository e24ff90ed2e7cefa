// The Cookie header, and the cookies of a session in all their spellings.
import { signature, signed } from "../lib/cookies.mjs";

const NAME = "better-auth.session_token";
const encoded = ($) => encodeURIComponent($.ann.signed);
const wrong = ($) => `${$.ann.token}.${signature("something else")}`;

// [what it is, cookie, what comes of it on /get-session]
const SHAPES = [
  ["the cookie as it was set", ($) => $.ann.cookie, "session"],
  ["unencoded", ($) => `${NAME}=${$.ann.signed}`, "session"],
  ["quoted", ($) => `${NAME}="${encoded($)}"`, "session"],
  ["quoted and unencoded", ($) => `${NAME}="${$.ann.signed}"`, "session"],
  ["half quoted", ($) => `${NAME}="${encoded($)}`],
  ["an empty pair of quotes", () => `${NAME}=""`, "null"],
  ["blanks around everything", ($) => `  ${NAME}  =  ${encoded($)}  ;  a = b `, "session"],
  ["tabs around everything", ($) => `\t${NAME}\t=\t${encoded($)}\t`, "session"],
  ["after others", ($) => `a=b; c=d; ${NAME}=${encoded($)}`, "session"],
  ["before others", ($) => `${NAME}=${encoded($)}; a=b`, "session"],
  ["no blank after the semicolon", ($) => `a=b;${NAME}=${encoded($)};c=d`, "session"],
  ["empty parts", ($) => `;;; ;${NAME}=${encoded($)};;`, "session"],
  ["a comma between cookies", ($) => `a=b, ${NAME}=${encoded($)}`],
  ["names without values", ($) => `flag; ${NAME}=${encoded($)}; other`, "session"],
  ["a value without a name", ($) => `=x; ${NAME}=${encoded($)}`, "session"],
  ["twice, the good one first", ($) => `${NAME}=${encoded($)}; ${NAME}=junk`, "session"],
  ["twice, the good one last", ($) => `${NAME}=junk; ${NAME}=${encoded($)}`, "null"],
  ["two users", ($) => `${$.ann.cookie}; ${$.bob.cookie}`, "session"],
  ["another spelling of the name", ($) => `Better-Auth.Session_Token=${encoded($)}`, "null"],
  ["the name encoded", ($) => `better%2Dauth.session_token=${encoded($)}`, "null"],
  ["the name with a prefix", ($) => `__Secure-${NAME}=${encoded($)}`, "null"],
  ["the name in the __Host- form", ($) => `__Host-${NAME}=${encoded($)}`, "null"],
  ["the hyphen form of the name", ($) => `better-auth-session_token=${encoded($)}`, "null"],
  ["a prototype's name", ($) => `__proto__=x; ${NAME}=${encoded($)}`, "session"],
  ["the value alone", ($) => encoded($), "null"],
  ["no header value", () => "", "null"],
  ["an empty value", () => `${NAME}=`, "null"],
  ["the token without a signature", ($) => `${NAME}=${$.ann.token}`, "null"],
  ["the token and a dot", ($) => `${NAME}=${$.ann.token}.`, "null"],
  ["a wrong signature", ($) => `${NAME}=${encodeURIComponent(wrong($))}`, "null"],
  ["a signature without padding", ($) => `${NAME}=${$.ann.signed.slice(0, -1)}`, "null"],
  ["a signature with more padding", ($) => `${NAME}=${$.ann.signed}=`, "null"],
  ["a signature one character shorter", ($) => `${NAME}=${$.ann.signed.slice(0, -2)}=`, "null"],
  ["a signature with a blank", ($) => `${NAME}=${$.ann.signed.slice(0, -2)}%20=`, "null"],
  ["the bits of the last character changed", ($) => `${NAME}=${looseEnd($.ann.signed)}`],
  ["a further part before the signature", ($) => `${NAME}=${encodeURIComponent(signed(`${$.ann.token}.x`))}`, "clears"],
  ["a further part after the signature", ($) => `${NAME}=${encoded($)}.x`, "null"],
  ["the signature alone", ($) => `${NAME}=.${$.ann.signed.split(".")[1]}`, "null"],
  ["the empty text, rightly signed", () => `${NAME}=${encodeURIComponent(signed(""))}`, "null"],
  ["an unknown token, rightly signed", () => `${NAME}=${encodeURIComponent(signed("abcdefghijklmnopqrstuvwxyzABCDEF"))}`, "clears"],
  ["a short text, rightly signed", () => `${NAME}=${encodeURIComponent(signed("a"))}`, "clears"],
  ["an umlaut, rightly signed", () => `${NAME}=${encodeURIComponent(signed("tökén"))}`, "clears"],
  ["a quote, rightly signed", () => `${NAME}=${encodeURIComponent(signed("it's \"x\" or ''"))}`, "clears"],
  ["encoded twice", ($) => `${NAME}=${encodeURIComponent(encoded($))}`, "null"],
  ["lower-case percent escapes", ($) => `${NAME}=${encoded($).replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())}`, "session"],
  ["every character encoded", ($) => `${NAME}=${[...$.ann.signed].map((c) => `%${c.charCodeAt(0).toString(16)}`).join("")}`, "session"],
  ["a broken escape at the end", ($) => `${NAME}=${encoded($)}%`, "null"],
  ["a broken escape in another cookie", ($) => `x=%zz; ${NAME}=${encoded($)}`, "session"],
  ["escapes that are not UTF-8 in another cookie", ($) => `x=%ff%fe; ${NAME}=${encoded($)}`, "session"],
  ["an equals sign in another cookie", ($) => `x=a=b=c; ${NAME}=${encoded($)}`, "session"],
  ["a quoted semicolon in another cookie", ($) => `x="a;b"; ${NAME}=${encoded($)}`, "session"],
  ["bytes of latin-1 in another cookie", ($) => `x=\xe4\xff; ${NAME}=${encoded($)}`, "session"],
  ["bytes of UTF-8 in another cookie", ($) => `x=${Buffer.from("ä€").toString("latin1")}; ${NAME}=${encoded($)}`, "session"],
  ["a no-break space before the name", ($) => `\xa0${NAME}=${encoded($)}`],
  ["a next-line character before the name", ($) => `\x85${NAME}=${encoded($)}`],
  ["a tab inside another cookie", ($) => `x=a\tb; ${NAME}=${encoded($)}`, "session"],
  ["many cookies", ($) => `${Array.from({ length: 300 }, (_, n) => `c${n}=v${n}`).join("; ")}; ${NAME}=${encoded($)}`, "session"],
  ["a long cookie", ($) => `x=${"y".repeat(6000)}; ${NAME}=${encoded($)}`, "session"],
  ["session_data beside it", ($) => `${$.ann.cookie}; better-auth.session_data=abc`, "session"],
  ["session_data in front of it", ($) => `better-auth.session_data=abc; ${$.ann.cookie}`, "session"],
  ["an empty session_data", ($) => `${$.ann.cookie}; better-auth.session_data=`, "session"],
  ["session_data alone", () => "better-auth.session_data=abc", "clears"],
  ["chunks of session_data", ($) => `${$.ann.cookie}; better-auth.session_data.0=abc; better-auth.session_data.1=def`, "session"],
  ["chunks in the wrong order", ($) => `better-auth.session_data.1=def; better-auth.session_data.0=abc; ${$.ann.cookie}`, "session"],
  ["chunks and the plain cookie", ($) => `${$.ann.cookie}; better-auth.session_data=x; better-auth.session_data.0=abc`, "session"],
  ["a chunk with a gap", ($) => `${$.ann.cookie}; better-auth.session_data.7=x`, "session"],
  ["chunks with odd numbers", ($) => `${$.ann.cookie}; better-auth.session_data.01=x; better-auth.session_data.-1=x; better-auth.session_data.x=x; better-auth.session_data.=x`, "session"],
  ["a chunk alone", () => "better-auth.session_data.0=abc"],
  ["chunks beside an unknown token", () => `${NAME}=${encodeURIComponent(signed("a"))}; better-auth.session_data.0=abc; better-auth.session_data.1=def`, "clears"],
  ["session_data beside an unknown token", () => `${NAME}=${encodeURIComponent(signed("a"))}; better-auth.session_data=abc`, "clears"],
  ["dont_remember beside it", ($) => `${$.ann.cookie}; better-auth.dont_remember=${encodeURIComponent(signed("true"))}`, "session"],
  ["dont_remember with another text", ($) => `${$.ann.cookie}; better-auth.dont_remember=${encodeURIComponent(signed("false"))}`, "session"],
  ["dont_remember with a wrong signature", ($) => `${$.ann.cookie}; better-auth.dont_remember=true.x`, "session"],
  ["account_data and state beside it", ($) => `${$.ann.cookie}; better-auth.account_data=x; better-auth.state=y; better-auth.oauth_state=z`, "session"],
];

/** The same signature bytes, written with bits set that a base64 reader ignores or refuses. */
function looseEnd(text) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return `${text.slice(0, -2)}${alphabet[alphabet.indexOf(text.at(-2)) | 1]}=`;
}

const ORIGIN = "http://127.0.0.1:3000";

const table = (name, ask, session) => ({
  name,
  scenario: { options: { session } },
  async run(t) {
    await t.signUp("ann");
    await t.signUp("bob");
    for (const [, cookie, is] of SHAPES) await ask(t, cookie, is);
  },
});

export default [
  table("cookies: every shape on get-session", (t, cookie, is) => t.get("/get-session", ($) => ({ cookie: cookie($) }), is)),
  table("cookies: every shape when the session is refreshed",
    (t, cookie) => t.get("/get-session", ($) => ({ cookie: cookie($) })), { updateAge: 0 }),
  table("cookies: every shape where a session is required",
    (t, cookie) => t.get("/list-accounts", ($) => ({ cookie: cookie($) })), { updateAge: 0 }),
  table("cookies: every shape on an endpoint that sets them again",
    (t, cookie) => t.post("/update-user", { name: "Ann" }, ($) => ({ cookie: cookie($), origin: ORIGIN }))),
  {
    name: "cookies: every shape at sign-out",
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      for (const [, cookie] of SHAPES) {
        // Bob's session stands for Ann's, so that one sign-in is enough for those shapes that end it.
        await t.post("/sign-out", {}, ($) => ({ cookie: cookie({ ...$, ann: $.bob, bob: $.ann }), origin: ORIGIN }));
      }
    },
  },
  {
    name: "cookies: illegal bytes in headers",
    async run(t) {
      await t.signUp("ann");
      for (const value of ["a=\x01", "a=b\x00c", "a=\x7f", "a=\x1b[0m", `x=\x0b; ${NAME}=y`]) {
        await t.get("/get-session", { cookie: value });
        await t.get("/get-session", { authorization: `Bearer ${value}` });
      }
      await t.get("/get-session", ($) => ({ headers: [["bad name", "x"]], cookie: $.ann.cookie }));
      await t.get("/get-session", ($) => ({ headers: [["x-ok", "\xff\xfe"]], cookie: $.ann.cookie }), "session");
    },
  },
  {
    name: "cookies: remembered and not remembered",
    async run(t) {
      await t.signUp("ann");
      await t.signIn("ann", "short", { rememberMe: false });
      await t.get("/get-session", ($) => ({ cookie: $.short.cookie }), "session");
      const post = ($) => ({ cookie: $.short.cookie, origin: ORIGIN, keep: "short" });
      await t.post("/update-user", { name: "Anna" }, post, 200);
      await t.post("/change-password", { currentPassword: t.PASSWORD, newPassword: t.PASSWORD, revokeOtherSessions: true }, post, 200);
      await t.get("/get-session", ($) => ({ cookie: $.short.cookie }), "session");
      await t.signIn("ann", "short", { rememberMe: true }, { headers: [] });
      await t.send(($) => ({ method: "POST", path: "/sign-in/email", json: { email: "ann@example.com", password: t.PASSWORD }, ...post($) }), 200);
      await t.send(($) => ({ method: "POST", path: "/sign-in/email", json: { email: "ann@example.com", password: t.PASSWORD, rememberMe: true },
        origin: ORIGIN, cookie: `better-auth.dont_remember=${encodeURIComponent(signed("true"))}` }), 200);
      await t.send(() => ({ method: "POST", path: "/sign-in/email", json: { email: "ann@example.com", password: t.PASSWORD, rememberMe: true },
        origin: ORIGIN, cookie: "better-auth.dont_remember=forged.value" }), 200);
      await t.post("/sign-out", {}, ($) => ({ cookie: $.short.cookie, origin: ORIGIN }), 200);
    },
  },
];
