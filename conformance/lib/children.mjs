// Child processes and temporary folders, none of which may outlive this process.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const children = new Set();
const folders = new Set();

process.on("exit", () => {
  for (const kill of children) kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));

/** Makes a folder that is removed by `removeFolder`, or at the latest when this process ends. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "hallpass-conformance-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/**
 * Starts a program, in `folder` if one is given. `output()` gives the end of what it wrote, for error messages; `onLine`
 * sees each line of its stdout; `send` writes to its stdin; `stop()` resolves when it is gone; `exited` is a promise of
 * its exit code. As a `group` it is stopped with all that it started, as by Ctrl+C in a terminal. `account` is { uid, gid } to run it as.
 */
export function start(command, args, environment, onLine = () => {}, folder = undefined, group = false, account = {}) {
  // stdin is a pipe so that the oracle notices when this process dies without having been able to kill it.
  const child = spawn(command, args, { env: environment, cwd: folder, stdio: ["pipe", "pipe", "pipe"], detached: group, ...account });
  const kill = (signal) => (group ? killGroup(child.pid, signal) : child.kill(signal));
  children.add(kill);
  let tail = "";
  let line = "";
  const keep = (chunk) => {
    tail = (tail + chunk).slice(-8000);
  };
  child.stdin.on("error", () => {});
  child.stderr.on("data", keep);
  child.stdout.on("data", (chunk) => {
    keep(chunk);
    const lines = (line + chunk).split("\n");
    line = lines.pop();
    lines.forEach(onLine);
  });
  const exited = new Promise((resolve) => {
    child.on("error", (error) => {
      keep(String(error));
      children.delete(kill);
      resolve(-1);
    });
    child.on("exit", (code, signal) => {
      children.delete(kill);
      resolve(code ?? signal);
    });
  });
  return {
    exited,
    output: () => tail,
    send: (text) => child.stdin.write(text),
    stop: async (signal = "SIGKILL") => {
      kill(signal);
      const late = setTimeout(() => kill("SIGKILL"), 5000);
      await exited;
      clearTimeout(late);
    },
  };
}

function killGroup(leader, signal) {
  try {
    process.kill(-leader, signal);
  } catch {} // All of it has ended.
}

/** This process's environment without anything that would configure one of the two servers. */
export function cleanEnvironment(extra = {}) {
  const foreign = /^(BETTER_AUTH_|HALLPASS_|AUTH_SECRET$|AUTH_URL$|BASE_URL$|NODE_ENV$|NODE_OPTIONS$|NEXT_|NUXT_|PUBLIC_|VERCEL|CI$|TEST$)/;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(kept), ...extra };
}

/** Waits for `promise`, but only so long. */
export function within(milliseconds, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${milliseconds / 1000} s`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
