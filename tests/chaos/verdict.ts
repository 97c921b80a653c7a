/** Holds what was accepted against what the receiver wrote down and what the log tells. */
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import type { Receipt } from "./ledger.ts";
import type { Accepted } from "./load.ts";
import type { Fault } from "./monkey.ts";

export interface Verdict {
  readonly accepted: number;
  /** Accepted, and answered with 2xx by the receiver. */
  readonly delivered: number;
  /** Every attempt was made and none was answered with 2xx. */
  readonly failed: number;
  /** Accepted and neither; must be empty. */
  readonly lost: readonly string[];
  /** Deliveries that the receiver answered with 2xx more than once. */
  readonly duplicates: number;
  /** Of those, the ones whose log shows no cut-off or superseded attempt; must be empty. */
  readonly unexplained: readonly string[];
  /** Finished deliveries whose log lacks an attempt or contradicts the row; must be empty. */
  readonly incomplete: readonly string[];
  /** From the end of a fault to the next receipt, the longest. */
  readonly longestRecoveryMs: number;
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly attempt: number;
  readonly log: readonly { readonly errorType: string | null; readonly number: number }[];
}

export async function judge(
  sql: Sql,
  book: {
    readonly accepted: readonly Accepted[];
    readonly receipts: readonly Receipt[];
    readonly faults: readonly Fault[];
  },
): Promise<Verdict> {
  const rows = new Map((await readRows(sql)).map((row) => [row.id, row]));
  const receiptsOf = Map.groupBy(book.receipts, ({ webhookId }) => webhookId);
  const lost: string[] = [];
  const incomplete: string[] = [];
  const unexplained: string[] = [];
  const counts = { delivered: 0, failed: 0, duplicates: 0 };

  for (const { id } of book.accepted) {
    const row = rows.get(id);
    const receipts = receiptsOf.get(id) ?? [];
    const successes = receipts.filter(({ answered }) => answered === 200).length;
    if (row?.status === "success" && successes > 0) counts.delivered++;
    else if (row?.status === "failed" && successes === 0) counts.failed++;
    else lost.push(`${id} is ${row?.status ?? "absent"}; receiver answered 2xx ${successes} times`);
    if (row === undefined) continue;
    const problem = problemOfLog(row, receipts);
    if (problem !== undefined) incomplete.push(`${id}: ${problem}`);
    if (successes > 1) {
      counts.duplicates++;
      if (!isExplained(row)) unexplained.push(id);
    }
  }
  return {
    accepted: book.accepted.length,
    ...counts,
    lost,
    unexplained,
    incomplete,
    longestRecoveryMs: longestRecovery(book.faults, book.receipts),
  };
}

function problemOfLog(
  { status, attempt, log }: Row,
  receipts: readonly Receipt[],
): string | undefined {
  if (receipts.length > log.length) return `${receipts.length} receipts, ${log.length} log rows`;
  const spent = log.filter(
    ({ errorType }) => errorType !== "interrupted" && errorType !== "internal",
  );
  const numbers = new Set(spent.map(({ number }) => number));
  for (let n = 1; n <= attempt; n++) {
    if (!numbers.has(n)) return `attempt ${n} of ${attempt} is not in the log`;
  }
  const hasSuccess = log.some(({ errorType }) => errorType === null);
  if (hasSuccess !== (status === "success")) return `${status}, against its log`;
  return undefined;
}

/** A receiver gets one twice only when an attempt was cut off or a claim was lost. */
function isExplained({ log }: Row): boolean {
  const spent = log.filter(({ errorType }) => errorType !== "interrupted");
  const isSuperseded = new Set(spent.map(({ number }) => number)).size < spent.length;
  // A timeout or a reset on the way back: the receiver had answered and we never heard.
  const wasUnheard = spent.some(
    ({ errorType }) => errorType === "timeout" || errorType === "network",
  );
  return isSuperseded || wasUnheard || spent.length < log.length;
}

function longestRecovery(faults: readonly Fault[], receipts: readonly Receipt[]): number {
  const times = receipts.map(({ at }) => at).sort((a, b) => a - b);
  const recoveries = faults.map(({ endedAt }) => {
    const next = times.find((at) => at >= endedAt);
    return next === undefined ? 0 : next - endedAt;
  });
  return Math.max(0, ...recoveries);
}

async function readRows(sql: Sql): Promise<Row[]> {
  return sql<Row[]>`
    select delivery.id, status, attempt, coalesce(
      (select jsonb_agg(jsonb_build_object('errorType', error_type, 'number', attempt_number)
                        order by log.id)
       from webhook_delivery_logs as log where delivery_id = delivery.id), '[]') as log
    from webhook_deliveries as delivery`;
}
