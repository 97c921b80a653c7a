import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeCertificate } from "../testing/certificate.ts";
import { readConnectionUrl as read } from "./connection-url.ts";

const folder = mkdtempSync(join(tmpdir(), "connection-url-"));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const ca = file("ca.pem", makeCertificate({ commonName: "a CA" }).cert);
const notPem = file("empty.pem", "nothing");
afterAll(() => rmSync(folder, { recursive: true }));

/** With nothing in the environment. */
const readConnectionUrl = (url: string, env = {}) => read(url, env);

/** Host and port as `name:port`, or the socket's path. */
function placesOf(url: string, env = {}): string[] {
  return readConnectionUrl(url, env).hosts.map(({ address, port, isSocket }) =>
    isSocket ? address : `${address}:${port}`,
  );
}

// Incident: these ended in "unrecognized configuration parameter", ENOTFOUND or a false message, and the
// services waited for ever.
describe("where a URL leads to", () => {
  it.each([
    ["postgres://u:p@h/db", ["h:5432"]],
    ["postgresql://u:p@h:6543/db", ["h:6543"]],
    ["postgres://u@[::1]:5433/db", ["::1:5433"]],
    ["postgres://u@[2001:db8::1]/db", ["2001:db8::1:5432"]],
    ["postgres://u@%2Fvar%2Frun%2Fpostgresql/db", ["/var/run/postgresql/.s.PGSQL.5432"]],
    ["postgres://u@%2Fvar%2Frun%2Fpostgresql:6000/db", ["/var/run/postgresql/.s.PGSQL.6000"]],
    ["postgres://u@/db?host=/tmp", ["/tmp/.s.PGSQL.5432"]],
    ["postgres://u@/db?host=/tmp/&port=6000", ["/tmp/.s.PGSQL.6000"]],
    ["postgres:///db?host=%40abstract&user=u", ["\0abstract/.s.PGSQL.5432"]],
    ["postgres://u@h1:5432,h2:5433/db", ["h1:5432", "h2:5433"]],
    ["postgres://u@h1,h2/db", ["h1:5432", "h2:5432"]],
    ["postgres://u@h1,[::1]:7/db?port=6", ["h1:6", "::1:6"]],
    ["postgres://u@/db?host=h1,/tmp,::1&port=1,2,3", ["h1:1", "/tmp/.s.PGSQL.2", "::1:3"]],
    ["postgres://u@db.example.com/db?hostaddr=192.0.2.1", ["192.0.2.1:5432"]],
    ["postgres://u@/db", ["localhost:5432"]],
    ["postgres://", ["localhost:5432"]],
  ])("%s", (url, places) => {
    expect(placesOf(url)).toEqual(places);
  });

  it("takes what the URL leaves open from libpq's environment", () => {
    const env = { PGHOST: "h", PGPORT: "7", PGUSER: "u", PGPASSWORD: "p", PGDATABASE: "d" };
    expect(placesOf("postgres://", env)).toEqual(["h:7"]);
    expect(readConnectionUrl("postgres://", env)).toMatchObject({
      user: "u",
      password: "p",
      database: "d",
    });
    expect(readConnectionUrl("postgres://a:b@c:1/e", env)).toMatchObject({
      user: "a",
      password: "b",
      database: "e",
    });
    expect(readConnectionUrl("postgres://h/d", { PGSSLMODE: "require" }).tls.encrypts).toBe(
      "always",
    );
  });
});

it.each([
  ["postgres://u:p@h/my%25db", { user: "u", password: "p", database: "my%db" }],
  ["postgres://u%40x:p%2F%3A@h/a%20b", { user: "u@x", password: "p/:", database: "a b" }],
  ["postgres://u:p@ss?w#rd+@h/db", { user: "u", password: "p@ss?w#rd+", database: "db" }],
  ["postgres://u:p:q@h/db", { user: "u", password: "p:q", database: "db" }],
  ["postgres://u@h", { user: "u", password: "", database: "u" }],
  ["postgres://h/db?user=u&password=a+b%2B", { user: "u", password: "a+b+", database: "db" }],
  ["postgres://x@h/y?dbname=z&user=u", { user: "u", database: "z" }],
  ["postgres://h", { user: userInfo().username, database: userInfo().username }],
])("%s says who connects to which database", (url, expected) => {
  expect(readConnectionUrl(url)).toMatchObject(expected);
});

