// Runs one written flow against a pair of servers.
//
// A flow is { name, scenario, run(t) }. `t` sends steps and counts them; see README.md for an example. Where the servers
// need an OAuth provider, `scenario` is a function of where the providers are (lib/providers.mjs). `lifetimes` lists
// further distances, in seconds, that dates may have from the step in which they were made.
import { setTimeout as sleep } from "node:timers/promises";
import { explain, pair } from "./pair.mjs";
import { providers } from "./providers.mjs";
import { scenario } from "./scenario.mjs";

const PASSWORD = "correct horse battery";

/**
 * Plays a flow, and once more with the verifications in the database if they are in Redis and it looks for them there.
 * Resolves to { steps, different: [text] }. `startPair(scenario)` starts the two servers; `show` gets the text of each step.
 */
export async function runFlow(flow, startPair, how = {}) {
  const result = await play(flow, startPair, how);
  const looked = result.different.some((text) => /no such table: verification/.test(text));
  return looked && !how.instead ? play(flow, startPair, { ...how, instead: { storeInDatabase: true } }) : result;
}

async function play(flow, startPair, { mutate, mutateMails, show, instead }) {
  const result = { steps: 0, different: [] };
  let servers = [];
  try {
    const at = typeof flow.scenario === "function" ? await providers() : undefined;
    const given = scenario(at ? flow.scenario(at) : flow.scenario);
    if (instead) given.options.verification = { ...given.options.verification, ...instead };
    servers = await startPair(given);
    const { basePath, secrets, session } = given.options;
    const secret = secrets?.[0].value ?? given.options.secret;
    // An unremembered session lives a day, the others as long as configured.
    const lifetimes = [86_400_000, (session?.expiresIn || 604_800) * 1000, ...(flow.lifetimes ?? []).map((seconds) => seconds * 1000)];
    const both = pair(...servers, { basePath, secret, lifetimes, mutate, mutateMails });
    try {
      await flow.run(steps(both, flow.name, result, at, show));
      await noStrayMails(both, flow.name, result, sendsMails(given) ? undefined : 0);
    } finally {
      both.close();
    }
  } catch (error) {
    const wrote = servers.map((server) => `\n    ${server.name} wrote: ${server.output().slice(-1000) || "nothing"}`);
    result.steps = Math.max(result.steps, 1);
    result.different.push(`  ${flow.name}: stopped at step ${result.steps}: ${error.stack}${wrote.join("")}`);
  }
  await Promise.all(servers.map((server) => server.stop()));
  return result;
}

const sendsMails = ({ options }) => /"send[A-Z]\w*":true/.test(JSON.stringify(options));

/** A mail that comes after the answer, and was not waited for because the original sent none, shows at the latest here. */
async function noStrayMails(both, name, result, wait) {
  const told = await both.strayMails(wait);
  if (!told.equal) {
    result.different.push(`  ${name}, after step ${result.steps}\n${explain(told, both.sides.map((side) => side.server.name))}`);
  }
  return told;
}

