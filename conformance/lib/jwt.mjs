// Tokens of verification mails, as the harness itself makes and reads them.
import { createHmac } from "node:crypto";
import { SECRET } from "./scenario.mjs";

const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const HASHES = { HS256: "sha256", HS384: "sha384", HS512: "sha512" };

/** Signs `claims` (JSON, or a text to be taken as it is). They expire in an hour unless they say when, or `exp: null`. */
export function jwt(claims, { header = { alg: "HS256" }, secret = SECRET } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const whole = typeof claims === "string" ? claims : { ...claims, iat: claims.iat ?? now, exp: claims.exp ?? now + 3600 };
  if (claims.exp === null) delete whole.exp;
  const text = `${encode(header)}.${encode(whole)}`;
  return `${text}.${mac(text, header.alg, secret)}`;
}

function mac(text, algorithm, secret) {
  const hash = HASHES[algorithm];
  return hash ? createHmac(hash, secret).update(text).digest("base64url") : "";
}

/** Gives { header, claims, right }, or undefined for what is no such token. `right` is about the signature alone. */
export function readJwt(token, secret = SECRET) {
  const [head, body, given] = token.split(".");
  try {
    const [header, claims] = [head, body].map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
    return { header, claims, right: given === mac(`${head}.${body}`, header.alg, secret) };
  } catch {
    return undefined;
  }
}
