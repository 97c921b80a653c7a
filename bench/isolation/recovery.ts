/**
 * One endpoint is down while deliveries for it come in, then it works again and nothing more is posted
 * to it: how soon that is noticed, and in what order and how fast its backlog comes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { countRequests, missedBounds, playTwice, type Result } from "./compare.ts";
import { countPerSecond, firstArrivals, overtakenBy } from "./figures.ts";
import type { Accepted } from "./poster.ts";
import { GOOD, type Scene } from "./scene.ts";
import { machineNow, type Arrival, type Behaviour } from "./wire.ts";

const HEALTHY = 5;
const LONGEST_OUTAGE_SECONDS = 30;
const SHORTEST_WATCH_SECONDS = 45;
const NOTICED_WITHIN_MS = 30_000;
/** What is in flight together may arrive in any order; retries keep the times they have. */
const MOST_OVERTAKEN_BY = 20;

export async function playRecovery(scene: Scene, sickness: Behaviour): Promise<Result> {
  const { settings, poster, receivers } = scene;
  const { perSecond, seconds } = settings;
  const outageSeconds = Math.min(LONGEST_OUTAGE_SECONDS, seconds);
  const watchSeconds = Math.max(SHORTEST_WATCH_SECONDS, seconds * 1.5);
  const healthy = await scene.open("healthy", HEALTHY, GOOD);
  const sick = await scene.open("sick", 1, sickness);
  let backlog: readonly Accepted[] = [];
  let backAt = Infinity;

  const compared = await playTwice(
    scene,
    { targets: healthy.targets, perSecond },
    {
      seconds: outageSeconds + watchSeconds,
      async disturb() {
        await sleep(500 / perSecond);
        const posted = await poster.play({ targets: sick.targets, perSecond }, outageSeconds);
        backlog = posted.accepted;
        await receivers.behave(sick.names, GOOD);
        backAt = machineNow();
      },
    },
  );
  const ofSick = compared.arrivals.filter(({ receiver }) => sick.names.includes(receiver));
  const comeback = describe(ofSick, backlog, backAt);
  return {
    ...compared,
    sickRequests: countRequests(compared.arrivals, sick.names),
    problems: [...missedBounds(compared, settings), ...comeback.problems],
    notes: comeback.notes,
  };
}

function describe(arrivals: readonly Arrival[], backlog: readonly Accepted[], backAt: number) {
  const tried = new Set(arrivals.filter(({ wasGood }) => !wasGood).map(({ id }) => id));
  const good = [...firstArrivals(arrivals.filter(({ wasGood }) => wasGood)).values()];
  const times = good.map(({ arrivedAt }) => arrivedAt);
  const [firstAt = Infinity] = times;
  const lastAt = times.at(-1) ?? Infinity;
  const ids = good.map(({ id }) => id);
  const untried = ids.filter((id) => !tried.has(id));
  const worstOfAll = Math.max(0, ...overtakenBy(backlog, ids));
  const overtaken = overtakenBy(backlog, untried);
  const worst = Math.max(0, ...overtaken);
  const problems: string[] = [];
  if (!(firstAt - backAt <= NOTICED_WITHIN_MS)) {
    problems.push(`noticed after ${inSeconds(firstAt - backAt)} > 30 s`);
  }
  if (worst > MOST_OVERTAKEN_BY) problems.push(`order: overtaken by ${worst}`);
  return {
    problems,
    notes: [
      `backlog ${backlog.length}, of which ${tried.size} were tried during the outage; ` +
        `first delivery ${inSeconds(firstAt - backAt)} after it came back; ` +
        `${good.length} delivered, the last ${inSeconds(lastAt - backAt)} after it came back`,
      `order: of ${untried.length} never tried before, ${overtaken.filter(Boolean).length} were ` +
        `overtaken, by ${worst} at worst; with those tried before, by ${worstOfAll}`,
      `arrivals a second since it came back: ${countPerSecond(times, backAt).join(" ")}`,
    ],
  };
}

function inSeconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(1)} s` : "never";
}
