/** What the database lets this role do, and what of that the service needs. */
import type { Queryable } from "./sql.ts";

/** Beside reading, which it does in all of them. Row locks need `update`; triggers write with our rights. */
const WRITES: Readonly<Record<string, string>> = {
  schema_migrations: "",
  leads: "insert update",
  webhook_deliveries: "insert update delete",
  webhook_delivery_logs: "insert delete",
  worker_processes: "insert update delete",
  delivery_pace: "insert update delete",
  clients: "insert update",
  api_keys: "insert update",
  webhook_endpoints: "insert update delete",
  webhook_endpoint_health: "insert update",
  webhook_events: "insert update delete",
  replays: "insert update delete",
  delivery_stat_deltas: "insert delete",
  delivery_stats: "insert update delete",
  delivery_totals: "insert update",
  attempt_latency_deltas: "insert delete",
  attempt_latency: "insert update delete",
  destinations: "insert update delete",
  outbox_messages: "update delete",
  outbox_notes: "insert delete",
  delivery_leases: "insert update delete",
  delivery_schedulers: "insert update",
  installation: "insert",
};

const FUNCTIONS = ["retries_made(text, integer, integer)", "latency_bucket(integer)"];

/** More than these are not listed one by one. */
const MOST_LISTED = 3;
const RIGHTS = "docs/operations.md lists the rights that the service needs";

/** A sentence that names the mend; undefined: the role may do what is needed in the tables that are there. */
export async function rightsProblem(sql: Queryable): Promise<string | undefined> {
  const needs = JSON.stringify(WRITES);
  const [found] = await sql<Found[]>`
    with needed as materialized (
      select key as name, to_regclass(quote_ident(key))::oid as id,
        string_to_array('select ' || value, ' ') as verbs
      from jsonb_each_text(${needs}::text::jsonb)
    )
    select quote_ident(current_user) as role,
      (select quote_ident(nspname)
       from pg_catalog.pg_class join pg_catalog.pg_namespace as home on home.oid = relnamespace
       where relname = 'schema_migrations' and to_regclass('schema_migrations') is null
         and not has_schema_privilege(home.oid, 'usage')
       limit 1) as "closedSchema",
      (select quote_ident(nspname)
       from pg_catalog.pg_class join pg_catalog.pg_namespace as home on home.oid = relnamespace
       where pg_class.oid = to_regclass('schema_migrations')) as schema,
      array(
        select verb || ' on ' || name
        from needed cross join unnest(verbs) as verb
        where id is not null and verb <> '' and not has_table_privilege(id, verb)
        order by name, verb) as missing,
      array(
        select name from needed
        where id is not null and row_security_active(id) and not exists (
          select from pg_catalog.pg_policy where polrelid = id and polpermissive)
        order by name) as hidden,
      array(
        select signature from unnest(${FUNCTIONS}::text[]) as signature
        where to_regprocedure(signature) is not null
          and not has_function_privilege(to_regprocedure(signature)::oid, 'execute')) as closed`;
  return found && explain(found);
}

interface Found {
  readonly role: string;
  /** The schema of our tables, which this role may not enter. */
  readonly closedSchema: string | null;
  readonly schema: string | null;
  readonly missing: readonly string[];
  /** Tables of which row level security shows it nothing. */
  readonly hidden: readonly string[];
  readonly closed: readonly string[];
}

function explain({ role, closedSchema, schema, missing, hidden, closed }: Found) {
  const lacks = (grants: readonly string[]) =>
    `The PostgreSQL role ${role} lacks rights: ${grants.map((one) => `grant ${one} to ${role}`).join("; ")}. ${RIGHTS}.`;
  if (closedSchema !== null) return lacks([`usage on schema ${closedSchema}`]);
  if (missing.length > MOST_LISTED) {
    return lacks([`select, insert, update, delete on all tables in schema ${schema}`]);
  }
  if (missing.length > 0) return lacks(missing);
  if (closed.length > 0) return lacks(closed.map((one) => `execute on function ${one}`));
  if (hidden.length === 0) return undefined;
  return (
    `Row level security hides the rows of ${hidden.join(", ")} from the PostgreSQL role ${role}: let the ` +
    `role see them (alter role ${role} bypassrls, or a policy for it), or connect as the tables' owner.`
  );
}

/** A sentence that names the mend; undefined: the database takes writes. */
export async function readOnlyProblem(sql: Queryable): Promise<string | undefined> {
  const [found] = await sql<{ isStandby: boolean; isReadOnly: boolean }[]>`
    select pg_is_in_recovery() as "isStandby",
      current_setting('transaction_read_only') = 'on' as "isReadOnly"`;
  if (found === undefined || !(found.isStandby || found.isReadOnly)) return undefined;
  if (found.isStandby) {
    return (
      "PostgreSQL is a standby, which only reads: set DATABASE_URL to the primary (several hosts with " +
      "target_session_attrs=read-write find it), or promote this one."
    );
  }
  const [setting] = await sql<{ source: string; role: string; database: string }[]>`
    select source, quote_ident(current_user) as role, quote_ident(current_database()) as database
    from pg_catalog.pg_settings where name = 'default_transaction_read_only'`;
  return `PostgreSQL only reads (default_transaction_read_only is on): ${setting && mendOf(setting)}.`;
}

function mendOf({ source, role, database }: { source: string; role: string; database: string }) {
  const reset = "reset default_transaction_read_only, then restart this process";
  if (source === "database") return `alter database ${database} ${reset}`;
  if (source === "user") return `alter role ${role} ${reset}`;
  if (source === "database user") return `alter role ${role} in database ${database} ${reset}`;
  if (source === "client") {
    return "DATABASE_URL or PGOPTIONS says so in its options, take that out, then restart this process";
  }
  return "turn it off in the server's configuration; a provider may have set it because the disk is full";
}
