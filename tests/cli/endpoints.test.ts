/** `wd endpoints …`, `publish` and `replay`, as processes against the real service. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../apps/cli/src/run.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import {
  API_KEY,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";
import { createWdHere, type WdHere } from "./here.ts";
import { createWd, type Wd } from "./wd.ts";

let service: TestService;
let receiver: Receiver;
let wd: Wd;
let here: WdHere;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  [service, receiver] = await Promise.all([startService({ backend: "postgres" }), startReceiver()]);
  env = { WEBHOOK_DELIVERY_URL: service.api.url, WEBHOOK_DELIVERY_API_KEY: API_KEY };
  wd = createWd(env);
  here = createWdHere(env);
});

afterAll(() => Promise.all([service[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]));

interface EndpointJson {
  readonly id: string;
  readonly url: string;
  readonly name: string | null;
  readonly status: string;
  readonly eventTypes: readonly string[];
}
interface Created {
  readonly endpoint: EndpointJson;
  readonly secret: string;
}

const create = (url: string, ...more: readonly string[]) =>
  wd.json<Created>(["endpoints", "create", "--url", url, ...more]);

describe("an endpoint", () => {
  test("is made with what it was given, listed, shown and removed", async () => {
    const { url } = receiver.hook();
    const types = ["--event-types", "message.*,lead.captured", "--event-types", "order.made"];
    const { endpoint, secret } = await create(url, "--name", "Örders", ...types);
    expect(endpoint).toMatchObject({ url, name: "Örders", status: "active" });
    expect(endpoint.eventTypes).toEqual(["message.*", "lead.captured", "order.made"]);
    expect(secret).toMatch(/^whsec_/);
    const listed = await wd.run(["endpoints"]);
    expect(listed.code).toBe(0);
    expect(listed.out).toMatch(/^ID +STATUS +SUCCESS +TOTAL +NAME +EVENTS +URL\n/);
    expect(listed.out).toContain(`${endpoint.id}  active`);
    const shown = await wd.run(["endpoints", "show", endpoint.id]);
    expect(shown.out).toContain(`Endpoint ${endpoint.id}\n  status  `);
    expect(shown.out + listed.out).not.toContain(secret);
    const removed = await wd.json(["endpoints", "delete", endpoint.id, "--yes"]);
    expect(removed).toEqual({ id: endpoint.id, cancelled: 0 });
    expect((await wd.run(["endpoints", "show", endpoint.id])).code).toBe(1);
  });

  test("is tested: 0 when it was delivered, 1 when it was not", async () => {
    const [good, bad] = await Promise.all([
      create(receiver.hook().url, "--event-types", "wd.tested"),
      create(receiver.hook(500).url, "--event-types", "wd.tested"),
    ]);
    const args = ["endpoints", "test", good.endpoint.id, "--event-type", "message.received"];
    const delivered = await wd.run(args);
    expect(delivered.code).toBe(0);
    expect(delivered.out).toMatch(/^Delivered: [\da-f-]{36}\n {2}1 .* 200 after \d+ ms\n$/);
    const not = await wd.json<{ delivered: boolean }>(["endpoints", "test", bad.endpoint.id], 1);
    expect(not.delivered).toBe(false);
  });

  test("is made with headers that nobody sees, and changed", async () => {
    const hook = receiver.hook();
    const args = ["endpoints", "create", "--url", hook.url, "--event-types", "wd.changed"];
    const headers = ["--headers", "-", "--header", "X-Kit-Api-Key: kit: key"];
    const made = await here([...args, ...headers, "--metadata", '{"a":1}', "--json"], {
      stdin: '{"x-token":"hidden-token"}',
      env: { WEBHOOK_SECRET: "own-secret" },
    });
    expect(made.code).toBe(0);
    expect(made.err).toBe("The secret is that of WEBHOOK_SECRET.\n");
    const { endpoint, secret } = JSON.parse(made.out) as Created;
    expect(secret).toBe("own-secret");
    expect(made.out).not.toContain("hidden-token");
    expect(await here(["endpoints", "test", endpoint.id])).toMatchObject({ code: 0 });
    expect(hook.arrivals[0]?.headers).toMatchObject({
      "x-kit-api-key": "kit: key",
      "x-token": "hidden-token",
      "x-webhook-event": "wd.changed",
    });

    const update = async (...change: string[]) => {
      const { code, out } = await here(["endpoints", "update", endpoint.id, ...change, "--json"]);
      expect(code).toBe(0);
      return JSON.parse(out) as object;
    };
    const moved = receiver.hook();
    const change = ["--name", "Moved", "--url", moved.url, "--event-types", "", "--format", "raw"];
    const limits = ["--timeout", "3s", "--waits", "1s,2m", "--ordered", "--rate-limit", "5"];
    const kept = ["--header", "x-token: ***", "--disabled"];
    expect(await update(...change, ...limits, ...kept)).toMatchObject({
      name: "Moved",
      url: moved.url,
      eventTypes: [],
      format: "raw",
      timeoutMs: 3_000,
      retryScheduleSeconds: [1, 120],
      ordered: true,
      rateLimitPerSecond: 5,
      status: "disabled",
      headers: { "x-token": "***" },
      metadata: { a: 1 },
    });
    expect(
      await update(
        "--unset",
        "name,waits,timeout,metadata,rate-limit",
        "--no-ordered",
        "--enabled",
      ),
    ).toMatchObject({
      name: null,
      retryScheduleSeconds: null,
      timeoutMs: null,
      metadata: null,
      rateLimitPerSecond: null,
      ordered: false,
      status: "active",
    });
    await here(["endpoints", "test", endpoint.id]);
    expect(moved.arrivals[0]?.headers).toMatchObject({ "x-token": "hidden-token" });
    expect(moved.arrivals[0]?.headers).not.toHaveProperty("x-kit-api-key");
    // It would hear of everything that other tests publish.
    await here(["endpoints", "delete", endpoint.id, "--yes"]);
  });

  test("is disabled, enabled and given a new secret", async () => {
    const { endpoint, secret } = await create(receiver.hook().url, "--event-types", "wd.nothing");
    const { id, url } = endpoint;
    const off = await wd.run(["endpoints", "disable", id]);
    expect(off.out).toBe(`${id}  disabled  ${url}\n`);
    const json = async (...args: string[]) =>
      JSON.parse((await here([...args, "--json"])).out) as object;
    const missed = { deliveries: 0 };
    expect(await json("endpoints", "enable", id)).toMatchObject({ id, status: "active", missed });
    expect(await json("endpoints", "disable", id)).toMatchObject({ id, status: "disabled" });
    const updated = await json("endpoints", "update", id, "--enabled");
    expect(updated).toMatchObject({ id, status: "active" });
    expect(await json("endpoints", "show", id)).toMatchObject({ id, status: "active" });
    const args = ["endpoints", "rotate-secret", endpoint.id, "--grace", "2h"];
    const { code, out } = await wd.run(args);
    expect(code).toBe(0);
    expect(out).toMatch(
      /The old secret signs as well until \d{4}-.*Z\.\n\nSecret .*: whsec_\S+\n$/,
    );
    expect(out).not.toContain(secret);
  });

  test("is not removed by who answers no", async () => {
    const { endpoint } = await create(receiver.hook().url);
    const removal = async (answer: string) => {
      const asked: string[] = [];
      const exitCode = await run(["endpoints", "delete", endpoint.id], {
        env,
        writeOut: () => undefined,
        writeErr: () => undefined,
        columns: 80,
        paint: (_style, text) => text,
        developmentKey: () => undefined,
        developmentUrl: () => undefined,
        readStdin: () => Promise.resolve(""),
        ask: async (question) => {
          asked.push(question);
          return answer;
        },
        signal: new AbortController().signal,
      });
      return { exitCode, asked };
    };
    const question = `Remove ${endpoint.id} (${endpoint.url})? y/N `;
    expect(await removal("")).toEqual({ exitCode: 1, asked: [question] });
    expect((await wd.run(["endpoints", "show", endpoint.id])).code).toBe(0);
    expect(await removal("y")).toEqual({ exitCode: 0, asked: [question] });
    expect((await wd.run(["endpoints", "show", endpoint.id])).code).toBe(1);
  });
});

test("an event is published to who subscribes, and what failed is replayed with its progress", async () => {
  const hook = receiver.hook(400, 200);
  const { endpoint } = await create(hook.url, "--event-types", "wd.published");
  const event = ["publish", "wd.published", "--data", '{"n":1}', "--event-id", "wd-event-1"];
  const published = await wd.json<{ eventId: string; deliveries: string[] }>(event);
  expect(published).toMatchObject({ eventId: "wd-event-1", deliveries: [expect.any(String)] });
  const [id = ""] = published.deliveries;
  await service.finished(id);
  const args = ["replay", "--since", "1h", "--endpoint", endpoint.id, "--wait"];
  const { code, out } = await wd.run([...args, "--rate", "50"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^Replay [\da-f-]{36}\n/);
  expect(out).toMatch(/ {2}completed: 1 of 1 started again\n$/);
  const [, second] = await hook.waitFor(2);
  expect(second?.headers["webhook-id"]).toBe(id);
  const replay = await wd.json(["replay", "--since", "1h", "--endpoint", endpoint.id]);
  expect(replay).toMatchObject({ endpointId: endpoint.id, deliveryStatus: "failed" });
});
