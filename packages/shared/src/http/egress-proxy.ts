/**
 * A way out through an HTTP proxy, for networks that let nothing else out. The name is looked up and its
 * address checked here as ever, and the proxy is asked (CONNECT) for that address and not for the name:
 * what it would resolve itself, nobody has checked. Receivers of `http:` are tunnelled just the same, so
 * that the proxy sees neither headers nor body. Its own address is the operator's choice and not judged.
 */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import net from "node:net";
import type { Duplex } from "node:stream";
import { hostOf } from "../core/destination-url.ts";

export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
}

/** The proxy is there and could not reach the receiver: the network's doing. */
class UnreachableThroughProxyError extends Error {
  readonly code = "UNREACHABLE_THROUGH_PROXY";
}

/** The proxy is away, wants other credentials or allows no tunnel: a fault of ours, never the receiver's. */
export class EgressProxyFault extends Error {
  override readonly name = "EgressProxyFault";
}

const UNREACHABLE_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

export interface TunnelOptions {
  readonly lookup: net.LookupFunction;
  readonly signal: AbortSignal;
}

export type Connected = (...result: [null, net.Socket] | [Error, null]) => void;

/** A raw connection to the checked address of `target`; the callback is called once. */
export function openTunnel(
  proxy: URL,
  target: TunnelTarget,
  { lookup, signal }: TunnelOptions,
  callback: Connected,
): void {
  checkedAddress(target.host, lookup, (error, address) => {
    if (error !== null) return callback(error, null);
    if (signal.aborted) return callback(signal.reason as Error, null);
    askFor(`${net.isIPv6(address) ? `[${address}]` : address}:${target.port}`, {
      proxy,
      signal,
      callback,
    });
  });
}

function askFor(
  authority: string,
  asking: { readonly proxy: URL; readonly signal: AbortSignal; readonly callback: Connected },
): void {
  const { proxy, signal, callback } = asking;
  const request = proxy.protocol === "https:" ? requestHttps : requestHttp;
  const asked = request({
    host: hostOf(proxy),
    port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
    method: "CONNECT",
    path: authority,
    headers: { host: authority, ...credentialsOf(proxy) },
    agent: false,
    signal,
  });
  let isSettled = false;
  const settle: Connected = (...result) => {
    if (isSettled) return;
    isSettled = true;
    callback(...result);
  };
  asked.on("error", (cause) => {
    const why = signal.aborted ? signal.reason : new EgressProxyFault("no egress proxy", { cause });
    settle(why as Error, null);
  });
  asked.once("response", (response) => {
    response.destroy();
    settle(refusal(response.statusCode), null);
  });
  asked.once("connect", ({ statusCode = 0 }, stream: Duplex, head: Buffer) => {
    const socket = stream as net.Socket;
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy();
      settle(refusal(statusCode), null);
      return;
    }
    if (head.length > 0) socket.unshift(head);
    settle(null, socket.setNoDelay(true));
  });
  asked.end();
}

/** Without the proxy's own words. */
function refusal(status: number | undefined): Error {
  const message = `the egress proxy answered ${status}`;
  const isUnreachable = status !== undefined && UNREACHABLE_STATUSES.has(status);
  return isUnreachable ? new UnreachableThroughProxyError(message) : new EgressProxyFault(message);
}

/** A literal address was judged with the URL. */
function checkedAddress(
  host: string,
  lookup: net.LookupFunction,
  callback: (...result: [null, string] | [Error, null]) => void,
): void {
  if (net.isIP(host) !== 0) return callback(null, host);
  lookup(host, { all: true, family: 0 }, (error, addresses) => {
    const [first] = typeof addresses === "string" ? [{ address: addresses }] : addresses;
    if (error !== null) callback(error, null);
    else if (first === undefined) callback(new Error("the lookup found nothing"), null);
    else callback(null, first.address);
  });
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(text, "utf8").toString("base64")}` };
}
