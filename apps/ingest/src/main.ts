/** The ingest process: reads the environment, wires the parts, serves until it is told to stop. */
import { setTimeout as sleep } from "node:timers/promises";
import { createBatcher } from "@webhook-delivery/shared/batcher.ts";
import { adaptToPooler } from "@webhook-delivery/shared/adapt-to-pooler.ts";
import { loadConfig } from "@webhook-delivery/shared/config.ts";
import { readQueuePrefix } from "@webhook-delivery/shared/db/installation.ts";
import { connectDatabase, isDatabaseAway } from "@webhook-delivery/shared/db/client.ts";
import { insertDeliveries } from "@webhook-delivery/shared/db/deliveries.ts";
import { countStates } from "@webhook-delivery/shared/db/destination-list.ts";
import { countWaiting } from "@webhook-delivery/shared/db/outbox-counts.ts";
import { checkDatabase, waitForDatabase } from "@webhook-delivery/shared/db/ready.ts";
import { withDevelopmentDefaults } from "@webhook-delivery/shared/development.ts";
import { createProducer } from "@webhook-delivery/shared/dispatch/producers.ts";
import type { Checks } from "@webhook-delivery/shared/health.ts";
import { logLibraryOutput } from "@webhook-delivery/shared/library-output.ts";
import { createIngestMetrics } from "@webhook-delivery/shared/metrics.ts";
import { countUnfinished } from "@webhook-delivery/shared/db/stats.ts";
import { createLog } from "@webhook-delivery/shared/log.ts";
import { MIGRATIONS_FOLDER } from "@webhook-delivery/shared/paths.ts";
import {
  runMain,
  stopSignal,
  surviveLostConnections,
  untilAborted,
} from "@webhook-delivery/shared/process.ts";
import { queueLocation } from "@webhook-delivery/shared/queue/location.ts";
import { startReadinessLog } from "@webhook-delivery/shared/readiness-log.ts";
import { throttle } from "@webhook-delivery/shared/throttle.ts";
import { VERSION } from "@webhook-delivery/shared/version.ts";
import { drain } from "./drain.ts";
import { buildServer } from "./server.ts";

const DATABASE_CONNECTIONS = 10;
/** Requests that come together share an INSERT. Half of the connections are left for other things. */
const TOGETHER = { maxItems: 100, maxBatches: 5 };
const OUTAGE_LOG_EVERY_MS = 5_000;

await runMain(async () => {
  const config = loadConfig(withDevelopmentDefaults(process.env), "ingest");
  const log = createLog("ingest", config.LOG_LEVEL);
  logLibraryOutput(log);
  surviveLostConnections(log);
  const signal = stopSignal();
  const sql = connectDatabase({
    url: config.DATABASE_URL,
    applicationName: "webhook-delivery ingest",
    prepares: false,
    maxConnections: DATABASE_CONNECTIONS,
  });
  const location = queueLocation(config, () => readQueuePrefix(sql));
  const onQueueError = throttle(OUTAGE_LOG_EVERY_MS, (error: unknown) =>
    log.warn({ event: "queue.unavailable", err: error }, "the workers were not woken; they look"),
  );
  const tellSetback = throttle(OUTAGE_LOG_EVERY_MS, ([error, what]: [unknown, string]) =>
    log.warn({ event: "request.setback", err: error }, what),
  );
  const producer = createProducer({
    location,
    sql,
    onError: onQueueError,
    onWarning: (text) => log.warn({ event: "queue.evicts" }, text),
  });
  const checks: Checks = {
    database: () => checkDatabase(sql, MIGRATIONS_FOLDER),
    queue: () => producer.check(),
  };
  const app = await buildServer({
    sql,
    wake: () => producer.wake(),
    onSetback: (error, what) => tellSetback([error, what]),
    insert: createBatcher({
      ...TOGETHER,
      run: (deliveries) => insertDeliveries(sql, deliveries),
      concernsAll: isDatabaseAway,
    }),
    destinationRules: {
      requireHttps: config.REQUIRE_HTTPS,
      allowedCidrs: config.ALLOWED_PRIVATE_CIDRS,
    },
    encryptionKeys: config.ENCRYPTION_KEY,
    defaultMaxAttempts: config.RETRY_SCHEDULE_SECONDS.length + 1,
    log,
    apiKeys: config.API_KEYS,
    outboxSecret: config.OUTBOX_SECRET,
    cronSecret: config.CRON_SECRET,
    requestsPerSecond: config.API_RATE_LIMIT_PER_SECOND,
    maxPayloadBytes: config.MAX_PAYLOAD_BYTES,
    deliveryTimeoutMs: config.DELIVERY_TIMEOUT_MS,
    health: {
      checks,
      isStopping: () => signal.aborted,
      metrics: createIngestMetrics({
        unfinished: () => countUnfinished(sql, undefined),
        destinations: () => countStates(sql),
        outbox: () => countWaiting(sql),
      }),
    },
  });

  const address = await app.listen({ host: config.HOST, port: config.PORT });
  log.info({ event: "ingest.started", version: VERSION, address, queue: location.kind });
  // Requests are answered from the start, with 503 while the database is away; this tells the log why.
  const usable = waitForDatabase(sql, {
    migrationsFolder: MIGRATIONS_FOLDER,
    signal,
    onWaiting: (why, error) => log.warn({ event: "database.waiting", err: error }, why),
    onUsable: () => adaptToPooler({ sql, url: config.DATABASE_URL, log }),
  });

  const readinessLog = startReadinessLog(checks, log);

  await Promise.race([untilAborted(signal), failureOf(usable)]);
  log.info({ event: "ingest.stopping" });
  void readinessLog.stop();
  const stop = async (): Promise<void> => {
    await drain(app.server);
    await app.close();
    await producer.close();
  };
  await Promise.race([stop(), sleep(config.SHUTDOWN_TIMEOUT_MS)]);
  log.info({ event: "ingest.stopped" });
});

/** Never resolves: only what fails ends the process. */
async function failureOf(work: Promise<unknown>): Promise<never> {
  await work;
  return new Promise<never>(() => {});
}
