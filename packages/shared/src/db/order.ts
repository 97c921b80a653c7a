/**
 * The lines of ordered endpoints. Every delivery to one gets the next number of its line while the
 * endpoint's row is locked, so numbers become visible in their order. All wait as `held`; only the first
 * that is not finished is let go, and a finished one never comes back under its old number (a manual
 * retry joins the end). So at most one delivery of a line is under way, whoever dies when. The index
 * `webhook_deliveries_one_at_a_time` says so again.
 */
import { NIL_UUID, uuidArray, type Queryable } from "./client.ts";

/**
 * One number per entry of `endpointIds` (which may repeat), in that order; null where the endpoint is
 * not ordered or not there. Must run in the transaction that writes the deliveries.
 */
export async function takeOrderNumbers(
  tx: Queryable,
  endpointIds: readonly string[],
): Promise<(number | null)[]> {
  const wanted = new Map<string, number>();
  for (const id of endpointIds) wanted.set(id, (wanted.get(id) ?? 0) + 1);
  // Locked in one order by everybody, or two fan-outs could wait for each other.
  const rows = await tx<{ id: string; last: number }[]>`
    with wanted as (
      select id, count from jsonb_to_recordset(
        ${JSON.stringify([...wanted].map(([id, count]) => ({ id, count })))}::text::jsonb
      ) as wanted (id uuid, count bigint)
    ), line as (
      select endpoint.id from webhook_endpoints as endpoint join wanted using (id)
      where endpoint.ordered order by endpoint.id for no key update of endpoint
    )
    update webhook_endpoints as endpoint set last_order_no = last_order_no + wanted.count
    from line join wanted using (id)
    where endpoint.id = line.id
    returning endpoint.id, endpoint.last_order_no::float8 as last`;
  const next = new Map(rows.map(({ id, last }) => [id, last - (wanted.get(id) ?? 0)]));
  return endpointIds.map((id) => {
    const before = next.get(id);
    if (before === undefined) return null;
    next.set(id, before + 1);
    return before + 1;
  });
}

/**
 * For who takes numbers for several events in one transaction: locks their lines in the order in which
 * everybody locks them, or it and a fan-out could wait for each other. `clientIds`: all lines of these
 * clients, null being the operator.
 */
export async function lockLines(
  tx: Queryable,
  of: {
    readonly endpointIds: readonly string[];
    readonly clientIds: readonly (string | null)[];
  },
): Promise<void> {
  const clients = uuidArray(of.clientIds.map((id) => id ?? NIL_UUID));
  await tx`
    select from webhook_endpoints
    -- In subselects the lists are read once, not for every row.
    where ordered and (
      id = any (array(select unnest(${uuidArray(of.endpointIds)}::text::uuid[])))
      or coalesce(client_id, '00000000-0000-0000-0000-000000000000')
        = any (array(select unnest(${clients}::text::uuid[])))
    )
    order by id for no key update`;
}

/** Lets the first of each of these lines go; how many there were. */
export async function advanceLines(
  sql: Queryable,
  endpointIds: readonly string[],
): Promise<number> {
  const advanced = await sql`
    update webhook_deliveries as delivery
    set held = false, next_retry_at = now()
    from unnest(${uuidArray(endpointIds)}::text::uuid[]) as line (endpoint_id), ${headOfLine(sql)}
    where delivery.id = head.id and delivery.held and delivery.status = 'pending'`;
  return advanced.count;
}

/**
 * The same for every line, for what a dying process left standing. Lines whose endpoint is no longer
 * ordered, or gone, are let go altogether, `limit` at a time.
 */
export async function advanceAllLines(sql: Queryable, limit: number): Promise<void> {
  await sql`
    with recursive line as (
      (select endpoint_id from webhook_deliveries
       where order_no is not null and status in ('pending', 'sent')
       order by endpoint_id limit 1)
      union all
      select (select delivery.endpoint_id from webhook_deliveries as delivery
              where order_no is not null and status in ('pending', 'sent')
                and delivery.endpoint_id > line.endpoint_id
              order by delivery.endpoint_id limit 1)
      from line where line.endpoint_id is not null
    ), judged as (
      select line.endpoint_id, coalesce(endpoint.ordered, false) as is_ordered
      from line left join webhook_endpoints as endpoint on endpoint.id = line.endpoint_id
      where line.endpoint_id is not null
    ), free as (
      select head.id, true as stays_in_line from judged as line, ${headOfLine(sql)}
      where is_ordered and head.held
      union all
      (select delivery.id, false from judged join webhook_deliveries as delivery
         on delivery.endpoint_id = judged.endpoint_id
           and delivery.order_no is not null and delivery.status in ('pending', 'sent')
       where not is_ordered and delivery.held limit ${limit})
    )
    update webhook_deliveries as delivery
    set held = false, next_retry_at = now(),
        order_no = case when stays_in_line then order_no end
    from free where delivery.id = free.id and delivery.held and delivery.status = 'pending'`;
}

/** The first of `line` that is not finished. */
function headOfLine(sql: Queryable) {
  return sql`lateral (
    select id, held from webhook_deliveries
    where endpoint_id = line.endpoint_id and order_no is not null and status in ('pending', 'sent')
    order by order_no limit 1
  ) as head`;
}
