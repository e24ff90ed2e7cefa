// Walks the page of the example application in Chromium, with the links that its mails bring: `node example.mjs --screenshot DIR`.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { NARROW, WIDE, assertAlone, assertContrast, assertFits, expectNoAnswer, expectRefusal, forms, prove } from "./lib/browser.mjs";
import { jwt } from "./lib/jwt.mjs";
import { aMoment, outbox } from "./lib/outbox.mjs";
import { startExample } from "./lib/servers.mjs";

// The one in examples/axum-api/src/lib.rs; with it a link can be made that has expired.
const SECRET = "only for this example, which keeps nothing of worth";
const SIGNED = /^[A-Za-z0-9]{32}\.[A-Za-z0-9+/]{43}=$/;
const ADA = { name: "Ada Lovelace", email: "ada@example.com" };
const FIRST = "correct horse battery";
const SECOND = "a new and better one";

/** Starts the example and proves every claim; resolves to { steps, different: [text] }. */
export async function runExample({ screenshots } = {}) {
  const server = await startExample();
  const mails = outbox(server.outbox);
  const extend = ({ page }) => ({
    server,
    ...forms(page),
    /** Waits until the page shows the part of this title, and gives all it says. */
    async shows(title) {
      await page.getByRole("heading", { name: title, exact: true }).waitFor();
      assert.equal(await page.getByRole("heading").count(), 1, "more than one part is shown");
      return page.getByRole("main").innerText();
    },
    token: () => page.evaluate(() => sessionStorage.getItem("token")),
    /** The one mail that has come. */
    async mail(kind) {
      const [mail, ...more] = await mails.take(1);
      assert.deepEqual([mail?.kind, mail?.to, more.length], [kind, ADA.email, 0]);
      return mail;
    },
    async noMail() {
      await aMoment();
      assert.deepEqual(await mails.take(), []);
    },
  });
  try {
    return await prove({ claims: CLAIMS, url: `http://localhost:${server.port}`, screenshots, extend });
  } finally {
    await server.stop();
  }
}

