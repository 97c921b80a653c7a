/**
 * Sends one attempt and tells what came of it.
 *
 * Guarantees: the answer comes within `timeoutMs` (name lookup, connect, TLS, headers and body together),
 * whatever the receiver does; memory per attempt is bounded (16 KB of headers, four bytes per kept
 * character, 64 KB of anything before an answer); nothing is sent to an address that was not checked; no redirect, proxy
 * variable or content encoding is followed; at most one request of an attempt can have been read by the
 * receiver (see connections.ts). What the receiver or the network does is a value. A throw is a fault of
 * ours: a header that is not one, a body that is not bytes, use after `close()`.
 *
 * The status line decides: once it is there the result is a `response`, and the body is read up to the
 * limit or until the timeout. If the process dies halfway, the receiver may have read the request.
 */
import type { AttemptResult } from "../core/attempt-result.ts";
import type { EndpointTls } from "../core/endpoint-tls.ts";
import type { Cidr } from "../core/address.ts";
import { judgeDestination } from "../core/destination-url.ts";
import { keepHeaders, keepText, readBody } from "./answer.ts";
import { AddressRefusedError, type Resolve, createCheckedLookup } from "./checked-lookup.ts";
import type { Holder, Phase } from "./connect.ts";
import { type Connections, createConnections } from "./connections.ts";
import { describeNetworkFailure } from "./network-failure.ts";

export interface SenderOptions {
  readonly allowedCidrs: readonly Cidr[];
  readonly requireHttps: boolean;
  /** Characters (code points) of an answer's body that are kept. */
  readonly responseBodyLimit: number;
  readonly resolve?: Resolve;
  /** `http:` or `https:`, with credentials if it wants some; undefined: none. */
  readonly egressProxy?: URL | undefined;
  /** PEM; trusted instead of the authorities that Node trusts. */
  readonly certificateAuthorities?: readonly string[];
}

export interface SendRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly timeoutMs: number;
  /** Of this receiver alone; undefined: the public authorities, and no client certificate. */
  readonly tls?: EndpointTls;
  /** More characters of the body than the limit, because what they say decides. */
  readonly readsAtLeast?: number;
}

export interface Sender {
  send(request: SendRequest): Promise<AttemptResult>;
  /** Takes nothing new, waits for what is in flight, then ends the idle connections. */
  close(): Promise<void>;
}

/** What one attempt carries through its phases. */
interface Attempt extends Holder {
  readonly url: URL;
  readonly request: SendRequest;
}

type Timeless<Result> = Result extends AttemptResult ? Omit<Result, "durationMs"> : never;
type Outcome = Timeless<AttemptResult>;

/** setTimeout fires at once for anything longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const TIMEOUT_MESSAGES: Readonly<Record<Phase, string>> = {
  connecting: "no connection",
  tls_handshake: "no TLS handshake",
  waiting_for_answer: "no answer",
};

export function createSender(options: SenderOptions): Sender {
  const connections = createConnections({
    lookup: createCheckedLookup(options),
    egressProxy: options.egressProxy,
    certificateAuthorities: options.certificateAuthorities,
  });
  const inFlight = new Set<Promise<Outcome>>();
  let isClosed = false;

  async function send(request: SendRequest): Promise<AttemptResult> {
    if (isClosed) throw new Error("the sender is closed");
    checkRequest(request);
    const startedAt = performance.now();
    const attempting = runAttempt(request, options, connections);
    inFlight.add(attempting);
    try {
      const outcome = await attempting;
      return { ...outcome, durationMs: Math.round(performance.now() - startedAt) };
    } finally {
      inFlight.delete(attempting);
    }
  }

  async function close(): Promise<void> {
    isClosed = true;
    await Promise.allSettled(inFlight);
    await connections.close();
  }

  return { send, close };
}

async function runAttempt(
  request: SendRequest,
  options: SenderOptions,
  connections: Connections,
): Promise<Outcome> {
  // Again, although it was checked when it was given: the rules may have changed since.
  const judgement = judgeDestination(request.url, options);
  if (judgement.isRefused) {
    return { kind: "blocked", verdict: judgement.verdict, message: judgement.message };
  }
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), request.timeoutMs);
  let phase: Phase = "connecting";
  const attempt: Attempt = {
    url: judgement.url,
    request,
    signal: giveUp.signal,
    enterPhase: (entered) => (phase = entered),
  };
  try {
    const bodyLimit = Math.max(options.responseBodyLimit, request.readsAtLeast ?? 0);
    return await exchange(attempt, connections, bodyLimit);
  } catch (error) {
    if (giveUp.signal.aborted) {
      const message = `${TIMEOUT_MESSAGES[phase]} within ${request.timeoutMs} ms`;
      return { kind: "timeout", message };
    }
    return describeFailure(error);
  } finally {
    clearTimeout(timer);
  }
}

async function exchange(
  attempt: Attempt,
  connections: Connections,
  bodyLimit: number,
): Promise<Outcome> {
  const { url, request } = attempt;
  const connection = connections.take(url.origin, request.tls);
  let isReusable = false;
  try {
    const answer = await connection.request(attempt, {
      method: "POST",
      path: `${url.pathname}${url.search}`,
      headers: request.headers,
      body: request.body,
    });
    const { bytes, isComplete } = await readBody(answer.body, bodyLimit);
    isReusable = isComplete;
    return {
      kind: "response",
      status: answer.statusCode,
      headers: keepHeaders(answer.headers),
      body: keepText(bytes, answer.headers["content-encoding"], bodyLimit),
      ...(connection.missesCertificate && { asksForCertificate: true }),
    };
  } finally {
    connection.release(isReusable);
  }
}

function describeFailure(error: unknown): Outcome {
  if (error instanceof AddressRefusedError) {
    return { kind: "blocked", verdict: error.verdict, message: error.message };
  }
  const failure = describeNetworkFailure(error);
  if (failure === undefined) throw error;
  return { kind: "network", ...failure };
}

/** Whoever builds the headers must have left these out: the URL that was checked names the host. */
function checkRequest({ headers, timeoutMs }: SendRequest): void {
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS)) {
    throw new RangeError(`timeoutMs must be between 1 and ${MAX_TIMER_MS}`);
  }
  if (Object.keys(headers).some((name) => name.toLowerCase() === "host")) {
    throw new TypeError("a request cannot set its own host header");
  }
}
