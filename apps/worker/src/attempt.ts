/**
 * Makes the attempt of a claimed delivery and says what came of it, for the delivery's record and for its
 * destination's health. Never throws: a fault of ours becomes a record as well, and is not charged to the
 * receiver.
 */
import type { AttemptResult } from "@webhook-delivery/shared/core/attempt-result.ts";
import { QUICK_MS } from "@webhook-delivery/shared/core/quota.ts";
import type { EncryptionKey } from "@webhook-delivery/shared/core/secret-box.ts";
import { signOf } from "@webhook-delivery/shared/core/sign.ts";
import type { AttemptRecord } from "@webhook-delivery/shared/db/attempts.ts";
import type { ClaimedDelivery } from "@webhook-delivery/shared/db/claims.ts";
import type { Sender } from "@webhook-delivery/shared/http/sender.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import { afterAnswer, afterFault, type RecordDeps } from "./attempt-record.ts";
import { durationOf, makeCalls } from "./calls.ts";
import type { DestinationHealthRecorder, HealthObservation } from "./destination-health.ts";
import { openSecrets } from "./secrets.ts";

export interface AttemptDeps extends RecordDeps {
  readonly sender: Sender;
  readonly encryptionKeys: readonly EncryptionKey[];
  readonly timeoutMs: number;
  readonly health: DestinationHealthRecorder;
  readonly log: Logger;
}

export interface Attempted {
  readonly record: AttemptRecord;
  /** Undefined after a fault of ours. */
  readonly result: AttemptResult | undefined;
  /** Resolves when what it says about its destination is written down. */
  readonly observed: Promise<void>;
}

export async function makeAttempt(deps: AttemptDeps, claim: ClaimedDelivery): Promise<Attempted> {
  const attemptedAt = deps.now();
  try {
    const opened = openSecrets(deps, claim, attemptedAt);
    const timeoutMs = claim.endpoint?.timeoutMs ?? deps.timeoutMs;
    const calling = makeCalls({ ...deps, timeoutMs }, claim, opened);
    // Others need not wait for its end to know that it is slow.
    using _slow = after(QUICK_MS, () => void observe(deps, claim, { durationMs: QUICK_MS + 1 }));
    const made = await calling;
    const { result } = made.last;
    const observed = observeResult(deps, claim, result, durationOf(made));
    return { record: afterAnswer(deps, claim, made), result, observed };
  } catch (error) {
    deps.log.error({ event: "attempt.fault", deliveryId: claim.id, err: error }, "our own fault");
    const record = afterFault(deps, claim, attemptedAt);
    return { record, result: undefined, observed: Promise.resolve() };
  }
}

/** Calls it then, if that is not disposed of before. */
function after(ms: number, call: () => void): Disposable {
  const timer = setTimeout(call, ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

async function observeResult(
  deps: AttemptDeps,
  claim: ClaimedDelivery,
  result: AttemptResult,
  durationMs: number,
): Promise<void> {
  const sign = signOf(result, deps.now());
  if (sign !== undefined) await observe(deps, claim, { durationMs, sign });
}

/** Never throws. A lost observation is harmless: the next attempt reports the same. */
async function observe(
  { health, log }: AttemptDeps,
  { destination, endpoint, clientId, permit, isTestDelivery }: ClaimedDelivery,
  seen: Pick<HealthObservation, "durationMs" | "sign">,
): Promise<void> {
  const endpointId = endpoint?.id ?? null;
  // A destination without an endpoint (a plain URL) belongs to no client.
  const owner = endpointId === null ? null : clientId;
  const isProbe = permit === "probe" && !isTestDelivery;
  try {
    await health.observe({ destination, endpointId, clientId: owner, isProbe, ...seen });
  } catch (error) {
    log.warn(
      { event: "destination.unobserved", destination, err: error },
      "the next attempt reports it",
    );
  }
}
