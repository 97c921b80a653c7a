/** One client posts 20,000 deliveries at once; another posts one every two seconds. Both are healthy. */
import { countRequests, playTwice, unsound, type Result } from "./compare.ts";
import type { Target } from "./poster.ts";
import { GOOD, register, type Scene } from "./scene.ts";

const COUNT = 20_000;
const BATCH = 1_000;
const AT_ONCE = 4;
const EVERY_SECONDS = 2;
const MOST_DELAY_MS = 1_000;

export async function playFlood(scene: Scene): Promise<Result> {
  const flooding = await openClient(scene, "flooding");
  const single = await openClient(scene, "single");
  let acceptedMs = 0;

  const compared = await playTwice(
    scene,
    { targets: [single.target], perSecond: 1 / EVERY_SECONDS, apiKey: single.apiKey },
    {
      async disturb() {
        const startedAt = performance.now();
        await postAll(scene, flooding);
        acceptedMs = performance.now() - startedAt;
      },
    },
  );
  const { alone, together, arrivals } = compared;
  const problems = unsound(compared);
  if (!(together.maxMs <= MOST_DELAY_MS)) {
    problems.push(`a single delivery waited ${Math.round(together.maxMs)} > ${MOST_DELAY_MS} ms`);
  }
  return {
    ...compared,
    sickRequests: countRequests(arrivals, flooding.names),
    problems,
    notes: [
      `${COUNT} accepted within ${(acceptedMs / 1000).toFixed(1)} s; delay of the single ones at most ` +
        `${Math.round(alone.maxMs)} ms alone, ${Math.round(together.maxMs)} ms beside them` +
        (together.missing > 0 ? ` (${together.missing} never arrived)` : ""),
    ],
  };
}

interface Client {
  readonly apiKey: string;
  readonly target: Target;
  readonly names: readonly string[];
}

async function openClient(scene: Scene, name: string): Promise<Client> {
  const { apiKey } = await scene.call<{ apiKey: string }>("/clients", { name });
  const { names, urls, targets } = await scene.open(name, 1, GOOD);
  const [url] = urls;
  const target = scene.settings.isByHost ? targets[0] : await register(scene.call, { url }, apiKey);
  if (target === undefined) throw new Error("no receiver was opened");
  return { apiKey, target, names };
}

async function postAll({ call }: Scene, { target, apiKey }: Client): Promise<void> {
  const batches = Array.from({ length: COUNT / BATCH }, (_, n) => n).values();
  const deliveries = Array.from({ length: BATCH }, (_, n) => ({ ...target, payload: { n } }));
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const _ of batches) await call("/webhook-delivery/batch", { deliveries }, apiKey);
    }),
  );
}
