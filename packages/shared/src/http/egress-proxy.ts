/**
 * A way out through an HTTP proxy, for networks that let nothing else out. The name is looked up and its
 * address checked here as ever, and the proxy is asked (CONNECT) for that address and not for the name:
 * what it would resolve itself, nobody has checked. Receivers of `http:` are tunnelled just the same, so
 * that the proxy sees neither headers nor body. Its own address is the operator's choice and not judged.
 */
import type { LookupAddress } from "node:dns";
import { request } from "node:http";
import net from "node:net";
import tls from "node:tls";
import type { Duplex } from "node:stream";
import { hostOf } from "../core/destination-url.ts";
import { lookupUnchecked } from "./checked-lookup.ts";
import { dial, untilReady } from "./dial.ts";
import { firstToConnect } from "./first-to-connect.ts";

export interface TunnelTarget {
  /** Checked. */
  readonly addresses: readonly LookupAddress[];
  readonly port: number;
}

/** The proxy's own way to the receiver is in it, which may be long. */
const STAGGER_MS = 1_000;

/** The proxy is there and could not reach the receiver: the network's doing. */
class UnreachableThroughProxyError extends Error {
  readonly code = "UNREACHABLE_THROUGH_PROXY";
}

/** The proxy is away, wants other credentials or allows no tunnel: a fault of ours, never the receiver's. */
export class EgressProxyFault extends Error {
  override readonly name = "EgressProxyFault";
}

const UNREACHABLE_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** A raw connection through the proxy to whichever address of the target it reaches first. */
export function openTunnel(
  proxy: URL,
  { addresses, port }: TunnelTarget,
  signal: AbortSignal,
): Promise<net.Socket> {
  return firstToConnect({
    addresses,
    staggerMs: STAGGER_MS,
    signal,
    open: async (address, aborted) => {
      const authority = `${net.isIPv6(address) ? `[${address}]` : address}:${port}`;
      return await askFor(authority, proxy, await reachProxy(proxy, aborted), aborted);
    },
    discard: (socket) => void socket.destroy(),
    endsAll: (error) => error instanceof EgressProxyFault,
  });
}

async function reachProxy(proxy: URL, signal: AbortSignal): Promise<net.Socket> {
  const host = hostOf(proxy);
  const isTls = proxy.protocol === "https:";
  try {
    const addresses = await lookupUnchecked(host, signal);
    const socket = await dial(addresses, Number(proxy.port || (isTls ? 443 : 80)), signal);
    if (!isTls) return socket;
    const servername = net.isIP(host) === 0 ? { servername: host } : {};
    const secure = tls.connect({ socket, host, ...servername, rejectUnauthorized: true });
    return await untilReady(secure, "secureConnect", signal);
  } catch (cause) {
    throw faultUnlessAborted(signal, cause);
  }
}

function faultUnlessAborted(signal: AbortSignal, cause: unknown): Error {
  return signal.aborted
    ? (signal.reason as Error)
    : new EgressProxyFault("no egress proxy", { cause });
}

function askFor(
  authority: string,
  proxy: URL,
  connection: net.Socket,
  signal: AbortSignal,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const asked = request({
      // Without an agent: one would make a connection of its own.
      createConnection: () => connection,
      method: "CONNECT",
      path: authority,
      headers: { host: authority, ...credentialsOf(proxy) },
      signal,
    });
    asked.on("error", (cause) => reject(faultUnlessAborted(signal, cause)));
    asked.once("response", (response) => {
      response.destroy();
      reject(refusal(response.statusCode));
    });
    asked.once("connect", ({ statusCode = 0 }, stream: Duplex, head: Buffer) => {
      const socket = stream as net.Socket;
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        reject(refusal(statusCode));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket.setNoDelay(true));
    });
    asked.end();
  });
}

/** Without the proxy's own words. */
function refusal(status: number | undefined): Error {
  const message = `the egress proxy answered ${status}`;
  const isUnreachable = status !== undefined && UNREACHABLE_STATUSES.has(status);
  return isUnreachable ? new UnreachableThroughProxyError(message) : new EgressProxyFault(message);
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(text, "utf8").toString("base64")}` };
}
