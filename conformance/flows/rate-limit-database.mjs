// Counting requests in the database.
import assert from "node:assert/strict";

const stored = (rateLimit, more) => ({ options: { rateLimit: { enabled: true, storage: "database", ...rateLimit }, ...more } });
const from = (address) => ({ headers: [["X-Forwarded-For", address]] });

async function repeat(times, ask) {
  for (let n = 0; n < times; n += 1) await ask(n);
}

/** Both databases must have counted the same; `expected` is a list of [key, count], in the order of keys. */
function counted(t, expected, columns = { table: "rateLimit", key: "key", count: "count", lastRequest: "lastRequest" }) {
  t.database((database) => {
    const { table, key, count, lastRequest } = columns;
    const rows = database.prepare(`select "${key}" as "key", "${count}" as "count", "${lastRequest}" as last from "${table}" order by 1`).all();
    assert.deepEqual(rows.map((row) => [row.key, row.count]), expected);
    for (const row of rows) {
      assert.ok(Math.abs(Date.now() - row.last) < 60_000, "lastRequest is in milliseconds");
    }
    if (database.kind !== "sqlite") return; // Others have types.
    const types = database.prepare(`select distinct typeof("${count}"), typeof("${lastRequest}") from "${table}"`).all();
    assert.deepEqual(types.map(Object.values), [["integer", "integer"]]);
  });
}

export default [
  {
    name: "rate limit in the database: the built-in rules",
    scenario: stored({}),
    async run(t) {
      await repeat(5, () => t.post("/sign-in/email", {}));
      await repeat(5, () => t.post("/sign-up/email", { name: "x" }));
      await repeat(4, () => t.get("/request-password-reset"));
      await repeat(4, () => t.get("/nothing/", from("9.9.9.9")));
      await repeat(2, () => t.get("/x/../nothing", from("::ffff:9.9.9.9")));
      await repeat(2, () => t.get("/nothing", from("2001:db8::7")));
      counted(t, [
        ["127.0.0.1|/request-password-reset", 3],
        ["127.0.0.1|/sign-in/email", 3],
        ["127.0.0.1|/sign-up/email", 3],
        ["2001:0db8:0000:0000:0000:0000:0000:0000|/nothing", 2],
        ["9.9.9.9|/nothing", 6],
      ]);
    },
  },
  {
    name: "rate limit in the database: custom rules",
    scenario: stored({ window: 60, max: 2, customRules: { "/ok": false, "/sign-in/*": { window: 60, max: 1 }, "/**/deep": { window: 60, max: 1 }, "/get-*": { window: 60, max: 3 } } }),
    async run(t) {
      await repeat(4, () => t.get("/ok", {}, 200));
      await repeat(4, () => t.get("/get-session"));
      await repeat(3, () => t.post("/sign-in/email", {}));
      await repeat(3, () => t.get("/sign-in/a/b"));
      await repeat(3, () => t.get("/a/b/deep"));
      await repeat(3, () => t.get("/error"));
    },
  },
  {
    name: "rate limit in the database: the window slides, and old rows go",
    scenario: stored({ window: 2, max: 3 }),
    async run(t) {
      await t.get("/ok", {}, 200);
      await t.sleep(1300);
      await t.get("/ok", {}, 200);
      await t.sleep(1300);
      await t.get("/ok", {}, 200);
      await t.get("/ok", {}, 429);
      t.database((database) => database.prepare(`insert into "rateLimit" ("id", "key", "count", "lastRequest") values ('old', 'old', 1, ?), ('young', 'young', 1, ?)`).run(Date.now() - 61_000, Date.now() - 50_000));
      await t.sleep(2100);
      await t.get("/ok", {}, 200);
      counted(t, [["127.0.0.1|/ok", 1], ["young", 1]]);
    },
  },
];
