import type { Destination } from "@webhook-delivery/client";
import { describe, expect, test } from "vitest";
import { plain } from "../text/paint.ts";
import { destinationTable, whyHeldBack } from "./destination.ts";

const NOW = new Date("2026-11-21T10:00:00.000Z");

const well: Destination = {
  destination: "hooks.example.com",
  endpointId: null,
  clientId: null,
  state: "closed",
  reason: null,
  since: null,
  failuresInARow: 0,
  isSlow: false,
  lane: "main",
  nextProbeAt: null,
  pausedUntil: null,
  ratePerSecond: null,
  heldBack: 0,
};
const open: Destination = {
  ...well,
  state: "open",
  reason: "http_503",
  since: "2026-11-21T09:50:00.000Z",
  failuresInARow: 14,
  nextProbeAt: "2026-11-21T10:00:15.000Z",
  heldBack: 10_000,
  heldBackIsCapped: true,
};
const paused: Destination = { ...well, pausedUntil: "2026-11-21T10:10:00.000Z", heldBack: 3 };

test("lists what is held back, why and until when", () => {
  const half: Destination = { ...well, state: "half_open", ratePerSecond: 2 };
  const shown = { now: NOW, paint: plain, columns: undefined };
  expect(destinationTable([open, paused, half, well], shown)).toEqual([
    "DESTINATION        STATE      HELD BACK  UNTIL                                     SINCE  FAILURES  REASON",
    "hooks.example.com  open       10000+     probe in 15s, 2026-11-21T10:00:15.000Z    10m    14        http_503",
    "hooks.example.com  closed     3          paused, in 10m, 2026-11-21T10:10:00.000Z         0",
    "hooks.example.com  half_open  0          2 per second                                     0",
    "hooks.example.com  closed     0                                                           0",
  ]);
});

describe("what holds a delivery back", () => {
  test.each<[what: string, destination: Destination, says: string | null]>([
    [
      "is an open destination",
      open,
      "hooks.example.com is open since 2026-11-21T09:50:00.000Z (http_503), probe in 15s, 2026-11-21T10:00:15.000Z",
    ],
    [
      "is the later one of probe and pause",
      { ...open, pausedUntil: paused.pausedUntil },
      "hooks.example.com is open since 2026-11-21T09:50:00.000Z (http_503), paused, in 10m, 2026-11-21T10:10:00.000Z",
    ],
    [
      "is the probe that is under way",
      { ...open, nextProbeAt: "2026-11-21T09:59:59.000Z" },
      "hooks.example.com is open since 2026-11-21T09:50:00.000Z (http_503), a probe is under way",
    ],
    [
      "is what the receiver asked for",
      paused,
      "hooks.example.com asked for it, paused, in 10m, 2026-11-21T10:10:00.000Z",
    ],
    ["is nothing when all is well", well, null],
    ["is no pause that is over", { ...well, pausedUntil: "2026-11-21T09:59:59.000Z" }, null],
  ])("%s", (_what, destination, says) => {
    expect(whyHeldBack(destination, NOW)).toBe(says);
  });
});
