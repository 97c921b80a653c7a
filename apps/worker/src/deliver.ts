/**
 * One attempt of one delivery: claim, wait for its turn, sign and send (calls.ts), record.
 *
 * The claim is a guarded UPDATE, so of any number of jobs and workers one makes the attempt. What came
 * of it is kept in memory until it is in the database, however long that is away: a request that was
 * made is not made again because of it. If the process dies before that, the reconciler of another
 * worker finds the claim and logs the attempt as interrupted. Nothing here talks to the queue.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { AttemptResult } from "@webhook-delivery/shared/core/attempt-result.ts";
import { laneOf, QUICK_MS } from "@webhook-delivery/shared/core/lanes.ts";
import { signOf } from "@webhook-delivery/shared/core/sign.ts";
import type { EncryptionKey } from "@webhook-delivery/shared/core/secret-box.ts";
import type { AttemptRecord, Recorded } from "@webhook-delivery/shared/db/attempts.ts";
import type { Claim, ClaimedDelivery, EndedDelivery } from "@webhook-delivery/shared/db/claims.ts";
import { isDatabaseUnavailable } from "@webhook-delivery/shared/db/client.ts";
import type { Sender } from "@webhook-delivery/shared/http/sender.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import type { WorkerMetrics } from "@webhook-delivery/shared/metrics.ts";
import { afterAnswer, afterFault, type RecordDeps } from "./attempt-record.ts";
import { durationOf, makeCalls } from "./calls.ts";
import type { Claims } from "./claims.ts";
import type { DestinationNotes, Note } from "./destination-notes.ts";
import type { FollowUp } from "./follow-up.ts";
import type { Pacer, Turn } from "./pacer.ts";
import type { Report } from "./report.ts";
import { openSecrets } from "./secrets.ts";
import type { Slot } from "./slots.ts";

export interface DeliverDeps extends RecordDeps {
  /** Undefined: not pending, held or not due. */
  readonly claim: (claim: Claim) => Promise<ClaimedDelivery | EndedDelivery | undefined>;
  /** No attempt is made with it: the worker stops. */
  readonly returnClaim: (claim: ClaimedDelivery) => Promise<void>;
  readonly record: (record: AttemptRecord) => Promise<Recorded>;
  readonly sender: Sender;
  readonly pacer: Pacer;
  readonly notes: DestinationNotes;
  readonly followUp: FollowUp;
  readonly claims: Claims;
  readonly report: Report;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  readonly workerId: string;
  readonly encryptionKeys: readonly EncryptionKey[];
  readonly timeoutMs: number;
  /** A delivery will be due again at `retryAt`. */
  readonly onRetryScheduled: (retryAt: Date) => void;
}

export async function deliver(deps: DeliverDeps, deliveryId: string, slot: Slot): Promise<void> {
  const claimId = randomUUID();
  // Known before it exists: a claim whose answer is lost with its connection is then nobody's.
  deps.claims.add(claimId);
  try {
    const claim = await deps.claim({ deliveryId, claimId, workerId: deps.workerId });
    if (claim === undefined) {
      deps.log.debug({ event: "job.skipped", deliveryId }, "not pending or not due");
      return;
    }
    if (claim.outcome !== "claimed") {
      deps.log.info({ event: "delivery.ended", deliveryId, status: claim.outcome });
      await deps.followUp.ended(claim);
      return;
    }
    // After the claim, so that nothing slow stands between a delivery's turn and its start.
    if (!(await deps.pacer.takeTurn(turnOf(claim)))) return await deps.returnClaim(claim);
    const { record, result, durationMs } = await attempt(deps, claim, slot);
    const noted = noteResult(deps, claim, result, durationMs);
    const recorded = await recordSurely(deps, record);
    // Before the slot is free: the next job for this destination is to know.
    await noted;
    tell(deps, claim, record, recorded.isSettled);
    await deps.followUp.attempted(claim, { record, result, recorded });
  } finally {
    deps.claims.remove(claimId);
  }
}

interface Attempted {
  readonly record: AttemptRecord;
  /** Undefined after a fault of ours. */
  readonly result?: AttemptResult;
  /** Of all its calls. */
  readonly durationMs: number;
}

