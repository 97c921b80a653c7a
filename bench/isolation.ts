/**
 * `pnpm bench:isolation [--mix NAME,NAME] [--seconds 60] [--backend both] [--unlimited] [--by-host]
 * [--offered 40]`: what sick destinations cost the healthy ones.
 *
 * Each mix starts the real service (two ingests, two workers, default settings) on an empty database,
 * posts healthy traffic alone, then the same at the same pace with the sick traffic beside it, and
 * counts at the receivers, which are a process of their own. Posts leave by the clock, answered or not.
 * Latency runs from the 202 until the receiver has the whole request; what never comes counts as late
 * as the counting. Exits 1 when a bound is missed.
 */
import { parseArgs } from "node:util";
import type { Backend } from "../tests/chaos/stack.ts";
import { latenessNotes } from "./isolation/compare.ts";
import { MIXES } from "./isolation/mixes.ts";
import { startScene, type Settings } from "./isolation/scene.ts";
import { tableOf, type Row } from "./isolation/table.ts";

/** As a shell has it for an interrupted program. */
const STOPPED_EXIT_CODE = 130;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    mix: { type: "string", default: Object.keys(MIXES).join() },
    seconds: { type: "string", default: "60" },
    backend: { type: "string", default: "both" },
    unlimited: { type: "boolean", default: false },
    "by-host": { type: "boolean", default: false },
    /** Deliveries a second, healthy and sick together. */
    offered: { type: "string" },
  },
});
const settings: Settings = {
  seconds: Number(values.seconds),
  perSecond: Number(values.offered ?? (values.unlimited ? "800" : "40")) / 2,
  isUnlimited: values.unlimited,
  isByHost: values["by-host"],
};
const rows: Row[] = [];
for (const backend of backendsOf(values.backend)) {
  for (const mix of values.mix.split(",")) rows.push(await play(mix, backend));
}
console.log(`\n${tableOf(rows)}`);
if (rows.some(({ result }) => result.problems.length > 0)) process.exitCode = 1;

function backendsOf(text: string): readonly Backend[] {
  if (text === "both") return ["redis", "postgres"];
  if (text === "redis" || text === "postgres") return [text];
  throw new Error("--backend must be redis, postgres or both");
}

async function play(mix: string, backend: Backend): Promise<Row> {
  const run = MIXES[mix];
  if (!run) throw new Error(`--mix must be of ${Object.keys(MIXES).join(", ")}`);
  const starting = startScene(backend, settings);
  let stopping: Promise<void> | undefined;
  // The default would leave the servers behind.
  const stop = (): void => {
    stopping ??= starting
      .then((scene) => scene[Symbol.asyncDispose]())
      .finally(() => process.exit(STOPPED_EXIT_CODE));
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    await using scene = await starting;
    const result = await run(scene);
    const row = { mix, backend, result };
    console.log(`\n${tableOf([row])}`);
    for (const note of [...result.notes, ...latenessNotes(result)]) console.log(`  ${note}`);
    return row;
  } finally {
    // What was running fails as its scene goes: that must not end the process first.
    await stopping;
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}
