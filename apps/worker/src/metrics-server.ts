/** `/metrics`, `/healthz` and `/readyz` of the worker, for the platform's own network: no keys. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import {
  checkReadiness,
  readinessBody,
  type Checks,
  type Passage,
} from "@webhook-delivery/shared/health.ts";
import type { WorkerMetrics } from "@webhook-delivery/shared/metrics.ts";

export interface MetricsServerDeps {
  readonly port: number;
  readonly checks: Checks;
  readonly passage: () => Passage | undefined;
  /** Undefined: the worker has not started yet. */
  readonly metrics: () => WorkerMetrics | undefined;
  readonly onError: (error: unknown) => void;
}

export async function startMetricsServer(deps: MetricsServerDeps): Promise<{ close(): void }> {
  const server = createServer((request, response) => {
    answer(deps, request, response).catch((error: unknown) => {
      deps.onError(error);
      response.writeHead(500).end();
    });
  });
  server.listen(deps.port);
  await once(server, "listening");
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  deps: MetricsServerDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url?.split("?")[0];
  if (request.method !== "GET" && request.method !== "HEAD") {
    json(response, 405, errorBody("method_not_allowed", "Only GET is answered here."));
  } else if (path === "/healthz") {
    json(response, 200, { status: "success" });
  } else if (path === "/readyz") {
    const readiness = await checkReadiness(deps.checks, deps.passage());
    json(response, readiness.isReady ? 200 : 503, readinessBody(readiness));
  } else if (path === "/metrics") {
    const metrics = deps.metrics();
    if (metrics === undefined) {
      json(response, 503, errorBody("not_ready", "The worker is starting: see /readyz."));
      return;
    }
    const text = await metrics.expose();
    response.writeHead(200, { "content-type": metrics.contentType }).end(text);
  } else {
    json(response, 404, errorBody("not_found", "There is nothing at this path."));
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function errorBody(code: string, message: string) {
  return { status: "error", error: { code, message } };
}
