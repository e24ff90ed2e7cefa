import { type FormEvent, useState } from "react";
import { Title } from "./App";
import { ask, inWords } from "./ask";
import { auth } from "./auth";
import { farewell } from "./token";

type Part = "sign-in" | "sign-up" | "check-mail";
type Note = { text: string; bad?: boolean };

/** Where the link of the mail leads back to. The server has to trust this page's origin for that. */
const callbackURL = `${location.origin}${location.pathname}?verified=1`;
const fromLink = arrival();

/** Whoever has no token signs in here, or signs up and confirms their address. */
export function Entrance() {
  const [part, setPart] = useState<Part>("sign-in");
  const [note, setNote] = useState<Note | undefined>(() => {
    const goodbye = farewell();
    return goodbye ? { text: goodbye } : fromLink;
  });
  const [email, setEmail] = useState("");
  const [busy, setBusy] = useState(false);

  function show(next: Part, words?: Note) {
    setPart(next);
    setNote(words);
  }

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    const field = (name: string) => String(new FormData(form).get(name));
    setBusy(true);
    if (part === "sign-up") await signUp(field("name"), field("password"));
    else if (part === "sign-in") await signIn(field("password"));
    else await sendAgain();
    setBusy(false);
    form.querySelector<HTMLInputElement>("[name=password]")?.select();
  }

  // Where an answer brings a token, the client's hook keeps it, and the page shows the account from then on.

  async function signIn(password: string) {
    const { error } = await ask(auth.signIn.email({ email, password, callbackURL }));
    if (error?.code === "EMAIL_NOT_VERIFIED") show("check-mail", { text: "Confirm your address first. A new link is on its way." });
    else setNote(error ? { text: inWords(error), bad: true } : undefined);
  }

  async function signUp(name: string, password: string) {
    const { data, error } = await ask(auth.signUp.email({ name, email, password, callbackURL }));
    if (error) setNote({ text: inWords(error), bad: true });
    else if (!data?.token) show("check-mail");
  }

  async function sendAgain() {
    const { error } = await ask(auth.sendVerificationEmail({ email, callbackURL }));
    setNote(error ? { text: inWords(error), bad: true } : { text: "Sent again." });
  }

  const password = part === "sign-up" ? "new-password" : "current-password";
  return (
    <div className="entrance">
      <p role="status" className={note?.bad ? "note bad" : "note"}>
        {note?.text}
      </p>
      <section className="card" key={part}>
        <Title>{part === "sign-in" ? "Sign in" : part === "sign-up" ? "Create an account" : "Check your mail"}</Title>
        <form method="post" onSubmit={submit} aria-busy={busy}>
          {part === "check-mail" ? (
            <>
              <p>
                A link is on its way to <strong>{email}</strong>. It is good for an hour, and leads back here.
              </p>
              <p className="muted">
                Nothing comes? Then there may be an account with this address already. The server does not tell strangers.
              </p>
              <p className="muted">
                The API of this example only writes its mails down, in <code>outbox.jsonl</code>. Where <code>npm run dev</code> runs, you see the
                link.
              </p>
              <button>Send it again</button>
            </>
          ) : (
            <>
              {part === "sign-up" && (
                <label>
                  Name <input name="name" autoComplete="name" required />
                </label>
              )}
              <label>
                E-mail <input type="email" autoComplete="username" value={email} onChange={(event) => setEmail(event.target.value)} required />
              </label>
              <label>
                Password <input name="password" type="password" autoComplete={password} aria-describedby={part === "sign-up" ? "length" : undefined} required />
              </label>
              {part === "sign-up" && (
                <p className="muted" id="length">
                  At least 8 characters.
                </p>
              )}
              <button>{part === "sign-in" ? "Sign in" : "Sign up"}</button>
            </>
          )}
        </form>
        <nav aria-label="Instead">
          {part === "sign-in" ? (
            <button type="button" className="link" onClick={() => show("sign-up")}>
              Create an account
            </button>
          ) : (
            <button type="button" className="link" onClick={() => show("sign-in")}>
              {part === "sign-up" ? "I have an account" : "Back to sign-in"}
            </button>
          )}
        </nav>
      </section>
    </div>
  );
}

/** What the link of a mail brought along, which then leaves the address bar. */
function arrival(): Note | undefined {
  const query = new URLSearchParams(location.search);
  if (!query.has("verified")) return undefined;
  history.replaceState(null, "", location.pathname);
  if (!query.has("error")) return { text: "Your address is confirmed. You can sign in now." };
  const why = query.get("error") === "TOKEN_EXPIRED" ? "This link is too old." : "This link does not work.";
  return { text: `${why} Sign in, and a new one is sent to you.`, bad: true };
}
