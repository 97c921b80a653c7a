/**
 * What happens to a delivery after a fault of ours cut an attempt off: its worker died
 * (`interrupted`) or the attempt could not be made at all (`internal`). Neither spends one of the
 * receiver's attempts.
 */

/** A delivery whose attempts end with the death of their worker this often in a row is given up: it may be what kills them. */
export const MAX_INTERRUPTIONS = 10;

const FIRST_INTERNAL_WAIT_MS = 5_000;
const LONGEST_INTERNAL_WAIT_MS = 300_000;

/** Wait after the `faults`-th fault in a row (1 = the first), doubling from 5 s to 5 min. */
export function waitAfterInternalFaultMs(faults: number): number {
  return Math.min(FIRST_INTERNAL_WAIT_MS * 2 ** (faults - 1), LONGEST_INTERNAL_WAIT_MS);
}
