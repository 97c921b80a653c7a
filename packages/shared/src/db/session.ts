/**
 * The settings of a session that our statements and the driver depend on, whatever the role's, the database's
 * or the server's are: how times, bytes and numbers are written, and that a statement sees what others have
 * committed before it. Not among them: what an operator sets to bound or to guard (timeouts, read-only,
 * search_path, synchronous_commit).
 *
 * Without a pooler every connection starts with them, which outranks any default. Through one in transaction
 * mode there is no session of ours: PgBouncer passes on three of them when a connection starts and refuses the
 * others. So there we look: while the database's own defaults are as we need them nothing more is needed, and
 * once they are not, every transaction begins with them (`set local`), and a statement outside of one gets a
 * transaction of its own. That costs two round trips a statement.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "./sql.ts";

const SETTINGS = {
  DateStyle: "ISO, MDY",
  TimeZone: "UTC",
  standard_conforming_strings: "on",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  extra_float_digits: "1",
  array_nulls: "on",
  default_transaction_isolation: "read committed",
} as const;

/** Every pooler takes these: it must know them itself, and drivers have sent them for ever. */
export const STARTUP_SETTINGS = {
  DateStyle: SETTINGS.DateStyle,
  TimeZone: SETTINGS.TimeZone,
  standard_conforming_strings: SETTINGS.standard_conforming_strings,
};

export const BEGIN = "begin isolation level read committed";
const BEGIN_WITH_SETTINGS = [
  BEGIN,
  ...Object.entries(SETTINGS).map(([name, value]) => `set local ${name} = '${value}'`),
].join("; ");

/** Behind a pooler somebody may change a default while we run. */
const LOOK_AGAIN_MS = 10_000;

/** By then the connection to a refused host has ended, and connection-socket.ts asks another one. */
const REFUSED_HOST_ENDS_MS = 250;

export interface Session {
  /** Undefined: it is known. Rejects while the database is away; the next call looks again. */
  learn(): Promise<void> | undefined;
  /** What a transaction begins with. */
  begin(): string;
  /** A statement needs a transaction of its own. */
  isSaidEachTime(): boolean;
}

export interface SessionOptions {
  /** The pool as the driver made it. */
  readonly pool: Sql;
  readonly isPooled: boolean;
  /** Of several hosts, some may be refused for what they are (target_session_attrs). */
  readonly hosts: number;
}

export function createSession({ pool, isPooled, hosts }: SessionOptions): Session {
  let known: "direct" | "pooled" | "pooledAndOther" | undefined;
  let looking: Promise<void> | undefined;
  let lookedAt = 0;

  const lookOnce = async (): Promise<void> => {
    const { differing, hasPooler } = await readSettings(pool);
    lookedAt = performance.now();
    if (isPooled || hasPooler) {
      // Whoever opened the pool did not know; read by the driver for every query.
      (pool.options as { prepare: boolean }).prepare = false;
      // Its other connections may still be as they were: once other, always other.
      if (known !== "pooledAndOther") known = differing.length > 0 ? "pooledAndOther" : "pooled";
      return;
    }
    // Read by the driver whenever it opens a connection.
    Object.assign(pool.options.connection as object, SETTINGS);
    // There is one connection yet: everything else waits for this.
    if (differing.length > 0) await applySettings(pool);
    known = "direct";
  };
  const look = async (): Promise<void> => {
    for (let tries = 1; ; tries++) {
      try {
        return await lookOnce();
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (code !== "CONNECTION_DESTROYED" || tries >= hosts) throw error;
        await sleep(REFUSED_HOST_ENDS_MS);
      }
    }
  };
  const lookTogether = (): Promise<void> => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  return {
    learn() {
      if (known === undefined) return lookTogether();
      const isOld = known === "pooled" && performance.now() - lookedAt > LOOK_AGAIN_MS;
      // Whoever asks now need not wait for it.
      if (isOld && looking === undefined) lookTogether().catch(() => {});
      return undefined;
    },
    begin: () => (known === "pooledAndOther" ? BEGIN_WITH_SETTINGS : BEGIN),
    isSaidEachTime: () => known === "pooledAndOther",
  };
}

/** In words that mean the same under every setting. */
async function readSettings(pool: Sql) {
  const rows = await pool<{ pid: number; settings: Record<string, string> }[]>`
    select pg_backend_pid() as pid, jsonb_object_agg(name, current_setting(name)) as settings
    from jsonb_array_elements_text(${JSON.stringify(Object.keys(SETTINGS))}::text::jsonb)
      as needed (name)`;
  const [row] = rows;
  return {
    differing: Object.entries(SETTINGS).filter(([name, value]) => row?.settings[name] !== value),
    // A pooler tells of a process of its own making (pooler.ts).
    hasPooler: row?.pid !== rows.state.pid,
  };
}

async function applySettings(pool: Sql): Promise<void> {
  await pool`
    select set_config(key, value, false)
    from jsonb_each_text(${JSON.stringify(SETTINGS)}::text::jsonb)`;
}
