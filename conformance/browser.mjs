// Walks the development page in Chromium as a person would: `node browser.mjs --url http://127.0.0.1:3000`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
const SIGNED = /^[A-Za-z0-9]{32}\.[A-Za-z0-9+/]{43}=$/;
const PATIENCE = 10_000;

/** Runs every claim against the server at `url`; resolves to { steps, different: [text] } and keeps screenshots in the folder given. */
export async function runBrowser({ url, screenshots, print = console.log }) {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no browser at ${CHROMIUM}: install chromium, or set CHROMIUM to one`);
  const total = { steps: 0, different: [] };
  const profile = mkdtempSync(join(tmpdir(), "hallpass-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: ARGS,
    viewport: WIDE,
    colorScheme: "light",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  try {
    const world = await open(context, url, screenshots);
    for (const [claim, prove] of Object.entries(CLAIMS)) {
      total.steps += 1;
      try {
        await prove(world);
        print(`  holds  ${claim}`);
      } catch (error) {
        total.different.push(`  FAILS  ${[`${claim}: ${error.message}`, ...world.complaints].join("\n         ")}`);
        print(total.different.at(-1));
        break; // Each claim builds on the ones before it.
      }
    }
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
  return total;
}

/** What the claims share: the page, what it complained of, and ways to act on it. */
async function open(context, url, screenshots) {
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(PATIENCE);
  const complaints = [];
  const requests = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(`${request.url()} failed: ${request.failure().errorText}`));
  page.on("request", (request) => requests.push(request));
  if (screenshots) mkdirSync(screenshots, { recursive: true });
  return {
    url: new URL("/", url).href,
    context,
    page,
    complaints,
    requests,
    step: (name) => page.getByRole("region", { name, exact: true }),
    token: () => page.getByRole("group", { name: "The token this tab holds" }).textContent(),
    stage: () => page.locator("#stages [aria-current]").textContent(),
    async photograph(name) {
      if (!screenshots) return;
      await page.evaluate(() => scrollTo(0, 0));
      await page.waitForTimeout(1200); // The token's way along the wire takes a second.
      await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
    },
  };
}

/** Presses a button of a step and gives what the page then says, and the answer it shows. */
async function press({ step, page }, name, button) {
  const region = step(name);
  const answered = page.waitForResponse((response) => response.request().resourceType() === "fetch");
  await region.getByRole("button", { name: button, exact: true }).click();
  await answered;
  return shown(region);
}

async function shown(region) {
  await region.and(region.page().locator("[data-state=done], [data-state=failed]")).waitFor();
  return {
    says: await region.getByRole("status").textContent(),
    status: Number.parseInt(await region.locator(".status").textContent(), 10),
    headers: await region.locator(".headers").innerText(),
    body: JSON.parse(await region.getByRole("group", { name: /^Body of the answer/ }).textContent()),
    curl: await curlOf(region),
  };
}

const curlOf = (region) => region.getByRole("group", { name: /^curl line/ }).textContent();

/** Takes out the one complaint a refused request leaves in Chromium's console, and fails when it is not there. */
function expectRefusal({ complaints }, status) {
  const at = complaints.findIndex((text) => text.includes(`the server responded with a status of ${status}`));
  assert.notEqual(at, -1, `the console does not mention the ${status}: ${complaints.join(" | ")}`);
  complaints.splice(at, 1);
}

async function assertFits(page, width) {
  const found = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(found <= width, `the page is ${found} px wide in a window of ${width} px`);
}

/** Every text must stand out from the colour behind it, as WCAG's level AA asks. */
async function assertContrast(page) {
  const faint = await page.evaluate(() => {
    const painter = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
      painter.clearRect(0, 0, 1, 1);
      painter.fillStyle = colour;
      painter.fillRect(0, 0, 1, 1);
      return [...painter.getImageData(0, 0, 1, 1).data];
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = rgba(getComputedStyle(at).backgroundColor);
        if (colour[3] === 255) return colour;
      }
      return [255, 255, 255];
    };
    const light = (colour) => {
      const [r, g, b] = colour.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
      const [low, high] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => a - b);
      const ratio = (high + 0.05) / (low + 0.05);
      if (ratio < 4.5) found.push(`${texts.currentNode.data.trim().slice(0, 30)} (${ratio.toFixed(2)})`);
    }
    return found;
  });
  assert.deepEqual(faint, [], "text with too little contrast");
}

const CLAIMS = {
  async "the root page opens under a policy that allows nothing from elsewhere"(world) {
    const answer = await world.page.goto(world.url);
    assert.equal(answer.status(), 200);
    const policy = answer.headers()["content-security-policy"] ?? "";
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"]) {
      assert.ok(policy.includes(part), `the policy lacks ${part}: ${policy}`);
    }
    assert.match(await world.page.title(), /hallpass/);
    assert.ok(!(await world.page.content()).includes("{{"), "a placeholder was left in the page");
    assert.match(await world.stage(), /^None yet/);
    assert.match(await curlOf(world.step("Sign up")), /^curl -i 'http.*\/sign-up\/email'/);
    await world.photograph("wide-light-first");
  },

  async "without a token the answer is null and the page says why"(world) {
    const { status, body, says } = await press(world, "Ask who you are", "Get session");
    assert.equal(status, 200);
    assert.equal(body, null);
    assert.match(says, /no token was sent/);
  },

  async "a short password is refused and explained"(world) {
    await world.page.getByLabel("Password").fill("short");
    const { status, body, says } = await press(world, "Sign up", "Sign up");
    assert.equal(status, 400);
    assert.equal(body.code, "PASSWORD_TOO_SHORT");
    assert.match(says, /too short/);
    expectRefusal(world, 400);
    assert.match(await world.stage(), /^None yet/);
  },

  async "a server that does not answer is explained"(world) {
    await world.page.route("**/sign-up/email", (route) => route.abort("connectionrefused"), { times: 1 });
    const region = world.step("Sign up");
    await region.getByRole("button", { name: "Sign up", exact: true }).click();
    await region.getByText(/server is not running/).waitFor();
    const expected = world.complaints.splice(0);
    assert.ok(expected.length > 0 && expected.every((text) => text.includes("ERR_CONNECTION_REFUSED")), expected.join(" | "));
  },

  async "signing up by keyboard brings the token in set-auth-token"(world) {
    const { page } = world;
    world.email = await page.getByLabel("E-mail").inputValue();
    assert.match(world.email, /^ada\+\w+@example\.com$/);
    await page.getByLabel("Name").focus();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("Ada O'Neil <b>");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type("correct horse battery");
    await page.keyboard.press("Enter");
    await page.getByText(/The token arrived/).waitFor();
    const { status, headers, body } = await shown(world.step("Sign up"));
    assert.equal(status, 200);
    assert.equal(body.user.email, world.email);
    assert.equal(body.user.name, "Ada O'Neil <b>");
    world.first = await world.token();
    assert.match(world.first, SIGNED);
    assert.ok(world.first.startsWith(`${body.token}.`));
    assert.match(headers, /set-auth-token: /);
    assert.ok(headers.includes(world.first));
    assert.match(await world.stage(), /^Arrived/);
    await world.photograph("wide-light-arrived");
  },

  async "get-session knows the person by the token"(world) {
    const { status, body, says, curl } = await press(world, "Ask who you are", "Get session");
    assert.equal(status, 200);
    assert.equal(body.user.email, world.email);
    assert.ok(says.includes(world.email));
    assert.ok(curl.includes(`Authorization: Bearer ${world.first}`));
    assert.match(await world.stage(), /^Sent/);
    const sent = await world.requests.at(-1).allHeaders();
    assert.equal(sent.authorization, `Bearer ${world.first}`);
  },

  async "the copied curl line works in a shell as it stands"(world) {
    await world.page.getByRole("button", { name: "Copy the curl line: Ask who you are" }).click();
    const line = await world.page.evaluate(() => navigator.clipboard.readText());
    assert.equal(line, await curlOf(world.step("Ask who you are")));
    const out = runCurl(line);
    if (out) assert.ok(out.includes("200 OK") && out.includes(world.email), out);
    const again = runCurl(await curlOf(world.step("Sign up")));
    if (again) assert.ok(again.includes("USER_ALREADY_EXISTS"), again);
  },

  async "a second sign-in gets a token of its own and leaves the first alone"(world) {
    const { status, headers } = await press(world, "Sign in a second time", "Sign in again");
    assert.equal(status, 200);
    world.second = headers.match(/set-auth-token: (\S+)/)[1];
    assert.match(world.second, SIGNED);
    assert.notEqual(world.second, world.first);
    assert.equal(await world.token(), world.first);
  },

  async "both sessions are in the list"(world) {
    const { status, body } = await press(world, "List your sessions", "List sessions");
    assert.equal(status, 200);
    assert.deepEqual(body.map((session) => session.token), [world.first, world.second].map((token) => token.split(".")[0]));
    const items = world.step("Revoke one").getByRole("listitem");
    assert.equal(await items.count(), 2);
    await world.step("Revoke one").getByRole("button", { name: "Revoke: This tab" }).waitFor();
    assert.ok((await curlOf(world.step("Revoke one"))).includes(world.second.split(".")[0]));
  },

  async "revoking the other device leaves one"(world) {
    const relisted = world.page.waitForResponse(/\/list-sessions$/);
    const { status, body, curl } = await press(world, "Revoke one", "Revoke: The other device");
    await relisted;
    assert.equal(status, 200);
    assert.deepEqual(body, { status: true });
    assert.ok(curl.includes(world.second.split(".")[0]) && curl.includes(world.first));
    await world.step("List your sessions").getByText(/^One live session/).waitFor();
    assert.equal(await world.step("Revoke one").getByRole("listitem").count(), 1);
    assert.equal((await shown(world.step("List your sessions"))).body.length, 1);
  },

  async "a reload keeps the token, and nothing lies in localStorage or a cookie"(world) {
    await world.page.reload();
    assert.equal(await world.token(), world.first);
    assert.equal(await world.page.evaluate(() => localStorage.length), 0);
    assert.deepEqual(await world.context.cookies(), []);
    const sent = await Promise.all(world.requests.map((request) => request.allHeaders()));
    assert.ok(sent.every((headers) => headers.cookie === undefined), "a cookie was sent");
    await press(world, "Ask who you are", "Get session");
    await press(world, "Sign in a second time", "Sign in again");
    await press(world, "List your sessions", "List sessions");
    await world.photograph("wide-light-listed");
  },

  async "signing out ends the token"(world) {
    const { status, body } = await press(world, "Sign out", "Sign out");
    assert.equal(status, 200);
    assert.deepEqual(body, { success: true });
    assert.match(await world.stage(), /^Ended/);
  },

  async "the dead token is answered with null"(world) {
    const { status, body, says, curl } = await press(world, "Ask again with the dead token", "Get session once more");
    assert.equal(status, 200);
    assert.equal(body, null);
    assert.match(says, /^null/);
    assert.ok(curl.includes(world.first));
  },

  async "an endpoint that wants a session refuses the dead token and says so"(world) {
    const { status, says } = await press(world, "List your sessions", "List sessions");
    assert.equal(status, 401);
    assert.match(says, /No live session/);
    expectRefusal(world, 401);
  },

  async "a taken e-mail offers to sign in instead, and that brings a new token"(world) {
    const refused = await press(world, "Sign up", "Sign up");
    assert.equal(refused.status, 422);
    expectRefusal(world, 422);
    await world.photograph("wide-light-ended");
    const { status, curl } = await press(world, "Sign up", "Sign in instead");
    assert.equal(status, 200);
    assert.match(curl, /sign-in\/email/);
    assert.match(await world.token(), SIGNED);
    assert.notEqual(await world.token(), world.first);
    assert.match(await world.stage(), /^Arrived/);
  },

  async "revoking this tab's own session ends the token too"(world) {
    await press(world, "List your sessions", "List sessions");
    await press(world, "Revoke one", "Revoke: This tab");
    assert.match(await world.stage(), /^Ended/);
  },

  async "starting over brings someone new, and the whole walk fits into 390 pixels"(world) {
    const { page } = world;
    await page.getByRole("button", { name: "Start over as someone new" }).click();
    assert.match(await world.stage(), /^None yet/);
    assert.notEqual(await page.getByLabel("E-mail").inputValue(), world.email);
    await page.setViewportSize(NARROW);
    await assertFits(page, NARROW.width);
    await press(world, "Sign up", "Sign up");
    await press(world, "Ask who you are", "Get session");
    await press(world, "Sign in a second time", "Sign in again");
    await press(world, "List your sessions", "List sessions");
    await assertFits(page, NARROW.width);
    await page.setViewportSize({ ...NARROW, width: 320 });
    await assertFits(page, 320);
    await page.setViewportSize(NARROW);
    await world.photograph("narrow-light");
  },

  async "text is readable in light and in dark"(world) {
    const { page } = world;
    await assertContrast(page);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.waitForTimeout(600); // Colours fade over.
    await assertContrast(page);
    await world.photograph("narrow-dark");
    await page.setViewportSize(WIDE);
    await world.photograph("wide-dark");
  },

  async "nothing came from elsewhere, and the console stayed silent"(world) {
    const foreign = world.requests.map((request) => request.url()).filter((url) => !url.startsWith(world.url));
    assert.deepEqual(foreign, []);
    assert.deepEqual(world.complaints, []);
  },
};

/** Runs a line as a person would who pasted it. Where curl is not installed there is nothing to run. */
function runCurl(line) {
  try {
    return execFileSync("sh", ["-c", line], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: PATIENCE });
  } catch (error) {
    if (error.status === 127) return undefined;
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { url: { type: "string" }, screenshot: { type: "string" } } });
  if (!values.url) {
    console.error("usage: node browser.mjs --url http://127.0.0.1:PORT [--screenshot DIR]");
    process.exit(2);
  }
  const { steps, different } = await runBrowser({ url: values.url, screenshots: values.screenshot });
  console.log(`browser: ${steps - different.length} of ${Object.keys(CLAIMS).length} claims hold`);
  process.exit(different.length === 0 ? 0 : 1);
}
