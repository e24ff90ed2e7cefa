// Databases that the npm package made and filled, with things of their owner's own in them, and `hallpass migrate` on them. What a
// migration did is read off the dumps of the database's own program: one before, one after.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { claims } from "./lib/claims.mjs";
import { cleanEnvironment, removeFolder, temporaryFolder } from "./lib/children.mjs";
import { added, dump } from "./lib/dumps.mjs";
import { outbox } from "./lib/outbox.mjs";
import { ORIGIN, scenario } from "./lib/scenario.mjs";
import { hallpassBinary } from "./lib/servers.mjs";
import { freshStore, rows } from "./lib/stores.mjs";
import { toToml } from "./lib/toml.mjs";
import { connection } from "./lib/wire.mjs";

const KINDS = ["sqlite", "postgres", "mariadb"];
const PASSWORD = "correct horse battery";
const optional = (type, more = {}) => ({ type, required: false, ...more });
const FIELDS = {
  nickname: optional("string", { index: true }), handle: optional("string", { unique: true }), age: optional("number"), points: optional("number", { bigint: true }),
  newsletter: optional("boolean", { defaultValue: true }), born: optional("date"), settings: optional("json"), tags: optional("string[]"), scores: optional("number[]"),
  plan: { type: "string", required: true, defaultValue: "free" },
};
const MAIL = { emailAndPassword: { sendResetPassword: true } };
const WIDE = { ...MAIL, user: { additionalFields: FIELDS }, session: { additionalFields: { theme: optional("string") } } };
const NAMES = {
  ...MAIL,
  user: { modelName: "people", fields: { email: "mail", name: "full name", createdAt: "made" }, additionalFields: { ...FIELDS, nickname: optional("string", { fieldName: "nick" }) } },
  session: { modelName: "logins", fields: { token: "tok", userId: "person", expiresAt: "until" } },
  account: { modelName: "accs", fields: { userId: "owner", password: "hash" } },
  verification: { modelName: "verifs", fields: { identifier: "ident" } },
};
const ids = (generateId) => ({ ...WIDE, advanced: { database: { generateId } } });
const SCENARIOS = {
  "additional fields": WIDE,
  "other names": NAMES,
  "UUIDs for ids": ids("uuid"),
  "numbers for ids": { ...ids("serial"), rateLimit: { storage: "database" } },
};
/** What is also filled, added to and served, on each kind; elsewhere empty tables have to do. */
const TAKEN_OVER = {
  sqlite: ["additional fields", "numbers for ids"],
  postgres: ["additional fields", "UUIDs for ids", "numbers for ids"],
  mariadb: ["additional fields", "other names"],
};
/** Fields that come to the configuration later. */
const LATER = { level: { type: "number", required: true, defaultValue: 3 }, motto: optional("string"), code: optional("string", { unique: true }), team: optional("string", { index: true }) };

/** Resolves to { steps, different: [text] }. `original` and `subject` start a server on a given store. */
export async function runMigrations({ original, subject, print = console.log }) {
  const { total, claim } = claims(print);
  const every = async (kind) => {
    for (const [name, options] of Object.entries(SCENARIOS)) {
      const title = `${kind}, ${name}`;
      await claim(`${title}: an empty database gets the tables that the original makes`, () => sameTables(kind, scenario({ options }), original));
      if (!TAKEN_OVER[kind].includes(name)) continue;
      const store = await freshStore(kind);
      try {
        await takenOver(claim, title, store, options, original, subject);
      } finally {
        await store.drop();
      }
    }
  };
  await Promise.all(KINDS.map(every));
  return total;
}

async function sameTables(kind, given, original) {
  const [theirs, ours] = [await freshStore(kind), await freshStore(kind)];
  try {
    await serve(original, given, theirs, async () => {});
    assert.equal(hallpass(given, ours, "migrate").status, 0);
    onlyTriggers(added(dump(theirs, { schemaOnly: true }), dump(ours, { schemaOnly: true })), kind);
  } finally {
    await theirs.drop();
    await ours.drop();
  }
}

