// Calls that always give an answer, and refusals in plain words.

export interface Refusal {
  /** The status of the answer; none if there was no answer. */
  status?: number;
  code?: string | undefined;
  message?: string | undefined;
}

type Answer<T> = { data: T; error: null } | { data: null; error: Refusal };

/** The client gives what the server refuses, and throws where there is no answer. Here both are given. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await call;
  } catch {
    return { data: null, error: {} };
  }
}

const WORDS: Record<string, string> = {
  INVALID_EMAIL_OR_PASSWORD: "E-mail or password is wrong.",
  INVALID_EMAIL: "This does not look like an e-mail address.",
  PASSWORD_TOO_SHORT: "The password needs 8 characters or more.",
  PASSWORD_TOO_LONG: "The password may have 128 characters at most.",
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: "There is an account with this address already. Sign in instead.",
  SESSION_NOT_FRESH: "You signed in a while ago. For this, sign out and in again.",
};

export function inWords({ status, code, message }: Refusal): string {
  // A browser does not tell a page whether the server is away or does not let pages of this origin in.
  if (!status) return "The server does not answer, or it does not let this page in. Try again in a moment.";
  if (code && WORDS[code]) return WORDS[code];
  if (status === 401) return "Your session has ended. Please sign in again.";
  if (status === 429) return "That was too often in a short time. Wait a minute and try again.";
  if (status >= 500) return "The server cannot do this just now. Try again in a moment.";
  return message || `The server refused this, with status ${status}.`;
}
