/** Every mix by the name it has on the command line and in the table. */
import { playBacklog } from "./backlog.ts";
import type { Result } from "./compare.ts";
import { playFlood } from "./flood.ts";
import { playLimits } from "./limits.ts";
import { playRecovery } from "./recovery.ts";
import type { Scene } from "./scene.ts";
import { playSickHalf } from "./sick-half.ts";
import type { Behaviour } from "./wire.ts";

const hang: Behaviour = { kind: "hang" };
const answer = (status: number, afterMs = 0): Behaviour => ({ kind: "answer", status, afterMs });

export const MIXES: Readonly<Record<string, (scene: Scene) => Promise<Result>>> = {
  "half-hanging": (scene) => playSickHalf(scene, { healthy: 5, sick: 5, sickness: hang }),
  "1-hanging-100-healthy": (scene) =>
    playSickHalf(scene, { healthy: 100, sick: 1, sickness: hang }),
  "100-hanging-1-healthy": (scene) =>
    playSickHalf(scene, { healthy: 1, sick: 100, sickness: hang }),
  "500-at-once": (scene) => playSickHalf(scene, { healthy: 5, sick: 5, sickness: answer(500) }),
  "429": (scene) => playSickHalf(scene, { healthy: 5, sick: 5, sickness: answer(429) }),
  "slow-3s": (scene) => playSickHalf(scene, { healthy: 5, sick: 5, sickness: answer(200, 3_000) }),
  "turns-bad": (scene) =>
    playSickHalf(scene, { healthy: 5, sick: 5, sickness: hang, sickAfterMs: 10_000 }),
  "recovery-hang": (scene) => playRecovery(scene, hang),
  "recovery-500": (scene) => playRecovery(scene, answer(500)),
  flood: playFlood,
  backlog: playBacklog,
  limits: playLimits,
};
