/** One page of the list of deliveries; also an endpoint's. */
import { Type, type Static } from "typebox";
import { decodeCursor, encodeCursor } from "@webhook-delivery/shared/core/cursor.ts";
import { timeOf } from "@webhook-delivery/shared/core/time.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  countDeliveries,
  listDeliveries,
  TOTAL_CAP,
} from "@webhook-delivery/shared/db/delivery-list.ts";
import { deliveryJson } from "./delivery-json.ts";
import { DeliverySchema, PageFields, Success, type DeliveryListQuery } from "./schemas.ts";

const DEFAULT_LIMIT = 50;

export const DeliveryPage = Success({ deliveries: Type.Array(DeliverySchema), ...PageFields });

type Undefinable<T> = { readonly [K in keyof T]: T[K] | undefined };
export type PageQuery = Undefinable<Static<typeof DeliveryListQuery>>;

export async function listPage(sql: Sql, query: PageQuery) {
  const { limit = DEFAULT_LIMIT, cursor, since, until, deliveryStatus, status, ...rest } = query;
  const filter = {
    ...rest,
    status: deliveryStatus ?? status,
    since: since === undefined ? undefined : timeOf(since),
    until: until === undefined ? undefined : timeOf(until),
  };
  const beforeId = cursor === undefined ? undefined : decodeCursor(cursor);
  const [found, total] = await Promise.all([
    listDeliveries(sql, filter, { limit: limit + 1, beforeId }),
    countDeliveries(sql, filter),
  ]);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    status: "success" as const,
    deliveries: page.map(deliveryJson),
    total: Math.min(total, TOTAL_CAP),
    ...(total > TOTAL_CAP && { totalIsCapped: true }),
    nextCursor: found.length > limit && last ? encodeCursor(last.id) : null,
  };
}
