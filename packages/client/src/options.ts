/** What a client is made with, checked before anything is sent. */
import type { Warning } from "./types.ts";

export interface ClientOptions {
  /** Base URL of the service. A path is kept. */
  readonly url: string;
  readonly apiKey: string;
  /**
   * Of each try. Default 10,000; 30,000 for batches, 35,000 for events and 130,000 for tests of
   * endpoints, which take longer by nature. What is given here holds for all of them.
   */
  readonly timeoutMs?: number;
  /** How often a call that may be repeated is tried again. Default 3; 0: never. */
  readonly maxRetries?: number;
  /** Default: `globalThis.fetch`. */
  readonly fetch?: typeof fetch;
  /**
   * Called when the service took a request and ignored fields of it that it does not know. What it
   * throws, the call rejects with. Items of a batch have theirs in their results.
   */
  readonly onWarnings?: (warnings: readonly Warning[]) => void;
}

export interface CallOptions {
  /** Ends the call, also while it waits for its next try; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface RequestOptions extends CallOptions {
  /**
   * 1 to 255 printable ASCII characters. Given again with the same request, it is accepted once. That of
   * a batch must leave room for `/INDEX` behind it: up to 251 characters for 101 to 1,000 items.
   */
  readonly idempotencyKey?: string;
}

export interface Settings {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Undefined: as long as each call usually gets. */
  readonly timeoutMs: number | undefined;
  readonly maxRetries: number;
  readonly fetch: typeof fetch | undefined;
  readonly onWarnings: ClientOptions["onWarnings"];
}

const DEFAULT_MAX_RETRIES = 3;
/** The longest that a timer can wait. */
const MAX_TIMEOUT_MS = 2_147_483_647;
const NO_ADDRESS = "url must be absolute and begin with https:// or http://";
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
export const LONGEST_IDEMPOTENCY_KEY = 255;
const IDEMPOTENCY_KEY = new RegExp(`^[\\x20-\\x7e]{1,${LONGEST_IDEMPOTENCY_KEY}}$`);

/** Throws TypeError; what it says holds neither the key nor the URL, which may have a password. */
export function readOptions(options: ClientOptions): Settings {
  const { apiKey, timeoutMs, maxRetries = DEFAULT_MAX_RETRIES } = options;
  if (typeof apiKey !== "string" || !VISIBLE_ASCII.test(apiKey)) {
    throw new TypeError("apiKey must be the text of an API key, without blanks or line ends");
  }
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new TypeError(`timeoutMs must be a number above 0, at most ${MAX_TIMEOUT_MS}`);
  }
  if (!Number.isInteger(maxRetries) || maxRetries < 0) {
    throw new TypeError("maxRetries must be 0 or a positive integer");
  }
  const { fetch, onWarnings } = options;
  return { baseUrl: readUrl(options.url), apiKey, timeoutMs, maxRetries, fetch, onWarnings };
}

function readUrl(text: string): string {
  const { protocol, username, password, search, hash, origin, pathname } = parseUrl(text);
  if (protocol !== "https:" && protocol !== "http:") {
    throw new TypeError(NO_ADDRESS);
  }
  if (username || password) throw new TypeError("url must have no user name and no password");
  if (search || hash) throw new TypeError("url must have no query and no fragment");
  return origin + pathname.replace(/\/+$/, "");
}

/** What `new URL` says of a text that is none has the text in it. */
function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new TypeError(NO_ADDRESS);
  }
}

/** Whether the service takes it: 1 to 255 printable ASCII characters. */
export function isIdempotencyKey(text: string): boolean {
  return IDEMPOTENCY_KEY.test(text);
}

export function requireIdempotencyKey(key: string): string {
  if (isIdempotencyKey(key)) return key;
  const most = LONGEST_IDEMPOTENCY_KEY;
  throw new TypeError(`an idempotencyKey must be 1 to ${most} printable ASCII characters`);
}
