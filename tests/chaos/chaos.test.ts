/**
 * A short run of `pnpm chaos` with a fixed seed on either backend, both at once. The seed fixes what the
 * monkey does and in which order; what it hits differs from run to run, as it should.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runChaos, type ChaosReport } from "./run.ts";
import type { Backend } from "./stack.ts";

const SEED = 20_261;
const DURATION_MS = 60_000;
const PER_SECOND = 20;
/** A run ends by itself when nothing has moved for a minute; cut off, it would leave its servers behind. */
const TIMEOUT_MS = 900_000;

describe.concurrent.each<Backend>(["redis", "postgres"])(
  "chaos with the queue in %s",
  (backend) => {
    it(
      "loses nothing, repeats nothing without a reason, and leaves a complete log",
      { timeout: TIMEOUT_MS },
      async () => {
        const report = await play(backend);
        const deeds = report.faults.map(({ what }) => what).join("\n");
        expect(report.lost, deeds).toEqual([]);
        expect(report.incomplete, deeds).toEqual([]);
        expect(report.unexplained, deeds).toEqual([]);
        expect(report.wrongAnswers, deeds).toEqual([]);
        expect(report.crashed, deeds).toEqual([]);
        expect(report.delivered + report.failed).toBe(report.accepted);
        expect(report.accepted).toBeGreaterThan(0);
        expect(report.faults.length).toBeGreaterThan(0);
      },
    );
  },
);

async function play(backend: Backend): Promise<ChaosReport> {
  const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-chaos-"));
  try {
    return await runChaos({
      backend,
      seed: SEED,
      durationMs: DURATION_MS,
      perSecond: PER_SECOND,
      folder,
      tell: () => {},
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
