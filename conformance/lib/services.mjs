// Postgres, MariaDB and Redis for the runs on other stores than SQLite: each started once, when it is first wanted, in a
// temporary folder and on a free port, by an unprivileged user if we are root. They end with this process, however that
// ends: each runs below a shell that waits for the end of its stdin. `HALLPASS_TEST_POSTGRES`, `HALLPASS_TEST_MYSQL` and
// `HALLPASS_TEST_REDIS` name servers to use instead, on which databases may be made.
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { start, temporaryFolder } from "./children.mjs";
import { freePort } from "./ports.mjs";

const PATIENCE = 60_000;

const SERVICES = {
  postgres: {
    variable: "HALLPASS_TEST_POSTGRES",
    accounts: ["postgres", "nobody"],
    programs: ["postgres", "initdb", "pg_isready"],
    initialise: (program, data) => [program.initdb, "--no-sync", "--username=hallpass", "--auth=trust", "--encoding=UTF8", "--no-locale", "--pgdata", data],
    serve: (program, data, folder, port) => [
      program.postgres, "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", String(port),
      ...["fsync=off", "full_page_writes=off", "max_connections=300", "shared_buffers=32MB"].flatMap((setting) => ["-c", setting]),
    ],
    isReady: async (port, program) => spawnSync(program.pg_isready, ["-q", "-h", "127.0.0.1", "-p", String(port)]).status === 0,
    url: (port) => `postgres://hallpass@127.0.0.1:${port}/postgres`,
  },
  mariadb: {
    variable: "HALLPASS_TEST_MYSQL",
    accounts: ["mysql", "nobody"],
    programs: ["mariadbd", "mariadb-install-db"],
    initialise: (program, data) => [
      program["mariadb-install-db"], "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
      "--innodb-log-file-size=8M", "--innodb-flush-method=nosync", `--datadir=${data}`,
    ],
    serve: (program, data, folder, port) => [
      program.mariadbd, "--no-defaults", "--bind-address=127.0.0.1", `--port=${port}`, `--datadir=${data}`, `--socket=${folder}/socket`, `--tmpdir=${folder}`,
      "--skip-name-resolve", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci", "--max-connections=300",
      "--innodb-log-file-size=8M", "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=32M",
    ],
    isReady: (port) => hears(port, undefined, (bytes) => bytes[4] === 10),
    url: (port) => `mysql://root@127.0.0.1:${port}/`,
  },
  redis: {
    variable: "HALLPASS_TEST_REDIS",
    accounts: ["redis", "nobody"],
    programs: ["redis-server"],
    serve: (program, data, _, port) => [program["redis-server"], "--bind", "127.0.0.1", "--port", String(port), "--save", "", "--databases", "10000", "--dir", data],
    isReady: (port) => hears(port, "PING\r\n", (bytes) => bytes.toString().startsWith("+PONG")),
    url: (port) => `redis://127.0.0.1:${port}`,
  },
};

const running = new Map();

/** Resolves to the URL of the one server of this kind, as somebody who may do everything. */
export function service(kind) {
  if (!running.has(kind)) running.set(kind, begin(kind));
  return running.get(kind);
}

async function begin(kind) {
  const { variable, accounts, programs, initialise, serve, isReady, url } = SERVICES[kind];
  if (process.env[variable]) return process.env[variable];
  const program = Object.fromEntries(programs.map((name) => [name, find(name, variable)]));
  const account = accountAmong(accounts);
  const folder = temporaryFolder();
  const data = join(folder, "data");
  mkdirSync(data);
  if (account) for (const path of [folder, data]) chownSync(path, account.uid, account.gid);
  if (initialise) await run(initialise(program, data), account);
  for (let attempt = 0; ; attempt += 1) {
    const port = await freePort();
    // The shell ends the server when our end of its stdin closes, be it because we were killed.
    const guard = 'exec 3<&0; "$@" < /dev/null 3<&- & server=$!; (cat <&3 > /dev/null; kill -9 $server) & wait $server';
    const environment = { PATH: process.env.PATH, LC_ALL: "C" };
    const child = start("sh", ["-c", guard, "guard", ...serve(program, data, folder, port)], environment, undefined, "/", true, account);
    const died = child.exited.then(() => "died");
    for (const late = Date.now() + PATIENCE; Date.now() < late; await sleep(25)) {
      if (await isReady(port, program)) return url(port);
      if ((await Promise.race([died, sleep(0)])) === "died") break;
    }
    if (attempt === 3) throw new Error(`${kind} does not start. It wrote:\n${child.output()}`);
    await child.stop();
  }
}

/** Where a program is. Debian keeps those of Postgres away from `PATH`, in a folder of each version. */
export function find(name, variable) {
  const at = "/usr/lib/postgresql";
  const versions = existsSync(at) ? readdirSync(at).sort((a, b) => b - a) : [];
  const folders = [...versions.map((version) => join(at, version, "bin")), ...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/bin"];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (!found) throw new Error(`\`${name}\` is not installed${variable ? `, and ${variable} is not set` : ""}`);
  return found;
}

function accountAmong(names) {
  if (process.getuid() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"));
  const found = names.map((name) => users.find(([user]) => user === name)).find(Boolean);
  return found && { uid: Number(found[2]), gid: Number(found[3]) };
}

function run([program, ...args], account) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...account, cwd: "/", env: { PATH: process.env.PATH, LC_ALL: "C" }, stdio: ["ignore", "pipe", "pipe"] });
    let wrote = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (wrote += chunk));
    child.on("error", reject);
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}. It wrote:\n${wrote}`))));
  });
}

/** Whether what a server says first, or in answer to `text`, is as wanted. */
function hears(port, text, wanted) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => text && socket.write(text));
    const done = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => done(false));
    socket.on("error", () => done(false));
    socket.on("close", () => done(false));
    socket.on("data", (bytes) => done(wanted(bytes)));
  });
}
