// A scenario is what both servers are configured from:
//   { environment: "development" | "production", options: {…npm option names…}, bearer: {…} | false, plugins: {…} }
// `plugins` holds the options of the other plugins by the names that the npm package exports them under.
// A sender, which is a function there, is given as `true`: its mails go to the outbox, see outbox.mjs.

export const SECRET = "better-auth-contract-secret-00000000";

// Both servers are told that they are reached here, wherever they listen, so that the same bytes can be sent to both.
export const ORIGIN = "http://127.0.0.1:3000";

const DEFAULTS = {
  secret: SECRET,
  baseURL: ORIGIN,
  emailAndPassword: { enabled: true },
};

/** Fills in what a scenario leaves out. An option given as null is removed, also if it has a default. */
export function scenario({ environment = "development", options = {}, bearer = {}, plugins = {} } = {}) {
  const merged = { ...DEFAULTS, ...options };
  if (options.emailAndPassword) merged.emailAndPassword = { enabled: true, ...options.emailAndPassword };
  for (const key of Object.keys(merged)) if (merged[key] == null) delete merged[key];
  return { environment, options: merged, bearer, plugins };
}

/** The same scenario with the bearer plugin's `requireSignature` turned round. */
export function flipped(given) {
  const bearer = given.bearer || {};
  return { ...given, bearer: { ...bearer, requireSignature: !bearer.requireSignature } };
}
