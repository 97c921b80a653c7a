/**
 * The one reader for every time that comes in, and the one for every time that leaves the database.
 *
 * In: RFC 3339 with its offset. What this service, PostgreSQL and those who get it later can hold is
 * taken: the years 1 to 9999 in UTC (year 0 is 1 BC to PostgreSQL, and nothing to Go and .NET), and no leap
 * second, which is no instant to any of them. Finer than milliseconds is cut off.
 *
 * Out: PostgreSQL's text for a timestamptz, whatever wrote it. `new Date(text)` takes the year 1 for
 * 2001, does not know "BC", and knows no offset with seconds, which is what old times have in many zones.
 * What lies beyond a Date (`infinity`, the year 300000) becomes the furthest time that a Date holds: it
 * compares as it should, and can be written.
 */

/** RFC 3339 §5.6; `T` and `Z` may be small, and a space may stand for the `T`. */
const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

const MS_PER_MINUTE = 60_000;
const MS_PER_SECOND = 1_000;
const FURTHEST_MS = 8.64e15;
/** Of the years 1 and 9999. */
const EARLIEST_MS = utcMs(1, 1, 1, 0, 0, 0, 0);
const LATEST_MS = utcMs(9_999, 12, 31, 23, 59, 59, 999);

/** Undefined: it is no time, or one that cannot be held. */
export function readTime(text: string): Date | undefined {
  const found = RFC_3339.exec(text);
  if (found === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map(Number);
  const [offsetHours, offsetMinutes] = [Number(found[9] ?? 0), Number(found[10] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  const offset = (found[8] === "-" ? -1 : 1) * (offsetHours * 60 + offsetMinutes);
  const local = utcMs(year, month, day, hour, minute, second, milliseconds(found[7]));
  const at = local - offset * MS_PER_MINUTE;
  return at < EARLIEST_MS || at > LATEST_MS ? undefined : new Date(at);
}

/** Of a text that the schema of a request has let through. */
export function timeOf(text: string): Date {
  const time = readTime(text);
  if (time === undefined) throw new Error("a time was let through that cannot be read");
  return time;
}

export function isTime(text: string): boolean {
  return readTime(text) !== undefined;
}

/** PostgreSQL's text in the ISO style: `0001-01-01 00:53:28.5+00:53:28 BC`; also date and timestamp. */
const STORED =
  /^(\d{4,})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?)?( BC)?$/;

export function readStoredTime(text: string): Date {
  if (text === "infinity") return new Date(FURTHEST_MS);
  if (text === "-infinity") return new Date(-FURTHEST_MS);
  const found = STORED.exec(text);
  if (found === null) throw new Error(`PostgreSQL wrote a time that is none in ISO style: ${text}`);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const astronomical = found[12] === undefined ? year : 1 - year;
  const offset =
    (found[8] === "-" ? -1 : 1) *
    (Number(found[9] ?? 0) * 3_600 + Number(found[10] ?? 0) * 60 + Number(found[11] ?? 0));
  const local = utcMs(astronomical, month, day, hour, minute, second, milliseconds(found[7]));
  const at = local - offset * MS_PER_SECOND;
  if (Number.isNaN(at)) return new Date(astronomical < 0 ? -FURTHEST_MS : FURTHEST_MS);
  return new Date(Math.max(-FURTHEST_MS, Math.min(at, FURTHEST_MS)));
}

/** As PostgreSQL reads it: ISO 8601's year 0 and those before are its years BC. */
export function toStoredTime(time: Date): string {
  const text = time.toISOString();
  if (time.getTime() >= FURTHEST_MS) return "infinity";
  if (time.getTime() <= -FURTHEST_MS) return "-infinity";
  const year = time.getUTCFullYear();
  const rest = text.slice(text.indexOf("-", 1));
  if (year > 0) return `${pad(year)}${rest}`;
  return `${pad(1 - year)}${rest} BC`;
}

function pad(year: number): string {
  return String(year).padStart(4, "0");
}

/** Unlike Date.UTC it takes the years 0 to 99 for what they are. NaN beyond what a Date holds. */
function utcMs(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  ms: number,
): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.setUTCHours(hour, minute, second, ms);
}

function daysIn(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 0);
  return date.getUTCDate();
}

/** The first three digits of a fraction. */
function milliseconds(fraction: string | undefined): number {
  return Number((fraction ?? "").slice(0, 3).padEnd(3, "0"));
}
