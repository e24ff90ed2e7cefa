// The database of a store as flows look into it and change it: with the calls of better-sqlite3, whichever it is, so that a flow
// reads from top to bottom. Postgres and MariaDB are asked by a worker, and this thread waits for it.
//
// Statements are written once for all of them: names with capitals may stand without quotes, `?` for values, true and false for
// truth. What is read is as SQLite has it: dates are texts, truth is 0 or 1.
import { MessageChannel, Worker, receiveMessageOnPort } from "node:worker_threads";
import Database from "better-sqlite3";

const PATIENCE = 20_000;

const FOREIGN_KEYS = {
  sqlite: ["pragma foreign_keys = off", "pragma foreign_keys = on"],
  postgres: ["set session_replication_role = replica", "set session_replication_role = default"],
  mariadb: ["set foreign_key_checks = 0", "set foreign_key_checks = 1"],
};

/**
 * Gives { kind, name, tables, prepare, exec, close }. `tables` are those that the store has of the four; the others are in Redis.
 * `orphaning(work)` does work that foreign keys would refuse. `alter(token, columns)` changes a session wherever it is kept, or ends
 * it if columns are null; `refresh()` hands changed users on to the sessions in Redis, which hold them, and takes
 * out of Redis what verifications it has beside the table, so that the table is gone by; `forget()` removes all users with what is theirs.
 */
export function openDatabase(store) {
  const kind = store.file ? "sqlite" : store.kind;
  const database = store.file ? new Database(store.file, { timeout: 5000 }) : afar(store);
  const [off, on] = FOREIGN_KEYS[kind];
  const inRedis = (...question) => askWorker({ kind: "redis", url: store.redis, statement: question[0], values: question[1] });
  return Object.assign(database, {
    kind,
    orphaning(work) {
      database.exec(off);
      work();
      database.exec(on);
    },
    tables: store.redis ? ["user", "account"] : ["user", "session", "account", "verification"],
    alter(token, columns) {
      if (store.redis) return inRedis(token, columns);
      if (!columns) return database.prepare("delete from session where token = ?").run(token);
      const names = Object.keys(columns).map((column) => `"${column}" = ?`);
      return database.prepare(`update session set ${names} where token = ?`).run(...Object.values(columns), token);
    },
    refresh() {
      const has = (table) => store.redis && database.prepare("select 1 from sqlite_master where name = ?").get(table);
      if (has("user")) inRedis("", database.prepare("select * from user").all());
      if (has("verification")) inRedis("", "verifications");
    },
    forget() {
      if (store.redis) inRedis("", null);
      else database.exec("delete from session");
      database.exec("delete from account; delete from user");
    },
  });
}

function afar({ kind, url }) {
  const ask = (statement, values = []) => askWorker({ kind, url, statement: spelt(kind, statement), values });
  return {
    name: url,
    prepare: (statement) => prepared((values) => ask(statement, values.flat())),
    exec: (statement) => ask(statement),
    close() {},
  };
}

function prepared(ask) {
  const statement = {
    run: (...values) => ask(values),
    all: (...values) => ask(values),
    get: (...values) => ask(values)[0],
    pluck: () => {
      const first = (row) => row && Object.values(row)[0];
      return { all: (...values) => ask(values).map(first), get: (...values) => first(ask(values)[0]) };
    },
  };
  return statement;
}

/** Postgres reads names without quotes as small letters, has a function `user`, and counts its values. */
function spelt(kind, statement) {
  if (kind !== "postgres") return statement;
  let at = 0;
  const outside = (text) => text.replace(/\b(?:[a-z]+[A-Z]\w*|user)\b/g, '"$&"').replaceAll("?", () => `$${(at += 1)}`);
  return statement.split(/('[^']*'|"[^"]*")/).map((text, index) => (index % 2 ? text : outside(text))).join("");
}

let worker;

function askWorker(question) {
  worker ??= startWorker();
  const { thread, answers, bell } = worker;
  const before = Atomics.load(bell, 0);
  thread.postMessage(question);
  if (Atomics.wait(bell, 0, before, PATIENCE) === "timed-out") throw new Error(`the database did not answer in ${PATIENCE / 1000} s: ${question.statement}`);
  const { found, failed } = receiveMessageOnPort(answers).message;
  if (failed) throw new Error(failed);
  return found;
}

function startWorker() {
  const { port1, port2 } = new MessageChannel();
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(new URL("./database-worker.mjs", import.meta.url), { workerData: { answers: port2, bell }, transferList: [port2] });
  thread.unref();
  port1.unref();
  return { thread, answers: port1, bell };
}
