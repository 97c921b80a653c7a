/** From what was posted and what arrived to numbers. */
import type { Accepted, Posted } from "./poster.ts";
import type { Arrival } from "./wire.ts";

export interface Figures {
  /** Deliveries that arrived for the first time during the run, a second. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly planned: number;
  readonly accepted: number;
  /** Accepted, and not there when the counting ended; they count as late as that. */
  readonly missing: number;
  readonly worstLateMs: number;
}

/** `countedAt`: when the arrivals were read. */
export function figuresOf(
  posted: Posted,
  seconds: number,
  { arrivals, countedAt }: { arrivals: readonly Arrival[]; countedAt: number },
): Figures {
  const firstAt = firstArrivals(arrivals);
  const endAt = posted.startedAt + seconds * 1000;
  const { accepted } = posted;
  const latencies = accepted
    .map(({ id, at }) => (firstAt.get(id)?.arrivedAt ?? countedAt) - at)
    .sort((a, b) => a - b);
  const arrivedAt = accepted.flatMap(({ id }) => firstAt.get(id)?.arrivedAt ?? []);
  return {
    perSecond: arrivedAt.filter((at) => at <= endAt).length / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: percentile(latencies, 1),
    planned: posted.planned,
    accepted: accepted.length,
    missing: accepted.length - arrivedAt.length,
    worstLateMs: posted.worstLateMs,
  };
}

/** The first request for each delivery: what comes again is no throughput. */
export function firstArrivals(arrivals: readonly Arrival[]): ReadonlyMap<string, Arrival> {
  const first = new Map<string, Arrival>();
  for (const arrival of arrivals) if (!first.has(arrival.id)) first.set(arrival.id, arrival);
  return first;
}

/** Of sorted numbers; an arrival before its 202 was read took no time. */
function percentile(sorted: readonly number[], fraction: number): number {
  return Math.max(0, sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Infinity);
}

/** The most of these instants in any `windowMs`, wherever it begins. */
export function mostWithin(instants: readonly number[], windowMs: number): number {
  const sorted = instants.toSorted((a, b) => a - b);
  let most = 0;
  let from = 0;
  for (const [to, at] of sorted.entries()) {
    while (at - (sorted[from] ?? at) >= windowMs) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

/** One that ends as another starts is not open beside it. */
export function mostOpenAtOnce(arrivals: readonly Arrival[]): number {
  const changes = arrivals
    .flatMap(({ startedAt, endedAt }) => [
      { at: startedAt, by: 1 },
      { at: endedAt, by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by);
  let open = 0;
  let most = 0;
  for (const { by } of changes) {
    open += by;
    most = Math.max(most, open);
  }
  return most;
}

/** For each arrival, how many that were accepted later came before it. */
export function overtakenBy(
  accepted: readonly Accepted[],
  arrivedIds: readonly string[],
): readonly number[] {
  const places = new Map(accepted.map(({ id }, place) => [id, place]));
  const before: number[] = [];
  return arrivedIds.map((id) => {
    const place = places.get(id) ?? 0;
    const later = before.filter((one) => one > place).length;
    before.push(place);
    return later;
  });
}

export function countPerSecond(instants: readonly number[], fromMs: number): readonly number[] {
  const counts: number[] = [];
  for (const at of instants) {
    const second = Math.floor((at - fromMs) / 1000);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return Array.from(counts, (count) => count ?? 0);
}
