// Dumps of a store's database, by the program that its operators use: lines of text, everything in them. And what one has that
// another has not.
import { spawnSync } from "node:child_process";
import { find } from "./services.mjs";

/** Every statement that makes the database anew, as lines; with `schemaOnly`, without the rows. */
export function dump(store, { schemaOnly = false } = {}) {
  const lines = DUMP[store.kind](store, schemaOnly).split("\n");
  // pg_dump marks its output with a word that is another one each time.
  return lines.filter((line) => !/^\\(un)?restrict /.test(line));
}

const DUMP = {
  sqlite: ({ file }, schemaOnly) => output("sqlite3", [file, schemaOnly ? ".schema" : ".dump"]),
  postgres: ({ url }, schemaOnly) => output("pg_dump", ["--no-owner", ...(schemaOnly ? ["--schema-only"] : []), "--dbname", url]),
  mariadb({ url }, schemaOnly) {
    const { hostname, port, username, pathname } = new URL(url);
    return output("mariadb-dump", [
      "--no-defaults", "--protocol=tcp", `--host=${hostname}`, `--port=${port || 3306}`, `--user=${username || "root"}`,
      "--skip-comments", "--skip-extended-insert", "--order-by-primary", "--triggers", ...(schemaOnly ? ["--no-data"] : []), pathname.slice(1),
    ]);
  },
};

function output(name, args) {
  const done = spawnSync(find(name), args, { encoding: "utf8", env: { PATH: process.env.PATH, LC_ALL: "C" }, maxBuffer: 1 << 26 });
  if (done.status !== 0) throw new Error(`${name} ended with ${done.status ?? done.error}. It wrote:\n${done.stderr}`);
  return done.stdout;
}

/** The lines that `after` has beside those of `before`. Throws if it lacks one of them, or has them in another order. */
export function added(before, after) {
  const more = [];
  let at = 0;
  for (const line of after) {
    if (line === before[at]) at += 1;
    else more.push(line);
  }
  if (at < before.length) throw new Error(`this line is gone, or elsewhere: ${before[at]}`);
  return more;
}
