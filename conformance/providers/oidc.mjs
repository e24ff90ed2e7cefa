// A real OpenID provider, the npm package `oidc-provider`, as a process of its own. It says on stdout where it is:
//   {"ready":true,"plain":"http://127.0.0.1:N","claims":"http://127.0.0.1:M"}
// Both issuers know the same accounts and applications. `plain` gives what a person is called and their address at its
// userinfo endpoint only, as OpenID Connect has it; `claims` puts them into the ID token as well, as many do.
//
// There is no page to fill in: who `login_hint` names is logged in and agrees to everything; `deny` refuses. Without a
// hint the login is posted as `login` to the interaction. It ends when stdin does.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import Provider from "oidc-provider";
import { ACCOUNTS, CLIENTS, LIFETIMES } from "./accounts.mjs";

const key = (type, options, alg) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), alg, use: "sig", kid: alg });
const keys = [key("rsa", { modulusLength: 2048 }, "RS256"), key("ec", { namedCurve: "P-256" }, "ES256")];

function configuration({ claimsInIdToken }) {
  return {
    clients: CLIENTS,
    jwks: { keys },
    cookies: { keys: ["only for this run"] },
    conformIdTokenClaims: !claimsInIdToken,
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
    findAccount: (_, id) => ACCOUNTS[id] && { accountId: id, claims: () => ({ sub: id, ...ACCOUNTS[id] }) },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: (_, __, client) => (client.clientId === "brief" ? LIFETIMES.brief : LIFETIMES.access),
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
  };
}

async function interact(provider, request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  const posted = request.method === "POST" ? new URLSearchParams(await text(request)).get("login") : null;
  const login = posted ?? params.login_hint ?? session?.accountId;
  const finish = (result) => provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  if (login === "deny") return finish({ error: "access_denied", error_description: "The owner said no, & meant it" });
  if (!ACCOUNTS[login]) {
    response.writeHead(200, { "content-type": "text/html" });
    return response.end('<form method="post"><input name="login"></form>');
  }
  if (prompt.name === "login") return finish({ login: { accountId: login } });
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return finish({ consent: { grantId: await grant.save() } });
}

/** Resolves to the issuer's address once it answers. */
async function serve(options) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration(options));
  const handle = provider.callback();
  server.on("request", (request, response) => {
    if (!request.url.startsWith("/interaction/")) return handle(request, response);
    return interact(provider, request, response).catch((error) => {
      response.writeHead(500, { "content-type": "text/plain" });
      response.end(String(error.stack));
    });
  });
  return issuer;
}

const [plain, claims] = await Promise.all([serve({ claimsInIdToken: false }), serve({ claimsInIdToken: true })]);
console.log(JSON.stringify({ ready: true, plain, claims }));
process.stdin.on("end", () => process.exit(0)).resume();
