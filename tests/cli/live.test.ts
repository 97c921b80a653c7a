/** `wd tail` and `wd listen`, and how processes end: as processes against the real service. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findFreePort } from "@webhook-delivery/shared/embedded/processes.ts";
import type { DeliveryJson } from "@webhook-delivery/shared/testing/api.ts";
import { spawnProgram, type TestProcess } from "@webhook-delivery/shared/testing/process.ts";
import {
  holdUntil,
  startReceiver,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import {
  API_KEY,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";
import { createWd, type Started, type Wd } from "./wd.ts";

let service: TestService;
let receiver: Receiver;
let wd: Wd;

beforeAll(async () => {
  [service, receiver] = await Promise.all([startService({ backend: "postgres" }), startReceiver()]);
  wd = wdAt(service.api.url);
});

afterAll(() => Promise.all([service[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]));

function wdAt(url: string): Wd {
  return createWd({ WEBHOOK_DELIVERY_URL: url, WEBHOOK_DELIVERY_API_KEY: API_KEY });
}

const isWaiting = (line: string) => line.startsWith("Waiting for deliveries.");

/** Statuses that a tail has told of a delivery, in order. */
function statusesOf(tail: Started, id: string): string[] {
  return tail.out
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as DeliveryJson)
    .filter((delivery) => delivery.id === id)
    .map(({ status }) => status);
}

describe("wd tail", () => {
  test("prints a line for every state of what is new, and nothing of before", async () => {
    const before = await service.api.deliver({ webhookUrl: receiver.hook().url, payload: {} });
    await service.finished(before.id);
    await using tail = wd.start(["tail"]);
    await tail.note(isWaiting);
    const released = Promise.withResolvers<void>();
    const hook = receiver.hook(holdUntil(released.promise));
    const { id } = await service.api.deliver({ webhookUrl: hook.url, payload: {} });
    await tail.line((line) => line.includes(`${id}  sent `) || line.includes(`${id}  pending `));
    released.resolve();
    const last = await tail.line((line) => line.includes(`${id}  success `));
    expect(last).toMatch(
      /^\d\d:\d\d:\d\d {2}[\da-f-]{36} {2}success {4}1\/4 {4}lead\.captured {2}http.* {2}200$/,
    );
    const ended = await tail.interrupt();
    expect([ended.code, ended.out.includes(before.id)]).toEqual([0, false]);
  });

  test("tells with --failed only of what ends as failed, one JSON value a line", async () => {
    await using tail = wd.start(["tail", "--failed", "--json"]);
    await tail.note(isWaiting);
    const [good, bad] = await Promise.all([
      service.api.deliver({ webhookUrl: receiver.hook().url, payload: {} }),
      service.api.deliver({ webhookUrl: receiver.hook(404).url, payload: {} }),
    ]);
    await tail.line((line) => line.includes(bad.id));
    await Promise.all([good, bad].map(({ id }) => service.finished(id)));
    await tail.interrupt();
    expect([statusesOf(tail, bad.id), statusesOf(tail, good.id)]).toEqual([["failed"], []]);
  });

  test("goes on when the service was restarted, and misses nothing of meanwhile", async () => {
    const env = { ...service.env, PORT: String(await findFreePort()) };
    const startIngest = async (): Promise<TestProcess> => {
      const ingest = await spawnProgram("ingest", env);
      await ingest.waitForEvent("ingest.started");
      return ingest;
    };
    await using ingest = await startIngest();
    await using tail = wdAt(`http://127.0.0.1:${env.PORT}`).start(["tail", "--json"]);
    await tail.note(isWaiting);
    await ingest.kill();
    await tail.note((line) => line.endsWith("Trying again."));
    // The other ingest, which the worker shares, is still there.
    const { id } = await service.api.deliver({ webhookUrl: receiver.hook().url, payload: {} });
    await service.finished(id);
    await using _second = await startIngest();
    await tail.note((line) => line === "The service answers again.");
    await tail.line((line) => line.includes(id));
    expect((await tail.interrupt()).code).toBe(0);
    expect(statusesOf(tail, id)).toEqual(["success"]);
  });
});

