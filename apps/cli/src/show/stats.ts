/** The statistics in words. */
import type { Stats } from "@webhook-delivery/client";
import type { Paint } from "../text/paint.ts";
import { percent } from "../text/percent.ts";
import { table } from "../text/table.ts";
import { span, took } from "../text/times.ts";
import { fields } from "./fields.ts";

export interface StatsShown {
  readonly paint: Paint;
  readonly columns: number | undefined;
}

export function describeStats(stats: Stats, { paint, columns }: StatsShown): string[] {
  const { queue, deliveries, latencyMs, undelivered, topEvents } = stats;
  const waitedFor =
    queue.oldestWaitingMs === null ? "" : `, the oldest for ${span(queue.oldestWaitingMs)}`;
  const oldest =
    undelivered.oldestAgeMs === null ? "" : `, the oldest ${span(undelivered.oldestAgeMs)} old`;
  return [
    paint("bold", "Now"),
    ...fields([
      ["waiting", `${queue.waiting}${waitedFor}`],
      ["in flight", queue.active],
      ["due later", queue.delayed],
      ["held back", queue.paused === 0 ? null : queue.paused],
      ["undelivered", `${undelivered.count}${oldest}`],
      ["attempts/s", stats.jobsPerSecond.toFixed(2)],
    ]),
    "",
    paint("bold", `Last ${stats.days === 1 ? "day" : `${stats.days} days`} (since ${stats.since})`),
    ...fields([
      ["accepted", deliveries.total],
      ["success", deliveries.success],
      ["failed", deliveries.failed],
      ["cancelled", deliveries.cancelled],
      ["unfinished", deliveries.pending + deliveries.sent],
      ["success rate", stats.successRate === null ? null : percent(stats.successRate)],
      [
        "retries",
        stats.averageRetries === null ? null : `${stats.averageRetries.toFixed(2)} on average`,
      ],
      ["latency", latencies(latencyMs)],
    ]),
    ...(topEvents.length === 0 ? [] : ["", ...topEventTable(topEvents, { paint, columns })]),
  ];
}

function latencies({ p50, p95, p99 }: Stats["latencyMs"]): string | null {
  if (p50 === null || p95 === null || p99 === null) return null;
  return `half within ${took(p50)}, 95 % ${took(p95)}, 99 % ${took(p99)}`;
}

function topEventTable(topEvents: Stats["topEvents"], shown: StatsShown): string[] {
  return table(
    topEvents,
    [
      { title: "EVENT", text: ({ eventType }) => eventType, min: 8 },
      { title: "TOTAL", text: ({ total }) => String(total) },
      { title: "SUCCESS", text: ({ success }) => String(success) },
      { title: "FAILED", text: ({ failed }) => String(failed) },
    ],
    shown,
  );
}
