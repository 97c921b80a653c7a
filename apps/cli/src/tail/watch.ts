/**
 * What `tail` knows of deliveries, and so what is new to it. Pure: it is told what was read.
 *
 * It remembers what is unfinished and what was accepted lately, and forgets the rest, so that a tail can
 * run for weeks. What it has forgotten counts as new when it moves again.
 */
import type { Delivery } from "@webhook-delivery/client";
import { isFinished } from "../statuses.ts";

export interface Watch {
  /** Takes in what was read; what of it is new or has moved, in the order in which it happened. */
  take(read: readonly Delivery[]): Delivery[];
  /**
   * Unfinished ones that were not read just now, at most `limit`: what was in flight first, then what is
   * due, then what waits for its time; the longest unread first.
   */
  unread(limit: number): string[];
  knows(id: string): boolean;
  /** It is not there any more. */
  forget(id: string): void;
  /** Something was taken in, be it that there is nothing. */
  readonly hasBegun: boolean;
  /** What was accepted before this and is finished needs no look; undefined: nothing was there yet. */
  readonly acceptedSince: string | undefined;
}

type Known = Pick<
  Delivery,
  "id" | "status" | "attempt" | "createdAt" | "updatedAt" | "nextRetryAt"
> & { readonly readAt: number };

/** Rows become visible a little out of order: each waits for its transaction. */
const OVERLAP_MS = 60_000;

/** `mostUnfinished`: beyond, those are not watched that have not moved for longest. */
export function createWatch({ mostUnfinished }: { readonly mostUnfinished: number }): Watch {
  const known = new Map<string, Known>();
  let round = 0;
  /** When the service last did something before the first look; undefined: no look yet. */
  let beganAt: string | undefined;
  let acceptedSince: string | undefined;
  /** The service's clock, as far as it is known from what it did last. */
  let now = "";

  const remember = (delivery: Delivery): void => {
    const { id, status, attempt, createdAt, updatedAt, nextRetryAt } = delivery;
    known.set(id, { id, status, attempt, createdAt, updatedAt, nextRetryAt, readAt: round });
  };

  const isNews = (delivery: Delivery): boolean => {
    const before = known.get(delivery.id);
    if (before === undefined) return beganAt !== undefined && delivery.updatedAt > beganAt;
    return before.status !== delivery.status || before.attempt !== delivery.attempt;
  };

  const forgetSome = (): void => {
    const unfinished: Known[] = [];
    for (const one of known.values()) {
      if (!isFinished(one.status)) unfinished.push(one);
      else if (acceptedSince !== undefined && one.createdAt < acceptedSince) known.delete(one.id);
    }
    const tooMany = Math.max(0, unfinished.length - mostUnfinished);
    for (const { id } of unfinished.toSorted(byUpdate).slice(0, tooMany)) known.delete(id);
  };

  const urgency = ({ status, nextRetryAt }: Known): number => {
    if (status === "sent") return 0;
    return nextRetryAt === null || nextRetryAt <= now ? 1 : 2;
  };

  return {
    take(read) {
      round += 1;
      const latest = latestOfEach(read).filter(
        ({ id, updatedAt }) => updatedAt >= (known.get(id)?.updatedAt ?? ""),
      );
      const news = latest.filter(isNews).toSorted(byUpdate);
      for (const delivery of latest) remember(delivery);
      now = greatest([now, ...latest.map(({ updatedAt }) => updatedAt)]) ?? now;
      beganAt ??= now;
      const newest = greatest(latest.map(({ createdAt }) => createdAt));
      if (newest !== undefined) {
        const since = new Date(Date.parse(newest) - OVERLAP_MS).toISOString();
        acceptedSince = greatest([acceptedSince ?? since, since]);
      }
      forgetSome();
      return news;
    },
    unread(limit) {
      return [...known.values()]
        .filter(({ status, readAt }) => !isFinished(status) && readAt < round)
        .toSorted((one, other) => urgency(one) - urgency(other) || one.readAt - other.readAt)
        .slice(0, limit)
        .map(({ id }) => id);
    },
    knows: (id) => known.has(id),
    forget(id) {
      known.delete(id);
    },
    get hasBegun() {
      return beganAt !== undefined;
    },
    get acceptedSince() {
      return acceptedSince;
    },
  };
}

/** Read at the same time by several questions, a delivery can be there in two states. */
function latestOfEach(read: readonly Delivery[]): Delivery[] {
  const latest = new Map<string, Delivery>();
  for (const delivery of read.toSorted(byUpdate)) latest.set(delivery.id, delivery);
  return [...latest.values()];
}

type Updated = Pick<Delivery, "updatedAt">;

function byUpdate(one: Updated, other: Updated): number {
  return one.updatedAt < other.updatedAt ? -1 : Number(one.updatedAt > other.updatedAt);
}

function greatest(texts: readonly string[]): string | undefined {
  return texts.toSorted().at(-1);
}
