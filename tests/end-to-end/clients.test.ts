/** Clients and their keys: shown once, kept as hashes, ended at once; and what a client may not. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApi, type Api, type ApiAnswer } from "@webhook-delivery/shared/testing/api.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";

const NO_ID = "00000000-0000-7000-8000-000000000000";

interface KeyJson {
  readonly id: string;
  readonly start: string;
  readonly createdAt: string;
  readonly revokedAt: string | null;
}

interface ClientJson {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly keys?: readonly KeyJson[];
}

interface ClientsBody {
  readonly client: ClientJson;
  readonly clients: readonly ClientJson[];
  readonly key: KeyJson;
  readonly apiKey: string;
  readonly total: number;
  readonly nextCursor: string | null;
}

let service: TestService;

beforeAll(async () => {
  service = await startService({ backend: "postgres", workers: 0 });
});

afterAll(() => service[Symbol.asyncDispose]());

function bodyOf(answer: ApiAnswer): ClientsBody {
  return JSON.parse(answer.text) as ClientsBody;
}

async function makeClient(name = "Some client"): Promise<ClientsBody> {
  const answer = await service.api.post("/clients", { name });
  expect(answer.status).toBe(201);
  return bodyOf(answer);
}

/** The API with a client's key. */
function as(apiKey: string): Api {
  return createApi(service.api.url, apiKey, () => {});
}

async function readClient(id: string): Promise<ClientJson> {
  return bodyOf(await service.api.get(`/clients/${id}`)).client;
}

function verdict({ status, body }: ApiAnswer) {
  return [status, body.error.code];
}

test("a client is made with its first key, which opens the API", async () => {
  const { client, key, apiKey } = await makeClient("  Analytical Engines Ltd \n");
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown;
  const id = expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown;
  expect(client).toEqual({ id, name: "Analytical Engines Ltd", createdAt: time });
  const start = apiKey.slice(0, 8);
  expect(key).toEqual({ id, start, requestsPerSecond: null, createdAt: time, revokedAt: null });
  expect(apiKey).toMatch(/^wd_[\w-]{43}$/);
  expect((await as(apiKey).get("/webhook-delivery")).status).toBe(200);
});

test("a key is shown once and kept as its hash", async () => {
  const { client, key, apiKey } = await makeClient();
  const [row] = await service.database.sql`select * from api_keys where id = ${key.id}`;
  expect(row?.["key_hash"]).toEqual(createHash("sha256").update(apiKey).digest());
  const kept = await service.database.sql`select k::text as text from api_keys as k`;
  expect(JSON.stringify(kept)).not.toContain(apiKey.slice(8));

  const read = await service.api.get(`/clients/${client.id}`);
  expect(bodyOf(read).client).toEqual({ ...client, keys: [key] });
  const listed = await service.api.get("/clients");
  const renamed = await service.api.send("PATCH", `/clients/${client.id}`, { name: "Renamed" });
  const revoked = await service.api.send("DELETE", `/clients/${client.id}/keys/${key.id}`);
  for (const { text } of [read, listed, renamed, revoked]) {
    expect(text).not.toContain(apiKey.slice(8));
    expect(text).not.toContain("hash");
  }
  expect(service.ingest.output).not.toContain(apiKey.slice(8));
});

test("a revoked key opens nothing from the next request on, and its sisters still do", async () => {
  const { client, key, apiKey } = await makeClient();
  const second = bodyOf(await service.api.post(`/clients/${client.id}/keys`));
  expect(second.apiKey).not.toBe(apiKey);
  expect((await as(apiKey).get("/event-types")).status).toBe(200);

  const path = `/clients/${client.id}/keys/${key.id}`;
  const revoked = await service.api.send("DELETE", path);
  expect(revoked.status).toBe(200);
  expect(bodyOf(revoked).key).toEqual({ ...key, revokedAt: expect.any(String) as unknown });
  expect(verdict(await as(apiKey).get("/event-types"))).toEqual([401, "unauthorized"]);
  expect((await as(second.apiKey).get("/event-types")).status).toBe(200);

  const again = await service.api.send("DELETE", path);
  expect([again.status, again.text]).toEqual([200, revoked.text]);
  const { keys } = await readClient(client.id);
  expect(keys?.map(({ id, revokedAt }) => [id, revokedAt === null])).toEqual([
    [second.key.id, true],
    [key.id, false],
  ]);
});

