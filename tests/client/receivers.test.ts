/** Each of examples/receivers as its readers run it: the real worker delivers, forgers are turned away. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient, type Client } from "@webhook-delivery/client";
import { sign } from "@webhook-delivery/shared/core/signing.ts";
import { standardSecret } from "@webhook-delivery/shared/testing/factories.ts";
import {
  API_KEY,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";
import { startExample, type ReceiverProcess } from "./receiver-process.ts";

const NEXTJS = fileURLToPath(new URL("nextjs-server.ts", import.meta.url));
const TSX = ["--import", "tsx"];
const EXAMPLES: readonly [string, string, readonly string[]][] = [
  ["Express", process.execPath, [...TSX, "examples/receivers/express.ts"]],
  ["Fastify", process.execPath, [...TSX, "examples/receivers/fastify.ts"]],
  ["Hono", process.execPath, [...TSX, "examples/receivers/hono.ts"]],
  ["Next.js", process.execPath, [...TSX, NEXTJS]],
  ["Python", "python3", ["examples/receivers/receiver.py"]],
];
/** Beyond the tolerance of 300, also when a second or two pass meanwhile. */
const OFF_SECONDS = 330;

let service: TestService;
let client: Client;

beforeAll(async () => {
  service = await startService({ backend: "postgres" });
  client = createClient({ url: service.api.url, apiKey: API_KEY });
});

afterAll(() => service[Symbol.asyncDispose]());

function isInstalled(command: string): boolean {
  return spawnSync(command, ["--version"]).status === 0;
}

describe.for(EXAMPLES)("%s", ([, command, args]) => {
  const isThere = isInstalled(command);
  const secret = standardSecret();
  let receiver: ReceiverProcess;

  beforeAll(async () => {
    if (isThere) receiver = await startExample(command, args, secret);
  });
  afterAll(() => receiver?.[Symbol.asyncDispose]());

  /** What the service would send now, or at another time. */
  function signed(body: string, secondsAgo = 0) {
    const id = randomUUID();
    const timestamp = Math.floor(Date.now() / 1_000) - secondsAgo;
    const { standard = "", plain = "" } = sign({ id, timestamp, body }, [secret]) ?? {};
    return {
      standard: {
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": standard,
      },
      plain: { "x-webhook-signature": plain, "x-webhook-timestamp": String(timestamp) },
    };
  }

  async function post(body: string, headers: Record<string, string>): Promise<number> {
    const answer = await fetch(receiver.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
    await answer.arrayBuffer();
    return answer.status;
  }

  test.runIf(isThere)("takes what the worker delivers, and does it once", async () => {
    // More than a framework's usual limit of 100 kB.
    const payload = { text: "Zoë 🦊 ".repeat(15_000) };
    const { id } = await client.deliver({
      webhookUrl: receiver.url,
      webhookSecret: secret,
      payload,
      format: "raw",
      eventType: "message.received",
    });
    await service.finished(id);
    expect(await client.deliveries.get(id)).toMatchObject({
      status: "success",
      responseStatus: 204,
    });
    const line = await receiver.waitFor(id);
    const expected = `handled ${id} message.received `;
    expect(line.slice(0, expected.length)).toBe(expected);
    expect(isDeepStrictEqual(JSON.parse(line.slice(expected.length)), payload)).toBe(true);

    await client.deliveries.retry(id);
    await service.attempted(id, 2);
    expect(await client.deliveries.get(id)).toMatchObject({ status: "success", attempt: 2 });
    expect(receiver.handled().filter((one) => one.includes(id))).toHaveLength(1);
  });

  test.runIf(isThere)("takes the plain signature where it is alone", async () => {
    const body = '{"from":"the plain family"}';
    const { plain } = signed(body);
    expect(await post(body, plain)).toBe(204);
    await receiver.waitFor(plain["x-webhook-signature"]);
  });

  test.runIf(isThere)("turns away whatever is not signed, changed or old", async () => {
    const body = '{"amount":1}';
    const { standard, plain } = signed(body);
    const old = signed(body, OFF_SECONDS);
    const ahead = signed(body, -OFF_SECONDS);
    const before = receiver.handled().length;
    expect({
      tampered: await post('{"amount":2}', { ...standard, ...plain }),
      tamperedPlain: await post('{"amount":2}', plain),
      old: await post(body, old.standard),
      oldPlain: await post(body, old.plain),
      ahead: await post(body, ahead.standard),
      unsigned: await post(body, {}),
      weaker: await post(body, { ...standard, ...plain, "webhook-signature": "v1,AAAA" }),
      empty: await post("", standard),
    }).toEqual({
      tampered: 401,
      tamperedPlain: 401,
      old: 401,
      oldPlain: 401,
      ahead: 401,
      unsigned: 401,
      weaker: 401,
      empty: 401,
    });
    expect(await post(body, standard)).toBe(204);
    await receiver.waitFor(standard["webhook-id"]);
    expect(receiver.handled()).toHaveLength(before + 1);
  });
});
