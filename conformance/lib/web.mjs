// What web.mjs walks: the React page of examples/web, built and served beside its API, and what happens around it.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NARROW, assertContrast, assertFits, forms } from "./browser.mjs";
import { cleanEnvironment, removeFolder, start, temporaryFolder } from "./children.mjs";
import { outbox } from "./outbox.mjs";
import { freePort } from "./ports.mjs";
import { startExample } from "./servers.mjs";
import { serveFolder } from "./static.mjs";

const WEB = fileURLToPath(new URL("../../examples/web", import.meta.url));
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
export const ADA = { name: "Ada Lovelace", email: "ada@example.com" };
export const PASSWORD = "correct horse battery";

/**
 * Builds the page, and serves it where its API expects it, and at a stranger's origin as well. Resolves to { url, extend, stop() }:
 * `extend` adds to the world of the claims what a person does here.
 */
export async function startWeb() {
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
    devices: () => page.getByRole("region", { name: "Your sessions" }),
    /** The one mail that has come. */
    async mail(kind) {
      const [mail, ...more] = await mails.take(1);
      assert.deepEqual([mail?.kind, mail?.to, more.length], [kind, ADA.email, 0]);
      return mail;
    },
  });
  return {
    url: `http://localhost:${port}`,
    extend,
    async stop() {
      await Promise.all([...sites, server].map((one) => one.stop()));
      removeFolder(built);
    },
  };
}

/** Runs npm for the page. `done()` waits for its end, and fails if it did. */
export function npm(args, environment) {
  const child = start("npm", ["--prefix", WEB, ...args], cleanEnvironment(environment), undefined, undefined, true);
  return {
    ...child,
    async done() {
      const code = await child.exited;
      assert.equal(code, 0, `npm ${args.join(" ")} ended with ${code}. It wrote:\n${child.output()}`);
    },
  };
}

/** Resolves once nobody answers at this port any more. */
export async function silence(port) {
  const answered = () => fetch(`http://localhost:${port}/`).then(() => true, () => false);
  while (await answered()) await sleep(50);
}

/**
 * Presses "Ask /me" and holds the call up, from where `take` leaves off. Resolves, as soon as that is so, to a function which lets the
 * answer come, and resolves to its status once the page has seen it.
 */
export async function holdUpMe({ page, press }, take) {
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
export async function preflightsOf({ context, page }) {
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

export const focused = ({ page }) => page.evaluate(() => document.activeElement.textContent);

/** Runs in a page that came by a token. */
export const stolen = ({ url, token }) =>
  fetch(url, { headers: { authorization: `Bearer ${token}` } }).then(
    (answer) => answer.status,
    (error) => error.name,
  );

/** Runs in a page: what a browser sends anywhere without asking first. */
export const signInPlainly = ({ url, ...body }) => fetch(url, { method: "POST", mode: "no-cors", body: JSON.stringify(body) }).catch(() => {});

export async function looks(world, name) {
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

export function ask({ api, url }, path, { token, body, origin = new URL(url).origin }) {
  const headers = { origin, "user-agent": FIREFOX, ...(token && { authorization: `Bearer ${token}` }), ...(body && { "content-type": "application/json" }) };
  return fetch(`${api}api/auth/${path}`, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
}

export async function signIn(world) {
  const answer = await ask(world, "sign-in/email", { body: { email: ADA.email, password: PASSWORD } });
  return answer.headers.get("set-auth-token");
}

export async function endOthers(world, token) {
  assert.equal((await ask(world, "revoke-other-sessions", { token, body: {} })).status, 200);
}

export const sessionsOf = async (world, token) => (await (await ask(world, "list-sessions", { token })).json()).length;

export async function statusOfMe({ api }, token) {
  const answer = await fetch(`${api}me`, { headers: { authorization: `Bearer ${token}` } });
  return answer.status;
}
