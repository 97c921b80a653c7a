/** `DELETE /webhook-delivery/logs`: what is finished and old is removed on request. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type, type Static } from "typebox";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { removeDeliveries } from "@webhook-delivery/shared/db/retention.ts";
import { errors, Nullable, Success } from "./schemas.ts";
import { chooseScope } from "./scope.ts";
import { ScopeFields } from "./stats-schemas.ts";

const DEFAULT_DAYS = 30;
const MS_PER_DAY = 86_400_000;
const MOST_DAYS = 36_500;
/** Within the time that any caller waits; the rest is for the next call. */
const WORK_MS = 4_000;
const ANSWER_TIMEOUT_MS = 15_000;

const removalFields = (also: { default?: number } = {}) => ({
  days: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MOST_DAYS,
      ...also,
      description:
        "Accepted and last changed at least so long ago; 0: everything finished. 30 unless given.",
    }),
  ),
  ...ScopeFields,
});

/** An ignored misspelling of a filter would remove what nobody meant. */
const strict = { additionalProperties: false };

const RemovalQuery = Type.Object(removalFields({ default: DEFAULT_DAYS }), strict);

// Without defaults, which would hide what the query says.
const RemovalBody = Type.Unsafe<Partial<Static<typeof RemovalQuery>> | null>({
  ...Nullable(Type.Object(removalFields(), strict)),
  description: "Or the same as query parameters; the body decides where both say something.",
  examples: [{ days: 30 }],
});

export const historyRoutes: FastifyPluginAsyncTypebox<{ readonly sql: Sql }> = async (
  app,
  { sql },
) => {
  app.delete(
    "/webhook-delivery/logs",
    {
      config: { answerTimeoutMs: ANSWER_TIMEOUT_MS },
      schema: {
        tags: ["deliveries"],
        summary: "Remove old finished deliveries and their attempts",
        description:
          "Only what is finished is removed, and what came with an Idempotency-Key only after 24 hours. Works for about four seconds; hasMore says whether to call again.",
        querystring: RemovalQuery,
        body: RemovalBody,
        response: {
          200: Success({
            deleted: Type.Integer({ minimum: 0, description: "Deliveries.", examples: [1250] }),
            hasMore: Type.Boolean({ examples: [false] }),
          }),
          ...errors(400, 404, 415),
        },
      },
    },
    async ({ body, query, caller }) => {
      const { days = DEFAULT_DAYS, ...wanted } = { ...query, ...body };
      const scope = await chooseScope(sql, caller, wanted);
      const endAt = performance.now() + WORK_MS;
      let deleted = 0;
      for await (const count of removeDeliveries(sql, { olderThanMs: days * MS_PER_DAY, scope })) {
        deleted += count;
        if (performance.now() >= endAt) {
          return { status: "success" as const, deleted, hasMore: true };
        }
      }
      return { status: "success" as const, deleted, hasMore: false };
    },
  );
};
