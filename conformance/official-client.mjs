// The unmodified official client, used the way the documentation of the Bearer plugin describes, against one server.
import assert from "node:assert/strict";
import { createAuthClient } from "better-auth/client";
import { aMoment, outbox } from "./lib/outbox.mjs";
import { ORIGIN, scenario } from "./lib/scenario.mjs";

const PASSWORD = "correct horse battery";

// Node's fetch sends `sec-fetch-mode: cors` and no origin, which the form check of sign-in refuses; a browser sends both.
const headers = { origin: ORIGIN };

/** Runs every claim and resolves to { steps, different: [text] }. `start(scenario)` starts the server. */
export async function runClient({ start, print = console.log }) {
  const total = { steps: 0, different: [] };
  for (const [given, claims] of [[{}, CLAIMS], [{ bearer: { requireSignature: true } }, SIGNED_CLAIMS], [MAIL_SCENARIO, MAIL_CLAIMS]]) {
    const server = await start(scenario(given));
    const world = { baseURL: `http://127.0.0.1:${server.port}`, outbox: outbox(server.outbox) };
    try {
      for (const [claim, prove] of Object.entries(claims)) {
        total.steps += 1;
        try {
          await prove(world);
          print(`  holds  ${claim}`);
        } catch (error) {
          total.different.push(`  FAILS  ${claim}: ${error.message}`);
          print(total.different.at(-1));
        }
      }
    } finally {
      await server.stop();
    }
  }
  return total;
}

/** The documentation's client: keeps the token in `onSuccess`, sends it in `auth`, drops it in `onError` on a 401. */
function documentedClient({ baseURL }) {
  const device = { token: "", kept: 0, cleared: 0 };
  const client = createAuthClient({
    baseURL,
    fetchOptions: {
      headers,
      auth: { type: "Bearer", token: () => device.token },
      onSuccess(context) {
        const token = context.response.headers.get("set-auth-token");
        if (!token) return;
        device.token = token;
        device.kept += 1;
      },
      onError(context) {
        if (context.response.status !== 401) return;
        device.token = "";
        device.cleared += 1;
      },
    },
  });
  return { client, device };
}

