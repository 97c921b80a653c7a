/** `/healthz`: the process runs. `/readyz`: it can do its work, or what is missing. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { Success } from "./schemas.ts";

export interface HealthDeps {
  /** Name → check; a check that throws or takes too long has failed. */
  readonly checks: Readonly<Record<string, () => Promise<unknown>>>;
  /** True while the process is being stopped. */
  readonly isStopping: () => boolean;
}

const CHECK_TIMEOUT_MS = 2_000;
const config = { isPublic: true };

export const healthRoutes: FastifyPluginAsyncTypebox<HealthDeps> = async (app, deps) => {
  app.get(
    "/healthz",
    { config, schema: { tags: ["operation"], security: [], response: { 200: Success({}) } } },
    async () => ({ status: "success" as const }),
  );

  const Checks = Type.Record(Type.String(), Type.String());
  app.get(
    "/readyz",
    {
      config,
      schema: {
        tags: ["operation"],
        security: [],
        response: {
          200: Success({ checks: Checks }),
          503: Type.Object({
            status: Type.Literal("error"),
            error: Type.Object({ code: Type.Literal("not_ready"), message: Type.String() }),
            checks: Checks,
          }),
        },
      },
    },
    async (_request, reply) => {
      const checks = await runChecks(deps);
      const failed = Object.keys(checks).filter((name) => checks[name] !== "ok");
      if (failed.length === 0) return reply.send({ status: "success", checks });
      const message = `Not ready: ${failed.join(", ")}.`;
      return reply
        .code(503)
        .send({ status: "error", error: { code: "not_ready", message }, checks });
    },
  );
};

async function runChecks({ checks, isStopping }: HealthDeps): Promise<Record<string, string>> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await verdict(check)] as const),
  );
  return {
    ...Object.fromEntries(results),
    ...(isStopping() && { process: "stopping" }),
  };
}

async function verdict(check: () => Promise<unknown>): Promise<"ok" | "unavailable"> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("timeout")), CHECK_TIMEOUT_MS);
  });
  return Promise.race([check(), timeout])
    .then(
      () => "ok" as const,
      () => "unavailable" as const,
    )
    .finally(() => clearTimeout(timer));
}
