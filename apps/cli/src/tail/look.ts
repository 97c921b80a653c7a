/**
 * One look at the service for `tail`: what is pending, what is in flight, what was accepted lately, and
 * by itself what is in none of these any more. However much there is, a look is at most so many requests.
 */
import { WebhookDeliveryError, type Client, type Delivery } from "@webhook-delivery/client";
import type { Watch } from "./watch.ts";

const PAGE = 200;
const MOST_PAGES = 5;
const MOST_SINGLE_READS = 20;

export interface Looked {
  readonly news: readonly Delivery[];
  /** More was accepted since the last look than it reads. */
  readonly isIncomplete: boolean;
}

export interface LookOptions {
  readonly signal: AbortSignal;
  readonly endpointId: string | undefined;
}

export async function look(
  client: Client,
  watch: Watch,
  { signal, endpointId }: LookOptions,
): Promise<Looked> {
  const isFirst = watch.acceptedSince === undefined;
  const filter = { limit: PAGE, ...(endpointId !== undefined && { endpointId }) };
  const list = (deliveryStatus: "pending" | "sent") =>
    client.deliveries.list({ ...filter, deliveryStatus }, { signal });
  const since = watch.acceptedSince;
  const lately = { ...filter, ...(since !== undefined && { since }) };
  const [pending, sent, accepted] = await Promise.all([
    list("pending"),
    list("sent"),
    readPages(client, lately, { signal, mostPages: isFirst ? 1 : MOST_PAGES }),
  ]);
  const news = watch.take([...pending.deliveries, ...sent.deliveries, ...accepted.deliveries]);
  const left = await readEach(client, watch, signal);
  return { news: [...news, ...watch.take(left)], isIncomplete: accepted.hasMore && !isFirst };
}

async function readPages(
  client: Client,
  query: { readonly limit: number; readonly since?: string },
  { signal, mostPages }: { readonly signal: AbortSignal; readonly mostPages: number },
) {
  const deliveries: Delivery[] = [];
  let cursor: string | null = null;
  for (let count = 0; count < mostPages; count++) {
    const next: { readonly cursor?: string } = cursor === null ? {} : { cursor };
    const page = await client.deliveries.list({ ...query, ...next }, { signal });
    deliveries.push(...page.deliveries);
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  return { deliveries, hasMore: cursor !== null };
}

async function readEach(client: Client, watch: Watch, signal: AbortSignal): Promise<Delivery[]> {
  const read: Delivery[] = [];
  for (const id of watch.unread(MOST_SINGLE_READS)) {
    try {
      read.push(await client.deliveries.get(id, { signal }));
    } catch (error) {
      if (!(error instanceof WebhookDeliveryError) || error.status !== 404) throw error;
      watch.forget(id);
    }
  }
  return read;
}
