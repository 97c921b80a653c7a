/** Destinations in words: what is held back, why and until when. */
import type { Delivery, Destination } from "@webhook-delivery/client";
import { paintState } from "../text/paint.ts";
import { table } from "../text/table.ts";
import { age, relative } from "../text/times.ts";
import type { TableShown } from "./shown.ts";

const SHORT_COLUMN = 12;

export function destinationTable(
  destinations: readonly Destination[],
  shown: TableShown,
): string[] {
  const { now } = shown;
  return table(
    destinations,
    [
      { title: "DESTINATION", text: ({ destination }) => destination },
      {
        title: "STATE",
        text: ({ state }) => state,
        paint: ({ state }, cell, paint) => paintState(paint, state, cell),
      },
      { title: "HELD BACK", text: heldBack },
      { title: "UNTIL", text: (one) => until(one, now), min: SHORT_COLUMN, dropOrder: 1 },
      {
        title: "SINCE",
        text: ({ since }) => (since === null ? "" : age(since, now)),
        dropOrder: 3,
      },
      { title: "FAILURES", text: ({ failuresInARow }) => String(failuresInARow), dropOrder: 4 },
      { title: "REASON", text: ({ reason }) => reason ?? "", min: SHORT_COLUMN, dropOrder: 2 },
    ],
    shown,
  );
}

/** The row of `destinations` that a delivery belongs to. */
export function destinationKeyOf({ endpointId, webhookUrl }: Delivery): string | undefined {
  if (endpointId !== null) return endpointId;
  const url = URL.parse(webhookUrl);
  return url === null || url.host === "" ? undefined : `${url.host}${url.pathname}`;
}

/** Why a pending delivery does not leave although it is its turn; null: nothing holds it back. */
export function whyHeldBack(destination: Destination, now: Date): string | null {
  const { state, reason, since, destination: key } = destination;
  const why = reason === null ? "" : ` (${reason})`;
  const when = until(destination, now);
  if (state === "open") {
    const sinceThen = since === null ? "" : ` since ${since}`;
    return `${key} is open${sinceThen}${why}, ${when === "" ? "a probe is under way" : when}`;
  }
  if (isAhead(destination.pausedUntil, now)) return `${key} asked for it${why}, ${when}`;
  return null;
}

/** The later of both: a probe waits for a pause as well. */
function until({ state, nextProbeAt, pausedUntil, ratePerSecond }: Destination, now: Date): string {
  const probeAt = state === "open" && isAhead(nextProbeAt, now) ? nextProbeAt : null;
  const pauseEnd = isAhead(pausedUntil, now) ? pausedUntil : null;
  if (probeAt !== null && (pauseEnd === null || probeAt >= pauseEnd)) {
    return `probe ${relative(probeAt, now)}, ${probeAt}`;
  }
  if (pauseEnd !== null) return `paused, ${relative(pauseEnd, now)}, ${pauseEnd}`;
  return ratePerSecond === null ? "" : `${ratePerSecond} per second`;
}

function isAhead(at: string | null, now: Date): at is string {
  return at !== null && Date.parse(at) > now.getTime();
}

function heldBack({ heldBack: count, heldBackIsCapped }: Destination): string {
  return `${count}${heldBackIsCapped === true ? "+" : ""}`;
}
