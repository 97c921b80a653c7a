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

/** Long enough for a delivery that was at the start of its schedule, several times over. */
const CALM_TIMEOUT_MS = 120_000;

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
      crashed: programs.filter((each) => each.hasCrashed()).map(({ name }) => name),
      calmAfterMs,
    };
  } finally {
    await stack.stop();
    await ledger.close();
  }
}

/** Waits until every row is final; says which are not when that takes too long. */
async function finished(sql: Sql): Promise<void> {
  const deadline = Date.now() + CALM_TIMEOUT_MS;
  for (;;) {
    const rows = await sql<{ id: string; status: string }[]>`
      select id, status from webhook_deliveries where status in ('pending', 'sent') limit 5`;
    if (rows.length === 0) return;
    // The verdict counts them as lost.
    if (Date.now() > deadline) return;
    await sleep(200);
  }
}
