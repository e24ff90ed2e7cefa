// One shell for one chapter of the book: what a line sets, later lines see.
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { start, within } from "./children.mjs";
import { matches } from "./book.mjs";

/** How long a step may take. */
const PATIENCE = 20_000;

/** Opens a shell in a folder; resolves steps with `run`, and ends everything it started with `close`. */
export function openShell(folder, environment) {
  let told = () => {};
  // In a process group of its own, so that servers which were left running end with it.
  const bash = start("bash", ["--noprofile", "--norc"], environment, (line) => told(line), folder, true);
  let count = 0;
  bash.send("set -o pipefail\n");
  return {
    /** Resolves to { output, failed }: everything it wrote, and whether any of its commands failed. */
    async run(text, { server, expected }) {
      count += 1;
      const [script, log] = [join(folder, `.step-${count}.sh`), join(folder, `.step-${count}.log`)];
      const lines = server ? withListener(text, environment) : text;
      const listens = server && serverPort(lines, environment);
      writeFileSync(script, server ? inBackground(lines) : text);
      const said = new Promise((resolved) => (told = resolved));
      bash.send(`failed=0; trap 'failed=1' ERR; . ${script} > ${log} 2>&1 < /dev/null; trap - ERR; echo "done $failed"\n`);
      const line = await within(PATIENCE, said, text.split("\n", 1)[0]).catch((error) => error.message);
      const output = () => readFileSync(log, "utf8");
      if (!line.startsWith("done ")) return { output: `${output()}\n${line}`, failed: true };
      if (!server) return { output: output(), failed: line !== "done 0" };
      // A server has started once somebody answers; its words may come a moment later.
      const until = Date.now() + PATIENCE;
      while (Date.now() < until && !(await answers(listens))) await sleep(25);
      if (Date.now() >= until) return { output: output(), failed: true };
      while (expected !== undefined && Date.now() < until - PATIENCE + 3000 && !matches(expected, output())) await sleep(25);
      return { output: output(), failed: false };
    },
    close: () => bash.stop("SIGTERM"),
  };
}

/** The proxy has no variable that says where it listens. */
function withListener(text, environment) {
  const line = lastLine(text);
  if (!line.startsWith("hallpass proxy") || line.includes("--listen")) return text;
  return `${text.trimEnd()} --listen ${environment.PROXY_LISTEN}\n`;
}

const lastLine = (text) => text.trimEnd().split("\n").at(-1);

function serverPort(text, environment) {
  const line = lastLine(text);
  const said = /--listen \S+?:(\d+)/.exec(line) ?? /http\.server (\d+)/.exec(line) ?? /listens on 127\.0\.0\.1:(\d+)/.exec(line);
  return Number(said ? said[1] : environment.LISTEN.split(":")[1]);
}

/** With `&` at its end, before a comment. */
const inBackground = (text) => text.trimEnd().replace(/([^\n]*?)(\s+#[^\n]*)?$/, "$1 &$2\n");

function answers(port) {
  return new Promise((resolved) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolved(true));
    socket.on("error", () => resolved(false));
    socket.on("connect", () => socket.destroy());
  });
}
