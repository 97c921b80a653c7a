/**
 * Makes one connection, to an address that the checked lookup gave, for the attempt that holds it.
 * No environment variable is read: no proxy is used but one that was given explicitly, and certificates
 * are always verified.
 */
import net from "node:net";
import tls from "node:tls";
import type { EndpointTls } from "../core/endpoint-tls.ts";
import { createAnswerHead } from "./answer-head.ts";
import type { Lookup } from "./checked-lookup.ts";
import { closed, dial, untilReady } from "./dial.ts";
import { openTunnel } from "./egress-proxy.ts";
import { whyHungUp } from "./network-failure.ts";

/** What is kept of a body is not much more, and a receiver may send as fast as it can. */
const PIECE_BYTES = 1_024;

export type Phase = "connecting" | "tls_handshake" | "waiting_for_answer";

/** What a connection needs to know of the attempt that uses it. */
export interface Holder {
  readonly signal: AbortSignal;
  enterPhase(phase: Phase): void;
}

export interface ConnectOptions {
  readonly lookup: Lookup;
  /** Undefined: straight to the receiver. */
  readonly egressProxy?: URL | undefined;
  /** PEM, instead of the authorities that Node trusts. */
  readonly certificateAuthorities?: readonly string[] | undefined;
}

export interface Target {
  /** Of the endpoint's own. */
  readonly tls?: EndpointTls | undefined;
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** A connection that is ready for a request. Rejects with why there is none. */
export async function connect(
  target: Target,
  holder: Holder,
  options: ConnectOptions,
): Promise<net.Socket> {
  const { signal } = holder;
  holder.enterPhase("connecting");
  const addresses = await options.lookup(target.host, signal);
  const socket =
    options.egressProxy === undefined
      ? await dial(addresses, target.port, signal)
      : await openTunnel(options.egressProxy, { addresses, port: target.port }, signal);
  // It is nobody's between two of these steps: what happened then has to be looked for.
  if (socket.destroyed) throw closed();
  if (!target.isTls) return ready(socket, holder);
  holder.enterPhase("tls_handshake");
  const secure = startTls(socket, target, options);
  try {
    await untilReady(secure, "secureConnect", signal);
  } catch (error) {
    const given = target.tls?.certificate !== undefined;
    // Where one was given, the trace of the question is gone with the connection more often than not.
    throw whyHungUp(error, { asked: given || asksForCertificate(secure), given });
  }
  return ready(secure, holder);
}

/**
 * OpenSSL keeps the algorithms that the receiver would accept in a signature of ours only when it has asked
 * for one. Node tells nothing else of that, and a receiver that gets no certificate may just hang up.
 */
export function asksForCertificate(socket: net.Socket): boolean {
  try {
    return socket instanceof tls.TLSSocket && socket.getSharedSigalgs().length > 0;
  } catch {
    // The handle is gone.
    return false;
  }
}

function ready(socket: net.Socket, holder: Holder): net.Socket {
  if (socket.destroyed) throw closed();
  if (holder.signal.aborted) {
    socket.destroy();
    throw holder.signal.reason as Error;
  }
  holder.enterPhase("waiting_for_answer");
  return socket;
}

function startTls(
  socket: net.Socket,
  { host, tls: own }: Target,
  { certificateAuthorities }: ConnectOptions,
): tls.TLSSocket {
  const ca = own?.ca ?? certificateAuthorities;
  return tls.connect({
    socket,
    // RFC 6066 §3: an address is no server name; the certificate is checked for it all the same.
    host,
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] }),
    // An owner may trust an intermediate authority, or the one certificate, and nothing above it.
    ...(own?.ca === undefined ? {} : { allowPartialTrustChain: true }),
    ...(own?.certificate === undefined ? {} : { cert: own.certificate, key: own.privateKey }),
    ALPNProtocols: ["http/1.1"],
    // Explicit: the environment could otherwise turn the check off for the whole process.
    rejectUnauthorized: true,
  });
}

/** What undici reads from a socket, seen first by `AnswerHead`. */
export interface GuardedRead {
  /** A request is about to be written to a connection that has carried others. */
  expectAnswer(): void;
  /** Nothing about the latest answer could be read in two ways. */
  readonly isRegular: boolean;
}

/**
 * `read` is the one place where undici takes bytes from a socket. The next answer begins once its request
 * has been written: what comes before that answers nothing, and undici hangs up on it.
 */
export function guardRead(socket: net.Socket): GuardedRead {
  const read = socket.read.bind(socket);
  const head = createAnswerHead();
  let bytesBefore: number | undefined;

  function take(piece: Buffer): Buffer | undefined {
    try {
      return head.take(piece);
    } catch (error) {
      socket.destroy(error as Error);
      return undefined;
    }
  }

  socket.read = (size?: number): unknown => {
    if (size !== undefined) return read(size);
    if (bytesBefore !== undefined && socket.bytesWritten > bytesBefore) {
      head.reset();
      bytesBefore = undefined;
    }
    while (!socket.destroyed) {
      const piece: unknown = read(socket.readableLength > PIECE_BYTES ? PIECE_BYTES : undefined);
      if (!Buffer.isBuffer(piece)) return piece;
      const readable = take(piece);
      if (readable !== undefined) return readable;
    }
    return null;
  };

  return {
    expectAnswer: () => void (bytesBefore = socket.bytesWritten),
    get isRegular() {
      return head.isRegular;
    },
  };
}
