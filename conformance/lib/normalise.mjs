// Turns an answer into text that two correct servers agree on.
//
// Generated values become names by identity: the first unknown 32-character id that a server shows in step 3 is
// `<id 3.1>`, and wherever that server shows it again it is `<id 3.1>` again. So "the token in the body is the token in
// the cookie is the one of step 3" is compared although the tokens differ. Signatures are checked here, not compared.
// Of a JSON Web Token that is what it says, in its order, with the signature judged and the times as distances; of a
// provider's, its claims; of what a server encrypted with its secret, the content.
//
// A date becomes the step in which it was taken: `<date +604800000 in 3..3>` is seven days after some moment of step 3.
// Steps that follow each other within a millisecond share it, hence a range, and two ranges agree when they overlap.
// That tells a date which was moved from one which was not, without waiting. Other dates, such as those that a flow
// wrote into the database, become `<date at MS>` and may differ by two seconds.
import { openCopies } from "./copies.mjs";
import { signature } from "./cookies.mjs";
import { readJwt } from "./jwt.mjs";
import { openHex, openJwe } from "./sealed.mjs";

/** Headers that belong to the connection or the moment, not to the answer. All others must be equal, also in absence. */
const IGNORED = new Set(["connection", "keep-alive", "date", "transfer-encoding", "content-length"]);

const ISO_DATE = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;
const SIGNED = /(?<![A-Za-z0-9])([A-Za-z0-9_-]+)\.([A-Za-z0-9+/_-]{43}=?)(?![A-Za-z0-9+/=])/g;
// 32 or 24 letters and digits, or a UUID of version 4.
const ID = /(?<![A-Za-z0-9])(?:[A-Za-z0-9]{32}|[A-Za-z0-9]{24}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})(?![A-Za-z0-9])/g;
const JWE = /eyJ[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+/g;
const SEALED = /(?<![A-Za-z0-9])(?:[0-9a-f]{2}){41,}(?![A-Za-z0-9])/g;
const MOMENT = /(?<!\d|date at )1\d{12}(?!\d)/g;
const CLAIMED = /("(?:iat|exp|nbf|auth_time)"\s*:\s*)(\d{10})(?!\d)/g;
// Codes, tokens and PKCE challenges have 43 characters, PKCE verifiers 128.
const OPAQUE = /(?<![\w-])(?:[\w-]{43}|[\w-]{128})(?![\w-])/g;
// Their alphabet has _ and -, as error codes have, so these are known by what stands before them.
const STATE = /(?<=(?:state|nonce)(?:=|:|\\?"\s*:\s*\\?"))[\w-]{32}(?![\w-])/gi;
const JWT = /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g;

/** Remembers what one server has shown, and when it was asked. `lifetimes` are the distances that dates may have, in ms. */
export function memory(lifetimes) {
  return { ids: new Map(), shown: 0, lastStep: 0, asked: [], lifetimes: [...new Set([0, ...lifetimes])] };
}

/** The comparable text of an answer. `seen.asked` ends with the step that it answers. */
export function normalise(answer, seen, secret) {
  const text = (value) => names(value, seen, secret);
  const head = `${answer.status} ${answer.reason}`;
  // The body goes first, so that a token gets its number where it is shown plainly.
  const body = text(bodyText(answer));
  const headers = openCopies(answer.headers, secret)
    .filter(([name]) => !IGNORED.has(name))
    .map(([name, value], order) => ({ name, order, line: `${name}: ${text(headerText(name, value))}` }))
    // Different headers may come in any order; lines of the same header may not.
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.order - b.order));
  return [head, ...headers.map(({ line }) => line), "", body].join("\n");
}

/** The comparable text of a mail. The npm package has no subjects, so they are hallpass's own. */
export function normaliseMail({ subject, ...mail }, seen, secret) {
  return names(`mail: ${JSON.stringify(sorted(mail), null, 1)}`, seen, secret);
}

/** Whether two normalised texts are equal but for what a clock may make of them. */
export function sameText(one, other) {
  const times = /(<date [^>]*>|<seconds \d+>)/;
  const a = one.split(times);
  const b = other.split(times);
  return a.length === b.length && a.every((piece, at) => piece === b[at] || (at % 2 === 1 && sameTime(piece, b[at])));
}

function sameTime(one, other) {
  const [a, b] = [one, other].map((time) => {
    const [, kind, first, last = first] = /^<(date \+\d+ in|date at|seconds) (\d+)(?:\.\.(\d+))?>$/.exec(time);
    return { kind, first: Number(first), last: Number(last) };
  });
  const tolerance = { "date at": 2000, seconds: 1 }[a.kind] ?? 0;
  return a.kind === b.kind && a.first <= b.last + tolerance && b.first <= a.last + tolerance;
}

function bodyText(answer) {
  const type = answer.headers.find(([name]) => name === "content-type")?.[1] ?? "";
  if (type.startsWith("text/html")) return htmlText(answer.body);
  try {
    return JSON.stringify(sorted(JSON.parse(answer.body)), null, 1);
  } catch {
    return answer.body;
  }
}

