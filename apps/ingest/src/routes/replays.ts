/** `/replays`: past deliveries made again, in the background. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { clientScope, type Caller } from "@webhook-delivery/shared/core/caller.ts";
import { decodeCursor, encodeCursor } from "@webhook-delivery/shared/core/cursor.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { isUuid } from "@webhook-delivery/shared/core/ids.ts";
import { DEFAULT_REPLAY_RATE_PER_SECOND } from "@webhook-delivery/shared/core/replay-pace.ts";
import { timeOf } from "@webhook-delivery/shared/core/time.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  cancelReplay,
  countReplays,
  findReplay,
  listReplays,
  REPLAYS_CAP,
  type Replay,
} from "@webhook-delivery/shared/db/replays.ts";
import { createReplay } from "@webhook-delivery/shared/dispatch/replay.ts";
import { chooseOwner } from "./owner.ts";
import { NewReplayBody, ReplayListQuery, ReplaySchema } from "./replay-schemas.ts";
import { errors, IdParams, PageFields, Success, Uuid } from "./schemas.ts";

const tags = ["replays"];
const status = "success" as const;
const DEFAULT_LIMIT = 50;
const OneReplay = Success({ replay: ReplaySchema });

export const replayRoutes: FastifyPluginAsyncTypebox<{ readonly sql: Sql }> = async (
  app,
  { sql },
) => {
  app.post(
    "/webhook-delivery/replay",
    {
      schema: {
        tags,
        summary: "Make past deliveries again",
        description:
          "Starts a new round of attempts for each, with the same webhook-id, in the order of acceptance. It goes on in the background, also over restarts.",
        body: NewReplayBody,
        response: {
          202: Success({
            replayId: Type.Unsafe<string>({
              ...Uuid,
              examples: ["019aa5b0-7c00-7000-8000-0000000000f1"],
            }),
            replay: ReplaySchema,
          }),
          ...errors(400, 404, 413, 415, 503),
        },
      },
    },
    async ({ body, caller }, reply) => {
      const replay = await createReplay(sql, {
        caller,
        clientId: await chooseOwner(sql, caller, body.clientId),
        since: timeOf(body.since),
        until: body.until ? timeOf(body.until) : null,
        endpointId: body.endpointId ?? null,
        eventType: body.eventType ?? null,
        deliveryStatus: body.deliveryStatus ?? "failed",
        ratePerSecond: body.ratePerSecond ?? DEFAULT_REPLAY_RATE_PER_SECOND,
        now: new Date(),
      });
      return reply.code(202).send({ status, replayId: replay.id, replay: replayJson(replay) });
    },
  );

  app.get(
    "/replays",
    {
      schema: {
        tags,
        summary: "List replays, newest first",
        querystring: ReplayListQuery,
        response: {
          200: Success({ replays: Type.Array(ReplaySchema), ...PageFields }),
          ...errors(400),
        },
      },
    },
    async ({ query: { limit = DEFAULT_LIMIT, cursor }, caller }) => {
      const clientId = clientScope(caller);
      const beforeId = cursor === undefined ? undefined : decodeCursor(cursor);
      const [found, total] = await Promise.all([
        listReplays(sql, clientId, { limit: limit + 1, beforeId }),
        countReplays(sql, clientId),
      ]);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        status,
        replays: page.map(replayJson),
        total: Math.min(total, REPLAYS_CAP),
        ...(total > REPLAYS_CAP && { totalIsCapped: true }),
        nextCursor: found.length > limit && last ? encodeCursor(last.id) : null,
      };
    },
  );

  app.get(
    "/replays/:id",
    {
      schema: {
        tags,
        summary: "One replay and how far it has come",
        params: IdParams,
        response: { 200: OneReplay, ...errors(404) },
      },
    },
    async ({ params, caller }) => ({
      status,
      replay: replayJson(await requireReplay(params.id, caller)),
    }),
  );

  app.post(
    "/replays/:id/cancel",
    {
      schema: {
        tags,
        summary: "Stop a replay",
        description: "What it has started goes on; nothing more is started.",
        params: IdParams,
        response: { 200: OneReplay, ...errors(404, 409) },
      },
    },
    async ({ params, caller }) => {
      const { id } = await requireReplay(params.id, caller);
      const replay = await cancelReplay(sql, { id, clientId: clientScope(caller) });
      if (replay === undefined) throw new DomainError("not_cancellable", "It is not running.");
      return { status, replay: replayJson(replay) };
    },
  );

  async function requireReplay(id: string, caller: Caller): Promise<Replay> {
    const clientId = clientScope(caller);
    const replay = isUuid(id) ? await findReplay(sql, { id, clientId }) : undefined;
    if (replay === undefined) throw new DomainError("not_found", "There is no such replay.");
    return replay;
  }
};

function replayJson(replay: Replay) {
  return {
    ...replay,
    since: replay.since.toISOString(),
    until: replay.until.toISOString(),
    createdAt: replay.createdAt.toISOString(),
    finishedAt: replay.finishedAt?.toISOString() ?? null,
  };
}
