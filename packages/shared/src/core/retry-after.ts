/** RFC 9110 §10.2.3: `Retry-After` is a number of seconds or an HTTP date. */

const IMF_FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
// A value this long cannot be a wait that anybody means; it keeps the number finite.
const DELAY_SECONDS = /^\d{1,10}(?:\.\d{1,3})?$/;

/** Milliseconds from `now` (never negative), or undefined when the header is absent or unreadable. */
export function parseRetryAfterMs(value: string | undefined, now: Date): number | undefined {
  const text = value?.trim();
  if (text === undefined || text === "") return undefined;
  if (DELAY_SECONDS.test(text)) return Number(text) * 1000;
  if (!IMF_FIXDATE.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
