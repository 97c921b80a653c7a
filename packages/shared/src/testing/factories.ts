/** Valid things with nothing in them but what a test is about. */
import { randomBytes, randomUUID } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { Queryable } from "../db/client.ts";
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
    outboxMessageId: null,
    ...also,
  };
}

interface EndpointColumns {
  readonly ordered?: boolean;
  readonly enabled?: boolean;
  readonly rate_limit_per_second?: number;
  readonly max_in_flight?: number;
}

/** A row as registerEndpoint would write it; its id. */
export async function insertEndpoint(sql: Queryable, also: EndpointColumns = {}): Promise<string> {
  const id = randomUUID();
  const disabled =
    also.enabled === false ? { disabled_reason: "manual", disabled_at: new Date() } : {};
  const row = { id, url: "https://example.com/", secrets_encrypted: Buffer.alloc(0) };
  await sql`insert into webhook_endpoints ${sql({ ...row, ...also, ...disabled })}`;
  await sql`insert into webhook_endpoint_health (endpoint_id) values (${id})`;
  return id;
}
