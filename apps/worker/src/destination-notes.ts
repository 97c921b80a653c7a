/**
 * Writes down what attempts say about their destinations, those that come together in one transaction.
 * An attempt that changes nothing costs nothing: what is known to be well and quick is remembered for
 * some seconds. If a note is lost, with the process or the database, the next attempt tells the same.
 */
import { createBatcher } from "@webhook-delivery/shared/batcher.ts";
import {
  afterAttempt,
  CLOSED,
  type Circuit,
  type Sign,
} from "@webhook-delivery/shared/core/circuit.ts";
import { QUICK_MS } from "@webhook-delivery/shared/core/lanes.ts";
import { inTransaction, isDatabaseAway, type Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  lockDestinations,
  saveDestinations,
  type DestinationRecord,
} from "@webhook-delivery/shared/db/destinations.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import type { WorkerMetrics } from "@webhook-delivery/shared/metrics.ts";

export interface Note {
  readonly destination: string;
  readonly endpointId: string | null;
  readonly clientId: string | null;
  /** Until now. */
  readonly durationMs: number;
  /** Undefined: it is still in flight. */
  readonly sign?: Sign;
  readonly isProbe: boolean;
}

export interface DestinationNotes {
  /** Resolves when it is written down. */
  add(note: Note): Promise<void>;
  /** What attempts there took of late; undefined: this process does not know. */
  typicalMs(destination: string): number | undefined;
}

export interface NotesDeps extends Telling {
  readonly sql: Sql;
  readonly monotonicNow: () => number;
}

const TOGETHER = { maxItems: 200, maxBatches: 1, concernsAll: isDatabaseAway } as const;
const REMEMBERED_FOR_MS = 5_000;
const MOST_REMEMBERED = 10_000;

export function createDestinationNotes(deps: NotesDeps): DestinationNotes {
  const { monotonicNow } = deps;
  /** Destinations that were well and quick, and when they were last written down. */
  let well = new Map<string, { writtenAt: number; typicalMs: number }>();

  const write = createBatcher<Note, boolean>({
    ...TOGETHER,
    run: async (notes) => {
      const records = await writeDown(deps, notes);
      return notes.map(({ destination }) => isWellAndQuick(records.get(destination)));
    },
  });

  return {
    async add(note) {
      const { destination, durationMs, sign } = note;
      const known = well.get(destination);
      const typicalMs = known ? (known.typicalMs * 7 + durationMs) / 8 : durationMs;
      if (known && isQuick(note) && sign?.kind === "well") {
        known.typicalMs = typicalMs;
        if (monotonicNow() - known.writtenAt < REMEMBERED_FOR_MS) return;
      }
      well.delete(destination);
      if (!(await write(note))) return;
      if (well.size >= MOST_REMEMBERED) well = new Map();
      well.set(destination, { writtenAt: monotonicNow(), typicalMs });
    },
    typicalMs: (destination) => well.get(destination)?.typicalMs,
  };
}

function isQuick({ durationMs }: Note): boolean {
  return durationMs <= QUICK_MS;
}

function isWellAndQuick(record: DestinationRecord | undefined): boolean {
  if (record === undefined) return false;
  const { circuit } = record;
  return (
    record.isQuick &&
    circuit.state === "closed" &&
    circuit.failuresInARow === 0 &&
    circuit.pausedUntilMs === null
  );
}

async function writeDown(
  { sql, ...telling }: NotesDeps,
  notes: readonly Note[],
): Promise<Map<string, DestinationRecord>> {
  const keys = [...new Set(notes.map(({ destination }) => destination))];
  const changes: { key: string; before: Circuit; after: Circuit }[] = [];
  const records = await inTransaction(sql, async (tx) => {
    const { known, nowMs } = await lockDestinations(tx, keys);
    const after = new Map<string, DestinationRecord>();
    for (const note of notes) {
      const { destination: key, endpointId, clientId, sign, isProbe } = note;
      const before = after.get(key) ?? known.get(key);
      const circuit = before?.circuit ?? { ...CLOSED, sinceMs: nowMs };
      const next = sign === undefined ? circuit : afterAttempt(circuit, { sign, isProbe }, nowMs);
      after.set(key, { key, endpointId, clientId, isQuick: isQuick(note), circuit: next });
      if (circuit.state !== next.state) changes.push({ key, before: circuit, after: next });
    }
    await saveDestinations(tx, [...after.values()]);
    return after;
  });
  for (const { key, before, after } of changes) {
    tellTransition(telling, { key, circuit: before }, after);
  }
  return records;
}

export interface Telling {
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}

export function tellTransition(
  { log, metrics }: Telling,
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
