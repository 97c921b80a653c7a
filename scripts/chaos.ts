/** `pnpm chaos [--minutes 5] [--seed N] [--backend redis|postgres|both] [--rate 30]`: faults, and what came of them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runChaos, type ChaosReport } from "../tests/chaos/run.ts";
import type { Backend } from "../tests/chaos/stack.ts";

const { values } = parseArgs({
  // `pnpm chaos -- --seed 1` hands the dashes on.
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
    backend: { type: "string", default: "both" },
    rate: { type: "string", default: "30" },
    keep: { type: "boolean", default: false },
  },
});
const backends: readonly Backend[] =
  values.backend === "both"
    ? ["redis", "postgres"]
    : [values.backend === "postgres" ? "postgres" : "redis"];

let isSound = true;
const reports: ChaosReport[] = [];
for (const backend of backends) {
  const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-chaos-"));
  const startedAt = Date.now();
  console.log(`\n${backend}: ${values.minutes} min, seed ${values.seed}, logs in ${folder}`);
  const report = await runChaos({
    backend,
    seed: Number(values.seed),
    durationMs: Number(values.minutes) * 60_000,
    perSecond: Number(values.rate),
    folder,
    tell: (line) =>
      console.log(`  ${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`),
  });
  reports.push(report);
  const faults = [
    report.lost,
    report.incomplete,
    report.unexplained,
    report.wrongAnswers,
    report.crashed,
  ];
  for (const line of faults.flat().slice(0, 20)) console.log(`  ! ${line}`);
  const isClean = faults.every((list) => list.length === 0);
  isSound &&= isClean;
  if (isClean && !values.keep) await rm(folder, { recursive: true, force: true });
  else console.log(`  kept: ${folder}`);
}

console.table(
  Object.fromEntries(
    reports.map((report) => [
      report.backend,
      {
        faults: report.faults.length,
        accepted: report.accepted,
        delivered: report.delivered,
        failed: report.failed,
        lost: report.lost.length,
        duplicates: report.duplicates,
        "duplicates %": Math.round((report.duplicates / report.accepted) * 10_000) / 100,
        "incomplete log": report.incomplete.length,
        "longest recovery s": report.longestRecoveryMs / 1000,
        "calm after s": report.calmAfterMs / 1000,
      },
    ]),
  ),
);
process.exit(isSound ? 0 : 1);
