/**
 * Grants a round's leases and hands the permits on: this worker's part runs at once, the others go through the
 * queue. If the process dies in between, the leases expire.
 */
import { interleave, type Allocation } from "@webhook-delivery/shared/core/allocation.ts";
import { destinationKey, LEASE_MS } from "@webhook-delivery/shared/core/permit.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { noteReleases } from "@webhook-delivery/shared/db/destinations.ts";
import { returnLeases } from "@webhook-delivery/shared/db/leases.ts";
import {
  leaseByAge,
  leaseByDueTime,
  leaseTests,
  type Grant,
  type GrantOptions,
  type Leased,
  type OpenRound,
  type Shard,
} from "@webhook-delivery/shared/db/scheduling.ts";
import type { QueuedPermit, QueueProducer } from "@webhook-delivery/shared/queue/queue.ts";
import type { Runner } from "@webhook-delivery/shared/queue/runner.ts";

export interface GrantDeps {
  readonly sql: Sql;
  readonly producer: QueueProducer;
  readonly runner: Runner;
  readonly workerId: string;
}

const TESTS_A_ROUND = 100;

interface Granting {
  readonly allocations: readonly Allocation[];
  readonly open: OpenRound;
  readonly shard: Shard;
  /** What is due so soon gets its lease now. */
  readonly horizonMs: number;
}

export async function grantLeases(
  { sql, runner, workerId }: GrantDeps,
  { allocations, open, shard, horizonMs }: Granting,
): Promise<Leased[]> {
  const of = (order: "due" | "age"): Grant[] =>
    allocations
      .filter(({ demand: { quota } }) => quota.order === order)
      .map(({ demand: { destination, quota }, count }) => {
        return { destination, count, kind: quota.kind, sinceMs: quota.circuit?.sinceMs ?? null };
      });
  const total = allocations.reduce((sum, { count }) => sum + count, open.hasTests ? 1 : 0);
  const mostForSelf = Math.min(runner.room(), Math.ceil(total / Math.max(1, open.workers)));
  let { version } = open;
  const leased: Leased[] = [];
  const grant = async (work: (options: GrantOptions) => Promise<Leased[]>): Promise<void> => {
    const times = { horizonMs, leaseMs: LEASE_MS };
    leased.push(...(await work({ ...times, shard, version, workerId, mostForSelf })));
    version++;
  };
  if (open.hasTests) await grant((options) => leaseTests(sql, TESTS_A_ROUND, options));
  const byDueTime = of("due");
  if (byDueTime.length > 0) await grant((options) => leaseByDueTime(sql, byDueTime, options));
  const byAge = of("age");
  if (byAge.length > 0) {
    await grant((options) => leaseByAge(sql, byAge, options));
    await noteReleases(
      sql,
      byAge.map(({ destination }) => destination),
    );
  }
  return leased;
}

/** Rejects, and returns their leases, when the queue does not take them. */
export async function handPermits(
  { sql, producer, runner }: GrantDeps,
  leased: readonly Leased[],
): Promise<void> {
  const others: QueuedPermit[] = [];
  for (const { deliveryId, destination, kind, delayMs, isTaken } of interleave(leased)) {
    const permit = { deliveryId, destinationKey: destinationKey(destination), kind };
    if (isTaken) void runner.run(permit);
    else others.push({ ...permit, delayMs });
  }
  if (others.length === 0) return;
  try {
    await producer.enqueue(others);
  } catch (error) {
    await returnLeases(
      sql,
      others.map(({ deliveryId }) => deliveryId),
    );
    throw error;
  }
}
