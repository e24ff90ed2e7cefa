// The stage of written flows: every flow in flows/, each against a fresh pair of servers, a few at a time.
import { readdirSync } from "node:fs";
import { runFlow } from "./lib/flow.mjs";
import { generator } from "./lib/random.mjs";

const AT_ONCE = 3;

export async function loadFlows(filter = "") {
  const files = readdirSync(new URL("./flows/", import.meta.url)).filter((file) => file.endsWith(".mjs")).sort();
  const modules = await Promise.all(files.map((file) => import(`./flows/${file}`)));
  const flows = modules.flatMap((module) => module.default);
  const names = new Set();
  for (const { name } of flows) {
    if (names.has(name)) throw new Error(`two flows are called ${JSON.stringify(name)}: give one of them another name`);
    names.add(name);
  }
  return flows.filter((flow) => flow.name.includes(filter));
}

/** One in so many of the flows, drawn from a seed and the store. */
function drawn(flows, { share, seed }, kind) {
  if (share === 1) return flows;
  const random = generator(seed, [...kind].reduce((sum, letter) => sum + letter.charCodeAt(0), 0));
  return flows.filter(() => random.below(share) === 0);
}

/** Resolves to { steps, different: [text] } over all flows, or a share of them. */
export async function runFlows({ startPair, kind = "sqlite", filter, share = 1, seed, show, print = console.log }) {
  const waiting = drawn(await loadFlows(filter), { share, seed }, kind);
  const total = { flows: waiting.length, steps: 0, different: [] };
  async function worker() {
    for (let flow = waiting.shift(); flow; flow = waiting.shift()) {
      const started = Date.now();
      const { steps, different } = await runFlow(flow, startPair, { show: show ? print : undefined });
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      total.steps += steps;
      total.different.push(...different);
      print(`  ${different.length ? "DIFFERENT" : "equal    "} ${String(steps).padStart(4)} steps ${seconds.padStart(5)} s  ${flow.name}`);
      for (const text of different) print(text);
    }
  }
  await Promise.all(Array.from({ length: show ? 1 : AT_ONCE }, worker));
  return total;
}
