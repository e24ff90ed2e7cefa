// Walks the React page of examples/web in Chromium, built, and at another origin than its API: `node web.mjs --screenshot DIR`.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { NARROW, PATIENCE, WIDE, assertAlone, assertContrast, assertFits, expectNoAnswer, expectRefusal, forms, prove } from "./lib/browser.mjs";
import { cleanEnvironment, removeFolder, start, temporaryFolder, within } from "./lib/children.mjs";
import { outbox } from "./lib/outbox.mjs";
import { freePort, startExample } from "./lib/servers.mjs";
import { serveFolder } from "./lib/static.mjs";

const WEB = fileURLToPath(new URL("../examples/web", import.meta.url));
const SIGNED = /^[A-Za-z0-9]{32}\.[A-Za-z0-9+/]{43}=$/;
const ADA = { name: "Ada Lovelace", email: "ada@example.com" };
const PASSWORD = "correct horse battery";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/** Builds the page, serves it beside its API, and proves every claim; resolves to { steps, different: [text] }. */
export async function runWeb({ screenshots } = {}) {
  if (!existsSync(join(WEB, "node_modules"))) throw new Error("the packages of the page are not there: run `npm ci` in examples/web");
  const [port, strangersPort] = [await freePort(), await freePort()];
  const server = await startExample({ pageOrigin: `http://localhost:${port}` });
  const api = `http://localhost:${server.port}/`;
  const built = temporaryFolder();
  await npm(["run", "build", "--", "--outDir", built], { VITE_API_URL: new URL(api).origin }).done();
  const sites = [await serveFolder(built, port), await serveFolder(built, strangersPort)];
  const mails = outbox(server.outbox);
  const extend = ({ page }) => ({
    server,
    api,
    ...forms(page),
    stranger: `http://localhost:${strangersPort}/`,
    /** Waits until this is the page's title. */
    shows: (title) => page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor(),
    /** Waits until Ada's account is shown, with all that it asks for by itself. */
    async arrives() {
      await this.shows(`Hello, ${ADA.name}`);
      await this.devices().getByRole("listitem").first().waitFor();
    },
    async signIn() {
      await this.submit({ "E-mail": ADA.email, Password: PASSWORD }, "Sign in");
      await this.arrives();
    },
    token: () => page.evaluate(() => localStorage.getItem("bearer_token")),
    devices: () => page.getByRole("region", { name: "Where you are signed in" }),
    /** The one mail that has come. */
    async mail(kind) {
      const [mail, ...more] = await mails.take(1);
      assert.deepEqual([mail?.kind, mail?.to, more.length], [kind, ADA.email, 0]);
      return mail;
    },
  });
  try {
    return await prove({ claims: CLAIMS, url: `http://localhost:${port}`, screenshots, extend });
  } finally {
    await Promise.all([...sites, server].map((one) => one.stop()));
    removeFolder(built);
  }
}

/** Runs npm for the page. `done()` waits for its end, and fails if it did. */
function npm(args, environment) {
  const child = start("npm", ["--prefix", WEB, ...args], cleanEnvironment(environment), undefined, undefined, true);
  return {
    ...child,
    async done() {
      const code = await child.exited;
      assert.equal(code, 0, `npm ${args.join(" ")} ended with ${code}. It wrote:\n${child.output()}`);
    },
  };
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
    assert.equal(await focused(world), "Where you are signed in");
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

/** Resolves once nobody answers at this port any more. */
async function silence(port) {
  const answered = () => fetch(`http://localhost:${port}/`).then(() => true, () => false);
  while (await answered()) await sleep(50);
}

/**
 * Presses "Ask /me" and holds the call up, from where `take` leaves off. Resolves, as soon as that is so, to a function which lets the
 * answer come, and resolves to its status once the page has seen it.
 */
async function holdUpMe({ page, press }, take) {
  const held = new Promise((resolved) => page.route("**/me", (route) => take(route).then(resolved), { times: 1 }));
  await press("Ask /me");
  const goOn = await held;
  return async () => {
    const answered = page.waitForResponse(/\/me$/);
    await goOn();
    const answer = await answered;
    await answer.finished();
    await sleep(100); // The hooks of the client run after that.
    return answer.status();
  };
}

/** Sees the preflights, of which a page and Playwright learn nothing. */
async function preflightsOf({ context, page }) {
  const browser = await context.newCDPSession(page);
  const found = new Map();
  await browser.send("Network.enable");
  browser.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (request.method === "OPTIONS") found.set(requestId, { url: request.url, wants: request.headers["Access-Control-Request-Headers"] });
  });
  browser.on("Network.responseReceived", ({ requestId, response }) => {
    if (found.has(requestId)) found.get(requestId).status = response.status;
  });
  return { findLast: (wanted) => [...found.values()].findLast(wanted) };
}

const focused = ({ page }) => page.evaluate(() => document.activeElement.textContent);

/** Runs in a page that came by a token. */
const stolen = ({ url, token }) =>
  fetch(url, { headers: { authorization: `Bearer ${token}` } }).then(
    (answer) => answer.status,
    (error) => error.name,
  );

/** Runs in a page: what a browser sends anywhere without asking first. */
const signInPlainly = ({ url, ...body }) => fetch(url, { method: "POST", mode: "no-cors", body: JSON.stringify(body) }).catch(() => {});

async function looks(world, name) {
  for (const colorScheme of ["light", "dark"]) {
    await world.page.emulateMedia({ colorScheme });
    for (const viewport of [{ ...NARROW, width: 320 }, NARROW]) {
      await world.page.setViewportSize(viewport);
      await assertFits(world.page, viewport.width);
    }
    await assertContrast(world.page);
    await world.photograph(`narrow-${colorScheme}-${name}`);
  }
}

// ---- The same server, asked by another device ----------------------------------------------------------------

function ask({ api, url }, path, { token, body, origin = new URL(url).origin }) {
  const headers = { origin, "user-agent": FIREFOX, ...(token && { authorization: `Bearer ${token}` }), ...(body && { "content-type": "application/json" }) };
  return fetch(`${api}api/auth/${path}`, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
}

async function signIn(world) {
  const answer = await ask(world, "sign-in/email", { body: { email: ADA.email, password: PASSWORD } });
  return answer.headers.get("set-auth-token");
}

async function endOthers(world, token) {
  assert.equal((await ask(world, "revoke-other-sessions", { token, body: {} })).status, 200);
}

const sessionsOf = async (world, token) => (await (await ask(world, "list-sessions", { token })).json()).length;

async function statusOfMe({ api }, token) {
  const answer = await fetch(`${api}me`, { headers: { authorization: `Bearer ${token}` } });
  return answer.status;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { screenshot: { type: "string" } } });
  const { steps, different } = await runWeb({ screenshots: values.screenshot });
  console.log(`web: ${steps - different.length} of ${Object.keys(CLAIMS).length} claims hold`);
  process.exit(different.length === 0 ? 0 : 1);
}
