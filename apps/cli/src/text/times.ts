/** Moments and spans as people write and read them. */
const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
type Unit = keyof typeof MS;

const SPAN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;

/** `90s`, `2h`, `1.5d` in milliseconds; undefined: it is no span. */
export function parseSpanMs(text: string): number | undefined {
  const [, amount, unit] = SPAN.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  return Number(amount) * (unit === "ms" ? 1 : MS[unit as Unit]);
}

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** A span means so long before `now`; a date alone begins at midnight UTC. Undefined: it is neither. */
export function parseMoment(text: string, now: Date): Date | undefined {
  const spanMs = parseSpanMs(text);
  const at = spanMs === undefined ? parseIso(text) : new Date(now.getTime() - spanMs);
  return at === undefined || Number.isNaN(at.getTime()) ? undefined : at;
}

function parseIso(text: string): Date | undefined {
  return ISO.test(text) ? new Date(text) : undefined;
}

const STEPS: readonly (readonly [Unit, number])[] = [
  ["d", 2 * MS.d],
  ["h", 2 * MS.h],
  ["m", 2 * MS.m],
  ["s", 0],
];

/** `45s`, `12m`, `3h`, `9d`: one unit is enough. */
export function span(ms: number): string {
  const atLeast = Math.max(0, ms);
  const [unit] = STEPS.find(([, from]) => atLeast >= from) ?? ["s", 0];
  return `${Math.floor(atLeast / MS[unit])}${unit}`;
}

export function age(iso: string, now: Date): string {
  return span(now.getTime() - Date.parse(iso));
}

/** `in 25s` or `25s ago`. */
export function relative(iso: string, now: Date): string {
  const ms = Date.parse(iso) - now.getTime();
  return ms > 0 ? `in ${span(ms)}` : `${span(-ms)} ago`;
}

/** The time itself, and how far away it is; null stays null. */
export function moment(iso: string | null, now: Date): string | null {
  return iso && `${iso} (${relative(iso, now)})`;
}

/** As the clock on the wall says. */
export function clock(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

export function took(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / MS.s).toFixed(1)} s`;
}
