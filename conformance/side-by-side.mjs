// The npm package and another server at once on one store. Several actors, each with a user of its own, do what people do;
// every operation goes to one side that is drawn, and a model of each user says what must then hold on both. What an actor does
// is drawn from the seed and the actor's number alone, so that a seed repeats it whatever the timing.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { cookieHeader, jar } from "./lib/cookies.mjs";
import { outbox, target } from "./lib/outbox.mjs";
import { generator } from "./lib/random.mjs";
import { ORIGIN, scenario } from "./lib/scenario.mjs";
import { freshStore, rows } from "./lib/stores.mjs";
import { connection } from "./lib/wire.mjs";

const ACTORS = 8;
const PASSWORD = "correct horse battery";
/** How long one side may believe what the other has changed: the lease of hallpass's cache, and a moment. */
const LEASE = 2050;

const SCENARIO = scenario({
  options: {
    emailAndPassword: { sendResetPassword: true },
    emailVerification: { sendVerificationEmail: true },
    user: { changeEmail: { enabled: true, updateEmailWithoutVerification: true }, deleteUser: { enabled: true } },
  },
});

/** Resolves to { steps, different: [text] }. `original` and `subject` start a server on a given store. */
export async function runSideBySide({ original, subject, kind, seed, count, print = console.log }) {
  const total = { steps: 0, different: [] };
  const store = await freshStore(kind);
  const servers = [await original(SCENARIO, { database: store })];
  try {
    servers.push(await subject(SCENARIO, { database: store }));
    const mails = mailbox(servers);
    const latencies = [];
    const started = Date.now();
    const actors = Array.from({ length: ACTORS }, (_, number) => actor({ number, random: generator(seed, number), servers, mails, latencies }));
    const share = Math.ceil(count / ACTORS);
    await Promise.all(actors.map(async (one) => {
      for (let n = 0; n < share; n += 1) {
        total.steps += 1;
        try {
          await one.step();
        } catch (error) {
          total.different.push(`  seed ${seed}, actor ${one.number}, operation ${n} (${one.doing}): ${error.message}\n    before: ${one.done.slice(-8).join(", ")}`);
          print(total.different.at(-1));
          return; // Its model is not to be believed any more.
        }
      }
    }));
    if (total.different.length === 0) await lastLook(store, actors, total);
    told(latencies, print);
    const seconds = (Date.now() - started) / 1000;
    print(`  ${count} operations in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} a second`);
  } finally {
    for (const server of servers) await server.stop();
    await store.drop();
  }
  return total;
}

/** The mails of both servers, by kind and address. */
function mailbox(servers) {
  const boxes = servers.map((server) => outbox(server.outbox));
  let come = [];
  return async (kind, to) => {
    for (const late = Date.now() + 5000; Date.now() < late; await sleep(10)) {
      for (const box of boxes) come.push(...(await box.take()));
      const found = come.findLast((mail) => mail.kind === kind && mail.to === to);
      if (found) {
        come = come.filter((mail) => mail !== found);
        return found;
      }
    }
    throw new Error(`no mail ${kind} came`);
  };
}

