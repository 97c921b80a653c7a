/** How many requests a key may make in a second. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiAnswer, RequestOptions } from "@webhook-delivery/shared/testing/api.ts";
import { bodyOf } from "@webhook-delivery/shared/testing/registry.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";

const OPERATORS_LIMIT = 20;
const OWN_LIMIT = 3;

let service: TestService;
beforeAll(async () => {
  const env = { API_RATE_LIMIT_PER_SECOND: String(OPERATORS_LIMIT) };
  service = await startService({ backend: "postgres", workers: 0, env });
});
afterAll(() => service[Symbol.asyncDispose]());

interface Made {
  readonly client: { readonly id: string };
  readonly apiKey: string;
  readonly key: { readonly requestsPerSecond: number | null };
}

async function newKey(requestsPerSecond: number | null): Promise<RequestOptions> {
  const made = bodyOf<Made>(
    await service.api.post("/clients", { name: "limited", requestsPerSecond }),
    201,
  );
  expect(made.key.requestsPerSecond).toBe(requestsPerSecond);
  return { headers: { authorization: `Bearer ${made.apiKey}` } };
}

async function askAtOnce(count: number, as?: RequestOptions): Promise<readonly ApiAnswer[]> {
  return Promise.all(Array.from({ length: count }, () => service.api.get("/event-types", as)));
}

/** What comes at once may fall into two seconds. */
function expectLimited(answers: readonly ApiAnswer[], limit: number): void {
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(answers.length - 2 * limit);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(limit);
  for (const { headers, body } of refused) {
    expect(headers.get("retry-after")).toBe("1");
    expect(body).toMatchObject({ status: "error", error: { code: "rate_limited" } });
  }
}

describe("the limit of requests", () => {
  test("is one of each key, its own where it has one", async () => {
    const [own, others] = [await newKey(OWN_LIMIT), await newKey(null)];
    const [limited, asConfigured] = await Promise.all([askAtOnce(30, own), askAtOnce(80, others)]);
    expectLimited(limited, OWN_LIMIT);
    expectLimited(asConfigured, OPERATORS_LIMIT);
    expect((await service.api.get("/event-types")).status).toBe(200);
  });

  test("is over after a second", async () => {
    const own = await newKey(OWN_LIMIT);
    expectLimited(await askAtOnce(30, own), OWN_LIMIT);
    await expect.poll(async () => (await service.api.get("/event-types", own)).status).toBe(200);
  });

  test("refuses before anything is written", async () => {
    const own = await newKey(1);
    const lead = (n: number) =>
      service.api.send("PUT", `/leads/lead-${n}`, { email: "a@b.c" }, own);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => lead(n)));
    const taken = answers.filter(({ status }) => status < 300).length;
    expect(taken).toBeLessThanOrEqual(2);
    const [row] = await service.database.sql<{ count: number }[]>`
      select count(*)::int as count from leads`;
    expect(row?.count).toBe(taken);
  });

  test("is not there for what answers without a key", async () => {
    const urls = Array.from({ length: 60 }, () => fetch(`${service.api.url}/healthz`));
    for (const { status } of await Promise.all(urls)) expect(status).toBe(200);
  });

  test.each([0, -1, 1.5, "5"])("of %j is refused", async (requestsPerSecond) => {
    const answer = await service.api.post("/clients", { name: "c", requestsPerSecond });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe("invalid_request");
  });
});
