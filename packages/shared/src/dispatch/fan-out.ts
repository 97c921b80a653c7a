/**
 * Makes an event's deliveries: one for each endpoint that subscribes to it, in the transaction that
 * publishes it. Endpoints that are disabled get a row too, which has failed, so that nothing vanishes.
 */
import { v7 as uuidv7 } from "uuid";
import { FORMATS, resolveFormat, type FormatName } from "../core/formats/registry.ts";
import { timeOfId } from "../core/ids.ts";
import type { Queryable } from "../db/client.ts";
import { insertDeliveries, type DeliveryContent, type NewDelivery } from "../db/deliveries.ts";
import { findSubscribers, type EndpointTarget } from "../db/endpoint-targets.ts";
import type { WebhookEvent } from "../db/events.ts";
import { takeOrderNumbers } from "../db/order.ts";

export interface FannedOut {
  /** Of the deliveries that will be made. */
  readonly deliveryIds: readonly string[];
  /** Of the rows that stand for disabled endpoints. */
  readonly disabledIds: readonly string[];
  /** Lines to move on after the commit. */
  readonly orderedEndpointIds: readonly string[];
}

export interface FanOutOptions {
  /** Whom it goes to, for who knows already. */
  readonly subscribers?: readonly EndpointTarget[];
  readonly defaultMaxAttempts: number;
  /** The row of the outbox that asked for it. */
  readonly outboxMessageId?: string;
}

/** One statement carries this many rows. */
const CHUNK = 2_000;

export async function fanOut(
  tx: Queryable,
  event: WebhookEvent & { readonly dataText: string },
  { defaultMaxAttempts, outboxMessageId, ...options }: FanOutOptions,
): Promise<FannedOut> {
  const subscribers = options.subscribers ?? (await findSubscribers(tx, event));
  const inLine = subscribers.filter(({ ordered, enabled }) => ordered && enabled);
  const orderNos = new Map<string, number | null>();
  if (inLine.length > 0) {
    const ids = inLine.map(({ id }) => id);
    const numbers = await takeOrderNumbers(tx, ids);
    for (const [index, id] of ids.entries()) orderNos.set(id, numbers[index] ?? null);
  }
  const contents = new Map<FormatName, DeliveryContent>();
  const rows = subscribers.map((endpoint): NewDelivery => {
    const format = resolveFormat(endpoint.format, endpoint.url);
    const content = contents.get(format) ?? contentOf(event, format);
    contents.set(format, content);
    const id = uuidv7();
    return {
      id,
      clientId: event.clientId,
      endpointId: endpoint.id,
      leadId: null,
      eventId: event.eventId,
      eventType: event.type,
      webhookUrl: endpoint.url,
      content,
      format,
      secretEncrypted: null,
      maxAttempts: endpoint.maxAttempts ?? defaultMaxAttempts,
      hasOwnMaxAttempts: false,
      isTestDelivery: false,
      metadataText: null,
      createdAt: timeOfId(id),
      idempotency: null,
      orderNo: orderNos.get(endpoint.id) ?? null,
      isEndpointDisabled: !endpoint.enabled,
      outboxMessageId: outboxMessageId ?? null,
    };
  });
  for (let at = 0; at < rows.length; at += CHUNK) {
    await insertDeliveries(tx, rows.slice(at, at + CHUNK));
  }
  return {
    deliveryIds: rows.filter((row) => !row.isEndpointDisabled).map(({ id }) => id),
    disabledIds: rows.filter((row) => row.isEndpointDisabled).map(({ id }) => id),
    orderedEndpointIds: [...orderNos.keys()],
  };
}

/** The same for every endpoint of one format. */
function contentOf(
  event: WebhookEvent & { readonly dataText: string },
  format: FormatName,
): DeliveryContent {
  const { dataText } = event;
  const { text: body } = FORMATS[format].write({
    eventType: event.type,
    timestamp: event.occurredAt.toISOString(),
    subject: { kind: "payload", payloadText: dataText },
  });
  return { payloadText: dataText, body };
}
