import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createTestDatabase,
  type TestDatabase,
} from "@webhook-delivery/shared/testing/database.ts";
import { ROLLUP_EVERY_MS, rollupOnce } from "./rollup.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

it("folds what there is, goes on at once while there is more, and rests when there is not", async () => {
  const { sql } = database;
  await sql`
    insert into delivery_stat_deltas
    select now(), null, null, 'x', 1, 0, 0, 0, 0 from generate_series(1, 5001)`;
  expect(await rollupOnce({ sql })).toBe(0);
  expect(await rollupOnce({ sql })).toBe(ROLLUP_EVERY_MS);
  expect(await sql`select * from delivery_stat_deltas`).toEqual([]);
  expect(await sql`select scope_id, total::int from delivery_totals`).toEqual([
    { scope_id: "00000000-0000-0000-0000-000000000000", total: 5001 },
  ]);
});
