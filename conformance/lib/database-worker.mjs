// The other half of database.mjs: asks Postgres, MariaDB and Redis on a thread of its own, while the one that wants to know stands still.
import { parentPort, workerData } from "node:worker_threads";
import { Redis } from "ioredis";
import mysql from "mysql2/promise";
import pg from "pg";

const { answers, bell } = workerData;
const isDate = (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);

// Values as SQLite has them: dates as texts, and numbers for truth.
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => new Date(text).toISOString());
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
pg.types.setTypeParser(pg.types.builtins.BOOL, (text) => (text === "t" ? 1 : 0));

const KINDS = {
  async postgres(url) {
    const client = new pg.Client({ connectionString: url });
    // The database may be dropped with us in it.
    client.on("error", () => {});
    await client.connect();
    return async (statement, values) => (await client.query(statement, values.length ? values : undefined)).rows;
  },
  async mariadb(url) {
    const typeCast = (field, next) => {
      const value = next();
      return value instanceof Date ? value.toISOString() : value;
    };
    const client = await mysql.createConnection({ uri: url, timezone: "Z", multipleStatements: true, typeCast });
    client.on("error", () => {});
    await client.query("set sql_mode = 'ANSI,STRICT_TRANS_TABLES'");
    return async (statement, values) => {
      const [found] = await client.query(statement, values.map((value) => (isDate(value) ? new Date(value) : value)));
      return Array.isArray(found) ? found : [];
    };
  },
  async redis(url) {
    const redis = new Redis(url);
    return async (token, columns) => {
      const at = `better-auth:${token}`;
      const entry = JSON.parse(await redis.get(at));
      if (!entry) return [];
      Object.assign(entry.session, columns);
      await redis.set(at, JSON.stringify(entry), "KEEPTTL");
      const list = `better-auth:active-sessions-${entry.session.userId}`;
      const listed = JSON.parse(await redis.get(list)).map((one) => (one.token === token ? { ...one, expiresAt: Date.parse(entry.session.expiresAt) } : one));
      await redis.set(list, JSON.stringify(listed.sort((a, b) => a.expiresAt - b.expiresAt)), "KEEPTTL");
      return [];
    };
  },
};

const connections = new Map();

parentPort.on("message", async ({ kind, url, statement, values }) => {
  try {
    if (!connections.has(url)) connections.set(url, await KINDS[kind](url));
    const found = await connections.get(url)(statement, values);
    answers.postMessage({ found: found.map((row) => ({ ...row })) });
  } catch (error) {
    answers.postMessage({ failed: `${error.message}, in: ${statement}` });
  }
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0);
});
