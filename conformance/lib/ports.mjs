// Ports of this machine.
import { createServer } from "node:net";

/** A port of 127.0.0.1 on which nothing listens. */
export function freePort() {
  return new Promise((resolved, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolved(port));
    });
  });
}
