/** One request and its whole answer, within a time. */

export interface Exchange {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly bodyText: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

/** Rejects with the reason of `signal`, an error that says that time is up, or what `fetch` rejects with. */
export async function exchange(send: typeof fetch, request: Exchange): Promise<Answer> {
  const { url, method, headers, bodyText, timeoutMs, signal } = request;
  const ended = new AbortController();
  const abort = (): void => ended.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", abort, { once: true });
  const isLate = new Error(`no answer within ${timeoutMs} ms`);
  const timer = setTimeout(() => ended.abort(isLate), timeoutMs);
  try {
    const response = await send(url, {
      method,
      headers,
      ...(bodyText !== undefined && { body: bodyText }),
      signal: ended.signal,
      // Followed, a POST would arrive as a GET without its body.
      redirect: "manual",
    });
    const text = await response.text();
    return { status: response.status, retryAfter: response.headers.get("retry-after"), text };
  } catch (error) {
    // Some runtimes reject with an error of their own instead of the reason.
    throw ended.signal.aborted ? ended.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Codes of Node's sockets and of its fetch for: there was never a connection. */
const NEVER_CONNECTED: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** False also where a runtime does not tell. */
export function wasNeverSent(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return NEVER_CONNECTED.has(code) || wasNeverSent(cause);
}
