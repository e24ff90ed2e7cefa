// One database for both servers: made by either, opened by the other, and by both at once.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { claims } from "./lib/claims.mjs";
import { cookieHeader, jar } from "./lib/cookies.mjs";
import { openDatabase } from "./lib/database.mjs";
import { ORIGIN, scenario } from "./lib/scenario.mjs";
import { madeTables } from "./lib/schema.mjs";
import { freshStore } from "./lib/stores.mjs";
import { connection } from "./lib/wire.mjs";

const PASSWORD = "pässwörd ﬁancé Ⅷ①";
/** How long one side may believe what the other has changed, in ms: the lease of hallpass's cache, and a moment. */
const LEASE = 2050;
const FIELDS = {
  user: { additionalFields: { nickname: { type: "string", required: false }, age: { type: "number", required: false }, newsletter: { type: "boolean", required: false, defaultValue: false } } },
  session: { additionalFields: { theme: { type: "string", required: false } } },
};
const NAMES = {
  user: { modelName: "people", fields: { email: "mail", name: "full name", createdAt: "made" }, additionalFields: { nickname: { type: "string", required: false, fieldName: "nick" }, age: { type: "number", required: false }, newsletter: { type: "boolean", required: false, defaultValue: false } } },
  session: { modelName: "logins", fields: { token: "tok", userId: "person", expiresAt: "until" } },
  account: { modelName: "accs", fields: { userId: "owner", password: "hash" } },
  verification: { modelName: "verifs", fields: { identifier: "ident" } },
  rateLimit: { storage: "database", modelName: "limits", fields: { key: "k", lastRequest: "last" } },
};
const SCENARIOS = {
  "the plain schema": scenario({}),
  "additional fields": scenario({ options: FIELDS }),
  "other names": scenario({ options: NAMES }),
  "numbers for ids": scenario({ options: { ...FIELDS, advanced: { database: { generateId: "serial" } } } }),
  "UUIDs for ids": scenario({ options: { ...FIELDS, advanced: { database: { generateId: "uuid" } } } }),
};
/** Those in which rows are looked at in the database itself, under the names and with the ids of the plain schema. */
const PLAIN = new Set(["the plain schema", "additional fields"]);

/**
 * Runs every claim and resolves to { steps, different: [text] }. `original` and `subject` start a server for a
 * scenario on a given store, which is one of `kind`.
 */
export async function runShared({ original, subject, kind, print = console.log }) {
  const { total, claim } = claims(print);
  for (const [title, given] of Object.entries(SCENARIOS)) {
    await claim(`${title}: both make the same tables`, async () => {
      const [one, other] = [await madeSchema(original, given, kind), await madeSchema(subject, given, kind)];
      assert.deepEqual(other, one);
    });
    const plain = PLAIN.has(title);
    await handOver(claim, `${title}: made by the original`, given, kind, original, subject, plain);
    await handOver(claim, `${title}: made by the subject`, given, kind, subject, original, plain);
    await together(claim, `${title}: both at once`, given, kind, original, subject);
  }
  for (const strategy of ["compact", "jwt", "jwe"]) {
    for (const [who, maker, reader] of [["original", original, subject], ["subject", subject, original]]) {
      await copies(claim, `${strategy}, made by the ${who}`, strategy, kind, maker, reader);
    }
  }
  return total;
}

