// Starts the API and, once it answers, the page, and shows the links of the mails that the API writes down. Ctrl+C ends both.
// The variables PORT and PAGE_PORT ask for other ports.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, unwatchFile, watchFile } from "node:fs";
import { join } from "node:path";
import { createServer } from "vite";

const HERE = import.meta.dirname;
const OUTBOX = join(HERE, "outbox.jsonl");
const PORT = process.env.PORT ?? "4000";
const PAGE_PORT = process.env.PAGE_PORT ?? "5173";
// Vite reads this when the page is built, and the page asks there.
process.env.VITE_API_URL ??= `http://localhost:${PORT}`;

let page;
console.log("Starting the API. The first time, cargo builds it, which takes some minutes.");
const api = spawn("cargo", ["run", "-p", "example-axum-api"], {
  cwd: HERE, // Its database and its mails go here.
  env: { ...process.env, PORT, PAGE_ORIGIN: `http://localhost:${PAGE_PORT}` },
  stdio: ["ignore", "pipe", "inherit"],
});
api.on("error", (error) => end(`cargo could not be started: ${error.message}`));
api.on("exit", () => end("The API has ended. If its port is taken, PORT asks for another."));
api.stdout.once("data", async () => {
  try {
    page = await createServer({ root: HERE, server: { port: Number(PAGE_PORT) } });
    await page.listen();
    tellOfMails();
    console.log(`\nThe API is at ${process.env.VITE_API_URL}. Open http://localhost:${PAGE_PORT}/\n`);
  } catch (error) {
    end(`The page could not be served: ${error.message}. PAGE_PORT asks for another port.`);
  }
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => end());

function tellOfMails() {
  const mails = () => (existsSync(OUTBOX) ? readFileSync(OUTBOX, "utf8").split("\n").slice(0, -1) : []);
  let told = mails().length;
  watchFile(OUTBOX, { interval: 300 }, () => {
    for (const line of mails().slice(told)) {
      const { kind, to, url } = JSON.parse(line);
      console.log(`Mail to ${to} (${kind}). Its link:\n  ${url}\n`);
      told += 1;
    }
  });
}

async function end(reason) {
  api.removeAllListeners("exit");
  api.kill();
  unwatchFile(OUTBOX);
  await page?.close();
  if (reason) console.error(reason);
  process.exit(reason ? 1 : 0);
}
