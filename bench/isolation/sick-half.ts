/** Mixes in which half of what is posted goes to receivers that are, or become, sick. */
import { setTimeout as sleep } from "node:timers/promises";
import { countRequests, missedBounds, playTwice, type Result } from "./compare.ts";
import { GOOD, type Scene } from "./scene.ts";
import type { Behaviour } from "./wire.ts";

export interface Cast {
  readonly healthy: number;
  readonly sick: number;
  readonly sickness: Behaviour;
  /** Default: from the start. */
  readonly sickAfterMs?: number;
}

export async function playSickHalf(scene: Scene, cast: Cast): Promise<Result> {
  const { settings, poster, receivers } = scene;
  const { perSecond, seconds } = settings;
  const { sickness } = cast;
  // Half of a short run at the latest, or it would test nothing.
  const sickAfterMs = Math.min(cast.sickAfterMs ?? 0, seconds * 500);
  const healthy = await scene.open("healthy", cast.healthy, GOOD);
  const sick = await scene.open("sick", cast.sick, sickAfterMs === 0 ? sickness : GOOD);

  const fallSick = async (): Promise<void> => {
    if (sickAfterMs === 0) return;
    await sleep(sickAfterMs);
    await receivers.behave(sick.names, sickness);
  };
  const compared = await playTwice(
    scene,
    { targets: healthy.targets, perSecond },
    {
      async disturb() {
        // Between two healthy ones, not at the same moment.
        await sleep(500 / perSecond);
        await Promise.all([poster.play({ targets: sick.targets, perSecond }, seconds), fallSick()]);
      },
    },
  );
  const sickRequests = countRequests(compared.arrivals, sick.names);
  const problems = missedBounds(compared, settings);
  if (sickRequests === 0) problems.push("nothing was sent to the sick ones");
  return { ...compared, sickRequests, problems, notes: [] };
}
