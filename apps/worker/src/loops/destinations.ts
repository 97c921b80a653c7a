/** What is known of destinations: closes what has nothing to hold back, gives up hosts, forgets idle ones. */
import { DISABLE_AFTER_MS } from "@webhook-delivery/shared/core/endpoint-health.ts";
import {
  closeForgottenCircuits,
  failHeldBack,
  removeIdleDestinations,
  removeIdlePaces,
} from "@webhook-delivery/shared/db/destination-upkeep.ts";
import type { Parts } from "../parts.ts";

export const UPKEEP_EVERY_MS = 10_000;

export async function upkeepOnce({ sql, log, metrics }: Pick<Parts, "sql" | "log" | "metrics">) {
  for (const destination of await closeForgottenCircuits(sql)) {
    metrics.countTransition("closed");
    log.info({ event: "destination.closed", destination, reason: "nothing waits for it" });
  }
  const givenUp = await failHeldBack(sql, DISABLE_AFTER_MS);
  if (givenUp > 0) log.warn({ event: "deliveries.given_up", count: givenUp });
  await removeIdleDestinations(sql);
  await removeIdlePaces(sql);
}
