/** Queries on `leads`. */
import type { Lead } from "../core/lead.ts";
import type { Queryable } from "./client.ts";

/** Fields that are absent stay as they are in the row; custom fields are merged. */
export type LeadChanges = { readonly [F in keyof Omit<Lead, "id">]?: Lead[F] | undefined };

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
}

export async function findLead(sql: Queryable, id: string): Promise<Lead | undefined> {
  const [row] = await sql<LeadRow[]>`select * from leads where id = ${id}`;
  return row && toLead(row);
}

/** Inserts the lead, or changes just the fields that are given. */
export async function upsertLead(sql: Queryable, id: string, changes: LeadChanges): Promise<Lead> {
  const { customFields, ...fields } = changes;
  const given = JSON.stringify(toColumns(fields));
  const [row] = await sql<LeadRow[]>`
    insert into leads as kept
      (id, email, first_name, last_name, linkedin_id, linkedin_url, company, title, source,
       captured_at, custom_fields)
    select ${id}, email, first_name, last_name, linkedin_id, linkedin_url, company, title, source,
           captured_at, ${JSON.stringify(customFields ?? {})}::text::jsonb
    from jsonb_populate_record(null::leads, ${given}::text::jsonb)
    on conflict (id) do update set
      (email, first_name, last_name, linkedin_id, linkedin_url, company, title, source, captured_at)
        = (select email, first_name, last_name, linkedin_id, linkedin_url, company, title, source,
                  captured_at
           from jsonb_populate_record(kept, ${given}::text::jsonb)),
      custom_fields = kept.custom_fields || excluded.custom_fields,
      updated_at = now()
    returning *`;
  if (row === undefined) throw new Error("an upsert of a lead returned no row");
  return toLead(row);
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
    captured_at: fields.capturedAt,
  };
}

function toLead(row: LeadRow): Lead {
  return {
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
  };
}
