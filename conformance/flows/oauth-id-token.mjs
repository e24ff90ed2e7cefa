// Signing in and linking with an ID token that the client got from the provider itself.
import { accounts, explicit, faulty, idp, known, seen, signIn, stored } from "../lib/oauth.mjs";

const withFaults = (more = {}, options = {}, query = {}) => (at) => ({ options, plugins: { genericOAuth: { config: [faulty(at.faults, more, query), explicit(at.faults), idp(at.claims)] } } });
const bearer = (as) => ($) => ({ authorization: `Bearer ${$[as].signed}` });
const now = Math.floor(Date.now() / 1000);

/** [what it is, what is minted, what else is in `idToken`, what else is in the body] */
const TOKENS = [
  ["good", {}],
  ["good, again", {}],
  ["ES256", { alg: "ES256", claims: { sub: "es", email: "es@example.com" } }],
  ["with a nonce", { claims: { nonce: "n-1" } }, { nonce: "n-1" }],
  ["with a nonce that nobody asks for", { claims: { nonce: "n-1" } }],
  ["with an empty nonce asked for", { claims: { nonce: "n-1" } }, { nonce: "" }],
  ["with another nonce", { claims: { nonce: "n-1" } }, { nonce: "n-2" }],
  ["without the nonce", {}, { nonce: "n-1" }],
  ["with the nonce hashed", { claims: { nonce: "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a" } }, { nonce: "n-1" }],
  ["with a nonce that is a number", { claims: { nonce: 5 } }, { nonce: "5" }],
  ["for another audience", { claims: { aud: "another" } }],
  ["for several audiences", { claims: { aud: ["another", "faulty client/ö"] } }],
  ["for no audience", { claims: { aud: null } }],
  ["of another issuer", { claims: { iss: "https://evil.example" } }],
  ["of no issuer", { claims: { iss: null } }],
  ["expired", { claims: { exp: now - 100 } }],
  ["expired a moment ago", { claims: { exp: now - 5 } }],
  ["that never expires", { claims: { exp: null } }],
  ["that expires sometime", { claims: { exp: "soon" } }],
  ["issued long ago", { claims: { iat: 5 } }],
  ["issued in the future", { claims: { iat: now + 900 } }],
  ["issued nobody knows when", { claims: { iat: null } }],
  ["not yet valid", { claims: { nbf: now + 900 } }],
  ["of nobody", { claims: { sub: null } }],
  ["of an empty subject", { claims: { sub: "" } }],
  ["of a blank subject", { claims: { sub: " " } }],
  ["of a subject that is a number", { claims: { sub: 42 } }],
  ["with a foreign signature", { key: "foreign" }],
  ["with an unknown key", { header: { kid: "unknown" } }],
  ["with no key id", { header: { kid: null } }],
  ["with another type", { header: { typ: "at+jwt" } }],
  ["with a critical header", { header: { crit: ["x"], x: 1 } }],
  ["not signed", { alg: "none" }],
  ["signed with the public key", { alg: "HS256" }],
  ["that is no JWT", "opaque"],
  ["that is empty", ""],
  ["of three parts", "a.b.c"],
  ["of four parts", "a.b.c.d"],
  ["of five parts", "a.b.c.d.e"],
  ["with a blank", "%s "],
  ["with its signature cut", "%s-cut"],
  ["without an address", { claims: { email: null } }],
  ["with an empty address", { claims: { email: "" } }],
  ["with an address in capitals", { claims: { sub: "caps", email: "CAPS@Example.COM", name: null } }],
  ["with an unverified address", { claims: { sub: "unverified", email: "unverified@example.com", email_verified: false } }],
  ["with a picture", { claims: { sub: "picture", email: "picture@example.com", picture: "https://img.example.com/p.png" } }],
  ["with other tokens", { claims: { sub: "others", email: "others@example.com" } }, { accessToken: "access", refreshToken: "refresh", expiresAt: 5 }],
  ["with a user", { claims: { sub: "user", email: "user@example.com" } }, { user: { name: { firstName: "First", lastName: "Last" }, email: "form@example.com" } }],
  ["with addresses to go to", { claims: { sub: "urls", email: "urls@example.com" } }, {}, { callbackURL: "/x", newUserCallbackURL: "/new", errorCallbackURL: "/failed", disableRedirect: true, scopes: ["x"], loginHint: "y" }],
];

async function minted(t, given) {
  if (typeof given !== "string") return t.providers.faults.mint(given);
  const good = await t.providers.faults.mint({});
  return given === "%s-cut" ? good.slice(0, -4) : given.replace("%s", good);
}