async function attempt(deps: DeliverDeps, claim: ClaimedDelivery, slot: Slot): Promise<Attempted> {
  const attemptedAt = deps.now();
  try {
    const opened = openSecrets(deps, claim, attemptedAt);
    const timeoutMs = claim.endpoint?.timeoutMs ?? deps.timeoutMs;
    const calling = makeCalls({ ...deps, timeoutMs }, claim, opened);
    using _late = after(slot.lastsMs(deps.notes.typicalMs(claim.destination)), () =>
      slot.handOver(),
    );
    using _slow = after(QUICK_MS, () => void note(deps, claim, { durationMs: QUICK_MS + 1 }));
    const made = await calling;
    const { result } = made.last;
    return { record: afterAnswer(deps, claim, made), result, durationMs: durationOf(made) };
  } catch (error) {
    deps.log.error({ event: "attempt.fault", deliveryId: claim.id, err: error }, "our own fault");
    const record = afterFault(deps, claim, attemptedAt);
    return { record, durationMs: record.durationMs };
  }
}

function turnOf({ endpoint, standing, isTestDelivery }: ClaimedDelivery): Turn {
  const ratePerSecond = endpoint?.ratePerSecond ?? null;
  const own =
    endpoint === null || ratePerSecond === null || isTestDelivery
      ? undefined
      : { endpointId: endpoint.id, ratePerSecond };
  if (standing === undefined) return { manner: "look", own };
  // A rate of its own is no illness.
  const isWell = laneOf({ ...standing, hasOwnRate: false }) === "main";
  return { manner: isWell ? "even" : "patient", own };
}

/** Calls it then, if that is not disposed of before. */
function after(ms: number, call: () => void): Disposable {
  const timer = ms === Infinity ? undefined : setTimeout(call, ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

async function noteResult(
  deps: DeliverDeps,
  claim: ClaimedDelivery,
  result: AttemptResult | undefined,
  durationMs: number,
): Promise<void> {
  if (result === undefined) return;
  const sign = signOf(result, deps.now());
  if (sign !== undefined) await note(deps, claim, { durationMs, sign });
}

/** Never fails: what is not noted now is told by the next attempt. */
async function note(
  { notes, log }: DeliverDeps,
  { destination, endpoint, clientId, isProbe }: ClaimedDelivery,
  seen: Pick<Note, "durationMs" | "sign">,
): Promise<void> {
  const endpointId = endpoint?.id ?? null;
  // A host is nobody's.
  const owner = endpointId === null ? null : clientId;
  try {
    await notes.add({ destination, endpointId, clientId: owner, isProbe, ...seen });
  } catch (error) {
    log.warn({ event: "destination.unnoted", destination, err: error }, "told by the next attempt");
  }
}

const RECORD_RETRY_MS = 250;
/** Memory is bounded by the concurrency, since the slot stays taken; this bounds the time. */
const RECORD_GIVE_UP_MS = 3_600_000;

async function recordSurely(deps: DeliverDeps, record: AttemptRecord): Promise<Recorded> {
  const giveUpAt = deps.now().getTime() + RECORD_GIVE_UP_MS;
  for (;;) {
    try {
      return await deps.record(record);
    } catch (error) {
      if (!isDatabaseUnavailable(error) || deps.now().getTime() >= giveUpAt) throw error;
      deps.log.warn(
        { event: "attempt.unrecorded", deliveryId: record.deliveryId, err: error },
        "the database is away; the result is kept and written when it is back",
      );
      await sleep(RECORD_RETRY_MS);
    }
  }
}

function tell(
  deps: DeliverDeps,
  claim: ClaimedDelivery,
  record: AttemptRecord,
  settled: boolean,
): void {
  const retryAt = record.next.status === "pending" ? record.next.retryAt : null;
  deps.log.info({
    event: "delivery.attempted",
    deliveryId: claim.id,
    eventType: claim.eventType,
    attempt: claim.attempt,
    maxAttempts: claim.maxAttempts,
    outcome: record.errorType ?? "success",
    responseStatus: record.responseStatus,
    durationMs: record.durationMs,
    status: settled ? record.next.status : "superseded",
    nextRetryAt: settled ? retryAt : null,
  });
  deps.metrics.countAttempt(record.errorType ?? "success", record.durationMs / 1000);
  if (!settled) return;
  deps.report.count({ isRetry: claim.attempt - claim.attemptsBeforeRound > 1, ...record.next });
  if (retryAt !== null) deps.onRetryScheduled(retryAt);
}
