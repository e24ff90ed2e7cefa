// A small OAuth server, written by hand, for what a well-behaved provider does not do: a wrong nonce or issuer, a foreign
// signature, a token endpoint that fails, a profile without an address, a discovery document that is incomplete or late.
// For everything else there is the real one, oidc.mjs.
//
// It decides nothing. Nobody visits its authorization endpoint; the flow makes up the code, and the code says what the
// token endpoint shall answer, as base64url JSON:
//   { status, raw }            answer with this, instead of tokens
//   { answer }                 fields of the token answer, over the usual ones; null takes one away
//   { idToken }                an ID token with these claims over the usual ones, see `mint`
//   { user, userStatus, userRaw }   what the userinfo endpoint says to the access token that is given out
//   { fill }                   an ID token of so many characters
//   { note }                   a name under which `received` finds the request afterwards
// Refresh tokens are read in the same way, and access tokens are written so.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from "jose";

export const FAULTY_CLIENT = "faulty client/ö";
export const FAULTY_SECRET = "p@ss: word+%20/ü'()*!~";

export const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function decode(text) {
  try {
    return JSON.parse(Buffer.from(text ?? "", "base64url").toString("utf8"));
  } catch {
    return { status: 400, raw: '{"error":"invalid_grant"}' };
  }
}

const without = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

/** Resolves to { url, mint, received, up }. */
export async function startFaults() {
  const keys = {};
  for (const alg of ["RS256", "ES256"]) keys[alg] = { own: await generateKeyPair(alg, { extractable: true }), foreign: await generateKeyPair(alg) };
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const notes = new Map();
  const seenLate = new Set();
  const opened = new Set();

  const discovery = {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    userinfo_endpoint: `${url}/userinfo`,
    jwks_uri: `${url}/jwks`,
    end_session_endpoint: `${url}/logout?tenant=1`,
    id_token_signing_alg_values_supported: ["RS256", "ES256"],
  };

  /** An ID token. A claim given as null is left out; `alg` may be none or HS256, `key` own or foreign. */
  async function mint({ claims = {}, alg = "RS256", key = "own", header = {} } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const payload = without({ iss: url, aud: FAULTY_CLIENT, sub: "subject-1", iat: now, exp: now + 3600, email: "ann@example.com", email_verified: true, name: "Ann Faulty", ...claims });
    if (alg === "none") return `${encode({ alg, ...header })}.${encode(payload)}.`;
    if (alg === "HS256") {
      // The public key taken for a shared secret: the classic confusion.
      const signing = `${encode({ alg, kid: "RS256", ...header })}.${encode(payload)}`;
      return `${signing}.${createHmac("sha256", await exportSPKI(keys.RS256.own.publicKey)).update(signing).digest("base64url")}`;
    }
    return new SignJWT(payload).setProtectedHeader(without({ alg, kid: alg, ...header })).sign(keys[alg][key].privateKey, { crit: { x: true } });
  }

  async function token(request) {
    const form = new URLSearchParams(await text(request));
    const told = decode(form.get("refresh_token") ?? form.get("code")) ?? {};
    if (told.note) {
      const { authorization, accept, "content-type": type } = request.headers;
      const own = Object.entries(request.headers).filter(([name]) => name.startsWith("x-"));
      const shown = [...form].map(([name, value]) => [name, name === "code" || name === "refresh_token" ? "as given" : value]).sort();
      notes.set(told.note, [...(notes.get(told.note) ?? []), { authorization, accept, type, own, form: shown }]);
    }
    if (told.raw !== undefined) return [told.status ?? 200, told.raw];
    const answer = {
      access_token: encode({ user: told.user, userStatus: told.userStatus, userRaw: told.userRaw }),
      token_type: "Bearer",
      ...(told.idToken && { id_token: typeof told.idToken === "string" ? told.idToken : await mint(told.idToken) }),
      ...(told.fill && { id_token: "i".repeat(told.fill) }),
      ...told.answer,
    };
    return [told.status ?? 200, JSON.stringify(without(answer))];
  }

  function userinfo(request) {
    const told = decode(/^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1]);
    return [told.userStatus ?? told.status ?? 200, told.userRaw ?? told.raw ?? JSON.stringify(told.user ?? {})];
  }

  /** `without` names fields to leave out, `set` holds JSON to put over the rest, `require` a header that must be there. */
  function document(query) {
    const left = Object.entries(discovery).filter(([name]) => !query.get("without")?.split(",").includes(name));
    return [200, JSON.stringify({ ...Object.fromEntries(left), ...JSON.parse(query.get("set") ?? "{}") })];
  }

  async function answer(request) {
    const { pathname, searchParams: query } = new URL(request.url, url);
    if (query.has("require") && !request.headers[query.get("require")]) return [401, '{"error":"a header is missing"}'];
    const late = /^\/late\/([^/]+)\//.exec(pathname);
    if (late) seenLate.add(late[1]);
    if (late && !opened.has(late[1])) return [503, '{"error":"not yet"}'];
    if (pathname.endsWith("/openid-configuration")) return document(query);
    if (pathname === "/jwks") return [200, JSON.stringify({ keys: await Promise.all(Object.entries(keys).map(async ([alg, { own }]) => ({ ...(await exportJWK(own.publicKey)), alg, use: "sig", kid: alg }))) })];
    if (pathname === "/token") return token(request);
    if (pathname === "/userinfo") return userinfo(request);
    if (pathname === "/redirect") return [307, "", { location: query.get("to") }];
    return [404, "{}"];
  }

  server.on("request", async (request, response) => {
    try {
      const [status, body, headers = {}] = await answer(request);
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
    } catch (error) {
      response.writeHead(500, { "content-type": "text/plain" }).end(String(error.stack));
    }
  });
  return {
    url,
    mint,
    /** The token requests whose code or refresh token bore this note, in their order. */
    received: (note) => notes.get(note) ?? [],
    /** From now on every `/late/<name>/…` answers that somebody asked for in vain. */
    up: () => seenLate.forEach((name) => opened.add(name)),
  };
}
