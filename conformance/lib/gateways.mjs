// Starts gateways with the configurations that docs/gateways/ shows, ports and addresses aside: each in the foreground, in a
// folder of its own, without a trace of what the distribution configured for its service.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, isAbsolute, join } from "node:path";
import { createHash } from "node:crypto";
import { cleanEnvironment, removeFolder, start, temporaryFolder } from "./children.mjs";
import { freePort } from "./ports.mjs";
import { listens, startup } from "./servers.mjs";

const DOCS = new URL("../../docs/gateways/", import.meta.url);

/** Envoy that neither resolves `..` nor refuses anything in a path: hallpass gets to see it all. */
const UNNORMALISED = [
  ["normalize_path: true", "normalize_path: false"],
  ["merge_slashes: true", "merge_slashes: false"],
  ["path_with_escaped_slashes_action: REJECT_REQUEST", "path_with_escaped_slashes_action: KEEP_UNCHANGED"],
];

/**
 * What there is. `away` and `down` are what clients are told while hallpass's store is away, and while hallpass is; `commands`
 * gives the arguments once the configuration is at `file`.
 */
export const GATEWAYS = [
  {
    name: "nginx",
    program: ["NGINX_BIN", "/usr/sbin/nginx"],
    file: "nginx.conf",
    listener: (port) => ["listen 8000;", `listen 127.0.0.1:${port};`],
    away: 500,
    down: 500,
    prepare(folder, file) {
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${join(folder, name)};`);
      const user = process.getuid?.() === 0 ? "user root root;\n" : "";
      const main = `${user}worker_processes 1;\ndaemon off;\npid ${join(folder, "nginx.pid")};\nerror_log stderr;\n` +
        `events {}\nhttp {\naccess_log off;\n${paths.join("\n")}\ninclude ${file};\n}\n`;
      writeFileSync(join(folder, "main.conf"), main);
      return ["-p", folder, "-e", "stderr", "-c", join(folder, "main.conf")];
    },
  },
  {
    name: "Caddy",
    program: ["CADDY_BIN", "/usr/bin/caddy"],
    file: "Caddyfile",
    listener: (port) => [":8000 {", `:${port} {`],
    away: 503,
    down: 502,
    prepare(folder, file) {
      const main = join(folder, "main");
      writeFileSync(main, `{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\nimport ${file}\n`);
      return ["run", "--adapter", "caddyfile", "--config", main];
    },
  },
  ...[
    ["Envoy", []],
    ["Envoy with paths as they come", UNNORMALISED],
  ].map(([name, changes]) => ({
    name,
    program: ["ENVOY_BIN", "envoy"],
    file: "envoy.yaml",
    changes,
    listener: (port) => ["{ address: 0.0.0.0, port_value: 8000 }", `{ address: 127.0.0.1, port_value: ${port} }`],
    away: 503,
    down: 503,
    prepare: (folder, file) => ["-c", file, "--disable-hot-restart", "--concurrency", "1", "--log-level", "error"],
  })),
];

/** Starts a gateway in front of a service. */
export async function startGateway(gateway, { hallpass, service }) {
  const program = find(...gateway.program, gateway.name);
  const folder = temporaryFolder();
  const port = await freePort();
  const file = join(folder, gateway.file);
  const envoy = gateway.file.endsWith(".yaml");
  const address = (usual, actual) => (envoy ? [`port_value: ${usual} `, `port_value: ${actual} `] : [`127.0.0.1:${usual}`, `127.0.0.1:${actual}`]);
  let text = readFileSync(new URL(gateway.file, DOCS), "utf8");
  for (const [usual, actual] of [gateway.listener(port), address(3000, hallpass), address(8080, service), ...(gateway.changes ?? [])]) {
    if (!text.includes(usual)) throw new Error(`docs/gateways/${gateway.file} does not say ${JSON.stringify(usual)}`);
    text = text.replaceAll(usual, actual);
  }
  writeFileSync(file, text);
  const home = join(folder, "home");
  mkdirSync(home);
  const environment = cleanEnvironment({ HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home });
  const child = start(program, gateway.prepare(folder, file), environment, undefined, folder);
  await startup(gateway.name, child, listens(port));
  return {
    port,
    output: child.output,
    async stop() {
      await child.stop("SIGTERM");
      removeFolder(folder);
    },
  };
}

/** Starts a service that notes what reaches it: `take()` gives the requests since the last time. */
export async function startService() {
  let requests = [];
  const server = createServer((request, response) => {
    const hash = createHash("sha256");
    let length = 0;
    request.on("data", (chunk) => {
      hash.update(chunk);
      length += chunk.length;
    });
    request.on("end", () => {
      const { method, url, rawHeaders } = request;
      const headers = rawHeaders.flatMap((text, at) => (at % 2 ? [] : [[text, rawHeaders[at + 1]]]));
      requests.push({ method, url, headers, body: { length, sha256: hash.digest("hex") } });
      response.writeHead(203, { "x-served-by": "the service", "content-type": "text/plain" });
      response.end("served");
    });
  });
  await new Promise((resolved) => server.listen(0, "127.0.0.1", resolved));
  return {
    port: server.address().port,
    take() {
      const taken = requests;
      requests = [];
      return taken;
    },
    stop: () => new Promise((resolved) => server.close(resolved).closeAllConnections()),
  };
}

function find(variable, usual, name) {
  const wanted = process.env[variable] ?? usual;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = isAbsolute(wanted) ? [wanted] : folders.map((folder) => join(folder, wanted));
  const program = found.find((path) => existsSync(path));
  if (!program) {
    throw new Error(`there is no ${name} at ${wanted}: \`cargo xtask test gateways\` installs it, or set ${variable} to one`);
  }
  return program;
}
