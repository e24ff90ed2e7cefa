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

/** How many stores are kept open: more than are in use at once. */
const OPEN = 24;

/** Each opens a store, and resolves to { ask, close }. */
const KINDS = {
  async postgres(url) {
    const client = new pg.Client({ connectionString: url });
    // The database may be dropped with us in it.
    client.on("error", () => {});
    await client.connect();
    return { ask: async (statement, values) => [(await client.query(statement, values.length ? values : undefined)).rows].flat(), close: () => client.end() };
  },
  async mariadb(url) {
    const typeCast = (field, next) => {
      const value = next();
      return value instanceof Date ? value.toISOString() : value;
    };
    const client = await mysql.createConnection({ uri: url, timezone: "Z", multipleStatements: true, typeCast });
    client.on("error", () => {});
    await client.query("set sql_mode = 'ANSI,STRICT_TRANS_TABLES'");
    const ask = async (statement, values) => {
      const [found] = await client.query(statement, values.map((value) => (isDate(value) ? new Date(value) : value)));
      return Array.isArray(found) ? found : [];
    };
    return { ask, close: () => client.end() };
  },
  async redis(url) {
    const redis = new Redis(url);
    return { ask: (token, columns) => asked(redis, token, columns), close: () => redis.disconnect() };
  },
};

function asked(redis, token, columns) {
  if (columns === "verifications") return drop(redis, (key) => key.startsWith("better-auth:verification:"));
  return Array.isArray(columns) ? refresh(redis, columns) : change(redis, token, columns);
}

/** Gives all sessions the users as the database has them. */
async function refresh(redis, users) {
  for (const key of (await redis.keys("better-auth:*")).filter((name) => /:[A-Za-z0-9]{32}$/.test(name))) {
    const entry = JSON.parse(await redis.get(key));
    const row = users.find(({ id }) => String(id) === String(entry.user?.id));
    for (const name of Object.keys(entry.user ?? {}).filter((name) => name !== "id" && row && name in row)) {
      entry.user[name] = typeof entry.user[name] === "boolean" ? Boolean(row[name]) : row[name];
    }
    await redis.set(key, JSON.stringify(entry), "KEEPTTL");
  }
  return [];
}

async function drop(redis, isIt) {
  const keys = (await redis.keys("better-auth:*")).filter(isIt);
  if (keys.length > 0) await redis.del(keys);
  return [];
}

/** Changes a session and its place in the list of its user; with no columns it ends, and without a token all do. */
async function change(redis, token, columns) {
  if (!token) return drop(redis, (key) => /:(active-sessions-.*|[A-Za-z0-9]{32})$/.test(key));
  const at = `better-auth:${token}`;
  const entry = JSON.parse(await redis.get(at));
  if (!entry) return [];
  const list = `better-auth:active-sessions-${entry.session.userId}`;
  const others = JSON.parse(await redis.get(list)).filter((one) => one.token !== token);
  if (columns) {
    Object.assign(entry.session, columns);
    await redis.set(at, JSON.stringify(entry), "KEEPTTL");
    if (entry.session.token !== token) await redis.rename(at, `better-auth:${entry.session.token}`);
    others.push({ token: entry.session.token, expiresAt: Date.parse(entry.session.expiresAt) });
  } else await redis.del(at);
  await redis.set(list, JSON.stringify(others.sort((a, b) => a.expiresAt - b.expiresAt)), "KEEPTTL");
  return [];
}

const opened = new Map();

/** The store at `url`; the one that was opened first gives way where there are too many. */
async function open(kind, url) {
  if (!opened.has(url)) {
    opened.set(url, await KINDS[kind](url));
    const [[oldest, { close }]] = opened;
    if (opened.size > OPEN) {
      opened.delete(oldest);
      Promise.resolve(close()).catch(() => {});
    }
  }
  return opened.get(url);
}

parentPort.on("message", async ({ kind, url, statement, values }) => {
  try {
    const { ask } = await open(kind, url);
    answers.postMessage({ found: (await ask(statement, values)).map((row) => ({ ...row })) });
  } catch (error) {
    answers.postMessage({ failed: `${error.message}, in: ${statement}` });
  }
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0);
});
