/** Allocates the capacity among the destinations that have a quota: max-min fair by client, then by destination. */
import type { Capacity } from "./capacity.ts";
import type { Quota } from "./quota.ts";

export interface Demand {
  readonly destination: string;
  /** Null: the operator's own, which count as one client's. */
  readonly clientId: string | null;
  readonly quota: Quota;
  /** Leased or in flight. */
  readonly outstanding: number;
  readonly due: number;
  readonly oldestDueMs: number;
}

export interface Allocation {
  readonly demand: Demand;
  readonly count: number;
}

/**
 * Trials first; then who has least outstanding, and of those who has least waiting. One to each client in
 * turn, and of what a client gets one to each of its destinations in turn, so that who has much waits
 * behind itself and not before the others.
 */
export function allocate(demands: readonly Demand[], capacity: Capacity): Allocation[] {
  const byNeed = demands.toSorted(
    (a, b) =>
      a.outstanding - b.outstanding || compare(a.due, b.due) || a.oldestDueMs - b.oldestDueMs,
  );
  const of = (isWanted: (kind: Quota["kind"]) => boolean) =>
    byNeed.filter(({ quota }) => isWanted(quota.kind));
  const trials = roundRobin(
    of((kind) => kind === "trial"),
    Math.min(capacity.low, capacity.trial),
  );
  const toTrials = trials.reduce((sum, { count }) => sum + count, 0);
  return [
    ...roundRobin(
      of((kind) => kind === "normal"),
      capacity.normal,
    ),
    ...trials,
    ...roundRobin(
      of((kind) => kind === "low" || kind === "probe"),
      Math.min(capacity.low - toTrials, capacity.lowButNoTrial),
    ),
  ];
}

const OPERATOR = "";

function roundRobin(demands: readonly Demand[], capacity: number): Allocation[] {
  const counts = new Map<Demand, number>();
  const wanting = demands.filter(({ quota }) => quota.count >= 1);
  const queues = new Map<string, Demand[]>();
  for (const demand of wanting) {
    const client = demand.clientId ?? OPERATOR;
    const queue = queues.get(client);
    if (queue === undefined) queues.set(client, [demand]);
    else queue.push(demand);
  }
  let left = Math.floor(capacity);
  while (left > 0 && queues.size > 0) {
    for (const [client, queue] of queues) {
      const demand = left > 0 ? queue.shift() : undefined;
      if (demand === undefined) break;
      const count = (counts.get(demand) ?? 0) + 1;
      counts.set(demand, count);
      left--;
      if (count < demand.quota.count) queue.push(demand);
      else if (queue.length === 0) queues.delete(client);
    }
  }
  return wanting.flatMap((demand) => {
    const count = counts.get(demand) ?? 0;
    return count === 0 ? [] : [{ demand, count }];
  });
}

/** Both may be Infinity. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** One of each destination in turn: permits are used in about the order in which they are queued. */
export function interleave<T extends { readonly destination: string }>(items: readonly T[]): T[] {
  const turns = new Map<string, number>();
  return items
    .map((item) => {
      const turn = turns.get(item.destination) ?? 0;
      turns.set(item.destination, turn + 1);
      return { item, turn };
    })
    .sort((a, b) => a.turn - b.turn)
    .map(({ item }) => item);
}
