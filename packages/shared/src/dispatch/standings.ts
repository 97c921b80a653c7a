/**
 * What ingest knows of destinations: which lane a new delivery may take at once. Remembered for a second
 * at a time; asked for together. Undefined means that the sweep decides.
 */
import { createBatcher } from "../batcher.ts";
import { laneOf, type Lane } from "../core/lanes.ts";
import { isDatabaseUnavailable, type Sql } from "../db/client.ts";
import { findStandings, type StandingRow } from "../db/standings.ts";

const REMEMBERED_FOR_MS = 1_000;
/** A first look is over soon, most likely. */
const OTHERS_REMEMBERED_FOR_MS = 100;
const MOST_REMEMBERED = 10_000;
const TOGETHER = { maxItems: 100, maxBatches: 2, concernsAll: isDatabaseUnavailable } as const;

export function createStandings(
  sql: Sql,
  now: () => number = Date.now,
): (destination: string) => Promise<Lane | undefined> {
  const ask = createBatcher({
    ...TOGETHER,
    run: (keys: readonly string[]) => findStandings(sql, keys),
  });
  let remembered = new Map<string, { lane: Lane | undefined; until: number }>();

  return async (destination) => {
    const known = remembered.get(destination);
    if (known !== undefined && now() < known.until) return known.lane;
    const lane = judge(await ask(destination));
    // Full of destinations that nobody asks for any more, most likely.
    if (remembered.size >= MOST_REMEMBERED) remembered = new Map();
    const forMs = lane === "main" ? REMEMBERED_FOR_MS : OTHERS_REMEMBERED_FOR_MS;
    remembered.set(destination, { lane, until: now() + forMs });
    return lane;
  };
}

function judge(row: StandingRow | undefined): Lane | undefined {
  if (row === undefined || row.isQuick === null) return laneOf(undefined);
  const { isQuick, isPaused, state, failuresInARow, hasOwnRate } = row;
  if (isPaused || state !== "closed") return undefined;
  const lane = laneOf({ isQuick, isClosed: true, failuresInARow: failuresInARow ?? 0, hasOwnRate });
  // One that is slow or failing gets its fair part of the side lane from the sweep.
  const isGood = lane === "main" || hasOwnRate;
  return isGood ? lane : undefined;
}
