// Starts one of the two servers for a scenario. Both resolve to { name, port, database, outbox, output(), stop(), heard() }:
// `database` and `outbox` are files, the second one of mails (outbox.mjs), which is there once a mail was sent; `heard`
// resolves when it knows of what others have changed in its store. The example application, which knows no scenario, is started here as well.
import { existsSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { get } from "node:http";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanEnvironment, removeFolder, start, temporaryFolder, within } from "./children.mjs";
import { freePort } from "./ports.mjs";
import { rows } from "./stores.mjs";
import { toToml } from "./toml.mjs";

const here = fileURLToPath(new URL("..", import.meta.url));
const STARTUP = 60_000;

/** Processes of the npm package that wait for another scenario, all of them in development. */
const idle = [];

/** Starts the npm package. `database` names an existing file, or is a store (stores.mjs), to use instead of a fresh file. */
export async function startOracle(scenario, { name = "oracle", database } = {}) {
  const { environment, options, bearer, plugins } = scenario;
  // The package counts requests per process, not per instance, so a limiter needs a process of its own.
  const reusable = environment === "development" && !options.rateLimit?.enabled;
  const child = (reusable && idle.pop()) || oracleProcess(environment);
  const folder = temporaryFolder();
  const store = storeOf(database, folder);
  const outbox = join(folder, "outbox.jsonl");
  const { file, url, redis } = store;
  const port = await startup(name, child, child.become({ options, bearer, plugins, database: file, url, redis, outbox }));
  return {
    name,
    port,
    database: store.file,
    store,
    outbox,
    output: child.output,
    heard: async () => {},
    async stop() {
      const closed = reusable && (await within(5000, Promise.race([child.become(null), child.exited.then(() => false)]), "closing").catch(() => false));
      if (closed) idle.push(child);
      else await child.stop();
      removeFolder(folder);
    },
  };
}

function oracleProcess(environment) {
  let answered = () => {};
  const child = start(process.execPath, [join(here, "oracle.mjs")], cleanEnvironment({ NODE_ENV: environment }), (line) => {
    if (line.startsWith('{"ready":true')) answered(JSON.parse(line).port);
  });
  child.become = (config) => {
    child.send(`${JSON.stringify(config)}\n`);
    return new Promise((resolved) => {
      answered = resolved;
    });
  };
  return child;
}

const storeOf = (database, folder) => (typeof database === "object" ? database : { kind: "sqlite", file: database ?? join(folder, "auth.db") });

/** Starts hallpass, likewise. */
export async function startHallpass(scenario, { name = "hallpass", database } = {}) {
  const program = hallpassBinary();
  const folder = temporaryFolder();
  const store = storeOf(database, folder);
  const config = join(folder, "hallpass.toml");
  const [port, metrics] = [await freePort(), store.kind === "postgres" ? await freePort() : undefined];
  const outbox = join(folder, "outbox.jsonl");
  writeFileSync(config, toToml(scenario, { store, port, metrics, outbox }));
  const child = start(program, ["serve", "--config", config], cleanEnvironment());
  await startup(name, child, answers(port));
  return {
    name,
    port,
    database: store.file,
    store,
    outbox,
    output: child.output,
    heard: () => within(STARTUP, (HEARD[store.kind] ?? (() => {}))({ store, port, metrics }), "hearing of a change"),
    /** Ends the server and removes its files. Asked with SIGTERM it can close its database properly first. */
    async stop(signal = "SIGTERM") {
      await child.stop(signal);
      removeFolder(folder);
    },
  };
}

// What is changed behind its back hallpass hears of a moment later, where it keeps sessions in memory. These resolve when it has.
const HEARD = {
  // Notifications come in order, so when everything was said to have changed, what came before has been heard.
  async postgres({ store, metrics }) {
    const count = async () => Number(/^hallpass_session_cache_invalidations_total\{of="everything"\} (\d+)/m.exec(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text())?.[1] ?? 0);
    const before = await count();
    await rows(store, "select pg_notify('hallpass_' || substr(md5(current_schema()), 1, 16), '*')");
    while ((await count()) === before) await sleep(2);
  },
  // News come over the connection over which Redis answers, before what is asked after the change.
  redis: ({ port }) => answers(port),
};

/**
 * Starts the example application in a folder of its own. It lets pages of `pageOrigin` in, if one is given. After `pause()` nobody
 * answers at its port until `resume()`.
 */
export async function startExample({ pageOrigin } = {}) {
  const program = exampleBinary();
  const folder = temporaryFolder();
  const port = await freePort();
  const environment = cleanEnvironment({ PORT: String(port), ...(pageOrigin && { PAGE_ORIGIN: pageOrigin }) });
  let child;
  const resume = async () => {
    child = start(program, [], environment, undefined, folder);
    await startup("example-axum-api", child, answers(port, "/"));
  };
  await resume();
  return {
    port,
    outbox: join(folder, "outbox.jsonl"),
    output: () => child.output(),
    pause: () => child.stop("SIGTERM"),
    resume,
    async stop() {
      await child.stop("SIGTERM");
      removeFolder(folder);
    },
  };
}

/** Finds the binary under test, or says how to make one. */
export const hallpassBinary = () => binary("hallpass", "HALLPASS_BIN", ["release", "debug"], "cargo build --release -p hallpass-cli");

/** Finds the example application, likewise. */
export const exampleBinary = () => binary("example-axum-api", "EXAMPLE_BIN", ["debug"], "cargo build -p example-axum-api");

/** Finds the program that the book shows in its chapter on axum, likewise. */
export const bookExample = () => binary("add-to-axum", "BOOK_EXAMPLE_BIN", ["debug/examples"], "cargo build -p hallpass-book --example add-to-axum");

function binary(name, variable, profiles, build) {
  const given = process.env[variable];
  const candidates = given ? [resolve(given)] : profiles.map((profile) => join(here, "..", "target", profile, name));
  const found = candidates.find((path) => existsSync(path));
  if (!found) {
    throw new Error(`there is no ${name} binary at ${candidates.join(" or ")}: run \`${build}\`, or set ${variable} to one`);
  }
  return found;
}

/** Waits for a program to be ready, and says what it wrote when it is not. */
export async function startup(name, child, ready) {
  const died = child.exited.then((code) => {
    throw new Error(`${name} ended with ${code} before it was ready. It wrote:\n${child.output()}`);
  });
  died.catch(() => {}); // It also rejects when the server is stopped later, and nobody waits for it then.
  try {
    return await within(STARTUP, Promise.race([ready, died]), `starting ${name}`);
  } catch (error) {
    await child.stop();
    throw error.message.includes("It wrote") ? error : new Error(`${error.message}. It wrote:\n${child.output()}`);
  }
}

/** Resolves once `path` says 200. `/readyz` lies outside the base path and is hallpass's own. */
async function answers(port, path = "/readyz") {
  for (;;) {
    const status = await new Promise((resolved) => {
      const request = get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
        response.resume();
        resolved(response.statusCode);
      });
      request.on("error", () => resolved(0));
    });
    if (status === 200) return port;
    await sleep(25);
  }
}

/** Resolves once somebody listens at a port of this machine. */
export async function listens(port) {
  for (;;) {
    const open = await new Promise((resolved) => {
      const socket = connect({ port, host: "127.0.0.1" }, () => resolved(true));
      socket.on("error", () => resolved(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return port;
    await sleep(25);
  }
}
