/**
 * `pnpm fuzz [--requests 20000] [--seed N]`: generated requests against the real service, on an empty
 * database. Exits 1 on a 5xx, a request without an answer, an answer that the OpenAPI document does not
 * know, or memory that grows.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { startStack, untilReady } from "../tests/chaos/stack.ts";
import { fuzz } from "../tests/fuzz/run.ts";

/** More would be a leak; less is how V8 breathes. */
const MOST_GROWTH = 1.5;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    requests: { type: "string", default: "20000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
  },
});
const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-fuzz-"));
const receiver = await startReceiver();
const stack = await startStack({ backend: "postgres", folder, isDirect: true });
try {
  await untilReady(stack);
  const [url = ""] = stack.ingestUrls;
  const seed = Number(values.seed);
  console.log(`${values.requests} requests, seed ${seed}`);
  const startedAt = Date.now();
  const report = await fuzz({
    url,
    operatorKey: stack.apiKey,
    receiverUrl: receiver.hook().url,
    requests: Number(values.requests),
    seed,
  });
  const megabytes = report.memoryBytes.map((bytes) => Math.round(bytes / 2 ** 20));
  const [early = 0] = megabytes;
  const late = megabytes.at(-1) ?? 0;
  console.log(
    `${report.requests} answered within ${((Date.now() - startedAt) / 1000).toFixed(0)} s`,
  );
  console.log("by status", report.byStatus);
  console.log(`slowest ${report.slowestMs} ms; MB after each quarter: ${megabytes.join(", ")}`);
  if (report.neverWell.length > 0) console.log("never answered with 2xx:", report.neverWell);
  for (const problem of report.problems) console.error(`\n${problem}`);
  const isGrowing = late > early * MOST_GROWTH;
  if (isGrowing) console.error("\nmemory grows");
  const crashed = [...stack.ingests, ...stack.workers].flatMap(({ crashes }) => crashes);
  for (const crash of crashed) console.error(`\n${crash}`);
  if (report.problems.length > 0 || isGrowing || crashed.length > 0) process.exitCode = 1;
} finally {
  await stack.stop();
  await receiver[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}
