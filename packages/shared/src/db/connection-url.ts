/**
 * DATABASE_URL as libpq reads it, into the one object that connections are made from. What means something
 * is honoured, what only other clients know is passed over, and what we could not keep is refused with the
 * reason (connection-parameters.ts). No error holds a value of the URL: a password may be in any of them.
 *
 * Not pg-connection-string: it takes neither several hosts nor target_session_attrs, reads `sslmode` its own
 * way, and lets pass what it does not know.
 */
import { userInfo } from "node:os";
import { env as environment } from "node:process";
import { readParameters } from "./connection-parameters.ts";
import type { ConnectionTarget, Environment, Host, Parameters } from "./connection-target.ts";
import { readTls } from "./connection-tls.ts";

const DEFAULT_PORT = 5432;
const MAX_PORT = 65_535;

/**
 * Throws an Error whose message completes "DATABASE_URL …". What the URL leaves open is taken from libpq's
 * own variables: they belong to it, and every client reads them, so they are no part of our configuration.
 */
export function readConnectionUrl(url: string, env: Environment = environment): ConnectionTarget {
  const parts = splitUrl(url);
  const { parameters, ignored } = readParameters(parts.query, env);
  const hosts = readHosts(parts, parameters, env);
  const user = parameters.get("user") ?? (parts.user || env["PGUSER"] || userInfo().username);
  const tls = readTls(parameters, hosts);
  return {
    hosts,
    tries: parameters.get("load_balance_hosts") === "random" ? "inAnyOrder" : "inOrder",
    user,
    password: parameters.get("password") ?? (parts.password || env["PGPASSWORD"] || ""),
    database: parameters.get("dbname") ?? (parts.database || env["PGDATABASE"] || user),
    tls,
    sessionAttrs: readSessionAttrs(parameters),
    connectTimeoutSeconds: readConnectTimeout(parameters),
    keepAliveSeconds: readKeepAlive(parameters),
    startup: readStartup(parameters),
    isPooled: parameters.get("pgbouncer") === "true" || parameters.get("prepare") === "false",
    warnings: [...tls.warnings, ...warnOf(parameters, ignored)],
  };
}

interface UrlParts {
  readonly user: string;
  readonly password: string;
  /** `host:port,host:port`, still encoded. */
  readonly hosts: string;
  readonly database: string;
  readonly query: readonly (readonly [name: string, value: string])[];
}

function splitUrl(url: string): UrlParts {
  const [, rest] = /^postgres(?:ql)?:\/\/(.*)$/s.exec(url) ?? [];
  if (rest === undefined)
    throw new Error("must be a URL that starts with postgres:// or postgresql://");
  // A password may hold a `?` or an `@`; a `/` in it must be encoded.
  const [, credentials = "", afterwards = ""] = /^(?:([^/]*)@)?(.*)$/s.exec(rest) ?? [];
  const [, hosts = "", path = "", query = ""] =
    /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(afterwards) ?? [];
  const colon = credentials.indexOf(":");
  const [user, password] =
    colon < 0 ? [credentials, ""] : [credentials.slice(0, colon), credentials.slice(colon + 1)];
  return {
    user: decode(user, "the user's name"),
    password: decode(password, "the password"),
    hosts,
    database: decode(path, "the database's name"),
    query: query.split("&").flatMap((pair) => (pair === "" ? [] : [splitPair(pair)])),
  };
}

function splitPair(pair: string): readonly [string, string] {
  const equals = pair.indexOf("=");
  if (equals < 0) throw new Error("has a parameter without a value after the `?`");
  const name = decode(pair.slice(0, equals), "a parameter's name");
  // As libpq: a `+` is a plus.
  return [name, decode(pair.slice(equals + 1), `the parameter ${name}`)];
}

function decode(text: string, what: string): string {
  try {
    const decoded = decodeURIComponent(text);
    if (!decoded.includes("\0")) return decoded;
  } catch {
    throw new Error(`has a % in ${what} that begins no percent-encoded character: write %25`);
  }
  throw new Error(`has a %00 in ${what}`);
}

