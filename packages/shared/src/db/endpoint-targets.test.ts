import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { createTestDatabase } from "../testing/database.ts";
import { inTransaction } from "./client.ts";
import { findSubscribers } from "./endpoint-targets.ts";

// Every event read all endpoints of all clients.
it("finds a client's subscribers without reading the endpoints of others", async () => {
  await using database = await createTestDatabase();
  const { sql } = database;
  const mine = randomUUID();
  await sql`insert into clients (id, name) values (${mine}, 'mine')`;
  await sql`insert into clients (id, name)
    select gen_random_uuid(), 'other ' || n from generate_series(1, 200) as n`;
  await sql`
    insert into webhook_endpoints (id, client_id, url, secrets_encrypted)
    select gen_random_uuid(), id, 'https://example.com/', '' from clients, generate_series(1, 25)`;
  await sql`
    insert into webhook_endpoints (id, url, secrets_encrypted)
    select gen_random_uuid(), 'https://example.com/', '' from generate_series(1, 10)`;
  await sql`analyze webhook_endpoints`;
  await inTransaction(sql, async (tx) => {
    const event = { type: "any.event", source: null };
    expect(await findSubscribers(tx, { ...event, clientId: mine })).toHaveLength(25);
    expect(await findSubscribers(tx, { ...event, clientId: null })).toHaveLength(10);
    const [read] = await tx`
      select seq_tup_read::int as others, idx_tup_fetch::int as own
      from pg_stat_xact_user_tables where relname = 'webhook_endpoints'`;
    expect(read).toEqual({ others: 0, own: 35 });
  });
});
