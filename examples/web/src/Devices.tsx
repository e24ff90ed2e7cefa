import { useEffect, useRef, useState } from "react";
import { ask, inWords } from "./ask";
import { auth } from "./auth";

type Session = (typeof auth.$Infer.Session)["session"];

/** Everywhere this person is signed in. `own` is the token of this page's own session, as lists have it: without its signature. */
export function Devices({ own }: { own: string }) {
  const [sessions, setSessions] = useState<Session[]>();
  const [note, setNote] = useState<{ text: string; bad?: boolean }>();
  const title = useRef<HTMLHeadingElement>(null);

  async function list() {
    const { data, error } = await ask(auth.listSessions());
    if (error) setNote({ text: inWords(error), bad: true });
    // This page's own session first, then the youngest.
    else setSessions(data?.toSorted((a, b) => Number(b.token === own) - Number(a.token === own) || +b.createdAt - +a.createdAt));
  }

  useEffect(() => {
    list();
  }, [own]);

  async function refresh() {
    setNote(undefined);
    await list();
  }

  async function end(call: ReturnType<typeof auth.revokeSession>, done: string) {
    const { error } = await ask<unknown>(call);
    if (error) return setNote({ text: inWords(error), bad: true });
    setNote({ text: done });
    // The button that had the focus is gone.
    title.current?.focus();
    await list();
  }

  return (
    <section className="card devices" aria-labelledby="devices">
      <div className="row">
        <h2 id="devices" ref={title} tabIndex={-1}>
          Your sessions
        </h2>
        <button type="button" className="link" onClick={refresh}>
          Refresh
        </button>
      </div>
      <p role="status" className={note?.bad ? "bad" : "good"}>
        {note?.text}
      </p>
      <ul>
        {sessions?.map((session) => {
          const device = nameOf(session.userAgent);
          return (
            <li key={session.id} className="row">
              <div>
                <strong>{device}</strong> {session.token === own && <span className="badge">This page</span>}
                <br />
                <span className="muted">
                  since <Moment at={session.createdAt} />
                  {session.ipAddress && <>, from {session.ipAddress}</>}
                </span>
              </div>
              {session.token !== own && (
                <button
                  type="button"
                  className="quiet"
                  aria-label={`End the session: ${device}, since ${inFull(session.createdAt)}`}
                  onClick={() => end(auth.revokeSession({ token: session.token }), `Ended: ${device}.`)}
                >
                  End
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {sessions && sessions.length > 1 && (
        <button type="button" className="quiet" onClick={() => end(auth.revokeOtherSessions(), "All others are ended.")}>
          End all others
        </button>
      )}
    </section>
  );
}

const inFull = (at: Date) => at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

export const Moment = ({ at }: { at: Date }) => <time dateTime={at.toISOString()}>{inFull(at)}</time>;

/** A name that people know their device by, as far as its user agent gives one away. */
function nameOf(userAgent: string | null | undefined): string {
  if (!userAgent) return "An unknown device";
  const first = (names: Record<string, RegExp>) => Object.keys(names).find((name) => names[name]?.test(userAgent));
  const browser = first({ Edge: /Edg/, Opera: /OPR/, Firefox: /Firefox|FxiOS/, Chrome: /Chrom|CriOS/, Safari: /Safari/ });
  const system = first({ Android: /Android/, iPhone: /iPhone/, iPad: /iPad/, Windows: /Windows/, macOS: /Mac OS/, ChromeOS: /CrOS/, Linux: /Linux/ });
  if (!browser) return userAgent.split("/")[0] || userAgent;
  return system ? `${browser} on ${system}` : browser;
}