const table = (name, path, { more, options, query, rows = TOKENS, provider = "faulty", user = false } = {}) => ({
  name: `oauth ID token: ${name}`,
  scenario: withFaults(more, options, query),
  async run(t) {
    if (user) await t.signUp("ann");
    for (const [index, [, given, token = {}, body = {}]] of rows.entries()) {
      const idToken = { token: await minted(t, given), ...token };
      await t.post(path, { provider, idToken, ...body }, ($) => ({ keep: user ? undefined : `p${index}`, ...(user && bearer("ann")($)) }));
    }
    await stored(t);
    await known(t);
  },
});

const few = [TOKENS[0], TOKENS[1], TOKENS.find(([title]) => title === "with an unverified address"), TOKENS.find(([title]) => title === "with other tokens")];

export default [
  table("signing in, every kind", "/sign-in/social"),
  table("linking, every kind", "/link-social", { user: true, options: { account: { accountLinking: { allowDifferentEmails: true } } } }),
  table("linking with one's own address only", "/link-social", { user: true }),
  table("linking, switched off", "/link-social", { user: true, rows: few, options: { account: { accountLinking: { enabled: false } } } }),
  table("linking, a trusted provider", "/link-social", { user: true, rows: few, options: { account: { accountLinking: { trustedProviders: ["faulty"], allowDifferentEmails: true, updateUserInfoOnLink: true } } } }),
  table("where there are no keys", "/sign-in/social", { rows: few, query: { without: "jwks_uri" } }),
  table("at plain OAuth 2", "/sign-in/social", { rows: few, provider: "explicit" }),
  table("linking at plain OAuth 2", "/link-social", { user: true, rows: few, provider: "explicit" }),
  table("at an unknown provider", "/sign-in/social", { rows: few, provider: "unknown" }),
  table("the nonce left to others", "/sign-in/social", { rows: TOKENS.slice(0, 10), more: { disableIdTokenNonceBinding: true } }),
  table("sign-up disabled", "/sign-in/social", { rows: few, more: { disableSignUp: true } }),
  table("implicit sign-up disabled", "/sign-in/social", { rows: [...few, ["asked for", {}, {}, { requestSignUp: true }], ["then known", {}]], more: { disableImplicitSignUp: true } }),
  table("a verified address required", "/sign-in/social", { rows: few, more: { requireEmailVerification: true } }),
  table("what the provider says over what is known", "/sign-in/social", { rows: [["first", {}], ["then", { claims: { name: "Changed", picture: "new" } }]], more: { overrideUserInfo: true } }),
  table("encrypted tokens", "/sign-in/social", { rows: few, options: { account: { encryptOAuthTokens: true } } }),
  table("the account in a cookie", "/sign-in/social", { rows: few, options: { account: { storeAccountCookie: true } } }),
  table("linking, encrypted tokens", "/link-social", { user: true, rows: few, options: { account: { encryptOAuthTokens: true, accountLinking: { allowDifferentEmails: true } } } }),
  table("linking, the account in a cookie", "/link-social", { user: true, rows: few, options: { account: { storeAccountCookie: true, accountLinking: { allowDifferentEmails: true } } } }),
  {
    name: "oauth ID token: of somebody who is known by address",
    scenario: withFaults(),
    async run(t) {
      const token = await t.providers.faults.mint();
      await t.signUp("ann");
      const enter = () => t.post("/sign-in/social", { provider: "faulty", idToken: { token } }, { keep: "again" });
      await enter();
      t.database((database) => database.prepare("update user set emailVerified = true").run());
      await enter();
      await seen(t, "again");
      await stored(t);
      // The account of somebody else cannot be linked.
      await t.signUp("bob");
      await t.post("/link-social", { provider: "faulty", idToken: { token } }, bearer("bob"), 409);
      await stored(t);
    },
  },
  {
    name: "oauth ID token: a real one",
    scenario: withFaults(),
    async run(t) {
      await signIn(t, "stranger");
      await accounts(t, "stranger");
      const { answers } = await t.post("/get-access-token", ($) => ({ accountId: $.stranger.accounts.idp }), bearer("stranger"), 200);
      await t.each(($, side) => {
        $.tokens = JSON.parse(answers[side].body);
      });
      const enter = (idToken, provider = "idp") => t.post("/sign-in/social", ($) => ({ provider, idToken: idToken($.tokens) }), { keep: "again" });
      await enter(({ idToken, accessToken }) => ({ token: idToken, accessToken }));
      await seen(t, "again");
      await stored(t);
      await enter(({ idToken }) => ({ token: idToken, nonce: "wrong" }));
      await enter(({ idToken }) => ({ token: idToken, nonce: JSON.parse(Buffer.from(idToken.split(".")[1], "base64url")).nonce }));
      // It is not meant for the other provider.
      await enter(({ idToken }) => ({ token: idToken }), "faulty");
      await t.signUp("bob");
      await t.post("/link-social", ($) => ({ provider: "idp", idToken: { token: $.tokens.idToken } }), bearer("bob"), 409);
    },
  },
];
