/**
 * Says in the log what a process lacks, once when that changes: nobody may be asking for its `/readyz`. A
 * change is told when two looks in a row agree, so that a short pause of a server makes no lines.
 */
import { checkReadiness, type Checks } from "./health.ts";
import type { Logger } from "./log.ts";
import { startLoop, type Loop } from "./loop.ts";

const LOOK_EVERY_MS = 5_000;
const LOOK_AGAIN_MS = 1_000;

export function startReadinessLog(checks: Checks, log: Logger): Loop {
  const told = new Map<string, string | undefined>();
  let before = new Map<string, string | undefined>();

  /** True when something is to be looked at again soon. */
  const tell = (now: ReadonlyMap<string, string | undefined>): boolean => {
    let isOpen = false;
    for (const [check, problem] of now) {
      if (problem === told.get(check)) continue;
      if (!before.has(check) || problem !== before.get(check)) {
        isOpen = true;
        continue;
      }
      told.set(check, problem);
      if (problem === undefined) {
        log.info({ event: "readiness.regained", check }, `${check}: usable again`);
      } else {
        log.warn({ event: "readiness.lost", check }, problem);
      }
    }
    return isOpen;
  };

  return startLoop({
    everyMs: LOOK_EVERY_MS,
    async once() {
      const { problems } = await checkReadiness(checks, undefined);
      const found = new Map(problems.map(({ field, message }) => [field, message]));
      const now = new Map(Object.keys(checks).map((name) => [name, found.get(name)]));
      const isOpen = tell(now);
      before = now;
      return isOpen ? LOOK_AGAIN_MS : LOOK_EVERY_MS;
    },
    onError: (error) => log.error({ event: "readiness.failed", err: error }),
  });
}
