// The npm package as a server, told on stdin what to be. Each line of stdin is a configuration
//   { "options": {…npm options…}, "bearer": {…} | false, "plugins": {…}, "database": "/path/file.db", "outbox": "/path/file",
//     "redis": "redis://…" }
// with `url` in place of `database` for Postgres and MySQL,
// which takes the place of the one before, or `null` to close the database. Each is answered on stdout, when it is in
// force, with {"ready":true,"port":N}. One process serves many configurations because starting it takes longer than most
// flows. It ends when stdin does.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { redisStorage } from "@better-auth/redis-storage";
import { betterAuth } from "better-auth";
import { hashPassword, verifyPassword } from "better-auth/crypto";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import * as available from "better-auth/plugins";
import Database from "better-sqlite3";
import { Redis } from "ioredis";
import mysql from "mysql2/promise";
import pg from "pg";

let database;
let redis;
let handle = (_, response) => response.writeHead(503).end();

// The options that are functions in the package and `true` in a scenario: where they stand, and the kind of their mails.
const SENDERS = [
  [["emailAndPassword", "sendResetPassword"], "reset-password"],
  [["emailVerification", "sendVerificationEmail"], "verify-email"],
  [["user", "changeEmail", "sendChangeEmailConfirmation"], "change-email-confirmation"],
  [["user", "deleteUser", "sendDeleteAccountVerification"], "delete-account"],
];

/** Puts functions that write to the outbox where `options` say `true`. */
function withSenders(options, outbox) {
  for (const [path, kind] of SENDERS) {
    const holder = path.slice(0, -1).reduce((below, key) => below?.[key], options);
    const name = path.at(-1);
    if (holder?.[name] !== true) continue;
    holder[name] = async ({ user, url, token, newEmail }) =>
      appendFileSync(outbox, `${JSON.stringify({ kind, to: user.email, subject: "", url, token, newEmail })}\n`);
  }
  return options;
}

// Hashing is most of what the flows cost, and what it makes is not on the wire: the package's own functions, asked once for each
// password. That each server knows the other's hashes is for the stages on one store to show.
const once = (work) => {
  const known = new Map();
  return (given) => {
    const key = JSON.stringify(given);
    if (!known.has(key)) known.set(key, work(given));
    return known.get(key);
  };
};
const PASSWORDS = { hash: once(hashPassword), verify: once(verifyPassword) };

function pluginsOf({ bearer, plugins = {} }) {
  const wanted = Object.entries({ ...plugins, ...(bearer && { bearer }) });
  return wanted.map(([name, options]) => available[name](options));
}

/**
 * The package's transactions read first and write later, which SQLite refuses at once, however patient one is, if another process
 * has written in between. So they ask for the right to write when they begin, and wait for it.
 */
function upFront(database) {
  const prepare = database.prepare.bind(database);
  database.prepare = (statement) => prepare(statement === "begin" ? "begin immediate" : statement);
  return database;
}

function open({ database: file, url }) {
  if (!url) return upFront(new Database(file));
  if (url.startsWith("mysql:")) return mysql.createPool({ uri: url, timezone: "Z", connectionLimit: 10 });
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  pool.on("error", (error) => console.error(error.message));
  return pool;
}

async function become(config) {
  handle = (_, response) => response.writeHead(503).end();
  await (database?.close ?? database?.end)?.call(database);
  database = undefined;
  redis?.disconnect();
  redis = undefined;
  if (!config) return;
  database = open(config);
  if (config.redis) redis = new Redis(config.redis);
  const options = {
    ...withSenders(config.options, config.outbox),
    emailAndPassword: { ...config.options.emailAndPassword, password: PASSWORDS },
    database,
    ...(redis && { secondaryStorage: redisStorage({ client: redis }) }),
    plugins: pluginsOf(config),
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