test("a key is revoked under its own client only", async () => {
  const [one, other] = [await makeClient(), await makeClient()];
  const answer = await service.api.send("DELETE", `/clients/${other.client.id}/keys/${one.key.id}`);
  expect(verdict(answer)).toEqual([404, "not_found"]);
  expect((await as(one.apiKey).get("/event-types")).status).toBe(200);
});

test("clients are listed newest first, page by page", async () => {
  const made: string[] = [];
  for (const name of ["first", "second", "third"]) made.unshift((await makeClient(name)).client.id);
  const newest = bodyOf(await service.api.get("/clients?limit=2"));
  const older = bodyOf(await service.api.get(`/clients?limit=1&cursor=${newest.nextCursor}`));
  expect([...newest.clients, ...older.clients].map(({ id }) => id)).toEqual(made);
  const all = bodyOf(await service.api.get("/clients?limit=200"));
  expect([all.total, all.nextCursor]).toEqual([all.clients.length, null]);
  expect(newest.total).toBe(all.total);
  expect(verdict(await service.api.get("/clients?cursor=x"))).toEqual([400, "invalid_cursor"]);
});

test("a client is renamed", async () => {
  const { client } = await makeClient("Before");
  const answer = await service.api.send("PATCH", `/clients/${client.id}`, { name: " After " });
  expect([answer.status, bodyOf(answer).client]).toEqual([200, { ...client, name: "After" }]);
  expect((await readClient(client.id)).name).toBe("After");
});

test.each([
  ["nothing", {}],
  ["an empty text", { name: "" }],
  ["blanks", { name: " \t\n" }],
  ["a number", { name: 7 }],
  ["null", { name: null }],
  ["too long a text", { name: "x".repeat(256) }],
  ["text that cannot be stored", { name: "a\u0000b" }],
])("%s is no name", async (_what, body) => {
  const { client } = await makeClient("Kept");
  const count = async () => bodyOf(await service.api.get("/clients")).total;
  const before = await count();
  expect((await service.api.post("/clients", body)).status).toBe(400);
  expect((await service.api.send("PATCH", `/clients/${client.id}`, body)).status).toBe(400);
  expect(await count()).toBe(before);
  expect((await readClient(client.id)).name).toBe("Kept");
});

test.each([NO_ID, "nobody", "%00", `urn:uuid:${NO_ID}`])("%s is nobody's id", async (id) => {
  const { client } = await makeClient();
  const expected = [404, id === "%00" ? "not_found" : "client_not_found"];
  expect(verdict(await service.api.get(`/clients/${id}`))).toEqual(expected);
  expect(verdict(await service.api.send("PATCH", `/clients/${id}`, { name: "x" }))).toEqual(
    expected,
  );
  expect(verdict(await service.api.post(`/clients/${id}/keys`))).toEqual(expected);
  expect(verdict(await service.api.send("DELETE", `/clients/${id}/keys/${NO_ID}`))).toEqual(
    expected,
  );
  const answer = await service.api.send("DELETE", `/clients/${client.id}/keys/${id}`);
  expect(verdict(answer)).toEqual([404, "not_found"]);
});

test("a client's key is not for operators' routes, not even about itself", async () => {
  const { client, key, apiKey } = await makeClient("Itself");
  const api = as(apiKey);
  const path = `/clients/${client.id}`;
  const answers = await Promise.all([
    api.post("/clients", { name: "Another" }),
    api.get("/clients"),
    api.get("/metrics"),
    api.get(path),
    api.get(`/clients/${NO_ID}`),
    api.send("PATCH", path, { name: "Other" }),
    api.post(`${path}/keys`),
    api.send("DELETE", `${path}/keys/${key.id}`),
    api.get(`/api${path}`),
  ]);
  for (const answer of answers) expect(verdict(answer)).toEqual([403, "forbidden"]);
  expect(await readClient(client.id)).toMatchObject({ name: "Itself", keys: [key] });
});
