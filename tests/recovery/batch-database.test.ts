/** A batch while its database goes away: what was committed is said to be, and nothing else is. */
import { randomUUID } from "node:crypto";
import { expect, test, vi } from "vitest";
import {
  createApi,
  type DeliveryJson,
  type ErrorJson,
} from "@webhook-delivery/shared/testing/api.ts";
import { createTestDatabase } from "@webhook-delivery/shared/testing/database.ts";
import { spawnProgram } from "@webhook-delivery/shared/testing/process.ts";
import {
  API_KEY,
  baseEnvironment,
  startService,
} from "@webhook-delivery/shared/testing/service.ts";
import { PATIENCE } from "@webhook-delivery/shared/testing/signal.ts";
import { startDatabaseWay, throughPort } from "./database-way.ts";

interface ItemResult {
  readonly status: "success" | "error";
  readonly delivery: DeliveryJson;
  readonly error: ErrorJson;
}

const item = (eventType: string) => ({
  webhookUrl: "http://127.0.0.1:9/",
  payload: { greeting: "hello" },
  eventType,
});
const withLead = (eventType: string, n: number) => ({
  ...item(eventType),
  leadId: `lead-${n}`,
  lead: { company: "Analytical Engines" },
});

test("an outage in the middle leaves what was written and says of the rest that it was not", async () => {
  await using service = await startService({ backend: "postgres", workers: 0 });
  const { sql } = service.database;
  await sql.unsafe(`
    create function lose_connection() returns trigger language plpgsql as $$
    begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
    create trigger lose_connection before insert on webhook_deliveries for each row
    when (new.event_type = 'the.end') execute function lose_connection()`);
  const deliveries = [
    ...Array.from({ length: 10 }, () => item("side.by.side")),
    ...Array.from({ length: 120 }, (_, n) => withLead(n === 110 ? "the.end" : "in.order", n)),
    { ...item("wrong"), webhookUrl: "ftp://example.com/" },
  ];
  const headers = { "idempotency-key": "through-an-outage" };
  const post = () => service.api.post("/webhook-delivery/batch", { deliveries }, { headers });
  const answer = await post();
  expect(answer.status).toBe(202);
  const { results } = JSON.parse(answer.text) as { results: ItemResult[] };
  expect(results.map(({ status, error }) => (status === "success" ? status : error.code))).toEqual([
    ...Array.from({ length: 110 }, () => "success"),
    ...Array.from({ length: 20 }, () => "unavailable"),
    "invalid_url",
  ]);
  const rows = await sql<{ id: string }[]>`select id from webhook_deliveries order by id`;
  const accepted = results.flatMap(({ delivery }) => delivery?.id ?? []);
  expect(rows.map(({ id }) => id)).toEqual(accepted.toSorted());

  await sql`drop trigger lose_connection on webhook_deliveries`;
  // The caller asks again for as long as it is told to.
  await vi.waitFor(async () => {
    const again = JSON.parse((await post()).text) as { results: ItemResult[] };
    const ids = again.results.slice(0, 130).map(({ delivery }) => delivery?.id);
    expect(ids).not.toContain(undefined);
    expect(ids.slice(0, 110)).toEqual(accepted);
  }, PATIENCE);
  const [{ count }] = await sql<[{ count: number }]>`
    select count(*)::int as count from webhook_deliveries`;
  expect(count).toBe(130);
});

test.each(["refuses connections", "hangs"])(
  "a database that %s is a 503 for the batch",
  async (how) => {
    await using database = await createTestDatabase();
    await using way = await startDatabaseWay();
    await using ingest = await spawnProgram("ingest", {
      ...baseEnvironment(database, undefined),
      DATABASE_URL: throughPort(database.url, way.proxy.port),
      PORT: "0",
    });
    const { address } = await ingest.waitForEvent("ingest.started");
    const api = createApi(String(address), API_KEY, () => undefined);
    const deliveries = [item("one"), withLead("two", 2), { ...item("three"), payload: undefined }];
    const headers = { "idempotency-key": randomUUID() };
    const post = () => api.post("/webhook-delivery/batch", { deliveries }, { headers });
    await vi.waitFor(
      async () => expect((await api.get("/webhook-delivery")).status).toBe(200),
      PATIENCE,
    );

    if (how === "hangs") way.proxy.hold();
    else await way.proxy.refuse();
    const refused = await post();
    expect([refused.status, refused.body.error.code]).toEqual([503, "unavailable"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);

    if (how === "hangs") way.proxy.release();
    else await way.proxy.accept();
    await vi.waitFor(async () => expect((await post()).status).toBe(202), PATIENCE);
    const [{ count }] = await database.sql<[{ count: number }]>`
    select count(*)::int as count from webhook_deliveries`;
    expect(count).toBe(2);
  },
);
