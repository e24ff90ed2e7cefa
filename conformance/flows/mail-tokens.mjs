// Tokens of mails where they do not belong: every kind is shown to every endpoint that redeems another.

const OWN = "http://127.0.0.1:3000";
const as = (name) => ($) => ({ authorization: `Bearer ${$[name].signed}` });
const withCookie = (name) => ($) => ({ cookie: $[name].cookie, origin: OWN });

const REDEEMERS = {
  verify: ["GET", (token) => `/verify-email?token=${token}`],
  "verify with a callback": ["GET", (token) => `/verify-email?token=${token}&callbackURL=/x`],
  "reset link": ["GET", (token) => `/reset-password/${token}?callbackURL=/x`],
  reset: ["POST", () => "/reset-password", (token) => ({ token, newPassword: "a stolen password" })],
  "reset by query": ["POST", (token) => `/reset-password?token=${token}`, () => ({ newPassword: "a stolen password" })],
  delete: ["POST", () => "/delete-user", (token) => ({ token })],
  "delete link": ["GET", (token) => `/delete-user/callback?token=${token}`],
  "delete link with a callback": ["GET", (token) => `/delete-user/callback?token=${token}&callbackURL=/x`],
};

// What each kind of token is good for.
const HOME = {
  verification: "verify",
  confirmation: "verify",
  change: "verify",
  reset: "reset",
  deletion: "delete",
  session: undefined,
  signed: undefined,
};

/** Keeps a token of every kind, all of them ann's, under the name of the kind. */
async function collect(t) {
  const setVerified = (value) => t.database((database) => database.prepare("update user set emailVerified = ? where email = 'ann@example.com'").run(value));
  const email = "ann@example.com";
  await t.post("/send-verification-email", { email }, as("ann"), 200);
  t.mail("verification", "verify-email");
  await t.post("/change-email", { newEmail: "new@example.com" }, as("ann"), 200);
  t.mail("change", "verify-email");
  setVerified(1);
  await t.post("/change-email", { newEmail: "new@example.com" }, as("ann"), 200);
  t.mail("confirmation", "change-email-confirmation");
  setVerified(0);
  await t.post("/request-password-reset", { email }, {}, 200);
  t.mail("reset", "reset-password");
  await t.post("/delete-user", {}, as("ann"), 200);
  t.mail("deletion", "delete-account");
  for (const side of [0, 1]) {
    const kept = t.kept(side);
    kept.session = { token: kept.ann.token };
    kept.signed = { token: encodeURIComponent(kept.ann.signed) };
  }
}

const askers = { nobody: {}, "the user's bearer": as("ann"), "the user's cookie": withCookie("ann"), "another's bearer": as("bob"), "another's cookie": withCookie("bob") };

const flow = (title, extra, { options, bearer } = {}) => ({
  name: `mail-tokens: ${title}`,
  scenario: {
    bearer,
    options: {
      emailAndPassword: { sendResetPassword: true, revokeSessionsOnPasswordReset: true },
      emailVerification: { sendVerificationEmail: true, autoSignInAfterVerification: true },
      user: {
        changeEmail: { enabled: true, sendChangeEmailConfirmation: true },
        deleteUser: { enabled: true, sendDeleteAccountVerification: true },
      },
      ...options,
    },
  },
  async run(t) {
    await t.signUp("ann");
    await t.signUp("bob");
    await collect(t);
    for (const [kind, home] of Object.entries(HOME)) {
      for (const [redeemer, [method, path, json]] of Object.entries(REDEEMERS)) {
        if (home && redeemer.startsWith(home)) continue;
        const told = await t.send(($) => ({ method, path: path($[kind].token), json: json?.($[kind].token), ...(typeof extra === "function" ? extra($) : extra) }));
        const [{ status, body }] = told.answers;
        if (status === 200) throw new Error(`${kind} was good for ${redeemer}: ${body}`);
      }
      await t.get("/get-session", ($) => ({ authorization: `Bearer ${$[kind].token}` }));
    }
    await t.get("/get-session", as("ann"), "session");
    // They are all still good at home.
    await t.get(($) => `/verify-email?token=${$.verification.token}`, {}, 200);
    await t.get(($) => `/verify-email?token=${$.confirmation.token}`, {}, 200);
    t.mail("last", "verify-email");
    await t.get(($) => `/verify-email?token=${$.last.token}`, {}, 200);
    await t.get(($) => `/verify-email?token=${$.change.token}`, {}, 401);
    await t.get("/get-session", as("ann"), "session");
    await t.post("/delete-user", ($) => ({ token: $.deletion.token }), as("ann"), 200);
    await t.post("/reset-password", ($) => ({ token: $.reset.token, newPassword: "too late" }), {}, 400);
  },
});

export default [
  ...Object.entries(askers).map(([who, extra]) => flow(`shown by ${who}`, extra)),
  flow("hashed identifiers", as("ann"), { options: { verification: { storeIdentifier: "hashed" } } }),
  flow("signatures required", as("ann"), { bearer: { requireSignature: true } }),
];