const CLAIMS = {
  async "the example says where it is and where mails go"({ server, url }) {
    assert.ok(server.output().includes(`Open ${url}app. Mails go to ${server.outbox}.`), server.output());
  },

  async "the page opens under a policy that allows its own script and style alone"(world) {
    const answer = await world.page.goto(`${world.url}app`);
    assert.equal(answer.status(), 200);
    const policy = answer.headers()["content-security-policy"] ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-\S+'; connect-src 'self'; img-src data:; /);
    await world.shows("Sign in");
    assert.match(await world.page.title(), /^Sign in/);
    await world.photograph("wide-light-sign-in");
  },

  async "a password that is too short is refused in plain words"(world) {
    await world.press("Create an account");
    await world.shows("Create an account");
    await world.submit({ Name: ADA.name, "E-mail": ADA.email, Password: "short" }, "Sign up");
    await world.says("8 characters or more");
    expectRefusal(world, 400);
    await world.photograph("wide-light-refused");
  },

  async "signing up, by keyboard, sends a link and signs nobody in"(world) {
    const { page } = world;
    await world.field("Password").fill(FIRST);
    await page.keyboard.press("Enter");
    assert.ok((await world.shows("Check your mail")).includes(ADA.email));
    assert.equal(await world.token(), null);
    world.link = await world.mail("verify-email");
    assert.equal(new URL(world.link.url).searchParams.get("callbackURL"), "/app?verified=1");
    await world.photograph("wide-light-check-mail");
  },

  async "the mail is sent again when asked for"(world) {
    await world.press("Send it again");
    await world.says("Sent again");
    await world.mail("verify-email");
  },

  async "signing in before the address is confirmed is refused and sends another link"(world) {
    await world.press("Back to sign-in");
    await world.shows("Sign in");
    assert.equal(await world.field("E-mail").inputValue(), ADA.email);
    await world.submit({ Password: FIRST }, "Sign in");
    await world.shows("Check your mail");
    await world.says("Confirm your address first");
    expectRefusal(world, 403);
    assert.equal(await world.token(), null);
    await world.mail("verify-email");
  },

  async "a mangled link is explained and offers another one"(world) {
    await world.page.goto(world.link.url.replace(/token=[^&]{5}/, "token=xxxxx"));
    await world.shows("Get a new link");
    await world.says("This link does not work");
    assert.equal(world.page.url(), `${world.url}app`);
    await world.photograph("wide-light-broken-link");
  },

  async "an expired link is explained, and the page sends a new one"(world) {
    const hourAgo = Math.floor(Date.now() / 1000) - 3600;
    const old = jwt({ email: ADA.email, iat: hourAgo - 3600, exp: hourAgo }, { secret: SECRET });
    await world.page.goto(world.link.url.replace(/token=[^&]+/, `token=${old}`));
    await world.shows("Get a new link");
    await world.says("This link is too old");
    await world.submit({ "E-mail": ADA.email }, "Send the mail again");
    await world.shows("Check your mail");
    world.link = await world.mail("verify-email");
  },

  async "the link leads back to the page, and the address is confirmed"(world) {
    await world.page.goto(world.link.url);
    await world.shows("Sign in");
    await world.says("Your address is confirmed");
    assert.equal(world.page.url(), `${world.url}app`);
    await world.photograph("wide-light-confirmed");
  },

  async "a wrong password is refused in plain words"(world) {
    await world.submit({ "E-mail": ADA.email, Password: "a wrong password" }, "Sign in");
    await world.says("E-mail or password is wrong");
    expectRefusal(world, 401);
    assert.equal(await world.token(), null);
  },

  async "signing in brings a bearer token, and /me knows the person by it"(world) {
    const asked = world.page.waitForRequest(/\/me$/);
    await world.submit({ Password: FIRST }, "Sign in");
    assert.ok((await world.shows("You are in")).includes(ADA.email));
    world.first = await world.token();
    assert.match(world.first, SIGNED);
    assert.equal((await (await asked).allHeaders()).authorization, `Bearer ${world.first}`);
    await world.photograph("wide-light-signed-in");
  },

  async "a reload keeps the token, and nothing lies in localStorage or a cookie"(world) {
    await world.page.reload();
    await world.shows("You are in");
    assert.equal(await world.token(), world.first);
    assert.equal(await world.page.evaluate(() => localStorage.length), 0);
    assert.deepEqual(await world.context.cookies(), []);
  },

  async "signing out ends the token, here and on the server"(world) {
    await world.press("Sign out");
    await world.shows("Sign in");
    await world.says("You are signed out");
    assert.equal(await world.token(), null);
    assert.equal(await statusOfMe(world, world.first), 401);
  },

  async "an ended session is noticed and explained"(world) {
    await world.page.evaluate((token) => sessionStorage.setItem("token", token), world.first);
    await world.page.reload();
    await world.shows("Sign in");
    await world.says("Your session has ended");
    expectRefusal(world, 401);
    assert.equal(await world.token(), null);
  },

  async "a forgotten password: nobody learns who has an account, and only who has one gets a mail"(world) {
    await world.press("Forgot your password?");
    await world.shows("Forgot your password?");
    await world.photograph("wide-light-forgot");
    await world.submit({ "E-mail": "nobody@example.com" }, "Send the link");
    const told = await world.shows("Check your mail");
    await world.noMail();
    await world.press("Back to sign-in");
    await world.press("Forgot your password?");
    await world.submit({ "E-mail": ADA.email }, "Send the link");
    assert.equal((await world.shows("Check your mail")).replace(ADA.email, "nobody@example.com"), told);
    world.link = await world.mail("reset-password");
  },

  async "the link leads to a form for the new password, and the token leaves the address bar"(world) {
    // A session of another device, which the new password is to end.
    world.other = (await signIn(world, FIRST)).token;
    assert.equal(await statusOfMe(world, world.other), 200);
    const led = world.page.waitForResponse((response) => response.url() === `${world.url}app?token=${world.link.token}`);
    await world.page.goto(world.link.url);
    await led;
    await world.shows("Choose a new password");
    assert.equal(world.page.url(), `${world.url}app`);
    await world.photograph("wide-light-new-password");
  },

  async "a new password that is too short does not use the link up"(world) {
    await world.submit({ "New password": "short" }, "Set the password");
    await world.says("8 characters or more");
    expectRefusal(world, 400);
  },

  async "the new password is set, and ended the sessions of the old one"(world) {
    await world.submit({ "New password": SECOND }, "Set the password");
    await world.shows("Sign in");
    await world.says("Your new password is set");
    assert.equal(await statusOfMe(world, world.other), 401);
  },

  async "the old password is refused, the new one signs in"(world) {
    await world.submit({ "E-mail": ADA.email, Password: FIRST }, "Sign in");
    await world.says("E-mail or password is wrong");
    expectRefusal(world, 401);
    await world.submit({ Password: SECOND }, "Sign in");
    assert.ok((await world.shows("You are in")).includes(ADA.email));
    assert.notEqual(await world.token(), world.first);
    await world.press("Sign out");
    await world.shows("Sign in");
  },

  async "a link that was used is explained and offers another one"(world) {
    await world.page.goto(world.link.url);
    await world.shows("Forgot your password?");
    await world.says("This link no longer works");
    await world.submit({ "E-mail": ADA.email }, "Send the link");
    await world.shows("Check your mail");
    world.link = await world.mail("reset-password");
  },

  async "a link that is used elsewhere while its form is open is explained as well"(world) {
    await world.page.goto(world.link.url);
    await world.shows("Choose a new password");
    const elsewhere = await post(world, "reset-password", { newPassword: SECOND, token: world.link.token });
    assert.equal(elsewhere.status, 200);
    await world.submit({ "New password": "too late to be set" }, "Set the password");
    await world.shows("Forgot your password?");
    await world.says("This link no longer works");
    expectRefusal(world, 400);
    assert.equal((await signIn(world, "too late to be set")).status, 401);
  },

  async "a server that does not answer is explained"(world) {
    await world.page.route("**/request-password-reset", (route) => route.abort("connectionrefused"), { times: 1 });
    await world.submit({ "E-mail": ADA.email }, "Send the link");
    await world.says("The server does not answer");
    expectNoAnswer(world);
  },

  async "every part fits into 390 and 320 pixels, and is readable in light and in dark"(world) {
    const { page } = world;
    for (const part of ["sign-in", "sign-up", "check-mail", "resend", "forgot", "new-password", "signed-in"]) {
      await page.evaluate(showPart, part);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        for (const viewport of [{ ...NARROW, width: 320 }, NARROW]) {
          await page.setViewportSize(viewport);
          await assertFits(page, viewport.width);
        }
        await assertContrast(page);
        await world.photograph(`narrow-${colorScheme}-${part}`);
      }
    }
    await page.setViewportSize(WIDE);
    await world.photograph("wide-dark-signed-in");
  },

  async "nothing came from elsewhere, no cookie was sent, and the console stayed silent"(world) {
    assertAlone(world);
    const sent = await Promise.all(world.requests.map((request) => request.allHeaders()));
    assert.ok(sent.every((headers) => headers.cookie === undefined && headers.referer === undefined), "a cookie or an address was sent along");
  },
};

