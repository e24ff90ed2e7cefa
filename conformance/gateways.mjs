// Real gateways in front of a real service, with a real hallpass to ask: what passes, as whom, and what never does.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import Database from "better-sqlite3";
import { GATEWAYS, startGateway, startService } from "./lib/gateways.mjs";
import { scenario } from "./lib/scenario.mjs";
import { startHallpass } from "./lib/servers.mjs";
import { connection } from "./lib/wire.mjs";

const CHALLENGE = 'Bearer realm="hallpass"';
const INVALID = `${CHALLENGE}, error="invalid_token", error_description="The token is malformed, unknown, expired or revoked"`;
const IDENTITY = ["x-auth-user-id", "x-auth-session-id", "x-auth-email"];
/** What a client writes to be taken for somebody else. */
const SPOOFED = [
  ["x-auth-user-id", "mallory"],
  ["X-Auth-User-Id", "mallory"],
  ["X-AUTH-SESSION-ID", "mallory"],
  ["x-auth-session-id", "mallory"],
  ["x-Auth-Email", "mallory@example.com"],
  ["x-auth-email", "mallory@example.com"],
  ["x_auth_user_id", "mallory"],
  ["X_Auth_User_Id", "mallory"],
  ["x-auth_session-id", "mallory"],
  ["x_auth-email", "mallory@example.com"],
  ["x.auth.user.id", "mallory"],
  ["X-Auth.Email", "mallory@example.com"],
];
/** Ways to write a path that could make a gateway, hallpass and the service think of different ones. */
const PATHS = [
  "/orders/7?x=1&callbackURL=https://evil.example&disableRefresh=1",
  "/",
  "/../../get-session",
  "/../../../../api/auth/get-session",
  "/../../ok",
  "/%2e%2e/%2e%2e/ok",
  "/..%2f..%2fok",
  "/..%5c..%5cok",
  "/..\\..\\ok",
  "/a/../../../ok",
  "//ok",
  "//../..//ok",
  "/;/../../ok",
  "/..;/..;/ok",
  "/api/auth/ok",
  "/api/auth/bearer/verify/../../ok",
  "/_hallpass",
  "/status/",
  "/status/../private",
  "/status/..;/private",
  "/status%2f..%2fprivate",
  "/status;/../private",
  "/status%00",
  "/STATUS",
  "/./status/x",
];

/** Proves every claim of every gateway; resolves to { steps, different: [text] }. */
export async function runGateways() {
  // With an update age of 0 each check extends the session, and hands out a `set-auth-token` that must not get anywhere.
  const hallpass = await startHallpass(scenario({ bearer: { verifyEndpoint: true }, options: { session: { updateAge: 0 } } }));
  const started = [hallpass];
  const result = { steps: 0, different: [] };
  try {
    await judge(result, "the page shows what is tested", undefined, thePageShowsWhatIsTested);
    const worlds = [];
    for (const gateway of GATEWAYS) {
      const service = await startService();
      started.push(service);
      const running = await startGateway(gateway, { hallpass: hallpass.port, service: service.port });
      started.push(running);
      worlds.push(new World(gateway, running, service, hallpass));
    }
    const everywhere = (claims) =>
      Promise.all(
        worlds.map(async (world) => {
          for (const [claim, prove] of Object.entries(claims)) await judge(result, `${world.gateway.name}: ${claim}`, world, prove);
        }),
      );
    await everywhere(CLAIMS);
    const mend = spoil(hallpass.database);
    await everywhere(WHILE_THE_STORE_IS_AWAY);
    mend();
    await everywhere(AFTERWARDS);
    await hallpass.stop();
    await everywhere(WHILE_HALLPASS_IS_AWAY);
    for (const world of worlds) world.close();
  } finally {
    for (const one of started.reverse()) await one.stop();
  }
  return result;
}

/** Takes a database away under the server that uses it, as a disk that goes bad would; what is returned brings it back. */
function spoil(file) {
  const database = new Database(file);
  assert.equal(database.pragma("wal_checkpoint(TRUNCATE)")[0].busy, 0);
  const whole = readFileSync(file);
  const begin = database.pragma("page_size", { simple: true });
  const version = database.pragma("user_version", { simple: true });
  const write = (bytes, number) => {
    const at = openSync(file, "r+");
    writeSync(at, bytes, 0, bytes.length, begin);
    closeSync(at);
    // Whoever has pages of before in memory drops them at the next commit.
    database.pragma(`user_version = ${number}`);
  };
  write(Buffer.alloc(whole.length - begin, 0xff), version + 1);
  return () => {
    write(whole.subarray(begin), version);
    database.close();
  };
}

