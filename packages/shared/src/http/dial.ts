/** A plain connection to whichever of a host's addresses answers first. */
import type { LookupAddress } from "node:dns";
import net from "node:net";
import { firstToConnect } from "./first-to-connect.ts";

/** RFC 8305 §8 recommends this for TCP. */
const STAGGER_MS = 250;

export function dial(
  addresses: readonly LookupAddress[],
  port: number,
  signal: AbortSignal,
): Promise<net.Socket> {
  return firstToConnect({
    addresses,
    staggerMs: STAGGER_MS,
    signal,
    open: (host, aborted) =>
      untilReady(net.connect({ host, port, noDelay: true }), "connect", aborted),
    discard: (socket) => void socket.destroy(),
  });
}

/** Until then the socket belongs to the signal: it is destroyed when that aborts. */
export function untilReady<Socket extends net.Socket>(
  socket: Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const abort = (): void => void socket.destroy(signal.reason as Error);
    const settle = (error: Error | null): void => {
      signal.removeEventListener("abort", abort);
      if (error === null) resolve(socket);
      else reject(error);
    };
    // Stays on the socket: an error between here and the next listener must not go unheard.
    socket.on("error", settle);
    socket.once("close", () => settle(closed()));
    socket.once(event, () => settle(null));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
  });
}

export function closed(): Error {
  return Object.assign(new Error("closed"), { code: "ECONNRESET" });
}