function steps(both, name, result, at, show = () => {}) {
  /**
   * Sends one step. `is` says what the original is known to do, so that a flow cannot miss its mark unnoticed:
   * a status, or what `outcome` says of an answer.
   */
  async function send(request, is) {
    return judge(await both.ask(request), is);
  }

  function judge(told, is) {
    result.steps += 1;
    const names = both.sides.map((side) => side.server.name);
    show(`  ${name}, step ${result.steps}\n    asked: ${JSON.stringify(told.request)}\n${told.texts[0].replace(/^/gm, "      ")}`);
    if (!told.equal) result.different.push(`  ${name}, step ${result.steps}\n${explain(told, names)}`);
    const first = told.answers[0];
    if (is != null && is !== first.status && is !== outcome(first)) {
      throw new Error(`the flow expects ${is} here, but ${names[0]} answered:\n${explain(told, names)}`);
    }
    return told;
  }

  const request = (method, path, extra, more) => (kept) => ({
    method,
    path: typeof path === "function" ? path(kept) : path,
    ...more,
    ...(typeof extra === "function" ? extra(kept) : extra),
  });

  const t = {
    send,
    /** The path may be a function of what was kept. */
    get: (path, extra = {}, is) => send(request("GET", path, extra), is),
    /** `json` may be undefined for no body, or a function of what was kept. */
    post: (path, json, extra = {}, is) =>
      send((kept) => {
        const value = typeof json === "function" ? json(kept) : json;
        return request("POST", path, extra, value === undefined ? {} : { json: value })(kept);
      }, is),
    /** Signs a user up and keeps the session under the user's name. */
    signUp: (name, more = {}, extra = {}) =>
      t.post("/sign-up/email", { name, email: `${name}@example.com`, password: PASSWORD, ...more }, { keep: name, ...extra }),
    /** Signs the user in again and keeps the new session under `as`. */
    signIn: (name, as = name, more = {}, extra = {}) =>
      t.post("/sign-in/email", { email: `${name}@example.com`, password: PASSWORD, ...more }, { keep: as, ...extra }),
    /** Keeps the mail of a kind that was sent last, and was not kept before, with its `token` and the `target` of its link. */
    mail: (as, kind) => {
      for (const { kept, server } of both.sides) {
        const at = kept.mails.findLastIndex((mail) => mail.kind === kind);
        if (at < 0) throw new Error(`the flow expects a mail ${kind} after step ${result.steps}, but ${server.name} sent none`);
        [kept[as]] = kept.mails.splice(at, 1);
      }
    },
    /** Waits a moment: the last step must have sent no mail. This counts as a step. */
    noMail: async (told) => {
      result.steps += 1;
      const late = await noStrayMails(both, name, result);
      const [sent] = told.mails;
      if (sent.length + late.mails[0].length > 0) throw new Error(`the flow expects no mail of step ${result.steps - 1}, but ${JSON.stringify(sent)} was sent`);
    },
    /** Both must have taken this many milliseconds to answer `told`. This counts as a step. */
    tookAtLeast: (told, milliseconds) => {
      result.steps += 1;
      const quick = both.sides.filter((_, index) => told.took[index] < milliseconds).map((side) => side.server.name);
      if (quick.length > 0) {
        result.different.push(`  ${name}, step ${result.steps - 1}: ${quick.join(" and ")} answered in less than ${milliseconds} ms (${told.took.join(", ")})`);
      }
    },
    database: both.database,
    /** Where both keep their data: "sqlite", "postgres", "mariadb" or "redis". */
    store: both.sides[0].server.store.kind,
    /** Both databases must give the same for `read(database, kept)`, which `what` names. This counts as a step. */
    same: (what, read) => {
      result.steps += 1;
      const found = [];
      both.database((database, kept) => found.push(JSON.stringify(read(database, kept))));
      if (found[0] !== found[1]) result.different.push(`  ${name}, after step ${result.steps - 1}: ${what} are ${found.join(" and ")}`);
    },
    /** Compares what `read(database, kept)` gives for each side. */
    look: (read) => judge(both.look(read)),
    /** Does `work(kept, side)` for each side, side being 0 or 1, without asking the servers anything. */
    each: (work) => Promise.all(both.sides.map((side, index) => work(side.kept, index))),
    /** Where the OAuth providers are, if the scenario asked for them. */
    providers: at,
    /** Moves a kept session in time, on both sides: columns to seconds from now. */
    age: (name, columns) => {
      const ofNow = () => Object.entries(columns).map(([column, seconds]) => [column, new Date(Date.now() + seconds * 1000).toISOString()]);
      let dates;
      both.database((database, kept) => database.alter(kept[name].token, Object.fromEntries((dates ??= ofNow()))));
    },
    sleep,
    kept: (index = 0) => both.sides[index].kept,
    PASSWORD,
  };
  return t;
}

/** What a session look-up came to: "session", "null", "clears" (null, and the cookies are cleared) or "other". */
export function outcome(answer) {
  const clearing = answer.headers.filter(([name, value]) => name === "set-cookie" && value.includes("Max-Age=0"));
  if (answer.status !== 200) return "other";
  if (answer.body.startsWith('{"session":{')) return "session";
  if (answer.body === "null") return clearing.length > 0 ? "clears" : "null";
  return "other";
}
