/** The table of all results, in Markdown, as docs/isolation.md has it. */
import { p99Ratio, throughputRatio, type Result } from "./compare.ts";

export interface Row {
  readonly mix: string;
  readonly backend: string;
  readonly result: Result;
}

const HEADINGS = [
  "mix",
  "backend",
  "healthy/s alone",
  "with",
  "ratio",
  "p50/p99 alone, ms",
  "with",
  "p99 ratio",
  "sick requests",
  "",
];

export function tableOf(rows: readonly Row[]): string {
  const lines = [HEADINGS, HEADINGS.map(() => "-"), ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, n) => Math.max(...lines.map((line) => line[n]?.length ?? 0)));
  return lines
    .map((line, n) => line.map((cell, k) => cell.padEnd(widths[k] ?? 0, n === 1 ? "-" : " ")))
    .map((line) => `| ${line.join(" | ")} |`)
    .join("\n");
}

function cellsOf({ mix, backend, result }: Row): string[] {
  const { alone, together, sickRequests, problems } = result;
  return [
    mix,
    backend,
    alone.perSecond.toFixed(1),
    together.perSecond.toFixed(1),
    throughputRatio(result).toFixed(2),
    `${Math.round(alone.p50Ms)} / ${Math.round(alone.p99Ms)}`,
    `${Math.round(together.p50Ms)} / ${Math.round(together.p99Ms)}`,
    p99Ratio(result).toFixed(1),
    String(sickRequests),
    problems.length === 0 ? "ok" : `NOT ok: ${problems.join("; ")}`,
  ];
}
