/**
 * Makes one connection, to an address that the checked lookup gave, for the attempt that holds it.
 * No environment variable is read: no proxy is used but one that was given explicitly, and certificates
 * are always verified.
 */
import net from "node:net";
import tls from "node:tls";
import { errors } from "undici";
import type { Lookup } from "./checked-lookup.ts";
import { closed, dial, untilReady } from "./dial.ts";
import { openTunnel } from "./egress-proxy.ts";
import type { HeaderBudget } from "./header-budget.ts";

/** The budget is checked before each piece: parsed as one, 64 KB of tiny headers would cost 2 MB. */
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
  return ready(await untilReady(secure, "secureConnect", signal), holder);
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
  { host }: Target,
  { certificateAuthorities: ca }: ConnectOptions,
): tls.TLSSocket {
  return tls.connect({
    socket,
    // RFC 6066 §3: an address is no server name; the certificate is checked for it all the same.
    host,
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ALPNProtocols: ["http/1.1"],
    // Explicit: the environment could otherwise turn the check off for the whole process.
    rejectUnauthorized: true,
  });
}

/** `read` is the one place where undici takes bytes from a socket. */
export function guardRead(socket: net.Socket, budget: HeaderBudget): void {
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    if (socket.destroyed) return null;
    const piece: unknown = read(
      size ?? (socket.readableLength > PIECE_BYTES ? PIECE_BYTES : undefined),
    );
    if (!(piece instanceof Uint8Array) || budget.spend(piece)) return piece;
    socket.destroy(new errors.HeadersOverflowError());
    return null;
  };
}
