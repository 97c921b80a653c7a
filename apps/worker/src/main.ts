/** The worker process: reads the environment, wires the parts, runs until it is told to stop. */
import { adaptToPooler } from "@webhook-delivery/shared/adapt-to-pooler.ts";
import { loadConfig } from "@webhook-delivery/shared/config.ts";
import { readQueuePrefix } from "@webhook-delivery/shared/db/installation.ts";
import { connectDatabase } from "@webhook-delivery/shared/db/client.ts";
import { checkDatabase, waitForDatabase } from "@webhook-delivery/shared/db/ready.ts";
import { withDevelopmentDefaults } from "@webhook-delivery/shared/development.ts";
import type { Checks, Passage } from "@webhook-delivery/shared/health.ts";
import { logLibraryOutput } from "@webhook-delivery/shared/library-output.ts";
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
import { VERSION } from "@webhook-delivery/shared/version.ts";
import { startMetricsServer } from "./metrics-server.ts";
import { startWorker, TIDY_UP_MS, type DeliveryWorker } from "./worker.ts";

/** Room for every delivery to claim or record while the scheduler and the heartbeat run beside. */
const SPARE_CONNECTIONS = 3;
const MOST_CONNECTIONS = 20;

await runMain(async () => {
  const config = loadConfig(withDevelopmentDefaults(process.env), "worker");
  const log = createLog("worker", config.LOG_LEVEL);
  logLibraryOutput(log);
  surviveLostConnections(log);
  const signal = stopSignal();
  const sql = connectDatabase({
    url: config.DATABASE_URL,
    applicationName: "webhook-delivery worker",
    prepares: false,
    maxConnections: Math.min(config.WORKER_CONCURRENCY + SPARE_CONNECTIONS, MOST_CONNECTIONS),
  });
  const location = queueLocation(config, () => readQueuePrefix(sql));
  let worker: DeliveryWorker | undefined;
  const checks: Checks = {
    database: () => checkDatabase(sql, MIGRATIONS_FOLDER),
    queue: async () => worker?.checkQueue(),
  };
  const metricsServer =
    config.METRICS_PORT === null
      ? undefined
      : await startMetricsServer({
          port: config.METRICS_PORT,
          checks,
          passage: () => passageOf(worker, signal),
          metrics: () => worker?.metrics,
          onError: (error) => log.error({ event: "metrics.failed", err: error }),
        });

  log.info({ event: "worker.starting", version: VERSION, queue: location.kind });
  const isUsable = await waitForDatabase(sql, {
    migrationsFolder: MIGRATIONS_FOLDER,
    signal,
    onWaiting: (why, error) => log.warn({ event: "database.waiting", err: error }, why),
    onUsable: async () => {
      await adaptToPooler({ sql, url: config.DATABASE_URL, log });
      // Known from now on, also when the database is away.
      if (location.kind === "redis") await location.prefix();
    },
  });
  if (!isUsable) return;
  worker = await startWorker({ config, sql, location, log });
  log.info({ event: "worker.started", workerId: worker.id });
  const readinessLog = startReadinessLog(checks, log);

  await untilAborted(signal);
  log.info({ event: "worker.stopping" });
  void readinessLog.stop();
  await worker.stop(Math.max(0, config.SHUTDOWN_TIMEOUT_MS - TIDY_UP_MS));
  metricsServer?.close();
  log.info({ event: "worker.stopped" });
});

function passageOf(worker: DeliveryWorker | undefined, signal: AbortSignal): Passage | undefined {
  if (signal.aborted) return "stopping";
  return worker === undefined ? "starting" : undefined;
}
