/** The HTTP service as a value: hooks, errors, routes. No environment, no listening. */
import { randomUUID } from "node:crypto";
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { AcceptDeps } from "@webhook-delivery/shared/dispatch/accept-delivery.ts";
import { MAX_URL_CHARACTERS } from "@webhook-delivery/shared/core/destination-url.ts";
import type { Logger } from "@webhook-delivery/shared/log.ts";
import { requireApiKey } from "./auth.ts";
import { boundAnswers } from "./deadline.ts";
import { answerError, answerErrors, errorBody } from "./errors.ts";
import { acceptJsonBodies } from "./json-body.ts";
import { refuseOtherMethods } from "./methods.ts";
import { limitRequests } from "./request-limits.ts";
import { REQUEST_ID_HEADER, requestIdOf, showRequestIds } from "./request-id.ts";
import { openApiRoute, publishOpenApi } from "./openapi.ts";
import { batchRoutes } from "./routes/batch.ts";
import { clientRoutes } from "./routes/clients.ts";
import { deliveryRoutes } from "./routes/deliveries.ts";
import { destinationRoutes } from "./routes/destinations.ts";
import { endpointActionRoutes } from "./routes/endpoint-actions.ts";
import { endpointRoutes } from "./routes/endpoints.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes, type HealthDeps } from "./routes/health.ts";
import { docsRoute } from "./routes/docs.ts";
import { eventTypeRoutes } from "./routes/event-types.ts";
import { historyRoutes } from "./routes/history.ts";
import { leadRoutes } from "./routes/leads.ts";
import { outboxRoutes, type OutboxRouteDeps } from "./routes/outbox.ts";
import { previewRoutes } from "./routes/previews.ts";
import { replayRoutes } from "./routes/replays.ts";
import { statsRoutes } from "./routes/stats.ts";
import { testRoutes } from "./routes/tests.ts";
import { validateStrictly } from "./validation.ts";

export interface ServerDeps extends AcceptDeps, OutboxRouteDeps {
  readonly log: Logger;
  readonly apiKeys: readonly string[];
  readonly requestsPerSecond: number;
  readonly maxPayloadBytes: number;
  readonly deliveryTimeoutMs: number;
  readonly health: HealthDeps;
}

/** A request that takes longer gets 503: the database hangs, and the caller had better ask again. */
const ANSWER_TIMEOUT_MS = 5_000;

export async function buildServer(deps: ServerDeps): Promise<FastifyInstance> {
  // Typed as the interface, or the instance's type would carry pino's.
  const loggerInstance: FastifyBaseLogger = deps.log;
  const app = fastify({
    loggerInstance,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: "requestId",
    }),
    genReqId: requestIdOf,
    bodyLimit: deps.maxPayloadBytes,
    // While closing, what still comes in on open connections is served like any other request.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    // A destination's name is most of a URL, with its slashes encoded; other ids' schemas are stricter.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 3 * MAX_URL_CHARACTERS },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    clientErrorHandler: (error, socket) => {
      const body = JSON.stringify(errorBody("invalid_request", "This is not an HTTP request."));
      const { code } = error as NodeJS.ErrnoException;
      if (socket.writable && code !== "ECONNRESET") {
        const requestId = randomUUID();
        deps.log.info({ event: "request.unreadable", requestId, code, status: 400 });
        socket.end(
          `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n` +
            `${REQUEST_ID_HEADER}: ${requestId}\r\n` +
            `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
      }
    },
  });

  showRequestIds(app);
  boundAnswers(app, ANSWER_TIMEOUT_MS);
  validateStrictly(app);
  acceptJsonBodies(app);
  answerErrors(app);
  refuseOtherMethods(app, () => requireApiKey(app, deps));
  limitRequests(app);
  // Who keeps a connection open hears in time that it is going away.
  app.addHook("onSend", async (_request, reply) => {
    if (deps.health.isStopping()) reply.header("connection", "close");
  });

  app.addHook("onResponse", async ({ routeOptions, method }, reply) => {
    const route = routeOptions.url ?? "unknown";
    deps.health.metrics.countRequest(route, method, reply.statusCode, reply.elapsedTime / 1000);
  });

  await publishOpenApi(app);
  const routes = async (scope: FastifyInstance): Promise<void> => {
    await scope.register(healthRoutes, deps.health);
    await scope.register(statsRoutes, { sql: deps.sql });
    await scope.register(historyRoutes, { sql: deps.sql });
    await scope.register(deliveryRoutes, deps);
    await scope.register(batchRoutes, deps);
    await scope.register(replayRoutes, { sql: deps.sql });
    await scope.register(testRoutes, deps);
    await scope.register(previewRoutes, deps);
    await scope.register(endpointRoutes, deps);
    await scope.register(endpointActionRoutes, deps);
    await scope.register(destinationRoutes, { sql: deps.sql });
    await scope.register(eventRoutes, deps);
    await scope.register(outboxRoutes, deps);
    await scope.register(clientRoutes, { sql: deps.sql });
    await scope.register(leadRoutes, { sql: deps.sql });
    await scope.register(eventTypeRoutes);
    await scope.register(openApiRoute);
    await scope.register(docsRoute);
  };
  await app.register(routes);
  // The older path; documented once.
  await app.register(
    async (scope) => {
      scope.addHook("onRoute", (route) => {
        route.schema = { ...route.schema, hide: true };
      });
      await scope.register(routes);
    },
    { prefix: "/api" },
  );
  return app;
}
