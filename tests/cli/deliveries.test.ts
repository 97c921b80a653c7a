/** `wd send`, `list`, `show`, `retry`, `cancel` and `stats`, as processes against the real service. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AttemptJson, DeliveryJson } from "@webhook-delivery/shared/testing/api.ts";
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

beforeAll(async () => {
  [service, receiver] = await Promise.all([
    startService({ backend: "postgres", env: { RETRY_SCHEDULE_SECONDS: "0.2,0.2" } }),
    startReceiver(),
  ]);
  const env = { WEBHOOK_DELIVERY_URL: service.api.url, WEBHOOK_DELIVERY_API_KEY: API_KEY };
  wd = createWd(env);
  here = createWdHere(env);
});

afterAll(() => Promise.all([service[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]));

type Whole = DeliveryJson & { readonly attempts: readonly AttemptJson[] };
interface Page {
  readonly deliveries: readonly DeliveryJson[];
  readonly total: number;
  readonly nextCursor: string | null;
}
/** It holds for everything at the receiver's address: a receiver of its own answers so. */
const LATER = { status: 503, headers: { "retry-after": "600" } };
const NO_SUCH_ID = "00000000-0000-7000-8000-000000000000";

describe("wd send", () => {
  test("sends a sample, waits for it and says how each attempt went", async () => {
    const hook = receiver.hook(500, { status: 200, body: "thanks \u001b[2J" });
    const args = ["send", "--to", hook.url, "--secret", "test-secret", "--test", "--wait"];
    const { code, out, err } = await wd.run(args);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^Accepted: [\da-f-]{36}$/);
    expect(lines[1]).toMatch(/^ {2}1 .* 500 after \d+ ms: .*/);
    expect(lines[2]).toMatch(/^ {2}2 .* 200 after \d+ ms$/);
    expect(lines.slice(3)).toEqual(["     | thanks \\x1b[2J", "success"]);
    expect(hook.arrivals[0]?.headers["webhook-signature"]).toMatch(/^v1,/);
  });

  test("ends with 1 and one JSON value when the delivery failed", async () => {
    const { url } = receiver.hook(400);
    const args = ["send", "--to", url, "--test", "--max-attempts", "1", "--wait"];
    const delivery = await wd.json<Whole>(args, 1);
    expect(delivery).toMatchObject({ status: "failed", responseStatus: 400, maxAttempts: 1 });
    expect(delivery.attempts).toHaveLength(1);
  });

  test("takes a payload from a file and from standard input, as it is spelled", async () => {
    const hook = receiver.hook();
    const payload = '{"price":1.0,"id":12345678901234567890,"text":"Grüße"}';
    const folder = mkdtempSync(join(tmpdir(), "wd-send-"));
    try {
      writeFileSync(join(folder, "payload.json"), `${payload}\n`);
      const to = ["send", "--to", hook.url, "--format", "raw", "--event-type", "order.made"];
      const sent = await Promise.all([
        wd.run([...to, "--payload", `@${join(folder, "payload.json")}`]),
        wd.run([...to, "--payload", "-"], payload),
      ]);
      expect(sent.map(({ code, err }) => [code, err])).toEqual([
        [0, ""],
        [0, ""],
      ]);
      const arrivals = await hook.waitFor(2);
      expect(arrivals.map(({ body }) => body)).toEqual([payload, payload]);
      expect(arrivals[0]?.headers["x-webhook-event"]).toBe("order.made");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("sends once what has the same idempotency key, and a lead with its campaign", async () => {
    const hook = receiver.hook();
    await service.api.send("PUT", "/leads/lead-of-wd", { email: "ada@example.com" });
    const args = ["send", "--to", hook.url, "--lead", "lead-of-wd", "--campaign", "Spring"];
    const once = await wd.json<DeliveryJson>([...args, "--idempotency-key", "wd-1"]);
    const twice = await wd.json<DeliveryJson>([...args, "--idempotency-key", "wd-1"]);
    expect(twice.id).toBe(once.id);
    const [arrival] = await hook.waitFor(1);
    expect(JSON.parse(arrival?.body ?? "")).toMatchObject({
      data: { lead: { email: "ada@example.com" }, campaign: { name: "Spring" } },
    });
    await service.finished(once.id);
    expect(hook.arrivals).toHaveLength(1);
  });

  test("takes custom fields and metadata, and its secret from the environment", async () => {
    const hook = receiver.hook();
    const more = ["--custom-fields", '{"plan":"pro"}', "--metadata", "-", "--json"];
    const { code, out } = await here(["send", "--to", hook.url, "--test", ...more], {
      stdin: '{"order":4711}',
      env: { WEBHOOK_SECRET: "test-secret" },
    });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ metadata: { order: 4711 } });
    const [arrival] = await hook.waitFor(1);
    expect(JSON.parse(arrival?.body ?? "")).toMatchObject({
      data: { customFields: { plan: "pro" } },
    });
    expect(arrival?.headers["webhook-signature"]).toMatch(/^v1,/);
  });

  test("gives up waiting after --timeout with 4, and says which delivery goes on", async () => {
    await using busy = await startReceiver();
    const hook = busy.hook(LATER);
    const args = ["send", "--to", hook.url, "--test", "--wait", "--timeout", "1s", "--json"];
    const { code, out, err } = await wd.run(args);
    const [id] = hook.arrivedIds();
    expect({ code, out }).toEqual({ code: 4, out: "" });
    const { error } = JSON.parse(err) as { error: { code: string; message: string } };
    expect(error).toMatchObject({ code: "timeout", message: expect.stringContaining(String(id)) });
  });

  test("tells what the service refused, field by field", async () => {
    const args = ["send", "--to", "http://10.0.0.1/", "--test"];
    const { code, out, err } = await wd.run(args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^error: .+ \(body\.webhookUrl\)\n$/);
    const several = await here([
      "send",
      "--to",
      "http://localhost:4000",
      "--test",
      "--format",
      "foo",
    ]);
    expect(several.err).toMatch(
      /^error: The request does not fit the API\.\n {2}body\.format: must be one of: auto, standard, /,
    );
    const asJson = await wd.run([...args, "--json"]);
    expect(JSON.parse(asJson.err)).toMatchObject({
      error: { code: "address_refused", details: [{ field: "body.webhookUrl" }] },
    });
  });
});

