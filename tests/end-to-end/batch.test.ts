/** `POST /webhook-delivery/batch`: many in one request, each accepted or refused by itself, in order. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiAnswer, DeliveryJson, ErrorJson } from "@webhook-delivery/shared/testing/api.ts";
import { deliveryTo } from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { newClient, register } from "@webhook-delivery/shared/testing/registry.ts";
import {
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

interface ItemResult {
  readonly status: "success" | "error";
  readonly delivery: DeliveryJson;
  readonly error: ErrorJson;
  readonly idempotencyReplayed?: boolean;
}

const MAX_PAYLOAD_BYTES = 20_000;
const env = {
  RATE_LIMIT_PER_SECOND: "0",
  WORKER_CONCURRENCY: "20",
  RETRY_SCHEDULE_SECONDS: "0.2",
  MAX_PAYLOAD_BYTES: String(MAX_PAYLOAD_BYTES),
};

describe.each(BACKENDS)("with the queue in %s", (backend) => {
  let service: TestService;
  let receiver: Receiver;

  beforeAll(async () => {
    [service, receiver] = await Promise.all([startService({ backend, env }), startReceiver()]);
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  const post = (
    deliveries: readonly unknown[],
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> => service.api.post("/webhook-delivery/batch", { deliveries }, { headers });

  const results = (answer: ApiAnswer): readonly ItemResult[] => {
    expect([answer.status, answer.text.slice(0, 200)]).toEqual([202, expect.anything()]);
    return (JSON.parse(answer.text) as { results: ItemResult[] }).results;
  };
  const accept = async (...args: Parameters<typeof post>) => results(await post(...args));
  const codesOf = (items: readonly ItemResult[]) =>
    items.map(({ status, error }) => (status === "success" ? status : error.code));

  async function countRows(): Promise<number> {
    const { sql } = service.database;
    const [row] = await sql<[{ count: number }]>`
      select count(*)::int as count from webhook_deliveries`;
    return row.count;
  }

  test("a thousand mixed items are answered in order, and the good ones arrive", async () => {
    const hook = receiver.hook();
    const items = Array.from({ length: 1_000 }, (_, n) => {
      const good = deliveryTo(hook, { payload: { n } });
      switch (n % 5) {
        case 1:
          return { ...good, webhookUrl: "ftp://example.com/" };
        case 3:
          return { ...good, leadId: `lead-${n}`, lead: { email: `${n}@example.com` } };
        case 4:
          return n % 2 === 0 ? { ...good, payload: undefined, leadId: "nobody" } : 7;
        default:
          return good;
      }
    });
    const startedAt = performance.now();
    const found = await accept(items);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(codesOf(found)).toEqual(
      items.map((_, n) => {
        if (n % 5 === 1) return "invalid_url";
        if (n % 5 !== 4) return "success";
        return n % 2 === 0 ? "lead_not_found" : "invalid_request";
      }),
    );
    const arrivals = await hook.waitFor(600);
    const numbers = arrivals.map(({ body }) => (JSON.parse(body) as { n: number }).n);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(
      items.flatMap((_, n) => (n % 5 === 1 || n % 5 === 4 ? [] : [n])),
    );
    expect(hook.arrivedIds()).toEqual(
      found
        .flatMap(({ status, delivery }) => (status === "success" ? [delivery.id] : []))
        .toSorted(),
    );
  });

  test.concurrent("every item is sent as it was spelled", async () => {
    const hook = receiver.hook();
    const payloads = ['{"b":1.0, "a":12345678901234567890}', '[ "],[", 1e2 ]', '"\\u0041"'];
    const items = payloads.map(
      (payload) => `{"webhookUrl":"${hook.url}", "format":"raw","payload" : ${payload}}`,
    );
    const text = `{"deliveries":[1],"x":[{"deliveries":2}], "deliveries" : [\n${items.join(" ,\n")}] }`;
    expect(codesOf(results(await service.api.post("/webhook-delivery/batch", text)))).toEqual(
      payloads.map(() => "success"),
    );
    const arrivals = await hook.waitFor(payloads.length);
    expect(arrivals.map(({ body }) => body).toSorted()).toEqual(payloads.toSorted());
  });

  test.concurrent("what is wrong with an item is said of that item and refuses no other", async () => {
    const hook = receiver.hook();
    const good = deliveryTo(hook);
    const deep = (levels: number): unknown =>
      JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;
    const found = await accept([
      good,
      null,
      { ...good, webhookUrl: undefined },
      { ...good, eventType: "no spaces please" },
      { ...good, payload: { text: "a\0b" } },
      { ...good, payload: deep(64) },
      { ...good, payload: "x".repeat(MAX_PAYLOAD_BYTES) },
      { ...good, webhookUrl: "http://10.0.0.1/" },
      { ...good, endpointId: "unknown", webhookUrl: undefined },
      { ...good, idempotencyKey: "ü" },
      { ...good, lead: { email: "a@example.com" } },
      good,
    ]);
    expect(codesOf(found)).toEqual([
      "success",
      "invalid_request",
      "invalid_request",
      "invalid_request",
      "invalid_text",
      "json_too_deep",
      "payload_too_large",
      "address_refused",
      "endpoint_not_found",
      "invalid_idempotency_key",
      "invalid_request",
      "success",
    ]);
    const fields = found.map(({ error }) => error?.details?.[0]?.field);
    expect(fields).toEqual([
      undefined,
      "deliveries[1]",
      "deliveries[2].webhookUrl",
      "deliveries[3].eventType",
      "deliveries[4].payload.text",
      undefined,
      undefined,
      "deliveries[7].webhookUrl",
      "deliveries[8].endpointId",
      "deliveries[9].idempotencyKey",
      "deliveries[10].leadId",
      undefined,
    ]);
    await hook.waitFor(2);
  });

  test.concurrent("a number that no database holds refuses its item alone, also beside leads", async () => {
    const hook = receiver.hook();
    const item = (payload: string, also = "") =>
      `{"webhookUrl":"${hook.url}","format":"raw","payload":${payload}${also}}`;
    const lead = (id: string) => `,"leadId":"${id}","lead":{"company":"${id}"}`;
    const items = [
      item("1"),
      item("1e200000"),
      item("2"),
      item("3", lead("kept-1")),
      item("1e200000", lead("lost")),
      item("4", lead("kept-2")),
    ];
    const answer = await service.api.post(
      "/webhook-delivery/batch",
      `{"deliveries":[${items.join(",")}]}`,
    );
    expect(codesOf(results(answer))).toEqual([
      "success",
      "invalid_request",
      "success",
      "success",
      "invalid_request",
      "success",
    ]);
    const leads = await service.database.sql<{ id: string }[]>`
      select id from leads where id in ('kept-1', 'kept-2', 'lost') order by id`;
    expect(leads.map(({ id }) => id)).toEqual(["kept-1", "kept-2"]);
    await hook.waitFor(4);
  });

  test.concurrent("leads are written in the order of the items, and seen by those behind", async () => {
    const hook = receiver.hook();
    const seen = { webhookUrl: hook.url, format: "raw", leadId: "in-order" };
    const changed = (company: string) => ({ ...seen, lead: { company } });
    const found = await accept([changed("first"), seen, changed("second"), seen]);
    const companies = await Promise.all(
      found.map(async ({ delivery }) => {
        const { payload } = await service.api.read(delivery.id);
        return (payload as { lead: { company: string } }).lead.company;
      }),
    );
    expect(companies).toEqual(["first", "first", "second", "second"]);
  });

  test.concurrent("an ordered endpoint gets the items in their order", async () => {
    const hook = receiver.hook(200, 500, 200);
    const { endpoint } = await register(service.api, {
      url: hook.url,
      ordered: true,
      format: "raw",
    });
    const found = await accept(
      Array.from({ length: 60 }, (_, n) => ({ endpointId: endpoint.id, payload: n })),
    );
    expect(codesOf(found)).toEqual(found.map(() => "success"));
    const arrivals = await hook.waitFor(61);
    const bodies = arrivals.map(({ body }) => Number(body));
    expect(bodies).toEqual([0, 1, 1, ...Array.from({ length: 58 }, (_, n) => n + 2)]);
  });

  test("a repeated batch makes nothing new", async () => {
    const hook = receiver.hook();
    const items = [0, 1, 2].map((n) => deliveryTo(hook, { payload: { n } }));
    const withOwn = [...items, deliveryTo(hook, { idempotencyKey: "of-its-own" })];
    const headers = { "idempotency-key": "batch" };
    const first = await accept(withOwn, headers);
    expect(first.map(({ idempotencyReplayed }) => idempotencyReplayed)).toEqual(
      first.map(() => undefined),
    );
    const rows = await countRows();
    const again = await accept(withOwn, headers);
    expect(again.map(({ delivery }) => delivery.id)).toEqual(
      first.map(({ delivery }) => delivery.id),
    );
    expect(again.map(({ idempotencyReplayed }) => idempotencyReplayed)).toEqual(
      again.map(() => true),
    );
    const changed = await accept([items[0], deliveryTo(hook, { payload: "other" })], headers);
    expect(codesOf(changed)).toEqual(["success", "idempotency_conflict"]);
    expect(changed[1]?.error.details?.[0]?.field).toBe("deliveries[1].idempotencyKey");
    expect(await countRows()).toBe(rows);
    await hook.waitFor(4);
  });

  test.concurrent("one key for two items makes one delivery", async () => {
    const hook = receiver.hook();
    const item = deliveryTo(hook, { idempotencyKey: "twice" });
    const lead = { leadId: "twice", lead: { company: "A" } };
    const inOrder = deliveryTo(hook, { idempotencyKey: "twice in order", ...lead });
    const found = await accept([item, item, inOrder, inOrder]);
    expect(codesOf(found)).toEqual(found.map(() => "success"));
    expect(found.map(({ idempotencyReplayed }) => idempotencyReplayed === true)).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(new Set(found.map(({ delivery }) => delivery.id)).size).toBe(2);
  });

  test.concurrent("a client's items are its own, and only its endpoints are there for it", async () => {
    const hook = receiver.hook();
    const [ours, theirs] = await Promise.all([
      newClient(service.api, "A client with a batch"),
      register(service.api, { url: hook.url }),
    ]);
    const items = [deliveryTo(hook), { endpointId: theirs.endpoint.id, payload: 1 }];
    const found = await accept(items, ours.as.headers);
    expect(codesOf(found)).toEqual(["success", "endpoint_not_found"]);
    expect(found[0]?.delivery).toMatchObject({ clientId: ours.id });
  });

  test.concurrent.each([
    ["[]", "invalid_request"],
    ["{}", "invalid_request"],
    ['{"deliveries":[]}', "invalid_request"],
    ['{"deliveries":{}}', "invalid_request"],
    [`{"deliveries":[${"1,".repeat(1_000)}1]}`, "invalid_request"],
    ['{"deliveries":[{},]}', "invalid_json"],
    [`{"deliveries":[${"[".repeat(20_000)}${"]".repeat(20_000)}]}`, "json_too_deep"],
  ])("a batch that is none is refused as a whole", async (text, code) => {
    const answer = await service.api.post("/webhook-delivery/batch", text);
    expect([answer.status, answer.body.error.code]).toEqual([400, code]);
  });

  test.concurrent("a batch may be as large as twenty payloads", async () => {
    const hook = receiver.hook();
    const large = deliveryTo(hook, { payload: "x".repeat(MAX_PAYLOAD_BYTES - 200) });
    expect(codesOf(await accept(Array.from({ length: 20 }, () => large)))).toEqual(
      Array.from({ length: 20 }, () => "success"),
    );
    const answer = await post(Array.from({ length: 21 }, () => large));
    expect([answer.status, answer.body.error.code]).toEqual([413, "payload_too_large"]);
  });
});
