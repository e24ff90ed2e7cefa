// Two servers that are asked the same things. Each keeps what it has answered, and later requests are written in terms
// of what was kept ("the token of ann"), so that both receive the same request up to their own generated values.
import { cookieHeader, jar } from "./cookies.mjs";
import { openDatabase } from "./database.mjs";
import { memory, normalise, normaliseMail, sameText } from "./normalise.mjs";
import { aMoment, outbox, target } from "./outbox.mjs";
import { ORIGIN } from "./scenario.mjs";
import { connection } from "./wire.mjs";

/**
 * `ask(request)` sends one step to both servers and resolves to { equal, request, answers, texts, took, mails }, of which
 * all but the request is a list of two. The mails that a step sent are part of its text, and kept as `kept.mails`.
 * A request is an object, or a function from what a server's answers have left in `kept` to such an object:
 *
 *   method, path   below the base path; or `target`, sent as it is
 *   authorization, cookie, origin     text, or a list of texts for repeated lines
 *   headers        more [name, value] pairs, sent as they are written
 *   json           a body to be sent as JSON; or `body` (text or bytes) with `type`, its content type, or no type;
 *                  or `chunks`, a list of texts for a chunked body
 *   host           instead of the usual Host; null sends none
 *   keep           a name under which `kept` holds { token, signed, cookies, cookie, user, url } of the answer
 */
export function pair(left, right, { basePath = "/api/auth", secret, lifetimes = [], mutate = (answer) => answer, mutateMails = (mails) => mails } = {}) {
  const sides = [left, right].map((server, index) => ({
    server,
    wire: connection(server.port),
    kept: { mails: [] },
    seen: memory(lifetimes),
    outbox: outbox(server.outbox),
    settle: server.store.file ? (answer) => answer : inOrder,
    mutate: index === 1 ? mutate : (answer) => answer,
  }));
  let edited = false;
  async function askOne(side, request) {
    if (edited) await side.server.heard();
    const wanted = typeof request === "function" ? request(side.kept) : request;
    const sent = Date.now();
    const answer = side.mutate(side.settle(await side.wire.send(onTheWire(wanted, basePath))));
    const done = Date.now();
    side.seen.asked.push({ sent, done });
    if (wanted.keep) keep(side, wanted.keep, answer);
    return { wanted, answer, text: normalise(answer, side.seen, secret), took: done - sent };
  }
  // The first server has sent its mails when it answers; as many are then waited for on the other side.
  async function takeMails() {
    const [one, other] = sides;
    const first = await one.outbox.take();
    const mails = [first, mutateMails(await other.outbox.take(first.length))];
    return sides.map((side, index) => {
      const sent = mails[index].sort((a, b) => (a.kind + a.to < b.kind + b.to ? -1 : 1));
      side.kept.mails.push(...sent.map((mail) => ({ ...mail, target: target(mail.url) })));
      return { sent, text: sent.map((mail) => `\n${normaliseMail(mail, side.seen, secret)}`).join("") };
    });
  }

  return {
    async ask(request) {
      const both = await Promise.all(sides.map((side) => askOne(side, request)));
      edited = false;
      const mails = await takeMails();
      const texts = both.map(({ text }, index) => text + mails[index].text);
      return {
        equal: sameText(...texts),
        request: both[0].wanted,
        answers: both.map(({ answer }) => answer),
        texts,
        took: both.map(({ took }) => took),
        mails: mails.map(({ sent }) => sent),
      };
    },
    /** Waits a moment, or so many milliseconds, for mails that no step was seen to send; resolves to { equal, texts, mails } likewise. */
    async strayMails(wait) {
      await aMoment(wait);
      const mails = await takeMails();
      const texts = mails.map(({ text }) => text);
      return { equal: sameText(...texts), texts, mails: mails.map(({ sent }) => sent) };
    },
    /** Runs `change(database, kept)` on the database of each server. In the reckoning of dates it is a step too. */
    database(change) {
      edited = true;
      const sent = Date.now();
      for (const side of sides) {
        const database = openDatabase(side.server.store);
        try {
          change(database, side.kept);
          database.refresh();
        } finally {
          database.close();
        }
      }
      for (const side of sides) side.seen.asked.push({ sent, done: Date.now() });
    },
    /** Reads from both databases, with `read(database, kept)`, what must then be equal like an answer. */
    look(read) {
      const values = [];
      this.database((database, kept) => values.push(read(database, kept)));
      const answers = values.map((value) => ({ status: "read", reason: "", headers: [], body: JSON.stringify(value) }));
      const texts = answers.map((answer, side) => normalise(answer, sides[side].seen, secret));
      return { equal: sameText(...texts), request: String(read), answers, texts };
    },
    sides,
    close: () => sides.forEach((side) => side.wire.close()),
  };
}

/**
 * Rows that nobody asked to be in order come in that of their ids from MariaDB, so at random on both sides, and from Postgres in that of
 * the places where they were put when they were last written, which depends on when the server cleans up.
 */
function inOrder(answer) {
  const list = parsed(answer.body);
  if (!Array.isArray(list)) return answer;
  const place = (row) => `${row?.createdAt} ${row?.id}`;
  return { ...answer, body: JSON.stringify(list.sort((a, b) => (place(a) < place(b) ? -1 : 1))) };
}

function onTheWire(request, basePath) {
  const { method = "GET", path, target, host = ORIGIN.replace("http://", ""), headers = [] } = request;
  const lines = [];
  const add = (name, values) => [values ?? []].flat().forEach((value) => lines.push([name, value]));
  add("Host", host);
  add("Authorization", request.authorization);
  add("Cookie", request.cookie);
  add("Origin", request.origin);
  lines.push(...headers);
  const json = request.json !== undefined;
  const body = request.chunks ? chunked(request.chunks) : json ? JSON.stringify(request.json) : request.body;
  add("Content-Type", request.type ?? (json ? "application/json" : []));
  if (request.chunks) add("Transfer-Encoding", "chunked");
  else if (body !== undefined) add("Content-Length", String(Buffer.byteLength(body)));
  else if (method !== "GET") add("Content-Length", "0");
  return { method, target: target ?? `${basePath}${path}`, headers: lines, body };
}

function chunked(pieces) {
  return [...pieces.filter((piece) => piece), ""].map((piece) => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`).join("");
}

function keep(side, name, answer) {
  const body = parsed(answer.body);
  const before = side.kept[name];
  const cookies = jar(before?.cookies ?? [], answer);
  const signed = answer.headers.find(([header]) => header === "set-auth-token")?.[1];
  side.kept[name] = {
    ...before,
    // An answer that redirects has no body to show the token in.
    token: body?.token ?? body?.session?.token ?? signed?.split(".")[0] ?? before?.token,
    signed: signed ?? before?.signed,
    user: body?.user ?? before?.user,
    url: body?.url ?? before?.url,
    cookies,
    cookie: cookieHeader(cookies),
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Says in a few lines what was asked and where the two answers differ. */
export function explain({ request = "nothing, but waited for mails", texts }, names) {
  const [one, other] = texts.map((text) => text.split("\n"));
  const shown = (lines, others) => lines.map((line) => `      ${others.includes(line) ? " " : "≠"} ${line}`).join("\n");
  return [
    `    asked: ${JSON.stringify(request)}`,
    `    ${names[0]}:`, shown(one, other),
    `    ${names[1]}:`, shown(other, one),
  ].join("\n");
}
