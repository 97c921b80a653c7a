/**
 * Makes one connection, to an address that the checked lookup gave, for the attempt that holds it.
 * No environment variable is read: no proxy is used but one that was given explicitly, and certificates
 * are always verified.
 */
import net from "node:net";
import tls from "node:tls";
import { errors } from "undici";
import { openTunnel, type Connected } from "./egress-proxy.ts";
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
  readonly lookup: net.LookupFunction;
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

/** The callback is called once, with a connection that is ready for a request or with why there is none. */
export function connect(
  target: Target,
  holder: Holder,
  options: ConnectOptions,
  callback: Connected,
): void {
  holder.enterPhase("connecting");
  const { egressProxy, lookup } = options;
  if (egressProxy === undefined) {
    const address = { host: target.host, port: target.port, lookup, noDelay: true };
    const socket = target.isTls ? connectTls(target, address, options) : net.connect(address);
    awaitConnection(socket, { target, holder, isConnected: false }, callback);
    return;
  }
  openTunnel(egressProxy, target, { lookup, signal: holder.signal }, (error, tunnel) => {
    if (tunnel === null) return callback(error, null);
    const socket = target.isTls ? connectTls(target, { socket: tunnel }, options) : tunnel;
    awaitConnection(socket, { target, holder, isConnected: true }, callback);
  });
}

interface Connecting {
  readonly target: Target;
  readonly holder: Holder;
  /** The bytes flow already; what may still be to come is TLS. */
  readonly isConnected: boolean;
}

function awaitConnection(
  socket: net.Socket,
  { target, holder, isConnected }: Connecting,
  callback: Connected,
): void {
  const { signal } = holder;
  const abort = (): void => void socket.destroy(signal.reason);
  let isSettled = false;
  const settle = (error: Error | null): void => {
    if (isSettled) return;
    isSettled = true;
    signal.removeEventListener("abort", abort);
    if (error === null) callback(null, socket);
    else callback(error, null);
  };
  const ready = (): void => {
    holder.enterPhase("waiting_for_answer");
    settle(null);
  };
  signal.addEventListener("abort", abort, { once: true });
  // Stays on the socket: an error between here and undici's own listener must not go unheard.
  socket.on("error", settle);
  socket.once("close", () => settle(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
  if (target.isTls) {
    if (isConnected) holder.enterPhase("tls_handshake");
    else socket.once("connect", () => holder.enterPhase("tls_handshake"));
    socket.once("secureConnect", ready);
  } else if (isConnected) ready();
  else socket.once("connect", ready);
  if (signal.aborted) abort();
}

function connectTls(
  { host }: Target,
  through: Pick<tls.ConnectionOptions, "host" | "port" | "lookup" | "socket">,
  { certificateAuthorities: ca }: ConnectOptions,
): tls.TLSSocket {
  return tls.connect({
    ...through,
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