/** The original makes the database and fills it, its owner adds things, and hallpass migrates and serves it. */
async function takenOver(claim, title, store, options, original, subject) {
  const given = scenario({ options });
  const names = namesOf(options);
  const { users, reset } = await serve(original, given, store, filled);
  await ownThings(store, names);
  const before = dump(store);
  await claim(`${title}: tools work on the original's database as it is`, () => {
    const listed = hallpass(given, store, "user", "list");
    assert.equal(listed.status, 0, listed.stderr);
    assert.match(listed.stdout, /ann@example\.com/);
    assert.equal(hallpass(given, store, "session", "list", "ann@example.com").status, 0);
    const unknown = hallpass(given, store, "session", "revoke", "no-such-id");
    assert.match(unknown.stderr, /there is no such session/);
    assert.deepEqual(dump(store), before);
  });
  await claim(`${title}: a migration adds nothing but triggers, and takes nothing away`, () => {
    const plan = hallpass(given, store, "migrate", "--plan");
    assert.deepEqual(dump(store), before, "a plan has changed something");
    const done = hallpass(given, store, "migrate");
    assert.equal(done.status, 0, done.stderr);
    assert.equal(done.stdout, plan.stdout);
    onlyTriggers(added(before, dump(store)), store.kind);
    assert.equal(hallpass(given, store, "migrate", "--plan").stdout, "", "something is left to do");
  });
  await claim(`${title}: fields that come later change nothing else`, () => grown(store, options, names));
  const kept = await everything(store, names);
  await claim(`${title}: hallpass serves it, and every value stays`, () => serve(subject, given, store, async (ask) => {
    await knows(ask, users);
    const changed = await ask({ method: "POST", path: "/update-user", json: { name: "Änn" }, bearer: users.ann.token });
    assert.equal(changed.status, 200, changed.body);
    const link = await ask({ path: `/reset-password/${reset}?callbackURL=%2Fnew` });
    assert.match(link.headers.find(([header]) => header === "location")?.[1] ?? "", /\/new\?token=/, "the link of a mail is refused");
  }));
  await claim(`${title}: what was not changed is as it was`, async () => {
    const now = await everything(store, names);
    const { name, updated } = names;
    const ann = (all) => all.user.find((row) => row[names.email] === "ann@example.com");
    assert.equal(ann(now)[name], "Änn");
    for (const column of [name, updated]) ann(now)[column] = ann(kept)[column];
    const signedIn = now.session.filter((row) => !kept.session.some(({ id }) => id === row.id));
    assert.equal(signedIn.length, 1);
    now.session = now.session.filter((row) => !signedIn.includes(row));
    assert.deepEqual(now, kept);
  });
  const cat = { name: "cat", email: "cat@example.com", password: PASSWORD };
  await claim(`${title}: somebody new signs up, and the original serves it again`, async () => {
    const answer = await serve(subject, given, store, (ask) => ask({ method: "POST", path: "/sign-up/email", json: cat }));
    assert.equal(answer.status, 200, answer.body);
    await serve(original, given, store, async (ask) => {
      await knows(ask, users, "Änn");
      const signedIn = await ask({ method: "POST", path: "/sign-in/email", json: cat });
      assert.deepEqual([signedIn.status, JSON.parse(signedIn.body).user?.id], [200, JSON.parse(answer.body).user.id]);
    });
  });
}

/** Two people with everything a row can hold, a session that was ended, and a mailed link that waits. */
async function filled(ask, server) {
  const users = {};
  const mails = outbox(server.outbox);
  const values = {
    nickname: "N\u{1F600}'\"\\", handle: "ann", age: -7, points: 9007199254740991, newsletter: false, born: "1990-05-17T08:09:10.123Z",
    settings: { b: [1, 2.5, "x"], a: null }, tags: ["a", "b'c"], scores: [1, 2.5], plan: "pro",
  };
  for (const [name, more] of [["ann", values], ["ben", { handle: "ben" }]]) {
    const json = { name, email: `${name}@example.com`, password: PASSWORD, ...more };
    const answer = await ask({ method: "POST", path: "/sign-up/email", json });
    assert.equal(answer.status, 200, answer.body);
    const token = answer.headers.find(([header]) => header === "set-auth-token")[1];
    users[name] = { token, ...JSON.parse((await ask({ path: "/get-session", bearer: token })).body) };
  }
  const second = await ask({ method: "POST", path: "/sign-in/email", json: { email: "ben@example.com", password: PASSWORD } });
  const bearer = second.headers.find(([header]) => header === "set-auth-token")[1];
  assert.equal((await ask({ method: "POST", path: "/sign-out", bearer })).status, 200);
  assert.equal((await ask({ method: "POST", path: "/request-password-reset", json: { email: "ben@example.com", redirectTo: "/new" } })).status, 200);
  const mail = (await mails.take(1)).find(({ kind }) => kind === "reset-password");
  return { users, reset: mail.token };
}

/** What the owner of a database has in it beside: a column, a table that refers to users, an index, a view, a trigger. */
async function ownThings(store, names) {
  const { user, email } = names;
  const [[column]] = [await rows(store, `select id from "${user}" where "${email}" = ?`, ["ann@example.com"])];
  const idType = { sqlite: "text", mariadb: typeof column.id === "number" ? "integer" : "varchar(36)" }[store.kind] ?? postgresType(column.id);
  const stamp = {
    sqlite: `create trigger own_stamp after insert on own_note begin update own_note set body = upper(body) where number = new.number; end`,
    mariadb: `create trigger own_stamp before insert on own_note for each row set new.body = upper(new.body)`,
    postgres: `create trigger own_stamp before update on own_note for each row execute function suppress_redundant_updates_trigger()`,
  };
  for (const statement of [
    `alter table "${user}" add column "legacyCode" varchar(40) default 'none'`,
    `update "${user}" set "legacyCode" = 'L-1'`,
    `create table own_note (number integer primary key, owner ${idType} not null references "${user}" (id) on delete cascade, body text)`,
    `create index own_note_owner on own_note (owner)`,
    `create index own_legacy on "${user}" ("legacyCode")`,
    `create view own_people as select id, "${email}" as address from "${user}"`,
    stamp[store.kind],
  ]) await rows(store, statement);
  await rows(store, `insert into own_note (number, owner, body) values (1, ?, 'dear diary')`, [column.id]);
}