/** Fails with the server's own words when a call did not succeed. */
function good({ data, error }) {
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

/** The one mail that was sent since the last look. */
async function mailOf({ outbox }, kind) {
  const mails = await outbox.take(1);
  assert.deepEqual(mails.map((mail) => mail.kind), [kind]);
  return mails[0];
}

async function assertNoMail({ outbox }) {
  await aMoment();
  assert.deepEqual(await outbox.take(), []);
}

/** What a click on the link of a mail leads to, with the server found where it listens. */
async function click({ baseURL }, { url }, more = {}) {
  const answer = await fetch(url.replace(ORIGIN, baseURL), { redirect: "manual", headers: more });
  return { status: answer.status, location: answer.headers.get("location"), token: answer.headers.get("set-auth-token") };
}

const CLAIMS = {
  async "sign-up succeeds, and its token arrives in set-auth-token"(world) {
    world.ann = documentedClient(world);
    const data = good(await world.ann.client.signUp.email({ name: "Ann", email: "ann@example.com", password: PASSWORD }));
    assert.equal(data.user.email, "ann@example.com");
    assert.ok(data.user.createdAt instanceof Date);
    assert.equal(world.ann.device.kept, 1);
    assert.equal(world.ann.device.token.split(".")[0], data.token);
    world.rawToken = data.token;
  },
  async "the header is exposed to browsers"(world) {
    await world.ann.client.signIn.email({ email: "ann@example.com", password: PASSWORD }, {
      onSuccess: ({ response }) => assert.match(response.headers.get("access-control-expose-headers"), /set-auth-token/),
    }).then(good);
    assert.equal(world.ann.device.kept, 2);
  },
  async "the kept token is sent, and the session is known"(world) {
    const data = good(await world.ann.client.getSession());
    assert.equal(data.user.email, "ann@example.com");
    assert.equal(data.session.token, world.ann.device.token.split(".")[0]);
    assert.equal(world.ann.device.kept, 2, "a look-up brings no new token");
  },
  async "a client without a token has no session, and that is no error"(world) {
    const { client } = documentedClient(world);
    assert.equal(good(await client.getSession()), null);
  },
  async "the header may be given with a single request"(world) {
    const client = createAuthClient({ baseURL: world.baseURL });
    const data = good(await client.getSession({ fetchOptions: { headers: { Authorization: `Bearer ${world.ann.device.token}` } } }));
    assert.equal(data.user.email, "ann@example.com");
    assert.equal(good(await client.getSession()), null);
  },
  async "auth may be given with a single call, by value and by function"(world) {
    const client = createAuthClient({ baseURL: world.baseURL });
    for (const token of [world.ann.device.token, () => world.ann.device.token, async () => world.ann.device.token, world.rawToken, encodeURIComponent(world.ann.device.token)]) {
      const data = good(await client.getSession({ fetchOptions: { auth: { type: "Bearer", token } } }));
      assert.equal(data?.user.email, "ann@example.com");
    }
  },
  async "auth of a call takes the place of the client's own"(world) {
    world.bob = documentedClient(world);
    good(await world.bob.client.signUp.email({ name: "Bob", email: "bob@example.com", password: PASSWORD }));
    const data = good(await world.ann.client.getSession({ fetchOptions: { auth: { type: "Bearer", token: world.bob.device.token } } }));
    assert.equal(data.user.email, "bob@example.com");
  },
  async "a capitalised header beside the client's own becomes one odd line, and no session"(world) {
    const authorization = `Bearer ${world.bob.device.token}`;
    assert.equal(good(await world.ann.client.getSession({ fetchOptions: { headers: { Authorization: authorization } } })), null);
  },
  async "the sessions are listed"(world) {
    const sessions = good(await world.ann.client.listSessions());
    assert.equal(sessions.length, 2);
    assert.ok(sessions[0].expiresAt instanceof Date);
  },
  async "one session is revoked, and is unknown from then on"(world) {
    good(await world.ann.client.revokeSession({ token: world.rawToken }));
    assert.equal(good(await world.ann.client.listSessions()).length, 1);
    const client = createAuthClient({ baseURL: world.baseURL });
    assert.equal(good(await client.getSession({ fetchOptions: { auth: { type: "Bearer", token: world.rawToken } } })), null);
  },
  async "a call with neither body nor key goes out as GET, and is not found"(world) {
    const { error } = await world.ann.client.updateUser({});
    assert.equal(error.status, 404);
  },
  async "all other sessions are revoked"(world) {
    const other = documentedClient(world);
    good(await other.client.signIn.email({ email: "ann@example.com", password: PASSWORD }));
    good(await world.ann.client.revokeOtherSessions());
    assert.equal(good(await other.client.getSession()), null);
    assert.equal(good(await world.ann.client.getSession()).user.name, "Ann");
  },
  async "the user is updated, and the token is sent again unchanged"(world) {
    const { token, kept } = world.ann.device;
    good(await world.ann.client.updateUser({ name: "Anna", image: "https://example.com/a.png" }));
    assert.equal(world.ann.device.kept, kept + 1);
    assert.equal(world.ann.device.token, token);
    assert.equal(good(await world.ann.client.getSession()).user.name, "Anna");
  },
  async "the accounts are listed"(world) {
    const accounts = good(await world.ann.client.listAccounts());
    assert.deepEqual(accounts.map(({ providerId }) => providerId), ["credential"]);
  },
  async "a wrong password is refused with its code"(world) {
    const { error } = await createAuthClient({ baseURL: world.baseURL, fetchOptions: { headers } }).signIn.email({ email: "ann@example.com", password: "wrong password" });
    assert.deepEqual([error.status, error.statusText, error.code], [401, "Unauthorized", "INVALID_EMAIL_OR_PASSWORD"]);
  },
  async "the password is changed, and the new session's token takes the place of the old"(world) {
    const before = world.ann.device.token;
    const data = good(await world.ann.client.changePassword({ currentPassword: PASSWORD, newPassword: "another password", revokeOtherSessions: true }));
    assert.notEqual(world.ann.device.token, before);
    assert.equal(world.ann.device.token.split(".")[0], data.token);
    assert.equal(good(await world.ann.client.getSession()).user.name, "Anna");
    world.dead = before;
  },
  async "the session of before the change is dead"(world) {
    const client = createAuthClient({ baseURL: world.baseURL });
    assert.equal(good(await client.getSession({ fetchOptions: { auth: { type: "Bearer", token: world.dead } } })), null);
  },
  async "a session that is not remembered is made a full one by its first bearer call, which carries no such cookie"(world) {
    const { client, device } = documentedClient(world);
    good(await client.signIn.email({ email: "ann@example.com", password: "another password", rememberMe: false }));
    const { session } = good(await client.getSession());
    assert.ok(session.expiresAt - Date.now() > 6 * 86_400_000);
    assert.equal(device.kept, 2, "the refresh sends the token again");
    assert.equal(device.token.split(".")[0], session.token);
  },
  async "signing out ends the session"(world) {
    world.dead = world.ann.device.token;
    assert.deepEqual(good(await world.ann.client.signOut()), { success: true });
    assert.equal(world.ann.device.token, world.dead, "the token is dropped only when a call fails");
    assert.equal(good(await world.ann.client.getSession()), null);
    assert.equal(world.ann.device.cleared, 0);
  },
  async "the dead token gives a 401 where a session is required, and the client drops it"(world) {
    const { error } = await world.ann.client.listSessions();
    assert.deepEqual([error.status, error.statusText, error.code, error.message], [401, "Unauthorized", "UNAUTHORIZED", "Unauthorized"]);
    assert.equal(world.ann.device.cleared, 1);
    assert.equal(world.ann.device.token, "");
  },
  async "a client that dropped its token sends none, and may sign in again"(world) {
    assert.equal(good(await world.ann.client.getSession()), null);
    good(await world.ann.client.signIn.email({ email: "ann@example.com", password: "another password" }));
    assert.equal(good(await world.ann.client.getSession()).user.name, "Anna");
  },
  async "a stranger's token is worth nothing"(world) {
    const { client, device } = documentedClient(world);
    for (const token of ["0123456789abcdefghijklmnopqrstuv", `${world.ann.device.token.split(".")[0]}.${"A".repeat(43)}=`, "nonsense"]) {
      device.token = token;
      assert.equal(good(await client.getSession()), null);
      device.token = token;
      assert.equal((await client.listSessions()).error.status, 401);
      assert.equal(device.token, "");
    }
  },
  async "one user cannot revoke another's session"(world) {
    good(await world.bob.client.revokeSession({ token: world.ann.device.token.split(".")[0] }));
    assert.equal(good(await world.ann.client.getSession()).user.name, "Anna");
  },
  async "all sessions are revoked"(world) {
    good(await world.ann.client.revokeSessions());
    assert.equal(good(await world.ann.client.getSession()), null);
    assert.equal(good(await world.bob.client.getSession()).user.name, "Bob");
  },
  async "a custom path is reached with $fetch"(world) {
    assert.deepEqual(good(await world.bob.client.$fetch("/ok")), { ok: true });
  },
};

const SIGNED_CLAIMS = {
  async "signatures required: the token of the header is a credential"(world) {
    world.ann = documentedClient(world);
    const data = good(await world.ann.client.signUp.email({ name: "Ann", email: "ann@example.com", password: PASSWORD }));
    world.rawToken = data.token;
    assert.equal(good(await world.ann.client.getSession()).user.name, "Ann");
    assert.equal(good(await world.ann.client.listSessions()).length, 1);
  },
  async "signatures required: the token of the body is none"(world) {
    world.ann.device.token = world.rawToken;
    assert.equal(good(await world.ann.client.getSession()), null);
    assert.equal((await world.ann.client.listSessions()).error.status, 401);
    assert.equal(world.ann.device.token, "");
  },
  async "signatures required: a forged one is none either"(world) {
    world.ann.device.token = `${world.rawToken}.${"A".repeat(43)}=`;
    assert.equal(good(await world.ann.client.getSession()), null);
    assert.equal((await world.ann.client.updateUser({ name: "Mallory" })).error.status, 401);
  },
};

const MAIL_SCENARIO = {
  options: {
    emailAndPassword: { requireEmailVerification: true, sendResetPassword: true, revokeSessionsOnPasswordReset: true },
    emailVerification: { sendVerificationEmail: true, sendOnSignIn: true, autoSignInAfterVerification: true },
    user: {
      changeEmail: { enabled: true, sendChangeEmailConfirmation: true },
      deleteUser: { enabled: true, sendDeleteAccountVerification: true },
    },
  },
};

const ANN = { email: "ann@example.com", password: PASSWORD };

const MAIL_CLAIMS = {
  async "mails: who signs up is not signed in, and gets a mail"(world) {
    world.ann = documentedClient(world);
    const data = good(await world.ann.client.signUp.email({ name: "Ann", ...ANN, callbackURL: "/welcome" }));
    assert.deepEqual([data.token, data.user.emailVerified, world.ann.device.kept], [null, false, 0]);
    world.first = await mailOf(world, "verify-email");
    assert.equal(world.first.to, ANN.email);
  },
  async "mails: signing up twice looks the same, and sends nothing"(world) {
    const data = good(await world.ann.client.signUp.email({ name: "Mallory", email: ANN.email, password: "another password" }));
    assert.deepEqual([data.token, data.user.name], [null, "Mallory"]);
    await assertNoMail(world);
  },
  async "mails: an address that is not verified cannot sign in, and gets another mail"(world) {
    const { error } = await world.ann.client.signIn.email(ANN);
    assert.deepEqual([error.status, error.code], [403, "EMAIL_NOT_VERIFIED"]);
    await mailOf(world, "verify-email");
    assert.equal((await world.ann.client.signIn.email({ ...ANN, password: "wrong password" })).error.status, 401);
    await assertNoMail(world);
  },
  async "mails: another mail can be asked for, and asking for a stranger tells nothing"(world) {
    assert.deepEqual(good(await world.ann.client.sendVerificationEmail({ email: ANN.email, callbackURL: "/again" })), { status: true });
    world.again = await mailOf(world, "verify-email");
    assert.deepEqual(good(await world.ann.client.sendVerificationEmail({ email: "nobody@example.com" })), { status: true });
    await assertNoMail(world);
  },
  async "mails: the client follows a forged link in vain"(world) {
    const { error } = await world.ann.client.verifyEmail({ query: { token: `${world.first.token}x` } });
    assert.deepEqual([error.status, error.code], [401, "INVALID_TOKEN"]);
  },
  async "mails: the link verifies, signs in and leads on"(world) {
    const { status, location, token } = await click(world, world.first);
    assert.deepEqual([status, location], [302, "/welcome"]);
    world.ann.device.token = token;
    assert.equal(good(await world.ann.client.getSession()).user.emailVerified, true);
  },
  async "mails: the client verifies with the token, and what is verified stays so"(world) {
    assert.deepEqual(good(await world.ann.client.verifyEmail({ query: { token: world.again.token } })), { status: true, user: null });
    const { error } = await world.ann.client.sendVerificationEmail({ email: ANN.email });
    assert.deepEqual([error.status, error.code], [400, "EMAIL_ALREADY_VERIFIED"]);
    good(await world.ann.client.signIn.email(ANN));
    await assertNoMail(world);
  },
  async "mails: a reset of the password is asked for"(world) {
    const asked = good(await world.ann.client.requestPasswordReset({ email: ANN.email, redirectTo: "/reset" }));
    world.reset = await mailOf(world, "reset-password");
    assert.deepEqual(good(await world.ann.client.requestPasswordReset({ email: "nobody@example.com", redirectTo: "/reset" })), asked);
    await assertNoMail(world);
    const { error } = await world.ann.client.requestPasswordReset({ email: ANN.email, redirectTo: "https://evil.example/reset" });
    assert.deepEqual([error.status, error.code], [403, "INVALID_REDIRECT_URL"]);
  },
  async "mails: the link brings the token to the page that asks for the new password"(world) {
    const { status, location } = await click(world, world.reset);
    assert.deepEqual([status, location], [302, `${ORIGIN}/reset?token=${world.reset.token}`]);
  },
  async "mails: the password is reset once, and all sessions end"(world) {
    const { token } = world.reset;
    const reset = (newPassword) => world.ann.client.resetPassword({ newPassword, token });
    assert.equal((await reset("short")).error.code, "PASSWORD_TOO_SHORT");
    assert.deepEqual(good(await reset("a new password")), { status: true });
    assert.equal((await reset("another password")).error.code, "INVALID_TOKEN");
    assert.equal(good(await world.ann.client.getSession()), null);
    assert.equal((await world.ann.client.signIn.email(ANN)).error.status, 401);
    good(await world.ann.client.signIn.email({ ...ANN, password: "a new password" }));
    assert.equal(good(await world.ann.client.getSession()).user.email, ANN.email);
  },
  async "mails: the address is changed with the consent of the old one and then of the new one"(world) {
    good(await world.ann.client.changeEmail({ newEmail: "new@example.com", callbackURL: "/changed" }));
    const confirmation = await mailOf(world, "change-email-confirmation");
    assert.deepEqual([confirmation.to, confirmation.newEmail], [ANN.email, "new@example.com"]);
    assert.equal((await click(world, confirmation)).location, "/changed");
    const verification = await mailOf(world, "verify-email");
    assert.equal(verification.to, "new@example.com");
    assert.equal(good(await world.ann.client.getSession()).user.email, ANN.email);
    assert.equal((await click(world, verification)).location, "/changed");
    const { user } = good(await world.ann.client.getSession());
    assert.deepEqual([user.email, user.emailVerified], ["new@example.com", true]);
    assert.equal((await click(world, verification)).location, "/changed?error=INVALID_TOKEN");
  },
  async "mails: another's address cannot be taken, and asking does not tell that it is"(world) {
    world.bob = documentedClient(world);
    good(await world.bob.client.signUp.email({ name: "Bob", email: "bob@example.com", password: PASSWORD }));
    world.bob.device.token = (await click(world, await mailOf(world, "verify-email"))).token;
    assert.deepEqual(good(await world.bob.client.changeEmail({ newEmail: "new@example.com" })), { status: true });
    await assertNoMail(world);
  },
  async "mails: a user is deleted by the link, and only by the user"(world) {
    good(await world.ann.client.deleteUser({ callbackURL: "/bye" }));
    const mail = await mailOf(world, "delete-account");
    assert.equal((await click(world, mail)).status, 404);
    const { status, location } = await click(world, mail, { authorization: `Bearer ${world.ann.device.token}` });
    assert.deepEqual([status, location], [302, "/bye"]);
    assert.equal(good(await world.ann.client.getSession()), null);
    assert.equal((await world.ann.client.signIn.email({ email: "new@example.com", password: "a new password" })).error.status, 401);
  },
  async "mails: a user is deleted by the client with the token of the mail"(world) {
    good(await world.bob.client.deleteUser({ password: PASSWORD }));
    const { token } = await mailOf(world, "delete-account");
    assert.deepEqual(good(await world.bob.client.deleteUser({ token })), { success: true, message: "User deleted" });
    assert.equal(good(await world.bob.client.getSession()), null);
    await assertNoMail(world);
  },
};
