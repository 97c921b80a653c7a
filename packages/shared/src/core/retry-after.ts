/**
 * RFC 9110 §10.2.3: `Retry-After` is a number of seconds or an HTTP date, in today's form or one of the
 * two obsolete ones (§5.6.7). What frameworks write besides is understood as well: `UTC` or an offset in
 * the place of `GMT` (Go's RFC1123, Python's e-mail dates), ISO 8601, what JavaScript and Ruby print. An
 * ISO time without a zone is UTC, as every time of HTTP. Sent twice, the longer wait counts: both are kept.
 */

const DELAY_SECONDS = /^\d+(?:\.\d+)?$/;
const ZONE = String.raw`(?<zone>GMT|UTC?|Z|[+-]\d{2}:?\d{2})`;
const CLOCK = String.raw`(?<hours>\d{2}):(?<minutes>\d{2}):(?<seconds>\d{2})`;

/** Each gives year, month, day, hours, minutes, seconds and zone, by name. */
const DATES: readonly RegExp[] = [
  // IMF-fixdate and e-mail's: `Sun, 06 Nov 1994 08:49:37 GMT`.
  pattern(String.raw`(?:[a-z]{3}, )?(?<day>\d{1,2}) (?<month>[a-z]{3}) (?<year>\d{4}) CLOCK ZONE`),
  // RFC 850: `Sunday, 06-Nov-94 08:49:37 GMT`.
  pattern(String.raw`[a-z]{6,9}, (?<day>\d{2})-(?<month>[a-z]{3})-(?<year>\d{2}) CLOCK ZONE`),
  // asctime: `Sun Nov  6 08:49:37 1994`.
  pattern(String.raw`[a-z]{3} (?<month>[a-z]{3}) (?<day>[ \d]\d) CLOCK (?<year>\d{4})`),
  // JavaScript: `Sun Nov 06 1994 08:49:37 GMT+0000 (Coordinated Universal Time)`.
  pattern(
    String.raw`[a-z]{3} (?<month>[a-z]{3}) (?<day>\d{2}) (?<year>\d{4}) CLOCK (?:GMT)?ZONE(?: \(.*\))?`,
  ),
  // ISO 8601, extended and basic, and with a space as Ruby and Python print it.
  pattern(String.raw`(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})[t ]CLOCK(?:[.,]\d+)?(?: ?ZONE)?`),
  pattern(
    String.raw`(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})t(?<hours>\d{2})(?<minutes>\d{2})(?<seconds>\d{2})(?:ZONE)?`,
  ),
];

function pattern(source: string): RegExp {
  return new RegExp(`^${source.replace("CLOCK", CLOCK).replace("ZONE", ZONE)}$`, "i");
}

/** A date has a comma of its own, behind its day of the week. */
const BETWEEN_VALUES = /(?<!\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*),/i;

/** Milliseconds from `now` (never negative), or undefined when the header is absent or unreadable. */
export function parseRetryAfterMs(value: string | undefined, now: Date): number | undefined {
  const waits = (value ?? "")
    .split(BETWEEN_VALUES)
    .map((each) => readOne(each.trim(), now))
    .filter((waitMs) => waitMs !== undefined);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

function readOne(text: string, now: Date): number | undefined {
  if (DELAY_SECONDS.test(text)) return Number(text) * 1000;
  for (const date of DATES) {
    const groups = date.exec(text)?.groups;
    const at = groups === undefined ? undefined : instantOf(groups, now);
    if (at !== undefined) return Math.max(0, at - now.getTime());
  }
  return undefined;
}

const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";

/** Unix milliseconds; undefined: there is no such time. */
function instantOf(
  groups: Readonly<Record<string, string | undefined>>,
  now: Date,
): number | undefined {
  const number = (name: string): number => Number(groups[name] ?? Number.NaN);
  const month = monthOf(groups["month"] ?? "");
  const [day, hours, minutes] = [number("day"), number("hours"), number("minutes")];
  // A leap second (60) is the next one's beginning here.
  const seconds = number("seconds");
  if (!(month >= 0 && month < 12) || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const year = fullYear(groups["year"] ?? "", now);
  const at = Date.UTC(year, month, day, hours, minutes, seconds);
  const isThere = day > 0 && day <= new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return isThere ? at - offsetMs(groups["zone"]) : undefined;
}

function monthOf(text: string): number {
  if (/^\d/.test(text)) return Number(text) - 1;
  const at = MONTHS.indexOf(text.toLowerCase());
  return at % 3 === 0 ? at / 3 : -1;
}

/** RFC 9110 §5.6.7: two digits that seem to be more than 50 years ahead are of the past. */
function fullYear(digits: string, now: Date): number {
  if (digits.length !== 2) return Number(digits);
  const century = now.getUTCFullYear() - (now.getUTCFullYear() % 100);
  const year = century + Number(digits);
  return year > now.getUTCFullYear() + 50 ? year - 100 : year;
}

function offsetMs(zone: string | undefined): number {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone ?? "") ?? [];
  const size = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  return sign === "-" ? -size : size;
}