/** `maker` creates the database and its users, and ends; `heir` opens it. */
async function handOver(claim, title, given, kind, maker, heir, plain) {
  const database = await freshStore(kind);
  const users = {};
  await serve(maker, given, database, async (ask) => {
    users.ann = await account(ask, "ann", {});
    users.short = await account(ask, "short", { rememberMe: false });
    users.out = await account(ask, "out", {});
    await ask({ method: "POST", path: "/sign-out", bearer: users.out.signed });
    users.image = await account(ask, "image", { image: "https://example.com/\u{1F600}.png", nickname: "N", age: 7, newsletter: true });
  });
  await serve(heir, given, database, async (ask) => {
    await claim(`${title}: the password is accepted`, async () => {
      const answer = await ask({ method: "POST", path: "/sign-in/email", json: { email: "ANN@example.com", password: PASSWORD } });
      assert.equal(answer.status, 200, answer.body);
      assert.equal(JSON.parse(answer.body).user.id, users.ann.user.id);
    });
    await claim(`${title}: a wrong password is not`, async () => {
      const answer = await ask({ method: "POST", path: "/sign-in/email", json: { email: "ann@example.com", password: `${PASSWORD}!` } });
      assert.equal(answer.status, 401, answer.body);
    });
    for (const name of ["ann", "short", "image"]) {
      for (const [how, credential] of Object.entries(credentials(users[name]))) {
        await claim(`${title}: ${name}'s session is known by ${how}`, async () => {
          const { session, user } = JSON.parse((await ask({ path: "/get-session", ...credential })).body) ?? {};
          assert.deepEqual(user, users[name].user);
          assert.deepEqual(session, users[name].session);
        });
      }
    }
    await claim(`${title}: a session that was ended stays ended`, async () => {
      assert.equal((await ask({ path: "/get-session", bearer: users.out.signed })).body, "null");
    });
    await claim(`${title}: the user can be changed`, async () => {
      const answer = await ask({ method: "POST", path: "/update-user", json: { name: "Änn" }, bearer: users.ann.token });
      assert.equal(answer.status, 200, answer.body);
    });
    await claim(`${title}: the password can be changed`, async () => {
      const json = { currentPassword: PASSWORD, newPassword: "another password" };
      const answer = await ask({ method: "POST", path: "/change-password", json, bearer: users.short.signed });
      assert.equal(answer.status, 200, answer.body);
    });
  });
  // And back again: the maker must be able to read what its heir wrote.
  await serve(maker, given, database, async (ask) => {
    await claim(`${title}: and the maker reads it back`, async () => {
      assert.equal(JSON.parse((await ask({ path: "/get-session", bearer: users.ann.token })).body).user.name, "Änn");
      const json = { email: "short@example.com", password: "another password" };
      assert.equal((await ask({ method: "POST", path: "/sign-in/email", json })).status, 200);
    });
  });
  if (plain) await claim(`${title}: every value is stored in the original's manner`, () => checkStored(database));
  await database.drop();
}

/** Both servers run on one database; what one does is seen by the other on its next request, or as soon as it has heard of it. */
async function together(claim, title, given, kind, original, subject) {
  const database = await freshStore(kind);
  await serve(original, given, database, (askOne) =>
    serve(subject, given, database, async (askOther) => {
      for (const [who, here, there] of [["the original", askOne, askOther], ["the subject", askOther, askOne]]) {
        const name = who.replace("the ", "");
        const one = await account(here, `${name}1`, {});
        await claim(`${title}: a user of ${who} is known to the other at once`, async () => {
          for (const credential of Object.values(credentials(one))) {
            assert.deepEqual(JSON.parse((await there({ path: "/get-session", ...credential })).body)?.user, one.user);
          }
        });
        await claim(`${title}: revoked by the other, and refused by ${who}`, async () => {
          const json = { token: one.token };
          assert.equal((await there({ method: "POST", path: "/revoke-session", json, bearer: one.signed })).status, 200);
          await soon(kind, async () => assert.equal((await here({ path: "/get-session", bearer: one.signed })).body, "null"));
        });
        await claim(`${title}: signed out at ${who}, and refused by the other`, async () => {
          const again = await account(here, `${name}2`, {});
          assert.notEqual((await there({ path: "/get-session", bearer: again.token })).body, "null");
          await here({ method: "POST", path: "/sign-out", bearer: again.token });
          await soon(kind, async () => assert.equal((await there({ path: "/get-session", bearer: again.token })).body, "null"));
        });
        await claim(`${title}: the other sees the address is taken`, async () => {
          const json = { name: "x", email: `${name}1@example.com`, password: PASSWORD };
          assert.equal((await there({ method: "POST", path: "/sign-up/email", json })).status, 422);
        });
      }
      await claim(`${title}: both write at the same time and none is refused`, async () => {
        const one = await account(askOne, "many1", {});
        const other = await account(askOther, "many2", {});
        for (let n = 0; n < 50; n += 1) {
          const answers = await Promise.all([
            askOne({ method: "POST", path: "/update-user", json: { name: `n${n}` }, bearer: one.token }),
            askOther({ method: "POST", path: "/update-user", json: { name: `n${n}` }, bearer: other.token }),
          ]);
          assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
        }
      });
    }));
  await database.drop();
}

