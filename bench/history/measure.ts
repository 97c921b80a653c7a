/** How long the API's reads take over a generated history: warm, prepared, one at a time. */
import { smallestIdAt } from "@webhook-delivery/shared/core/ids.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import type { DeliveryFilter } from "@webhook-delivery/shared/db/delivery-filter.ts";
import { countDeliveries, listDeliveries } from "@webhook-delivery/shared/db/delivery-list.ts";
import { countUnfinished, endpointTotals, readStats } from "@webhook-delivery/shared/db/stats.ts";
import { clientId, endpointId } from "./generate.ts";

/** More than the five executions after which PostgreSQL settles on a plan. */
const WARM_UPS = 7;
const RUNS = 20;
export const BOUND_MS = 50;
const MS_PER_DAY = 86_400_000;
const PAGE = 51;

interface Measured {
  readonly what: string;
  readonly medianMs: number;
  readonly worstMs: number;
}

export async function measureReads(sql: Sql, isAsked: (what: string) => boolean): Promise<boolean> {
  const measured: Measured[] = [];
  for (const [what, read] of [...statistics(sql), ...(await lists(sql))]) {
    if (isAsked(what)) measured.push({ what, ...(await timesOf(read)) });
  }
  console.table(
    Object.fromEntries(
      measured.map(({ what, medianMs, worstMs }) => [
        what,
        {
          "median ms": round(medianMs),
          "worst ms": round(worstMs),
          "": worstMs > BOUND_MS ? "!" : "",
        },
      ]),
    ),
  );
  return measured.every(({ worstMs }) => worstMs <= BOUND_MS);
}

type Read = () => Promise<unknown>;

async function timesOf(read: Read): Promise<{ medianMs: number; worstMs: number }> {
  for (let n = 0; n < WARM_UPS; n++) await read();
  const times: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    const startedAt = performance.now();
    await read();
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return { medianMs: times[RUNS / 2] ?? NaN, worstMs: times.at(-1) ?? NaN };
}

const round = (ms: number) => Math.round(ms * 10) / 10;

function statistics(sql: Sql): [string, Read][] {
  const scopes = {
    everything: {},
    "the busiest client": { clientId: clientId(0) },
    "the busiest endpoint": { endpointId: endpointId(0) },
    "a quiet endpoint": { endpointId: endpointId(900) },
  };
  const stats = Object.entries(scopes).flatMap(([name, scope]) =>
    [7, 30, 365].map((days): [string, Read] => [
      `stats: ${name}, ${days} days`,
      () => readStats(sql, { days, ...scope }),
    ]),
  );
  const fifty = Array.from({ length: 50 }, (_, n) => endpointId(n * 20));
  return [
    ...stats,
    ["unfinished, for /metrics", () => countUnfinished(sql)],
    ["totals of 50 endpoints", () => endpointTotals(sql, fifty)],
  ];
}

async function lists(sql: Sql): Promise<[string, Read][]> {
  const [some] = await sql<{ id: string; leadId: string }[]>`
    select id, lead_id as "leadId" from webhook_deliveries
    where lead_id is not null and id > ${smallestIdAt(daysAgo(11))} order by id limit 1`;
  if (some === undefined) throw new Error("There is no history.");
  const pages = FILTERS(some).flatMap(([name, filter]): [string, Read][] => [
    [`list: ${name}`, () => listDeliveries(sql, filter, { limit: PAGE, beforeId: undefined })],
    [`total: ${name}`, () => countDeliveries(sql, filter)],
  ]);
  const deep = DEEP.map(([name, filter, days]): [string, Read] => [
    `list: ${name}, from ${days} days back on`,
    () => listDeliveries(sql, filter, { limit: PAGE, beforeId: smallestIdAt(daysAgo(days)) }),
  ]);
  return [...pages, ...deep];
}

const daysAgo = (days: number) => new Date(Date.now() - days * MS_PER_DAY);
const [endpoint, quiet, failing] = [endpointId(0), endpointId(900), endpointId(13)];
const client = clientId(0);
const common = "message.received";
const rare = "rare.event";

