/** The same healthy traffic twice, alone and with something beside it, and what the two must have in common. */
import { setTimeout as sleep } from "node:timers/promises";
import { figuresOf, firstArrivals, type Figures } from "./figures.ts";
import type { Stream } from "./poster.ts";
import type { Scene, Settings } from "./scene.ts";
import { machineNow, type Arrival } from "./wire.ts";

/** What a mix came to, on one backend. */
export interface Result {
  readonly alone: Figures;
  readonly together: Figures;
  /** Requests that the sick receivers got: none would mean that nothing was tested. */
  readonly sickRequests: number;
  /** Bounds that were missed, in words. */
  readonly problems: readonly string[];
  /** More than fits the table. */
  readonly notes: readonly string[];
}

export interface Comparison {
  readonly alone: Figures;
  readonly together: Figures;
  /** Of the second run. */
  readonly arrivals: readonly Arrival[];
}

/** Cold processes would make the first run look bad and the second good. */
const WARM_UP_SECONDS = 5;
/** What was posted last may arrive this much later; what is missing then counts as late as this. */
const GRACE_MS = 5_000;
const LOOK_EVERY_MS = 500;

interface SecondRun {
  /** Between the two runs. */
  readonly prepare?: () => Promise<void>;
  /** Begins with the second run; neither waits for the other to end. */
  readonly disturb?: () => Promise<void>;
  /** Default: as long as the first. */
  readonly seconds?: number;
}

export async function playTwice(
  scene: Scene,
  healthy: Stream,
  second: SecondRun,
): Promise<Comparison> {
  const { seconds } = scene.settings;
  await measure(scene, healthy, WARM_UP_SECONDS);
  const { figures: alone } = await measure(scene, healthy, seconds);
  await second.prepare?.();
  const startedAt = machineNow();
  const disturbing = second.disturb?.();
  const { figures: together } = await measure(scene, healthy, second.seconds ?? seconds);
  await disturbing;
  const arrivals = await scene.receivers.read();
  const since = arrivals.filter((arrival) => arrival.startedAt >= startedAt);
  return { alone, together, arrivals: since };
}

async function measure({ poster, receivers }: Scene, stream: Stream, seconds: number) {
  const posted = await poster.play(stream, seconds);
  const giveUpAt = machineNow() + GRACE_MS;
  for (;;) {
    const arrivals = await receivers.read();
    const countedAt = machineNow();
    const there = firstArrivals(arrivals);
    if (countedAt >= giveUpAt || posted.accepted.every(({ id }) => there.has(id))) {
      return { figures: figuresOf(posted, seconds, { arrivals, countedAt }) };
    }
    await sleep(LOOK_EVERY_MS);
  }
}

const LEAST_THROUGHPUT = { byDefault: 0.95, unlimited: 0.9 };
const MOST_P99 = 2;

export function throughputRatio({ alone, together }: Pick<Result, "alone" | "together">): number {
  return together.perSecond / alone.perSecond;
}

/** Below a millisecond the clock of a busy machine tells nothing. */
export function p99Ratio({ alone, together }: Pick<Result, "alone" | "together">): number {
  return together.p99Ms / Math.max(1, alone.p99Ms);
}

/** What the issue asks of every mix with healthy traffic. */
export function missedBounds(
  compared: Pick<Result, "alone" | "together">,
  { isUnlimited }: Settings,
): string[] {
  const problems = unsound(compared);
  const least = isUnlimited ? LEAST_THROUGHPUT.unlimited : LEAST_THROUGHPUT.byDefault;
  const throughput = throughputRatio(compared);
  // Written so that NaN is a problem.
  if (!(throughput >= least)) problems.push(`throughput × ${throughput.toFixed(2)} < ${least}`);
  const p99 = p99Ratio(compared);
  if (!isUnlimited && !(p99 <= MOST_P99)) problems.push(`p99 × ${p99.toFixed(1)} > ${MOST_P99}`);
  return problems;
}

const LEAST_ACCEPTED = 0.99;

/** A run alone that is bad itself would excuse anything. */
export function unsound({ alone, together }: Pick<Result, "alone" | "together">): string[] {
  const problems: string[] = [];
  if (alone.missing > 0) problems.push(`alone, ${alone.missing} never arrived`);
  for (const { accepted, planned } of [alone, together]) {
    if (accepted < planned * LEAST_ACCEPTED) {
      problems.push(`only ${accepted} of ${planned} were accepted`);
    }
  }
  return problems;
}

/** The harness's own lateness is worth a word when it is in the order of what it measures. */
const WORTH_A_WORD_MS = 50;

export function latenessNotes({ alone, together }: Pick<Result, "alone" | "together">): string[] {
  const late = [alone, together].map(({ worstLateMs }) => Math.round(worstLateMs));
  if (late.every((ms) => ms < WORTH_A_WORD_MS)) return [];
  return [`posts left up to ${late[0]} ms (alone) and ${late[1]} ms (with) after their time`];
}

export function countRequests(arrivals: readonly Arrival[], receivers: readonly string[]): number {
  const names = new Set(receivers);
  return arrivals.filter(({ receiver }) => names.has(receiver)).length;
}
