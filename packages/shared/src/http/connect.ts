/**
 * Makes one connection, to an address that the checked lookup gave, for the attempt that holds it.
 * No environment variable is read: no proxy is used, and certificates are always verified.
 */
import net from "node:net";
import tls from "node:tls";
import { errors } from "undici";
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
  /** PEM, instead of the authorities that Node trusts. */
  readonly certificateAuthorities?: readonly string[] | undefined;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

export type Connected = (...result: [null, net.Socket] | [Error, null]) => void;

export function connect(
  target: Target,
  holder: Holder,
  options: ConnectOptions,
  callback: Connected,
): net.Socket {
  const { signal } = holder;
  holder.enterPhase("connecting");
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
  if (target.isTls) socket.once("connect", () => holder.enterPhase("tls_handshake"));
  socket.once(target.isTls ? "secureConnect" : "connect", () => {
    holder.enterPhase("waiting_for_answer");
    settle(null);
  });
  if (signal.aborted) abort();
  return socket;
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
