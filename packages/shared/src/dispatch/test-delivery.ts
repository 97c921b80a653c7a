/**
 * A test: one real delivery with one attempt, made the way every delivery is made, by a worker, so that
 * what it shows is what the receiver will see. The caller waits for what came of it. If no worker makes
 * it in time it is called back, so that it surprises nobody later.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Caller } from "../core/caller.ts";
import { DEFAULT_EVENT_TYPE } from "../core/delivery.ts";
import { EVENT_TYPES, exampleOf } from "../core/event-types.ts";
import type { RequestedFormat } from "../core/formats/registry.ts";
import { subscriptionsTo } from "../core/subscription.ts";
import { cancelDelivery, findDelivery, type Delivery } from "../db/deliveries.ts";
import { listAttempts, type LoggedAttempt } from "../db/delivery-logs.ts";
import { acceptDelivery, type AcceptDeps } from "./accept-delivery.ts";
import type { RequestedTarget } from "./target.ts";

export interface TestRequest {
  readonly caller: Caller;
  readonly target: RequestedTarget;
  readonly eventType: string;
  readonly format: RequestedFormat;
  /** JSON; null: the example of the event type. */
  readonly payloadText: string | null;
  /** How long its one attempt may take. */
  readonly attemptTimeoutMs: number;
}

export interface TestResult {
  readonly delivery: Delivery;
  /** Undefined: none was made. */
  readonly attempt: LoggedAttempt | undefined;
}

/** For a worker to take it, beyond the attempt itself. */
export const WORKER_TIMEOUT_MS = 5_000;

export async function deliverTest(deps: AcceptDeps, request: TestRequest): Promise<TestResult> {
  const { delivery } = await acceptDelivery(deps, {
    caller: request.caller,
    target: request.target,
    eventType: request.eventType,
    format: request.format,
    content: {
      kind: request.payloadText === null ? "example" : "payload",
      payloadText: request.payloadText ?? JSON.stringify(exampleOf(request.eventType)),
      leadId: null,
    },
    leadChanges: null,
    campaignName: null,
    customFields: {},
    maxAttempts: 1,
    metadataText: null,
    isTestDelivery: true,
    idempotency: null,
  });
  const finished = await untilFinished(
    deps,
    delivery,
    request.attemptTimeoutMs + WORKER_TIMEOUT_MS,
  );
  const attempts = await listAttempts(deps.sql, delivery.id);
  return { delivery: finished, attempt: attempts.at(-1) };
}

/** The first that an endpoint asks for by name, else the first known one that a pattern of it takes. */
export function typeToTest(eventTypes: readonly string[]): string {
  const named = eventTypes.find((type) => !type.includes("*"));
  const taken = (): string | undefined =>
    EVENT_TYPES.map(({ type }) => type).find((type) =>
      subscriptionsTo(type).some((entry) => eventTypes.includes(entry)),
    );
  return named ?? taken() ?? DEFAULT_EVENT_TYPE;
}

const FIRST_LOOK_MS = 10;
const LONGEST_BETWEEN_LOOKS_MS = 100;

async function untilFinished(
  { sql }: AcceptDeps,
  delivery: Delivery,
  timeoutMs: number,
): Promise<Delivery> {
  const { id } = delivery;
  const endAt = performance.now() + timeoutMs;
  let waitMs = FIRST_LOOK_MS;
  while (performance.now() < endAt) {
    await sleep(waitMs);
    waitMs = Math.min(waitMs * 2, LONGEST_BETWEEN_LOOKS_MS);
    const seen = await findDelivery(sql, { id });
    // Removed by somebody, which is an end as well.
    if (seen === undefined) return { ...delivery, status: "cancelled" };
    if (isFinished(seen)) return seen;
  }
  return (await cancelDelivery(sql, id)) ?? (await findDelivery(sql, { id })) ?? delivery;
}

export function isFinished({ status }: Pick<Delivery, "status">): boolean {
  return status === "success" || status === "failed" || status === "cancelled";
}