/** Runs in the page: shows a part with words of either kind above it, and long values where there are values. */
function showPart(id) {
  show(id);
  tell("Words of either kind stand here, and some of them need a second line.", ["sign-in", "forgot"].includes(id) ? "bad" : "");
  for (const place of ["address", "me-email"]) at(place).textContent = "ada.lovelace.of.the.analytical.engine@mathematics.example.com";
  at("me-device").textContent = navigator.userAgent;
}

// ---- The same server, asked by another device ----------------------------------------------------------------

/** Node's fetch passes for a browser, so it has to say where it comes from. */
function post({ url }, path, body) {
  const headers = { "content-type": "application/json", origin: new URL(url).origin };
  return fetch(`${url}api/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

async function signIn(world, password) {
  const answer = await post(world, "sign-in/email", { email: ADA.email, password });
  return { status: answer.status, token: answer.headers.get("set-auth-token") };
}

async function statusOfMe({ url }, token) {
  const answer = await fetch(`${url}me`, { headers: { authorization: `Bearer ${token}` } });
  return answer.status;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { screenshot: { type: "string" } } });
  const { steps, different } = await runExample({ screenshots: values.screenshot });
  console.log(`example: ${steps - different.length} of ${Object.keys(CLAIMS).length} claims hold`);
  process.exit(different.length === 0 ? 0 : 1);
}
