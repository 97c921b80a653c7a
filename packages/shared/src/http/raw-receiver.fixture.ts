/** A receiver that answers with the bytes a test gives it, valid HTTP or not. */
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import type { TestCertificate } from "./certificate.fixture.ts";

export interface RawReceiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Whole requests, in the order of their arrival, with headers and body. */
  readonly requests: readonly string[];
  /** Every connection accepted so far. */
  readonly sockets: readonly net.Socket[];
  /** For what happens before a request. */
  onConnection(listener: (socket: net.Socket) => void): void;
}

export interface Arrival {
  readonly socket: net.Socket;
  /** Of this receiver, from 1. */
  readonly requestNumber: number;
}

export async function startReceiver(
  answer: (arrival: Arrival) => void,
  options: {
    readonly tls?: TestCertificate & tls.TlsOptions;
    readonly host?: string;
    readonly port?: number;
  } = {},
): Promise<RawReceiver> {
  const requests: string[] = [];
  const sockets: net.Socket[] = [];
  const serve = (socket: net.Socket): void => {
    let received = "";
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      for (let end = endOfRequest(received); end !== -1; end = endOfRequest(received)) {
        requests.push(received.slice(0, end));
        received = received.slice(end);
        answer({ socket, requestNumber: requests.length });
      }
    });
  };
  const server = options.tls
    ? tls.createServer({ ...options.tls }, serve)
    : net.createServer(serve);
  server.on("tlsClientError", () => {});
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${address.port}/hook`,
    port: address.port,
    requests,
    sockets,
    onConnection: (listener) => void server.on("connection", listener),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** An answer with a correct length that keeps the connection open. */
export function httpAnswer(status: string, body = "", headers = ""): string {
  return `HTTP/1.1 ${status}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}

function endOfRequest(received: string): number {
  const headersEnd = received.indexOf("\r\n\r\n");
  if (headersEnd === -1) return -1;
  const length = /\r\ncontent-length: (\d+)/i.exec(received.slice(0, headersEnd + 2))?.[1];
  const end = headersEnd + 4 + Number(length ?? 0);
  return received.length >= end ? end : -1;
}