function actor({ number, random, servers, mails, latencies }) {
  const wires = servers.map((server) => [connection(server.port), connection(server.port)]);
  const done = [];
  let born = 0;
  let user;

  async function ask(side, path, { json, token, method = json ? "POST" : "GET", lane = 0, whole } = {}) {
    const body = json && JSON.stringify(json);
    const headers = [["Host", ORIGIN.replace("http://", "")], ...credential(token)];
    if (body) headers.push(["Content-Type", "application/json"], ["Content-Length", String(Buffer.byteLength(body))]);
    const sent = wires[side][lane].send({ method, target: whole ?? `/api/auth${path}`, headers, body });
    const answer = await sent.catch((error) => {
      throw new Error(`${servers[side].name}: ${error.message}`);
    });
    assert.ok(answer.status < 500, `${servers[side].name} answered ${path} with ${answer.status}: ${answer.body}\n${servers[side].output().slice(-2000)}`);
    return { ...answer, value: answer.body.startsWith("{") || answer.body.startsWith("[") ? JSON.parse(answer.body) : null };
  }

  const credential = (token) => {
    if (!token) return [];
    const form = token.form;
    if (form === "cookie") return [["Cookie", token.cookie], ["Origin", ORIGIN]];
    return [["Authorization", `Bearer ${token[form]}`]];
  };
  const side = () => random.below(servers.length);
  const alive = () => user.tokens.filter((token) => token.alive);
  const some = () => ({ ...random.pick(alive()), form: random.pick(["raw", "signed", "cookie"]) });

  function opened(answer) {
    assert.equal(answer.status, 200, answer.body);
    const signed = answer.headers.find(([name]) => name === "set-auth-token")[1];
    const token = { raw: answer.value.token, signed, cookie: cookieHeader(jar([], answer)), alive: true };
    user.tokens.push(token);
    return token;
  }

  function end(tokens) {
    for (const token of tokens) token.alive = false;
  }

  /** Every token is worth on both sides what the model says, and shows the user as it is. */
  async function holds(writer, touched = user.tokens.slice(-3)) {
    const written = Date.now();
    await Promise.all([0, 1].map(async (reader) => {
      for (const [at, token] of touched.entries()) {
        const form = ["raw", "signed", "cookie"][(at + reader) % 3];
        for (;;) {
          const asked = Date.now();
          const { value } = await ask(reader, "/get-session", { token: { ...token, form } });
          try {
            if (!token.alive) assert.equal(value, null, "an ended session lives");
            else assert.deepEqual(shown(value?.user), shown(user), "the user is shown otherwise");
            break;
          } catch (error) {
            const foreign = writer !== undefined && writer !== reader && reader !== 0;
            if (!foreign || asked - written > LEASE) throw new Error(`${servers[reader].name}, written by ${servers[writer]?.name}: ${error.message}`);
          }
          await sleep(2);
        }
        if (at === 0 && writer === 0 && reader !== 0 && !token.alive) latencies.push(Date.now() - written);
      }
    }));
  }

  async function signUp() {
    const at = side();
    born += 1;
    user = { name: `actor ${number}`, email: `actor${number}-${born}@example.com`, image: null, emailVerified: false, password: PASSWORD, tokens: [] };
    opened(await ask(at, "/sign-up/email", { json: { name: user.name, email: user.email, password: user.password } }));
    await holds(at);
  }

  const operations = {
    async look() {
      await holds(undefined, [random.pick(user.tokens)]);
    },
    async signIn() {
      const at = side();
      opened(await ask(at, "/sign-in/email", { json: { email: user.email.toUpperCase(), password: user.password } }));
      await holds(at);
    },
    async signInOnBoth() {
      const json = { email: user.email, password: user.password };
      const answers = await Promise.all([0, 1].map((at) => ask(at, "/sign-in/email", { json })));
      answers.forEach(opened);
      await holds();
    },
    async wrongPassword() {
      assert.equal((await ask(side(), "/sign-in/email", { json: { email: user.email, password: `${user.password}!` } })).status, 401);
    },
    async update() {
      const at = side();
      const json = random.chance(0.5) ? { name: `näme ${random.below(1e6)}` } : { image: `https://example.com/${random.below(1e6)}.png` };
      assert.equal((await ask(at, "/update-user", { json, token: some() })).status, 200);
      Object.assign(user, json);
      await holds(at);
    },
    /** Two fields at once, one on each side: neither may undo the other. */
    async updateOnBoth() {
      const changes = [{ name: `n${random.below(1e6)}` }, { image: `i${random.below(1e6)}` }];
      const token = some();
      const answers = await Promise.all(changes.map((json, at) => ask(at, "/update-user", { json, token })));
      assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
      Object.assign(user, ...changes);
      await holds(0);
    },
    async changePassword() {
      const [at, token, revokeOtherSessions] = [side(), some(), random.chance(0.5)];
      const json = { currentPassword: user.password, newPassword: `password ${random.below(1e9)}`, revokeOtherSessions };
      const answer = await ask(at, "/change-password", { json, token });
      assert.equal(answer.status, 200, answer.body);
      user.password = json.newPassword;
      if (revokeOtherSessions) {
        end(user.tokens);
        opened(answer);
      }
      await holds(at);
    },
    async list() {
      const lists = await Promise.all([0, 1].map((at) => ask(at, "/list-sessions", { token: some() })));
      const wanted = alive().map(({ raw }) => raw).sort();
      for (const { value } of lists) assert.deepEqual(value.map(({ token }) => token).sort(), wanted, "other sessions are listed");
    },
    async revoke() {
      const [at, ended] = [side(), random.pick(alive())];
      assert.equal((await ask(at, "/revoke-session", { json: { token: ended.raw }, token: some() })).status, 200);
      end([ended]);
      await holds(at);
    },
    async revokeOthers() {
      const [at, kept] = [side(), some()];
      assert.equal((await ask(at, "/revoke-other-sessions", { json: {}, token: kept })).status, 200);
      end(user.tokens.filter(({ raw }) => raw !== kept.raw));
      await holds(at);
    },
    async revokeAll() {
      const at = side();
      assert.equal((await ask(at, "/revoke-sessions", { json: {}, token: some() })).status, 200);
      end(user.tokens);
      await holds(at);
    },
    async signOut() {
      const [at, ended] = [side(), some()];
      assert.equal((await ask(at, "/sign-out", { json: {}, token: ended })).status, 200);
      end(user.tokens.filter(({ raw }) => raw === ended.raw));
      await holds(at);
    },
    async reset() {
      const at = side();
      assert.equal((await ask(at, "/request-password-reset", { json: { email: user.email, redirectTo: "/reset" } })).status, 200);
      const { token } = await mails("reset-password", user.email);
      const newPassword = `reset ${random.below(1e9)}`;
      assert.equal((await ask(1 - at, "/reset-password", { json: { token, newPassword } })).status, 200);
      user.password = newPassword;
      assert.equal((await ask(at, "/reset-password", { json: { token, newPassword: "once too often" } })).status, 400);
      await holds(1 - at);
    },
    async verify() {
      if (user.emailVerified) return;
      const at = side();
      assert.equal((await ask(at, "/send-verification-email", { json: { email: user.email } })).status, 200);
      const { url } = await mails("verify-email", user.email);
      const answer = await ask(1 - at, "/verify-email", { whole: target(url) });
      assert.ok([200, 302].includes(answer.status), answer.body);
      user.emailVerified = true;
      await holds(1 - at);
    },
    async changeEmail() {
      if (user.emailVerified) return;
      const at = side();
      born += 1;
      const newEmail = `actor${number}-${born}@example.com`;
      const answer = await ask(at, "/change-email", { json: { newEmail }, token: some() });
      assert.equal(answer.status, 200, answer.body);
      user.email = newEmail;
      await holds(at);
    },
    async delete() {
      const at = side();
      const answer = await ask(at, "/delete-user", { json: { password: user.password }, token: some() });
      assert.equal(answer.status, 200, answer.body);
      end(user.tokens);
      await holds(at);
      await signUp();
    },
  };
  const WEIGHTS = {
    look: 30, signIn: 6, signInOnBoth: 3, wrongPassword: 1, update: 12, updateOnBoth: 4, changePassword: 2, list: 10, revoke: 6, revokeOthers: 2,
    revokeAll: 1, signOut: 4, reset: 2, verify: 3, changeEmail: 3, delete: 1,
  };
  const drawn = Object.entries(WEIGHTS).flatMap(([name, weight]) => Array(weight).fill(name));

  return {
    number,
    done,
    doing: "sign-up",
    get user() {
      return user;
    },
    async step() {
      if (!user) return signUp();
      this.doing = alive().length > 0 ? random.pick(drawn) : "signIn";
      await operations[this.doing]();
      done.push(this.doing);
    },
    /** All tokens there ever were of the last user, on both sides. */
    lastLook: () => holds(undefined, user.tokens),
  };
}

