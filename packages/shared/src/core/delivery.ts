/**
 * The states of a delivery and the moves between them. The same table stands in the database as the
 * trigger `delivery_status_moves` (migrations/), which refuses any other move whoever writes it.
 *
 *   pending ──claim──▶ sent ──2xx──▶ success
 *      ▲ ▲              │ └─given up─▶ failed
 *      │ └──try again───┘
 *      ├──────────────manual retry── success, failed, cancelled
 *      ├──cancel, endpoint deleted──▶ cancelled
 *      └──endpoint disabled──▶ failed
 */
export const DELIVERY_STATUSES = ["pending", "sent", "success", "failed", "cancelled"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

export const DELIVERY_MOVES: Readonly<Record<DeliveryStatus, readonly DeliveryStatus[]>> = {
  pending: ["sent", "cancelled", "failed"],
  sent: ["pending", "success", "failed"],
  success: ["pending"],
  failed: ["pending"],
  cancelled: ["pending"],
};

export const ERROR_TYPES = [
  "network",
  "timeout",
  "http",
  "blocked",
  "internal",
  "interrupted",
] as const;
/** Why an attempt did not succeed; `internal` and `interrupted` are our own faults. */
export type ErrorType = (typeof ERROR_TYPES)[number];

export const DELIVERY_ERROR_TYPES = [...ERROR_TYPES, "endpoint_disabled"] as const;
/** Why a delivery has not succeeded: its last attempt's error, or why none was made. */
export type DeliveryErrorType = (typeof DELIVERY_ERROR_TYPES)[number];

export const MIN_ATTEMPTS = 1;
export const MAX_ATTEMPTS = 10;

/** The event type of a delivery whose caller named none. */
export const DEFAULT_EVENT_TYPE = "lead.captured";