async function judge(result, claim, world, prove) {
  result.steps += 1;
  try {
    await prove(world);
  } catch (error) {
    result.different.push(claim);
    const wrote = world ? `\n  The gateway wrote: ${world.running.output().slice(-2000)}` : "";
    console.log(`  NOT SO: ${claim}\n${error.stack ?? error}${wrote}`);
  }
}

/** The configurations in docs/gateways.md are pieces of the files that are run here, word by word. */
function thePageShowsWhatIsTested() {
  const files = Object.entries({ nginx: ["nginx.conf"], caddyfile: ["Caddyfile"], yaml: ["envoy.yaml", "traefik.yml"] });
  const read = (name) => readFileSync(new URL(`../docs/${name}`, import.meta.url), "utf8");
  const page = read("gateways.md");
  for (const [language, names] of files) {
    const shown = [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"))];
    assert.equal(shown.length, names.length, `how many pieces of ${names} are shown`);
    for (const [, piece] of shown) assert.ok(names.some((name) => read(`gateways/${name}`).includes(piece)), piece);
  }
}

/** A gateway, the service behind it, and people. */
class World {
  constructor(gateway, running, service, hallpass) {
    Object.assign(this, { gateway, running, service, hallpass });
    this.connections = [];
    this.kept = this.#open(running.port);
    this.direct = this.#open(hallpass.port);
  }

  #open(port) {
    const one = connection(port);
    this.connections.push(one);
    return one;
  }

  close() {
    for (const one of this.connections) one.close();
  }

  /** Sends a request to the gateway on a kept connection: its answer, and what reached the service of it. */
  async ask(target, { method = "GET", token, headers = [], body, length = true } = {}) {
    this.service.take();
    const lines = [["host", "api.example.com"], ...(token ? [["authorization", `Bearer ${token}`]] : []), ...headers];
    if (body !== undefined && length) lines.push(["content-length", String(body.length)]);
    const answer = await this.kept.send({ method, target, headers: lines, body });
    const header = (name) => answer.headers.find(([known]) => known === name)?.[1];
    return { ...answer, header, reached: this.service.take() };
  }

  /** A new user, or a further session of one: { id, email, session, token, signed, cookie }. */
  async person(name = randomBytes(8).toString("hex")) {
    const email = `${name}@example.com`;
    const body = JSON.stringify({ name, email, password: "correct horse" });
    const headers = [["host", "127.0.0.1:3000"], ["content-type", "application/json"], ["content-length", String(body.length)]];
    const made = await this.direct.send({ method: "POST", target: "/api/auth/sign-up/email", headers, body });
    assert.equal(made.status, 200, made.body);
    const find = (wanted) => made.headers.find(([known]) => known === wanted)[1];
    const { token, user } = JSON.parse(made.body);
    const row = await this.atHallpass("GET", "/api/auth/get-session", token);
    return {
      id: user.id, email, token,
      session: JSON.parse(row.body).session.id,
      signed: find("set-auth-token"),
      cookie: find("set-cookie").split(";")[0],
    };
  }

  atHallpass(method, target, token) {
    const headers = [["host", "127.0.0.1:3000"], ["authorization", `Bearer ${token}`]];
    return this.direct.send({ method, target, headers });
  }
}

/** What a service may take for who the caller is, whether or not it takes `_` or `.` for `-`: { name: [values] }. */
function identity({ headers }) {
  const found = {};
  for (const [name, value] of headers) {
    const known = name.toLowerCase().replace(/[^a-z0-9]/g, "-");
    if (known.startsWith("x-auth-")) (found[known] ??= []).push(value);
  }
  return found;
}

const of = (person) => ({ "x-auth-user-id": [person.id], "x-auth-session-id": [person.session], "x-auth-email": [person.email] });

function isRefused(answer, challenge) {
  assert.equal(answer.status, 401, JSON.stringify(answer));
  assert.deepEqual(answer.headers.filter(([name]) => name === "www-authenticate"), [["www-authenticate", challenge]]);
  assert.deepEqual(answer.reached, [], "it reached the service all the same");
  for (const name of [...IDENTITY, "set-cookie"]) assert.equal(answer.header(name), undefined);
}

