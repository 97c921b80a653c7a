/** Every parameter that a connection string may carry, and what becomes of it here. */
import type { Environment, Parameters } from "./connection-target.ts";

/** They mean something to us. */
const HONOURED = new Set(
  [
    "host hostaddr port dbname user password connect_timeout options application_name",
    "target_session_attrs load_balance_hosts keepalives keepalives_idle channel_binding",
    "sslmode sslrootcert sslcert sslkey sslpassword sslcertmode sslcrl sslsni sslnegotiation",
    "ssl_min_protocol_version ssl_max_protocol_version",
    // Settings of the server; not libpq's, but customary.
    "search_path statement_timeout lock_timeout idle_in_transaction_session_timeout",
    // The customary ways to say that a pooler in transaction mode is in between.
    "pgbouncer prepare",
  ].flatMap((line) => line.split(" ")),
);

/** Nothing of ours would be different with them, or they are other clients' own. */
const WITHOUT_MEANING = new Set(
  [
    // libpq's. We always speak UTF8, never GSSAPI or Kerberos, and Node.js leaves TCP's finer points to the system.
    "client_encoding fallback_application_name authtype tty sslcompression gssdelegation gsslib krbsrvname",
    "keepalives_interval keepalives_count tcp_user_timeout max_protocol_version sslkeylogfile",
    // Prisma's.
    "schema connection_limit pool_timeout socket_timeout statement_cache_size sslaccept sslidentity",
    "single_use_connections",
    // Other drivers' and hosts'.
    "uselibpqcompat max min pool pool_size pool_max_conns pool_min_conns pool_max_conn_lifetime idle_timeout",
    "pool_max_conn_idle_time max_lifetime max_pipeline fetch_types encoding query_timeout keep_alive debug",
    "prepared_statements prepared_statement_cache_size default_query_exec_mode statement_cache_capacity",
    "description_cache_capacity prepareThreshold currentSchema ApplicationName reWriteBatchedInserts",
    "conn_max_age supa workaround sslfactory pooling timezone server_version serverVersion charset",
  ].flatMap((line) => line.split(" ")),
);

/** We could not keep what they ask for. */
const REFUSED: Readonly<Record<string, string>> = {
  service: "there is no connection service file here: write out what it says",
  servicefile: "there is no connection service file here: write out what it says",
  passfile: "no password file is read: put the password into the URL, or into PGPASSWORD",
  replication: "the service does not replicate",
  requirepeer: "the account behind a socket cannot be checked here",
  require_auth: "the driver cannot refuse a way to log in",
  sslcrldir: "a folder of revocation lists cannot be read: give one file in sslcrl",
  scram_client_key: "the driver needs the password itself",
  scram_server_key: "the driver needs the password itself",
  oauth_issuer: "the driver cannot log in by OAuth",
  oauth_client_id: "the driver cannot log in by OAuth",
  oauth_client_secret: "the driver cannot log in by OAuth",
  oauth_scope: "the driver cannot log in by OAuth",
};
/** With these values they ask for nothing. */
const HARMLESS: Readonly<Record<string, RegExp>> = {
  replication: /^(?:false|off|no|0)?$/,
  requirepeer: /^$/,
  require_auth: /^$/,
  passfile: /^$/,
};

/** libpq's names in the environment for what the URL leaves open. */
const IN_ENVIRONMENT: Readonly<Record<string, string>> = {
  PGSSLMODE: "sslmode",
  PGSSLROOTCERT: "sslrootcert",
  PGSSLCERT: "sslcert",
  PGSSLKEY: "sslkey",
  PGSSLCRL: "sslcrl",
  PGCONNECT_TIMEOUT: "connect_timeout",
  PGOPTIONS: "options",
  PGTARGETSESSIONATTRS: "target_session_attrs",
};

export function readParameters(
  query: readonly (readonly [name: string, value: string])[],
  env: Environment,
): { readonly parameters: Parameters; readonly ignored: readonly string[] } {
  const parameters = new Map<string, string>();
  const ignored: string[] = [];
  for (const [variable, name] of Object.entries(IN_ENVIRONMENT)) {
    const value = env[variable];
    if (value !== undefined && value !== "") parameters.set(name, value);
  }
  for (const [name, value] of query) {
    const known = asLibpqNames(name, value);
    if (known !== undefined) parameters.set(...known);
    else if (!WITHOUT_MEANING.has(name)) ignored.push(nameOfIgnored(name, value));
  }
  return { parameters, ignored: ignored.filter((name) => name !== "") };
}

/** Undefined: it is none that we honour. */
function asLibpqNames(name: string, value: string): [string, string] | undefined {
  // As in libpq, for the sake of JDBC; the other values are node-postgres's.
  if (name === "ssl") return ["sslmode", readSslFlag(value)];
  if (name === "requiressl") return ["sslmode", value === "1" ? "require" : "prefer"];
  return HONOURED.has(name) ? [name, value] : undefined;
}

function readSslFlag(value: string): string {
  if (["true", "1", "on", "yes", "no-verify"].includes(value)) return "require";
  if (["false", "0", "off", "no"].includes(value)) return "disable";
  throw new Error("has an ssl that is neither true nor false: use sslmode");
}

/** Throws for what is refused; empty: there is nothing to tell. */
function nameOfIgnored(name: string, value: string): string {
  if (name === "gssencmode") {
    if (value !== "require") return "";
    throw new Error("has gssencmode=require, and there is no GSSAPI here: use sslmode=verify-full");
  }
  if (name === "min_protocol_version") {
    if (value === "3.0" || value === "") return "";
    throw new Error("has a min_protocol_version above 3.0, which the driver does not speak");
  }
  const reason = REFUSED[name];
  if (reason !== undefined) {
    if (HARMLESS[name]?.test(value) === true) return "";
    throw new Error(`has ${name}, which is refused: ${reason}`);
  }
  const meant = [...HONOURED].find((known) => resembles(name, known));
  if (meant !== undefined)
    throw new Error(`has the unknown parameter ${clip(name)}: is ${meant} meant?`);
  // Whoever writes it wants to be safe in a way that we do not know.
  if (/^ssl/i.test(name)) throw new Error(`has the unknown parameter ${clip(name)}`);
  return clip(name);
}

const LONGEST_NAME_TOLD = 40;

/** Of a URL that is broken, a secret may stand where a name is expected. */
function clip(name: string): string {
  return /^\w+$/.test(name) ? name.slice(0, LONGEST_NAME_TOLD) : "(a name that is no word)";
}

const SHORTEST_MISSPELT = 6;

/** One letter changed, missing, too many, or two changed places. */
function resembles(name: string, known: string): boolean {
  if (known.length < SHORTEST_MISSPELT) return false;
  const [a, b] = [name.toLowerCase(), known];
  if (a === b) return true;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return (
    restA.slice(1) === restB.slice(1) ||
    restA === restB.slice(1) ||
    restA.slice(1) === restB ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2))
  );
}
