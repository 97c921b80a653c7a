/**
 * What the scheduler says when it lets a delivery start. A permit is a row of `delivery_leases` while it
 * waits, and stands in the delivery's row while its attempt is in flight.
 *
 * - `normal`: its destination is known to answer soon and well.
 * - `trial`: nothing is known of its destination, or it is a test.
 * - `low`: its destination is slow, failing, half open or has a rate of its own; it starts where the others
 *   leave room.
 * - `probe`: the one delivery that finds out whether an open circuit's destination is back.
 */
import { createHash } from "node:crypto";

export const PERMIT_KINDS = ["normal", "trial", "low", "probe"] as const;
export type PermitKind = (typeof PERMIT_KINDS)[number];

/** Handed to a worker by the queue. A hint, never a fact: the lease in the database decides. */
export interface Permit {
  readonly deliveryId: string;
  /** The same for all permits of one destination; see `destinationKey`. */
  readonly destinationKey: string;
  readonly kind: PermitKind;
}

/** A permit that is not used within this is void, and its delivery free again. */
export const LEASE_MS = 10_000;

const KEY_CHARACTERS = 16;

/** Tells destinations apart and says nothing about them: a URL may hold a secret, and Redis is to hold none. */
export function destinationKey(destination: string): string {
  return createHash("sha256").update(destination).digest("base64url").slice(0, KEY_CHARACTERS);
}
