// Serves the files of a folder, and nothing else.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };

/** Resolves to { port, stop() } once the files of `folder` can be had on 127.0.0.1. */
export async function serveFolder(folder, port = 0) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const path = normalize(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    try {
      const body = await readFile(join(folder, path));
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolved, failed) => server.once("error", failed).listen(port, "127.0.0.1", resolved));
  return {
    port: server.address().port,
    stop() {
      server.closeAllConnections();
      return new Promise((resolved) => server.close(resolved));
    },
  };
}
