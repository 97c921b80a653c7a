/** A call to the service: tried, tried again where that is right, and its answer read. */
import { WebhookDeliveryConnectionError } from "./errors.ts";
import { exchange, wasNeverSent, type Exchange } from "./exchange.ts";
import type { Settings } from "./options.ts";
import { read, type Reading } from "./reading.ts";
import { parseRetryAfterMs, waitBeforeRetry, wasNotDone, type Failure } from "./retry.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Warning } from "./types.ts";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** JSON. */
  readonly bodyText?: string | undefined;
  readonly idempotencyKey?: string;
  /** What the body itself has instead of the header, for the caller to ask again with. */
  readonly keyInBody?: string;
  /** Doing it twice is the same as doing it once. */
  readonly isRepeatable: boolean;
  /** The answer where an earlier try, whose answer was lost, seems to have removed the thing. */
  readonly whenGone?: object;
  /** Where the client was made without a timeout. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The answer's body is taken to be what the OpenAPI document says. */
export type Caller = <Body>(call: Call) => Promise<Body>;

type Try =
  | Extract<Reading, { readonly body: object }>
  | (Extract<Reading, { readonly error: Error }> & { readonly failure: Failure });

const DEFAULT_TIMEOUT_MS = 10_000;
const NOT_FOUND = 404;

export function createCaller(settings: Settings, surroundings: Surroundings): Caller {
  return async <Body>(call: Call): Promise<Body> => {
    const { isRepeatable, whenGone, signal } = call;
    const { maxRetries } = settings;
    let mayBeDone = false;
    for (let made = 1; ; made++) {
      const outcome = await tryOnce(call, settings, surroundings);
      if (outcome.error === undefined) {
        tellWarnings(outcome.body, settings);
        return outcome.body as Body;
      }
      const { error, failure } = outcome;
      if (failure.status === NOT_FOUND && mayBeDone && whenGone) return whenGone as Body;
      const tries = { made, maxRetries, isRepeatable };
      const waitMs = waitBeforeRetry(failure, tries, surroundings.random());
      if (waitMs === undefined) throw error;
      mayBeDone ||= !wasNotDone(failure);
      await surroundings.sleep(waitMs, signal);
    }
  };
}

function tellWarnings(body: object, { onWarnings }: Settings): void {
  const { warnings } = body as { readonly warnings?: unknown };
  if (Array.isArray(warnings) && warnings.length > 0) onWarnings?.(warnings as Warning[]);
}

function requestOf({ baseUrl, apiKey, timeoutMs }: Settings, call: Call): Exchange {
  const { method, path, bodyText, idempotencyKey, signal } = call;
  return {
    method,
    url: baseUrl + path,
    bodyText,
    headers: {
      accept: "application/json",
      authorization: `Bearer ${apiKey}`,
      ...(bodyText !== undefined && { "content-type": "application/json" }),
      ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
    },
    timeoutMs: timeoutMs ?? call.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    signal,
  };
}

async function tryOnce(call: Call, settings: Settings, { now }: Surroundings): Promise<Try> {
  const idempotencyKey = call.idempotencyKey ?? call.keyInBody ?? null;
  try {
    const answer = await exchange(settings.fetch ?? globalThis.fetch, requestOf(settings, call));
    const reading = read(answer, idempotencyKey);
    if (reading.error === undefined) return reading;
    const retryAfterMs = parseRetryAfterMs(answer.retryAfter, now());
    return { ...reading, failure: { status: answer.status, wasNeverSent: false, retryAfterMs } };
  } catch (cause) {
    call.signal?.throwIfAborted();
    const message = `No answer: ${sayOf(cause)}`;
    const error = new WebhookDeliveryConnectionError(message, { cause, idempotencyKey });
    const failure = { status: null, wasNeverSent: wasNeverSent(cause), retryAfterMs: null };
    return { error, failure };
  }
}

/** Node's fetch says no more than "fetch failed"; what failed is its cause. */
function sayOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  const { code } = error as { readonly code?: unknown };
  const own = message === "" && typeof code === "string" ? code : message;
  return cause === undefined ? own : `${own}: ${sayOf(cause)}`;
}
