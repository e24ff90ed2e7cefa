// The copy of a session in a cookie: opened for the comparison, and altered for flows.
import { createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { readJwt } from "./jwt.mjs";
import { SECRET } from "./scenario.mjs";

const COPY = /^(.*(?:session_data|account_data|sdata))(?:\.(\d+))?$/;
const SALTS = ["better-auth-session", "better-auth-account"];
const INFO = "BetterAuth.js Generated Encryption Key";

/** Shows in set-cookie lines what copies hold: a list of [header, value]. Pieces are joined, the whole stands with the first. */
export function openCopies(headers, secret = SECRET) {
  const copies = [];
  for (const [at, [header, line]] of headers.entries()) {
    const [, name, value] = (header === "set-cookie" && /^([^=]*)=([^;]*)/.exec(line)) || [];
    const [, base, index = "0"] = (value && COPY.exec(name)) || [];
    if (!base) continue;
    // An answer may set a copy twice: the second begins where the numbers begin again.
    const last = copies.findLast((copy) => copy.base === base);
    const piece = { at, index: Number(index), value };
    if (last && last.pieces.at(-1).index < piece.index) last.pieces.push(piece);
    else copies.push({ base, pieces: [piece] });
  }
  const told = headers.map(([header, line]) => [header, line]);
  for (const { pieces } of copies) {
    // Of the pieces that a session requirement sets, only the last gets through.
    const whole = pieces[0].index === 0 ? shown(pieces.map(({ value }) => value).join(""), secret) : "without what comes before";
    for (const [order, { at, value }] of pieces.entries()) {
      const text = `${value.length} characters, ${order === 0 ? whole : "and so on"}`;
      told[at][1] = told[at][1].replace(value, () => encodeURIComponent(text));
    }
  }
  return told;
}

function shown(value, secret) {
  const copy = opened(value, secret);
  if (!copy) return `a copy that does not open: ${value}`;
  const { updatedAt, iat, exp, expiresAt, jti, ...rest } = copy.payload;
  const taken = updatedAt ?? iat * 1000;
  const seconds = (end) => (end === undefined ? undefined : Math.round((end - taken) / 1000));
  const times = {
    taken: new Date(taken).toISOString(),
    issued: iat === undefined ? undefined : Math.abs(iat - Math.floor(taken / 1000)) <= 1,
    // Told to the second, of which the two moments it is counted from may lie on either side.
    good: `<seconds ${seconds(expiresAt) ?? exp - iat}>`,
    id: jti && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(jti),
  };
  const records = Object.entries(rest).map(([key, record]) => [key, inStoreOrder(key, record)]);
  return `${copy.form} ${Object.keys(copy.payload)} ${JSON.stringify(times)} ${JSON.stringify(Object.fromEntries(records))}`;
}

// A copy that was made of a copy has its keys in another order in the npm package; readers take either.
function inStoreOrder(key, record) {
  if ((key !== "session" && key !== "user") || Object.keys(record)[0] !== "id") return record;
  const first = { session: ["expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId"], user: ["name", "email", "emailVerified", "image", "createdAt", "updatedAt"] }[key];
  const { id, ...others } = record;
  return { ...Object.fromEntries(first.map((name) => [name, record[name]])), ...others, id };
}

function opened(value, secret) {
  const parts = value.split(".");
  try {
    return openedAs(parts, value, secret);
  } catch {
    return undefined;
  }
}

function openedAs(parts, value, secret) {
  if (parts.length === 5) return openedJwe(parts, secret);
  if (parts.length === 3) {
    const { header, claims, right } = readJwt(value, secret);
    return right && { form: JSON.stringify(header), payload: claims };
  }
  const { session, expiresAt, signature } = JSON.parse(Buffer.from(value, "base64url"));
  const right = signature === compactSignature({ ...session, expiresAt }, secret);
  return right && { form: "compact", payload: { ...session, expiresAt } };
}

function compactSignature(payload, secret) {
  return createHmac("sha256", secret).update(JSON.stringify(payload)).digest("base64url");
}

function openedJwe([head, , iv, ciphertext, tag], secret) {
  for (const salt of SALTS) {
    const key = Buffer.from(hkdfSync("sha256", secret, salt, INFO, 64));
    const bits = Buffer.alloc(8);
    bits.writeBigUInt64BE(BigInt(head.length * 8));
    const [vector, encrypted] = [iv, ciphertext].map((part) => Buffer.from(part, "base64url"));
    const mac = createHmac("sha512", key.subarray(0, 32)).update(Buffer.concat([Buffer.from(head), vector, encrypted, bits])).digest();
    if (mac.subarray(0, 32).toString("base64url") !== tag) continue;
    const cipher = createDecipheriv("aes-256-cbc", key.subarray(32), vector);
    const text = Buffer.concat([cipher.update(encrypted), cipher.final()]).toString();
    return { form: `${Buffer.from(head, "base64url")} for ${salt}`, payload: JSON.parse(text) };
  }
  return undefined;
}

/** A compact copy, changed and signed anew. `change` gets what is signed: session, user, updatedAt, version, expiresAt. */
export function altered(value, change, secret = SECRET) {
  const document = JSON.parse(Buffer.from(value, "base64url"));
  const payload = { ...document.session, expiresAt: document.expiresAt };
  change(payload);
  const { expiresAt, ...session } = payload;
  const signature = compactSignature(payload, secret);
  return Buffer.from(JSON.stringify({ session, expiresAt, signature })).toString("base64url");
}
