/**
 * Two ways to have the outbox taken now, for databases and schedulers. Neither is needed: the worker
 * does the same on its own. What they are told is not trusted: only the id of a row is read, and looked
 * up.
 */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { isUuid } from "@webhook-delivery/shared/core/ids.ts";
import { takeFromOutbox } from "@webhook-delivery/shared/dispatch/outbox.ts";
import type { OutboxDeps } from "@webhook-delivery/shared/dispatch/outbox-batch.ts";
import { drainOutbox } from "@webhook-delivery/shared/dispatch/outbox-drain.ts";
import { requireSecret } from "../bearer-secret.ts";
import { DrainBody, DrainedFields, TriggerBody, TriggeredFields } from "./outbox-schemas.ts";
import { errors, Success } from "./schemas.ts";

export interface OutboxRouteDeps extends OutboxDeps {
  /** Null: the route is not there. */
  readonly outboxSecret: string | null;
  readonly cronSecret: string | null;
}

const tags = ["outbox"];
const status = "success" as const;
/** Supabase's older projects wait one second. */
const TRIGGER_ANSWER_MS = 800;
/** The row as it is and as it was, with a payload as large as it may be, and what JSON adds to it. */
const BODY_PAYLOADS = 4;
const DRAIN = { takeForMs: 5_000, settleForMs: 3_000 };
const DRAIN_ANSWER_MS = 15_000;

export const outboxRoutes: FastifyPluginAsyncTypebox<OutboxRouteDeps> = async (app, deps) => {
  app.post(
    "/webhooks/outbox-trigger",
    {
      bodyLimit: deps.maxPayloadBytes * BODY_PAYLOADS,
      // Only the id is read of it, whatever the row holds.
      config: {
        isPublic: true,
        checksItself: true,
        takesAnyFields: true,
        answerTimeoutMs: TRIGGER_ANSWER_MS,
      },
      onRequest: requireSecret(deps.outboxSecret),
      schema: {
        tags,
        summary: "Take one row of the outbox now",
        description:
          "For a Supabase Database Webhook on outbox_messages. Only `record.id` is read; repetitions change nothing. Rows that stand before it are taken with it. Without OUTBOX_SECRET: 404.",
        security: [{ outboxSecret: [] }],
        body: TriggerBody,
        response: { 200: Success(TriggeredFields), ...errors(400, 404, 413, 415, 503) },
      },
    },
    async ({ body: { type, record } }) => {
      const id = type === "DELETE" ? undefined : record?.id;
      // What no row can have is as good as not there.
      const isTaken = typeof id === "string" && isUuid(id) && (await takeFromOutbox(deps, id));
      return { status, processed: Number(isTaken) };
    },
  );

  await app.register(cronRoute, deps);
};

const cronRoute: FastifyPluginAsyncTypebox<OutboxRouteDeps> = async (app, deps) => {
  // Schedulers send what they like, and nothing is read from it.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, async () => null);

  app.post(
    "/cron/outbox-worker",
    {
      config: { isPublic: true, takesAnyFields: true, answerTimeoutMs: DRAIN_ANSWER_MS },
      onRequest: requireSecret(deps.cronSecret),
      schema: {
        tags,
        summary: "Take everything that is due in the outbox",
        description:
          "For a scheduler. Takes rows for up to 5 s and waits up to 3 s for their first attempts. Without CRON_SECRET: 404.",
        security: [{ cronSecret: [] }],
        body: DrainBody,
        response: { 200: Success(DrainedFields), ...errors(404, 413, 503) },
      },
    },
    async () => ({ status, ...(await drainOutbox(deps, DRAIN)) }),
  );
};
