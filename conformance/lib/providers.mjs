// The OAuth providers that the servers under test are told to use. They are started when the first flow wants them, once.
import { fileURLToPath } from "node:url";
import { startFaults } from "../providers/faults.mjs";
import { cleanEnvironment, start, within } from "./children.mjs";

let running;

/** Resolves to { plain, claims, faults }: two issuers of the real provider, and the fabricated one. */
export function providers() {
  running ??= launch();
  return running;
}

async function launch() {
  const program = fileURLToPath(new URL("../providers/oidc.mjs", import.meta.url));
  let told;
  const ready = new Promise((resolve) => {
    told = resolve;
  });
  const child = start(process.execPath, [program], cleanEnvironment(), (line) => {
    if (line.startsWith('{"ready":true')) told(JSON.parse(line));
  });
  const died = child.exited.then((code) => {
    throw new Error(`the OpenID provider ended with ${code}. It wrote:\n${child.output()}`);
  });
  died.catch(() => {});
  const { plain, claims } = await within(20_000, Promise.race([ready, died]), "starting the OpenID provider");
  return { plain, claims, faults: await startFaults() };
}