const shown = (user) => user && { name: user.name, email: user.email, image: user.image ?? null, emailVerified: user.emailVerified };

/** What is left must be what the models say, in the tables too. */
async function lastLook(store, actors, total) {
  const claim = async (title, prove) => {
    total.steps += 1;
    try {
      await prove();
    } catch (error) {
      total.different.push(`  at the end, ${title}: ${error.message}`);
      console.log(total.different.at(-1));
    }
  };
  for (const one of actors) await claim(`actor ${one.number}`, one.lastLook);
  const users = await rows(store, 'select * from "user"');
  await claim("the users", () => assert.deepEqual(users.map(({ email }) => email).sort(), actors.map(({ user }) => user.email).sort()));
  await claim("the accounts", async () => {
    const accounts = await rows(store, 'select * from "account"');
    assert.deepEqual(accounts.map(({ userId }) => userId).sort(), users.map(({ id }) => id).sort());
  });
  if (store.redis) return;
  await claim("the sessions", async () => {
    const sessions = await rows(store, 'select * from "session"');
    const wanted = actors.flatMap(({ user }) => user.tokens.filter(({ alive }) => alive).map(({ raw }) => raw));
    assert.deepEqual(sessions.map(({ token }) => token).sort(), wanted.sort());
    const ids = new Set(users.map(({ id }) => id));
    assert.ok(sessions.every(({ userId }) => ids.has(userId)), "a session has no user");
  });
}

function told(latencies, print) {
  if (latencies.length === 0) return;
  latencies.sort((a, b) => a - b);
  const at = (part) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))];
  print(`  revoked by the npm package and refused by the other: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${latencies.at(-1)} ms, of ${latencies.length}`);
}
