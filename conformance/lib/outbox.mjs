// The mails of one server. Each is a line of JSON in a file: { kind, to, subject, url, token, newEmail? }.
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

// hallpass sends after it has answered, so what the other side has sent already is waited for, but not for ever.
const PATIENCE = 2000;
const A_MOMENT = 200;

export const aMoment = (milliseconds = A_MOMENT) => sleep(milliseconds);

/** Reads what comes from now on into the file at `path`, which need not exist yet. */
export function outbox(path) {
  let taken = lines(path).length;
  const unread = () => lines(path).slice(taken);
  const take = () => {
    const mails = unread().map((line) => JSON.parse(line));
    taken += mails.length;
    return mails;
  };
  return {
    /** What has come since the last time, once it is `count` mails, or as many as have come while that was waited for. */
    async take(count = 0) {
      for (const late = Date.now() + PATIENCE; unread().length < count && Date.now() < late; ) await sleep(5);
      return take();
    },
  };
}

// A line without its end is still being written.
function lines(path) {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
}

/** The path and query of a mail's link, which is what a browser sends. */
export function target(url) {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
