/**
 * A real HTTP receiver on 127.0.0.1 with a ledger of everything that arrived. One receiver serves many
 * tests at once: each takes a `hook`, a path of its own with its own script of answers.
 */
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { createSignal, type Signal } from "./signal.ts";

export interface Arrival {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** As sent: every name and value in order. */
  readonly rawHeaders: readonly string[];
  /** Milliseconds since 1970 with fractions, when the headers were there. */
  readonly atMs: number;
  /** The same when the answer was handed over whole: the sender cannot know of it earlier. */
  answeredAtMs?: number;
  readonly bytes: Buffer;
  readonly body: string;
}

/** What comes back: a status, a status with more, or the hands on the socket. */
export type Answer =
  | number
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | ((response: ServerResponse, request: IncomingMessage) => void);

export interface Hook {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  /** `webhook-id` of every arrival, sorted. */
  arrivedIds(): string[];
  /** The ledger, once it holds at least `count` arrivals. */
  waitFor(count: number): Promise<readonly Arrival[]>;
}

export interface Receiver extends AsyncDisposable {
  readonly port: number;
  /** A new path. Its answers come in order, and the last one for ever; none: 200. */
  hook(...answers: readonly Answer[]): Hook;
}

interface Route {
  readonly answers: readonly Answer[];
  readonly arrivals: Arrival[];
  readonly signal: Signal;
  served: number;
}

export async function startReceiver(): Promise<Receiver> {
  const routes = new Map<string, Route>();
  const server = createServer((request, response) => void serve(routes, request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    hook(...answers) {
      const path = `/hook-${routes.size + 1}`;
      const route: Route = { answers, arrivals: [], signal: createSignal(), served: 0 };
      routes.set(path, route);
      return describeHook(`http://127.0.0.1:${port}${path}`, route);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function describeHook(url: string, { arrivals, signal }: Route): Hook {
  return {
    url,
    arrivals,
    arrivedIds: () => arrivals.map(({ headers }) => String(headers["webhook-id"])).toSorted(),
    waitFor: (count) =>
      signal.until(
        () => (arrivals.length >= count ? arrivals : undefined),
        () => `arrival ${count} at ${url} (there are ${arrivals.length})`,
      ),
  };
}

async function serve(
  routes: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const atMs = performance.timeOrigin + performance.now();
  response.on("error", () => undefined);
  const route = routes.get((request.url ?? "").split("?")[0] ?? "");
  const bytes = await readAll(request).catch(() => undefined);
  if (route === undefined || bytes === undefined) return void response.writeHead(404).end();
  const { method = "", url = "", headers, rawHeaders } = request;
  const body = bytes.toString("utf8");
  const arrival: Arrival = { method, url, headers, rawHeaders, atMs, bytes, body };
  // Before the bytes leave: a busy process could note it after the other side's wait began.
  const end = response.end.bind(response);
  response.end = ((...rest: Parameters<typeof end>) => {
    arrival.answeredAtMs = performance.timeOrigin + performance.now();
    return end(...rest);
  }) as typeof response.end;
  const answer = route.answers[Math.min(route.served++, route.answers.length - 1)] ?? 200;
  route.arrivals.push(arrival);
  give(answer, response, request);
  route.signal.notify();
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function give(answer: Answer, response: ServerResponse, request: IncomingMessage): void {
  if (typeof answer === "function") return answer(response, request);
  const {
    status,
    headers = {},
    body = "",
  } = typeof answer === "number" ? { status: answer } : answer;
  response.writeHead(status, headers).end(body);
}

/** Takes the request and says nothing. */
export const hang: Answer = () => undefined;

/** Cuts the connection with a TCP reset. */
export const reset: Answer = (response) => response.socket?.resetAndDestroy();

/** One byte of an answer at a time, never as far as the status. */
export const dripHeaders: Answer = (response) => {
  const { socket } = response;
  const text = "HTTP/1.1 200 OK".split("");
  writeSlowly(() => {
    const next = text.shift();
    if (next !== undefined) socket?.write(next);
  }, response);
};

/** The status at once, then one byte of the body at a time, without end. */
export const dripBody: Answer = (response) => {
  response.writeHead(200).flushHeaders();
  writeSlowly(() => response.write("."), response);
};

/** The status at once, then body as fast as it is taken, without end. */
export const endlessBody: Answer = (response) => {
  response.writeHead(200);
  const chunk = "x".repeat(16_384);
  const pour = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", pour);
  pour();
};

const DRIP_EVERY_MS = 100;

function writeSlowly(write: () => void, response: ServerResponse): void {
  const timer = setInterval(write, DRIP_EVERY_MS);
  response.socket?.once("close", () => clearInterval(timer));
}

/** A request handler that answers when it is told to. */
export function holdUntil(released: Promise<unknown>, status = 200): Answer {
  return (response) => void released.then(() => response.writeHead(status).end());
}
