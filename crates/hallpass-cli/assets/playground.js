// The page walks one bearer token from sign-up to sign-out. Everything an answer says enters the page as text.

const root = document.documentElement;
const api = location.origin + root.dataset.basePath.replace(/\/+$/, "");
const at = (id) => document.getElementById(id);
const person = at("person").elements;

// ---- What this tab holds -------------------------------------------------------------------------------------

const STORED = "hallpass.playground";
const EMPTY = { token: "", ended: false, sent: 0, second: "", email: "" };
const wallet = { ...EMPTY, ...recall() };
let listed = [];

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED));
  } catch {
    return null;
  }
}

function keep(changes) {
  Object.assign(wallet, changes);
  try {
    sessionStorage.setItem(STORED, JSON.stringify(wallet));
  } catch {
    // Storage can be switched off. The token then lives as long as the page.
  }
}

/** The session's own token, without the server's signature: the form in which lists and bodies name it. */
const unsigned = (token) => token.split(".")[0];

// ---- The steps -----------------------------------------------------------------------------------------------

const credentials = () => ({ email: person.email.value, password: person.password.value });

/** Each step: the request it stands for, and what to say and do once it was answered well. */
const STEPS = {
  "sign-up": {
    request: () => post("/sign-up/email", { name: person.name.value, ...credentials() }),
    answered: tookToken,
  },
  "get-session": {
    request: () => get("/get-session"),
    answered({ body }, sent) {
      if (body?.user) return `You are ${body.user.email}, known by the header alone.`;
      if (!sent.token) return "null: nobody is signed in, because no token was sent. Sign up first and ask again.";
      endToken(sent.token);
      return "null: the session behind this token is gone.";
    },
  },
  "sign-in": {
    request: () => post("/sign-in/email", credentials()),
    answered(answer) {
      const token = answer.headers.get("set-auth-token");
      if (!token || !wallet.token || wallet.ended) return tookToken(answer);
      keep({ second: token });
      return "A second token, for the other device. This tab goes on with its first one; the list in the next step has both.";
    },
  },
  "list-sessions": {
    request: () => get("/list-sessions"),
    answered({ body }) {
      listed = Array.isArray(body) ? body : [];
      const count = listed.length === 1 ? "One live session" : `${listed.length} live sessions`;
      return `${count}. Step 5 has a button for each.`;
    },
  },
  "revoke-session": {
    request: () => post("/revoke-session", { token: revocable() }, wallet.token),
    answered(answer, sent) {
      listed = listed.filter((session) => session.token !== sent.body.token);
      if (sent.body.token !== unsigned(wallet.token)) {
        keep({ second: "" });
        return "Revoked. Whoever still holds that token now gets null.";
      }
      endToken(sent.token);
      return "Revoked: that was this tab's own session. Step 7 shows what its token is worth now.";
    },
  },
  "sign-out": {
    request: () => post("/sign-out", {}, wallet.token),
    answered(answer, sent) {
      if (!sent.token) return "There was no token to end. Signing out succeeds all the same.";
      endToken(sent.token);
      listed = [];
      return "Signed out. A real client would forget its token here; this page keeps it for one last question.";
    },
  },
  after: {
    request: () => get("/get-session"),
    answered({ body }, sent) {
      if (body?.user) return "Still alive: sign out in step 6 first, then ask again.";
      if (!sent.token) return "null: there is no token yet. Begin with step 1.";
      endToken(sent.token);
      return "null. The token is well signed and worth nothing: that is what ending a session means.";
    },
  },
};

function get(path) {
  return { method: "GET", path, token: wallet.token };
}

function post(path, body, token = "") {
  return { method: "POST", path, body, token };
}

/** The session that the curl line of step 5 names: rather another one than this tab's own. */
function revocable() {
  const other = listed.findLast((session) => session.token !== unsigned(wallet.token));
  return other?.token ?? (wallet.second ? unsigned(wallet.second) : "<token from the list>");
}

