/** Valid things with nothing in them but what a test is about. */
import { randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { NewDelivery } from "../db/deliveries.ts";
import type { Hook } from "./receiver.ts";

/** The body of a request for a delivery to `hook`. */
export function deliveryTo(hook: Pick<Hook, "url">, also: Readonly<Record<string, unknown>> = {}) {
  return { webhookUrl: hook.url, payload: { greeting: "hello" }, format: "raw", ...also };
}

export function standardSecret(): string {
  return `whsec_${randomBytes(24).toString("base64")}`;
}

export function plainSecret(): string {
  return `plain-${randomBytes(12).toString("hex")}`;
}

export function encryptionKey(): string {
  return randomBytes(32).toString("base64");
}

/** A row as acceptDelivery would write it, accepted now and unsigned. */
export function newDelivery(also: Partial<NewDelivery> = {}): NewDelivery {
  return {
    // Of the time at which it was accepted, as everywhere; those of one moment in their order.
    id: also.createdAt === undefined ? uuidv7() : uuidv7({ msecs: also.createdAt.getTime() }),
    clientId: null,
    endpointId: null,
    leadId: null,
    eventId: null,
    eventType: "lead.captured",
    webhookUrl: "https://example.com/",
    content: { payloadText: "{}", body: "{}" },
    format: "raw",
    secretEncrypted: null,
    maxAttempts: 4,
    hasOwnMaxAttempts: true,
    isTestDelivery: false,
    metadataText: null,
    createdAt: new Date(),
    idempotency: null,
    orderNo: null,
    isEndpointDisabled: false,
    queuedForMs: 0,
    ...also,
  };
}
