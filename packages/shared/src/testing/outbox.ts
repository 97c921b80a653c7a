/** Rows of the outbox as an application writes and reads them: with plain SQL. */
import { expect, vi } from "vitest";
import { parseEncryptionKey } from "../core/secret-box.ts";
import type { Queryable, Sql } from "../db/client.ts";
import type { OutboxDeps } from "../dispatch/outbox-batch.ts";
import { encryptionKey } from "./factories.ts";
import { PATIENCE } from "./signal.ts";

export interface OutboxRow {
  readonly id: string;
  readonly status: "queued" | "sent" | "failed";
  readonly attempts: number;
  readonly last_error: string | null;
  readonly next_attempt_at: Date | null;
  readonly taken_at: Date | null;
  readonly sent_at: Date | null;
}

export async function insertMessage(
  sql: Queryable,
  columns: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { payload = { text: "hello" }, ...rest } = columns;
  const row = { ...rest, payload: JSON.stringify(payload) };
  const names = Object.keys(row);
  const places = names.map((name, at) =>
    name === "payload" ? `$${at + 1}::text::jsonb` : `$${at + 1}`,
  );
  const statement = `insert into outbox_messages (${names.join(", ")}) values (${places.join(", ")}) returning id`;
  const [inserted] = await sql.unsafe<{ id: string }[]>(statement, Object.values(row) as never[]);
  return inserted?.id ?? "";
}

export async function readMessage(sql: Queryable, id: string): Promise<OutboxRow | undefined> {
  const [row] = await sql<OutboxRow[]>`select * from outbox_messages where id = ${id}`;
  return row;
}

/** Waits until the row says so; the worker writes it within about a tenth of a second. */
export async function untilMessage(
  sql: Queryable,
  id: string,
  expected: Partial<Record<keyof OutboxRow, unknown>>,
): Promise<OutboxRow | undefined> {
  const look = async (): Promise<OutboxRow | undefined> => {
    const row = await readMessage(sql, id);
    expect(row).toMatchObject(expected);
    return row;
  };
  return vi.waitFor(look, PATIENCE);
}

/** For takes without a process around them. */
export function outboxDeps(sql: Sql, onSetback: OutboxDeps["onSetback"]): OutboxDeps {
  const key = parseEncryptionKey(encryptionKey());
  if (key === undefined) throw new Error("no key");
  return {
    sql,
    encryptionKeys: [key],
    defaultMaxAttempts: 4,
    maxPayloadBytes: 262_144,
    onSetback,
  };
}
