// Ids that are made otherwise.
import assert from "node:assert/strict";

const OWN = "http://127.0.0.1:3000";
const by = (name) => ($) => ({ authorization: `Bearer ${$[name].token}` });

/** What a pair of databases holds, as text, with everything generated taken out. */
function stored(t, statement, expected) {
  t.database((database) => {
    assert.deepEqual(database.prepare(statement).all().map((row) => Object.values(row)), expected);
    if (database.kind !== "sqlite") return; // Others have types.
    const types = statement.replace(/^select (.*) from/, (_, columns) => `select ${columns.split(", ").map((name) => `typeof(${name})`)} from`);
    const classes = expected.map((row) => row.map((value) => (typeof value === "number" ? "integer" : "text")));
    assert.deepEqual(database.prepare(types).all().map((row) => Object.values(row)), classes);
  });
}

async function life(t) {
  await t.signUp("ann");
  await t.signUp("ben");
  await t.signUp("ann", {}, { keep: "nobody" });
  await t.get("/get-session", by("ben"), "session");
  await t.get("/list-accounts", by("ben"), 200);
  await t.signIn("ben", "again");
  await t.get("/list-sessions", by("again"), 200);
  await t.post("/update-user", { name: "Benjamin" }, by("again"), 200);
  await t.post("/change-password", { currentPassword: t.PASSWORD, newPassword: "another password", revokeOtherSessions: true }, ($) => ({ cookie: $.again.cookie, origin: OWN, keep: "changed" }), 200);
  await t.get("/get-session", by("changed"), "session");
  await t.get("/get-session", by("ben"), "clears");
  await t.post("/sign-out", {}, by("changed"), 200);
  await t.get("/get-session", by("ann"), "session");
}

const ids = (title, generateId, check, before = () => {}) => ({
  name: `ids: ${title}`,
  scenario: { options: { advanced: { database: { generateId } } } },
  async run(t) {
    before(t);
    await life(t);
    check(t);
  },
});

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

/** Every table's id gets a default of the database's own. */
function ownDefaults(t) {
  t.database((database) => {
    for (const name of database.tables.filter((name) => name !== "verification").sort()) {
      const made = { postgres: "md5(random()::text)", mariadb: "(md5(uuid()))" }[database.kind];
      if (made) {
        database.exec(`alter table "${name}" alter column id set default ${made}`);
        continue;
      }
      const sql = database.prepare("select sql from sqlite_master where name = ?").pluck().get(name);
      database.exec(`drop table "${name}"; ${sql.replace("primary key", "primary key default (lower(hex(randomblob(16))))")}`);
    }
  });
}

export default [
  ids("UUIDs", "uuid", (t) => t.database((database) => {
    for (const table of database.tables.filter((name) => name !== "verification")) {
      for (const id of database.prepare(`select id from "${table}"`).pluck().all()) assert.match(id, new RegExp(`^${UUID}$`));
    }
    // Postgres compares no UUID with a text, and MariaDB makes texts of another collation.
    const asText = t.store === "postgres" ? "cast(user.id as char(36))" : "user.id";
    assert.equal(database.prepare(`select count(*) from account join user on user.id = account.userId and ${asText} = account.accountId`).pluck().get(), 2);
  })),
  ids("numbers", "serial", (t) => {
    stored(t, `select id, name from user order by id`, [[1, "ann"], [2, "Benjamin"]]);
    stored(t, `select id, userId, accountId from account order by id`, [[1, 1, "1"], [2, 2, "2"]]);
    if (t.store !== "redis") stored(t, `select id, userId from session order by id`, [[1, 1]]);
  }),
  ids("the database's own", false, (t) => t.database((database) => {
    for (const table of database.tables.filter((name) => name !== "verification")) {
      for (const id of database.prepare(`select id from "${table}"`).pluck().all()) assert.match(id, /^[0-9a-f]{32}$/);
    }
  }), ownDefaults),
  {
    name: "ids: numbers, with the limiter in the database",
    scenario: { options: { advanced: { database: { generateId: "serial" } }, rateLimit: { enabled: true, storage: "database", max: 2 } } },
    async run(t) {
      for (const path of ["/ok", "/ok", "/ok", "/error", "/error", "/error"]) await t.get(path);
      stored(t, `select id, "key", "count" from "rateLimit" order by id`, [[1, "127.0.0.1|/ok", 2], [2, "127.0.0.1|/error", 2]]);
    },
  },
];
