// A mail server for tests. Takes its options as JSON, says what happens on standard output, a line of JSON each time, and ends
// with its standard input.
//
// Options: `port`, `secure` (TLS from the first byte), `key` and `cert` (PEM), `user` and `password` (required if given),
// `plain` (no STARTTLS). Mail to `refused@…` is refused for good, to `busy@…` for now; both answers repeat the address.

import { SMTPServer } from "smtp-server";

const options = JSON.parse(process.argv[2] ?? "{}");
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const refusals = {
  refused: [550, "no such mailbox"],
  busy: [451, "the mailbox is busy"],
};

const decoded = (text) =>
  text.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));

const server = new SMTPServer({
  secure: options.secure,
  key: options.key,
  cert: options.cert,
  hideSTARTTLS: options.plain,
  disabledCommands: options.user ? [] : ["AUTH"],
  authOptional: !options.user,
  allowInsecureAuth: true,
  onConnect(session, done) {
    say({ event: "connection" });
    done();
  },
  onAuth(auth, session, done) {
    const isRight = auth.username === options.user && auth.password === options.password;
    done(isRight ? null : new Error("wrong user or password"), { user: auth.username });
  },
  onRcptTo({ address }, session, done) {
    const [responseCode, text] = refusals[address.split("@")[0]] ?? [];
    done(responseCode ? Object.assign(new Error(`<${address}> ${text}`), { responseCode }) : null);
  },
  onData(stream, session, done) {
    let raw = "";
    stream.on("data", (chunk) => (raw += chunk));
    stream.on("end", () => {
      const { mailFrom, rcptTo } = session.envelope;
      const to = rcptTo.map(({ address }) => address);
      const name = session.hostNameAppearsAs;
      say({ event: "mail", from: mailFrom.address, to, name, secure: session.secure, user: session.user, raw, text: decoded(raw) });
      done();
    });
  },
});

server.on("error", () => {});
server.listen(options.port ?? 0, "127.0.0.1", () => say({ event: "listening", port: server.server.address().port }));
process.stdin.on("end", () => process.exit()).resume();
