/**
 * Which workers are dead, judged by what one observer saw with its own clock.
 *
 * A worker counts as dead when its heartbeat stood still for the whole of `deadAfterMs` while the
 * observer could look all the time. After a gap in looking (the database was away, this process was
 * frozen) everybody gets the full time again: nobody is dead because the observer was blind.
 */

export interface Sighting {
  readonly heartbeat: string | null;
  /** When this value was first seen, on the observer's monotonic clock. */
  readonly firstSeenMs: number;
}

export interface Observation {
  readonly atMs: number;
  readonly sightings: ReadonlyMap<string, Sighting>;
}

export interface LivenessRules {
  readonly deadAfterMs: number;
  /** A longer time between two looks is a gap. */
  readonly longestLookGapMs: number;
}

export function observe(
  before: Observation | undefined,
  seen: readonly { readonly id: string; readonly heartbeat: string | null }[],
  nowMs: number,
  rules: LivenessRules,
): { readonly observation: Observation; readonly dead: readonly string[] } {
  const isGap = before === undefined || nowMs - before.atMs > rules.longestLookGapMs;
  const sightings = new Map<string, Sighting>();
  for (const { id, heartbeat } of seen) {
    const known = isGap ? undefined : before.sightings.get(id);
    const isSame = known !== undefined && known.heartbeat === heartbeat;
    sightings.set(id, isSame ? known : { heartbeat, firstSeenMs: nowMs });
  }
  const dead = [...sightings]
    .filter(([, sighting]) => nowMs - sighting.firstSeenMs >= rules.deadAfterMs)
    .map(([id]) => id);
  return { observation: { atMs: nowMs, sightings }, dead };
}
