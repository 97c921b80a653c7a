/**
 * Hears notifications (of new rows in the outbox; without Redis, also of deliveries and leases) through
 * LISTEN, on a connection of its own, and knows whether that works: after LISTEN it notifies itself through
 * the pool and waits to hear it. Through a pooler in transaction mode nothing arrives, so the worker polls.
 * An optimisation: nothing is lost without it.
 */
import { randomUUID } from "node:crypto";
import { connectDatabase, type Sql } from "@webhook-delivery/shared/db/client.ts";
import { isBehindPooler } from "@webhook-delivery/shared/db/pooler.ts";
import { startLoop, type Loop } from "@webhook-delivery/shared/loop.ts";
import { within } from "@webhook-delivery/shared/within.ts";
import type { Parts } from "./parts.ts";

type Mode = "listen" | "polling";

/** What to do when something is heard on a channel, and when something may have been missed there. */
export type Channels = Readonly<Record<string, () => void>>;

/** On which it hears itself. */
const CHECK_CHANNEL = "webhook_delivery_worker";

/** A connection can die without a word. */
const CHECK_EVERY_MS = 30_000;
const HEARD_WITHIN_MS = 2_000;
const TRY_AGAIN_MS = 2_000;
/** Each try leaves a LISTEN behind in one of the pooler's connections. */
const TRY_AGAIN_POOLED_MS = 300_000;
const OPEN_WITHIN_MS = 10_000;
export interface Listener {
  isListening(): boolean;
  /** Something speaks against it: find out now. */
  check(): void;
  start(): void;
  stop(): Promise<void>;
}

export function createListener(
  parts: Pick<Parts, "config" | "sql" | "log" | "metrics">,
  channels: Channels,
): Listener {
  const { config, sql, log, metrics } = parts;
  const heard = new Map<string, () => void>();
  let connection: Sql | undefined;
  let mode: Mode | undefined;
  let loop: Loop | undefined;

  const changeTo = (next: Mode): void => {
    metrics.setListening(next === "listen");
    if (next === mode) return;
    mode = next;
    log.info({ event: "outbox.mode", mode });
    // What came in between was heard by nobody.
    for (const onNotified of Object.values(channels)) onNotified();
  };

  const open = async (): Promise<void> => {
    connection = connectDatabase({
      url: config.DATABASE_URL,
      applicationName: "webhook-delivery listener",
      maxConnections: 1,
      prepares: false,
    });
    let isBack = false;
    const listening = [
      connection.listen(
        CHECK_CHANNEL,
        (token) => heard.get(token)?.(),
        () => {
          // postgres.js has found its way back after a loss.
          if (isBack) loop?.nudge();
          isBack = true;
        },
      ),
    ];
    for (const [channel, onNotified] of Object.entries(channels)) {
      listening.push(connection.listen(channel, onNotified));
    }
    await within(OPEN_WITHIN_MS, Promise.all(listening), () => new Error("no LISTEN in time"));
  };

  const drop = async (): Promise<void> => {
    const dropped = connection;
    connection = undefined;
    await dropped?.end({ timeout: 0 }).catch(() => {});
  };

  const hearsItself = async (): Promise<boolean> => {
    const token = randomUUID();
    const arrived = Promise.withResolvers<void>();
    heard.set(token, arrived.resolve);
    try {
      const said = sql`select pg_notify(${CHECK_CHANNEL}, ${token})`;
      // The statement too: behind a pooler it may wait for a connection as long as the pooler likes.
      const roundTrip = Promise.all([said, arrived.promise]);
      await within(HEARD_WITHIN_MS, roundTrip, () => new Error("nothing was heard"));
      return true;
    } catch {
      // The database is away, or nothing arrived: no notification to count on, either way.
      return false;
    } finally {
      heard.delete(token);
    }
  };

  const checkOnce = async (): Promise<number> => {
    if (connection === undefined) await open().catch(drop);
    if (connection !== undefined && (await hearsItself())) {
      changeTo("listen");
      return CHECK_EVERY_MS;
    }
    changeTo("polling");
    await drop();
    const isPooled = await isBehindPooler(sql).catch(() => false);
    return isPooled ? TRY_AGAIN_POOLED_MS : TRY_AGAIN_MS;
  };

  return {
    isListening: () => mode === "listen",
    check: () => loop?.nudge(),
    start() {
      const onError = (error: unknown) => log.warn({ event: "outbox.listener_failed", err: error });
      loop = startLoop({ everyMs: TRY_AGAIN_MS, once: checkOnce, onError });
    },
    async stop() {
      const stopping = loop?.stop();
      await drop();
      await stopping;
      await drop();
    },
  };
}
