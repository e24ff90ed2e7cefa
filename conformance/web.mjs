// Walks the React page of examples/web in Chromium, built, and at another origin than its API: `node web.mjs --screenshot DIR`.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PATIENCE, WIDE, assertAlone, expectNoAnswer, expectRefusal, forms, prove } from "./lib/browser.mjs";
import { within } from "./lib/children.mjs";
import { freePort } from "./lib/ports.mjs";
import {
  ADA,
  PASSWORD,
  ask,
  endOthers,
  focused,
  holdUpMe,
  looks,
  npm,
  preflightsOf,
  sessionsOf,
  signIn,
  signInPlainly,
  silence,
  startWeb,
  statusOfMe,
  stolen,
} from "./lib/web.mjs";

const SIGNED = /^[A-Za-z0-9]{32}\.[A-Za-z0-9+/]{43}=$/;

/** Builds the page, serves it beside its API, and proves every claim; resolves to { steps, different: [text] }. */
export async function runWeb({ screenshots } = {}) {
  const { url, extend, stop } = await startWeb();
  try {
    return await prove({ claims: CLAIMS, url, screenshots, extend });
  } finally {
    await stop();
  }
}

const CLAIMS = {
  async "the built page opens, and allows scripts of its own and calls to its API alone"(world) {
    world.preflights = await preflightsOf(world);
    await world.page.goto(world.url);
    await world.shows("Sign in");
    const policy = await world.page.locator("meta[http-equiv]").getAttribute("content");
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /);
    assert.ok(policy.includes(`connect-src ${new URL(world.api).origin};`), policy);
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
    await world.field("Password").fill(PASSWORD);
    await world.page.keyboard.press("Enter");
    await world.shows("Check your mail");
    assert.equal(await focused(world), "Check your mail");
    assert.equal(await world.token(), null);
    const { url } = await world.mail("verify-email");
    assert.equal(new URL(url).searchParams.get("callbackURL"), `${world.url}?verified=1`);
    await world.photograph("wide-light-check-mail");
  },

  async "signing in before the address is confirmed is refused and sends another link"(world) {
    await world.press("Back to sign-in");
    await world.submit({ Password: PASSWORD }, "Sign in");
    await world.shows("Check your mail");
    await world.says("Confirm your address first");
    expectRefusal(world, 403);
    world.link = await world.mail("verify-email");
  },

  async "a mangled link leads back to the page, which explains it"(world) {
    await world.page.goto(world.link.url.replace(/token=[^&]{5}/, "token=xxxxx"));
    await world.shows("Sign in");
    await world.says("This link does not work");
    assert.equal(world.page.url(), world.url);
  },

  async "the link leads back to the page, and the address is confirmed"(world) {
    await world.page.goto(world.link.url);
    await world.shows("Sign in");
    await world.says("Your address is confirmed");
    assert.equal(world.page.url(), world.url);
  },

  async "a wrong password is refused in plain words, and can be typed again at once"(world) {
    await world.submit({ "E-mail": ADA.email, Password: "a wrong password" }, "Sign in");
    await world.says("E-mail or password is wrong");
    expectRefusal(world, 401);
    assert.equal(await world.token(), null);
    assert.equal(await world.page.evaluate(() => document.activeElement.name), "password");
    await world.photograph("wide-light-wrong-password");
  },

  async "signing in brings a token in a header that the page may read, and localStorage keeps it"(world) {
    const answered = world.page.waitForResponse(/\/sign-in\/email$/);
    await world.signIn();
    const headers = await (await answered).allHeaders();
    world.first = await world.token();
    assert.match(world.first, SIGNED);
    assert.equal(headers["set-auth-token"], world.first);
    assert.equal(headers["access-control-expose-headers"], "set-auth-token");
    assert.equal(headers["access-control-allow-origin"], new URL(world.url).origin);
    assert.equal(await statusOfMe(world, world.first), 200);
  },

  async "from then on the token is sent, after a preflight that passes"(world) {
    for (const path of ["get-session", "list-sessions"]) {
      const asked = world.requests.findLast((request) => request.url() === `${world.api}api/auth/${path}`);
      assert.equal((await asked.allHeaders()).authorization, `Bearer ${world.first}`);
      const preflight = world.preflights.findLast(({ url }) => url === asked.url());
      assert.match(preflight.wants, /authorization/);
      assert.equal(preflight.status, 200);
    }
    const session = await (await ask(world, "get-session", { token: world.first })).json();
    assert.equal(session.user.email, ADA.email);
  },

  async "the API's own endpoint knows the person by the token"(world) {
    const asked = world.page.waitForRequest(/\/me$/);
    await world.press("Ask /me");
    await world.page.getByLabel("The answer").getByText(ADA.email).waitFor();
    assert.equal((await (await asked).allHeaders()).authorization, `Bearer ${world.first}`);
    await world.photograph("wide-light-signed-in");
  },

  async "a reload keeps the person signed in"(world) {
    await world.page.reload();
    await world.arrives();
    assert.equal(await world.token(), world.first);
  },

  async "a session of another device is in the list, with its name and time, and can be ended"(world) {
    const other = await signIn(world);
    await world.press("Refresh");
    const item = world.devices().getByRole("listitem").filter({ hasText: "Firefox on Linux" });
    await item.waitFor();
    assert.equal(await world.devices().getByRole("listitem").count(), 2);
    const since = new Date(await item.locator("time").getAttribute("datetime"));
    assert.ok(Math.abs(Date.now() - since) < 60_000, `signed in ${since}`);
    await world.photograph("wide-light-devices");
    await item.getByRole("button", { name: /^End the session: Firefox on Linux, since / }).click();
    await world.says("Ended: Firefox on Linux.");
    await item.waitFor({ state: "detached" });
    assert.equal(await focused(world), "Your sessions");
    assert.deepEqual([await statusOfMe(world, other), await statusOfMe(world, world.first)], [401, 200]);
  },

  async "all others can be ended at once"(world) {
    const others = [await signIn(world), await signIn(world)];
    await world.press("Refresh");
    await world.press("End all others");
    await world.says("All others are ended.");
    await world.page.getByRole("button", { name: "End all others" }).waitFor({ state: "detached" });
    assert.equal(await world.devices().getByRole("listitem").count(), 1);
    for (const other of others) assert.equal(await statusOfMe(world, other), 401);
    assert.equal(await statusOfMe(world, world.first), 200);
  },

  async "while the server is away the page says so and keeps the token, and goes on once it is back"(world) {
    await world.server.pause();
    await world.press("Ask /me");
    await world.says("The server does not answer");
    await world.press("Sign out");
    await world.says("You are still signed in");
    await world.page.reload();
    await world.shows("No answer");
    expectNoAnswer(world);
    assert.equal(await world.token(), world.first);
    await world.photograph("wide-light-away");
    await world.server.resume();
    await world.press("Try again");
    await world.arrives();
  },

  async "a session that was ended elsewhere is noticed with the next call, and its token dropped"(world) {
    await endOthers(world, await signIn(world));
    await world.press("Ask /me");
    await world.shows("Sign in");
    await world.says("Your session has ended");
    expectRefusal(world, 401);
    assert.equal(await world.token(), null);
    await world.photograph("wide-light-ended");
  },

  async "likewise by a page that is opened then, which is answered with 200 and null"(world) {
    await world.signIn();
    await endOthers(world, await signIn(world));
    const answered = world.page.waitForResponse(/\/get-session$/);
    await world.page.reload();
    assert.equal((await answered).status(), 200);
    await world.shows("Sign in");
    await world.says("Your session has ended");
    assert.equal(await world.token(), null);
  },

  async "tabs share the token: what one keeps or drops counts in the other"(world) {
    const tab = await world.context.newPage();
    const other = { ...forms(tab), title: (name) => tab.getByRole("heading", { level: 1, name }).waitFor() };
    await tab.goto(world.url);
    await other.title("Sign in");
    await world.signIn();
    await other.title(`Hello, ${ADA.name}`);
    await other.press("Sign out");
    await other.says("You are signed out");
    await world.shows("Sign in");
    await world.signIn();
    await other.title(`Hello, ${ADA.name}`);
    await endOthers(world, await signIn(world));
    await other.press("Ask /me");
    await other.says("Your session has ended");
    await world.says("Your session has ended");
    await tab.close();
  },

  async "a late answer to an old token changes nothing: it brings none back, and takes none away"(world) {
    await world.signIn();
    const old = await world.token();
    // As if the session had just been extended.
    const extended = await holdUpMe(world, async (route) => {
      const response = await route.fetch();
      return () => route.fulfill({ response, headers: { ...response.headers(), "set-auth-token": old } });
    });
    await world.press("Sign out");
    await world.shows("Sign in");
    assert.equal(await extended(), 200);
    assert.equal(await world.token(), null);

    await world.signIn();
    const refused = await holdUpMe(world, async (route) => () => route.continue());
    await world.press("Sign out");
    await world.signIn();
    assert.equal(await refused(), 401);
    expectRefusal(world, 401);
    assert.equal(await statusOfMe(world, await world.token()), 200);
    await world.press("Sign out");
    await world.shows("Sign in");
  },

  async "a page of an origin that is not trusted gets nowhere, not even with a good token"(world) {
    const token = await signIn(world);
    const before = await sessionsOf(world, token);
    const page = await world.context.newPage();
    const stranger = forms(page);
    await page.goto(world.stranger);
    await stranger.submit({ "E-mail": ADA.email, Password: PASSWORD }, "Sign in");
    await stranger.says("it does not let this page in");
    assert.equal(await page.evaluate(() => localStorage.getItem("bearer_token")), null);
    assert.equal(await page.evaluate(stolen, { url: `${world.api}me`, token }), "TypeError");
    // Without a preflight the browser sends it, and the server refuses.
    const plain = page.waitForResponse(/\/sign-in\/email$/);
    await page.evaluate(signInPlainly, { url: `${world.api}api/auth/sign-in/email`, email: ADA.email, password: PASSWORD });
    assert.notEqual((await plain).status(), 200);
    const asThatPage = await ask(world, "sign-in/email", { body: { email: ADA.email, password: PASSWORD }, origin: new URL(world.stranger).origin });
    assert.deepEqual([asThatPage.status, (await asThatPage.json()).code], [403, "INVALID_ORIGIN"]);
    assert.equal(await sessionsOf(world, token), before, "a session was made");
    await page.close();
  },

  async "signing out ends the token, here and on the server"(world) {
    await world.signIn();
    const token = await world.token();
    await world.press("Sign out");
    await world.shows("Sign in");
    await world.says("You are signed out");
    assert.equal(await world.token(), null);
    assert.equal(await statusOfMe(world, token), 401);
  },

  async "everything fits into 390 and 320 pixels, and is readable in light and in dark"(world) {
    await looks(world, "sign-in");
    await world.page.setViewportSize(WIDE);
    await world.photograph("wide-dark-sign-in");
    await signIn(world);
    await world.signIn();
    await world.press("Ask /me");
    await world.page.getByLabel("The answer").waitFor();
    await looks(world, "signed-in");
    await world.page.setViewportSize(WIDE);
    await world.photograph("wide-dark-signed-in");
  },

  async "no cookie was kept or sent, nothing came from elsewhere, and the console stayed silent"(world) {
    assertAlone(world);
    assert.deepEqual(await world.context.cookies(), []);
    const sent = await Promise.all(world.requests.map((request) => request.allHeaders()));
    assert.ok(sent.every(({ cookie, referer }) => !cookie && !referer), "a cookie or an address was sent along");
  },

  async "the line of its README starts the API and the page, and ends both"(world) {
    const [PORT, PAGE_PORT] = [String(await freePort()), String(await freePort())];
    const child = npm(["run", "dev"], { PORT, PAGE_PORT, CI: "true" });
    const url = `http://localhost:${PAGE_PORT}/`;
    try {
      const ready = async () => {
        while (!child.output().includes(`Open ${url}`)) await sleep(50);
      };
      const died = child.exited.then((code) => Promise.reject(new Error(`it ended with ${code}. It wrote:\n${child.output()}`)));
      died.catch(() => {});
      await within(120_000, Promise.race([ready(), died]), "npm run dev");
      const page = await world.context.newPage();
      await page.goto(url);
      await forms(page).submit({ "E-mail": ADA.email, Password: PASSWORD }, "Sign in");
      await forms(page).says("E-mail or password is wrong");
      await page.close();
    } finally {
      await child.stop("SIGINT");
    }
    for (const port of [PORT, PAGE_PORT]) await within(PATIENCE, silence(port), `the end of what listens at ${port}`);
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { screenshot: { type: "string" } } });
  const { steps, different } = await runWeb({ screenshots: values.screenshot });
  console.log(`web: ${steps - different.length} of ${Object.keys(CLAIMS).length} claims hold`);
  process.exit(different.length === 0 ? 0 : 1);
}
