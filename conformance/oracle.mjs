// The npm package as a server: `node oracle.mjs CONFIG.json`, where the file holds
// { options: {…npm options…}, bearer: {…} | false, database: "/path/file.db", port }.
// Prints {"ready":true,"port":N} once it listens, and ends when its stdin is closed.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer } from "better-auth/plugins";
import Database from "better-sqlite3";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const options = {
  ...config.options,
  database: new Database(config.database),
  plugins: config.bearer ? [bearer(config.bearer)] : [],
  telemetry: { enabled: false },
};
const { runMigrations } = await getMigrations(options);
await runMigrations();

const server = createServer(toNodeHandler(betterAuth(options)));
server.keepAliveTimeout = 600_000;
server.listen(config.port ?? 0, "127.0.0.1", () => {
  console.log(JSON.stringify({ ready: true, port: server.address().port }));
});
process.stdin.on("end", () => process.exit(0)).resume();
