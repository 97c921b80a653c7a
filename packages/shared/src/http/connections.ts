/**
 * The connections of a sender: one attempt at a time has a connection to itself.
 *
 * While it is being made, from the name lookup to the TLS handshake, a connection belongs to its attempt:
 * when the attempt gives up, the socket is destroyed in whatever phase it is. (undici's shared `Agent`
 * lets a connect run on after its request was aborted, and the request does not hear of the abort until
 * the connect ends; hence one `Client` per connection and our own connector.)
 *
 * A connection whose answer was read to the end waits for the next attempt to the same origin, for a
 * second at most. When it turns out to be closed before a byte of the next request was written, the
 * attempt goes on with a new connection: nothing was written, so nothing was read. A request that was written and then
 * cut off is not repeated: the receiver may have acted on it, and each attempt in the log stands for one
 * request at most. Instead, the race between our writing and the receiver's closing is made rare: a
 * connection rests a moment before it is used again, since many a small server hangs up right behind its
 * answer without saying so, and is given up well before the keep-alive timeout of any common server
 * (gunicorn 2 s, Node and Apache 5 s).
 */
import { createHash } from "node:crypto";
import type net from "node:net";
import type { EndpointTls } from "../core/endpoint-tls.ts";
import { Client, type Dispatcher } from "undici";
import {
  type ConnectOptions,
  type GuardedRead,
  type Holder,
  type Target,
  asksForCertificate,
  connect,
  guardRead,
} from "./connect.ts";
import { whyHungUp } from "./network-failure.ts";

const IDLE_MS = 1_000;
/** A FIN sent right behind the answer has arrived by then. */
const REST_MS = 20;
/** Over all origins; one connection costs about 100 KB with TLS. */
const MAX_IDLE = 128;
/** Names and values together, as Node's own default; undici fails the request when they reach it. */
const MAX_HEADER_BYTES = 16_384;

export interface Connection {
  /** The receiver asked for a client certificate and got none. */
  readonly missesCertificate: boolean;
  /** Connects first where needed; settles with status and headers, before the body. */
  request(holder: Holder, request: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;
  /** `isReusable`: the answer was read to its end. Otherwise the connection is destroyed. */
  release(isReusable: boolean): void;
}

export interface Connections {
  take(origin: string, tls?: EndpointTls): Connection;
  close(): Promise<void>;
}

export function createConnections(options: ConnectOptions): Connections {
  const clients = new Set<Client>();
  const idle = new Map<string, Connection[]>();
  let idleCount = 0;

  function addIdle(key: string, connection: Connection): void {
    idle.set(key, [...(idle.get(key) ?? []), connection]);
    idleCount += 1;
  }

  function removeIdle(key: string, connection: Connection): boolean {
    const waiting = idle.get(key);
    const index = waiting?.indexOf(connection) ?? -1;
    if (waiting === undefined || index === -1) return false;
    waiting.splice(index, 1);
    if (waiting.length === 0) idle.delete(key);
    idleCount -= 1;
    return true;
  }

  async function destroy(client: Client): Promise<void> {
    await client.destroy();
    clients.delete(client);
  }

  function open(origin: string, key: string, tls: EndpointTls | undefined): Connection {
    const given = tls?.certificate !== undefined;
    let holder: Holder | undefined;
    let socket: net.Socket | undefined;
    let reading: GuardedRead | undefined;
    let isConnected = false;
    let isAsked = false;
    const client = createClient(origin, async (target) => {
      if (holder === undefined) throw new Error("nobody holds this connection");
      socket = await connect({ ...target, tls }, holder, options);
      reading = guardRead(socket);
      isAsked = asksForCertificate(socket);
      return socket;
    });
    clients.add(client);
    const keepOrDestroy = (): void => {
      if (isConnected && idleCount < MAX_IDLE) addIdle(key, connection);
      else void destroy(client);
    };
    const connection: Connection = {
      get missesCertificate() {
        return isAsked && !given;
      },
      async request(newHolder, request) {
        holder = newHolder;
        const reused = isConnected ? socket : undefined;
        const bytesBefore = reused?.bytesWritten;
        if (reused !== undefined) {
          holder.enterPhase("waiting_for_answer");
          reading?.expectAnswer();
        }
        const sent = { ...request, signal: holder.signal };
        try {
          return await client.request(sent);
        } catch (error) {
          const isUnwritten = reused !== undefined && reused.bytesWritten === bytesBefore;
          if (!isUnwritten || holder.signal.aborted) {
            throw whyHungUp(error, { asked: isAsked && reused === undefined, given });
          }
          return await client.request(sent);
        }
      },
      release(isReusable) {
        const isKept = isReusable && isConnected && reading?.isRegular === true;
        if (isKept) setTimeout(keepOrDestroy, REST_MS).unref();
        else void destroy(client);
      },
    };
    client.on("connect", () => (isConnected = true));
    // The peer hung up or the idle time is over. While an attempt holds it, release() destroys it.
    client.on("disconnect", () => {
      isConnected = false;
      if (removeIdle(key, connection)) void destroy(client);
    });
    return connection;
  }

  function take(origin: string, tls?: EndpointTls): Connection {
    const key = idleKey(origin, tls);
    // The most recently used is the least likely to be closed.
    const connection = idle.get(key)?.at(-1);
    if (connection === undefined) return open(origin, key, tls);
    removeIdle(key, connection);
    return connection;
  }

  async function close(): Promise<void> {
    idle.clear();
    idleCount = MAX_IDLE;
    await Promise.all([...clients].map(destroy));
  }

  return { take, close };
}

/** A connection speaks for whoever's certificate it was made with, and trusts whom that one trusts. */
function idleKey(origin: string, tls: EndpointTls | undefined): string {
  if (tls === undefined) return origin;
  return `${origin} ${createHash("sha256").update(JSON.stringify(tls)).digest("base64")}`;
}

function createClient(origin: string, connectTo: (target: Target) => Promise<net.Socket>): Client {
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
    connect: ({ hostname, port, protocol }, callback) => {
      const isTls = protocol === "https:";
      connectTo({ host: hostname, port: Number(port || (isTls ? 443 : 80)), isTls }).then(
        // Not in the same chain: what undici throws when it is called is not the connection's failure.
        (socket) => process.nextTick(callback, null, socket),
        (error: Error) => process.nextTick(callback, error, null),
      );
    },
  });
}