describe("parameters", () => {
  it.each([
    // Neon's own string.
    "sslmode=require&channel_binding=require",
    "gssencmode=prefer&gssencmode=disable&krbsrvname=postgres&gsslib=gssapi",
    "keepalives=1&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=10&client_encoding=auto",
    "schema=public&connection_limit=1&pool_timeout=0&socket_timeout=5&statement_cache_size=0",
    "sslaccept=strict&max=5&idle_timeout=3&uselibpqcompat=true&sslcompression=0",
    "fallback_application_name=x&min_protocol_version=3.0&max_protocol_version=latest&replication=false",
    "supa=base-pooler.x&pool_max_conns=10&default_query_exec_mode=exec",
  ])("passes over what means nothing here: %s", (query) => {
    const { startup } = readConnectionUrl(`postgres://u@localhost/db?${query}`);
    expect(startup).toEqual({});
  });

  it("honours what means something", () => {
    const target = readConnectionUrl(
      "postgres://u@h1,h2/db?connect_timeout=10&keepalives_idle=30&application_name=mine" +
        "&options=-c%20search_path%3Dapp&target_session_attrs=read-write&load_balance_hosts=random" +
        "&statement_timeout=5000",
    );
    expect(target).toMatchObject({
      connectTimeoutSeconds: 10,
      keepAliveSeconds: 30,
      sessionAttrs: "read-write",
      tries: "inAnyOrder",
      startup: {
        options: "-c search_path=app",
        application_name: "mine",
        statement_timeout: "5000",
      },
    });
    expect(readConnectionUrl("postgres://u@h/db?keepalives=0").keepAliveSeconds).toBe(0);
    expect(readConnectionUrl("postgres://u@h/db?connect_timeout=-1").connectTimeoutSeconds).toBe(0);
    expect(readConnectionUrl("postgres://u@h/db?pgbouncer=true").isPooled).toBe(true);
    expect(readConnectionUrl("postgres://u@h/db?prepare=false").isPooled).toBe(true);
    expect(readConnectionUrl("postgres://u@h/db?pgbouncer=false").isPooled).toBe(false);
  });

  it("names what it does not know, without its value", () => {
    const { warnings } = readConnectionUrl("postgres://u@localhost/db?frobnicate=hunter2");
    expect(warnings).toEqual(["not known here, and ignored: frobnicate"]);
  });

  it.each([
    ["postgres://u@h/db?service=x", /service, which is refused/],
    ["postgres://u@h/db?passfile=/x", /passfile, which is refused: no password file/],
    ["postgres://u@h/db?gssencmode=require", /no GSSAPI/],
    ["postgres://u@h/db?require_auth=scram-sha-256", /require_auth, which is refused/],
    ["postgres://u@h/db?replication=database", /replication/],
    ["postgres://u@h/db?target_session_attrs=standby", /only reads/],
    ["postgres://u@h/db?target_session_attrs=best", /none of any, read-write/],
    ["postgres://u@h/db?sslmod=verify-full", /is sslmode meant/],
    ["postgres://u@h/db?sslMode=verify-full", /is sslmode meant/],
    ["postgres://u@h/db?conect_timeout=3", /is connect_timeout meant/],
    ["postgres://u@h/db?ssl_verify=yes", /unknown parameter ssl_verify/],
    ["postgres://u@h/db?sslmode=strict", /sslmode that is none of disable/],
    ["postgres://u@h/db?connect_timeout=soon", /no whole number/],
    ["postgres://u@h/db?sslrootcert=/nowhere/ca.pem&sslmode=require", /cannot be read \(ENOENT\)/],
    [`postgres://u@h/db?sslmode=verify-full&sslrootcert=${notPem}`, /not PEM/],
    ["postgres://u@h/db?sslrootcert=system&sslmode=require", /weaker sslmode/],
    ["postgres://u@h/db?sslnegotiation=direct", /needs sslmode=require/],
    [`postgres://u@h/db?sslmode=require&sslcert=${ca}`, /sslcert and sslkey together/],
    ["postgres://u@h/db?sslmode=require&ssl_min_protocol_version=SSLv3", /none of TLSv1/],
    ["postgres://u@h/db?lonely", /parameter without a value/],
    ["postgres://u@h:0/db", /ports from 1/],
    ["postgres://u@h:5432x/db", /ports from 1/],
    ["postgres://u@h1,h2,h3/db?port=1,2", /one port, or as many/],
    ["postgres://u@h1,h2/db?hostaddr=192.0.2.1", /as many in host as in hostaddr/],
    ["postgres://u@::1/db", /IPv6 address is in/],
    ["postgres://u@h/100%db", /% in the database's name/],
    ["postgres://u:50%@h/db", /% in the password/],
    ["postgres://u@h/a%00b", /%00/],
    ["mysql://u@h/db", /starts with postgres/],
  ])("refuses %s with the reason", (url, reason) => {
    expect(() => readConnectionUrl(url)).toThrow(reason);
  });

  it("tells no secret when it refuses", () => {
    for (const url of [
      "postgres://u:hunter2%@h/db",
      "postgres://u:hunter2/x@h/db",
      "postgres://u@h/db?password=hunter2%",
      "postgres://u@h:hunter2/db",
      "postgres://u@h/db?sslpasswort=hunter2",
      "hunter2",
    ]) {
      expect(() => readConnectionUrl(url)).toThrow(expect.not.stringContaining("hunter2") as Error);
    }
  });
});

describe("sslmode", () => {
  it.each([
    ["", "ifOffered", false, false],
    ["sslmode=disable", "never", false, false],
    ["sslmode=allow", "ifOffered", false, false],
    ["sslmode=prefer", "ifOffered", false, false],
    ["sslmode=require", "always", false, false],
    ["ssl=true", "always", false, false],
    ["ssl=false", "never", false, false],
    ["sslmode=no-verify", "always", false, false],
    [`sslmode=require&sslrootcert=${ca}`, "always", true, false],
    ["sslmode=verify-ca", "always", true, false],
    [`sslmode=verify-ca&sslrootcert=${ca}`, "always", true, false],
    ["sslmode=verify-full", "always", true, true],
    ["sslrootcert=system", "always", true, true],
  ])("%s", (query, encrypts, checksChain, checksName) => {
    const { tls } = readConnectionUrl(`postgres://u@h/db?${query}`);
    expect(tls).toMatchObject({
      encrypts,
      checksName,
      options: { rejectUnauthorized: checksChain },
    });
  });

  it.each([
    ["db.example.com", "sslmode=require", 1],
    ["db.example.com", "sslmode=prefer", 1],
    ["db.example.com", "sslmode=disable", 1],
    ["db.example.com", "", 1],
    ["192.0.2.1", "", 1],
    ["127.0.0.1", "sslmode=require", 1],
    ["db.example.com", "sslmode=verify-ca", 0],
    ["db.example.com", "sslmode=verify-full", 0],
    ["db.example.com", `sslmode=require&sslrootcert=${ca}`, 0],
    ["127.0.0.1", "", 0],
    ["localhost", "sslmode=disable", 0],
    ["postgres", "", 0],
    ["10.1.2.3", "", 0],
    ["db.internal", "", 0],
    ["%2Ftmp", "", 0],
  ])("warns where it is weak (%s, %s)", (host, query, count) => {
    expect(readConnectionUrl(`postgres://u@${host}/db?${query}`).warnings).toHaveLength(count);
  });
});
