/**
 * One endpoint takes at most five requests a second, another at most two at a time; both get more than
 * that posted. The receivers count whether that holds over both workers, and whether it is made use of.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { countRequests, missedBounds, playTwice, type Result } from "./compare.ts";
import { mostOpenAtOnce, mostWithin } from "./figures.ts";
import { GOOD, register, type Scene } from "./scene.ts";

const HEALTHY = 5;
const RATE = 5;
const IN_FLIGHT = 2;
const POSTED_PER_SECOND = 10;
const ANSWER_AFTER_MS = 500;
/** Of what the limit allows; the rest is lost in the first second and on the way. */
const LEAST_USE = 0.8;

export async function playLimits(scene: Scene): Promise<Result> {
  const { settings, poster } = scene;
  const { perSecond, seconds } = settings;
  const healthy = await scene.open("healthy", HEALTHY, GOOD);
  const slow = { kind: "answer", status: 200, afterMs: ANSWER_AFTER_MS } as const;
  const rated = await openLimited(scene, "rated", GOOD, { rateLimitPerSecond: RATE });
  const narrow = await openLimited(scene, "narrow", slow, { maxInFlight: IN_FLIGHT });

  const compared = await playTwice(
    scene,
    { targets: healthy.targets, perSecond },
    {
      async disturb() {
        await sleep(500 / perSecond);
        const targets = [rated.target, narrow.target];
        await poster.play({ targets, perSecond: POSTED_PER_SECOND * targets.length }, seconds);
      },
    },
  );
  const of = (name: string) => compared.arrivals.filter(({ receiver }) => receiver === name);
  const starts = of(rated.name).map(({ startedAt }) => startedAt);
  const most = mostWithin(starts, 1_000);
  const open = mostOpenAtOnce(of(narrow.name));
  const ratedRate = starts.length / seconds;
  const narrowRate = of(narrow.name).length / seconds;
  const problems = missedBounds(compared, settings);
  if (most > RATE) problems.push(`${most} > ${RATE} starts within a second`);
  if (open > IN_FLIGHT) problems.push(`${open} > ${IN_FLIGHT} open at once`);
  if (ratedRate < RATE * LEAST_USE) problems.push(`only ${ratedRate.toFixed(1)}/s of ${RATE}`);
  const narrowMost = (IN_FLIGHT * 1000) / ANSWER_AFTER_MS;
  if (narrowRate < narrowMost * LEAST_USE) {
    problems.push(`only ${narrowRate.toFixed(1)}/s of ${narrowMost} with ${IN_FLIGHT} at once`);
  }
  return {
    ...compared,
    sickRequests: countRequests(compared.arrivals, [rated.name, narrow.name]),
    problems,
    notes: [
      `rateLimitPerSecond ${RATE}: at most ${most} starts in any second, ${ratedRate.toFixed(1)}/s ` +
        `on average; maxInFlight ${IN_FLIGHT}: at most ${open} open at once, ${narrowRate.toFixed(1)}/s`,
    ],
  };
}

async function openLimited(
  scene: Scene,
  group: string,
  behaviour: Parameters<Scene["open"]>[2],
  limit: object,
) {
  const { urls, names } = await scene.open(group, 1, behaviour);
  // Always by endpoint: a host has no limits of its own.
  const target = await register(scene.call, { url: urls[0], ...limit });
  return { name: names[0] ?? group, target };
}
