// Where a server keeps its data: `sqlite`, `postgres`, `mariadb`, or `redis`, which is SQLite for records with sessions and
// what else is short-lived in Redis.
//
// A store is { kind, file } or { kind, url }, with `redis`, a URL, where there is one. Servers are started with it.
import { join } from "node:path";
import Database from "better-sqlite3";
import { Redis } from "ioredis";
import mysql from "mysql2/promise";
import pg from "pg";
import { removeFolder, temporaryFolder } from "./children.mjs";
import { service } from "./services.mjs";

export const KINDS = ["sqlite", "postgres", "mariadb", "redis"];

// Dates as SQLite has them, so that one test reads them all.
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString());
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

let made = 0;

/** An empty store of this kind. `drop()` removes it; its servers have to be stopped first. */
export async function freshStore(kind) {
  if (kind === "postgres" || kind === "mariadb") return freshDatabase(kind);
  const folder = temporaryFolder();
  const store = { kind, file: join(folder, "auth.db"), drop: async () => removeFolder(folder) };
  if (kind === "redis") {
    const url = new URL(await service("redis"));
    url.pathname = `/${(made += 1)}`;
    store.redis = url.href;
    await withRedis(store, (redis) => redis.flushdb());
  }
  return store;
}

async function freshDatabase(kind) {
  const base = { kind, url: await service(kind) };
  const name = `hallpass_conformance_${process.pid}_${(made += 1)}`;
  await rows(base, `create database ${name}`);
  const url = new URL(base.url);
  url.pathname = `/${name}`;
  return { kind, url: url.href, drop: () => rows(base, `drop database ${name}${kind === "postgres" ? " with (force)" : ""}`) };
}

/** Runs one statement in a store's database. It is written for all of them: names in double quotes, `?` for values. */
export async function rows(store, statement, values = []) {
  if (store.kind === "postgres") {
    const client = new pg.Client({ connectionString: store.url });
    await client.connect();
    try {
      let at = 0;
      return (await client.query(statement.replaceAll("?", () => `$${(at += 1)}`), values)).rows;
    } finally {
      await client.end();
    }
  }
  if (store.kind === "mariadb") {
    const client = await mysql.createConnection({ uri: store.url, timezone: "Z" });
    try {
      await client.query("set sql_mode = 'ANSI,STRICT_TRANS_TABLES'");
      return (await client.query(statement, values))[0];
    } finally {
      await client.end();
    }
  }
  const database = new Database(store.file, { timeout: 5000 });
  try {
    const prepared = database.prepare(statement);
    return prepared.reader ? prepared.all(...values) : prepared.run(...values);
  } finally {
    database.close();
  }
}

/** Does `work` with a client of the store's Redis. */
export async function withRedis(store, work) {
  const redis = new Redis(store.redis);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