const FILTERS = (some: { id: string; leadId: string }): [string, DeliveryFilter][] => [
  ["no filter", {}],
  ["deliveryId", { deliveryId: some.id }],
  ["leadId", { leadId: some.leadId }],
  ["leadId that is not there", { leadId: "nobody" }],
  ["busy endpoint", { endpointId: endpoint }],
  ["quiet endpoint", { endpointId: quiet }],
  ["client", { clientId: client }],
  ["common event type", { eventType: common }],
  ["rare event type", { eventType: rare }],
  ["event type that is not there", { eventType: "none" }],
  ...(["pending", "sent", "success", "failed", "cancelled"] as const).map(
    (status): [string, DeliveryFilter] => [`status ${status}`, { status }],
  ),
  ["since a day ago", { since: daysAgo(1) }],
  ["until 20 days ago", { until: daysAgo(20) }],
  ["an hour 20 days ago", { since: daysAgo(20), until: daysAgo(20 - 1 / 24) }],
  ...(["success", "failed", "cancelled", "pending", "sent"] as const).flatMap(
    (status): [string, DeliveryFilter][] => [
      [`busy endpoint, ${status}`, { endpointId: endpoint, status }],
      [`client, ${status}`, { clientId: client, status }],
      [`common event type, ${status}`, { eventType: common, status }],
    ],
  ),
  ["quiet endpoint, failed", { endpointId: quiet, status: "failed" }],
  ["failing endpoint, failed", { endpointId: failing, status: "failed" }],
  ["rare event type, failed", { eventType: rare, status: "failed" }],
  ["failed since a day ago", { status: "failed", since: daysAgo(1) }],
  ["failed until 20 days ago", { status: "failed", until: daysAgo(20) }],
  [
    "cancelled, an hour 20 days ago",
    { status: "cancelled", since: daysAgo(20), until: daysAgo(20 - 1 / 24) },
  ],
  ["busy endpoint since 7 days ago", { endpointId: endpoint, since: daysAgo(7) }],
  ["quiet endpoint until 20 days ago", { endpointId: quiet, until: daysAgo(20) }],
  ["client since 7 days ago", { clientId: client, since: daysAgo(7) }],
  ["common event type since a day ago", { eventType: common, since: daysAgo(1) }],
  ["client, common event type", { clientId: client, eventType: common }],
  ["client, rare event type", { clientId: client, eventType: rare }],
  ["client, event type, failed", { clientId: client, eventType: common, status: "failed" }],
  ["busy endpoint, rare event type", { endpointId: endpoint, eventType: rare }],
  ["busy endpoint, event type", { endpointId: endpoint, eventType: "order.paid" }],
  ["client, its endpoint, failed", { clientId: client, endpointId: endpoint, status: "failed" }],
  ["client, lead", { clientId: client, leadId: some.leadId }],
  ["lead, failed", { leadId: some.leadId, status: "failed" }],
  ...[
    "https://",
    "http",
    "hooks-",
    "hooks-77",
    "hooks-777.example.com",
    "direct-5",
    "direct-51234.",
    "lead-",
    "lead-1",
    "lead-1234",
    "lead-999999999",
    "message.",
    "rare",
    "zzz",
    "h",
    some.id,
  ].map((q): [string, DeliveryFilter] => [`q ${q === some.id ? "an id" : q}`, { q }]),
  ...["https://", "lead-", "lead-12345", "zzz", "message.", "rare"].map(
    (q): [string, DeliveryFilter] => [`q ${q}, client`, { q, clientId: client }],
  ),
  ["q https:// since a day ago", { q: "https://", since: daysAgo(1) }],
  ["q lead-12345 since a day ago", { q: "lead-12345", since: daysAgo(1) }],
  ["q hooks-7, failed", { q: "hooks-7", status: "failed" }],
];

const DEEP: [string, DeliveryFilter, number][] = [
  ["no filter", {}, 6],
  ["no filter", {}, 29.9],
  ["busy endpoint", { endpointId: endpoint }, 20],
  ["client", { clientId: client }, 29],
  ["status failed", { status: "failed" }, 20],
  ["common event type", { eventType: common }, 20],
  ["q https://", { q: "https://" }, 20],
  ["q message.", { q: "message." }, 29.5],
  ["q lead-1", { q: "lead-1" }, 10],
];
