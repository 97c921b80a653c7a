/** Publishes the service's own events, `endpoint.disabled` and `endpoint.recovered`. */
import { publishNextWaiting } from "@webhook-delivery/shared/dispatch/publish-waiting.ts";
import type { Parts } from "../parts.ts";

export async function publishOnce({ sql, config }: Parts): Promise<void> {
  const defaultMaxAttempts = config.RETRY_SCHEDULE_SECONDS.length + 1;
  while (await publishNextWaiting(sql, defaultMaxAttempts));
}
