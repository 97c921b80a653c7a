/**
 * One attempt of one delivery, from its permit to its log row: claim, wait for its start, sign and send
 * (calls.ts), record.
 *
 * The claim is a guarded UPDATE, so of any number of permits and workers one makes the attempt. What came of
 * it is kept in memory until it is in the database, however long that is away: a request that was made is
 * not made again because of it. If the process dies before that, another worker finds the claim and logs the
 * attempt as interrupted. Nothing here asks whether the delivery may start: the permit says so.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { LEASE_MS, type Permit } from "@webhook-delivery/shared/core/permit.ts";
import type {
  AttemptRecord,
  AttemptRecorder,
  Recorded,
} from "@webhook-delivery/shared/db/attempts.ts";
import type { Claim, ClaimedDelivery, Claimer } from "@webhook-delivery/shared/db/claims.ts";
import { isDatabaseUnavailable, type Sql } from "@webhook-delivery/shared/db/client.ts";
import { returnLeases } from "@webhook-delivery/shared/db/leases.ts";
import { returnClaim } from "@webhook-delivery/shared/db/returned-claims.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import { makeAttempt, type AttemptDeps } from "./attempt.ts";
import type { Claims } from "./claims.ts";
import type { FollowUp } from "./follow-up.ts";
import type { KeyedLimit } from "./keyed-limit.ts";
import type { RateLimiter, StartRequest } from "./rate-limiter.ts";

/** What it takes to begin an attempt. */
interface StartDeps {
  readonly sql: Sql;
  /** By destination: attempts in flight with normal permits. */
  readonly inFlight: KeyedLimit;
  /**
   * By kind of permit: claims that wait for their start. What is not claimed can still be revoked, and the
   * scheduler sees that it has not started. Those with low permits are few.
   */
  readonly starting: Readonly<Record<"normal" | "trial", KeyedLimit>>;
  readonly claims: Claims;
  readonly claimer: Claimer;
  readonly rateLimiter: RateLimiter;
  readonly log: Logger;
  /** Of a delivery that was not granted. */
  readonly onRefused: (deliveryId: string) => void;
}

/** What it takes to end one. */
interface EndDeps {
  readonly recorder: AttemptRecorder;
  readonly followUp: FollowUp;
  readonly now: () => Date;
  readonly log: Logger;
  /** Logs and counts it. */
  readonly onRecorded: (claim: ClaimedDelivery, record: AttemptRecord, isSettled: boolean) => void;
}

export interface DeliverDeps {
  readonly start: StartDeps;
  readonly attempt: AttemptDeps;
  readonly end: EndDeps;
}

/** A permit that waits longer for its destination is given back, or it would keep a slot from others. */
const WAIT_FOR_DESTINATION_MS = 500;

export async function deliver(deps: DeliverDeps, permit: Permit): Promise<void> {
  const { sql, claims } = deps.start;
  using room = await enterDestination(deps.start, permit);
  if (room === undefined) return returnLeases(sql, [permit.deliveryId]);
  const claimId = randomUUID();
  // Registered before the UPDATE: if its reply is lost with the connection, the id is dropped here, and the
  // heartbeat recovers the orphaned claim (watch.ts).
  claims.add(claimId);
  try {
    const claim = await startAttempt(deps.start, permit, claimId);
    if (claim === undefined) return;
    const { record, result, observed } = await makeAttempt(deps.attempt, claim);
    const recorded = await recordSurely(deps.end, record);
    // Before the slot is free: the next permit for this destination is to know.
    await observed;
    deps.end.onRecorded(claim, record, recorded.isSettled);
    await deps.end.followUp.attempted(claim, { record, result, recorded });
  } finally {
    claims.remove(claimId);
  }
}

const ROOM_FOR_ALL: Disposable = { [Symbol.dispose]: () => {} };

/**
 * A healthy destination has more leased than may be in flight. Of all others the scheduler grants no more than
 * that over all workers together, so none of them has to wait here.
 */
async function enterDestination(
  { inFlight }: StartDeps,
  { kind, destinationKey }: Permit,
): Promise<Disposable | undefined> {
  return kind === "normal" ? inFlight.enter(destinationKey, WAIT_FOR_DESTINATION_MS) : ROOM_FOR_ALL;
}

/** Resolves when the attempt is to be made now. Undefined: it is not to be made. */
async function startAttempt(
  deps: StartDeps,
  { deliveryId, kind }: Permit,
  claimId: string,
): Promise<ClaimedDelivery | undefined> {
  const limit = kind === "normal" || kind === "trial" ? deps.starting[kind] : undefined;
  using turn = limit === undefined ? ROOM_FOR_ALL : await limit.enter(kind, LEASE_MS);
  if (turn === undefined) {
    await returnLeases(deps.sql, [deliveryId]);
    return undefined;
  }
  const wanted: Claim = { deliveryId, claimId };
  const claim = await deps.claimer.claim(wanted);
  if (claim === undefined) {
    deps.log.debug({ event: "job.skipped", deliveryId }, "no permit, or not pending");
    deps.onRefused(deliveryId);
    return undefined;
  }
  // After the claim, so that nothing slow stands between a delivery's reserved start and the wire.
  if (await deps.rateLimiter.acquire(startRequestOf(claim))) return claim;
  await returnClaim(deps.sql, claim);
  return undefined;
}

function startRequestOf({ permit, endpoint, isTestDelivery }: ClaimedDelivery): StartRequest {
  const ratePerSecond = endpoint?.ratePerSecond ?? null;
  const isLimited = endpoint !== null && ratePerSecond !== null && !isTestDelivery;
  return {
    kind: permit,
    endpointRate: isLimited ? { endpointId: endpoint.id, ratePerSecond } : undefined,
  };
}

const RECORD_RETRY_MS = 250;
/** Memory is bounded by the slots, since this one stays taken; this bounds the time. */
const RECORD_GIVE_UP_MS = 3_600_000;

async function recordSurely(deps: EndDeps, record: AttemptRecord): Promise<Recorded> {
  const giveUpAt = deps.now().getTime() + RECORD_GIVE_UP_MS;
  for (;;) {
    try {
      return await deps.recorder.record(record);
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
