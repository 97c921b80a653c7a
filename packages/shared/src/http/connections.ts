/**
 * The connections of a sender: one attempt at a time has a connection to itself.
 *
 * A new connection belongs to the attempt that opens it, from the name lookup to the TLS handshake: when
 * the attempt gives up, the socket is destroyed in whatever phase it is. (undici's shared `Agent` lets a
 * connect run on after its request was aborted, and that request does not hear of the abort until the
 * connect ends; hence one `Client` per connection and our own connector.)
 *
 * A connection whose answer was read to the end waits for the next attempt to the same origin, for a
 * second at most. When it turns out to be closed before a request was written to it, the attempt gets a
 * `ConnectionGoneError` and may go on with a new connection: nothing was written, so nothing was read. A
 * request that was written and then cut off is not repeated: the receiver may have acted on it, and each
 * attempt in the log stands for one request at most. Instead, the race between our writing and the
 * receiver's closing is made rare: a connection rests a moment before it is used again, since many a small
 * server hangs up right behind its answer without saying so, and is given up well before the keep-alive
 * timeout of any common server (gunicorn 2 s, Node and Apache 5 s).
 *
 * No environment variable is read: no proxy is used, and certificates are always verified.
 */
import net from "node:net";
import tls from "node:tls";
import { Client } from "undici";

const IDLE_MS = 1_000;
/** A FIN sent right behind the answer has arrived by then. */
const REST_MS = 20;
/** Over all origins; one connection costs about 100 KB with TLS. */
const MAX_IDLE = 128;
/** Names and values together; undici fails the request when the header section reaches it. */
const MAX_HEADER_BYTES = 16_384;

export type Phase = "connecting" | "tls_handshake" | "waiting_for_answer";

/** What a connection needs to know of the attempt that opens it. */
export interface Opener {
  readonly signal: AbortSignal;
  enterPhase(phase: Phase): void;
}

export interface Connection {
  readonly client: Client;
  /** `isReusable`: the answer was read to its end. Otherwise the connection is destroyed. */
  release(isReusable: boolean): void;
}

export interface Connections {
  takeIdle(origin: string): Connection | undefined;
  open(origin: string, opener: Opener): Connection;
  close(): Promise<void>;
}

/** The idle connection was closed by the peer before anything was written to it. */
export class ConnectionGoneError extends Error {
  override readonly name = "ConnectionGoneError";
}

export interface ConnectOptions {
  readonly lookup: net.LookupFunction;
  /** PEM, instead of the authorities that Node trusts. */
  readonly certificateAuthorities?: readonly string[] | undefined;
}

export function createConnections(options: ConnectOptions): Connections {
  const clients = new Set<Client>();
  const idle = new Map<string, Connection[]>();
  let idleCount = 0;

  function addIdle(origin: string, connection: Connection): void {
    idle.set(origin, [...(idle.get(origin) ?? []), connection]);
    idleCount += 1;
  }

  function removeIdle(origin: string, connection: Connection): boolean {
    const waiting = idle.get(origin);
    const index = waiting?.indexOf(connection) ?? -1;
    if (waiting === undefined || index === -1) return false;
    waiting.splice(index, 1);
    if (waiting.length === 0) idle.delete(origin);
    idleCount -= 1;
    return true;
  }

  async function destroy(client: Client): Promise<void> {
    await client.destroy();
    clients.delete(client);
  }

  function open(origin: string, opener: Opener): Connection {
    const client = createClient(origin, opener, options);
    clients.add(client);
    let isGone = false;
    const keepOrDestroy = (): void => {
      if (isGone || idleCount >= MAX_IDLE) void destroy(client);
      else addIdle(origin, connection);
    };
    const connection: Connection = {
      client,
      release(isReusable) {
        if (!isReusable) isGone = true;
        if (isGone) void destroy(client);
        else setTimeout(keepOrDestroy, REST_MS).unref();
      },
    };
    // The peer hung up or the idle time is over. While an attempt holds it, its release() destroys it.
    client.on("disconnect", () => {
      isGone = true;
      if (removeIdle(origin, connection)) void destroy(client);
    });
    return connection;
  }

  function takeIdle(origin: string): Connection | undefined {
    // The most recently used is the least likely to be closed.
    const connection = idle.get(origin)?.at(-1);
    if (connection !== undefined) removeIdle(origin, connection);
    return connection;
  }

  async function close(): Promise<void> {
    idle.clear();
    idleCount = MAX_IDLE;
    await Promise.all([...clients].map(destroy));
  }

  return { takeIdle, open, close };
}

function createClient(origin: string, opener: Opener, options: ConnectOptions): Client {
  let isFirstConnect = true;
  return new Client(origin, {
    // HTTP/1.1 only: a multiplexed connection would tie the fates of several attempts together.
    allowH2: false,
    pipelining: 1,
    maxHeaderSize: MAX_HEADER_BYTES,
    // The attempt's own timer bounds all phases together; 0 turns undici's off.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    connect: (target, callback) => {
      if (!isFirstConnect) return callback(new ConnectionGoneError("closed while idle"), null);
      isFirstConnect = false;
      const address = {
        host: target.hostname,
        port: Number(target.port || (target.protocol === "https:" ? 443 : 80)),
        isTls: target.protocol === "https:",
      };
      connect(address, opener, options, callback);
    },
  });
}

function connect(
  target: { readonly host: string; readonly port: number; readonly isTls: boolean },
  opener: Opener,
  options: ConnectOptions,
  callback: (...result: [null, net.Socket] | [Error, null]) => void,
): void {
  const { signal } = opener;
  opener.enterPhase("connecting");
  const address = { host: target.host, port: target.port, lookup: options.lookup, noDelay: true };
  const socket = target.isTls ? connectTls(address, options) : net.connect(address);
  const abort = (): void => void socket.destroy(signal.reason);
  let isSettled = false;
  const settle = (error: Error | null): void => {
    if (isSettled) return;
    isSettled = true;
    signal.removeEventListener("abort", abort);
    if (error === null) callback(null, socket);
    else callback(error, null);
  };
  signal.addEventListener("abort", abort, { once: true });
  // Stays on the socket: an error between here and undici's own listener must not go unheard.
  socket.on("error", settle);
  socket.once("close", () => settle(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
  if (signal.aborted) abort();
  if (target.isTls) socket.once("connect", () => opener.enterPhase("tls_handshake"));
  socket.once(target.isTls ? "secureConnect" : "connect", () => {
    opener.enterPhase("waiting_for_answer");
    settle(null);
  });
}

function connectTls(
  address: net.TcpNetConnectOpts & { readonly host: string },
  options: ConnectOptions,
): tls.TLSSocket {
  const { certificateAuthorities: ca } = options;
  return tls.connect({
    ...address,
    // RFC 6066 §3: an address is no server name.
    ...(net.isIP(address.host) === 0 ? { servername: address.host } : {}),
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ALPNProtocols: ["http/1.1"],
    // Explicit: the environment could otherwise turn the check off for the whole process.
    rejectUnauthorized: true,
  });
}
