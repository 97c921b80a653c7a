import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext, TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { makeCertificate } from "../testing/certificate.ts";
import { createTestDatabase, type TestDatabase } from "../testing/database.ts";
import { connectDatabase, isDatabaseAway } from "./client.ts";

const authority = makeCertificate({ commonName: "a private CA" });
const client = makeCertificate({ commonName: "client", dnsNames: ["client"], issuer: authority });
const server = makeCertificate({ commonName: "x", dnsNames: ["localhost"], issuer: authority });
const database = new URL(inject("servers").postgresUrl);

let folder: string;
let ca: string;
let otherCa: string;
/** Before the real PostgreSQL: with TLS, and without. */
let secured: Front;
let plain: Front;

interface Front {
  readonly port: number;
  readonly seen: { isEncrypted: boolean; clientName?: string }[];
  readonly server: Server;
}

async function startFront(answer: "S" | "N"): Promise<Front> {
  const seen: Front["seen"] = [];
  const secureContext = createSecureContext({
    cert: server.cert,
    key: server.key,
    ca: authority.cert,
  });
  const pass = (one: Socket): void => {
    const other = connect(Number(database.port), database.hostname);
    one.pipe(other).pipe(one);
    one.on("error", () => other.destroy());
    other.on("error", () => one.destroy());
  };
  const listener = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      if (bytes.length !== 8 || bytes.readUInt32BE(4) !== 80_877_103) {
        seen.push({ isEncrypted: false });
        socket.unshift(bytes);
        return pass(socket);
      }
      socket.write(answer);
      if (answer === "N")
        return void socket.once("data", (next) => {
          seen.push({ isEncrypted: false });
          socket.unshift(next);
          pass(socket);
        });
      const tls = new TLSSocket(socket, {
        isServer: true,
        secureContext,
        requestCert: true,
        rejectUnauthorized: false,
      });
      tls.once("secure", () => {
        const { subject } = tls.getPeerCertificate();
        seen.push({
          isEncrypted: true,
          ...(subject?.CN !== undefined && { clientName: String(subject.CN) }),
        });
        pass(tls);
      });
      tls.on("error", () => {});
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return { port: (listener.address() as AddressInfo).port, seen, server: listener };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "connection-socket-"));
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  ca = await write("ca.pem", authority.cert);
  otherCa = await write("other.pem", makeCertificate({ commonName: "another CA" }).cert);
  await write("client.pem", client.cert);
  await write("client.key", client.key);
  [secured, plain] = await Promise.all([startFront("S"), startFront("N")]);
});
afterAll(async () => {
  for (const front of [secured, plain]) front.server.close();
  await rm(folder, { recursive: true });
});