/** A copy of a session that one server made is believed by the other: it shows what the copy says, and not what the store says. */
async function copies(claim, title, strategy, kind, maker, reader) {
  const database = await freshStore(kind);
  const fields = { settings: { type: "json", required: false }, size: { type: "number", required: false }, nickname: { type: "string", required: false } };
  const given = scenario({ options: { user: { additionalFields: fields }, session: { cookieCache: { enabled: true, strategy } } } });
  const odd = { settings: { b: [1.5e300, 1e21, 1e-7, 0.1], 10: "\u2028\u0001\"\\/", 9: null, a: "é\u{1F600}" }, size: 1e21, nickname: "x".repeat(6000) };
  // Others than SQLite have no room for such a number, nor for so long a name.
  if (kind !== "sqlite") Object.assign(odd, { settings: { ...odd.settings, long: odd.nickname }, size: 7, nickname: "x" });
  for (const [length, more] of [["", {}], [", in pieces", odd]]) {
    const name = `copied${length.length}`;
    const user = await serve(maker, given, database, (ask) => account(ask, name, more));
    rename(database, user);
    await serve(reader, given, database, async (ask) => {
      await claim(`copies: ${title}${length}, is believed by the other`, async () => {
        const answer = await ask({ path: "/get-session", cookie: user.cookie });
        assert.equal(JSON.parse(answer.body)?.user.name, name);
        assert.deepEqual(JSON.parse(answer.body), { session: user.session, user: user.user });
        assert.equal(answer.headers.some(([header]) => header === "set-cookie"), false);
      });
      await claim(`copies: ${title}${length}, is not when one letter is another`, async () => {
        const cookie = user.cookie.replace(/(session_data(?:\.0)?=.{60})(.)/, (_, before, letter) => before + (letter === "A" ? "B" : "A"));
        assert.equal(JSON.parse((await ask({ path: "/get-session", cookie })).body)?.user.name, "of the store");
      });
    });
  }
  await database.drop();
}

/** Where sessions are kept in memory one hears of the other's changes a moment later; the lease says how much. */
async function soon(kind, prove) {
  const late = Date.now() + (["postgres", "redis"].includes(kind) ? LEASE : 0);
  for (;;) {
    const asked = Date.now();
    try {
      return await prove();
    } catch (error) {
      if (asked >= late) throw error;
    }
    await sleep(2);
  }
}

/** Gives a user another name behind the back of the servers. */
function rename(store, { user }) {
  const database = openDatabase(store);
  database.prepare("update user set name = 'of the store' where id = ?").run(user.id);
  database.refresh();
  database.close();
}

/** Runs `use(ask)` against a server on this store, then ends it. */
async function serve(start, given, database, use) {
  const server = await start(given, { database });
  const wire = connection(server.port);
  const ask = ({ method = "GET", path, json, bearer, cookie }) => {
    const body = json && JSON.stringify(json);
    const headers = [["Host", ORIGIN.replace("http://", "")]];
    if (bearer) headers.push(["Authorization", `Bearer ${bearer}`]);
    if (cookie) headers.push(["Cookie", cookie], ["Origin", ORIGIN]);
    if (body) headers.push(["Content-Type", "application/json"]);
    if (method === "POST") headers.push(["Content-Length", String(Buffer.byteLength(body ?? ""))]);
    return wire.send({ method, target: `/api/auth${path}`, headers, body });
  };
  try {
    return await use(ask);
  } finally {
    wire.close();
    await server.stop();
  }
}

async function account(ask, name, more) {
  const answer = await ask({ method: "POST", path: "/sign-up/email", json: { name, email: `${name}@example.com`, password: PASSWORD, ...more } });
  assert.equal(answer.status, 200, `${name} cannot be signed up: ${answer.status} ${answer.body}`);
  const { token } = JSON.parse(answer.body);
  const signed = answer.headers.find(([header]) => header === "set-auth-token")[1];
  const cookie = cookieHeader(jar([], answer));
  return { token, signed, cookie, ...JSON.parse((await ask({ path: "/get-session", bearer: signed })).body) };
}

function credentials({ token, signed, cookie }) {
  return { "a raw bearer": { bearer: token }, "a signed bearer": { bearer: signed }, "an encoded bearer": { bearer: encodeURIComponent(signed) }, "its cookies": { cookie } };
}

/** The tables that a server makes in an empty database. */
async function madeSchema(start, given, kind) {
  const store = await freshStore(kind);
  await serve(start, given, store, async () => {});
  const tables = await madeTables(store);
  await store.drop();
  return tables;
}

/** Storage classes and spellings of all values in a database, as the original writes them. */
function checkStored(store) {
  const database = openDatabase(store);
  try {
    for (const table of database.tables.filter((name) => name !== "verification")) {
      for (const row of database.prepare(`select * from "${table}"`).all()) {
        assert.match(row.id, /^[A-Za-z0-9]{32}$/);
        for (const column of ["createdAt", "updatedAt", "expiresAt"]) {
          if (column in row) assert.match(row[column], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, `${table}.${column}`);
        }
        if (table === "user") assert.equal(row.emailVerified, 0);
        if (table === "session") assert.match(row.token, /^[A-Za-z0-9]{32}$/);
        if (table === "account") {
          assert.deepEqual([row.providerId, row.accountId], ["credential", row.userId]);
          assert.match(row.password, /^[0-9a-f]{32}:[0-9a-f]{128}$/);
        }
      }
    }
  } finally {
    database.close();
  }
}
