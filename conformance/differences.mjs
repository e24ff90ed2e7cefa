// Where hallpass differs on purpose. No flow asks for these; each is a row of COMPATIBILITY.md.
export const DIFFERENCES = [
  {
    about: "a store that fails",
    original: "500, with FAILED_TO_GET_SESSION or an empty body, or 401",
    hallpass: "503 with retry-after; the body is the original's where it has one, else SERVICE_UNAVAILABLE",
    reason: "a client must be able to tell that nothing was decided, and when to ask again",
  },
  {
    about: "bodies over the limit",
    original: "no limit",
    hallpass: "413 PAYLOAD_TOO_LARGE over server.body_limit (1 MiB)",
    reason: "a body is held in memory while it is read",
  },
  {
    about: "more passwords to hash than can wait",
    original: "all are hashed at once",
    hallpass: "503 with retry-after once the queue is full",
    reason: "each hash takes 32 MiB and a core",
  },
  {
    about: "compact copies of sessions that are no base64",
    original: "500",
    hallpass: "they count as altered",
    reason: "changing the strategy must not lock browsers out until they drop their copies",
  },
  {
    about: "paths outside the base path",
    original: "404",
    hallpass: "/healthz and /readyz answer, and / is a page in development",
    reason: "operators and first-time users need them",
  },
  {
    about: "the look of the error page",
    original: "its own page",
    hallpass: "its own page, which shows the same code",
    reason: "the page is a work, not a protocol",
  },
  {
    about: "requests that end the original's process",
    original: "behind the Node adapter TRACE, a Host that is no URL host (a blank, a user, a port over 65535) and an X-Forwarded-Proto that is no scheme are uncaught exceptions",
    hallpass: "an answer",
    reason: "one request must not end the service for all",
  },
  {
    about: "redirect targets that resolve to two slashes, such as /..//evil.example",
    original: "taken for a path of this site; once an error is added the answer leads to //evil.example",
    hallpass: "403, as for //evil.example",
    reason: "an open redirect",
  },
  {
    about: "a provider's userinfo endpoint that is away, and nonsense that a provider answers",
    original: "500 without a word, or internal_server_error, for an unreachable endpoint, an expires_in that is no number and an address that is no text; a name that is no text is stored as the database sees fit",
    hallpass: "unable_to_get_user_info, invalid_code and email_not_found, as for a provider that refuses; such a name is left out",
    reason: "somebody who comes back from a provider must not see a blank page because it is down",
  },
  {
    about: "redirects of discovery and userinfo to another host",
    original: "followed, but for discovery with headers of its own",
    hallpass: "not followed",
    reason: "tokens go to whom they are meant for",
  },
  {
    about: "copies of sessions that were ended",
    original: "/update-user and /verify-email make a new copy out of the old one, so a session that was ended can be kept alive by asking",
    hallpass: "the store is asked before a copy is made of a copy; 401 when the session is gone",
    reason: "a session that was ended must end",
  },
  {
    about: "links of users who deleted themselves, where ids are numbers, and accounts at providers that an unproven address had when its owner resets the password",
    original: "they stay",
    hallpass: "they go",
    reason: "ids may be given out again, and whoever signed up with another's address must be out once its owner has come",
  },
  {
    about: "who somebody is at a provider",
    original: "claims named id and emailVerified count, and anything is made a text, rounded numbers and lists too; with discovery down, what is configured is used without verifying ID tokens",
    hallpass: "sub and email_verified count; a subject is a text or an exact whole number; the provider is away while its discovery is",
    reason: "two people must not become one",
  },
  {
    about: "a text with a NUL that Postgres is asked for, and rows that were changed or removed beside Redis",
    original: "internal_server_error; what Redis holds of a verification still counts, and an account of a user who is gone is not linked with 500",
    hallpass: "such a text is unknown; the table counts; unable_to_link_account",
    reason: "what is not stored is unknown, and what an operator deletes must be gone",
  },
  {
    about: "what the HTTP parsers refuse",
    original: "Node's parser: 431 over 16 KiB of headers, 400 for methods it does not know; it lets <, > and quotes stand in a request target",
    hallpass: "hyper's parser, with limits of its own; it refuses such targets with 400 (clients encode them)",
    reason: "this is settled below both libraries",
  },
];
