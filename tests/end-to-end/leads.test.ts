/** Leads through the API: written whole or in part, each client's its own. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApi, type Api, type ApiAnswer } from "@webhook-delivery/shared/testing/api.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";

const NO_ID = "00000000-0000-7000-8000-000000000000";

interface LeadBody {
  readonly lead: Readonly<Record<string, unknown>>;
  readonly client: { readonly id: string };
  readonly apiKey: string;
}

interface TestClient {
  readonly id: string;
  readonly api: Api;
}

let service: TestService;
let one: TestClient;
let other: TestClient;

beforeAll(async () => {
  service = await startService({ backend: "postgres", workers: 0 });
  [one, other] = [await makeClient("One"), await makeClient("Other")];
});

afterAll(() => service[Symbol.asyncDispose]());

function bodyOf(answer: ApiAnswer): LeadBody {
  return JSON.parse(answer.text) as LeadBody;
}

async function makeClient(name: string): Promise<TestClient> {
  const { client, apiKey } = bodyOf(await service.api.post("/clients", { name }));
  return { id: client.id, api: createApi(service.api.url, apiKey, () => {}) };
}

function put(api: Api, id: string, body: unknown): Promise<ApiAnswer> {
  return api.send("PUT", `/leads/${id}`, body);
}

function verdict({ status, body }: ApiAnswer) {
  return [status, body.error.code];
}

test("a lead is written and read back", async () => {
  const fields = {
    email: "grace@example.com",
    firstName: "Grace",
    lastName: "Hopper",
    linkedinId: "grace-hopper",
    linkedinUrl: "https://www.linkedin.com/in/grace-hopper",
    company: "Navy",
    title: "Rear admiral",
    source: "import",
    customFields: { rank: 8, tags: ["a", "b"] },
  };
  const answer = await put(service.api, "grace", {
    ...fields,
    capturedAt: "2026-01-02T03:04:05+01:00",
  });
  expect(answer.status).toBe(200);
  const { lead } = bodyOf(answer);
  const time = expect.stringMatching(/^2\d{3}-.*\.\d{3}Z$/) as unknown;
  expect(lead).toEqual({
    id: "grace",
    ...fields,
    capturedAt: "2026-01-02T02:04:05.000Z",
    status: null,
    createdAt: time,
    updatedAt: time,
  });
  const read = await service.api.get("/api/leads/grace");
  expect([read.status, bodyOf(read).lead]).toEqual([200, lead]);
});

test("absent fields stay, null clears, custom fields are merged", async () => {
  await put(service.api, "changing", {
    email: "a@example.com",
    company: "Before",
    title: "Boss",
    customFields: { kept: 1, changed: 1 },
  });
  const answer = await put(service.api, "changing", {
    company: "After",
    title: null,
    customFields: { changed: 2 },
    unknownField: "ignored",
  });
  expect(answer.body).toMatchObject({ warnings: [{ field: "body.unknownField" }] });
  expect(bodyOf(answer).lead).toMatchObject({
    email: "a@example.com",
    company: "After",
    title: null,
    customFields: { kept: 1, changed: 2 },
  });
  const cleared = bodyOf(await put(service.api, "changing", { customFields: null })).lead;
  expect(cleared).toMatchObject({ company: "After", customFields: {} });
});

// The first was a 500 after it was written, and the lead a 500 ever after; the last a 500 as well.
test("a time is kept as it was meant, or refused with its field", async () => {
  const zero = { capturedAt: "0001-01-01T00:00:00.000Z" };
  expect(bodyOf(await put(service.api, "old", zero)).lead).toMatchObject(zero);
  expect(bodyOf(await service.api.get("/leads/old")).lead).toMatchObject(zero);
  for (const [answer, field] of [
    [
      await put(service.api, "never", { capturedAt: "0001-01-01T00:00:00+01:00" }),
      "body.capturedAt",
    ],
    [await service.api.get("/webhook-delivery?since=2016-12-31T23:59:60Z"), "querystring.since"],
  ] as const) {
    expect([answer.status, answer.body.error.details?.[0]?.field]).toEqual([400, field]);
  }
  expect((await service.api.get("/leads/never")).status).toBe(404);
});

test("a lead that was delivered says so", async () => {
  await put(service.api, "told", {});
  await service.database.sql`update leads set status = 'webhook_sent' where id = 'told'`;
  const answer = await put(service.api, "told", { email: "b@example.com" });
  expect(bodyOf(answer).lead).toMatchObject({ status: "webhook_sent", email: "b@example.com" });
});

test("the same id is another lead for each client and for the operator", async () => {
  for (const [api, company] of [
    [service.api, "Operator's"],
    [one.api, "One's"],
    [other.api, "Other's"],
  ] as const) {
    expect((await put(api, "shared-id", { company })).status).toBe(200);
  }
  const companies = await Promise.all(
    [service.api, one.api, other.api].map(
      async (api) => bodyOf(await api.get("/leads/shared-id")).lead["company"],
    ),
  );
  expect(companies).toEqual(["Operator's", "One's", "Other's"]);
});

test("a client's lead is there for the client, for an operator who names it, and for nobody else", async () => {
  await put(one.api, "hidden", { company: "One's" });
  expect(verdict(await other.api.get("/leads/hidden"))).toEqual([404, "lead_not_found"]);
  expect(verdict(await service.api.get("/leads/hidden"))).toEqual([404, "lead_not_found"]);
  const read = await service.api.get(`/leads/hidden?clientId=${one.id}`);
  expect(bodyOf(read).lead).toMatchObject({ company: "One's" });

  const path = `/leads/hidden?clientId=${one.id}`;
  expect((await service.api.send("PUT", path, { title: "By the operator" })).status).toBe(200);
  const own = await one.api.get(path);
  expect(bodyOf(own).lead).toMatchObject({ company: "One's", title: "By the operator" });
});

test("a client that names another finds no client, the same as with one that does not exist", async () => {
  await put(other.api, "not-yours", { company: "Other's" });
  const answers = [];
  for (const clientId of [other.id, NO_ID]) {
    const path = `/leads/not-yours?clientId=${clientId}`;
    answers.push(await one.api.get(path), await one.api.send("PUT", path, { company: "Mine" }));
  }
  for (const answer of answers) {
    expect(verdict(answer)).toEqual([404, "client_not_found"]);
    expect(answer.text).toBe(answers[0]?.text);
  }
  expect(bodyOf(await other.api.get("/leads/not-yours")).lead["company"]).toBe("Other's");
});

test("an operator cannot write for a client that does not exist", async () => {
  const answer = await service.api.send("PUT", `/leads/x?clientId=${NO_ID}`, {});
  expect(verdict(answer)).toEqual([404, "client_not_found"]);
  expect(await service.database.sql`select from leads where id = 'x'`).toHaveLength(0);
});

test.each([
  ["of 255 characters", "x".repeat(255)],
  ["with a slash", "crm/42"],
  ["with signs of its own", "ü %?#&+\u{1F600}"],
])("an id %s is as good as any", async (_what, id) => {
  const path = `/leads/${encodeURIComponent(id)}`;
  expect(bodyOf(await service.api.send("PUT", path, {})).lead["id"]).toBe(id);
  expect(bodyOf(await service.api.get(path)).lead["id"]).toBe(id);
});

test.each([
  ["an unknown lead", "GET", "/leads/nobody", undefined, [404, "lead_not_found"]],
  ["an id that nothing can have", "GET", "/leads/%00", undefined, [404, "not_found"]],
  ["an id that cannot be stored", "PUT", "/leads/%00", {}, [400, "invalid_text"]],
  ["an id that is too long", "PUT", `/leads/${"x".repeat(256)}`, {}, [400, "invalid_request"]],
  ["no body", "PUT", "/leads/bad", undefined, [400, "invalid_request"]],
  ["a list", "PUT", "/leads/bad", [], [400, "invalid_request"]],
  ["a number as a name", "PUT", "/leads/bad", { firstName: 1 }, [400, "invalid_request"]],
  ["no time", "PUT", "/leads/bad", { capturedAt: "today" }, [400, "invalid_request"]],
  [
    "a year 0",
    "PUT",
    "/leads/bad",
    { capturedAt: "0000-01-01T00:00:00Z" },
    [400, "invalid_request"],
  ],
  ["a clientId that is none", "PUT", "/leads/bad?clientId=x", {}, [400, "invalid_request"]],
  [
    "a clientId spelled as a URN",
    "PUT",
    `/leads/bad?clientId=urn:uuid:${NO_ID}`,
    {},
    [400, "invalid_request"],
  ],
])("%s is refused and nothing is written", async (_what, method, path, body, expected) => {
  expect(verdict(await service.api.send(method, path, body))).toEqual(expected);
  expect(await service.database.sql`select from leads where id = 'bad'`).toHaveLength(0);
});
