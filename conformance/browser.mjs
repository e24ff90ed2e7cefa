// Walks the development page in Chromium as a person would: `node browser.mjs --url http://127.0.0.1:3000`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { NARROW, PATIENCE, WIDE, assertAlone, assertContrast, assertFits, expectNoAnswer, expectRefusal, prove } from "./lib/browser.mjs";

const SIGNED = /^[A-Za-z0-9]{32}\.[A-Za-z0-9+/]{43}=$/;
const SETTLING = 1200; // The token's way along the wire takes a second.

/** Proves every claim against the server at `url`; resolves to { steps, different: [text] } and keeps screenshots in the folder given. */
export const runBrowser = ({ url, screenshots }) => prove({ claims: CLAIMS, url, screenshots, extend });

const extend = ({ page, photograph }) => ({
  step: (name) => page.getByRole("region", { name, exact: true }),
  token: () => page.getByRole("group", { name: "The token this tab holds" }).textContent(),
  stage: () => page.locator("#stages [aria-current]").textContent(),
  photograph: (name) => photograph(name, SETTLING),
});

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
    expectNoAnswer(world);
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
    assertAlone(world);
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
