// The npm package as a server, told on stdin what to be. Each line of stdin is a configuration
//   { "options": {…npm options…}, "bearer": {…} | false, "plugins": {…}, "database": "/path/file.db" }
// which takes the place of the one before, or `null` to close the database. Each is answered on stdout, when it is in
// force, with {"ready":true,"port":N}. One process serves many configurations because starting it takes longer than most
// flows. It ends when stdin does.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer, genericOAuth } from "better-auth/plugins";
import Database from "better-sqlite3";

const PLUGINS = { genericOAuth };

let database;
let handle = (_, response) => response.writeHead(503).end();

async function become(config) {
  database?.close();
  database = undefined;
  if (!config) return;
  database = new Database(config.database);
  const options = {
    ...config.options,
    database,
    plugins: [
      ...(config.bearer ? [bearer(config.bearer)] : []),
      ...Object.entries(config.plugins ?? {}).map(([name, settings]) => PLUGINS[name](settings)),
    ],
    telemetry: { enabled: false },
  };
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  handle = toNodeHandler(betterAuth(options));
}

const server = createServer((request, response) => handle(request, response));
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () => {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    await become(JSON.parse(line));
    console.log(JSON.stringify({ ready: true, port: server.address().port }));
  });
  lines.on("close", () => process.exit(0));
});
