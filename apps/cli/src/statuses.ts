/** States that the service's answers can name, as options may name them; checked against its types. */
import type { Delivery, Destination, NewReplay } from "@webhook-delivery/client";

type Status = Delivery["status"];

export const DELIVERY_STATUSES = [
  "pending",
  "sent",
  "success",
  "failed",
  "cancelled",
] as const satisfies readonly Status[];

export const REPLAYABLE_STATUSES = [
  "failed",
  "success",
  "cancelled",
] as const satisfies readonly NonNullable<NewReplay["deliveryStatus"]>[];

export const DESTINATION_STATES = [
  "closed",
  "open",
  "half_open",
] as const satisfies readonly Destination["state"][];

/** Nothing more happens to it unless somebody asks for it. */
export function isFinished(status: Status): boolean {
  return status === "success" || status === "failed" || status === "cancelled";
}
