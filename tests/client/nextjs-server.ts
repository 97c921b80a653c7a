/** Serves a route as Next.js would: a web request in, a web response out. Takes the route's file. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { pathToFileURL } from "node:url";

interface Route {
  readonly POST: (request: Request) => Promise<Response>;
}

const [, , file = ""] = process.argv;
const { POST } = (await import(pathToFileURL(file).href)) as Route;

const server = createServer((incoming, outgoing) => {
  void (async () => {
    const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    // A route that reads no further leaves the connection as it is.
    const body = Readable.toWeb(incoming.pipe(new PassThrough()));
    const url = `http://localhost${incoming.url}`;
    const request = new Request(url, { method: "POST", headers, body, duplex: "half" });
    const answer = await POST(request).catch(() => new Response(null, { status: 500 }));
    outgoing.writeHead(answer.status).end(await answer.text());
  })();
});
const host = process.env["HOST"] ?? "127.0.0.1";
server.listen(Number(process.env["PORT"]), host);
await once(server, "listening");
const { port } = server.address() as AddressInfo;
console.log(`listening on http://${host}:${port}/webhooks`);
