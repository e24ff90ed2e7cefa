// Changing the address: at once, through the old address, or through the new one; and the links of all three mails.
import { jwt } from "../lib/jwt.mjs";
import { TARGETS, TRUSTED } from "./origin.mjs";

const OWN = "http://127.0.0.1:3000";
const SENDER = { sendVerificationEmail: true };
const as = (name) => ($) => ({ authorization: `Bearer ${$[name].token}` });
const asSigned = (name) => ($) => ({ authorization: `Bearer ${$[name].signed}` });
const withCookie = (name) => ($) => ({ cookie: $[name].cookie, origin: OWN });

const ann = "ann@example.com";
const fresh = "new@example.com";
const change = (t, json, extra, is) => t.post("/change-email", json, extra, is);
const verifyPath = (token, callbackURL) => `/verify-email?token=${encodeURIComponent(token)}${callbackURL === undefined ? "" : `&callbackURL=${encodeURIComponent(callbackURL)}`}`;

function setVerified(t, value, email = ann) {
  t.database((database) => database.prepare("update user set emailVerified = ? where email = ?").run(value, email));
}

/** Puts every address and its verification back. */
function restore(t, value) {
  t.database((database) => {
    const update = database.prepare("update user set email = ?, emailVerified = ? where name = ?");
    for (const name of ["ann", "bob"]) update.run(`${name}@example.com`, value, name);
  });
}

const who = (t, name, keep) => t.get("/get-session", keep ? ($) => ({ ...as(name)($), keep }) : as(name));

/** The whole way of one change, whatever the options make of it, of an address that is verified or not. */
async function way(t, isVerified) {
  await t.signUp("ann", { nickname: "N" });
  await t.signIn("ann", "two", { rememberMe: false });
  if (isVerified) setVerified(t, 1);
  await change(t, { newEmail: "NEW@example.com", callbackURL: "/done?a=b#c" }, withCookie("two"));
  await t.get("/get-session", withCookie("two"));
  // Follows the links of whatever mails come, as far as they lead.
  for (let link = 0; link < 3; link += 1) {
    if (t.kept().mails.length === 0) break;
    t.mail(`link${link}`, t.kept().mails.at(-1).kind);
    await t.send(($) => ({ target: $[`link${link}`].target, ...(link ? withCookie("two")($) : {}), keep: "two" }), 302);
    await t.get("/get-session", withCookie("ann"));
  }
  await t.get("/get-session", withCookie("two"));
  for (let link = 0; link < 3; link += 1) if (t.kept()[`link${link}`]) await t.send(($) => ({ target: $[`link${link}`].target }), 302);
  await t.signIn("ann", "old");
  await t.signIn("ann", "new", { email: fresh });
  await t.get("/get-session", withCookie("new"));
}

const changes = {
  "nothing allowed": [{ enabled: true }, undefined],
  "a sender": [{ enabled: true }, SENDER],
  "a sender and a confirmation": [{ enabled: true, sendChangeEmailConfirmation: true }, SENDER],
  "a confirmation without a sender": [{ enabled: true, sendChangeEmailConfirmation: true }, undefined],
  "changes without verification": [{ enabled: true, updateEmailWithoutVerification: true }, undefined],
  "changes without verification and a sender": [{ enabled: true, updateEmailWithoutVerification: true }, SENDER],
  "everything": [{ enabled: true, updateEmailWithoutVerification: true, sendChangeEmailConfirmation: true }, { autoSignInAfterVerification: true, expiresIn: 60, ...SENDER }],
  "everything but the switch": [{ updateEmailWithoutVerification: true, sendChangeEmailConfirmation: true }, SENDER],
};

const ways = Object.entries(changes).flatMap(([title, [changeEmail, emailVerification]]) =>
  [false, true].map((isVerified) => ({
    name: `change-email: ${isVerified ? "a verified" : "an unverified"} address with ${title}`,
    scenario: { options: { user: { changeEmail }, emailVerification } },
    run: (t) => way(t, isVerified),
  })));

