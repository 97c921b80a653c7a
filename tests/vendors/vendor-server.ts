/** A vendor played by a server of ours: its routes as a function of the request, and a ledger. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface VendorRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface VendorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a text as it is. */
  readonly body: unknown;
}

export interface Vendor extends AsyncDisposable {
  readonly port: number;
  readonly requests: readonly VendorRequest[];
  /** Given before anything else, in order. */
  answerNext(...answers: readonly VendorAnswer[]): void;
}

export async function startVendor(
  handle: (request: VendorRequest) => VendorAnswer,
): Promise<Vendor> {
  const requests: VendorRequest[] = [];
  const scripted: VendorAnswer[] = [];
  const server = createServer((raw, response) => {
    void text(raw).then((body) => {
      const { method = "", url: path = "", headers } = raw;
      const request = { method, path, headers, body: JSON.parse(body) as VendorRequest["body"] };
      requests.push(request);
      const answer = scripted.shift() ?? handle(request);
      const isText = typeof answer.body === "string";
      const type = isText ? "text/plain" : "application/json; charset=utf-8";
      response.writeHead(answer.status, { "content-type": type, ...answer.headers });
      response.end(isText ? answer.body : JSON.stringify(answer.body));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    answerNext: (...answers) => void scripted.push(...answers),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
