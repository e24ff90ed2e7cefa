import { useState } from "react";
import { Title } from "./App";
import { ask, inWords } from "./ask";
import { API, auth } from "./auth";
import { Devices, Moment } from "./Devices";
import { drop, useToken } from "./token";

type Props = typeof auth.$Infer.Session;

/** What a signed-in person sees. */
export function Account({ user, session }: Props) {
  const [problem, setProblem] = useState<string>();

  async function signOut() {
    const { error } = await ask(auth.signOut());
    if (error) setProblem(`${inWords(error)} You are still signed in.`);
    else drop("You are signed out.");
  }

  return (
    <div className="account">
      <section className="card pass">
        <Title>Hello, {user.name}</Title>
        <p className="muted">
          This is what <code>useSession()</code> says of you.
        </p>
        <dl>
          <dt>E-mail</dt>
          <dd>{user.email}</dd>
          <dt>Signed in until</dt>
          <dd>
            <Moment at={session.expiresAt} />
          </dd>
        </dl>
        <p role="status" className="bad">
          {problem}
        </p>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </section>
      <Devices own={session.token} />
      <Me />
    </div>
  );
}

/** An endpoint of the API's own, which knows nothing of pages or cookies, only of the token. */
function Me() {
  const token = useToken() ?? "";
  const [says, setSays] = useState("");
  const [problem, setProblem] = useState<string>();

  async function call() {
    // The client's fetch sends the token along and sees the answer; any other could do so too.
    const { data, error } = await ask(auth.$fetch<unknown>(`${API}/me`));
    setSays(error ? "" : JSON.stringify(data, null, 2));
    setProblem(error ? inWords(error) : undefined);
  }

  return (
    <section className="card" aria-labelledby="me">
      <h2 id="me">Ask the API</h2>
      <p className="muted">A protected endpoint of its own, asked with the token that this page keeps.</p>
      <pre role="group" aria-label="The request">
        GET {API}/me{"\n"}Authorization: Bearer {token.slice(0, 8)}…
      </pre>
      <button type="button" onClick={call}>
        Ask /me
      </button>
      <p role="status" className="bad">
        {problem}
      </p>
      <div aria-live="polite">{says && <pre role="group" aria-label="The answer">{says}</pre>}</div>
    </section>
  );
}
