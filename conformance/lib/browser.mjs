// Walks a page in Chromium as a person would, claim by claim.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 390, height: 844 };
export const PATIENCE = 10_000;

/**
 * Proves `claims` in their order, against the server at `url`; resolves to { steps, different: [text] } and keeps screenshots in the
 * folder given. Each claim gets what `open` makes, with whatever `extend` adds to it.
 */
export async function prove({ claims, url, screenshots, extend = () => ({}), print = console.log }) {
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
    Object.assign(world, extend(world));
    for (const [claim, holds] of Object.entries(claims)) {
      total.steps += 1;
      try {
        await holds(world);
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

/** What the claims share: the page, what it complained of, and what it asked for. */
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
    /** Keeps what the page looks like, once whatever moves on it has had `settling` milliseconds to come to rest. */
    async photograph(name, settling = 0) {
      if (!screenshots) return;
      await page.evaluate(() => scrollTo(0, 0));
      await page.waitForTimeout(settling);
      await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
    },
  };
}

/** Takes out the one complaint a refused request leaves in Chromium's console, and fails when it is not there. */
export function expectRefusal({ complaints }, status) {
  const at = complaints.findIndex((text) => text.includes(`the server responded with a status of ${status}`));
  assert.notEqual(at, -1, `the console does not mention the ${status}: ${complaints.join(" | ")}`);
  complaints.splice(at, 1);
}

/** Takes out what a server that is away leaves there, and fails when that is nothing, or if there is anything else. */
export function expectNoAnswer({ complaints }) {
  const found = complaints.splice(0);
  assert.ok(found.length > 0 && found.every((text) => text.includes("ERR_CONNECTION_REFUSED")), found.join(" | "));
}

/** What a person does with the forms of a page. */
export const forms = (page) => ({
  field: (label) => page.getByLabel(label, { exact: true }).filter({ visible: true }),
  press: (button) => page.getByRole("button", { name: button, exact: true }).click(),
  /** Fills in these fields of the form that is shown, by their labels, and sends it. */
  async submit(fields, button) {
    for (const [label, value] of Object.entries(fields)) await this.field(label).fill(value);
    await this.press(button);
  },
  says: (words) => page.getByRole("status").getByText(words).waitFor(),
});

export async function assertFits(page, width) {
  const found = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(found <= width, `the page is ${found} px wide in a window of ${width} px`);
}

/** Every text must stand out from the colour behind it, as WCAG's level AA asks. */
export async function assertContrast(page) {
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

/** Nothing was asked of anybody but the page's own server and that at `api`, and the console holds nothing but what was expected. */
export function assertAlone({ url, api = url, requests, complaints }) {
  const foreign = requests.map((request) => request.url()).filter((asked) => !asked.startsWith(url) && !asked.startsWith(api));
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
}
