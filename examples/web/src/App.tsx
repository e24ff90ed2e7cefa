import { type ReactNode, useEffect, useRef } from "react";
import { Account } from "./Account";
import { inWords } from "./ask";
import { API, auth } from "./auth";
import { Entrance } from "./Entrance";
import { useToken } from "./token";

export function App() {
  return (
    <>
      <header className="brand">
        <svg viewBox="0 0 40 24" width="40" height="24" aria-hidden="true">
          <path
            fill="currentColor"
            fillRule="evenodd"
            d="M4 0h32a4 4 0 0 1 4 4v4a4 4 0 0 0 0 8v4a4 4 0 0 1-4 4H4a4 4 0 0 1-4-4V4a4 4 0 0 1 4-4Zm7 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12Zm10 3v2h12V9H21Zm0 4v2h8v-2h-8Z"
          />
        </svg>
        hallpass <span>with React</span>
      </header>
      <main>
        <View />
      </main>
      <footer>
        This page is at <code>{location.origin}</code>, its API at <code>{API}</code>. The bearer token is kept in <code>localStorage</code>; no
        cookie takes part.
      </footer>
    </>
  );
}

function View() {
  const token = useToken();
  const { data, error, refetch } = auth.useSession();
  if (token === null) return <Entrance />;
  // Right after a sign-in the client may still hold what it knew before.
  if (data && token.startsWith(`${data.session.token}.`)) return <Account {...data} />;
  if (!error) return <p role="status">Asking the server who you are …</p>;
  return (
    <section className="card">
      <Title>No answer</Title>
      <p role="status">{inWords(error)}</p>
      <p className="muted">Your token is kept: as soon as the server answers you are signed in again.</p>
      <button type="button" onClick={() => refetch()}>
        Try again
      </button>
    </section>
  );
}

let opened = false;

/** The heading of what is shown. It takes the focus, so that a screen reader tells what the page has become. */
export function Title({ children }: { children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent} · hallpass with React`;
    if (opened) heading.current?.focus();
    opened = true;
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}
