/**
 * `client.deliverBatch`: any number of deliveries, in as many requests as the service's limits ask for,
 * one after the other, with results in the order that was given.
 *
 * Each item has an idempotency key, so a request whose answer was lost can be made again, and so can
 * the items that the service could not write just then (`unavailable`). Once a request has been
 * answered, nothing is thrown away: if a later one fails, its items get results that say so.
 */
import { signalOf, type Api } from "./api.ts";
import { WebhookDeliveryConnectionError, WebhookDeliveryError } from "./errors.ts";
import {
  isIdempotencyKey,
  LONGEST_IDEMPOTENCY_KEY,
  requireIdempotencyKey,
  type CallOptions,
  type RequestOptions,
} from "./options.ts";
import { backoffMs } from "./retry.ts";
import type { Surroundings } from "./surroundings.ts";
import type { BatchResult, NewBatchItem } from "./types.ts";

export interface BatchDeps extends Pick<Surroundings, "random" | "sleep"> {
  readonly api: Api;
  readonly maxRetries: number;
}

interface How extends CallOptions {
  /** The batch's: each item has one of its own made of it. */
  readonly keyInBody: string;
}

interface Item {
  readonly index: number;
  /** JSON. */
  readonly text: string;
}

const MOST_ITEMS = 1_000;
/** A little below what the service takes unless it is configured otherwise. */
const MOST_BYTES = 5_000_000;
const TIMEOUT_MS = 30_000;

export async function deliverBatch(
  deps: BatchDeps,
  requests: readonly NewBatchItem[],
  { idempotencyKey = crypto.randomUUID(), ...options }: RequestOptions = {},
): Promise<BatchResult[]> {
  const items = itemsOf(requests, idempotencyKey);
  const how = { ...signalOf(options), keyInBody: idempotencyKey };
  const results: BatchResult[] = [];
  let failure: BatchResult | undefined;
  for (const chunk of chunksOf(items)) {
    try {
      if (failure === undefined) await sendChunk(deps, chunk, results, how);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (results.length === 0) throw error;
      failure = failedResult(error);
    }
    for (const { index } of chunk) if (failure !== undefined) results[index] ??= failure;
  }
  return results;
}

function itemsOf(requests: readonly NewBatchItem[], key: string): Item[] {
  requireIdempotencyKey(key);
  return requests.map((request, index) => ({
    index,
    text: JSON.stringify({
      ...request,
      idempotencyKey: request.idempotencyKey ?? keyOf(key, index, requests.length),
    }),
  }));
}

/** Spelled as the service spells it for a batch with a key; but as an item's own it must not be longer than one. */
function keyOf(batchKey: string, index: number, count: number): string {
  const key = `${batchKey}/${index}`;
  if (isIdempotencyKey(key)) return key;
  const most = LONGEST_IDEMPOTENCY_KEY - `/${count - 1}`.length;
  throw new TypeError(
    `the idempotencyKey of a batch of ${count} may have up to ${most} characters: items have it with /0, /1, … behind`,
  );
}

function chunksOf(items: readonly Item[]): Item[][] {
  const encoder = new TextEncoder();
  const chunks: Item[][] = [];
  let chunk: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = encoder.encode(item.text).length + 1;
    if (chunk.length === 0 || chunk.length === MOST_ITEMS || bytes + size > MOST_BYTES) {
      chunk = [];
      bytes = 0;
      chunks.push(chunk);
    }
    chunk.push(item);
    bytes += size;
  }
  return chunks;
}

/** Writes the results of `items`. Those that could not be written are asked for again, a few times. */
async function sendChunk(
  deps: BatchDeps,
  items: readonly Item[],
  results: BatchResult[],
  how: How,
): Promise<void> {
  let left = items;
  for (let made = 1; ; made++) {
    await send(deps, left, results, how);
    left = left.filter(({ index }) => isUnavailable(results[index]));
    if (left.length === 0 || made > deps.maxRetries) return;
    await deps.sleep(backoffMs(made, deps.random()), how.signal);
  }
}

async function send(
  deps: BatchDeps,
  items: readonly Item[],
  results: BatchResult[],
  how: How,
): Promise<void> {
  const bodyText = `{"deliveries":[${items.map(({ text }) => text).join(",")}]}`;
  try {
    const answer = await deps.api.postRepeatably<{ readonly results: readonly BatchResult[] }>(
      "/webhook-delivery/batch",
      bodyText,
      { timeoutMs: TIMEOUT_MS, ...how },
    );
    for (const [place, { index }] of items.entries()) {
      const result = answer.results[place];
      if (result !== undefined) results[index] = result;
    }
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    // This service takes less: nothing of it was done.
    if (items.length === 1) {
      for (const { index } of items) results[index] = failedResult(error);
      return;
    }
    const middle = Math.ceil(items.length / 2);
    await send(deps, items.slice(0, middle), results, how);
    await send(deps, items.slice(middle), results, how);
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof WebhookDeliveryError && error.status === 413;
}

function isUnavailable(result: BatchResult | undefined): boolean {
  return result?.status === "error" && result.error.code === "unavailable";
}

/** For items that have no answer of their own. */
function failedResult(error: unknown): BatchResult {
  if (error instanceof WebhookDeliveryError) {
    const { code, reason: message, details } = error;
    return { status: "error", error: { code, message, details: [...details] } };
  }
  if (!(error instanceof WebhookDeliveryConnectionError)) throw error;
  const again = `The same batch under the idempotencyKey ${error.idempotencyKey} is accepted once.`;
  const message = `Not known whether it was accepted. ${error.message} ${again}`;
  return { status: "error", error: { code: "connection_failed", message } };
}
