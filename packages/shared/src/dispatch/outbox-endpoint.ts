/**
 * Rows of the outbox that name their endpoint: each becomes what POST /webhook-delivery would have made
 * of it, with the operator's or the client's key. Those that follow each other are written together.
 */
import type { Queryable } from "../db/client.ts";
import { insertDeliveries, type NewDelivery } from "../db/deliveries.ts";
import { takeOrderNumbers } from "../db/order.ts";
import type { WaitingMessage } from "../db/outbox.ts";
import { eventTypeOf } from "../core/outbox.ts";
import {
  buildRow,
  resolveDelivery,
  type AcceptDeps,
  type DeliveryRequest,
} from "./accept-delivery.ts";
import type { Lookups } from "./outbox-lookups.ts";
import { noSuchEndpoint } from "./register-endpoint.ts";

/** A delivery that has no place in its endpoint's line yet. */
export interface UnwrittenDelivery {
  readonly row: NewDelivery;
  readonly lineOf: readonly string[];
}

/** Throws `endpoint_not_found`, `invalid_payload`. */
export async function toEndpoint(
  { deps, tx, lookups }: BuildParts,
  message: WaitingMessage,
  endpointId: string,
): Promise<UnwrittenDelivery> {
  const { id: messageId, createdAt } = message;
  const target = lookups.targetOf(message);
  if (target === undefined) noSuchEndpoint();
  const resolved = resolveDelivery(requestFor(message, endpointId), {
    kind: "endpoint",
    ...target,
  });
  const outbox = { messageId, createdAt };
  const row = await buildRow(deps, tx, { resolved, orderNo: null, outbox });
  return { row, lineOf: resolved.lineOf };
}

export interface BuildParts {
  readonly deps: Pick<AcceptDeps, "encryptionKeys" | "defaultMaxAttempts">;
  readonly tx: Queryable;
  readonly lookups: Lookups;
}

/** In that order, also in their lines. Lines to move on after the commit. */
export async function writeInLine(
  tx: Queryable,
  deliveries: readonly UnwrittenDelivery[],
): Promise<string[]> {
  const endpointIds = deliveries.flatMap(({ lineOf }) => lineOf);
  const numbers = endpointIds.length === 0 ? [] : await takeOrderNumbers(tx, endpointIds);
  let next = 0;
  const rows = deliveries.map(({ row, lineOf }) =>
    lineOf.length === 0 ? row : { ...row, orderNo: numbers[next++] ?? null },
  );
  if (rows.length > 0) await insertDeliveries(tx, rows);
  return endpointIds;
}

function requestFor(message: WaitingMessage, endpointId: string): DeliveryRequest {
  const { clientId, dataText: payloadText } = message;
  return {
    caller: clientId === null ? { kind: "operator" } : { kind: "client", clientId },
    target: { kind: "endpoint", endpointId },
    content: { kind: "payload", payloadText, leadId: null },
    eventType: eventTypeOf(message),
    format: "auto",
    maxAttempts: null,
    metadataText: null,
    isTestDelivery: false,
    idempotency: null,
    leadChanges: null,
    campaignName: null,
    customFields: {},
  };
}