function tookToken({ headers, body }) {
  const token = headers.get("set-auth-token");
  if (token) {
    keep({ token, ended: false, sent: 0, second: "", email: person.email.value });
    listed = [];
    forgetAnswers();
    return "The token arrived, in set-auth-token. Before the dot the session's token, after it the server's signature.";
  }
  if (body?.token) return "Signed in, but no set-auth-token came: is the bearer plugin switched off in the configuration?";
  return "Accepted, but no session was made: this server wants the e-mail verified, or does not sign in on sign-up.";
}

function endToken(token) {
  if (token !== wallet.token) return; // A newer one has arrived while this one was asked about.
  keep({ ended: true, second: "" });
  if (at("after").dataset.state === "done") delete at("after").dataset.state;
}

/** A new token begins a new walk: what was answered to an earlier one would only mislead. */
function forgetAnswers() {
  for (const name of Object.keys(STEPS)) {
    if (at(name).dataset.state === "waiting") continue;
    delete at(name).dataset.state;
    at(name).querySelector(".answer").hidden = true;
    tell(name, "");
  }
}

// ---- Asking the server ---------------------------------------------------------------------------------------

async function send({ method, path, body, token }) {
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  const started = performance.now();
  const response = await fetch(api + path, {
    method,
    headers,
    body: body && JSON.stringify(body),
    credentials: "omit",
    cache: "no-store",
  });
  const text = await response.text();
  const took = Math.round(performance.now() - started);
  return { status: response.status, statusText: response.statusText, ok: response.ok, headers: response.headers, text, body: parsed(text), took };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const WORDS = {
  PASSWORD_TOO_SHORT: "The password is too short. Unless configured otherwise, the server wants 8 characters.",
  PASSWORD_TOO_LONG: "The password is too long. Unless configured otherwise, the server takes up to 128 characters.",
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: "Someone has signed up with this e-mail before.",
  INVALID_EMAIL: "The server does not take this for an e-mail address.",
  INVALID_EMAIL_OR_PASSWORD: "No user has this e-mail and password. The server does not say which of the two is wrong, so that nobody can find out who has an account.",
  EMAIL_NOT_VERIFIED: "This server wants the e-mail verified before it lets anyone in.",
  EMAIL_PASSWORD_DISABLED: "Sign-in by e-mail and password is switched off in the configuration.",
  EMAIL_PASSWORD_SIGN_UP_DISABLED: "Sign-up by e-mail and password is switched off in the configuration.",
  INVALID_ORIGIN: `The server does not trust the origin ${location.origin}. Open this page under the server's base URL, or add the origin to its trusted origins.`,
  SESSION_NOT_FRESH: "This session is too old for listing sessions, which wants a recent sign-in. Sign in again and list with the new token.",
  UNAUTHORIZED: "No live session came with this request, and this endpoint wants one.",
};

/** What went wrong, in words for a person. */
function explained({ status, headers, body }) {
  if (status === 429) return `Too many tries: the rate limiter asks for ${headers.get("x-retry-after") ?? "a few"} s of patience.`;
  if (status === 503) return `The server is too busy, or its database does not answer. Try again in ${headers.get("retry-after") ?? "a few"} s.`;
  if (status === 404 && !body) return `There is nothing at this path. Is the base path really ${root.dataset.basePath}?`;
  return WORDS[body?.code] ?? body?.message ?? "The server refused without giving a reason.";
}

const AWAY = "No answer: the server is not running, or cannot be reached from here. Start it, then press the button again.";

// ---- One step from button to answer --------------------------------------------------------------------------

async function run(name, { request = STEPS[name].request(), answered = STEPS[name].answered } = {}) {
  const step = at(name);
  if (step.dataset.state === "waiting") return;
  step.dataset.state = "waiting";
  showCurl(name, request);
  tell(name, "");
  at("said").textContent = "";
  travel(request);
  try {
    const answer = await send(request);
    if (request.token && !wallet.ended) keep({ sent: wallet.sent + 1 });
    showAnswer(name, answer);
    at("said").textContent = `${request.method} ${request.path}${request.token ? " with the token" : ""} · ${answer.status}`;
    const words = answer.ok ? answered(answer, request) : explained(answer);
    if (request.token && request.token === wallet.token) renew(answer);
    step.dataset.state = answer.ok ? "done" : "failed";
    tell(name, words);
    if (answer.body?.code === "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL") offerSignIn();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // fetch rejects with a TypeError when nothing answered
    step.dataset.state = "failed";
    at(name).querySelector(".answer").hidden = true;
    tell(name, AWAY);
  }
  show();
}

/** Any answer may carry a renewed token: whoever reads the header has to take it. */
function renew({ headers }) {
  const token = headers.get("set-auth-token");
  if (token) keep({ token, ended: false });
}

function offerSignIn() {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Sign in instead";
  button.addEventListener("click", () => {
    at("person").querySelector("[type=submit]").focus();
    run("sign-up", { request: STEPS["sign-in"].request(), answered: tookToken });
  });
  at("sign-up").querySelector(".verdict").append(" ", button);
}

async function revoke(token) {
  await run("revoke-session", { request: post("/revoke-session", { token }, wallet.token) });
  if (at("revoke-session").dataset.state === "done" && !wallet.ended) await run("list-sessions");
}

// ---- Showing -------------------------------------------------------------------------------------------------

function tell(name, words) {
  at(name).querySelector(".verdict").textContent = words;
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The same request for a shell. With -d, curl sends a POST. */
function curl({ path, body, token }) {
  const lines = [`curl -i ${quoted(api + path)}`];
  if (token) lines.push(`-H ${quoted(`Authorization: Bearer ${token}`)}`);
  if (body) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return lines.join(" \\\n  ");
}

function showCurl(name, request) {
  at(name).querySelector(".curl code").textContent = curl(request);
}

const TELLING = ["set-auth-token", "access-control-expose-headers", "content-type", "cache-control", "retry-after", "x-retry-after"];

function showAnswer(name, { status, statusText, ok, headers, text, body, took }) {
  const answer = at(name).querySelector(".answer");
  const line = answer.querySelector(".status");
  line.textContent = `${status} ${statusText} · ${took} ms`;
  line.dataset.good = ok;
  answer.querySelector(".headers").replaceChildren(
    ...TELLING.filter((header) => headers.has(header)).map((header) => {
      const row = element("div", "", element("dt", `${header}: `), element("dd", headers.get(header)));
      row.className = header === "set-auth-token" ? "telling" : "";
      return row;
    }),
  );
  answer.querySelector(".body code").textContent = body === undefined ? text || "(no body)" : JSON.stringify(body, null, 2);
  answer.hidden = false;
}

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

/** Brings everything that depends on the token up to date. */
function show() {
  const stage = wallet.ended ? "ended" : !wallet.token ? "none" : wallet.sent ? "sent" : "arrived";
  at("journey").dataset.stage = stage;
  for (const item of at("stages").children) {
    if (item.dataset.stage === stage) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  at("sent-count").textContent = wallet.sent ? `with ${wallet.sent} request${wallet.sent > 1 ? "s" : ""}` : "with each request";
  showToken();
  showSessions();
  showCurls();
  showNext();
}

function showToken() {
  const [token, ...signature] = wallet.token.split(".");
  at("copy-token").hidden = !token;
  if (!token) {
    const nothing = element("span", "none: this tab holds nothing yet");
    nothing.className = "nothing";
    return at("token").replaceChildren(nothing);
  }
  const sealed = element("span", `.${signature.join(".")}`);
  sealed.className = "signature";
  at("token").replaceChildren(element("span", token), sealed);
}

function showSessions() {
  at("no-sessions").hidden = listed.length > 0;
  at("sessions").replaceChildren(
    ...listed.map((session, index) => {
      const own = session.token === unsigned(wallet.token);
      const second = session.token === unsigned(wallet.second);
      const label = own ? "This tab" : second ? "The other device" : `Session ${index + 1}`;
      const since = element("span", `since ${new Date(session.createdAt).toLocaleTimeString()} · ${session.token.slice(0, 8)}…`);
      since.className = "since";
      const button = element("button", "Revoke");
      button.type = "button";
      button.className = "quiet";
      button.setAttribute("aria-label", `Revoke: ${label}`);
      button.addEventListener("click", () => revoke(session.token));
      return element("li", "", element("div", "", element("strong", label), since), button);
    }),
  );
}

/** A step that was run keeps the line that was sent, as it belongs to the answer below it; the others look ahead. */
function showCurls() {
  for (const [name, { request }] of Object.entries(STEPS)) {
    if (!at(name).dataset.state) showCurl(name, request());
  }
}

/** Marks the step to go on with: the first that has not succeeded yet, and with an ended token only the last makes sense. */
function showNext() {
  const open = (name) => at(name).dataset.state !== "done" && !(name === "sign-up" && wallet.token);
  const next = wallet.ended ? ["after"].find(open) : Object.keys(STEPS).find(open);
  for (const name of Object.keys(STEPS)) at(name).toggleAttribute("data-next", name === next);
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Lets a dot run along the wire and back, in the token's colour when the token goes along. */
function travel({ token }) {
  if (still.matches) return;
  at("runner").classList.toggle("bearing", Boolean(token));
  at("runner").animate(
    [
      { left: "0%", opacity: 0 },
      { left: "8%", opacity: 1, offset: 0.1 },
      { left: "100%", opacity: 1, offset: 0.5 },
      { left: "8%", opacity: 1, offset: 0.9 },
      { left: "0%", opacity: 0 },
    ],
    { duration: 900, easing: "ease-in-out" },
  );
}

// ---- Copying -------------------------------------------------------------------------------------------------

async function copy(source, button) {
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    // Browsers hand out the clipboard on secure origins only, and this page may be open on a plain http address.
    getSelection().selectAllChildren(source);
    button.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => (button.textContent = label), 2000);
}

// ---- Beginning -----------------------------------------------------------------------------------------------

function newPerson() {
  person.name.value = "Ada Lovelace";
  person.email.value = `ada+${Math.random().toString(36).slice(2, 8)}@example.com`;
  person.password.value = "correct horse battery";
}

function startOver() {
  keep(EMPTY);
  listed = [];
  newPerson();
  forgetAnswers();
  at("said").textContent = "";
  show();
  person.name.focus();
}

for (const name of Object.keys(STEPS)) {
  const title = at(`${name}-title`).textContent;
  const exchange = at("exchange").content.cloneNode(true);
  const line = exchange.querySelector(".curl");
  const button = exchange.querySelector(".copy");
  line.setAttribute("aria-label", `curl line: ${title}`);
  exchange.querySelector(".body").setAttribute("aria-label", `Body of the answer: ${title}`);
  button.setAttribute("aria-label", `Copy the curl line: ${title}`);
  button.addEventListener("click", () => copy(line, button));
  at(name).querySelector(".exchange").append(exchange);
  at(name).querySelector(".told > button")?.addEventListener("click", () => run(name));
}
at("person").addEventListener("submit", (event) => {
  event.preventDefault();
  run("sign-up");
});
at("person").addEventListener("input", () => {
  for (const name of ["sign-up", "sign-in"]) showCurl(name, STEPS[name].request());
});
at("copy-token").addEventListener("click", (event) => copy(at("token"), event.currentTarget));
at("start-over").addEventListener("click", startOver);

newPerson();
if (wallet.email) person.email.value = wallet.email;
show();