interface ArrivalJson {
  readonly webhookId: string;
  readonly signature: { readonly state: string; readonly reason?: string };
  readonly attempt: number;
  readonly eventType: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

const originIn = (note: string): string => /http:\/\/\S+:\d+/.exec(note)?.[0] ?? "";
const isListening = (line: string) => line.startsWith("Listening on ");

describe("wd listen", () => {
  test("says of what the worker sends whether its signature is valid, invalid or absent", async () => {
    const args = ["listen", "--port", "0", "--secret", "old-secret", "--secret", "test-secret"];
    await using listen = wd.start([...args, "--json"]);
    const origin = originIn(await listen.note(isListening));
    const send = (path: string, webhookSecret?: string) =>
      service.api.deliver({
        webhookUrl: `${origin}${path}`,
        payload: { path },
        eventType: "wd.listened",
        ...(webhookSecret !== undefined && { webhookSecret }),
      });
    const [valid, invalid, absent] = await Promise.all([
      send("/valid", "test-secret"),
      send("/invalid", "another-secret"),
      send("/absent"),
    ]);
    const arrivalOf = async ({ id }: DeliveryJson) =>
      JSON.parse(await listen.line((line) => line.includes(id))) as ArrivalJson;
    expect(await arrivalOf(valid)).toMatchObject({
      webhookId: valid.id,
      method: "POST",
      path: "/valid",
      attempt: 1,
      eventType: "wd.listened",
      signature: { state: "valid" },
      body: expect.stringContaining('"data":{"path":"/valid"}'),
    });
    expect((await arrivalOf(invalid)).signature).toMatchObject({
      state: "invalid",
      reason: "no_matching_signature",
    });
    expect((await arrivalOf(absent)).signature).toEqual({ state: "absent" });
    expect((await listen.interrupt()).code).toBe(0);
  });

  test("shows what arrives harmlessly, answers as it was told, and has its secret from the environment", async () => {
    const env = { WEBHOOK_SECRET: "test-secret" };
    await using listen = createWd(env).start(["listen", "--port", "0", "--status", "503"]);
    const origin = originIn(await listen.note(isListening));
    const { id } = await service.api.deliver({
      webhookUrl: `${origin}/a`,
      webhookSecret: "test-secret",
      payload: { text: "\u009b2J\u202e" },
      maxAttempts: 1,
    });
    await service.finished(id);
    expect(await service.api.read(id)).toMatchObject({ status: "failed", responseStatus: 503 });
    await listen.line((line) => line.includes("  signature valid"));
    await listen.line((line) => line.includes('{"text":"\\x9b2J\\u{202e}"}'));
    expect((await listen.interrupt()).out).toMatch(/^[\n\x20-\x7e]*$/);
  });

  test("says in a line that its port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const { code, out, err } = await wd.run(["listen", "--port", String(port)]);
    other.close();
    expect({ code, out, err }).toEqual({
      code: 1,
      out: "",
      err: `error: Port ${port} is in use on 127.0.0.1: choose another with --port.\n`,
    });
  });
});

describe("a process", () => {
  test("that is interrupted while it waits ends with 130 and says that the delivery goes on", async () => {
    await using busy = await startReceiver();
    const hook = busy.hook({ status: 503, headers: { "retry-after": "600" } });
    await using send = wd.start(["send", "--to", hook.url, "--test", "--wait"]);
    await send.line((line) => line.includes(" 503 after "));
    const { code, err } = await send.interrupt();
    expect([code, err]).toEqual([
      130,
      `error: Interrupted; delivery ${hook.arrivedIds()[0]} goes on.\n`,
    ]);
  });

  test("whose reader has seen enough ends quietly", async () => {
    const metadata = { text: "x".repeat(500) };
    const item = { webhookUrl: receiver.hook().url, payload: {}, metadata };
    const deliveries = Array.from({ length: 300 }, () => item);
    await service.api.post("/webhook-delivery/batch", { deliveries });
    const script = `"$0" --import tsx apps/cli/src/main.ts list --all --json | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { PATH, HOME } = process.env;
    const options = {
      env: {
        PATH,
        HOME,
        WEBHOOK_DELIVERY_URL: service.api.url,
        WEBHOOK_DELIVERY_API_KEY: API_KEY,
      },
    };
    const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
      execFile("bash", ["-c", script, process.execPath], options, (_error, out, err) =>
        resolve({ stdout: out, stderr: err }),
      );
    });
    const [first = "", code] = stdout.trimEnd().split("\n");
    expect([Object.keys(JSON.parse(first) as object).includes("id"), code]).toEqual([true, "0"]);
    expect(stderr).toBe("");
  });

  test("writes no colours where nobody looks", async () => {
    const { out } = await wd.run(["list", "--limit", "5"]);
    expect(out).not.toContain("\u001b");
  });
});
