// A small HTTP/1.1 client that sends exactly the bytes it is told to: duplicate headers, odd casing, illegal bytes, no
// header of its own. Node's clients refuse some of that and add headers that matter here (`sec-fetch-mode`).
import { connect } from "node:net";

const ANSWER_TIMEOUT = 120_000;

/**
 * One connection to a server, kept alive between requests and opened again when the server closed it.
 * `send({ method, target, headers: [[name, value]], body })` resolves to { status, reason, headers, body }, with
 * lower-case header names in the order of arrival. Header text is latin-1 both ways: one character is one byte.
 */
export function connection(port) {
  let socket = null;

  async function send(request) {
    if (!socket || socket.destroyed || !socket.writable) socket = await open(port);
    const answer = await exchange(socket, request);
    if (answer.close) {
      socket.destroy();
      socket = null;
    }
    return answer;
  }
  return { send, close: () => socket?.destroy() };
}

function open(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error) => reject(new Error(`cannot reach port ${port}: ${error.message}`)));
  });
}

function exchange(socket, request) {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const done = (finish, value) => {
      clearTimeout(timer);
      socket.off("data", onData).off("close", onClose).off("error", onError);
      finish(value);
    };
    const shown = `${request.method} ${request.target}`;
    const fail = (problem) => {
      socket.destroy();
      done(reject, new Error(`${shown}: ${problem}. Received so far: ${JSON.stringify(received.toString("latin1").slice(0, 500))}`));
    };
    const timer = setTimeout(() => fail(`no complete answer within ${ANSWER_TIMEOUT / 1000} s`), ANSWER_TIMEOUT);
    const tryParse = (closed) => {
      try {
        const answer = parseAnswer(received, request.method, closed);
        if (answer) done(resolve, answer);
        else if (closed) fail("the connection was closed before the answer was complete");
      } catch (error) {
        fail(error.message);
      }
    };
    const onData = (chunk) => {
      received = received.length ? Buffer.concat([received, chunk]) : chunk;
      tryParse(false);
    };
    const onClose = () => tryParse(true);
    // A server may refuse a request and reset the connection while we still write; what it said first counts.
    const onError = () => {};
    socket.on("data", onData).on("close", onClose).on("error", onError);
    socket.write(serialise(request));
  });
}

function serialise({ method, target, headers, body }) {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`, "latin1");
  return body === undefined ? head : Buffer.concat([head, Buffer.from(body)]);
}

/** Gives null while the answer is incomplete. */
function parseAnswer(bytes, method, closed) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first, ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(first);
  if (!status) throw new Error(`not an HTTP status line: ${JSON.stringify(first)}`);
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const answer = { status: Number(status[1]), reason: status[2], headers };
  const find = (name) => headers.find(([key]) => key === name)?.[1];
  answer.close = closed || /close/i.test(find("connection") ?? "");

  const rest = bytes.subarray(end + 4);
  const length = find("content-length");
  if (method === "HEAD" || answer.status === 204 || answer.status === 304) answer.body = "";
  else if (/chunked/i.test(find("transfer-encoding") ?? "")) {
    const whole = dechunk(rest);
    if (whole === null) return null;
    answer.body = whole.toString("utf8");
  } else if (length !== undefined) {
    if (rest.length < Number(length)) return null;
    answer.body = rest.toString("utf8", 0, Number(length));
  } else {
    if (!closed) return null;
    answer.body = rest.toString("utf8");
  }
  return answer;
}

function dechunk(bytes) {
  const pieces = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = parseInt(bytes.toString("latin1", at, line), 16);
    if (Number.isNaN(size)) throw new Error("a chunk size is not a number");
    const start = line + 2;
    if (bytes.length < start + size + 2) return null;
    if (size === 0) return Buffer.concat(pieces);
    pieces.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}
