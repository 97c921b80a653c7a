/** `/webhook-delivery/stats`: how the service is doing. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { readStats } from "@webhook-delivery/shared/db/stats.ts";
import { errors } from "./schemas.ts";
import { chooseScope } from "./scope.ts";
import { DEFAULT_DAYS, StatsQuery, StatsSchema } from "./stats-schemas.ts";

export const statsRoutes: FastifyPluginAsyncTypebox<{ readonly sql: Sql }> = async (
  app,
  { sql },
) => {
  app.get(
    "/webhook-delivery/stats",
    {
      schema: {
        tags: ["deliveries"],
        summary: "Statistics over the last days, and what is not finished now",
        querystring: StatsQuery,
        response: { 200: StatsSchema, ...errors(400, 404) },
      },
    },
    async ({ query: { days = DEFAULT_DAYS, ...wanted }, caller }) => {
      const scope = await chooseScope(sql, caller, wanted);
      return { status: "success" as const, ...(await readStats(sql, { days, ...scope })) };
    },
  );
};
