/** Serves the example route as Next.js would: a web request in, a web response out. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { POST } from "../../examples/receivers/nextjs-route.ts";

const server = createServer((incoming, outgoing) => {
  void (async () => {
    const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    const body = await buffer(incoming);
    const url = `http://localhost${incoming.url}`;
    const answer = await POST(new Request(url, { method: "POST", headers, body })).catch(
      () => new Response(null, { status: 500 }),
    );
    outgoing.writeHead(answer.status).end(await answer.text());
  })();
});
server.listen(Number(process.env["PORT"]), "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
console.log(`listening on http://127.0.0.1:${port}/webhooks`);
