/** What Redis answers when it cannot serve the queue, in one sentence each that names the mend. */

export interface RedisNames {
  /** Of every key and channel; undefined while it is not known. */
  readonly prefix?: string | undefined;
}

const RIGHTS = "docs/operations.md lists the rights that the queue needs";

/** By the code that the answer begins with. */
const BY_CODE: Readonly<Record<string, string>> = {
  READONLY:
    "Redis is a replica, which only reads: set REDIS_URL to the primary, or make this one the primary (REPLICAOF NO ONE).",
  MASTERDOWN:
    "Redis is a replica that has lost its primary: set REDIS_URL to the primary, or make this one the primary (REPLICAOF NO ONE).",
  OOM: "Redis is out of memory (used_memory has reached maxmemory): give it more, or remove what else it keeps.",
  MISCONF:
    "Redis refuses writes because it cannot save to its disk (MISCONF): make room there or mend its permissions, then BGSAVE.",
  NOREPLICAS:
    "Redis refuses writes because too few replicas follow it: mend the replicas, or lower min-replicas-to-write.",
  NOAUTH:
    "Redis wants a password, and REDIS_URL has none: write redis://USER:PASSWORD@HOST:PORT (USER is default, unless an ACL says otherwise).",
  WRONGPASS:
    "Redis refuses the user or the password in REDIS_URL: mend them (percent-encode what is no letter or digit), or enable that user in Redis.",
  LOADING: "Redis is loading its data from disk: wait; it is used as soon as it is ready.",
  BUSY: "Redis is busy with a script that somebody runs: wait, or end it (SCRIPT KILL).",
  NOPROTO:
    "Redis does not speak the protocol that is wanted: Redis 6.2 or newer, or Valkey, is needed.",
  DENIED:
    "Redis is in protected mode and refuses other machines: give it a password, or bind it to the right address.",
  MOVED:
    "Redis is a cluster, and the queue needs a single server: set REDIS_URL to one that is not in cluster mode.",
  CROSSSLOT:
    "Redis is a cluster, and the queue needs a single server: set REDIS_URL to one that is not in cluster mode.",
  CLUSTERDOWN:
    "Redis is a cluster, and the queue needs a single server: set REDIS_URL to one that is not in cluster mode.",
};

const BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [
    /max number of clients/i,
    "Redis has as many clients as it takes: raise maxclients, or end other clients.",
  ],
  [
    /DB index is out of range|invalid DB index|SELECT is not allowed/i,
    "Redis has no database of the number in REDIS_URL: use 0, or raise databases.",
  ],
  [
    /invalid password|without any password|wrong number of arguments for 'auth'/i,
    "Redis refuses the user or the password in REDIS_URL: mend them.",
  ],
  [
    /unknown command/i,
    "Redis does not know a command that the queue needs: Redis 6.2 or newer, or Valkey, is needed, with no command renamed.",
  ],
];

const UNREACHABLE = "see that it runs and that REDIS_URL leads to it";

/** Several answers of one look at Redis; at least one. */
export function redisProblem(errors: readonly unknown[], names: RedisNames = {}): string {
  const messages = errors.map(messageOf);
  const denied = messages.filter((message) => message.includes("NOPERM"));
  if (denied.length > 0) return lacksRights(denied, names);
  for (const message of messages) {
    const known = BY_CODE[/^-?([A-Z]+)\b/.exec(message)?.[1] ?? ""];
    if (known !== undefined) return known;
    const byText = BY_TEXT.find(([pattern]) => pattern.test(message));
    if (byText !== undefined) return byText[1];
  }
  const code = errors.map(codeOf).find((one) => one !== undefined);
  if (code !== undefined && /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return `The encrypted connection to Redis fails (${code}): mend its certificate, or give Node.js the CA (docs/operations.md).`;
  }
  return `Redis is not reachable${code === undefined ? "" : ` (${code})`}: ${UNREACHABLE}.`;
}

/** Redis 6 and 7 word it differently; both name the command in quotes, and otherwise keys or channels. */
function lacksRights(messages: readonly string[], { prefix = "webhook-delivery-*" }: RedisNames) {
  const grants = messages.map((message) => {
    const command = /the '([a-z_|]+)' command/i.exec(message)?.[1];
    if (command !== undefined) return `+${command.toLowerCase()}`;
    if (/channel/i.test(message)) return `&${prefix}:*`;
    return /key/i.test(message) ? `~${prefix}:*` : undefined;
  });
  const missing = [...new Set(grants.filter((grant) => grant !== undefined))];
  const which = missing.length === 0 ? "" : ` (ACL SETUSER NAME ${missing.join(" ")})`;
  return `The user in REDIS_URL lacks rights: grant them${which}; ${RIGHTS}.`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^[A-Z0-9_]+$/.test(code) ? code : undefined;
}