const postgresType = (id) => (typeof id === "number" ? "integer" : /^[0-9a-f]{8}-/.test(id) ? "uuid" : "text");

/** Adds what the configuration names later, and takes exactly that out again: nothing else may then be different. */
async function grown(store, options, names) {
  const before = dump(store);
  const more = { ...options, user: { ...options.user, additionalFields: { ...options.user?.additionalFields, ...LATER } } };
  const done = hallpass(scenario({ options: more }), store, "migrate");
  assert.equal(done.status, 0, done.stderr);
  const [ann] = await rows(store, `select * from "${names.user}" where "${names.email}" = ?`, ["ann@example.com"]);
  assert.deepEqual(Object.keys(LATER).map((name) => ann[name]), [3, null, null, null]);
  const { user } = names;
  const onTable = store.kind === "mariadb" ? ` on "${user}"` : "";
  for (const index of [`${user}_code_uidx`, `${user}_team_idx`]) await rows(store, `drop index "${index}"${onTable}`);
  for (const name of Object.keys(LATER)) await rows(store, `alter table "${user}" drop column "${name}"`);
  assert.deepEqual(dump(store), before);
}

/** Passwords and sessions of the original are good. */
async function knows(ask, users, name = "ann") {
  for (const known of Object.values(users)) {
    const { session, user } = JSON.parse((await ask({ path: "/get-session", bearer: known.token })).body) ?? {};
    const expected = known.user.email === "ann@example.com" ? { ...known.user, name, updatedAt: user?.updatedAt } : known.user;
    // The original's driver for Postgres gives long numbers as texts, and the original passes them on.
    for (const one of [user, expected]) if (typeof one?.points === "string") one.points = Number(one.points);
    assert.deepEqual(user, expected);
    assert.deepEqual(session, known.session);
  }
  if (name !== "ann") return;
  const answer = await ask({ method: "POST", path: "/sign-in/email", json: { email: "BEN@example.com", password: PASSWORD } });
  assert.equal(answer.status, 200, answer.body);
}

/** Every row of the tables, by their plain names. */
async function everything(store, names) {
  const all = {};
  for (const table of ["user", "session", "account", "verification"]) all[table] = await rows(store, `select * from "${names[table]}" order by id`);
  all.own = await rows(store, "select * from own_note");
  return all;
}

/** What tables and columns are called. */
function namesOf({ user, session, account, verification }) {
  const field = (name) => user?.fields?.[name] ?? name;
  return {
    user: user?.modelName ?? "user", session: session?.modelName ?? "session", account: account?.modelName ?? "account",
    verification: verification?.modelName ?? "verification", email: field("email"), name: field("name"), updated: field("updatedAt"),
  };
}

/** On Postgres six triggers and their two functions, each a paragraph of the dump; elsewhere nothing at all. */
function onlyTriggers(lines, kind) {
  if (kind !== "postgres") return assert.deepEqual(lines, []);
  const titles = lines.filter((line) => line.startsWith("-- Name: "));
  for (const title of titles) assert.match(title, /^-- Name: .*\bhallpass_\w+.*; Type: (FUNCTION|TRIGGER);/);
  assert.equal(titles.length, 8, titles.join("\n"));
  const bodies = lines.join("\n").split(/^-- Name: .*$/m).slice(1);
  for (const body of bodies) {
    const statements = body.split("\n").filter((line) => /^(CREATE|ALTER|DROP|INSERT|COPY|SELECT|SET)\b/.test(line));
    assert.ok(statements.length === 1 && /^CREATE (FUNCTION public\.|TRIGGER )"?hallpass_/.test(statements[0]), body);
  }
}

/** Runs a command of hallpass to its end. */
function hallpass(given, store, ...words) {
  const folder = temporaryFolder();
  const config = join(folder, "hallpass.toml");
  writeFileSync(config, toToml(given, { store, port: 3000, outbox: join(folder, "outbox.jsonl") }));
  const done = spawnSync(hallpassBinary(), [...words, "--config", config], { encoding: "utf8", env: cleanEnvironment() });
  removeFolder(folder);
  return done;
}

/** Runs `use(ask)` against a server on this store, then ends it. */
async function serve(start, given, store, use) {
  const server = await start(given, { database: store });
  const wire = connection(server.port);
  const ask = ({ method = "GET", path, json, bearer }) => {
    const body = json && JSON.stringify(json);
    const headers = [["Host", ORIGIN.replace("http://", "")]];
    if (bearer) headers.push(["Authorization", `Bearer ${bearer}`]);
    if (body) headers.push(["Content-Type", "application/json"]);
    if (method === "POST") headers.push(["Content-Length", String(Buffer.byteLength(body ?? ""))]);
    return wire.send({ method, target: `/api/auth${path}`, headers, body });
  };
  try {
    return await use(ask, server);
  } finally {
    wire.close();
    await server.stop();
  }
}
