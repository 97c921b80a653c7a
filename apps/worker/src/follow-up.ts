/**
 * What the end of an attempt means beyond its delivery: for the endpoint's state, for those that wait
 * in line behind it, and for the row of the outbox that asked for it. All of it is made up for if it
 * fails or the process dies here: a line by the scheduler, a state by the endpoint's next attempt, a row by
 * the mirror's own pace. So nothing here fails the attempt.
 */
import type { AttemptResult } from "@webhook-delivery/shared/core/attempt-result.ts";
import { judgeHealth } from "@webhook-delivery/shared/core/endpoint-health.ts";
import type { AttemptRecord, Recorded } from "@webhook-delivery/shared/db/attempts.ts";
import type { ClaimedDelivery } from "@webhook-delivery/shared/db/claims.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { advanceLines } from "@webhook-delivery/shared/db/order.ts";
import { applyHealthVerdict } from "@webhook-delivery/shared/dispatch/endpoint-state.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";

export interface FollowUp {
  attempted(
    claim: ClaimedDelivery,
    made: {
      readonly record: AttemptRecord;
      /** Undefined after a fault of ours. */
      readonly result: AttemptResult | undefined;
      readonly recorded: Recorded;
    },
  ): Promise<void>;
}

export interface FollowUpDeps {
  readonly sql: Sql;
  readonly log: Logger;
  readonly now: () => Date;
  /** There is something for the scheduler. */
  readonly onDue: () => void;
  /** An operational event waits to be published. */
  readonly onEvent: () => void;
  /** A row of the outbox is to say how its deliveries stand now. */
  readonly onOutboxNote: () => void;
}

export function createFollowUp(deps: FollowUpDeps): FollowUp {
  const { sql, log, now } = deps;

  const tryTo = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn({ event: "follow_up.failed", what, err: error }, "made up for later");
    }
  };

  const moveOn = async (endpointId: string): Promise<void> =>
    tryTo("line", async () => {
      if ((await advanceLines(sql, [endpointId])) > 0) deps.onDue();
    });

  return {
    async attempted({ endpoint, isFromOutbox }, { record, result, recorded }) {
      if (isFromOutbox) deps.onOutboxNote();
      if (endpoint === null) return;
      const { health } = recorded;
      if (health !== undefined && result !== undefined) {
        const verdict = judgeHealth(result, health, now());
        await tryTo("endpoint", async () => {
          if (!(await applyHealthVerdict(sql, endpoint.id, verdict))) return;
          log.warn({ event: `endpoint.${verdict.change}`, endpointId: endpoint.id, ...verdict });
          deps.onEvent();
        });
      }
      const isFinal = recorded.isSettled && record.next.status !== "pending";
      if (endpoint.isInLine && isFinal) await moveOn(endpoint.id);
    },
  };
}
