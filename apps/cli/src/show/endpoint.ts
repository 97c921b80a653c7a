/** Endpoints in words. */
import type { EnabledEndpoint, Endpoint } from "@webhook-delivery/client";
import { paintState, type Paint } from "../text/paint.ts";
import { percent } from "../text/percent.ts";
import { table } from "../text/table.ts";
import { moment, took } from "../text/times.ts";
import { visible } from "../text/visible.ts";
import { fields } from "./fields.ts";
import type { Shown, TableShown } from "./shown.ts";

const SHORT_COLUMN = 10;

export function endpointTable(endpoints: readonly Endpoint[], shown: TableShown): string[] {
  return table(
    endpoints,
    [
      { title: "ID", text: ({ id }) => id },
      {
        title: "STATUS",
        text: ({ status }) => status,
        paint: ({ status }, cell, paint) => paintState(paint, status, cell),
      },
      { title: "SUCCESS", text: successRate, dropOrder: 2 },
      { title: "TOTAL", text: ({ totalEvents }) => String(totalEvents), dropOrder: 3 },
      { title: "NAME", text: ({ name }) => name ?? "", min: SHORT_COLUMN, dropOrder: 5 },
      { title: "EVENTS", text: subscriptions, min: SHORT_COLUMN, dropOrder: 4 },
      { title: "URL", text: ({ url }) => url, min: SHORT_COLUMN },
    ],
    shown,
  );
}

export function endpointLine({ id, status, url }: Endpoint, paint: Paint): string {
  return `${id}  ${paintState(paint, status)}  ${visible(url)}`;
}

export function describeEndpoint(endpoint: Endpoint, { paint, now }: Shown): string[] {
  const { status, disabledReason, circuit, retryScheduleSeconds: waits } = endpoint;
  const why = disabledReason === null ? "" : ` (${disabledReason})`;
  return [
    `Endpoint ${endpoint.id}`,
    ...fields([
      ["status", { painted: `${paintState(paint, status)}${visible(why)}` }],
      ["url", endpoint.url],
      ["name", endpoint.name],
      ["client", endpoint.clientId],
      ["source", endpoint.source],
      ["events", subscriptions(endpoint)],
      ["sources", endpoint.sources.join(", ") || null],
      ["format", endpoint.format],
      ["headers", Object.keys(endpoint.headers).join(", ") || null],
      ["attempts", endpoint.maxAttempts],
      ["waits", waits && `${waits.join(", ")} s`],
      ["timeout", endpoint.timeoutMs && took(endpoint.timeoutMs)],
      ["rate limit", endpoint.rateLimitPerSecond && `${endpoint.rateLimitPerSecond} per second`],
      ["in flight", endpoint.maxInFlight && `${endpoint.maxInFlight} at most`],
      ["ordered", endpoint.ordered ? "yes" : null],
      ["deliveries", endpoint.totalEvents],
      ["success", successRate(endpoint) || null],
      ["circuit", circuit && circuit.state],
      ["failures", endpoint.failureCount === 0 ? null : `${endpoint.failureCount} in a row`],
      ["last error", endpoint.lastError],
      ["last attempt", moment(endpoint.lastAttemptAt, now)],
      ["last success", moment(endpoint.lastSuccessAt, now)],
      ["rotating", endpoint.rotationEndsAt && `until ${endpoint.rotationEndsAt}`],
      ["made", moment(endpoint.createdAt, now)],
    ]),
  ];
}

export function secretLines(secret: string): string[] {
  return ["", `Secret (shown now and never again): ${visible(secret)}`];
}

export function missedLines(id: string, missed: EnabledEndpoint["missed"]): string[] {
  if (missed === null || missed.deliveries === 0) return [];
  return [
    `It missed ${missed.deliveries} since ${missed.since}. To send them again:`,
    `  npx -y pnpm@12 wd replay --since ${missed.since} --endpoint ${id}`,
  ];
}

function subscriptions({ eventTypes }: Endpoint): string {
  return eventTypes.length === 0 ? "all" : eventTypes.join(", ");
}

function successRate({ successRate: rate }: Endpoint): string {
  return rate === null ? "" : percent(rate);
}
