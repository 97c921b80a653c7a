/** A rate as a number of starts in a window, so that no second ever holds more of them. */
export interface RateWindow {
  readonly starts: number;
  readonly windowMs: number;
  /** Between starts, when they come evenly. */
  readonly spacingMs: number;
  /** Of `starts`, left for those that are in a hurry. */
  readonly reserve: number;
}

/**
 * Starts are spread over a little more than a second: on the wire they are later than their place by
 * what a connection and a busy machine take, and not always by the same.
 */
export const SECOND_WITH_MARGIN_MS = 1_035;
/** More than this in one window would make its row long; then the windows are shorter. */
const MOST_STARTS = 100;
/** That many windows of a part of 1,035 ms never begin in one second more than there are parts. */
const MOST_PARTS = 28;
const SHARE_IN_RESERVE = 0.2;

export function rateWindow(ratePerSecond: number): RateWindow {
  const parts = Math.min(MOST_PARTS, Math.max(1, Math.ceil(ratePerSecond / MOST_STARTS)));
  const starts = Math.max(1, Math.floor(ratePerSecond / parts));
  const spacingMs = SECOND_WITH_MARGIN_MS / ratePerSecond;
  // Also of a rate that is no whole number, and of one below 1.
  const windowMs = Math.max(SECOND_WITH_MARGIN_MS / parts, starts * spacingMs);
  const reserve = Math.min(starts - 1, Math.ceil(starts * SHARE_IN_RESERVE));
  return { starts, windowMs, spacingMs, reserve };
}
