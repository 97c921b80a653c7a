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
export const PERMIT_KINDS = ["normal", "trial", "low", "probe"] as const;
export type PermitKind = (typeof PERMIT_KINDS)[number];

/** Handed to a worker by the queue. A hint, never a fact: the lease in the database decides. */
export interface Permit {
  readonly deliveryId: string;
  /** The same for all permits of one destination; Redis gets a hash, since URLs hold secrets. */
  readonly destination: string;
  readonly kind: PermitKind;
}

/** A permit that is not used within this is void, and its delivery free again. */
export const LEASE_MS = 10_000;
