// Writes a scenario as hallpass's configuration file. Its keys are the npm option names in snake case, so this is
// mechanical, except below the tables whose keys are the operator's own names and must stay as they are.

const OWN_NAMES = new Set([
  "additional_fields", "custom_rules", "cookies", "fields",
  "authorization_url_params", "token_url_params", "refresh_token_params", "discovery_headers", "authorization_headers",
]);

export function toToml(scenario, { store, port, metrics, outbox }) {
  const options = snakeKeys(scenario.options);
  const config = {
    environment: scenario.environment,
    ...options,
    ...(options.secrets && { secrets: options.secrets.map(({ version, value }) => `${version}:${value}`) }),
    // These two are on wherever mail can go out, and off in the npm package unless there is a function.
    email_and_password: { send_reset_password: false, ...options.email_and_password },
    email_verification: { send_verification_email: false, ...options.email_verification },
    mail: { transport: "file", path: outbox },
    database: { url: store.url ?? `sqlite://${store.file}`, auto_migrate: true },
    ...(store.redis && { secondary_storage: { url: store.redis } }),
    server: { listen: `127.0.0.1:${port}`, ...(metrics && { metrics_listen: `127.0.0.1:${metrics}` }) },
    plugins: {
      ...snakeKeys(scenario.plugins),
      bearer: scenario.bearer ? { enabled: true, ...snakeKeys(scenario.bearer) } : { enabled: false },
    },
  };
  return table(config, []);
}

/** emailAndPassword → email_and_password, baseURL → base_url, disableCSRFCheck → disable_csrf_check, genericOAuth → generic_oauth. */
export function snake(name) {
  return name
    .replaceAll("OAuth", "Oauth")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .toLowerCase();
}

function snakeKeys(value) {
  if (Array.isArray(value)) return value.map(snakeKeys);
  if (!isTable(value)) return value;
  // What is undefined is as good as absent, as it is for the package.
  const entries = Object.entries(value).filter(([, below]) => below !== undefined).map(([name, below]) => {
    const key = snake(name);
    if (!OWN_NAMES.has(key) || !isTable(below)) return [key, snakeKeys(below)];
    return [key, Object.fromEntries(Object.entries(below).map(([own, inner]) => [own, snakeKeys(inner)]))];
  });
  return Object.fromEntries(entries);
}

// TOML wants the plain keys of a table before its sub-tables.
function table(value, path) {
  const entries = Object.entries(value);
  const plain = entries.filter(([, below]) => !isTable(below));
  const tables = entries.filter(([, below]) => isTable(below));
  const header = path.length ? `\n[${path.map(quoteKey).join(".")}]\n` : "";
  const lines = plain.map(([key, below]) => `${quoteKey(key)} = ${literal(below)}\n`);
  return header + lines.join("") + tables.map(([key, below]) => table(below, [...path, key])).join("");
}

function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  // Only tables inside an array come here. Written inline, they stay with their key.
  if (isTable(value)) return `{ ${Object.entries(value).map(([key, below]) => `${quoteKey(key)} = ${literal(below)}`).join(", ")} }`;
  // A JSON string is a TOML basic string too: both escape the same characters in the same way.
  if (["string", "number", "boolean"].includes(typeof value)) return JSON.stringify(value);
  throw new Error(`the scenario holds ${JSON.stringify(value)}, which TOML cannot express: leave the key out instead`);
}

function quoteKey(key) {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
