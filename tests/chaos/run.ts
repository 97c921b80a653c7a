/** One chaos run: load, monkey, calm, verdict. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { startLedger } from "./ledger.ts";
import { startLoad } from "./load.ts";
import { unleash, type Fault } from "./monkey.ts";
import { createRandom } from "./random.ts";
import { startStack, untilReady, type Backend } from "./stack.ts";
import { judge, type Verdict } from "./verdict.ts";

export interface ChaosOptions {
  readonly backend: Backend;
  readonly seed: number;
  readonly durationMs: number;
  readonly perSecond: number;
  /** For servers' data and processes' logs. */
  readonly folder: string;
  readonly tell: (line: string) => void;
}

export interface ChaosReport extends Verdict {
  readonly backend: Backend;
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly wrongAnswers: readonly string[];
  readonly crashed: readonly string[];
  /** From the last fault until nothing was undelivered. */
  readonly calmAfterMs: number;
}

/** Longer than the longest wait of the schedule; a backlog may take its time as long as it shrinks. */
const STANDSTILL_MS = 60_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { backend, seed, tell } = options;
  const ledger = await startLedger(createRandom(seed + 1));
  const stack = await startStack({ backend, folder: options.folder });
  try {
    await untilReady(stack);
    const load = startLoad({
      ingestUrls: stack.ingestUrls,
      apiKey: stack.apiKey,
      webhookUrl: ledger.url,
      perSecond: options.perSecond,
    });
    const untilMs = Date.now() + options.durationMs;
    const faults = await unleash(stack, createRandom(seed), { untilMs, tell });
    const calmSince = Date.now();
    await load.stop();
    await finished(stack.sql);
    const calmAfterMs = Date.now() - calmSince;
    const verdict = await judge(stack.sql, {
      accepted: load.accepted,
      receipts: ledger.receipts,
      faults,
    });
    const programs = [...stack.ingests, ...stack.workers];
    return {
      backend,
      seed,
      ...verdict,
      faults,
      wrongAnswers: load.wrongAnswers,
      crashed: programs.flatMap(({ crashes }) => crashes),
      calmAfterMs,
    };
  } finally {
    await stack.stop();
    await ledger.close();
  }
}

/** Waits until every row is final, or until nothing was finished for too long. */
async function finished(sql: Sql): Promise<void> {
  let fewest = Infinity;
  let standsStillAt = Date.now() + STANDSTILL_MS;
  for (;;) {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from webhook_deliveries where status in ('pending', 'sent')`;
    const unfinished = row?.count ?? 0;
    if (unfinished === 0) return;
    if (unfinished < fewest) {
      fewest = unfinished;
      standsStillAt = Date.now() + STANDSTILL_MS;
    }
    // The verdict counts them as lost.
    if (Date.now() > standsStillAt) return;
    await sleep(200);
  }
}
