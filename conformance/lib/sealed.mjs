// Opens what a server has encrypted with its secret, so that the content can be compared and not just its length.
import { createDecipheriv, createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";

/** The uses for which a key of its own is derived from the secret; OAuth tokens are encrypted with the secret itself. */
const PURPOSES = ["oauth-state-cookie", "oauth-link-session-token"];
const JWE_SALTS = ["better-auth-account", "better-auth-session"];

/** { text, use } of a text in hex (nonce, then XChaCha20-Poly1305), or null. */
export function openHex(hex, secret) {
  const bytes = Buffer.from(hex, "hex");
  for (const use of ["secret", ...PURPOSES]) {
    const key = createHash("sha256").update(use === "secret" ? secret : purposeKey(secret, use)).digest();
    try {
      return { use, text: Buffer.from(xchacha20poly1305(key, bytes.subarray(0, 24)).decrypt(bytes.subarray(24))).toString("utf8") };
    } catch {
      // Sealed for another use, or with another secret.
    }
  }
  return null;
}

function purposeKey(secret, purpose) {
  const key = hkdfSync("sha256", secret, "better-auth:oauth-encryption:v1", `better-auth:${purpose}:v1`, 32);
  return Buffer.from(key).toString("hex");
}

/** { text, use } of a compact JWE (dir, A256CBC-HS512), or null. */
export function openJwe(token, secret) {
  const [head, , iv, sealed, tag] = token.split(".");
  for (const use of JWE_SALTS) {
    const key = Buffer.from(hkdfSync("sha256", secret, use, "BetterAuth.js Generated Encryption Key", 64));
    const [initial, content, given] = [iv, sealed, tag].map((part) => Buffer.from(part, "base64url"));
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(head.length * 8));
    const mac = createHmac("sha512", key.subarray(0, 32)).update(head).update(initial).update(content).update(length).digest().subarray(0, 32);
    if (given.length !== 32 || !timingSafeEqual(mac, given)) continue;
    const decipher = createDecipheriv("aes-256-cbc", key.subarray(32), initial);
    return { use, text: Buffer.concat([decipher.update(content), decipher.final()]).toString("utf8") };
  }
  return null;
}