// The error page is hallpass's own work and need not look alike. It must show the code, and no markup of the asker's:
// requests to it put SHOWN_… and <foreign> into their values.
function htmlText(body) {
  const codes = new Set(body.match(/\bSHOWN_[A-Za-z0-9_-]+|\bUNKNOWN\b/g) ?? []);
  return `<page showing ${[...codes].sort().join(", ")}${body.includes("<foreign") ? " and foreign markup" : ""}>`;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

function headerText(name, value) {
  if (name === "x-retry-after" && /^\d+$/.test(value)) return `<seconds ${value}>`;
  if (name !== "set-cookie") return value;
  const [, cookie, raw, attributes] = /^([^=]*)=([^;]*)(.*)$/s.exec(value) ?? [null, value, "", ""];
  // A piece of a large cookie cannot be opened alone; a later step shows what is in the whole.
  if (/\.\d+$/.test(cookie) && raw.length > 200) return `${cookie}=<piece of ${raw.length} characters>${attributes}`;
  return `${cookie}=${cookieText(raw)}${attributes}`;
}

// A cookie's value is shown decoded, and it is said when it was not encoded as encodeURIComponent would.
function cookieText(raw) {
  try {
    const decoded = decodeURIComponent(raw);
    return encodeURIComponent(decoded) === raw ? decoded : `${decoded} (encoded as ${raw})`;
  } catch {
    return `${raw} (not decodable)`;
  }
}

function names(value, seen, secret) {
  return value
    .replace(JWE, (token) => sealedText(openJwe(token, secret), token, seen, secret))
    .replace(JWT, (token) => jwtText(token, seen, secret))
    .replace(SEALED, (hex) => sealedText(openHex(hex, secret), hex, seen, secret))
    .replace(CLAIMED, (_, claim, seconds) => `${claim}<date at ${seconds}000>`)
    .replace(MOMENT, (moment) => dateName(Number(moment), seen))
    .replace(ISO_DATE, (date) => dateName(Date.parse(date), seen))
    .replace(SIGNED, (whole, message, given) =>
      `${message}.<${given === signature(message, secret) ? "valid" : "bad"}-signature>`)
    .replace(OPAQUE, (text) => name(text, "opaque", seen))
    .replace(STATE, (state) => name(state, "id", seen))
    .replace(ID, (id) => name(id, idKind(id), seen));
}

function name(value, kind, seen) {
  if (!seen.ids.has(value)) {
    // Numbered within the step, so that one side's additional id does not shift the names of all later ones.
    const step = seen.asked.length;
    seen.shown = step === seen.lastStep ? seen.shown + 1 : 1;
    seen.lastStep = step;
    seen.ids.set(value, `<${kind} ${step}.${seen.shown}>`);
  }
  return seen.ids.get(value);
}

function sealedText(opened, sealed, seen, secret) {
  if (!opened) return `<sealed, ${sealed.length} characters>`;
  let { text } = opened;
  try {
    text = claimsText(JSON.parse(text));
  } catch {
    // Not every sealed text is JSON.
  }
  return `<sealed for ${opened.use}: ${names(text, seen, secret)}>`;
}

/** Claims as text, without what is made up anew for each token. Their times are in seconds, too coarse for a step. */
function claimsText(value) {
  const shown = Object.entries(sorted(value)).map(([key, claim]) => {
    if (["iat", "exp", "nbf", "auth_time"].includes(key) && typeof claim === "number") return [key, `<date at ${claim * 1000}>`];
    return [key, ["jti", "at_hash"].includes(key) ? typeof claim : claim];
  });
  return JSON.stringify(Object.fromEntries(shown));
}

// What the drawn texts look like is compared too: ids and session tokens, tokens to reset a password, to delete an account.
function idKind(id) {
  if (id.length === 24) return "reset token";
  return /[A-Z]/.test(id) ? "id" : "lower-case id";
}

/** A token of the server's own is signed with its secret, one of a provider's with the provider's key. */
function jwtText(token, seen, secret) {
  const read = readJwt(token, secret);
  if (!read) return token;
  if (read.header.alg !== "HS256") return `<jwt ${JSON.stringify(read.header)} ${names(claimsText(read.claims), seen, secret)} signature of ${token.split(".")[2].length} characters>`;
  const { asked } = seen;
  const { iat, exp } = read.claims;
  const fresh = iat >= Math.floor(asked.at(-1).sent / 1000) && iat <= Date.now() / 1000;
  const times = { iat: fresh ? "now" : iat, exp: `<seconds ${exp - iat}>` };
  const claims = JSON.stringify(read.claims, (key, value) => (value !== undefined && times[key]) || value);
  return `<jwt ${JSON.stringify(read.header)} ${claims} ${read.right ? "rightly" : "wrongly"} signed>`;
}

function dateName(date, { asked, lifetimes }) {
  for (const lifetime of lifetimes) {
    const taken = date - lifetime;
    // The latest steps are the likeliest, so the search goes backwards.
    let last = asked.length - 1;
    while (last >= 0 && asked[last].sent > taken) last -= 1;
    let first = last;
    while (first > 0 && asked[first - 1].done >= taken) first -= 1;
    if (last >= 0 && taken <= asked[last].done) return `<date +${lifetime} in ${first + 1}..${last + 1}>`;
  }
  return `<date at ${date}>`;
}
