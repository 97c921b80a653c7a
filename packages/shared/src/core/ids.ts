/**
 * Ids are UUIDs of version 7 (RFC 9562 §5.7): their first 48 bits are the Unix time in milliseconds,
 * so that id order is the order of acceptance and a time range is an id range.
 */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const LARGEST_TIME_MS = 2 ** 48 - 1;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The smallest id a moment can have: ids made at or after it are ≥, ids made before it are <. */
export function smallestIdAt(at: Date): string {
  const timeMs = Math.min(Math.max(at.getTime(), 0), LARGEST_TIME_MS);
  const hex = timeMs.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** When a version 7 id was made, to the millisecond. */
export function timeOfId(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}
