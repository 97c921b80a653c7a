/** 100,000 deliveries stand in the database for one dead endpoint; healthy traffic goes on beside them. */
import { countRequests, missedBounds, playTwice, type Result } from "./compare.ts";
import type { Target } from "./poster.ts";
import { GOOD, type Scene } from "./scene.ts";

const ROWS = 100_000;
const HEALTHY = 5;

export async function playBacklog(scene: Scene): Promise<Result> {
  const { settings, stack } = scene;
  const { perSecond } = settings;
  const healthy = await scene.open("healthy", HEALTHY, GOOD);
  const dead = await scene.open("dead", 1, { kind: "hang" });
  const [target] = dead.targets;
  const [url] = dead.urls;
  if (target === undefined || url === undefined) throw new Error("no receiver was opened");
  let insertedMs = 0;

  const compared = await playTwice(
    scene,
    { targets: healthy.targets, perSecond },
    {
      async prepare() {
        const startedAt = performance.now();
        await insertRows(stack.sql, url, target);
        insertedMs = performance.now() - startedAt;
      },
    },
  );
  const sickRequests = countRequests(compared.arrivals, dead.names);
  return {
    ...compared,
    sickRequests,
    problems: missedBounds(compared, settings),
    notes: [`${ROWS} rows were inserted in ${(insertedMs / 1000).toFixed(1)} s`],
  };
}

async function insertRows(sql: Scene["stack"]["sql"], url: string, target: Target): Promise<void> {
  const endpointId = "endpointId" in target ? target.endpointId : null;
  await sql`
    insert into webhook_deliveries
      (id, endpoint_id, event_type, webhook_url, payload, body, format, max_attempts,
       has_own_max_attempts, next_retry_at)
    select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(n::text), 1, 3) || '8' || substr(md5('b' || n), 1, 15))::uuid,
      ${endpointId}, 'lead.captured', ${url}, '{}', '{}', 'raw', 4, ${endpointId === null}, now()
    from generate_series(1, ${ROWS}::int) as n`;
  await sql`analyze webhook_deliveries`;
}
