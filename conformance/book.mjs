// Reads the book (docs/book) as its readers do: runs every shell line of every chapter and compares what is shown with what comes
// back, then builds the book and follows its links. How chapters are written for this is in docs/book/README.md.
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chapterSteps, matches } from "./lib/book.mjs";
import { cleanEnvironment, removeFolder, temporaryFolder } from "./lib/children.mjs";
import { brokenLinks } from "./lib/links.mjs";
import { freePort } from "./lib/ports.mjs";
import { bookExample, hallpassBinary } from "./lib/servers.mjs";
import { openShell } from "./lib/shell.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const SOURCE = join(root, "docs/book/src");
const RENDERED = join(root, "target/docs/book");

/** What chapters of the book are run with. Each run has other ports in the places of those it speaks of. */
const BOOK = { ports: [3000, 3080, 8080, 9090], surroundings };

/** What the page of the examples is run with: a line that runs on says where it listens. */
const EXAMPLES = {
  runsOn: (line) => /listen(s on)? 127\.0\.0\.1:/.test(line),
  ports: [3000, 4000, 4001, 4002, 4003],
  surroundings: besideExamples,
};

/** Runs what the book says and follows its links; resolves to { steps, different: [text] }. */
export async function runBook({ filter, show, print = console.log } = {}) {
  const { result, prove } = tally({ show, print });
  for (const file of chapters().filter((file) => !filter || file.includes(filter))) await walk(file, readFileSync(join(SOURCE, file), "utf8"), prove);
  if (!filter) {
    for (const [about, text] of Object.entries(LIES)) prove(`${about} is noticed`, { problem: (await isNoticed(text)) ? undefined : "it was not" });
    const problem = await build();
    prove("the book is built", { problem });
    if (!problem) for (const { page, links, broken } of brokenLinks(RENDERED, root)) prove(`${page}: ${links} links`, { problem: broken.join("; ") });
  }
  return result;
}

/** Does what the page of the examples says; resolves to { steps, different: [text] }. */
export async function runExamples({ show, print = console.log } = {}) {
  const { result, prove } = tally({ show, print });
  const text = readFileSync(join(root, "examples/README.md"), "utf8");
  await walk("examples/README.md", text, prove, EXAMPLES);
  return result;
}

function tally({ show, print }) {
  const result = { steps: 0, different: [] };
  const prove = (claim, { problem, said } = {}) => {
    result.steps += 1;
    if (show && said) print(`  ${claim}\n${said.replace(/^/gm, "    ")}`);
    if (!problem) return;
    result.different.push(`  FAILS  ${claim}: ${problem}`);
    print(result.different.at(-1));
  };
  return { result, prove };
}

/** The chapters, in the order of the table of contents. */
const chapters = () => [...readFileSync(join(SOURCE, "SUMMARY.md"), "utf8").matchAll(/\]\((\S+\.md)\)/g)].map(([, file]) => file);

/** Does in one folder and one shell what a chapter says. After the first failure the rest would only repeat it. */
async function walk(file, text, prove, { runsOn, ports: known, surroundings } = BOOK) {
  const steps = chapterSteps(text, runsOn);
  if (steps.length === 0) return;
  const folder = temporaryFolder();
  const ports = new Map();
  for (const port of known) ports.set(String(port), String(await freePort()));
  const moved = (text) => text.replace(/(?<=127\.0\.0\.1:|localhost:|http\.server )\d{4}\b/g, (port) => ports.get(port) ?? port);
  const shell = openShell(folder, cleanEnvironment(surroundings(folder, ports)));
  try {
    for (const step of steps) {
      const outcome = await run(step, { folder, shell, moved });
      prove(`${file}, line ${step.line}: ${step.title}`, outcome);
      if (outcome?.problem) break;
    }
  } finally {
    await shell.close();
    removeFolder(folder);
  }
}

async function run(step, { folder, shell, moved }) {
  if (step.kind === "file") return void writeFileSync(join(folder, step.name), moved(step.text));
  if (step.kind === "js") return { problem: syntax(folder, step.text) };
  const expected = step.expected && moved(step.expected);
  const { output, failed } = await shell.run(moved(step.text), { server: step.server, expected });
  if (failed !== step.fails) return { problem: `it ${failed ? "failed" : "did not fail"}, and said\n${output}` };
  if (expected !== undefined && !matches(expected, output)) return { problem: `it said\n${output}\n--- and not\n${expected}` };
  return { said: output };
}

