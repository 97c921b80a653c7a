/** Queries on `worker_processes`: who says that it lives, and who has deliveries in flight. */
import { uuidArray, type Queryable } from "./client.ts";

export interface WorkerProcess {
  readonly id: string;
  readonly hostname: string;
  readonly version: string;
}

/** The database's time of the heartbeat, as text: a Date would lose its microseconds. */
export async function recordHeartbeat(sql: Queryable, worker: WorkerProcess): Promise<string> {
  const [row] = await sql<{ heartbeatAt: string }[]>`
    insert into worker_processes (id, hostname, version)
    values (${worker.id}, ${worker.hostname}, ${worker.version})
    on conflict (id) do update set heartbeat_at = now()
    returning heartbeat_at::text as "heartbeatAt"`;
  if (row === undefined) throw new Error("a heartbeat returned no row");
  return row.heartbeatAt;
}

export interface SeenWorker {
  readonly id: string;
  /** Changes with every heartbeat; null: it has deliveries in flight but never said that it lives. */
  readonly heartbeat: string | null;
}

/** Every worker that says it lives or has deliveries in flight. */
export async function listWorkers(sql: Queryable): Promise<SeenWorker[]> {
  return sql<SeenWorker[]>`
    select id, heartbeat_at::text as heartbeat from worker_processes
    union all
    select distinct worker_id, null from webhook_deliveries
    where status = 'sent' and not exists (select from worker_processes where id = worker_id)`;
}

/** Nobody needs to watch it any more: it ended in peace, or its deliveries were taken up. */
export async function removeWorkers(sql: Queryable, ids: readonly string[]): Promise<void> {
  await sql`delete from worker_processes where id = any(${uuidArray(ids)}::text::uuid[])`;
}
