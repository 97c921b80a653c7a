/**
 * Queries on `replays`. A replay's row is all there is of it: what was asked for, how far it has come,
 * and when its next step is due.
 */
import { smallestIdAt } from "../core/ids.ts";
import { NIL_UUID, type Queryable } from "./client.ts";

export const REPLAYABLE_STATUSES = ["failed", "success", "cancelled"] as const;
export const REPLAY_STATES = ["running", "completed", "cancelled"] as const;

/** Which deliveries; null: not filtered by. */
export interface ReplayFilter {
  readonly clientId: string | null;
  readonly since: Date;
  /** Exclusive. */
  readonly until: Date;
  readonly endpointId: string | null;
  readonly eventType: string | null;
  readonly deliveryStatus: (typeof REPLAYABLE_STATUSES)[number];
}

export interface Replay extends ReplayFilter {
  readonly id: string;
  readonly state: (typeof REPLAY_STATES)[number];
  /** Null: not counted yet. */
  readonly matched: number | null;
  readonly replayed: number;
  readonly skipped: number;
  readonly ratePerSecond: number;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

/** With the last delivery it has looked at. */
export type RunningReplay = Replay & { readonly position: string | null };

interface ReplayKey {
  readonly id: string;
  /** Only if it is this client's; undefined: whosever it is. */
  readonly clientId: string | undefined;
}

export async function insertReplay(
  sql: Queryable,
  replay: ReplayFilter & { readonly id: string; readonly ratePerSecond: number },
): Promise<Replay> {
  const { id, clientId, since, until, endpointId, eventType } = replay;
  const [row] = await sql<[Replay]>`
    insert into replays
      (id, client_id, since, until, endpoint_id, event_type, delivery_status, rate_per_second)
    values (${id}, ${clientId}, ${since}, ${until}, ${endpointId}, ${eventType},
      ${replay.deliveryStatus}, ${replay.ratePerSecond})
    returning ${columns(sql)}`;
  return row;
}

export async function findReplay(sql: Queryable, key: ReplayKey): Promise<Replay | undefined> {
  const [row] = await sql<Replay[]>`select ${columns(sql)} from replays where ${isThis(sql, key)}`;
  return row;
}

/** Newest first. */
export async function listReplays(
  sql: Queryable,
  clientId: string | undefined,
  page: { readonly limit: number; readonly beforeId: string | undefined },
): Promise<Replay[]> {
  const before = page.beforeId === undefined ? sql`` : sql`and id < ${page.beforeId}`;
  return sql<Replay[]>`
    select ${columns(sql)} from replays where ${isOf(sql, clientId)} ${before}
    order by id desc limit ${page.limit}`;
}

/** Counting stops here; REPLAYS_CAP + 1 means "more". */
export const REPLAYS_CAP = 10_000;

export async function countReplays(sql: Queryable, clientId: string | undefined): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from (
      select from replays where ${isOf(sql, clientId)} limit ${REPLAYS_CAP + 1}
    ) as capped`;
  return row?.count ?? 0;
}

/** Undefined: it is not there, or not running any more. Waits for no step that is under way. */
export async function cancelReplay(sql: Queryable, key: ReplayKey): Promise<Replay | undefined> {
  const [row] = await sql<Replay[]>`
    update replays set state = 'cancelled', finished_at = now()
    where ${isThis(sql, key)} and state = 'running'
    returning ${columns(sql)}`;
  return row;
}

/** Those that have waited longest first. */
export async function listDueReplays(sql: Queryable, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from replays where state = 'running' and next_step_at <= now()
    order by next_step_at limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** Milliseconds until the next step of any; undefined: none runs. */
export async function nextReplayStepInMs(sql: Queryable): Promise<number | undefined> {
  const [row] = await sql<{ dueInMs: number | null }[]>`
    select (extract(epoch from min(next_step_at) - now()) * 1000)::float8 as "dueInMs"
    from replays where state = 'running'`;
  return row?.dueInMs ?? undefined;
}

/**
 * Until the transaction ends this replay's steps are this one's. The lock is not on the row, which
 * others may want to cancel meanwhile. Undefined: another worker has it, or there is nothing to do.
 *
 * Its matches are looked for with a plan of their own: one for any filter reads the table in id order
 * and found a type without a match after 360 ms in a million rows, instead of half a millisecond.
 */
export async function takeDueReplay(tx: Queryable, id: string): Promise<RunningReplay | undefined> {
  const [lock] = await tx<{ isOurs: boolean }[]>`
    select pg_try_advisory_xact_lock(hashtextextended(${`replay ${id}`}, 0)) as "isOurs",
      set_config('plan_cache_mode', 'force_custom_plan', true)`;
  if (lock?.isOurs !== true) return undefined;
  const [row] = await tx<RunningReplay[]>`
    select ${columns(tx)}, position from replays
    where id = ${id} and state = 'running' and next_step_at <= now()`;
  return row;
}

/** What matched when the replay was made and still does. */
export async function countMatches(tx: Queryable, replay: RunningReplay): Promise<number> {
  const [row] = await tx<{ count: number }[]>`
    select count(*)::float8 as count from webhook_deliveries where ${matches(tx, replay)}`;
  return row?.count ?? 0;
}

export interface Match {
  readonly id: string;
  readonly endpointId: string | null;
  /** False: its endpoint is disabled or gone. */
  readonly canStart: boolean;
}

/** The next ones in the order of acceptance. */
export async function listNextMatches(
  tx: Queryable,
  replay: RunningReplay,
  limit: number,
): Promise<Match[]> {
  return tx<Match[]>`
    select delivery.id, endpoint_id as "endpointId",
      endpoint_id is null or coalesce(endpoint.enabled, false) as "canStart"
    from (
      select id, endpoint_id from webhook_deliveries
      where ${matches(tx, replay)} and id > ${replay.position ?? NIL_UUID}
      order by id limit ${limit}
    ) as delivery
    left join webhook_endpoints as endpoint on endpoint.id = endpoint_id
    order by delivery.id`;
}

export interface ReplayStep {
  readonly matched?: number;
  readonly started?: number;
  readonly skipped?: number;
  /** Undefined: where it was. */
  readonly position?: string | undefined;
  readonly waitMs: number;
  readonly isLast: boolean;
}

/** A step that comes late is made up for, by no more than this. */
const CATCH_UP_MS = 500;

/** False: it was cancelled, or has moved on without us: nothing of the step may stay. */
export async function recordReplayStep(
  tx: Queryable,
  { id, position }: Pick<RunningReplay, "id" | "position">,
  step: ReplayStep,
): Promise<boolean> {
  const { started = 0, skipped = 0 } = step;
  // The time that the counting took is no part of the rate.
  const catchUpMs = step.matched === undefined ? CATCH_UP_MS : 0;
  const moved = await tx`
    update replays
    set matched = greatest(coalesce(${step.matched ?? null}::bigint, matched),
          replayed + skipped + ${started + skipped}),
        replayed = replayed + ${started},
        -- In the end also those that matched once and did not when their turn came.
        skipped = case when ${step.isLast}
          then greatest(matched - replayed - ${started}, skipped + ${skipped})
          else skipped + ${skipped} end,
        position = ${step.position ?? position},
        next_step_at = ${step.waitMs} * interval '1 millisecond'
          + greatest(next_step_at, clock_timestamp() - ${catchUpMs} * interval '1 millisecond'),
        state = case when ${step.isLast} then 'completed' else state end,
        finished_at = case when ${step.isLast} then now() end
    where id = ${id} and state = 'running' and position is not distinct from ${position}::uuid`;
  return moved.count === 1;
}

/**
 * Deliveries that were in that state when the replay was made and have not moved since: what it starts
 * itself, and what fails meanwhile, is not for it.
 */
function matches(tx: Queryable, replay: RunningReplay) {
  const { id, since, until, clientId, endpointId, eventType, deliveryStatus } = replay;
  return tx`
    webhook_deliveries.id >= ${smallestIdAt(since)} and webhook_deliveries.id < ${smallestIdAt(until)}
    and status = ${status(tx, deliveryStatus)}
    and updated_at <= (select created_at from replays where id = ${id})
    ${clientId === null ? tx`` : tx`and client_id = ${clientId}`}
    ${endpointId === null ? tx`` : tx`and endpoint_id = ${endpointId}`}
    ${eventType === null ? tx`` : tx`and event_type = ${eventType}`}`;
}

/** Written out: the partial indexes are of use only where the planner reads the state. */
function status(sql: Queryable, deliveryStatus: Replay["deliveryStatus"]) {
  switch (deliveryStatus) {
    case "failed":
      return sql`'failed'`;
    case "success":
      return sql`'success'`;
    case "cancelled":
      return sql`'cancelled'`;
  }
}

function isThis(sql: Queryable, { id, clientId }: ReplayKey) {
  return sql`id = ${id} and ${isOf(sql, clientId)}`;
}

function isOf(sql: Queryable, clientId: string | undefined) {
  return clientId === undefined ? sql`true` : sql`client_id = ${clientId}`;
}

/** The columns of `Replay`, under its names. */
function columns(sql: Queryable) {
  return sql`
    id, client_id as "clientId", since, until, endpoint_id as "endpointId",
    event_type as "eventType", delivery_status as "deliveryStatus",
    rate_per_second as "ratePerSecond", state, matched::float8 as matched,
    replayed::float8 as replayed, skipped::float8 as skipped, created_at as "createdAt",
    finished_at as "finishedAt"`;
}
