/**
 * The destination health recorder: writes down what attempts say about their destinations, those that come
 * together in one transaction. What makes a destination worse (a failure, slowness, a pause) revokes the
 * leases that it should no longer have, in the same transaction.
 *
 * An attempt that changes nothing costs nothing: what is known to be well and quick is remembered for some
 * seconds. If an observation is lost, with the process or the database, the next attempt reports the same.
 */
import { createBatcher } from "@webhook-delivery/shared/batcher.ts";
import {
  afterAttempt,
  CLOSED,
  type Circuit,
  type Sign,
} from "@webhook-delivery/shared/core/circuit.ts";
import {
  isHealthy,
  QUICK_MS,
  type DestinationHealth,
} from "@webhook-delivery/shared/core/quota.ts";
import { inTransaction, isDatabaseAway, type Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  lockDestinations,
  saveDestinations,
  type DestinationRecord,
} from "@webhook-delivery/shared/db/destinations.ts";
import { revokeLeases } from "@webhook-delivery/shared/db/leases.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import type { WorkerMetrics } from "@webhook-delivery/shared/metrics.ts";

export interface HealthObservation {
  readonly destination: string;
  readonly endpointId: string | null;
  readonly clientId: string | null;
  /** Until now. */
  readonly durationMs: number;
  /** Undefined: it is still in flight. */
  readonly sign?: Sign;
  readonly isProbe: boolean;
}

export interface DestinationHealthRecorder {
  /** Resolves when it is written down. */
  observe(observation: HealthObservation): Promise<void>;
}

export interface RecorderDeps extends TransitionDeps {
  readonly sql: Sql;
  readonly monotonicNow: () => number;
  /** A destination may have more than before. */
  readonly onBetter: () => void;
}

const TOGETHER = { maxItems: 200, maxBatches: 1, concernsAll: isDatabaseAway } as const;
const REMEMBERED_FOR_MS = 5_000;
const MOST_REMEMBERED = 10_000;

export function createDestinationHealthRecorder(deps: RecorderDeps): DestinationHealthRecorder {
  const { monotonicNow } = deps;
  /** Destinations that were well and quick, and when that was last written down. */
  let written = new Map<string, number>();

  const write = createBatcher<HealthObservation, boolean>({
    ...TOGETHER,
    run: async (observations) => {
      const records = await record(deps, observations);
      return observations.map(({ destination }) => isFlawless(records.get(destination)));
    },
  });

  return {
    async observe(observation) {
      const { destination, sign } = observation;
      const writtenAt = written.get(destination) ?? -Infinity;
      const isNews = !isQuick(observation) || sign?.kind !== "well";
      if (!isNews && monotonicNow() - writtenAt < REMEMBERED_FOR_MS) return;
      written.delete(destination);
      if (!(await write(observation))) return;
      if (written.size >= MOST_REMEMBERED) written = new Map();
      written.set(destination, monotonicNow());
    },
  };
}

function isQuick({ durationMs }: HealthObservation): boolean {
  return durationMs <= QUICK_MS;
}

/** Another attempt of the same kind would change nothing. */
function isFlawless(known: DestinationRecord | undefined): boolean {
  if (known === undefined || !isHealthy(known)) return false;
  return known.circuit.failuresInARow === 0 && known.circuit.pausedUntilMs === null;
}

interface Change {
  readonly key: string;
  readonly before: DestinationHealth | undefined;
  readonly after: DestinationHealth;
}

async function record(
  { sql, onBetter, ...transitionDeps }: RecorderDeps,
  observations: readonly HealthObservation[],
): Promise<Map<string, DestinationRecord>> {
  const keys = [...new Set(observations.map(({ destination }) => destination))];
  const { records, changes } = await inTransaction(sql, async (tx) => {
    const { known, nowMs } = await lockDestinations(tx, keys);
    const observed = applyObservations(observations, known, nowMs);
    await saveDestinations(tx, [...observed.records.values()]);
    const worse = observed.changes.filter((change) => isWorse(change, nowMs));
    await revokeLeases(tx, [...new Set(worse.map(({ key }) => key))]);
    return observed;
  });
  for (const { key, before, after } of changes) {
    const was = before?.circuit ?? CLOSED;
    if (was.state !== after.circuit.state) {
      logTransition(transitionDeps, { key, circuit: was }, after.circuit);
    }
  }
  if (changes.some(isBetter)) onBetter();
  return records;
}

function applyObservations(
  observations: readonly HealthObservation[],
  known: ReadonlyMap<string, DestinationHealth>,
  nowMs: number,
) {
  const records = new Map<string, DestinationRecord>();
  const changes: Change[] = [];
  for (const observation of observations) {
    const { destination: key, endpointId, clientId, sign, isProbe } = observation;
    const before = records.get(key) ?? known.get(key);
    const circuit = before?.circuit ?? { ...CLOSED, sinceMs: nowMs };
    const next = sign === undefined ? circuit : afterAttempt(circuit, { sign, isProbe }, nowMs);
    const after = { key, endpointId, clientId, isQuick: isQuick(observation), circuit: next };
    records.set(key, after);
    changes.push({ key, before, after });
  }
  return { records, changes };
}

/** What it has leased was granted to a better one. */
function isWorse({ before, after }: Change, nowMs: number): boolean {
  const pausedUntilMs = after.circuit.pausedUntilMs ?? 0;
  const isPaused = pausedUntilMs > nowMs && pausedUntilMs !== before?.circuit.pausedUntilMs;
  return isPaused || (before !== undefined && isHealthy(before) && !isHealthy(after));
}

function isBetter({ before, after }: Change): boolean {
  if (before === undefined) return true;
  return before.circuit.state !== after.circuit.state || (!isHealthy(before) && isHealthy(after));
}

export interface TransitionDeps {
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}

export function logTransition(
  { log, metrics }: TransitionDeps,
  was: { readonly key: string; readonly circuit: Circuit },
  circuit: Circuit,
  also: { readonly waiting?: number } = {},
): void {
  const { state, reason, failuresInARow } = circuit;
  metrics.countTransition(state);
  log.warn({
    event: `destination.${state}`,
    destination: was.key,
    was: was.circuit.state,
    reason,
    failuresInARow,
    ...also,
  });
}