/** It went through, as this person, and the service's answer came back. */
function passed(answer, person) {
  assert.deepEqual([answer.status, answer.header("x-served-by")], [203, "the service"], JSON.stringify(answer));
  assert.equal(answer.reached.length, 1);
  assert.deepEqual(identity(answer.reached[0]), of(person));
  for (const name of [...IDENTITY, "set-auth-token", "set-cookie"]) assert.equal(answer.header(name), undefined, name);
  return answer.reached[0];
}

const CLAIMS = {
  async "without a token a request is refused with the challenge"(world) {
    for (const headers of [[], [["authorization", "Basic dXNlcjpwYXNz"]], [["authorization", "Bearer"]], [["authorization", ""]]]) {
      isRefused(await world.ask("/orders", { headers }), CHALLENGE);
    }
  },

  async "a token that is no good is refused with what is wrong"(world) {
    world.ann = await world.person();
    const { token, signed } = world.ann;
    for (const bad of ["unknown", `${token}x`, `${token}.AAAA`, `${signed}x`, `x${signed}`, `${token}.${"A".repeat(43)}=`, `${token} ${token}`]) {
      isRefused(await world.ask("/orders", { token: bad }), INVALID);
    }
  },

  async "a cookie admits nobody"(world) {
    for (const method of ["GET", "POST"]) {
      isRefused(await world.ask("/orders", { method, headers: [["cookie", world.ann.cookie]] }), CHALLENGE);
    }
  },

  async "a good token passes, signed or not, and the service is told who it is"(world) {
    for (const token of [world.ann.token, world.ann.signed]) {
      const reached = passed(await world.ask("/orders/7?x=1&y=%20", { token }), world.ann);
      assert.deepEqual([reached.method, reached.url], ["GET", "/orders/7?x=1&y=%20"]);
      const names = reached.headers.map(([name]) => name.toLowerCase());
      assert.ok(!names.includes("authorization"), "the service has no use for the token");
      assert.ok(!names.includes("set-auth-token"));
    }
  },

  async "what a client says of itself does not reach the service"(world) {
    for (const headers of [...SPOOFED.map((one) => [one]), SPOOFED, [...SPOOFED, ...SPOOFED]]) {
      passed(await world.ask("/orders", { token: world.ann.token, headers }), world.ann);
      isRefused(await world.ask("/orders", { headers }), CHALLENGE);
      isRefused(await world.ask("/orders", { token: "unknown", headers }), INVALID);
    }
  },

  async "nor does it where no token is asked for"(world) {
    for (const headers of [[], ...SPOOFED.map((one) => [one]), SPOOFED, [...SPOOFED, ...SPOOFED]]) {
      for (const token of [undefined, "unknown", world.ann.token]) {
        const answer = await world.ask("/status", { token, headers });
        assert.deepEqual([answer.status, answer.reached.length], [203, 1], JSON.stringify(answer));
        assert.deepEqual(identity(answer.reached[0]), {});
      }
    }
  },

  async "no connection option takes away who the caller is"(world) {
    const { token } = world.ann;
    for (const options of [...IDENTITY, IDENTITY.join(", "), "close, X-Auth-User-Id", "keep-alive,x-auth-email", "authorization"]) {
      for (const name of ["connection", "Connection", "proxy-connection"]) {
        for (const headers of [[[name, options]], [[name, "keep-alive"], [name, options]]]) {
          const answer = await world.ask("/orders", { token, headers });
          for (const reached of answer.reached) assert.deepEqual(identity(reached), of(world.ann), `${name}: ${options}`);
          assert.ok(answer.reached.length === 1 || answer.status >= 400, JSON.stringify(answer));
        }
      }
    }
  },

  async "every method passes and is refused alike"(world) {
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      const reached = passed(await world.ask("/orders", { method, token: world.ann.token }), world.ann);
      assert.equal(reached.method, method);
      isRefused(await world.ask("/orders", { method }), CHALLENGE);
      isRefused(await world.ask("/orders", { method, token: "unknown" }), INVALID);
    }
  },

  async "a body reaches the service whole, and none does without a token"(world) {
    for (const length of [0, 1, 300_000]) {
      const body = randomBytes(length);
      const expected = { length, sha256: createHash("sha256").update(body).digest("hex") };
      for (const type of ["application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]) {
        for (const method of ["POST", "PUT"]) {
          const headers = [["content-type", type]];
          const reached = passed(await world.ask("/orders", { method, token: world.ann.token, headers, body }), world.ann);
          assert.deepEqual(reached.body, expected);
        }
      }
    }
    const pieces = [randomBytes(10), randomBytes(70_000)];
    const chunks = pieces.flatMap((piece) => [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
    const body = Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")]);
    const headers = [["transfer-encoding", "chunked"], ["content-type", "application/octet-stream"]];
    const reached = passed(await world.ask("/orders", { method: "POST", token: world.ann.token, headers, body, length: false }), world.ann);
    assert.equal(reached.body.sha256, createHash("sha256").update(Buffer.concat(pieces)).digest("hex"));
    isRefused(await world.ask("/orders", { method: "POST", headers: [["content-type", "text/plain"]], body: "hello" }), CHALLENGE);
  },

  async "however a path is written, nobody passes without a token"(world) {
    for (const target of PATHS) {
      for (const token of [undefined, "unknown"]) {
        const answer = await world.ask(target, { token, headers: SPOOFED });
        assert.ok(answer.status >= 300, `${target}: ${JSON.stringify(answer)}`);
        assert.deepEqual(answer.reached, [], target);
      }
    }
  },

  async "however a path is written, whoever passes is who they are"(world) {
    let through = 0;
    for (const target of PATHS) {
      const answer = await world.ask(target, { token: world.ann.token, headers: SPOOFED });
      for (const reached of answer.reached) assert.deepEqual(identity(reached), of(world.ann), target);
      through += answer.reached.length;
    }
    assert.ok(through > 5, "or this tests nothing");
  },

  async "two tokens in one request admit nobody"(world) {
    const bob = await world.person();
    const bearer = (token) => ["authorization", `Bearer ${token}`];
    for (const headers of [
      [bearer(world.ann.token), bearer(bob.token)],
      [bearer(world.ann.signed), bearer("unknown")],
      [bearer("unknown"), bearer(world.ann.signed)],
      [bearer(world.ann.signed), bearer(world.ann.signed)],
      [["authorization", `Bearer ${world.ann.signed}, Bearer ${bob.signed}`]],
      [["authorization", `Bearer ${world.ann.token},Bearer ${bob.token}`]],
    ]) {
      const answer = await world.ask("/orders", { headers });
      assert.ok([400, 401].includes(answer.status), JSON.stringify(answer));
      assert.deepEqual(answer.reached, []);
    }
  },

  async "requests on one connection are each their own sender's"(world) {
    const bob = await world.person();
    for (const _ of Array(5)) {
      passed(await world.ask("/orders", { token: world.ann.token }), world.ann);
      isRefused(await world.ask("/orders"), CHALLENGE);
      passed(await world.ask("/orders", { token: bob.signed }), bob);
      isRefused(await world.ask("/orders", { token: "unknown" }), INVALID);
    }
  },

  async "a token that was revoked is refused at once"(world) {
    const bob = await world.person();
    passed(await world.ask("/orders", { token: bob.token }), bob);
    assert.equal((await world.atHallpass("POST", "/api/auth/sign-out", bob.token)).status, 200);
    isRefused(await world.ask("/orders", { token: bob.token }), INVALID);
    isRefused(await world.ask("/orders", { token: bob.signed }), INVALID);
  },
};

const WHILE_THE_STORE_IS_AWAY = {
  async "hallpass says that its store is away"(world) {
    const answer = await world.atHallpass("PUT", "/api/auth/bearer/verify/x", world.ann.token);
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [503, "FAILED_TO_GET_SESSION"]);
    assert.deepEqual(answer.headers.filter(([name]) => name === "retry-after"), [["retry-after", "1"]]);
  },

  async "while the store is away nobody passes, and nobody is told that their token is no good"(world) {
    const answer = await world.ask("/orders", { token: world.ann.token });
    assert.deepEqual([answer.status, answer.reached], [world.gateway.away, []]);
    assert.equal(answer.header("www-authenticate"), undefined);
    isRefused(await world.ask("/orders"), CHALLENGE);
    assert.equal((await world.ask("/status")).status, 203);
  },
};

const AFTERWARDS = {
  async "once it is back they pass again"(world) {
    passed(await world.ask("/orders", { token: world.ann.token }), world.ann);
  },
};

const WHILE_HALLPASS_IS_AWAY = {
  async "while hallpass is away nobody passes"(world) {
    for (const token of [undefined, "unknown", world.ann.token, world.ann.signed]) {
      const answer = await world.ask("/orders", { token });
      assert.deepEqual([answer.status, answer.reached], [world.gateway.down, []]);
      assert.equal(answer.header("www-authenticate"), undefined);
    }
    assert.equal((await world.ask("/status")).status, 203, "the gateway itself is there");
  },
};
