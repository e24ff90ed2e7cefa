// The one entry: see README.md, or run `node run.mjs --help`.
import { parseArgs } from "node:util";
import { DIFFERENCES } from "./differences.mjs";
import { runFlows } from "./flows.mjs";
import { runGateways } from "./gateways.mjs";
import { runGenerated } from "./generated.mjs";
import { flipped, scenario } from "./lib/scenario.mjs";
import { exampleBinary, hallpassBinary, startHallpass, startOracle } from "./lib/servers.mjs";
import { runBook, runExamples } from "./book.mjs";
import { runBrowser } from "./browser.mjs";
import { runExample } from "./example.mjs";
import { runClient } from "./official-client.mjs";
import { runSelfTest } from "./self-test.mjs";
import { runSideBySide } from "./side-by-side.mjs";
import { KINDS, freshStore } from "./lib/stores.mjs";
import { runMigrations } from "./migrations.mjs";
import { runShared } from "./shared-database.mjs";
import { runWeb } from "./web.mjs";

const USAGE = `usage: node run.mjs [flows|generated|client|shared|migrations|side-by-side|self-test|browser|example|web|gateways|book|examples|all] [options]
  --store KIND               ${KINDS.join(", ")}, or all of them: for flows, generated, client and shared (default: sqlite)
                             and for side-by-side (default: all)
  --filter TEXT              only flows whose name contains TEXT; of the book, only chapters
  --show                     print what the npm package answers to each step of the flows, or what each step of the book printed
  --share N                  of the flows, only one in N, drawn from the seed
  --count N                  how many generated requests, or operations side by side (default 5000)
  --seed N                   the seed of whatever is drawn (default: a new one, which is printed)
  --only N                   replay generated request N alone, and with what came before it
  --against oracle           compare the npm package with a second instance of itself instead of hallpass
  --flip-require-signature   turn requireSignature round on one side only: the comparison must then fail`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: "string" },
    filter: { type: "string" },
    share: { type: "string", default: "1" },
    show: { type: "boolean", default: false },
    count: { type: "string", default: "5000" },
    seed: { type: "string" },
    only: { type: "string" },
    against: { type: "string", default: "hallpass" },
    "flip-require-signature": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const stage = positionals[0] ?? "all";
const flip = values["flip-require-signature"];

function startSubject(scenario, options) {
  const given = flip ? flipped(scenario) : scenario;
  return values.against === "oracle" ? startOracle(given, { name: "second oracle", ...options }) : startHallpass(given, options);
}

/** A server on a store of its own, which goes with it. */
const onFresh = (kind, start) => async (scenario) => {
  const store = await freshStore(kind);
  const server = await start(scenario, { database: store }).catch(async (error) => {
    await store.drop();
    throw error;
  });
  const stop = async (signal) => {
    await server.stop(signal);
    await store.drop();
  };
  return { ...server, stop };
};

/** The npm package first, whatever is compared with it second. */
const startPair = (kind) => async (scenario) => {
  const [one, other] = await Promise.allSettled([startOracle, startSubject].map((start) => onFresh(kind, start)(scenario)));
  const failed = [one, other].find((server) => server.status === "rejected");
  if (failed) {
    for (const server of [one, other]) await server.value?.stop();
    throw failed.reason;
  }
  return [one.value, other.value];
};

/** Does a stage on the stores that were asked for, one after the other. */
async function onStores(byDefault, run) {
  const total = { steps: 0, different: [] };
  for (const kind of { all: KINDS, undefined: byDefault }[values.store] ?? [values.store]) {
    if (values.store !== undefined || byDefault.length > 1) console.log(`  on ${kind}`);
    const { steps, different } = await run(kind);
    total.steps += steps;
    total.different.push(...different);
  }
  return total;
}

const seedOf = () => Number(values.seed ?? Date.now() % 2 ** 32) >>> 0;

const STAGES = {
  flows: () => onStores(["sqlite"], (kind) => {
    const [share, seed] = [Number(values.share), seedOf()];
    if (share > 1) console.log(`  one flow in ${share}, seed ${seed}`);
    return runFlows({ startPair: startPair(kind), kind, filter: values.filter, share, seed, show: values.show });
  }),
  generated: () => onStores(["sqlite"], (kind) => {
    if (kind === "redis") {
      console.log("  left out: its rounds start with rows in a database");
      return { steps: 0, different: [] };
    }
    const seed = seedOf();
    const only = values.only === undefined ? undefined : Number(values.only);
    console.log(`  seed ${seed}`);
    return runGenerated({ startPair: startPair(kind), kind, seed, count: Number(values.count), only });
  }),
  client: () => onStores(["sqlite"], (kind) => runClient({ start: onFresh(kind, startSubject) })),
  "side-by-side": () => onStores(KINDS, (kind) => {
    const seed = seedOf();
    console.log(`  seed ${seed}`);
    return runSideBySide({ original: startOracle, subject: startSubject, kind, seed, count: Number(values.count) });
  }),
  shared: () => onStores(["sqlite"], (kind) => runShared({ original: startOracle, subject: startSubject, kind })),
  migrations: () => runMigrations({ original: startOracle, subject: startSubject }),
  "self-test": () => runSelfTest({}),
  async browser() {
    const server = await startHallpass(scenario({ options: { baseURL: null } }));
    try {
      return await runBrowser({ url: `http://127.0.0.1:${server.port}` });
    } finally {
      await server.stop();
    }
  },
  example: () => runExample(),
  web: () => runWeb(),
  gateways: () => runGateways(),
  examples: () => runExamples({ show: values.show }),
  book: () => runBook({ filter: values.filter, show: values.show }),
};

/** What each stage looks at, where it is not both servers. */
const ABOUT = {
  migrations: "databases of the npm package, taken over by hallpass",
  "self-test": "the comparison itself",
  browser: "the playground in Chromium",
  example: "the example application in Chromium",
  web: "the React page in Chromium",
  gateways: "nginx, Caddy and Envoy in front of a service",
  examples: "what the page of the examples says, done",
  book: "what the book says, done and followed",
};

if (values.help || !(stage === "all" || stage in STAGES)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
if (values.against !== "oracle" && stage !== "self-test") {
  try {
    if (!["example", "web"].includes(stage)) console.log(`testing ${hallpassBinary()}`);
    if (["example", "web", "all"].includes(stage)) console.log(`testing ${exampleBinary()}`);
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
let passed = true;
// Side by side takes many minutes, so it is run when it is asked for.
for (const name of stage === "all" ? Object.keys(STAGES).filter((name) => name !== "side-by-side") : [stage]) {
  const started = Date.now();
  console.log(`conformance ${name}: ${ABOUT[name] ?? `the npm package and ${values.against}`}`);
  const { steps, different } = await STAGES[name]();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`conformance ${name}: ${steps} steps, ${steps - different.length} equal, ${different.length} different (${seconds} s)`);
  passed = steps > 0 && different.length === 0 && passed;
}
console.log(`left out as deliberate differences: ${DIFFERENCES.map(({ about }) => about).join("; ")} (differences.mjs says why)`);
process.exit(passed ? 0 : 1);