/** What came of one query. */
async function ask(hosts: string, query: string): Promise<unknown> {
  const url = `postgres://${database.username}:${database.password}@${hosts}${database.pathname}?${query}`;
  const sql = connectDatabase({ url, applicationName: "tests", maxConnections: 1 });
  try {
    const [row] = await sql`select 1 as one`;
    return row?.["one"];
  } catch (error) {
    return error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

// Incident: with `require` and a private CA half of the connections worked, and deliveries stayed pending.
describe("sslmode against a server that", () => {
  it.each([
    ["", true],
    ["sslmode=disable", false],
    ["sslmode=allow", true],
    ["sslmode=prefer", true],
    ["sslmode=require", true],
    ["sslmode=require&sslrootcert=CA", true],
    ["sslmode=verify-ca&sslrootcert=CA", true],
    ["sslmode=verify-full&sslrootcert=CA", true],
    ["sslmode=verify-full&sslrootcert=CA&sslsni=0", true],
  ])("has a private CA and the right name takes it (%s)", async (query, isEncrypted) => {
    expect(await ask(`localhost:${secured.port}`, query.replace("CA", ca))).toBe(1);
    expect(secured.seen.at(-1)?.isEncrypted).toBe(isEncrypted);
  });

  it.each([
    ["localhost", "sslmode=verify-full", /CA that is not trusted: give its file in sslrootcert/],
    ["localhost", "sslmode=verify-ca", /CA that is not trusted/],
    ["localhost", "sslrootcert=system", /CA that is not trusted/],
    ["localhost", "sslmode=verify-ca&sslrootcert=OTHER", /CA that is not trusted/],
    ["localhost", "sslmode=require&sslrootcert=OTHER", /CA that is not trusted/],
    ["127.0.0.1", "sslmode=verify-full&sslrootcert=CA", /certificate is for another name/],
  ])("is not who it should be is refused (%s, %s)", async (host, query, reason) => {
    const files = query.replace("OTHER", otherCa).replace("CA", ca);
    const error = await ask(`${host}:${secured.port}`, files);
    expect(error).toMatchObject({ message: expect.stringMatching(reason) as string });
    expect(error).toSatisfy(isDatabaseAway);
  });

  it("has another name does for verify-ca", async () => {
    const query = `sslmode=verify-ca&sslrootcert=${ca}`;
    expect(await ask(`127.0.0.1:${secured.port}`, query)).toBe(1);
  });

  it("has no TLS does until sslmode demands it", async () => {
    for (const mode of ["disable", "allow", "prefer"]) {
      expect(await ask(`127.0.0.1:${plain.port}`, `sslmode=${mode}`)).toBe(1);
    }
    for (const mode of ["require", "verify-ca", "verify-full"]) {
      const error = await ask(`127.0.0.1:${plain.port}`, `sslmode=${mode}`);
      expect(error).toMatchObject({
        message: expect.stringContaining("does not offer TLS") as string,
      });
    }
  });

  it("asks for a certificate sees the client's", async () => {
    const files = `sslcert=${join(folder, "client.pem")}&sslkey=${join(folder, "client.key")}`;
    expect(await ask(`localhost:${secured.port}`, `sslmode=require&${files}`)).toBe(1);
    expect(secured.seen.at(-1)?.clientName).toBe("client");
    expect(
      await ask(`localhost:${secured.port}`, `sslmode=require&sslcertmode=disable&${files}`),
    ).toBe(1);
    expect(secured.seen.at(-1)?.clientName).toBeUndefined();
  });
});

describe("several hosts", () => {
  const here = `127.0.0.1:${database.port}`;

  it("are tried one after the other", async () => {
    expect(await ask(`127.0.0.1:1,${here}`, "")).toBe(1);
    expect(await ask(`127.0.0.1:1,%2Fnowhere,${here}`, "connect_timeout=2")).toBe(1);
  });

  it("are not waited for when one is silent", async () => {
    const silent = createServer(() => {});
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    expect(await ask(`127.0.0.1:${port},${here}`, "connect_timeout=1")).toBe(1);
    silent.close();
  });

  it("that are all away end the query, and the pool goes on", async () => {
    const url = "postgres://u@127.0.0.1:1,[::1]:1,%2Fnowhere/db";
    const sql = connectDatabase({ url, applicationName: "tests", maxConnections: 2 });
    // More often than there are connections: none of them is lost.
    for (let tries = 0; tries < 5; tries++) {
      const error: unknown = await sql`select 1`.catch((reason: unknown) => reason);
      expect(error).toSatisfy(isDatabaseAway);
      expect(error).toMatchObject({ message: expect.stringContaining("/nowhere") as string });
    }
    await sql.end();
  });

  it.each(["end", "destroy", "resetAndDestroy"] as const)(
    "that hang up when they are asked for TLS (%s), as they do while they restart, are away",
    async (how) => {
      const listener = createServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket[how]());
      }).listen(0, "127.0.0.1");
      await once(listener, "listening");
      const { port } = listener.address() as AddressInfo;
      const pool = connectDatabase({
        url: `postgres://user@127.0.0.1:${port}/x`,
        applicationName: "tests",
      });
      const error: unknown = await pool`select 1`.catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(Error);
      expect(isDatabaseAway(error)).toBe(true);
      await pool.end({ timeout: 0 });
      listener.close();
    },
  );

  it("that only read are passed by where one that writes is asked for", async () => {
    await using writable = await createTestDatabase({ isEmpty: true });
    await using readOnly = await createTestDatabase({ isEmpty: true });
    const nameOf = ({ url }: TestDatabase): string => new URL(url).pathname.slice(1);
    await writable.sql.unsafe(
      `alter database ${nameOf(readOnly)} set default_transaction_read_only = on`,
    );
    // Another server, as far as we see: it leads to the other database, whose name is as long.
    const standby = createServer((socket) => {
      const other = connect(Number(database.port), database.hostname);
      socket.on("data", (bytes) => {
        const text = bytes.toString("latin1").replace(nameOf(writable), nameOf(readOnly));
        // It has no TLS.
        if (bytes.length === 8) socket.write("N");
        else other.write(Buffer.from(text, "latin1"));
      });
      other.pipe(socket);
      socket.on("close", () => other.destroy());
      socket.on("error", () => {});
      other.on("error", () => {});
    });
    standby.listen(0, "127.0.0.1");
    await once(standby, "listening");
    const { port } = standby.address() as AddressInfo;
    const url = new URL(writable.url);
    const hosts = `127.0.0.1:${port},127.0.0.1:${url.port}`;
    const sql = connectDatabase({
      url: writable.url.replace(url.host, hosts) + "?target_session_attrs=read-write",
      applicationName: "tests",
      maxConnections: 3,
    });
    const askName = () => sql<{ name: string }[]>`select current_database() as name`;
    const rows = await Promise.all([askName(), askName(), askName(), askName()]);
    expect(rows.map(([row]) => row?.name)).toEqual(rows.map(() => nameOf(writable)));
    await sql.end();
    standby.close();
  });
});
