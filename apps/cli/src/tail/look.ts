/**
 * One look at the service for `tail`: what is pending, what is in flight, what was accepted lately, and
 * by itself what is in none of these any more. However much there is, a look is at most so many requests.
 */
import {
  WebhookDeliveryError,
  type Client,
  type Delivery,
  type DeliveryQuery,
} from "@webhook-delivery/client";
import { MOST_ON_A_PAGE } from "../page-options.ts";
import type { Watch } from "./watch.ts";

const MOST_PAGES = { pending: 5, sent: 1, accepted: 10 } as const;
/** As many as the service starts in a second by default: so many may finish between two looks. */
const MOST_SINGLE_READS = 50;
const SINGLE_READS_AT_ONCE = 10;

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
  const { acceptedSince: since, hasBegun } = watch;
  const filter = { limit: MOST_ON_A_PAGE, ...(endpointId !== undefined && { endpointId }) };
  const read = (
    query: DeliveryQuery,
    mostPages: number,
    isEnough: PagesOptions["isEnough"] = isNever,
  ) => readPages(client, { ...filter, ...query }, { signal, mostPages, isEnough });
  const isKnown = (page: readonly Delivery[]) => page.every(({ id }) => watch.knows(id));
  const [pending, sent, accepted] = await Promise.all([
    read({ deliveryStatus: "pending" }, MOST_PAGES.pending),
    read({ deliveryStatus: "sent" }, MOST_PAGES.sent),
    // What was there before is no news: of the first look a page will do.
    hasBegun
      ? read({ ...(since !== undefined && { since }) }, MOST_PAGES.accepted, isKnown)
      : read({}, 1),
  ]);
  const news = watch.take([...pending.deliveries, ...sent.deliveries, ...accepted.deliveries]);
  const left = await readEach(client, watch, signal);
  return { news: [...news, ...watch.take(left)], isIncomplete: accepted.hasMore && hasBegun };
}

const isNever = (): boolean => false;

interface PagesOptions {
  readonly signal: AbortSignal;
  readonly mostPages: number;
  readonly isEnough: (page: readonly Delivery[]) => boolean;
}

async function readPages(
  client: Client,
  query: DeliveryQuery,
  { signal, mostPages, isEnough }: PagesOptions,
) {
  const deliveries: Delivery[] = [];
  let cursor: string | null = null;
  for (let count = 0; count < mostPages; count++) {
    const next: { readonly cursor?: string } = cursor === null ? {} : { cursor };
    const page = await client.deliveries.list({ ...query, ...next }, { signal });
    deliveries.push(...page.deliveries);
    cursor = page.nextCursor;
    if (cursor === null || isEnough(page.deliveries)) return { deliveries, hasMore: false };
  }
  return { deliveries, hasMore: true };
}

async function readEach(client: Client, watch: Watch, signal: AbortSignal): Promise<Delivery[]> {
  const read: Delivery[] = [];
  const ids = watch.unread(MOST_SINGLE_READS);
  for (let start = 0; start < ids.length; start += SINGLE_READS_AT_ONCE) {
    const some = ids.slice(start, start + SINGLE_READS_AT_ONCE);
    const found = await Promise.all(some.map((id) => readOne(client, id, signal)));
    for (const [index, id] of some.entries()) {
      const delivery = found[index];
      if (delivery === undefined) watch.forget(id);
      else read.push(delivery);
    }
  }
  return read;
}

/** Undefined: it is not there any more. */
async function readOne(
  client: Client,
  id: string,
  signal: AbortSignal,
): Promise<Delivery | undefined> {
  try {
    return await client.deliveries.get(id, { signal });
  } catch (error) {
    if (error instanceof WebhookDeliveryError && error.status === 404) return undefined;
    throw error;
  }
}
