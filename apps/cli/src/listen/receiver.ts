/** An HTTP server for one person's eyes: it takes whatever comes, tells of it and answers as it was told. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ReceivedRequest {
  readonly at: Date;
  readonly method: string;
  /** With its query string. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface ReceiverOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly status: number;
  readonly delayMs: number;
  readonly onRequest: (request: ReceivedRequest) => Promise<void>;
}

export interface Receiver extends AsyncDisposable {
  readonly origin: string;
}

/** Far above what the service sends; whoever sends more is cut off. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Rejects when it cannot listen there. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const stopping = new AbortController();
  const server = createServer((request, response) => {
    receive(request, response, options, stopping.signal).catch(() => response.destroy());
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  const { address, port } = server.address() as AddressInfo;
  return {
    origin: `http://${address.includes(":") ? `[${address}]` : address}:${port}`,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  { status, delayMs, onRequest }: ReceiverOptions,
  signal: AbortSignal,
): Promise<void> {
  const at = new Date();
  response.on("error", () => undefined);
  const body = await readBody(request);
  const { method = "", url: path = "", headers } = request;
  await onRequest({ at, method, path, headers, body });
  if (delayMs > 0) await sleep(delayMs, undefined, { signal });
  response.writeHead(status, { "content-type": "text/plain" });
  // 204 and 304 have no body, and a word in another helps who reads the attempt.
  response.end(status === 204 || status === 304 ? undefined : `${status}\n`);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BYTES) throw new Error("the body is too large");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