/** Whether a program is JavaScript. What it does is tried elsewhere, by the stages `client` and `web`. */
function syntax(folder, text) {
  writeFileSync(join(folder, "shown.mjs"), text);
  const { status, stderr } = spawnSync(process.execPath, ["--check", "shown.mjs"], { cwd: folder, encoding: "utf8" });
  return status === 0 ? undefined : stderr;
}

/** Chapters that say what is not so. */
const LIES = {
  "an output that does not come": "```sh\necho one\n```\n\n```text\ntwo\n```\n",
  "an output that goes on": "```sh\necho one; echo two\n```\n\n```text\none\n```\n",
  "a token that is none": "```sh\necho v634bRgfvQYQFrXADG2Rxjh6eNjDbXy\n```\n\n```text\nv634bRgfvQYQFrXADG2Rxjh6eNjDbXyw\n```\n",
  "a line that fails before the last": "```sh\nfalse\ntrue\n```\n",
  "a line that does not fail": "```sh,fails\ntrue\n```\n",
  "a program that is none": "```js\nconst = 1;\n```\n",
};

async function isNoticed(text) {
  let noticed = false;
  await walk("a lie", text, (_, outcome) => {
    noticed ||= Boolean(outcome?.problem);
  });
  return noticed;
}

/** A home of its own, `hallpass` in the path, and `cargo run` as the program that the chapter on axum shows, built beforehand. */
function surroundings(folder, ports) {
  const programs = join(folder, ".bin");
  mkdirSync(programs);
  symlinkSync(resolve(hallpassBinary()), join(programs, "hallpass"));
  writeFileSync(join(programs, "cargo"), `#!/bin/sh\nexec "${bookExample()}"\n`, { mode: 0o755 });
  const [here, proxy] = [3000, 3080].map((port) => `127.0.0.1:${ports.get(String(port))}`);
  return { PATH: `${programs}:${process.env.PATH}`, HOME: folder, XDG_CONFIG_HOME: "", XDG_DATA_HOME: "", LC_ALL: "C.UTF-8", HALLPASS__SERVER__LISTEN: here, LISTEN: here, PROXY_LISTEN: proxy };
}

/** A home of its own, and `cargo run` as the program it would build and run, built beforehand. */
function besideExamples(folder, ports) {
  const programs = join(folder, ".bin");
  mkdirSync(programs);
  const cargo = ["#!/bin/sh", "# run -q -p NAME [-- ARGUMENTS]", 'name=$4; shift 4; [ "$1" = -- ] && shift', 'case "$name" in'];
  for (const [name, port] of Object.entries(EXAMPLE_PORTS)) cargo.push(`${name}) export PORT=${ports.get(port)} ;;`);
  cargo.push("esac", `[ "$name" = hallpass-cli ] && exec "${resolve(hallpassBinary())}" "$@"`, `exec "${exampleFolder()}/$name" "$@"`);
  writeFileSync(join(programs, "cargo"), `${cargo.join("\n")}\n`, { mode: 0o755 });
  const [auth, api] = ["3000", "4001"].map((port) => `http://127.0.0.1:${ports.get(port)}`);
  return { PATH: `${programs}:${process.env.PATH}`, HOME: folder, XDG_CONFIG_HOME: "", XDG_DATA_HOME: "", LC_ALL: "C.UTF-8", AUTH_URL: auth, API_URL: api };
}

const EXAMPLE_PORTS = { "example-axum-api": "4000", "example-actix-api": "4001", "example-tonic-service": "4002", "example-plain-hyper": "4003" };

const exampleFolder = () => process.env.EXAMPLES_DIR ?? join(root, "target/debug");

async function build() {
  const program = process.env.MDBOOK_BIN ?? installed();
  if (!program) return "there is no mdbook: run `cargo xtask test book`, or set MDBOOK_BIN to one";
  try {
    const { stderr } = await promisify(execFile)(program, ["build", join(root, "docs/book")]);
    if (/\b(WARN|ERROR)\b/.test(stderr)) return stderr;
  } catch (error) {
    return error.stderr || error.message;
  }
}

function installed() {
  const tools = join(root, "target/tools");
  const found = existsSync(tools) ? readdirSync(tools).filter((name) => name.startsWith("mdbook-")) : [];
  return found.map((name) => join(tools, name, "bin/mdbook")).find(existsSync);
}