const lives = (title, options = {}, { environment, bearer } = {}) => [false, true].map((isVerified) => ({
  name: `change-email: the way of ${isVerified ? "a verified" : "an unverified"} address with ${title}`,
  scenario: {
    environment,
    bearer,
    options: {
      ...options,
      user: { ...options.user, changeEmail: { enabled: true, updateEmailWithoutVerification: true, sendChangeEmailConfirmation: true } },
      emailVerification: SENDER,
    },
  },
  run: (t) => way(t, isVerified),
}));

const KINDS = [undefined, "change-email-confirmation", "change-email-verification", "", "other", "CHANGE-EMAIL-VERIFICATION"];

export default [
  {
    name: "change-email: switched off",
    scenario: { options: { emailVerification: SENDER } },
    async run(t) {
      await t.signUp("ann");
      await change(t, { newEmail: fresh }, as("ann"), 400);
      await change(t, { newEmail: ann }, as("ann"), 400);
      await change(t, { newEmail: "x" }, as("ann"), 400);
      await change(t, { newEmail: fresh }, {}, 401);
      await change(t, {}, {}, 400);
      await change(t, { newEmail: fresh, callbackURL: "//evil.example" }, {}, 403);
    },
  },
  {
    name: "change-email: the request",
    scenario: { options: { trustedOrigins: TRUSTED, user: { changeEmail: { enabled: true } }, emailVerification: SENDER } },
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      for (const json of [undefined, {}, null, [], "x", { newEmail: null }, { newEmail: 5 }, { newEmail: "" }, { newEmail: "x" }, { newEmail: ` ${fresh}` }, { newEmail: [fresh] }, { email: fresh }, { newEmail: fresh, callbackURL: null }, { newEmail: fresh, callbackURL: 5 }, { newEmail: 5, callbackURL: [] }]) {
        await change(t, json, as("ann"));
        await change(t, json, {});
      }
      await change(t, { newEmail: fresh }, {}, 401);
      await change(t, { newEmail: fresh }, { authorization: "Bearer unknown" }, 401);
      await change(t, { newEmail: fresh }, ($) => ({ cookie: $.ann.cookie }), 403);
      await change(t, { newEmail: fresh }, ($) => ({ cookie: $.ann.cookie, origin: "https://evil.example" }), 403);
      for (const newEmail of [ann, "ANN@Example.com", "Ann@example.com"]) await t.noMail(await change(t, { newEmail }, as("ann"), 400));
      for (const newEmail of ["bob@example.com", "BOB@example.com"]) await t.noMail(await change(t, { newEmail }, as("ann"), 200));
      for (const isVerified of [0, 1]) {
        setVerified(t, isVerified);
        await change(t, { newEmail: fresh }, as("ann"), 200);
        await change(t, { newEmail: "NEW@Example.COM", callbackURL: "" }, asSigned("ann"), 200);
        await change(t, { newEmail: fresh, callbackURL: "https://app.example.com/x?y=z#w" }, withCookie("ann"), 200);
        await change(t, { newEmail: fresh, emailVerified: true, email: "x", userId: "y" }, as("ann"), 200);
        await who(t, "ann");
      }
      for (const target of TARGETS) await change(t, { newEmail: fresh, callbackURL: target }, as("ann"));
      t.age("ann", { expiresAt: 86_400 });
      await change(t, { newEmail: fresh }, as("ann"), 200);
      t.age("ann", { createdAt: -1_000_000 });
      await change(t, { newEmail: fresh }, as("ann"), 200);
      t.age("ann", { expiresAt: -10 });
      await change(t, { newEmail: fresh }, as("ann"), 401);
      await t.get("/change-email", {}, 404);
    },
  },
  {
    name: "change-email: addresses that are taken, in every flow",
    scenario: { options: { user: { changeEmail: { enabled: true, updateEmailWithoutVerification: true, sendChangeEmailConfirmation: true } }, emailVerification: SENDER } },
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      for (const isVerified of [0, 1]) {
        setVerified(t, isVerified);
        await t.noMail(await change(t, { newEmail: "bob@example.com" }, as("ann"), 200));
        await who(t, "ann");
      }
      // Taken after the mail went out.
      await change(t, { newEmail: fresh }, as("ann"), 200);
      t.mail("confirmation", "change-email-confirmation");
      await t.send(($) => ({ target: $.confirmation.target }), 302);
      t.mail("last", "verify-email");
      await t.signUp("carl", { email: fresh });
      await t.send(($) => ({ target: $.last.target }), 500);
      await t.send(($) => ({ target: $.last.target, ...as("ann")($) }), 500);
      await t.get(($) => verifyPath($.last.token), {}, 500);
      await who(t, "ann");
      await t.get(($) => verifyPath(jwt({ email: ann, updateTo: fresh, userId: $.ann.user.id })), {}, 500);
      await t.send(($) => ({ target: $.confirmation.target }), 302);
      await who(t, "ann");
    },
  },
  {
    name: "change-email: changed at once",
    scenario: { options: { user: { changeEmail: { enabled: true, updateEmailWithoutVerification: true } }, emailVerification: SENDER } },
    async run(t) {
      await t.signUp("ann");
      await t.signIn("ann", "two");
      await t.signIn("ann", "short", { rememberMe: false });
      await change(t, { newEmail: "ONE@example.com", callbackURL: "/x" }, ($) => ({ ...as("ann")($), keep: "ann" }), 200);
      t.mail("one", "verify-email");
      for (const name of ["ann", "two"]) await who(t, name);
      await change(t, { newEmail: "two@example.com" }, ($) => ({ cookie: $.short.cookie, origin: OWN, keep: "short" }), 200);
      t.mail("two", "verify-email");
      await t.get("/get-session", withCookie("short"), "session");
      await t.send(($) => ({ target: $.one.target }), 302);
      await t.get(($) => verifyPath($.one.token), {}, 401);
      await t.send(($) => ({ target: $.two.target }), 302);
      await who(t, "ann");
      await change(t, { newEmail: "three@example.com" }, as("ann"), 200);
      t.mail("three", "verify-email");
      await who(t, "ann");
      await t.signIn("ann", "new", { email: "two@example.com" });
      await t.signIn("ann", "new", { email: "three@example.com" });
      await t.get(($) => verifyPath($.three.token), {}, 200);
      await t.get(($) => verifyPath($.three.token), {}, 401);
      await t.signIn("ann", "new", { email: "three@example.com" });
    },
  },
  {
    name: "change-email: the links and who follows them",
    scenario: { options: { trustedOrigins: TRUSTED, user: { changeEmail: { enabled: true, sendChangeEmailConfirmation: true } }, emailVerification: SENDER } },
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      for (const isVerified of [0, 1]) {
        for (const requestType of KINDS) {
          const token = ($, more) => jwt({ email: ann, updateTo: fresh, requestType, userId: $.ann.user.id, ...more });
          const follow = (extra, callbackURL, more) => t.get(($) => verifyPath(token($, more), callbackURL), extra);
          restore(t, isVerified);
          for (const callbackURL of [undefined, "/x?y#z"]) {
            await follow(as("bob"), callbackURL);
            await follow(withCookie("bob"), callbackURL);
            await follow({}, callbackURL, { userId: undefined });
            await follow({}, callbackURL, { userId: "" });
            await follow({}, callbackURL, { userId: "unknown" });
            await t.get(($) => verifyPath(jwt({ email: ann, updateTo: fresh, requestType, userId: $.bob.user.id }), callbackURL));
            await follow({}, callbackURL, { email: "ANN@example.com" });
            await follow({}, callbackURL, { email: "other@example.com" });
            await follow({}, callbackURL, { exp: 1 });
            await follow({}, callbackURL, { updateTo: "no address" });
            restore(t, isVerified);
          }
          await follow({}, "//evil.example");
          await who(t, "ann");
          for (const [extra, callbackURL] of [[{}], [as("ann")], [asSigned("ann"), "https://app.example.com/x"], [($) => ({ cookie: $.ann.cookie }), "/x"], [{ authorization: "Bearer unknown" }], [{ cookie: "a=b" }, "myapp://x"]]) {
            restore(t, isVerified);
            await follow(extra, callbackURL);
            await follow(extra, callbackURL);
            await who(t, "ann");
          }
          restore(t, isVerified);
          await follow({}, undefined, { updateTo: "UPPER@Example.com" });
          await who(t, "ann");
          restore(t, isVerified);
          await follow({}, undefined, { updateTo: ann });
          await who(t, "ann");
        }
      }
    },
  },
  {
    name: "change-email: where the links lead",
    scenario: { options: { trustedOrigins: TRUSTED, user: { changeEmail: { enabled: true } }, emailVerification: SENDER } },
    async run(t) {
      await t.signUp("ann");
      for (const target of TARGETS.filter((_, index) => index % 3 === 0)) {
        for (const requestType of [undefined, "change-email-confirmation", "change-email-verification"]) {
          restore(t, 1);
          await t.get(($) => verifyPath(jwt({ email: ann, updateTo: fresh, requestType, userId: $.ann.user.id }), target));
        }
      }
    },
  },
  {
    name: "change-email: a session of the changed user gets its cookie again",
    scenario: { options: { user: { changeEmail: { enabled: true } }, emailVerification: { autoSignInAfterVerification: true, ...SENDER } } },
    async run(t) {
      await t.signUp("ann");
      await t.signIn("ann", "short", { rememberMe: false });
      const link = (requestType) => ($) => verifyPath(jwt({ email: ann, updateTo: fresh, requestType, userId: $.ann.user.id }), "/x");
      for (const requestType of [undefined, "change-email-confirmation", "change-email-verification"]) {
        restore(t, 1);
        await t.get(link(requestType), ($) => ({ ...as("ann")($), keep: "ann" }), 302);
        restore(t, 1);
        await t.get(link(requestType), ($) => ({ cookie: $.short.cookie, keep: "short" }), 302);
        await t.get("/get-session", withCookie("short"), "session");
        restore(t, 1);
        t.age("ann", { expiresAt: 86_400 });
        await t.get(link(requestType), as("ann"), 302);
      }
      await t.get("/list-sessions", as("ann"), 200);
    },
  },
  {
    name: "change-email: the links live as long as configured",
    scenario: { options: { user: { changeEmail: { enabled: true, sendChangeEmailConfirmation: true } }, emailVerification: { expiresIn: 1, ...SENDER } } },
    async run(t) {
      await t.signUp("ann");
      setVerified(t, 1);
      await change(t, { newEmail: fresh, callbackURL: "/x" }, as("ann"), 200);
      t.mail("late", "change-email-confirmation");
      // The second mail of the older flow takes no notice of the configured time.
      await t.get(($) => verifyPath(jwt({ email: ann, updateTo: "third@example.com", userId: $.ann.user.id })), {}, 200);
      restore(t, 1);
      await t.sleep(2100);
      await t.send(($) => ({ target: $.late.target }), 302);
      await who(t, "ann");
    },
  },
  {
    name: "change-email: the links without a sender",
    async run(t) {
      await t.signUp("ann");
      for (const requestType of [undefined, "change-email-confirmation", "change-email-verification"]) {
        restore(t, 1);
        await t.get(($) => verifyPath(jwt({ email: ann, updateTo: fresh, requestType, userId: $.ann.user.id })), {}, 200);
        await who(t, "ann");
      }
    },
  },
  ...ways,
  ...lives("secure cookies", { advanced: { useSecureCookies: true } }),
  ...lives("another base path", { basePath: "/a/b" }),
  ...lives("https behind a proxy", { baseURL: "https://auth.example.com", trustedOrigins: [OWN] }),
  ...lives("signatures required", {}, { bearer: { requireSignature: true } }),
  ...lives("no bearer plugin", {}, { bearer: false }),
  ...lives("additional fields", { user: { additionalFields: { nickname: { type: "string", required: false }, hidden: { type: "string", required: false, returned: false, defaultValue: "h" } } } }),
  ...lives("production", { rateLimit: { enabled: false } }, { environment: "production" }),
];
