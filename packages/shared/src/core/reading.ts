/** What a vendor means by an answer, where it is not what HTTP says. */
import { isObject } from "./exact-json.ts";

export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its beginning. */
  readonly body: string;
}

export interface Reading {
  /** It has the delivery, whatever the status says. */
  readonly isDelivered?: boolean;
  readonly isWorthRetrying: boolean;
  /** Asked for, from now on; 0: nothing is asked for. */
  readonly waitMs: number;
  /** `destination`: whatever else goes there had better slow down too. */
  readonly concerns: "destination" | "delivery";
  /** For people: a delivery's `lastError`; undefined: there is nothing to say but the status. */
  readonly message?: string;
}

/**
 * RFC 9110 §15.5.9 (a request that came too slowly may be repeated), RFC 8470 §5.2 (the same, later), RFC
 * 6585 §4, and the server's own failures.
 */
export function isTemporary(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** How much of an answer's body is read for it, in characters. */
export const READ_CHARACTERS = 4_096;
const MOST_QUOTED_CHARACTERS = 300;

/** What a vendor wrote for people, on one line, not too long, and fit to be stored and shown. */
export function quote(text: string): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim();
  const points = Array.from(line);
  if (points.length <= MOST_QUOTED_CHARACTERS) return line;
  return `${points.slice(0, MOST_QUOTED_CHARACTERS).join("")}…`;
}

/** Where another sentence follows. */
export function ended(text: string): string {
  return /[.!?…]$/u.test(text) ? text : `${text}.`;
}

/** The JSON object that an answer's body is; undefined: it is none, or not all of it was read. */
export function objectIn(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    // A vendor's proxy answers with a page as well.
    return undefined;
  }
}
