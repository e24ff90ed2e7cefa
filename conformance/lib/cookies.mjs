// Signed values as the harness itself makes and checks them, so that a server's signature is not taken on trust.
import { createHmac } from "node:crypto";
import { SECRET } from "./scenario.mjs";

export function signature(value, secret = SECRET) {
  return createHmac("sha256", secret).update(value).digest("base64");
}

/** `value.signature`, as in `set-auth-token`. */
export function signed(value, secret = SECRET) {
  return `${value}.${signature(value, secret)}`;
}

/** The same as it stands in a cookie. */
export function signedCookie(name, value, secret = SECRET) {
  return `${name}=${encodeURIComponent(signed(value, secret))}`;
}

/** What a browser would send back after these answers: the live `name=value` pairs of their set-cookie lines. */
export function jar(previous, answer) {
  const cookies = new Map(previous);
  for (const [header, line] of answer.headers) {
    if (header !== "set-cookie") continue;
    const [pair, ...attributes] = line.split("; ");
    const name = pair.slice(0, pair.indexOf("="));
    if (attributes.includes("Max-Age=0")) cookies.delete(name);
    else cookies.set(name, pair.slice(name.length + 1));
  }
  return cookies;
}

export function cookieHeader(cookies) {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
}