function readHosts(
  parts: UrlParts,
  parameters: Parameters,
  env: Environment,
): readonly [Host, ...Host[]] {
  const inUrl = parts.hosts === "" ? [] : parts.hosts.split(",").map(splitHost);
  const given =
    parameters.get("host") || inUrl.map(({ host }) => host).join(",") || env["PGHOST"] || "";
  const names = given.split(",");
  const addresses = parameters.get("hostaddr")?.split(",") ?? [];
  if (addresses.length > 0 && given !== "" && addresses.length !== names.length) {
    throw new Error("must name as many in host as in hostaddr");
  }
  const count = Math.max(names.length, addresses.length);
  const ports = (
    parameters.get("port") ??
    (inUrl.map(({ port }) => port).join(",") || env["PGPORT"] || "")
  ).split(",");
  if (ports.length > 1 && ports.length !== count) {
    throw new Error("must name one port, or as many ports as hosts");
  }
  const hosts = Array.from({ length: count }, (_, at) =>
    describeHost(names[at] ?? "", addresses[at], readPort(ports[ports.length === 1 ? 0 : at])),
  );
  return hosts as [Host, ...Host[]];
}

function splitHost(text: string): { readonly host: string; readonly port: string } {
  // An IPv6 address is in brackets.
  const [, inBrackets, name, port = ""] =
    /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/s.exec(text) ?? [];
  const host = inBrackets ?? name;
  if (host === undefined)
    throw new Error("has a host that cannot be read: an IPv6 address is in [ ]");
  return { host: decode(host, "the host"), port: decode(port, "the port") };
}

function readPort(text = ""): number {
  if (text === "") return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > MAX_PORT) {
    throw new Error(`must have ports from 1 to ${MAX_PORT}`);
  }
  return port;
}

function describeHost(name: string, address: string | undefined, port: number): Host {
  if (address !== undefined && address !== "") {
    return { name: name || address, address, port, isSocket: false };
  }
  // `@` is Linux's abstract namespace.
  if (/^[/@]/.test(name)) {
    const path = `${name.replace(/\/+$/, "")}/.s.PGSQL.${port}`;
    return { name, address: path.replace(/^@/, "\0"), port, isSocket: true };
  }
  const host = name || "localhost";
  return { name: host, address: host, port, isSocket: false };
}

function readSessionAttrs(parameters: Parameters): ConnectionTarget["sessionAttrs"] {
  const wanted = parameters.get("target_session_attrs") ?? "any";
  if (wanted === "any") return undefined;
  if (wanted === "read-write" || wanted === "primary") return wanted;
  if (["read-only", "standby", "prefer-standby"].includes(wanted)) {
    throw new Error(
      "has target_session_attrs for a server that only reads, and the service writes: use read-write",
    );
  }
  throw new Error("has a target_session_attrs that is none of any, read-write and primary");
}

function readConnectTimeout(parameters: Parameters): number | undefined {
  const seconds = readWhole(parameters, "connect_timeout");
  return seconds === undefined ? undefined : Math.max(0, seconds);
}

function readKeepAlive(parameters: Parameters): number | undefined {
  if (readWhole(parameters, "keepalives") === 0) return 0;
  const seconds = readWhole(parameters, "keepalives_idle");
  // Zero is the system's own.
  return seconds === undefined || seconds <= 0 ? undefined : seconds;
}

function readWhole(parameters: Parameters, name: string): number | undefined {
  const text = parameters.get(name)?.trim();
  if (text === undefined) return undefined;
  if (!/^[+-]?\d{1,9}$/.test(text)) throw new Error(`has a ${name} that is no whole number`);
  return Number(text);
}

/** Of these the server is told; `search_path` and the timeouts have been written so for years. */
const STARTUP = [
  "options",
  "application_name",
  "search_path",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
] as const;

function readStartup(parameters: Parameters): Record<string, string> {
  const said = STARTUP.map((name) => [name, parameters.get(name)] as const);
  return Object.fromEntries(
    said.filter((pair): pair is [(typeof STARTUP)[number], string] => !!pair[1]),
  );
}

function warnOf(parameters: Parameters, ignored: readonly string[]): string[] {
  const warnings: string[] = [];
  if (parameters.get("channel_binding") === "require") {
    warnings.push(
      "channel_binding=require is not kept: our driver has no channel binding; sslmode=verify-full " +
        "proves as well whose server it is",
    );
  }
  if (ignored.length > 0) warnings.push(`not known here, and ignored: ${ignored.join(", ")}`);
  return warnings;
}
