// The bearer token, kept in localStorage: it outlives a reload, and all tabs share it.
import { useSyncExternalStore } from "react";

export const KEY = "bearer_token";
const ENDED = "Your session has ended. Please sign in again.";

const listeners = new Set<() => void>();
let goodbye: string | undefined;

export const kept = () => localStorage.getItem(KEY);

export function keep(token: string) {
  localStorage.setItem(KEY, token);
  goodbye = undefined;
  listeners.forEach((tell) => tell());
}

/** Forgets the token. `words` are what the person is told, who may not have asked for it. */
export function drop(words = ENDED) {
  if (kept() === null) return;
  localStorage.removeItem(KEY);
  goodbye = words;
  listeners.forEach((tell) => tell());
}

/** Why there is no token any more, if there was one. */
export const farewell = () => goodbye;

// Another tab kept or dropped it.
addEventListener("storage", ({ key }) => {
  if (key !== KEY) return;
  goodbye = kept() === null ? ENDED : undefined;
  listeners.forEach((tell) => tell());
});

function subscribe(tell: () => void) {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

export const useToken = () => useSyncExternalStore(subscribe, kept);
