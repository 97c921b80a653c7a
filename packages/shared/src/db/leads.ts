/** Queries on `leads`. Each client has its own ids: its lead "1" is not another client's. */
import type { Lead } from "../core/lead.ts";
import { timeOf, toStoredTime } from "../core/time.ts";
import { belongsTo, type Queryable } from "./client.ts";

/** `clientId` null: a lead of the operator's own. */
export interface LeadKey {
  readonly id: string;
  readonly clientId: string | null;
}

/** Fields that are absent stay as they are in the row; custom fields are merged, null removes all. */
export type LeadChanges = {
  readonly [F in keyof Omit<Lead, "id">]?: Lead[F] | null | undefined;
};

/** What we know of a lead beside what receivers get. */
export interface LeadRecord {
  readonly lead: Lead;
  /** `webhook_sent` once a delivery of it succeeded. */
  readonly status: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

interface LeadRow {
  id: string;
  email: string | null;
  first_name: string | null;
  last_name: string | null;
  linkedin_id: string | null;
  linkedin_url: string | null;
  company: string | null;
  title: string | null;
  source: string | null;
  captured_at: Date | null;
  custom_fields: Record<string, unknown>;
  status: string | null;
  created_at: Date;
  updated_at: Date;
}

export async function findLead(sql: Queryable, key: LeadKey): Promise<Lead | undefined> {
  return (await findLeadRecord(sql, key))?.lead;
}

export async function findLeadRecord(
  sql: Queryable,
  { id, clientId }: LeadKey,
): Promise<LeadRecord | undefined> {
  const [row] = await sql<LeadRow[]>`
    select * from leads
    where id = ${id}
      and ${belongsTo(sql, clientId)}`;
  return row && toRecord(row);
}

/** Inserts the lead, or changes just the fields that are given. */
export async function upsertLead(
  sql: Queryable,
  key: LeadKey,
  changes: LeadChanges,
): Promise<Lead> {
  return (await upsertLeadRecord(sql, key, changes)).lead;
}

/** Like upsertLead. */
export async function upsertLeadRecord(
  sql: Queryable,
  { id, clientId }: LeadKey,
  { customFields, ...fields }: LeadChanges,
): Promise<LeadRecord> {
  const given = JSON.stringify(toColumns(fields));
  const [row] = await sql<LeadRow[]>`
    insert into leads as kept
      (id, client_id, email, first_name, last_name, linkedin_id, linkedin_url, company, title,
       source, captured_at, custom_fields)
    select ${id}, ${clientId}::uuid, email, first_name, last_name, linkedin_id, linkedin_url,
           company, title, source, captured_at, ${JSON.stringify(customFields ?? {})}::text::jsonb
    from jsonb_populate_record(null::leads, ${given}::text::jsonb)
    on conflict (id, coalesce(client_id, '00000000-0000-0000-0000-000000000000')) do update set
      (email, first_name, last_name, linkedin_id, linkedin_url, company, title, source, captured_at)
        = (select email, first_name, last_name, linkedin_id, linkedin_url, company, title, source,
                  captured_at
           from jsonb_populate_record(kept, ${given}::text::jsonb)),
      custom_fields = case when ${customFields === null} then '{}'
                           else kept.custom_fields || excluded.custom_fields end,
      updated_at = now()
    returning *`;
  if (row === undefined) throw new Error("an upsert of a lead returned no row");
  return toRecord(row);
}

/** JSON leaves out what is undefined, which is how "not given" reaches jsonb_populate_record. */
function toColumns(fields: Omit<LeadChanges, "customFields">): Record<string, unknown> {
  return {
    email: fields.email,
    first_name: fields.firstName,
    last_name: fields.lastName,
    linkedin_id: fields.linkedinId,
    linkedin_url: fields.linkedinUrl,
    company: fields.company,
    title: fields.title,
    source: fields.source,
    captured_at: fields.capturedAt && toStoredTime(timeOf(fields.capturedAt)),
  };
}

function toRecord(row: LeadRow): LeadRecord {
  return {
    lead: {
      id: row.id,
      email: row.email,
      firstName: row.first_name,
      lastName: row.last_name,
      linkedinId: row.linkedin_id,
      linkedinUrl: row.linkedin_url,
      company: row.company,
      title: row.title,
      source: row.source,
      capturedAt: row.captured_at?.toISOString() ?? null,
      customFields: row.custom_fields,
    },
    status: row.status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
