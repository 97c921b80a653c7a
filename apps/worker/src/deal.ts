/** Deals the room that the lanes have among the destinations that may use it. */
import type { Allowance } from "@webhook-delivery/shared/core/allowance.ts";
import { shareOut } from "@webhook-delivery/shared/core/fair-share.ts";
import { sideSlots } from "@webhook-delivery/shared/core/lanes.ts";
import { firstLooksTarget, queueTarget } from "@webhook-delivery/shared/core/queue-depth.ts";
import type { Outstanding, Share, WalkedDestination } from "@webhook-delivery/shared/db/sweep.ts";

export interface Allowed extends Allowance {
  readonly walked: WalkedDestination;
}

export interface Room {
  readonly main: number;
  readonly side: number;
  /** Of `side`, what destinations may have that were never tried. */
  readonly sideForNew: number;
  /** Of `side`, what destinations may have that were tried before. */
  readonly sideForKnown: number;
}

/** Of the side lane, kept for destinations that were never tried. */
const SHARE_FOR_NEW_ONES = 0.25;

export function roomOf(
  config: { readonly concurrency: number; readonly rateLimitPerSecond: number },
  outstanding: Outstanding,
): Room {
  const workers = Math.max(1, outstanding.workers);
  const slots = sideSlots(config.concurrency) * workers;
  // Those that were slow go on without a slot, and need no room.
  const mainInFlight = Math.min(outstanding.mainInFlight, config.concurrency * workers);
  return {
    main: queueTarget(config.rateLimitPerSecond) - outstanding.mainQueued - mainInFlight,
    side: slots - outstanding.side,
    sideForNew: firstLooksTarget(config.rateLimitPerSecond) - outstanding.firstLooks,
    sideForKnown: slots * (1 - SHARE_FOR_NEW_ONES) - outstanding.side,
  };
}

/** New ones first; then who has least under way, and of those who has least waiting. */
export function deal(allowed: readonly Allowed[], room: Room): Share[] {
  const byNeed = allowed.toSorted(
    ({ walked: a }, { walked: b }) =>
      a.outstanding - b.outstanding || a.free - b.free || a.oldestDueMs - b.oldestDueMs,
  );
  const main = byNeed.filter(({ lane }) => lane === "main");
  const side = byNeed.filter(({ lane }) => lane !== "main");
  const isNew = ({ walked }: Allowed) => walked.key === null;
  const fresh = share(side.filter(isNew), Math.min(room.side, room.sideForNew));
  const taken = fresh.reduce((sum, { count }) => sum + count, 0);
  const known = side.filter((one) => !isNew(one));
  return [
    ...share(main, room.main),
    ...fresh,
    ...share(known, Math.min(room.side - taken, room.sideForKnown)),
  ];
}

/** What operators made has no client, and is one's. */
const OPERATORS = "";

function share(allowed: readonly Allowed[], room: number): Share[] {
  const claimants = allowed.map(({ walked: { destination, clientId }, count }) => {
    return { key: destination, group: clientId ?? OPERATORS, wants: count };
  });
  const shares = shareOut(claimants, room);
  return allowed.flatMap(({ walked: { destination }, lane, order, circuit }) => {
    const count = shares.get(destination) ?? 0;
    return count === 0
      ? []
      : [{ destination, count, lane, order, sinceMs: circuit?.sinceMs ?? null }];
  });
}
