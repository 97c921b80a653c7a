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
  /** Unfinished ones that were not read just now: at most `limit`, those first that were not read for longest. */
  unread(limit: number): string[];
  /** It is not there any more. */
  forget(id: string): void;
  /** What was accepted before this and is finished needs no look; undefined: nothing was read yet. */
  readonly acceptedSince: string | undefined;
}

type Known = Pick<Delivery, "status" | "attempt" | "createdAt" | "updatedAt"> & { readAt: number };

/** Rows become visible a little out of order: each waits for its transaction. */
const OVERLAP_MS = 60_000;

/** `mostUnfinished`: beyond, the oldest are not watched. */
export function createWatch({ mostUnfinished }: { readonly mostUnfinished: number }): Watch {
  const known = new Map<string, Known>();
  let round = 0;
  /** When the service last did something before the first look; undefined: no look yet. */
  let beganAt: string | undefined;
  let acceptedSince: string | undefined;

  const remember = (delivery: Delivery): void => {
    const { id, status, attempt, createdAt, updatedAt } = delivery;
    known.set(id, { status, attempt, createdAt, updatedAt, readAt: round });
  };

  const isNews = (delivery: Delivery): boolean => {
    const before = known.get(delivery.id);
    if (before === undefined) return beganAt !== undefined && delivery.updatedAt > beganAt;
    return before.status !== delivery.status || before.attempt !== delivery.attempt;
  };

  const forgetSome = (): void => {
    const unfinished: string[] = [];
    for (const [id, { status, createdAt }] of known) {
      if (!isFinished(status)) unfinished.push(id);
      else if (acceptedSince !== undefined && createdAt < acceptedSince) known.delete(id);
    }
    // Ids are in the order of acceptance.
    const tooMany = unfinished.toSorted().slice(0, Math.max(0, unfinished.length - mostUnfinished));
    for (const id of tooMany) known.delete(id);
  };

  return {
    take(read) {
      round += 1;
      const latest = latestOfEach(read).filter(
        ({ id, updatedAt }) => updatedAt >= (known.get(id)?.updatedAt ?? ""),
      );
      const news = latest.filter(isNews).toSorted(byUpdate);
      for (const delivery of latest) remember(delivery);
      beganAt ??= greatest(latest.map(({ updatedAt }) => updatedAt)) ?? "";
      const newest = greatest(latest.map(({ createdAt }) => createdAt));
      if (newest !== undefined) {
        const since = new Date(Date.parse(newest) - OVERLAP_MS).toISOString();
        acceptedSince = greatest([acceptedSince ?? since, since]);
      }
      forgetSome();
      return news;
    },
    unread(limit) {
      return [...known]
        .filter(([, { status, readAt }]) => !isFinished(status) && readAt < round)
        .toSorted(([, one], [, other]) => one.readAt - other.readAt)
        .slice(0, limit)
        .map(([id]) => id);
    },
    forget(id) {
      known.delete(id);
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

function byUpdate(one: Delivery, other: Delivery): number {
  return one.updatedAt < other.updatedAt ? -1 : Number(one.updatedAt > other.updatedAt);
}

function greatest(texts: readonly string[]): string | undefined {
  return texts.toSorted().at(-1);
}
