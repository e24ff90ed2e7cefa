// Signing in at a provider and coming back: the authorization URL, new and known users, what is stored and shown.
import { accounts, back, idp, known, seen, signIn, start, stored, visit } from "../lib/oauth.mjs";

const OWN = "http://127.0.0.1:3000";
const withProvider = (more = {}, options = {}, issuer = "claims") => (at) => ({ options, plugins: { genericOAuth: { config: [idp(at[issuer], more)] } } });

export default [
  {
    name: "oauth: a new user and the same one again",
    scenario: withProvider(),
    lifetimes: [3600, 600],
    async run(t) {
      await start(t, "ann", { loginHint: "ann" });
      await t.look((database) => database.prepare("select identifier, value, expiresAt from verification").all());
      await visit(t, "ann");
      await back(t, "ann");
      await seen(t, "ann");
      await stored(t);
      await known(t);
      await t.look((database) => database.prepare("select identifier, value, expiresAt from verification").all());
      await signIn(t, "ann");
      await seen(t, "ann");
      await stored(t);
      await t.get("/list-sessions", ($) => ({ cookie: $.ann.cookie }));
    },
  },
];
