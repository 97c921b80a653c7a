/**
 * The list of deliveries, newest first. Pages are cut by id (UUID v7), so that a page is the same
 * however many rows came since, and `since`/`until` are id ranges: no filter needs a sort.
 *
 * Every query names the order even where only a number is wanted: it keeps the planner on the index
 * that has it, whatever it believes about how rows are spread. Text is looked for in delivery-search.ts.
 */
import { uuidArray, type Queryable } from "./client.ts";
import { columns, type Delivery } from "./deliveries.ts";
import { newestIds, type DeliveryFilter, type ExactFilter, type Page } from "./delivery-filter.ts";
import { countFound, findNewest } from "./delivery-search.ts";

/** Counting stops here: an exact total of millions would cost more than it tells. */
export const TOTAL_CAP = 10_000;

export async function listDeliveries(
  sql: Queryable,
  filter: DeliveryFilter,
  page: Page,
): Promise<Delivery[]> {
  const { q, ...exact } = filter;
  const ids =
    q === undefined
      ? sql`array(${newestIds(sql, exact, page)})`
      : sql`${uuidArray(await findNewest(sql, { q, exact, enough: TOTAL_CAP }, page))}::text::uuid[]`;
  // By an array, which can only mean the primary key.
  return sql<Delivery[]>`
    select ${columns(sql)} from webhook_deliveries where id = any (${ids}) order by id desc`;
}

/** Exact up to TOTAL_CAP; TOTAL_CAP + 1 means "more". */
export async function countDeliveries(sql: Queryable, filter: DeliveryFilter): Promise<number> {
  const { q, ...exact } = filter;
  if (q !== undefined) return countFound(sql, { q, exact, enough: TOTAL_CAP });
  if (isInSums(exact)) return countInSums(sql, exact);
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count
    from (${newestIds(sql, exact, { limit: TOTAL_CAP + 1, beforeId: undefined })}) as capped`;
  return row?.count ?? 0;
}

type InSums = ExactFilter & { readonly endpointId: string; readonly eventType: string };

/** A busy endpoint's deliveries of one type are the only pair that no index has together. */
function isInSums(filter: ExactFilter): filter is InSums {
  const { endpointId, eventType, status, ...others } = filter;
  if (endpointId === undefined || eventType === undefined) return false;
  if (status === "pending" || status === "sent") return false;
  return Object.values(others).every((value) => value === undefined);
}

async function countInSums(
  sql: Queryable,
  { endpointId, eventType, status }: InSums,
): Promise<number> {
  const counted = sql(status ?? "total");
  const [row] = await sql<{ count: number }[]>`
    select least(coalesce(sum(count), 0), ${TOTAL_CAP + 1})::int as count from (
      select ${counted} as count from delivery_stats
      where scope_id = ${endpointId} and grain = 'day' and event_type = ${eventType}
      union all
      select ${counted} from delivery_stat_deltas
      where endpoint_id = ${endpointId} and event_type = ${eventType}
    ) as counts`;
  return row?.count ?? 0;
}