describe("past deliveries", () => {
  const HOSTILE = "\u001b]0;owned\u0007\u009b2J\u202e";
  let failed: readonly string[];
  let pending: string;
  let busy: Receiver;

  beforeAll(async () => {
    const { url } = receiver.hook({ status: 404, body: HOSTILE });
    const wanted = { webhookUrl: url, payload: { text: HOSTILE }, eventType: "wd.list" };
    const made = await Promise.all([1, 2, 3].map(() => service.api.deliver(wanted)));
    failed = made.map(({ id }) => id);
    await Promise.all(failed.map((id) => service.finished(id)));
    busy = await startReceiver();
    pending = (await service.api.deliver({ ...wanted, webhookUrl: busy.hook(LATER).url })).id;
    await service.attempted(pending, 1);
  });

  afterAll(() => busy[Symbol.asyncDispose]());

  test("are listed as a table that holds nothing a terminal would act on", async () => {
    const { code, out, err } = await wd.run(["list", "--event-type", "wd.list", "--limit", "2"]);
    const [heading, ...rows] = out.trimEnd().split("\n");
    expect(heading).toMatch(/^ID +STATUS +TRIES +AGE +EVENT +URL +RESULT$/);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(new RegExp(`^${pending}  pending  1/3 .* 503, .*next in \\d+[ms]$`));
    expect([code, err]).toEqual([0, "2 of 4; more with --limit or --all.\n"]);
    expect(out).toMatch(/^[\n\x20-\x7e]*$/);
  });

  test("are listed as JSON by state and time, a page or all of them one a line", async () => {
    const args = ["list", "--failed", "--event-type", "wd.list", "--since", "1h"];
    const page = await wd.json<Page>([...args, "--limit", "2"]);
    expect([page.deliveries.length, page.total, page.nextCursor !== null]).toEqual([2, 3, true]);
    const { out } = await wd.run([...args, "--all", "--json"]);
    const all = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as DeliveryJson);
    expect(all.map(({ id }) => id).toSorted()).toEqual(failed.toSorted());
    const none = await wd.run([...args.slice(0, -1), "0s"]);
    expect(none).toEqual({ code: 0, out: "", err: "No deliveries.\n" });
  });

  test("are shown whole, with payload and attempts, harmless to a terminal", async () => {
    const [id = ""] = failed;
    const { code, out } = await wd.run(["show", id]);
    expect(code).toBe(0);
    expect(out).toContain(`Delivery ${id}\n  status    failed, 1/3 attempts`);
    expect(out).toContain("\\x1b]0;owned\\x07\\x9b2J\\u{202e}");
    expect(out).toMatch(/^[\n\x20-\x7e]*$/);
    const asJson = await wd.run(["show", id, "--json"]);
    expect(asJson.out).toMatch(/^[\n\x20-\x7e]*$/);
    expect(JSON.parse(asJson.out)).toMatchObject({
      id,
      payload: { text: HOSTILE },
      attempts: [{ attemptNumber: 1, responseBody: HOSTILE }],
    });
    const unknown = await wd.run(["show", NO_SUCH_ID]);
    expect(unknown).toEqual({ code: 1, out: "", err: "error: There is no such delivery.\n" });
  });

  test("are started again, and one refusal neither stops the others nor is kept quiet", async () => {
    const [first = "", second = ""] = failed;
    const args = ["retry", first, pending, second, "--json"];
    const { code, out, err } = await wd.run(args);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject([
      { id: first, delivery: { status: "pending" } },
      { id: pending, error: { code: "not_retryable" } },
      { id: second, delivery: { status: "pending" } },
    ]);
    // The result says it.
    expect(err).toBe("");
    await Promise.all([first, second].map((id) => service.attempted(id, 2)));
  });

  test("are started again by the ids on standard input, with words for people", async () => {
    const [, , third = ""] = failed;
    const { code, out, err } = await here(["retry", "-"], { stdin: `${third}\n${pending}\r\n\n` });
    expect([code, out]).toEqual([1, `${third}  started again\n`]);
    expect(err).toMatch(new RegExp(`^${pending}  not_retryable: .+\n$`));
    await service.attempted(third, 2);
  });

  test("are cancelled while they are pending", async () => {
    const cancelled = await wd.run(["cancel", pending]);
    expect(cancelled).toEqual({ code: 0, out: `${pending}  cancelled\n`, err: "" });
    expect((await service.api.read(pending)).status).toBe("cancelled");
    expect((await wd.run(["cancel", pending])).code).toBe(1);
  });

  test("are counted", async () => {
    const { code, out } = await wd.run(["stats", "--days", "1"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Now\n {2}waiting +\d+/);
    expect(out).toContain("Last day (since ");
    const stats = await wd.json<{ deliveries: { total: number } }>(["stats"]);
    expect(stats.deliveries.total).toBeGreaterThanOrEqual(4);
  });
});

test("a key that the service does not know is told as that, and not repeated", async () => {
  const args = ["list", "--api-key", "some-other-key"];
  const { code, out, err } = await wd.run(args);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toContain("Set WEBHOOK_DELIVERY_API_KEY to a key that this service knows.");
  expect(err).not.toContain("some-other-key");
});
